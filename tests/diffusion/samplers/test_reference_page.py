"""docs/reference/samplers.md: its table is the samplers' table, and its formulas are the samplers."""

import math
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from garasu.diffusion import SAMPLERS, Schedule, start
from garasu.diffusion.spacing import SPACINGS

PAGE = (Path(__file__).parents[3] / "docs/reference/samplers.md").read_text(encoding="utf-8")
OURS = PAGE[: PAGE.index("## Other tools' names")]
ROWS = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in OURS.splitlines() if line.startswith("| `")]
DEFAULTS = {row[0]: row[1:] for row in ROWS if len(row) == 6}
FORMULAS = {row[0]: row[1] for row in ROWS if row[0] in SAMPLERS and len(row) == 3}
LETTERS = re.findall(r"`(\w+) = ([^`]+)`", PAGE[PAGE.index("## One step") : PAGE.index("## Which levels")])
DEFINED = dict(reversed(LETTERS))  # the first of several, which is the general one
LEVELS = [9 / (1 + index) ** 1.2 for index in range(17)]  # down to 0.3; no two strides in log σ agree
ETA = 0.6
ASK_TWICE = {"heun": "σ2", "dpm2": "μ", "dpm2_a": "μd", "dpmpp_2s_a": "μd", "dpmpp_sde": "μ"}  # and where
BEGIN_OTHERWISE = ("plms", "restart")


def integral(points: list[tuple[float, torch.Tensor]], low: float, high: float) -> torch.Tensor:
    """Of the polynomial through ``points``."""
    at, values = [point[0] for point in points], np.stack([point[1].numpy().ravel() for point in points])
    powers = np.linalg.solve(np.vander(at, increasing=True), values)
    span = [(high**power - low**power) / power for power in range(1, len(points) + 1)]
    return torch.from_numpy(span @ powers).reshape(points[0][1].shape)


FUNCTIONS = {"sqrt": math.sqrt, "log": math.log, "exp": math.exp, "integral": integral}


class Names(dict):
    """The numbers of a step; a letter that is not given is worked out as the page defines it."""

    def __missing__(self, letter: str):
        self[letter] = self.value(DEFINED[letter])
        return self[letter]

    def value(self, formula: str):
        return eval(formula, {}, _Scope(self))


class _Scope(dict):
    """What ``eval`` sees: functions first, then the names."""

    def __init__(self, names: Names) -> None:
        super().__init__(FUNCTIONS)
        self.names = names

    def __missing__(self, letter: str):
        return self.names[letter]


def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
    return torch.tanh(x) / (1 + sigma)


def answers(name: str) -> tuple[list[tuple], list[torch.Tensor]]:
    """The questions with their answers (sigma, x, x0) over LEVELS, the last x at the end, and the noise drawn."""
    generator, drawn = torch.Generator().manual_seed(0), []

    def draw():
        drawn.append(torch.randn(1, 2, 3, 3, generator=generator, dtype=torch.float64))
        return drawn[-1]

    eta = ETA if SAMPLERS[name].eta else 0.0
    x = 5 * torch.randn(1, 2, 3, 3, generator=generator, dtype=torch.float64)
    questions = SAMPLERS[name].run(torch.tensor(LEVELS, dtype=torch.float64), x, draw, eta=eta)
    x, sigma = next(questions)
    asked = []
    while True:
        asked.append((sigma, x, denoise(x, sigma)))
        try:
            x, sigma = questions.send(asked[-1][1:])
        except StopIteration as end:
            return [*asked, (LEVELS[-1], end.value, None)], drawn


def same(got: torch.Tensor, expected: torch.Tensor) -> bool:
    return torch.allclose(got, expected, rtol=1e-9, atol=1e-11)


def remember(names: Names, past: list[Names]) -> None:
    """Give ``names`` what earlier steps knew, and the formulas that the page has for steps that have no such past."""
    for back, one in enumerate(reversed(past[-3:]), start=1):
        names |= {f"e{back}": one["e"], f"h{back}": one["h"], f"x{back}": one["x0"]}
    if past:
        names |= {"σ_last": past[-1]["σ"], "D_last": past[-1]["D"]}
    names["P"] = [(one["σ"], one["e"]) for one in [*past, names][-4:]]
    if not past:
        names |= {"D": names["x0"], "T": names["x0"], "C": 0, "D_last": 0, "σ_last": names["σ"], "e1": 0, "h1": 1}
    if len(past) == 1:
        early = dict(re.findall(r"second\s+step (?:has )?`(\w) = ([^`]+)`", PAGE))
        assert set(early) == {"T", "C"}
        names |= {letter: names.value(formula) for letter, formula in early.items()}


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name not in (*ASK_TWICE, *BEGIN_OTHERWISE)])
def test_the_formula_is_the_sampler(name):
    asked, drawn = answers(name)
    past = []
    for index, ((sigma, x, x0), (next_sigma, got, _)) in enumerate(pairwise(asked)):
        names = Names(
            {"x": x, "x0": x0, "σ": sigma, "σ2": next_sigma, "eta": ETA, "z": drawn[index] if drawn else None}
        )
        remember(names, past)
        if name == "deis" and not past:
            names["e1"] = names["e"]  # then its second part is 0, and it is Euler's step
        assert same(got, names.value(FORMULAS[name])), index
        past.append(names)
    assert len(past) == 16


