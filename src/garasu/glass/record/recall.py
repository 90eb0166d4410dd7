"""A network that is not asked while the answers are known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from garasu.model import StableDiffusion
from garasu.tasks.sampled import Sampled


class Recall(nn.Module):
    """Around a network; as long as it is ``skipping``, nothing is computed and the answer is 0.

    With ``other``, the network is shown another latent than the denoiser knows of, and answers such that the
    denoiser's x0 is the one that belongs to the other latent.
    """

    def __init__(self, network: nn.Module, *, velocity: bool, skips: bool) -> None:
        """``velocity``: the network predicts v. ``skips``: False to compute even while skipping."""
        super().__init__()
        self.network = network
        self.skipping = False
        self.other: tuple[Tensor, Tensor, float] | None = None  # the latent to show, the one asked about, σ
        self._velocity = velocity
        self._skips = skips

    def forward(self, x: Tensor, t: Tensor, context: Tensor, *guidance: Tensor) -> Tensor:
        """As UNet."""
        if self.skipping and self._skips:
            return torch.zeros_like(x[:, :4])
        if self.other is None:
            answer: Tensor = self.network(x, t, context, *guidance)
            return answer
        latent, asked, sigma = self.other
        scale, times = (1 + sigma**2) ** 0.5, len(x) // len(latent)
        shown = (latent / scale).to(x).repeat(times, 1, 1, 1)
        moved = (asked - latent).to(x.device).repeat(times, 1, 1, 1) / (sigma * scale if self._velocity else sigma)
        answered: Tensor = self.network(torch.cat([shown, x[:, 4:]], dim=1), t, context, *guidance)
        return answered.float() + moved


@contextmanager
def recalling(sd: StableDiffusion, recipe: Sampled) -> Iterator[Recall]:
    """Put a Recall around the model's network while the block runs.

    What keeps features from step to step (deep_cache), or draws for each call (token_merging), computes every step.
    """
    whole = sd.denoiser.network
    assert isinstance(whole, nn.Module)
    skips = recipe.deep_cache == 1 and not recipe.token_merging
    recall = Recall(whole, velocity=sd.denoiser.prediction == "v_prediction", skips=skips)
    sd.denoiser.network = recall
    try:
        yield recall
    finally:
        sd.denoiser.network = whole
