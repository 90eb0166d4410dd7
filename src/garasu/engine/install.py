"""Putting an engine's choices into networks, and taking them out again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from garasu.engine.attention import CHUNKED, NATIVE
from garasu.engine.choices import Engine
from garasu.engine.convolution import SMALL
from garasu.engine.graphs import Recorded
from garasu.engine.linear import LINEAR
from garasu.engine.matmul import MATMUL
from garasu.engine.norm import NORM
from garasu.engine.offload import Residence, Visiting
from garasu.networks.unet import UNet

FASTER: Mapping[str, Mapping[Any, Any]] = {  # a plain class and the faster one, by the name of the choice
    "attention": NATIVE,
    "chunked_attention": CHUNKED,
    "matmul": MATMUL,
    "linear": LINEAR,
    "convolution": SMALL,
    "group_norm": NORM,
}


def install(network: nn.Module, engine: Engine) -> None:
    """Give the network's modules the classes, and its convolutions the layout, that the engine chose.

    Names, weights and hooks stay what they are, and with gradients every module computes as it did before. What an
    engine chose earlier is taken out first.
    """
    plain = {fast: plain for found in FASTER.values() for plain, fast in found.items()}
    swaps = {plain: fast for name, found in FASTER.items() if engine.has(name) for plain, fast in found.items()}
    for module in network.modules():
        written = plain.get(type(module), type(module))
        module.__class__ = swaps.get(written, written)
    _arrange(network, torch.channels_last if engine.has("channels_last") else torch.contiguous_format)


def run_by(engine: Engine, unet: UNet, residence: Residence | None = None) -> nn.Module:
    """What the denoiser should call: the U-Net itself, or something that runs it faster, or where there is room."""
    if residence is not None:
        return Visiting(unet, residence)
    run: Callable[..., Tensor] = unet
    if engine.has("compile"):
        run = torch.compile(unet, dynamic=False)
    graphs = engine.has("cuda_graphs")
    return Recorded(unet, run, graphs=graphs) if graphs or engine.has("compile") else unet


def _arrange(network: nn.Module, layout: torch.memory_format) -> None:
    """Lay out the convolutions' weights, one at a time: memory never holds them twice."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and not module.weight.is_contiguous(memory_format=layout):
            module.weight.data = module.weight.data.contiguous(memory_format=layout)
