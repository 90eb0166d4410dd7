"""A U-Net with some of its parts switched off: what they carry is what the picture then lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from garasu.model import StableDiffusion
from garasu.networks.attention import Attention
from garasu.networks.blocks import FeedForward, ResNet, Transformer
from garasu.networks.unet import DownLevel, UNet, UpLevel
from garasu.panes import At, PaneError, Watcher, look, matching

SKIP = re.compile(r"skip\.(\d+)")
_LAST = {ResNet: "conv2", Transformer: "proj_out"}  # what adds to the stream, in a block with a residual around it
_BRANCHES = (Attention, FeedForward)  # themselves what is added


@contextmanager
def without(sd: StableDiffusion, names: str | Sequence[str]) -> Iterator[None]:
    """Run the model with parts of its U-Net switched off while the block runs; afterwards it is as it was.

    Args:
        sd: the model.
        names: ``skip.K``, the K-th feature map that the way down leaves for the way up, counted from 0 (`skips`): the
            residual block that reads it is given zeros in its place. Or a path or pattern as for ``look``, such as
            "unet.middle" or "unet.up.1.transformers.0": every residual block, transformer, attention and feed-forward
            that it names, or that is inside what it names, adds nothing to the stream that passes it.

    Raises:
        PaneError: there is no such skip or module, or nothing in it can be switched off.
    """
    watchers, inputs = _switches(sd, [names] if isinstance(names, str) else names)
    with ExitStack() as stack:
        if watchers or inputs:
            stack.enter_context(look(sd, watchers, before=inputs))
        yield


def check_parts(sd: StableDiffusion, names: Sequence[str]) -> None:
    """Before any work: whether a model can go `without`. Raises PaneError as that does."""
    _switches(sd, names)


def _switches(sd: StableDiffusion, names: Sequence[str]) -> tuple[dict[str, Watcher], dict[str, Watcher]]:
    """Watchers of outputs, and of inputs."""
    watchers: dict[str, Watcher] = {}
    inputs: dict[str, Watcher] = {}
    for name in names:
        if found := SKIP.fullmatch(name):
            reader, channels = _skip(sd, int(found[1]))
            inputs[reader] = _zeros_behind(channels)
        else:
            watchers |= dict.fromkeys(_branches(sd, name), _zeros)
    return watchers, inputs


def skips(unet: UNet) -> tuple[tuple[str, str, int], ...]:
    """For each skip: what leaves it, the residual block that reads it, both as paths, and its channels.

    The first is left by ``conv_in``; the last one left is the first one read.
    """
    left = [("unet.conv_in", unet.conv_in.out_channels)]
    readers: list[str] = []
    for level, down in enumerate(unet.down.children()):
        assert isinstance(down, DownLevel)
        width, kind = unet.config.channels[level], "transformers" if len(down.transformers) else "resnets"
        left += [(f"unet.down.{level}.{kind}.{index}", width) for index in range(len(down.resnets))]
        left += [(f"unet.down.{level}.downsample", width)] if down.downsample is not None else []
    for level, up in enumerate(unet.up.children()):
        assert isinstance(up, UpLevel)
        readers += [f"unet.up.{level}.resnets.{index}" for index in range(len(up.resnets))]
    return tuple((name, reader, width) for (name, width), reader in zip(left, reversed(readers), strict=True))


def _skip(sd: StableDiffusion, index: int) -> tuple[str, int]:
    known = skips(sd.unet)
    if index >= len(known):
        raise PaneError(f"there is no skip.{index}: this U-Net has {len(known)} skips, skip.0 to skip.{len(known) - 1}")
    return known[index][1:]


def _zeros(value: Tensor, at: At) -> Tensor:
    return torch.zeros_like(value)


def _zeros_behind(channels: int) -> Watcher:
    """The last channels of an input are the skip."""

    def watcher(value: Tensor, at: At) -> Tensor:
        return torch.cat([value[:, :-channels], torch.zeros_like(value[:, -channels:])], dim=1)

    return watcher


def _branches(sd: StableDiffusion, pattern: str) -> list[str]:
    """The modules whose output is added to a stream, in all that a pattern names: the outermost of each."""
    found: dict[str, None] = {}
    for name, module in matching(sd, pattern):
        found |= dict.fromkeys(_inside(name, module))
    if not found or not all(name.startswith("unet.") for name in found):
        raise PaneError(
            f"nothing in {pattern!r} can be switched off: name a skip (skip.1) or a block of the U-Net (unet.middle, "
            "unet.up.1, unet.down.0.transformers.0, …)"
        )
    return list(found)


def _inside(name: str, module: nn.Module) -> Iterator[str]:
    if type(module) in _LAST:
        yield f"{name}.{_LAST[type(module)]}"
    elif isinstance(module, _BRANCHES):
        yield name
    else:
        for below, child in module.named_children():
            yield from _inside(f"{name}.{below}", child)
