"""What profiles make of one recipe, side by side, and without running a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from garasu.tasks.hires import HiRes
from garasu.tasks.img2img import FromPicture, walk_of
from garasu.tasks.inpaint import Painted, blend_of
from garasu.tasks.sampled import Sampled, noise_of, profile_of

if TYPE_CHECKING:
    from torch import Tensor

    from garasu.diffusion.profiles.profile import Walk
    from garasu.diffusion.schedule import Schedule

_KEPT = {
    "latent": "under the run's noise",
    "fresh": "under new noise each step",
    "x0": "in every answer",
    "clean": "shown clean",
}
_PIXELS = {"nearest": "rounded", "down": "cut off"}


@dataclass(frozen=True)
class Differences:
    """What each profile makes of a recipe, by profile and by fact, and why others make nothing of it."""

    found: Mapping[str, Mapping[str, str]]
    refused: Mapping[str, str]

    @property
    def differing(self) -> list[str]:
        """The facts that are not the same in all."""
        facts = next(iter(self.found.values()))
        return [fact for fact in facts if len({one[fact] for one in self.found.values()}) > 1]

    def lines(self) -> list[str]:
        """A table of what differs, one line of what does not, and one for each profile that refuses."""
        differing = self.differing
        table = [["", *self.found]] if differing else []
        table += [[fact, *(one[fact] for one in self.found.values())] for fact in differing]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        rows = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        facts = next(iter(self.found.values()))
        same = "; ".join(f"{fact} {said}" for fact, said in facts.items() if fact not in differing)
        rows += [f"the same in {'these' if self.refused else 'all'}: {same}"] if same else []
        return rows + [f"{name}: {why}" for name, why in self.refused.items()]


def differences(recipe: Sampled, schedule: Schedule | None = None) -> Differences:
    """Read a recipe as each profile does, whatever its own `like` says, on Stable Diffusion's levels or others.

    Raises:
        RecipeError, SamplingError: no profile can do it; what diffusers says.
    """
    from garasu.diffusion.errors import SamplingError
    from garasu.diffusion.profiles import PROFILES
    from garasu.diffusion.schedule import Schedule
    from garasu.tasks.refusal import RecipeError

    known = recipe.with_seed()
    problems: dict[str, RecipeError | SamplingError] = {}
    found: dict[str, Mapping[str, str]] = {}
    for name in PROFILES:
        try:
            found[name] = facts(known.but(like=name), schedule or Schedule.scaled_linear())
        except (RecipeError, SamplingError) as problem:
            problems[name] = problem
    if not found:
        raise next(iter(problems.values()))
    return Differences(found, {name: str(problem) for name, problem in problems.items()})


def facts(recipe: Sampled, schedule: Schedule) -> dict[str, str]:
    """What a recipe's own profile makes of it, by name, in words."""
    from garasu.diffusion.samplers import find_sampler

    walk = walk_of(schedule, recipe)
    found = {
        "steps run": f"{len(walk)} of {recipe.steps}",
        "denoiser calls": str(find_sampler(recipe.sampler).evaluations(walk.sigmas)),
        "timesteps": _some([f"{round(float(schedule.t(sigma)), 1):g}" for sigma in walk.sigmas[:-1]]),
        "σ": _some([f"{float(sigma):.3g}" for sigma in walk.sigmas[:-1]]),
        "ends at σ": f"{walk.final_sigma:.3g}",
        "begins as": _first(recipe, walk),
        f"noise of seed {recipe.seed}": _noise(recipe),
        "pixels": _PIXELS[profile_of(recipe).rounding],
    }
    if isinstance(recipe, Painted):
        found["kept part"] = _KEPT[blend_of(recipe)]
    if isinstance(recipe, HiRes) and recipe.hires_scale > 1:
        found["second pass"] = _second_pass(recipe, schedule)
    return found


def _some(numbers: list[str]) -> str:
    return " ".join(numbers if len(numbers) <= 5 else [*numbers[:3], "…", *numbers[-2:]])


def _first(recipe: Sampled, walk: Walk) -> str:
    """The first x, found out with a picture of ones and noise that is none, and the other way round."""
    import torch

    none, one = torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1)
    noise = _x(recipe, walk, none, one)
    if not isinstance(recipe, FromPicture) or _x(recipe, walk, one, none) == 0:
        return f"{noise:.4g}·noise"
    return f"{_x(recipe, walk, one, none):.4g}·picture + {noise:.4g}·noise"


def _x(recipe: Sampled, walk: Walk, picture: Tensor, noise: Tensor) -> float:
    """The first x of a picture and noise of one number each."""
    from garasu.diffusion.canvas import Canvas
    from garasu.diffusion.samplers import find_sampler

    canvas = None
    if isinstance(recipe, FromPicture):
        canvas = Canvas(picture, recipe.strength, picture if isinstance(recipe, Painted) else None)
    return float(profile_of(recipe).first(find_sampler(recipe.sampler), noise, walk, canvas, recipe.spacing))


def _noise(recipe: Sampled) -> str:
    """Where it comes from, and its first numbers, which are the same at every size."""
    from garasu.diffusion.noise import Noise

    assert recipe.seed is not None
    source = noise_of(recipe)
    numbers = Noise([recipe.seed], (4, 8, 8), source=source).draw().flatten()[:3].tolist()
    return f"{source}: " + " ".join(f"{number:.4f}" for number in numbers)


def _second_pass(recipe: HiRes, schedule: Schedule) -> str:
    """How many steps it has and from where."""
    from garasu.diffusion.samplers import find_sampler

    profile = profile_of(recipe)
    steps, strength = profile.second_pass(recipe.hires_steps or recipe.steps, recipe.hires_strength)
    walk = profile.walk(
        find_sampler(recipe.sampler), schedule, steps, recipe.spacing, strength, discard=recipe.discard_penultimate
    )
    return f"{len(walk)} steps from σ {walk.noised:.3g}"
