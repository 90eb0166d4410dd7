"""Does a U-Net predict the noise ε or the velocity v? The files do not say, so ask the network."""

from __future__ import annotations

import torch

from garasu.checkpoints.source import Prediction
from garasu.networks.unet import UNet

THRESHOLD = -1.0


@torch.no_grad()
def prediction(unet: UNet) -> Prediction:
    """At t = 999 almost all of x is noise, so a network that predicts ε returns about x.

    One that predicts v = √ᾱ·ε − √(1−ᾱ)·x0 returns about −x0 there, far from x. The test, x = 0.5 everywhere and
    mean(out − x) < −1, is the one that AUTOMATIC1111's web UI applies to SD 2.x. An 8×8 latent is enough.
    """
    config = unet.config
    like = unet.conv_in.weight
    x = torch.full((1, config.in_channels, 8, 8), 0.5, dtype=like.dtype, device=like.device)
    context = torch.full((1, 2, config.context_width), 0.5, dtype=like.dtype, device=like.device)
    out = unet(x, torch.tensor([999.0], device=like.device), context)
    difference = (out.float() - 0.5).mean().item()
    return "v_prediction" if difference < THRESHOLD else "epsilon"
