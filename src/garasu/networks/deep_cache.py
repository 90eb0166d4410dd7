"""DeepCache: the deep part of the U-Net changes slowly along the walk, so it is kept for a few steps.

Ma, Fang and Wang, arXiv:2312.00858. The ladder's last residual block reads what came up from below beside the very
first skip, conv_in(x). What came up is kept; between two refreshes only that block and the two ends of the ladder run.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from garasu.networks.unet import UNet, UpLevel
from garasu.panes import look


class DeepCached(nn.Module):
    """A U-Net to be called as one, which reuses its deep features until it is told to ``forget`` them."""

    def __init__(self, unet: UNet) -> None:
        super().__init__()
        self.unet = unet
        self.deep: Tensor | None = None  # what the last block reads from below, [B, C, H, W]

    def forget(self) -> None:
        """Run the whole ladder at the next call."""
        self.deep = None

    def forward(self, x: Tensor, t: Tensor, context: Tensor, guidance: Tensor | None = None) -> Tensor:
        """As UNet; other rows or another size than before are never answered from what is kept."""
        if self.deep is None or (len(self.deep), self.deep.shape[2:]) != (len(x), x.shape[2:]):
            return self._whole(x, t, context, guidance)
        return self._top(x, self.deep, t, context, guidance)

    def _whole(self, x: Tensor, t: Tensor, context: Tensor, guidance: Tensor | None) -> Tensor:
        rung = self._top_rung
        last_but_one = rung.transformers if len(rung.transformers) else rung.resnets
        with look(last_but_one[-2], {"": self._keep}):
            answer: Tensor = self.unet(x, t, context, guidance)
        return answer

    def _keep(self, value: Tensor, _: object) -> None:
        self.deep = value

    def _top(self, x: Tensor, deep: Tensor, t: Tensor, context: Tensor, guidance: Tensor | None) -> Tensor:
        unet, rung = self.unet, self._top_rung
        context = unet.conditioning(context)
        time = unet.time_embed(t, guidance)
        h = torch.cat([deep, unet.conv_in(x)], dim=1)
        h = rung.layer(len(rung.resnets) - 1, h, time, context)
        answer: Tensor = unet.conv_out(F.silu(unet.norm_out(h)))
        return answer

    @property
    def _top_rung(self) -> UpLevel:
        rung = self.unet.up[-1]
        assert isinstance(rung, UpLevel)
        return rung
