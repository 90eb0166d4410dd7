"""The sizes of pictures in pixels, and of their latents in cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from garasu.model.errors import ModelError

if TYPE_CHECKING:
    from garasu.diffusion.canvas import Canvas
    from garasu.model.stable_diffusion import StableDiffusion


def latent_size(width: int, height: int, factor: int) -> tuple[int, int]:
    """Height and width of the latent of a picture, of which each cell is ``factor`` pixels wide and high.

    Raises ModelError for a side that is no multiple of that.
    """
    for name, pixels in (("width", width), ("height", height)):
        if pixels < factor or pixels % factor:
            near = max(factor, round(pixels / factor) * factor)
            raise ModelError(f"{name} must be a multiple of {factor} pixels, not {pixels}: take {near}")
    return height // factor, width // factor


def run_size(sd: StableDiffusion, width: int | None, height: int | None, canvas: Canvas | None) -> tuple[int, int]:
    """Height and width of a run's latent: as asked for, else the canvas's own, else the model's.

    Raises ModelError for a side that cannot be, or that is not the canvas's.
    """
    factor = sd.vae.config.factor
    own = sd.native_size if canvas is None else [factor * n for n in canvas.latent.shape[:1:-1]]
    grid = latent_size(width or own[0], height or own[1], factor)
    if canvas is not None and grid != tuple(canvas.latent.shape[2:]):
        raise ModelError(f"the picture to start from is {own[0]}x{own[1]}, not {width}x{height}: fit it first")
    return grid


def start_noise(latent: Tensor | None, drawn: Tensor) -> Tensor:
    """The noise that a run starts from, [B, C, h, w]: the caller's own ``latent``, else what was ``drawn``.

    Raises ModelError for a latent of another shape.
    """
    if latent is None:
        return drawn
    if latent.shape != drawn.shape:
        raise ModelError(f"the latent to start from must be {tuple(drawn.shape)}, not {tuple(latent.shape)}")
    return latent.to(drawn)
