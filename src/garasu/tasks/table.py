"""Every task by its name, as pictures, sweeps and servers speak of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from garasu.tasks.img2img import Img2Img, img2img_steps
from garasu.tasks.inpaint import Inpaint, inpaint_steps
from garasu.tasks.outpaint import Outpaint, outpaint_steps
from garasu.tasks.picture import Picture
from garasu.tasks.sampled import Sampled
from garasu.tasks.txt2img import Txt2Img, txt2img_steps, txt2img_together
from garasu.tasks.upscale import Upscale, upscale_steps

if TYPE_CHECKING:
    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion


@dataclass(frozen=True)
class Task:
    """A recipe's class, and what turns a model and such a recipe into steps and pictures.

    `together` does so for several recipes that are `alike`; none where they are made one by one.
    """

    recipe: type[Sampled]
    steps: Callable[[StableDiffusion, Any], Iterator[Step | Picture[Any]]]
    together: Callable[[StableDiffusion, Sequence[Any]], Iterator[Step | Picture[Any]]] | None = None


_ALL = (
    Task(Txt2Img, txt2img_steps, txt2img_together),
    Task(Img2Img, img2img_steps),
    Task(Inpaint, inpaint_steps),
    Task(Outpaint, outpaint_steps),
    Task(Upscale, upscale_steps),
)
TASKS: Mapping[str, Task] = MappingProxyType({task.recipe.task: task for task in _ALL})
