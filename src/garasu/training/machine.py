"""Where training runs: one CPU, one GPU, or several through accelerate.

Started plainly there is nothing to set up, and accelerate is not even imported. Under ``accelerate launch`` (or
``torchrun``), which set WORLD_SIZE, accelerate wraps the network and averages the gradients.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from garasu.hardware import choose_device, has_bfloat16
from garasu.training.compiling import Compiled
from garasu.training.store import Store


class Machine:
    """The device, this process's rank among ``world`` processes, and the arithmetic to use.

    ``compiled``: what is trained is compiled. ``store`` holds the data on the device.
    """

    def __init__(self, device: str = "auto", *, compiled: bool = False) -> None:
        self.compiled = compiled
        self.accelerator: Any = None
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from accelerate import Accelerator

            self.accelerator = Accelerator(cpu=device == "cpu")
            self.device = self.accelerator.device
        else:
            self.device = choose_device(device)
        self.store = Store(self.device)

    @property
    def rank(self) -> int:
        """This process among the others, from 0."""
        return self.accelerator.process_index if self.accelerator else 0

    @property
    def world(self) -> int:
        """How many processes share the work."""
        return self.accelerator.num_processes if self.accelerator else 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes files and prints."""
        return self.rank == 0

    def place(self, network: nn.Module) -> None:
        """Move a network to the device, in the memory format that is fastest there."""
        network.to(self.device)
        if self.device.type == "cuda":
            torch.backends.cudnn.benchmark = True  # shapes are few: look for the fastest kernel of each
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def wrap(self, network: nn.Module) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
        """The network as the loop should call it, so that gradients are averaged over processes.

        Its weights keep their names in ``network``, compiled or not.
        """
        wrapped: nn.Module = self.accelerator.prepare_model(network) if self.accelerator else network
        return Compiled(wrapped) if self.compiled else wrapped

    def backward(self, loss: Tensor) -> None:
        """Gradients of ``loss``, averaged over processes."""
        if self.accelerator:
            self.accelerator.backward(loss)
        else:
            loss.backward()

    def wait(self) -> None:
        """Until every process is here."""
        if self.accelerator:
            self.accelerator.wait_for_everyone()

    def autocast(self) -> AbstractContextManager[None]:
        """bfloat16 arithmetic where the hardware has it, float32 elsewhere."""
        if not has_bfloat16(self.device):
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)
