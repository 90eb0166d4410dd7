"""The denoiser: a network that predicts noise (or velocity), asked in σ-space what the clean latent is."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from garasu.diffusion.errors import unknown
from garasu.diffusion.schedule import Schedule
from garasu.panes import Pane

Denoise = Callable[[Tensor, Tensor], Tensor]
"""(x [B, C, H, W], sigma [] or [B]) → x0 [B, C, H, W]: what the clean latent is believed to be."""

Network = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(x [B, C, H, W] of unit variance, t [B], context [B, T, D]) → ε or v [B, C, H, W]."""

Prediction = Literal["epsilon", "v_prediction"]
PREDICTIONS = ("epsilon", "v_prediction")


class Levels(NamedTuple):
    """What a training step needs to know of each row's timestep, all [B].

    x_t = signal·x0 + noise·ε, which is x0 + σ·ε at unit variance; ``weight`` is what the row's error counts.
    """

    t: Tensor
    sigma: Tensor
    signal: Tensor
    noise: Tensor
    weight: Tensor


class Denoiser(nn.Module):
    """Turns what a network predicts into x0, and trains it to predict that.

    "epsilon": the network predicts the noise (Ho et al., arXiv:2006.11239). "v_prediction": the velocity
    v = √ᾱ·noise − √(1−ᾱ)·x0 (Salimans and Ho, arXiv:2202.00512, appendix D). ``x0`` is the pane through which
    every answer passes, guided or not.
    """

    def __init__(self, network: Network, schedule: Schedule, prediction: Prediction = "epsilon") -> None:
        """``network``: a module or any callable; a module is called in the dtype of its first parameter.

        Raises:
            SamplingError: unknown prediction.
        """
        super().__init__()
        if prediction not in PREDICTIONS:
            raise unknown("prediction", prediction, PREDICTIONS)
        self.network = network
        self.schedule = schedule
        self.prediction = prediction
        self.x0 = Pane()

    def forward(self, x: Tensor, sigma: Tensor, context: Tensor) -> Tensor:
        """The believed clean latent.

        Args:
            x: x0 + σ·noise, [B, C, H, W].
            sigma: σ, one for all rows [] or one for each [B].
            context: conditioning [B, T, D].

        Returns:
            x0, in the dtype of ``x``, [B, C, H, W].
        """
        sigma = _per_row(sigma, x)
        out = self._predict(x, self.schedule.t(sigma), 1 / (1 + sigma**2).sqrt(), context)
        if self.prediction == "epsilon":
            x0 = x - _column(sigma, x) * out
        else:
            x0 = _column(1 / (1 + sigma**2), x) * x - _column(sigma / (1 + sigma**2).sqrt(), x) * out
        shown: Tensor = self.x0(x0)
        return shown

    def loss(self, x0: Tensor, context: Tensor, noise: Tensor, t: Tensor, min_snr: float | None = None) -> Tensor:
        """Mean squared error of the prediction for each row, float32 [B].

        Args:
            x0: clean latents [B, C, H, W].
            context: conditioning [B, T, D].
            noise: standard normal, like ``x0``.
            t: timestep of each row [B] in 0…999, whole or fractional.
            min_snr: γ of min-SNR-γ weighting (Hang et al., arXiv:2303.09556; 5 in the paper), none by default.
        """
        return self.loss_at(self.levels(t, min_snr), x0, context, noise)

    def levels(self, t: Tensor, min_snr: float | None = None) -> Levels:
        """The levels of timesteps ``t`` [B], float64 on the CPU; ``min_snr`` as in :meth:`loss`."""
        sigma = self.schedule.sigma(t)
        scale = (1 + sigma**2).sqrt()
        weight = torch.ones_like(sigma) if min_snr is None else self._min_snr_weight(sigma, min_snr)
        return Levels(self.schedule.t(sigma), sigma, 1 / scale, sigma / scale, weight)

    def loss_at(self, levels: Levels, x0: Tensor, context: Tensor, noise: Tensor) -> Tensor:
        """:meth:`loss` at levels that are known already: on the device of ``x0`` a step waits for no transfer."""
        target = noise if self.prediction == "epsilon" else self._velocity(x0, noise, levels)
        x = x0 + _column(levels.sigma, x0) * noise
        out = self._predict(x, levels.t, levels.signal, context)
        error = (out.float() - target.float()).square().mean(dim=(1, 2, 3))  # [B]
        return error * levels.weight.to(error)

    def _predict(self, x: Tensor, t: Tensor, signal: Tensor, context: Tensor) -> Tensor:
        """The network's ε or v, in the dtype of ``x``; the network sees x scaled to unit variance (VP) and t."""
        dtype = self._network_dtype(x)
        scaled = _column(signal, x) * x
        return self.network(scaled.to(dtype), _sent(t, x.device, torch.float32), context.to(dtype)).to(x.dtype)

    def _network_dtype(self, x: Tensor) -> torch.dtype:
        parameters = self.network.parameters() if isinstance(self.network, nn.Module) else iter(())
        return next((one.dtype for one in parameters if one.is_floating_point()), x.dtype)

    def _velocity(self, x0: Tensor, noise: Tensor, levels: Levels) -> Tensor:
        return _column(levels.signal, x0) * noise - _column(levels.noise, x0) * x0

    def _min_snr_weight(self, sigma: Tensor, gamma: float) -> Tensor:
        """What turns this prediction's error into min(SNR, γ) times the error of x0: SNR of ε, SNR + 1 of v."""
        snr = 1 / sigma**2
        return snr.clamp(max=gamma) / (snr if self.prediction == "epsilon" else snr + 1)


def _per_row(sigma: Tensor, x: Tensor) -> Tensor:
    """σ for each row of ``x``, float64 on the CPU [B]: from here on numbers are rounded once, when they meet x."""
    return sigma.to("cpu", torch.float64).expand(len(x))


def _column(values: Tensor, x: Tensor) -> Tensor:
    """[B] → [B, 1, 1, 1] on the device and in the dtype of ``x``."""
    return _sent(values, x.device, x.dtype).reshape(-1, 1, 1, 1)


def _sent(values: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """A few numbers on another device; on CUDA without waiting for what that is doing."""
    return values.to(device, dtype, non_blocking=device.type == "cuda")