@pytest.mark.parametrize(("name", "where"), ASK_TWICE.items())
def test_the_formula_is_the_sampler_that_asks_twice(name, where):
    asked, drawn = answers(name)
    for index, ((sigma, x, x0), (middle, y, y0), (next_sigma, got, _)) in enumerate(
        zip(asked[::2], asked[1::2], asked[2::2], strict=False)
    ):
        names = Names({"x": x, "x0": x0, "y": y, "y0": y0, "σ": sigma, "σ2": next_sigma})
        if drawn:
            names["z"], names["z2"] = drawn[2 * index : 2 * index + 2] if name == "dpmpp_sde" else (drawn[index], None)
        assert middle == pytest.approx(names.value(where))
        guess = FORMULAS["ddpm" if name == "dpmpp_sde" else "euler"]
        assert same(y, Names({**names, "σ2": middle, "σu": Names(σ=sigma, σ2=middle)["σu"]}).value(guess))
        assert same(got, names.value(FORMULAS[name]))


def test_the_formulas_are_plms():
    asked, _ = answers("plms")
    (sigma, x, x0), (next_sigma, y, y0), *_ = asked
    names = Names({"x": x, "x0": x0, "y": y, "y0": y0, "σ": sigma, "σ2": next_sigma})
    remember(names, [])
    assert same(y, names.value(FORMULAS["euler"]))
    assert same(asked[2][1], names.value(FORMULAS["heun"]))
    early = re.search(r"`plms` begins with a step of `heun` and then uses `(.+?)` and `(.+?)`", PAGE)
    past = [names]
    for (sigma, x, x0), (next_sigma, got, _) in pairwise(asked[2:]):
        names = Names({"x": x, "x0": x0, "σ": sigma, "σ2": next_sigma})
        remember(names, past)
        mixed = FORMULAS["plms"] if len(past) > 2 else f"x + (σ2 - σ) * {early[len(past)]}"
        assert same(got, names.value(mixed))
        past.append(names)
    assert len(past) == 16


def test_the_formulas_are_restart():
    asked, (z,) = answers("restart")
    upwards = re.search(r"`restart` goes up by `(.+?)`", PAGE)[1]
    steps = list(pairwise(asked))
    (up,) = [index for index, (one, following) in enumerate(steps) if following[0] > one[0]]
    # The last level before it goes up is asked for as the end of a step, whose own end is not: work it out.
    (sigma, x, x0), (low, y, y0), (high, got, _) = asked[up - 1 : up + 2]
    end = Names({"x": x, "x0": x0, "y": y, "y0": y0, "σ": sigma, "σ2": low}).value(FORMULAS["restart"])
    assert same(got, Names({"x": end, "σ": low, "σ2": high, "z": z}).value(upwards))
    assert (low, high) == (LEVELS[-1], next(level for level in LEVELS if level <= 2))
    for part in (asked[: up + 1], asked[up + 1 :]):
        for (sigma, x, x0), (low, y, y0), (_, got, _) in zip(part[::2], part[1::2], part[2::2], strict=False):
            names = Names({"x": x, "x0": x0, "y": y, "y0": y0, "σ": sigma, "σ2": low})
            assert same(got, names.value(FORMULAS["restart"]))


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_defaults_are_the_table(name):
    sampler = SAMPLERS[name]
    spacing, final, calls, noise, first = DEFAULTS[name]
    assert (sampler.spacing, {"zero": "0", "min": "σ_min"}[sampler.final]) == (spacing, final)
    sigmas = sampler.sigmas(Schedule.scaled_linear(), 7)
    again = int(((sigmas >= 0.1) & (sigmas <= 2)).sum()) - 1
    counts = {"S": 7, "S + 1": 8, "2S − 1": 13, "2S − 1 + 2R": 13 + 2 * again}
    assert sampler.evaluations(sigmas) == counts[calls]
    assert float(start(sampler, torch.ones(1), 3.0)) == pytest.approx({"√(1+σ²)·noise": 10**0.5, "σ·noise": 3}[first])
    draws = {"once, when it restarts": 1, "every step but the last": 16, "every step but the last, twice": 32}
    assert len(answers(name)[1]) == (16 if sampler.eta else draws.get(noise, 0))
    assert noise in draws or noise.startswith("none")


def test_the_page_tells_every_name_once():
    assert list(DEFAULTS) == list(FORMULAS) == list(SAMPLERS)
    assert [row[0] for row in ROWS if len(row) == 2] == list(SPACINGS)
    assert f"σ_max = {float(Schedule.scaled_linear().sigmas[-1]):.2f}" in PAGE
    assert f"lowest trained level, {float(Schedule.scaled_linear().sigmas[0]):.4f}" in PAGE


def test_samplers_round_and_leave_out_a_level_as_the_page_says():
    assert all(sampler.whole == (sampler.start == "vp") for sampler in SAMPLERS.values())
    listed = re.search(r"whole timesteps\. ((?:`\w+`[, and\s]*)+)lay out", PAGE)[1]
    assert re.findall(r"`(\w+)`", listed) == [name for name, sampler in SAMPLERS.items() if sampler.skip_lowest]
