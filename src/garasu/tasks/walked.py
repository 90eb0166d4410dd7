"""The walk that all tasks share: recipes in, in batches as large as there is room for, finished pictures out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from PIL import Image

from garasu.tasks.picture import MadeWith, Picture
from garasu.tasks.refusal import RecipeError
from garasu.tasks.safety import checked, effective_safety
from garasu.tasks.sampled import WALK, AnySampled, Sampled, guidance_of, noise_of, profile_of, rules_of, seeds_of

if TYPE_CHECKING:  # so that `garasu txt2img --help` does not wait for torch
    from torch import Tensor

    from garasu.diffusion.canvas import Canvas
    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion
    from garasu.prompts.schedule import PromptSchedule

Recipe_contra = TypeVar("Recipe_contra", bound=Sampled, contravariant=True)
Developed = tuple[Image.Image, dict[str, Image.Image]]
"""A finished picture, and others that belong to it by name."""


class Further(Protocol[Recipe_contra]):
    """Walks on from the finished latents of a batch."""

    def __call__(
        self,
        sd: StableDiffusion,
        batch: Sequence[Recipe_contra],
        words: PromptSchedule,
        negative: PromptSchedule | None,
        latent: Tensor,
        /,
    ) -> Generator[Step, None, Tensor]:
        """Steps, and at the end other latents."""


def walked(
    sd: StableDiffusion,
    recipes: Sequence[AnySampled],
    *,
    canvas: Callable[[Sequence[AnySampled]], Canvas] | None = None,
    further: Further[AnySampled] | None = None,
    develop: Callable[[Image.Image, AnySampled], Developed] | None = None,
) -> Iterator[Step | Picture[AnySampled]]:
    """Every step on the way, and each picture as soon as it is finished; as many at once as there is room for.

    Args:
        recipes: settled, and `alike`.
        canvas: makes the picture to start from, of the recipes of one batch; from noise alone when not given.
        further: walks on from the finished latents.
        develop: what is still done to a decoded picture of a recipe.

    Raises:
        RoomError: one picture alone does not fit into memory.
        RecipeError: a safety checker is asked for that the model does not carry.
    """
    from garasu.tasks.room import Room, ran_out

    effective_safety(sd, recipes[0].safety)  # refuses before any work
    left = list(recipes)
    tokens = [_tokens(sd, one) for one in left]
    room = Room(sd.device, _cells(sd, left[0]))
    while left:
        tried = next((row for row, one in enumerate(tokens[: room.rows]) if one != tokens[0]), len(left[: room.rows]))
        batch = left[:tried]
        try:
            for made in _together(sd, batch, canvas, further):
                if not isinstance(made, Image.Image):
                    yield made
                    continue
                finished, others = (made, {}) if develop is None else develop(made, left[0])
                one, _ = left.pop(0), tokens.pop(0)  # done, whatever happens to those after it
                yield checked(sd, Picture(finished, one, MadeWith.of(sd), others), one.safety)
        except Exception as problem:
            if not ran_out(problem):
                raise
        else:
            continue
        room.halve(tried)


def _together(
    sd: StableDiffusion,
    batch: Sequence[AnySampled],
    canvas: Callable[[Sequence[AnySampled]], Canvas] | None,
    further: Further[AnySampled] | None,
) -> Iterator[Step | Image.Image]:
    """The steps of one batch, and its decoded pictures."""
    words = _words(sd, batch, "prompt")
    negative = None if guidance_of(batch) == 1 else _words(sd, batch, "negative_prompt")
    start = None if canvas is None else canvas(batch)
    knobs = batch[0].model_dump(include={*WALK, "steps", "width", "height"})
    for step in sd.sample(
        words,
        negative=negative,
        guidance_scale=guidance_of(batch),
        seed=seeds_of(batch),
        latent=noises_of(sd, batch),
        canvas=start,
        **knobs,
    ):
        yield step
    latent = step.latent
    if further is not None:
        latent = yield from further(sd, batch, words, negative, latent)
    for row in latent:
        yield from sd.decode_each(row[None], profile_of(batch[0]).rounding)


def _words(sd: StableDiffusion, batch: Sequence[Sampled], field: str) -> PromptSchedule:
    """What the batch's prompts tell their walks. A negative prompt has one part, and none without guidance."""
    said = ["" if field == "negative_prompt" and one.guidance_scale == 1 else getattr(one, field) for one in batch]
    return sd.reader(rules_of(batch[0])).schedule(said, composes=field == "prompt")


def _tokens(sd: StableDiffusion, recipe: Sampled) -> int:
    """How long a picture's prompts are, padded alike. Filled up to a longer one's it would be another picture."""
    from garasu.diffusion.samplers import find_sampler

    steps = profile_of(recipe).told(find_sampler(recipe.sampler), recipe.steps)
    return max(_words(sd, [recipe], field).tokens(steps) for field in ("prompt", "negative_prompt"))


def pictures(
    made: Iterator[Step | Picture[AnySampled]], recipe: AnySampled
) -> Picture[AnySampled] | list[Picture[AnySampled]]:  # fmt: skip
    """The picture of a task's steps, or a list of them where the recipe asks for several."""
    found = [one for one in made if isinstance(one, Picture)]
    return found[0] if recipe.count == 1 else found


def noises_of(sd: StableDiffusion, batch: Sequence[Sampled]) -> Tensor | None:
    """The noises of a batch, where they are more than those of their seeds."""
    import torch

    from garasu.diffusion.variation import resized

    first = batch[0]
    varies = any(one.variation_strength for one in batch)
    if not (varies or first.seed_size) or first.width is None or first.height is None:
        return None
    shape = _noise_shape(sd, first.width, first.height)
    size = [int(side) for side in first.seed_size.split("x")] if first.seed_size else [first.width, first.height]
    inner = _noise_shape(sd, *size)
    noise = torch.cat([_noise(one, inner) for one in batch])
    return noise if inner == shape else resized(noise, seeds_of(batch), shape, source=noise_of(first))


def _noise(recipe: Sampled, shape: tuple[int, int, int]) -> Tensor:
    """The noise of one settled recipe, on its way to that of its variation seed: [1, C, h, w]."""
    from garasu.diffusion.noise import Noise
    from garasu.diffusion.variation import varied

    assert recipe.seed is not None
    seed, source = [recipe.seed], noise_of(recipe)
    if not recipe.variation_strength or recipe.variation_seed is None:
        return Noise(seed, shape, source=source).draw()
    other, strength = [recipe.variation_seed], recipe.variation_strength
    return varied(seed, other, strength, shape, recipe.variation_slerp, source=source)


def _cells(sd: StableDiffusion, recipe: Sampled) -> int:
    """Of the latent of one picture."""
    assert recipe.width is not None and recipe.height is not None
    return recipe.width * recipe.height // sd.vae.config.factor**2


def _noise_shape(sd: StableDiffusion, width: int, height: int) -> tuple[int, int, int]:
    factor = sd.vae.config.factor
    if width % factor or height % factor:
        raise RecipeError(f"seed_size must be multiples of {factor}, not {width}x{height}")
    return sd.vae.config.latent_channels, height // factor, width // factor
