"""Fans: tiny changes of exact size, and how they grow."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from garasu.glass.paths.errors import PathError
from garasu.glass.paths.fan import fan, fan_paths, moved, opened, turned
from garasu.glass.paths.parting import rms
from garasu.panes import look
from garasu.tasks.img2img import Img2Img
from garasu.tasks.txt2img import Txt2Img

RECIPE = Txt2Img(prompt="a black cat", seed=7, steps=4, guidance_scale=5)


class Linear(nn.Module):
    """Whose x0 is x/(1+σ²) + rate·x: the walk of Gaussian data, in which distances grow as σ^−rate besides."""

    def __init__(self, schedule, rate):
        super().__init__()
        self.schedule, self.rate = schedule, rate
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x, t, context, *_):
        square = self.schedule.sigma(t).to(x)[:, None, None, None] ** 2
        return x * (1 + square).sqrt() * (square / (1 + square) - self.rate) / square.sqrt()


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_the_rate_of_a_linear_flow_is_found(new_tiny, rate):
    sd = new_tiny()
    sd.denoiser.network = Linear(sd.schedule, rate)
    recipe = RECIPE.but(sampler="heun", spacing="exponential", steps=60)
    found = fan(sd, recipe, count=3, size=1e-3)
    assert found.distances[:, 0] == pytest.approx(1e-3 * rms(found.paths[0].scaled)[0], rel=1e-3)
    growth = found.distances[:, -1] / found.distances[:, 0]
    assert growth == pytest.approx((found.sigma[0] / found.sigma[-1]) ** rate, rel=0.03)
    if rate:
        assert found.rate.rate == pytest.approx(rate, rel=0.02)
        assert found.rate.spread < 0.01 * rate


def test_noise_is_turned_on_its_sphere_by_exactly_so_much():
    noise, other = torch.randn(2, 1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    for size in (1e-3, 0.1, 1.0):
        found = turned(noise, other, size)
        assert float(found.norm() / noise.norm()) == pytest.approx(1, abs=1e-6)
        assert float((found - noise).norm() / noise.norm()) == pytest.approx(size, rel=1e-3)
    assert torch.allclose(turned(noise, other, math.sqrt(2)), -turned(noise, -other, math.sqrt(2)), atol=1e-5)


def test_each_row_of_the_prompt_moves_by_its_share_but_the_first():
    words, direction = torch.randn(2, 5, 16, generator=torch.Generator().manual_seed(0))
    change = moved(words, direction, 0.1) - words
    assert not change[0].any()
    assert torch.allclose(change[1:].norm(dim=-1), 0.1 * words[1:].norm(dim=-1), rtol=1e-4)


def test_the_run_itself_comes_first_and_is_the_recipes(tiny):
    found = fan(tiny, RECIPE, count=3, size=0.1)
    *_, last = tiny.sample(tiny.encode("a black cat"), seed=7, steps=4, guidance_scale=5)
    assert torch.allclose(found.paths[0].finished, last.latent[0], atol=1e-5)
    assert [one.label for one in found.paths] == ["the run", "change 1", "change 2", "change 3"]
    assert found.distances.shape == (3, 4)
    assert len({one.finished.sum().item() for one in found.paths}) == 4
    again = fan(tiny, RECIPE, count=3, size=0.1)
    assert torch.equal(again.paths[3].finished, found.paths[3].finished)
    other = fan(tiny, RECIPE, count=3, size=0.1, seed=1)
    assert not torch.equal(other.paths[3].finished, found.paths[3].finished)


def test_a_direction_is_never_the_noise_itself(tiny):
    for number in range(4):
        found = fan(tiny, RECIPE.but(seed=number), count=3, size=0.1)
        assert np.isfinite(found.distances).all()


def test_batches_make_no_difference(tiny, monkeypatch):
    whole = fan(tiny, RECIPE, count=5, size=0.1)
    monkeypatch.setattr("garasu.tasks.room.CPU_CELLS", 128)  # two at once
    for one, other in zip(fan_paths(tiny, RECIPE, count=5, size=0.1), whole.paths, strict=True):
        assert torch.allclose(one.latent, other.latent, atol=1e-4)


def test_when_memory_runs_out_fewer_are_walked_at_once(tiny, monkeypatch):
    rows = []

    def walk(sd, recipe, noise, numbers):
        rows.append(len(noise))
        if len(noise) > 2:
            raise torch.OutOfMemoryError
        return numbers

    monkeypatch.setattr("garasu.glass.paths.fan._walked", walk)
    assert list(fan_paths(tiny, RECIPE, count=4)) == [0, 1, 2, 3, 4]
    assert rows == [5, 2, 2, 1]


@pytest.mark.parametrize("guidance", [5, 1])
def test_only_the_prompts_rows_are_changed_and_at_every_step_alike(tiny, guidance):
    seen = []
    with look(
        tiny,
        {"unet.down.*.cross_attention.to_k": lambda value, at: None},
        before={
            "unet.down.0.transformers.0.blocks.0.cross_attention.to_k": lambda value, at: seen.append(
                (at.rows, value.clone())
            )
        },
    ):
        made = list(fan_paths(tiny, RECIPE.but(guidance_scale=guidance), count=2, size=0.1, of="prompt"))
    words, empty = tiny.encode("a black cat").tensor[0], tiny.encode("").tensor[0]
    for labels, value in seen:
        for label, row in zip(labels, value, strict=True):
            side, number = label.split()
            base = empty if side == "negative" else words
            size = 0.0 if side == "negative" or number == "0" else 0.1
            assert torch.allclose((row - base).norm(dim=-1)[1:], size * base.norm(dim=-1)[1:], atol=1e-4)
    assert torch.equal(seen[0][1], seen[-1][1])
    assert torch.equal(made[1].latent[0], made[0].latent[0])  # the same noise
    assert not torch.equal(made[1].finished, made[0].finished)


def test_a_samplers_own_noise_is_the_same_for_all(new_tiny):
    sd = new_tiny()
    sd.denoiser.network = Linear(sd.schedule, 0.0)
    found = fan(sd, RECIPE.but(sampler="euler_a", steps=10), count=2, size=1e-3)
    assert found.final.max() < 0.01


def test_endings_are_counted(tiny):
    paths = list(fan_paths(tiny, RECIPE, count=2, size=0.01))
    paths += fan_paths(tiny, RECIPE.but(seed=99, prompt="dog"), count=2, size=0.01)
    found = opened(tiny, RECIPE, paths, size=0.01, of="noise", alike=1.0)
    assert found.groups.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.endings == 2
    assert "2 different pictures, of 3, 3 paths (1 levels of 255 count as alike)" in str(found)


@pytest.mark.parametrize(
    ("recipe", "flags", "why"),
    [
        (Img2Img(prompt="cat", image="x.png"), {}, "not from the picture of img2img"),
        (RECIPE, {"count": 1}, "take 2 or more"),
        (RECIPE, {"size": 0}, "above 0 and at most 1, not 0"),
        (RECIPE, {"of": "sampler"}, "the noise or the prompt"),
        (RECIPE, {"alike": -1}, "alike within more than 0"),
        (RECIPE, {"count": 10**7}, "take fewer paths or steps"),
    ],
)
def test_what_cannot_be_is_refused(tiny, recipe, flags, why):
    with pytest.raises(PathError, match=why):
        fan(tiny, recipe, **flags)
