"""What all tasks share that walk from noise to pictures: the fields of their recipes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from pydantic import Field, model_validator

from garasu.prompts.expression import read_expression
from garasu.tasks.names import understood
from garasu.tasks.recipe import EmphasisName, NoiseSource, ProfileName, Recipe, SamplerName, SpacingName, SyntaxName
from garasu.tasks.safety import Safety

if TYPE_CHECKING:  # so that `garasu txt2img --help` does not wait for torch
    from garasu.diffusion.profiles.profile import Profile
    from garasu.prompts.rules import ReadingRules

_APPROXIMATIONS = ("guidance_start", "guidance_end", "deep_cache", "token_merging")
_PROFILE = ("like", "noise", "discard_penultimate")
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
        if self.syntax == "algebra":
            for text in filter(str.strip, (self.prompt, self.negative_prompt)):
                read_expression(text).complete()
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


def rules_of(recipe: Sampled) -> ReadingRules:
    """How a recipe's prompts are read."""
    from garasu.prompts.rules import ReadingRules

    return ReadingRules(recipe.syntax, recipe.emphasis, recipe.clip_skip, recipe.clip_skip_norm, recipe.max_chunks)


AnySampled = TypeVar("AnySampled", bound=Sampled)


def settled(recipe: AnySampled, size: tuple[int, int]) -> list[AnySampled]:
    """A recipe for each of its pictures, with its seeds and a size: what the picture will say of itself."""
    known = recipe.with_seed().but(width=recipe.width or size[0], height=recipe.height or size[1])
    return [_single(known, index) for index in range(known.count)]


def alike(recipe: Sampled) -> dict[str, Any]:
    """What recipes must have in common to be walked together: all but words, guidance, seeds and how many."""
    return recipe.model_dump(exclude=set(_OWN))


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
