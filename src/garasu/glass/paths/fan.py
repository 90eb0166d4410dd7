"""A fan: one run, and the same run many times with a tiny change, each in another direction. The butterfly.

found = fan(sd, garasu.Txt2Img(prompt="a black cat", seed=7), count=16, size=0.01)
print(found)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from garasu.diffusion.noise import Noise
from garasu.glass.paths.errors import PathError
from garasu.glass.paths.likeness import ALIKE, UNIT, Measure, best_measure, groups, picture_distances
from garasu.glass.paths.parting import rms
from garasu.glass.paths.path import Floats, Path, last_visits
from garasu.glass.paths.rate import Rate, fitted_rate, whole_rates
from garasu.model import StableDiffusion
from garasu.panes import At, look
from garasu.tasks.room import Room, ran_out
from garasu.tasks.sampled import WALK, Sampled, noise_of, rules_of, settled
from garasu.tasks.walked import noises_of

Of = Literal["noise", "prompt"]
MEMORY = 2 * 10**9  # bytes of paths that are kept


@dataclass(frozen=True, eq=False)
class Fan:
    """``paths``: the run itself first, then ``count`` with a change of ``size``, relative to what was changed."""

    recipe: Sampled
    of: Of
    size: float
    paths: tuple[Path, ...]
    pictures: tuple[Image.Image, ...]  # decoded ends, one for each path
    measure: Measure  # by which pictures are alike
    alike: float  # how near they are then
    groups: NDArray[np.int64]  # of each picture, the number of the group that looks alike, the largest 0

    @property
    def sigma(self) -> Floats:
        """The noise levels and, for the finished latent, nothing: [S]."""
        return np.array(self.paths[0].sigma)

    @property
    def distances(self) -> Floats:
        """From the run itself in the network's scale, √mean(Δx²/(1+σ²)), [N, S]."""
        return np.stack([rms(one.scaled - self.paths[0].scaled) for one in self.paths[1:]])

    @property
    def believed(self) -> Floats:
        """From the run itself in x0, root mean square, [N, S]."""
        return np.stack([rms(one.x0 - self.paths[0].x0) for one in self.paths[1:]])

    @property
    def final(self) -> Floats:
        """From the run itself in the finished latents, root mean square, [N]."""
        return rms(torch.stack([one.finished - self.paths[0].finished for one in self.paths[1:]]))

    @property
    def rate(self) -> Rate | None:
        """How fast the distances grow where they grow exponentially."""
        return fitted_rate(self.sigma, self.distances)

    @property
    def endings(self) -> int:
        """In how many different pictures the paths end."""
        return int(self.groups.max()) + 1

    def __str__(self) -> str:
        return "\n".join(_said(self))


def fan(
    sd: StableDiffusion,
    recipe: Sampled,
    *,
    count: int = 16,
    size: float = 0.01,
    of: Of = "noise",
    seed: int = 0,
    alike: float | None = None,
) -> Fan:
    """Make a recipe's picture, and ``count`` more with a tiny change in random directions.

    The change stays within half precision's rounding when it is small: load the model as float32.

    Args:
        recipe: of txt2img; without its second pass, and its first picture only.
        size: of the change. Noise is turned by it on its sphere: its length stays, and the chord is ``size`` times
            it. Every row of the prompt but the first (start of text, the same in all prompts) is moved by ``size``
            times its length.
        of: what is changed.
        seed: of the directions.
        alike: how near two pictures look the same, in degrees between CLIP embeddings (20 if not given), or for a
            checkpoint without image encoder in mean absolute levels of 255 (10).

    Raises:
        PathError: another task; a count, size or likeness out of range; more than `MEMORY` to keep.
    """
    check_fan(recipe, count=count, size=size, of=of, alike=alike)
    known = recipe.with_seed()
    made = fan_paths(sd, known, count=count, size=size, of=of, seed=seed)
    return opened(sd, known, list(made), size=size, of=of, alike=alike)


def fan_paths(
    sd: StableDiffusion, recipe: Sampled, *, count: int = 16, size: float = 0.01, of: Of = "noise", seed: int = 0
) -> Iterator[Path]:
    """The paths of a fan, the run itself first, as soon as their batch is walked. Raises as `fan`."""
    check_fan(recipe, count=count, size=size, of=of)
    first = _first(sd, recipe, count)
    noise = _noise_of(sd, first)  # [1, C, h, w]
    numbers, change = list(range(count + 1)), _Change(of, size, seed)
    room = Room(sd.device, noise.shape[-1] * noise.shape[-2])
    while numbers:
        some = numbers[: room.rows]
        try:
            found = change.batch(sd, first, noise, some)
        except Exception as problem:
            if not ran_out(problem):
                raise
            room.halve(len(some))
        else:
            yield from found
            del numbers[: len(some)]


def opened(
    sd: StableDiffusion, recipe: Sampled, paths: Sequence[Path], *, size: float, of: Of, alike: float | None = None
) -> Fan:
    """The fan of its paths, with the pictures in which they end."""
    pictures = tuple(picture for one in paths for picture in sd.decode_each(one.finished[None]))
    by = best_measure(sd)
    near = ALIKE[by] if alike is None else alike
    found = groups(picture_distances(sd, pictures, by), near)
    return Fan(recipe, of, size, tuple(paths), pictures, by, near, found)


def turned(noise: Tensor, other: Tensor, size: float) -> Tensor:
    """A noise on the sphere beside another, the chord between them ``size`` times its length, towards ``other``."""
    here, there = noise.double(), other.double()
    side = there - (there * here).sum() / (here * here).sum() * here
    angle = 2 * math.asin(size / 2)
    found: Tensor = math.cos(angle) * here + math.sin(angle) * here.norm() / side.norm() * side
    return found.to(noise)


