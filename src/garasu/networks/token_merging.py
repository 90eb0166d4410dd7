"""Token merging: pixels that are nearly the same attend as one.

Bolya and Hoffman, "Token Merging for Fast Stable Diffusion", arXiv:2303.17604. One pixel of every 2×2 window is a
destination, chosen at random. The others look for the destination most like them, and those that found the best match
are averaged into it. After attention each takes the value of the one that it went into.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from garasu.networks.blocks import TransformerBlock
from garasu.networks.unet import UNet
from garasu.panes import eagerly

MOST = 0.75  # all but one pixel of each window


def destinations(grid: tuple[int, int], random: torch.Generator) -> Tensor:
    """One pixel of each whole 2×2 window, as indices into H·W; an odd last row or column has none. [H//2 · W//2]."""
    rows, columns = grid[0] // 2, grid[1] // 2
    choice = torch.randint(4, (rows, columns), generator=random)
    row = 2 * torch.arange(rows)[:, None] + choice // 2
    column = 2 * torch.arange(columns)[None] + choice % 2
    return (row * grid[1] + column).flatten()


@dataclass(frozen=True)
class Merge:
    """Which pixels stay, and where the others go: indices of [B, P, D], all [B, …, 1]."""

    kept: Tensor
    gone: Tensor
    into: Tensor  # for each that is gone, its place among the destinations
    goals: Tensor  # the destinations

    def merge(self, x: Tensor) -> Tensor:
        """[B, P, D] → [B, P', D]: those kept, then the destinations with the mean of all that went there."""
        goals = _taken(x, self.goals)
        into = self.into.expand(-1, -1, x.shape[-1])
        merged = goals.scatter_reduce(1, into, _taken(x, self.gone), "mean", include_self=True)
        return torch.cat([_taken(x, self.kept), merged], dim=1)

    def unmerge(self, y: Tensor) -> Tensor:
        """[B, P', D] → [B, P, D]."""
        goals = y[:, self.kept.shape[1] :]
        index = torch.cat([self.kept, self.goals, self.gone], dim=1).expand(-1, -1, y.shape[-1])  # [B, P, D]
        return torch.empty_like(index, dtype=y.dtype).scatter(1, index, torch.cat([y, _taken(goals, self.into)], dim=1))


def find_merge(x: Tensor, goals: Tensor, ratio: float) -> Merge:
    """What to merge in x [B, P, D] into the pixels ``goals``: ratio·P of the others, the most alike first."""
    rows, pixels, _ = x.shape
    other = torch.ones(pixels, dtype=torch.bool)
    other[goals] = False
    sources = other.nonzero().squeeze(1).to(x.device)
    goals = goals.to(x.device)
    unit = F.normalize(x.float(), dim=-1)  # in bfloat16 most would be equally alike, and the first in line would go
    likeness, into = (unit[:, sources] @ unit[:, goals].transpose(1, 2)).max(dim=-1)  # [B, S] each
    order = likeness.argsort(dim=1, descending=True, stable=True)
    gone, kept = order.split([count := min(int(ratio * pixels), len(sources)), len(sources) - count], dim=1)
    each = goals.expand(rows, -1)
    return Merge(sources[kept][..., None], sources[gone][..., None], into.gather(1, gone)[..., None], each[..., None])


class TokenMerged(nn.Module):
    """A network around ``unet``, to be called as one, whose self-attention at the full size sees merged pixels.

    Which pixels of the windows are destinations is drawn anew at every layer and call, from a fixed seed: the same
    run gives the same result.
    """

    def __init__(self, network: nn.Module, unet: UNet, ratio: float) -> None:
        """``ratio``: the share of pixels that is merged away, 0…0.75. Raises ValueError outside."""
        super().__init__()
        if not 0 <= ratio <= MOST:
            raise ValueError(f"token_merging merges 0 to {MOST} of the pixels, not {ratio:g}")
        self.network = network
        self.ratio = ratio
        self._random = torch.Generator().manual_seed(0)
        blocks = [part for rung in (unet.down[0], unet.up[-1]) for part in rung.modules()]
        self._attentions = [block.self_attention for block in blocks if isinstance(block, TransformerBlock)]

    def forward(self, x: Tensor, t: Tensor, context: Tensor, guidance: Tensor | None = None) -> Tensor:
        """As UNet."""
        with eagerly(), ExitStack() as stack:
            for attention in self._attentions:
                stack.enter_context(self._merged(attention, (x.shape[2], x.shape[3])))
            answer: Tensor = self.network(x, t, context, guidance)
            return answer

    @contextmanager
    def _merged(self, attention: nn.Module, grid: tuple[int, int]) -> Iterator[None]:
        found: list[Merge] = []

        def before(_: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
            found.append(find_merge(given[0], destinations(grid, self._random), self.ratio))
            return (found[-1].merge(given[0]), *given[1:])

        def after(_: nn.Module, given: tuple[Any, ...], value: Tensor) -> Tensor:
            return found.pop().unmerge(value)

        handles = attention.register_forward_pre_hook(before), attention.register_forward_hook(after)
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def _taken(x: Tensor, index: Tensor) -> Tensor:
    """The pixels [B, N, 1] of x [B, P, D]."""
    return x.gather(1, index.expand(-1, -1, x.shape[-1]))
