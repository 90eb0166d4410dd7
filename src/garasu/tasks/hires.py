"""Hires fix: a picture made small, where the model composes well, then enlarged and refined as img2img does."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from garasu.tasks.sampled import WALK, Sampled, guidance_of, profile_of, seeds_of

if TYPE_CHECKING:  # so that `garasu txt2img --help` does not wait for torch
    from torch import Tensor

    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion
    from garasu.prompts.schedule import PromptSchedule


class HiRes(Sampled):
    """The fields of a second, larger pass."""

    hires_scale: float = Field(
        1.0, ge=1, le=8, description="How many times as wide and high the picture is made in a second pass; 1: none."
    )
    hires_strength: float = Field(0.7, gt=0, le=1, description="How much of the enlarged picture is noised away.")
    hires_steps: int | None = Field(
        None, ge=1, le=1000, description="Steps of that pass, before its strength; as many."
    )
    hires_upscaler: Literal["latent", "pixel"] = Field("latent", description="Whether latents or pixels are enlarged.")

    def from_picture(self) -> bool:
        """If there is a second pass."""
        return self.hires_scale > 1

    def effective(self) -> dict[str, Any]:
        """What decides the picture; without a second pass its knobs do not."""
        fields = super().effective()
        if self.hires_scale == 1:
            return {name: value for name, value in fields.items() if not name.startswith("hires_")}
        return fields


def refined(
    sd: StableDiffusion, batch: Sequence[HiRes], words: PromptSchedule, negative: PromptSchedule | None, latent: Tensor
) -> Generator[Step, None, Tensor]:
    """Enlarge finished latents [B, 4, h, w] and paint them on: the steps of it; returns the larger finished latents."""
    from garasu.diffusion.canvas import Canvas
    from garasu.diffusion.samplers import find_sampler

    first = batch[0]
    knobs = first.model_dump(include=set(WALK))
    profile, asked = profile_of(first), first.hires_steps or first.steps
    steps, strength = profile.second_pass(asked, first.hires_strength)
    if profile.counts_on:
        kind = find_sampler(first.sampler)
        before, then = profile.told(kind, first.steps), profile.told(kind, asked)
        words, negative = words.later(before, then), negative and negative.later(before, then)
    step = None
    for step in sd.sample(
        words,
        negative=negative,
        guidance_scale=guidance_of(batch),
        seed=seeds_of(batch),
        canvas=Canvas(enlarged(sd, latent, first), strength),
        steps=steps,
        **knobs,
    ):
        yield step
    assert step is not None
    return step.latent


def enlarged(sd: StableDiffusion, latent: Tensor, recipe: HiRes) -> Tensor:
    """Latents at the recipe's larger size, rounded to whole cells."""
    import torch
    from torch.nn import functional as F

    from garasu.images.fitting import fit

    factor = sd.vae.config.factor
    height, width = (max(1, round(side * recipe.hires_scale)) for side in latent.shape[2:])
    if recipe.hires_upscaler == "latent":
        return F.interpolate(latent, (height, width), mode="bilinear")
    size = width * factor, height * factor
    small = sd.decode_each(latent, profile_of(recipe).rounding)
    larger = [fit(picture, size, "stretch").image for picture in small]
    return torch.cat([sd.encode_image(picture) for picture in larger])