def moved(words: Tensor, direction: Tensor, size: float) -> Tensor:
    """A conditioning [T, D], each row but the first moved by ``size`` times its length in a direction [T, D]."""
    unit = direction / direction.norm(dim=-1, keepdim=True)
    change = size * words.float().norm(dim=-1, keepdim=True) * unit
    change[0] = 0
    found: Tensor = words.float() + change
    return found.to(words)


def check_fan(recipe: Sampled, *, count: int, size: float, of: Of, alike: float | None = None) -> None:
    """Before a model is loaded. Raises PathError for what `fan` cannot do."""
    if recipe.task != "txt2img":
        raise PathError(f"a fan starts from noise alone, as txt2img does, not from the picture of {recipe.task}")
    if count < 2:
        raise PathError(f"a fan of {count} has no spread: take 2 or more")
    if of not in ("noise", "prompt"):
        raise PathError(f"a fan changes the noise or the prompt, not {of!r}")
    if not 0 < size <= 1:
        raise PathError(f"the size of a change is relative, above 0 and at most 1, not {size:g}: try 0.01")
    if alike is not None and not alike > 0:
        raise PathError(f"pictures are alike within more than 0, not {alike:g}: leave it out, or take 20")


def _first(sd: StableDiffusion, recipe: Sampled, count: int) -> Sampled:
    """The recipe of the run itself. Raises PathError for more than can be kept."""
    first = settled(recipe.but(count=1), sd.native_size)[0]
    assert first.width is not None and first.height is not None
    numbers = sd.vae.config.latent_channels * first.width * first.height // sd.vae.config.factor**2
    if (need := 8 * numbers * (count + 1) * first.steps) > MEMORY:
        raise PathError(f"a fan of {count} would keep {need / 1e9:.1f} GB: take fewer paths or steps")
    return first


@dataclass(frozen=True)
class _Change:
    """What is changed, by how much, and whose directions."""

    of: Of
    size: float
    seed: int

    def batch(self, sd: StableDiffusion, recipe: Sampled, noise: Tensor, numbers: list[int]) -> list[Path]:
        """Some of the paths; number 0 is the run itself."""
        if self.of == "prompt":
            with look(sd, {"unet.conditioning": partial(self._moved, numbers)}):
                return _walked(sd, recipe, noise.repeat(len(numbers), 1, 1, 1), numbers)
        rows = [turned(noise, self._direction(noise, one), self.size) if one else noise for one in numbers]
        return _walked(sd, recipe, torch.cat(rows), numbers)

    def _moved(self, numbers: list[int], value: Tensor, at: At) -> Tensor:
        """What enters the U-Net, the prompts' rows changed."""
        value = value.clone()
        for row, label in enumerate(at.rows):
            side, _, index = label.rpartition(" ")
            number = numbers[int(index)]
            if number and side != "negative":
                value[row] = moved(value[row], self._direction(value[row], number), self.size)
        return value

    def _direction(self, like: Tensor, number: int) -> Tensor:
        """The random direction of one path, of no seed's noise: that could be the noise to be changed itself."""
        mixed = np.random.SeedSequence([self.seed, number]).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(mixed[0]))
        return torch.randn(like.shape, generator=generator).to(like.device)


def _noise_of(sd: StableDiffusion, recipe: Sampled) -> Tensor:
    varied = noises_of(sd, [recipe])
    if varied is not None:
        return varied
    assert recipe.seed is not None and recipe.width is not None and recipe.height is not None
    factor = sd.vae.config.factor
    shape = (sd.vae.config.latent_channels, recipe.height // factor, recipe.width // factor)
    return Noise([recipe.seed], shape, source=noise_of(recipe)).draw()


def _walked(sd: StableDiffusion, recipe: Sampled, noise: Tensor, numbers: list[int]) -> list[Path]:
    """The paths of one batch."""
    reader, rows = sd.reader(rules_of(recipe)), len(noise)
    steps = list(
        sd.sample(
            reader.schedule([recipe.prompt] * rows),
            negative=reader.schedule([recipe.negative_prompt] * rows, composes=False),
            guidance_scale=recipe.guidance_scale,
            seed=[recipe.seed or 0] * rows,
            latent=noise,
            **recipe.model_dump(include={*WALK, "steps", "width", "height"}),
        )
    )
    kept = last_visits([step.sigma for step in steps[:-1]])
    sigma = tuple(steps[index].sigma for index in kept)
    latent = torch.stack([steps[index].latent.float().cpu() for index in kept], dim=1)  # [B, S, C, h, w]
    x0 = torch.stack([steps[index].x0.float().cpu() for index in kept], dim=1)
    finished = steps[-1].latent.float().cpu()
    names = ["the run" if not number else f"change {number}" for number in numbers]
    return [Path(name, sigma, *one) for name, *one in zip(names, latent, x0, finished, strict=True)]


def _said(one: Fan) -> Iterator[str]:
    start, end = one.distances[:, 0], one.final
    yield (
        f"{len(one.paths) - 1} changes of {one.size:g} in the {one.of} end {end.mean():.3g} from the run "
        f"(root mean square of the latent, {end.min():.3g} to {end.max():.3g}; unrelated ones 1.41)"
    )
    if start.all():
        whole = whole_rates(one.sigma, one.distances)
        yield (
            f"the distance grows {(end / start).mean():.3g}-fold on the way, {whole.mean():+.3f} ± {whole.std():.3f} "
            "for each unit of ln sigma"
        )
    yield f"most growth that is exponential: {one.rate or 'none'}"
    sizes = ", ".join(map(str, np.bincount(one.groups)))
    yield f"{one.endings} different pictures, of {sizes} paths ({one.alike:g} {UNIT[one.measure]} count as alike)"
