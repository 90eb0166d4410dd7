"""docs/reference/samplers.md: its table is the samplers' table, and its formulas are the samplers."""

import math
import re
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from garasu.diffusion import SAMPLERS, Schedule, start

PAGE = (Path(__file__).parents[3] / "docs/reference/samplers.md").read_text(encoding="utf-8")
ROWS = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| `")]
DEFAULTS = {row[0]: row[1:] for row in ROWS if len(row) == 6}
FORMULAS = {row[0]: row[1] for row in ROWS if row[0] in SAMPLERS and len(row) == 3}
S, D = re.search(r"`s = (.+?)`", PAGE)[1], re.search(r"`D = (.+?)` with", PAGE)[1]
H = re.search(r"`h = (.+?)`", PAGE)[1]
LEVELS = [9.0, 4.0, 1.0, 0.3]
ETA = 0.6


def value(formula: str, names: dict) -> torch.Tensor:
    return eval(formula, {"sqrt": math.sqrt, "log": math.log}, names)


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


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "heun"])
def test_the_formula_is_the_sampler(name):
    asked, drawn = answers(name)
    last = None
    for index, ((sigma, x, x0), (next_sigma, got, _)) in enumerate(pairwise(asked)):
        names = {"x": x, "x0": x0, "σ": sigma, "σ2": next_sigma, "eta": ETA, "z": drawn[index] if drawn else None}
        names |= {"s": value(S, names), "h": value(H, names), "D": x0}
        if last:
            names["D"] = value(D, names | {"x0_last": last["x0"], "h_last": last["h"]})
        assert torch.allclose(got, value(FORMULAS[name], names), rtol=1e-10)
        last = names


def test_the_formula_is_heun():
    asked, _ = answers("heun")
    for (sigma, x, x0), (next_sigma, y, y0), (_, got, _) in zip(asked[::2], asked[1::2], asked[2::2], strict=False):
        names = {"x": x, "x0": x0, "y": y, "y0": y0, "σ": sigma, "σ2": next_sigma}
        assert torch.allclose(y, value(FORMULAS["euler"], names), rtol=1e-10)
        assert torch.allclose(got, value(FORMULAS["heun"], names), rtol=1e-10)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_defaults_are_the_table(name):
    sampler = SAMPLERS[name]
    spacing, final, calls, noise, first = DEFAULTS[name]
    assert (sampler.spacing, {"zero": "0", "min": "σ_min"}[sampler.final]) == (spacing, final)
    assert sampler.evaluations(7) == {"S": 7, "2S − 1": 13}[calls]
    assert float(start(sampler, torch.ones(1), 3.0)) == pytest.approx({"√(1+σ²)·noise": 10**0.5, "σ·noise": 3}[first])
    assert bool(answers(name)[1]) == (not noise.startswith("none") or sampler.eta)


def test_the_page_tells_every_name_once():
    assert list(DEFAULTS) == list(FORMULAS) == list(SAMPLERS)
    assert f"σ_max = {float(Schedule.scaled_linear().sigmas[-1]):.2f}" in PAGE
    assert f"lowest trained level, {float(Schedule.scaled_linear().sigmas[0]):.4f}" in PAGE
