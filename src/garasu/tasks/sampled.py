"""What all tasks share that walk from noise to pictures: their fields, and the walk itself."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeVar

from PIL import Image
from pydantic import Field, model_validator

from garasu.tasks.names import understood
from garasu.tasks.picture import MadeWith, Picture
from garasu.tasks.recipe import EmphasisName, NoiseSource, ProfileName, Recipe, SamplerName, SpacingName, SyntaxName
from garasu.tasks.refusal import RecipeError
from garasu.tasks.safety import Safety, checked, effective_safety

if TYPE_CHECKING:  # so that `garasu txt2img --help` does not wait for torch
    from torch import Tensor

    from garasu.diffusion.canvas import Canvas
    from garasu.diffusion.profiles.profile import Profile
    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion
    from garasu.prompts.schedule import PromptSchedule

_APPROXIMATIONS = ("guidance_start", "guidance_end", "deep_cache", "token_merging")
_PROFILE = ("like", "noise", "discard_penultimate")
READING = frozenset({"clip_skip", "clip_skip_norm", "syntax", "emphasis", "max_chunks"})
"""The fields that say how prompts are read."""
WALK = frozenset({"sampler", "eta", "spacing", *_APPROXIMATIONS, *_PROFILE})
"""The fields that every walk of a recipe takes as they are, and that its whole batch shares."""
_OWN = frozenset(
    {"prompt", "negative_prompt", "guidance_scale", "seed", "variation_seed", "variation_strength", "count"}
)
"""The fields that recipes in one batch may each have their own of."""


class Sampled(Recipe):
    """Everything that decides how noise becomes a picture of the prompt.

    `sampler`, `spacing`, `like` and `noise` also take other tools' names for ours.
    """

    prompt: str = Field(description="What the picture shows.")
    negative_prompt: str = Field("", description="What it should not show.")
    steps: int = Field(25, ge=1, le=1000, description="Steps from noise to picture.")
    guidance_scale: float = Field(
        7.5, allow_inf_nan=False, description="How strictly the prompt is followed; 1 is without guidance."
    )
    sampler: SamplerName = Field("ddim", description="How to walk from noise to picture.")
    seed: int | None = Field(
        None, ge=0, le=2**63 - 1, description="Which noise to start from; chosen at random when not given."
    )
    count: int = Field(1, ge=1, description="How many pictures, of the seeds seed, seed+1, and so on.")
    width: int | None = Field(None, ge=8, multiple_of=8, description="In pixels; the model's own when not given.")
    height: int | None = Field(None, ge=8, multiple_of=8, description="In pixels; the model's own when not given.")
    spacing: SpacingName | None = Field(
        None, description="How the noise levels of the steps are spaced; the sampler's own when not given."
    )
    eta: float = Field(0.0, ge=0, le=1, description="Fresh noise in each DDIM step: 0 none, 1 as much as DDPM.")
    clip_skip: int = Field(1, ge=1, le=12, description="Which layer from the end reads the prompt; 1 is the last.")
    clip_skip_norm: bool = Field(True, description="Whether the last layer's normalisation follows the layer.")
    syntax: SyntaxName = Field(
        "a1111", description="How prompts are written; algebra calculates with them: cat + 0.4*tabby."
    )
    emphasis: EmphasisName | None = Field(
        None, description="How the weights of words are calculated; the syntax's own when not given."
    )
    max_chunks: int | None = Field(
        None, ge=1, description="How many times 75 tokens are read of a prompt; 1 is plain Stable Diffusion."
    )
    variation_seed: int | None = Field(
        None, ge=0, le=2**63 - 1, description="Whose noise to go towards; several pictures go towards following ones."
    )
    variation_strength: float = Field(0.0, ge=0, le=1, description="How far to go there: 0 not at all, 1 all the way.")
    variation_slerp: Literal["whole", "columns"] = Field(
        "whole", description="Along which arc: of the whole noise, or of each column for itself, as A1111 does."
    )
    seed_size: str | None = Field(
        None,
        pattern=r"^[1-9]\d*x[1-9]\d*$",
        description="Another size, as 512x512, whose noise of the seed lies in the middle: its composition lives on.",
    )

    like: ProfileName = Field("diffusers", description="Whose numbers: step grid, strength, masks, noise and rounding.")
    noise: NoiseSource | None = Field(
        None, description="Which generator a seed starts: torch's on a CPU, or on NVIDIA's GPUs; the profile's own."
    )
    discard_penultimate: bool = Field(
        False, description="Leave out the noise level before the last, of one step more (A1111's option)."
    )

    guidance_start: float = Field(
        0.0, ge=0, le=1, description="Faster, approximate: the share of the steps after which guidance begins."
    )
    guidance_end: float = Field(
        1.0, ge=0, le=1, description="Faster, approximate: the share of the steps after which guidance ends."
    )

    deep_cache: int = Field(
        1, ge=1, description="Faster, approximate: in how many steps the U-Net's deep part runs once; 1: in each."
    )
    token_merging: float = Field(
        0.0, ge=0, le=0.75, description="Faster, approximate: the share of pixels that self-attention merges."
    )

    safety: Safety | None = Field(
        None, description="What the model's safety checker does: nothing, report, or also blank; report if it has one."
    )

    @model_validator(mode="before")
    @classmethod
    def _understood(cls, fields: Any) -> Any:
        return understood(fields) if isinstance(fields, dict) else fields

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.like != "diffusers":  # which has everything
            profile_of(self).check(
                self.sampler, self.spacing, discard=self.discard_penultimate, picture=self.from_picture()
            )
        return self

    def from_picture(self) -> bool:
        """Whether any of its walks begins from a picture."""
        return False

    def but(self, **fields: Any) -> Self:
        """The same recipe with other values; a sampler's name that names a spacing too replaces both."""
        return super().but(**understood(fields))

    def effective(self) -> dict[str, Any]:
        """What decides the picture: two recipes with the same of these make the same one."""
        fields = self.model_dump() | {"noise": noise_of(self), "safety": "blank" if self.safety == "blank" else None}
        if self.guidance_scale == 1:
            fields |= {"negative_prompt": "", "guidance_start": 0.0, "guidance_end": 1.0}
        if not self.variation_strength:
            fields = {name: value for name, value in fields.items() if not name.startswith("variation")}
        return fields

    def with_seed(self) -> Self:
        """The recipe with a seed, and a variation seed if it needs one, chosen at random where none is given."""
        varies = self.variation_strength > 0 and self.variation_seed is None
        return self.but(
            seed=random.randrange(2**32) if self.seed is None else self.seed,
            variation_seed=random.randrange(2**32) if varies else self.variation_seed,
        )


