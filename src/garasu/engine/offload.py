"""Only the network that is computing lies on the GPU; the others wait in main memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Residence:
    """One place on a device, for one network at a time."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._there: nn.Module | None = None

    def bring(self, network: nn.Module) -> None:
        """Have ``network`` on the device, and whatever was there before in main memory."""
        if network is self._there:
            return
        if self._there is not None:
            self._there.to("cpu")
        network.to(self.device)
        self._there = network


class Visiting(nn.Module):
    """A U-Net that comes to the device when it, or ``network`` which stands for it, is called."""

    def __init__(self, unet: nn.Module, residence: Residence, network: nn.Module | None = None) -> None:
        super().__init__()
        self.unet = unet
        self.network = network or unet
        self._residence = residence

    def forward(self, x: Tensor, t: Tensor, context: Tensor, guidance: Tensor | None = None) -> Tensor:
        """As UNet."""
        self._residence.bring(self.unet)
        answer: Tensor = self.network(x, t, context, guidance)
        return answer
