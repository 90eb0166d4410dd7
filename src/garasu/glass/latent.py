"""The four channels of a latent at every step, and what the VAE makes of each of them.

Needs the extra `plots`: pip install garasu[plots].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from PIL import Image
from torch import Tensor

from garasu.glass.drawing import page, panel_width, parts, row_width, show_map, show_picture
from garasu.glass.picture_walk import PictureWalk
from garasu.glass.preview import linear_preview
from garasu.images.convert import to_tensor
from garasu.model import StableDiffusion

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

Quantity = Literal["latent", "x0", "eps"]
_NAMES = {"latent": "x ÷ √(1+σ²)", "x0": "x0", "eps": "ε"}
_VIEW = 1.5  # inches of a picture of one channel


@dataclass(frozen=True)
class ChannelView:
    """What the VAE makes of a latent in which one channel is alone, or is missing: the others, or it, are 0."""

    channel: int
    only: Image.Image
    without: Image.Image
    change: float  # of the picture without it, in levels of 255, root mean square


def channel_views(sd: StableDiffusion, latent: Tensor, whole: Image.Image) -> list[ChannelView]:
    """The VAE's own view of each channel of a latent [1, C, h, w], whose picture is ``whole``."""
    kept = torch.eye(latent.shape[1])[:, :, None, None]  # [C, C, 1, 1]
    only, without = sd.decode_each(latent * kept), sd.decode_each(latent * (1 - kept))
    known = to_tensor(whole)
    changes = [float((to_tensor(one) - known).square().mean().sqrt() * 127.5) for one in without]
    return [ChannelView(*one) for one in zip(range(len(kept)), only, without, changes, strict=True)]


def latent_figure(
    sd: StableDiffusion, walk: PictureWalk, steps: Sequence[int] | None = None, quantity: Quantity = "latent"
) -> Figure:
    """Channels as maps of one scale, the linear preview and the decoded picture at some steps (eight when not given).

    Beneath, of the finished latent: each channel alone, and the others without it, decoded.

    Args:
        quantity: "latent", which is x/√(1 + σ²), "x0" or "eps".
    """
    steps = walk.steps() if steps is None else walk.steps(steps)
    read = {"latent": walk.scaled, "x0": walk.x0, "eps": walk.eps}[quantity]
    shown = torch.cat([*map(read, steps), walk.finished])  # [S+1, 4, h, w]
    *pictures, whole = sd.decode_each(shown)
    views = channel_views(sd, walk.finished, whole)
    ratio = shown.shape[2] / shown.shape[3]
    upper = (2 + shown.shape[1]) * (panel_width(len(shown)) * ratio + 0.06) + 0.5
    lower = 2 * (_VIEW * ratio + 0.3)
    title = f"{_NAMES[quantity]} of {walk.title}"
    figure = page(upper + lower + 1, title, caption(shown, views), row_width(len(shown)))
    top, bottom = parts(figure, [upper, lower])
    _draw_channels(top, walk, steps, shown, (linear_preview(sd)(shown), [*pictures, whole]))
    _draw_views(bottom, views, sd.decode_each(torch.zeros_like(walk.finished))[0], whole)
    return figure


def caption(shown: Tensor, views: Sequence[ChannelView]) -> str:
    """Which channel the picture hangs on, in one sentence."""
    most, least = max(views, key=lambda one: one.change), min(views, key=lambda one: one.change)
    first, last = (one.std().item() for one in (shown[0], shown[-1]))
    return (
        f"A latent is four small pictures (standard deviation {first:.2f} at first, {last:.2f} in the end), each cell "
        f"of which becomes a square of pixels: without channel {most.channel} the finished picture changes most, by "
        f"{most.change:.0f} of 255 levels, and without channel {least.channel} least, by {least.change:.0f}."
    )


def _draw_channels(
    part: SubFigure,
    walk: PictureWalk,
    steps: Sequence[int],
    shown: Tensor,
    looks: Sequence[Sequence[Image.Image]],
) -> None:
    channels = shown.shape[1]
    panels = part.subplots(channels + 2, len(shown), squeeze=False)
    limit = float(shown.abs().flatten().quantile(0.995))
    headings = [*(f"step {step}\nσ {walk.sigma[step]:.3g}" for step in steps), "\nfinished"]
    for channel in range(channels):
        for column, heading in enumerate(headings):
            drawn = show_map(panels[channel, column], shown[column, channel], limit, "" if channel else heading)
    part.colorbar(drawn, ax=panels, shrink=0.6, aspect=40, pad=0.01)
    for line, pictures in zip(panels[channels:], looks, strict=True):
        for axes, picture in zip(line, pictures, strict=True):
            show_picture(axes, picture)
    names = [*(f"channel {channel}" for channel in range(channels)), "linear preview", "decoded"]
    for axes, name in zip(panels[:, 0], names, strict=True):
        axes.set_ylabel(name, fontsize=9.5)


def _draw_views(part: SubFigure, views: Sequence[ChannelView], nothing: Image.Image, whole: Image.Image) -> None:
    panels: Any = part.subplots(2, len(views) + 1, squeeze=False)
    for view, (above, below) in zip(views, panels[:, :-1].T, strict=True):
        show_picture(above, view.only, f"channel {view.channel}")
        show_picture(below, view.without, f"{view.change:.0f} levels")
    panels[0, 0].set_ylabel("only it", fontsize=9.5)
    panels[1, 0].set_ylabel("without it", fontsize=9.5)
    show_picture(panels[0, -1], nothing, "none: all 0")
    show_picture(panels[1, -1], whole, "all")