def profile_of(recipe: Sampled) -> Profile:
    """The profile that a recipe is like."""
    from garasu.diffusion.profiles import find_profile

    return find_profile(recipe.like)


def noise_of(recipe: Sampled) -> NoiseSource:
    """Where a recipe's noise comes from: what it says, else its profile's own."""
    return recipe.noise or profile_of(recipe).noise


AnySampled = TypeVar("AnySampled", bound=Sampled)
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


def settled(recipe: AnySampled, size: tuple[int, int]) -> list[AnySampled]:
    """A recipe for each of its pictures, with its seeds and a size: what the picture will say of itself."""
    known = recipe.with_seed().but(width=recipe.width or size[0], height=recipe.height or size[1])
    return [_single(known, index) for index in range(known.count)]


def alike(recipe: Sampled) -> dict[str, Any]:
    """What recipes must have in common to be walked together: all but words, guidance, seeds and how many."""
    return recipe.model_dump(exclude=set(_OWN))


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
    """What the batch's prompts tell their walks; a negative prompt has one part."""
    said = [getattr(one, field) for one in batch]
    return sd.prompt_schedule(said, composes=field == "prompt", **batch[0].model_dump(include=set(READING)))


def _tokens(sd: StableDiffusion, recipe: Sampled) -> int:
    """How long a picture's prompts are, padded alike. Filled up to a longer one's it would be another picture."""
    return max(_words(sd, [recipe], field).tokens(recipe.steps) for field in ("prompt", "negative_prompt"))


def pictures(
    made: Iterator[Step | Picture[AnySampled]], recipe: AnySampled
) -> Picture[AnySampled] | list[Picture[AnySampled]]:  # fmt: skip
    """The picture of a task's steps, or a list of them where the recipe asks for several."""
    found = [one for one in made if isinstance(one, Picture)]
    return found[0] if recipe.count == 1 else found


def _single(recipe: AnySampled, index: int) -> AnySampled:
    """The recipe of one of the pictures; variations keep to their seed, and go towards others."""
    assert recipe.seed is not None
    if recipe.variation_strength > 0 and recipe.variation_seed is not None:
        return recipe.but(variation_seed=recipe.variation_seed + index, count=1)
    return recipe.but(seed=recipe.seed + index, count=1)


def seeds_of(batch: Sequence[Sampled]) -> list[int]:
    """The seeds of settled recipes."""
    return [one.seed for one in batch if one.seed is not None]


def guidance_of(batch: Sequence[Sampled]) -> float | list[float]:
    """The guidance scale of a batch: one where all have the same, else each one's."""
    scales = [one.guidance_scale for one in batch]
    return scales[0] if len(set(scales)) == 1 else scales


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
