"""The flags that say which model to load, and where: the same for every command that runs one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from garasu.model import StableDiffusion


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ModelFlags:
    """Which model, and on what."""

    model: Annotated[str | None, Parameter(help="A checkpoint file, a folder or a hub id; else the bundled model.")] = (
        None
    )
    vae: Annotated[
        str | None, Parameter(help="A VAE in place of the model's own: a file, a folder, a hub id, or bundled:faces.")
    ] = None
    device: Annotated[str, Parameter(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto"
    dtype: Annotated[str, Parameter(help="auto, float32, bfloat16 or float16.")] = "auto"
    engine: Annotated[
        str, Parameter(help="auto, plain (the networks as they are written), or auto without parts: auto-attention.")
    ] = "auto"
    compile: Annotated[
        bool, Parameter(help="On CUDA: torch.compile makes kernels for each size, at first in minutes.", negative="")
    ] = False
    low_memory: Annotated[
        bool, Parameter(help="On CUDA: only the network that computes lies on the GPU.", negative="")
    ] = False

    def load(self) -> StableDiffusion:
        """The model, in a process set up for it. Raises as garasu.load does."""
        from garasu import engine, model  # not above: `garasu txt2img --help` must not wait for torch

        if self.engine != engine.PLAIN:
            engine.own_process()
        return model.load(
            self.model,
            vae=self.vae,
            device=self.device,
            dtype=self.dtype,
            engine=self.engine,
            compile=self.compile,
            low_memory=self.low_memory,
        )


NONE_GIVEN = ModelFlags()
