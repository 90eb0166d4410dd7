"""A run as a film strip: what x, x0 and ε would be as pictures, step by step.

Needs the extra `plots`: pip install garasu[plots].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from garasu.glass.drawing import page, panel_width, row_width, show_picture
from garasu.glass.picture_walk import PictureWalk
from garasu.model import StableDiffusion

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS = ("x ÷ √(1+σ²)", "x0", "ε")


def strip_figure(sd: StableDiffusion, walk: PictureWalk, steps: Sequence[int] | None = None) -> Figure:
    """One row each of x, x0 and ε at some steps (eight when not given), decoded by the VAE, and the finished picture.

    The VAE knows latents of about unit variance: x0 and ε are that, and x is brought to it by dividing by √(1 + σ²).
    """
    steps = walk.steps() if steps is None else walk.steps(steps)
    rows = [torch.cat([value(step) for step in steps]) for value in (walk.scaled, walk.x0, walk.eps)]
    (finished,) = sd.decode_each(walk.finished)
    columns = len(steps) + 1
    ratio = finished.height / finished.width
    height = 1.8 + 3 * ratio * panel_width(columns)
    figure = page(height, walk.title, caption(walk), row_width(columns))
    panels = figure.subplots(3, columns, squeeze=False)
    for name, latent, line in zip(ROWS, rows, panels, strict=True):
        line[0].set_ylabel(name, fontsize=11)
        for step, picture, axes in zip(steps, sd.decode_each(latent), line, strict=False):
            show_picture(axes, picture, _heading(walk, step) if name == ROWS[0] else "")
        line[-1].axis("off")
    show_picture(panels[0, -1], finished, "\n\nfinished")
    panels[0, -1].axis("on")
    return figure


def caption(walk: PictureWalk) -> str:
    """When x0 and x come near the finished latent, in one sentence."""
    near, nearer = _reached(walk, walk.x0, 0.5), _reached(walk, walk.x0, 0.1)
    noisy = _reached(walk, walk.scaled, 0.5)
    return (
        "From noise to picture, decoded by the VAE: the x0 that the network believes in is within half of the "
        f"finished latent's size {_said(walk, near)} and within a tenth {_said(walk, nearer)}, while x, which still "
        f"carries the noise ε, is within half {_said(walk, noisy)}."
    )


def distance(value: Tensor, finished: Tensor) -> float:
    """How far a latent is from the finished one, in the finished one's size (root mean square)."""
    return float((value - finished).square().mean().sqrt() / finished.square().mean().sqrt())


def _reached(walk: PictureWalk, value: Callable[[int], Tensor], share: float) -> int | None:
    """The step from which on a quantity stays that near to the finished latent."""
    far = [step for step in range(len(walk)) if distance(value(step), walk.finished) > share]
    first = far[-1] + 1 if far else 0
    return first if first < len(walk) else None


def _said(walk: PictureWalk, step: int | None) -> str:
    return "only at the end" if step is None else f"from step {step} on (σ {walk.sigma[step]:.3g})"


def _heading(walk: PictureWalk, step: int) -> str:
    return f"step {step}\nσ {walk.sigma[step]:.3g}\nt {walk.t[step]:.4g}"
