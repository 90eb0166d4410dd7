"""diffusers' schedulers, run step by step with a fixed network: the oracle for every sampler."""

import inspect
from dataclasses import dataclass

import diffusers
import pytest
import torch
from torch import Tensor

SCHEDULERS = {
    "ddpm": (diffusers.DDPMScheduler, {"clip_sample": False, "variance_type": "fixed_small"}),
    "ddim": (diffusers.DDIMScheduler, {"clip_sample": False, "set_alpha_to_one": False}),
    "plms": (diffusers.PNDMScheduler, {"skip_prk_steps": True, "set_alpha_to_one": False}),
    "euler": (diffusers.EulerDiscreteScheduler, {}),
    "euler_a": (diffusers.EulerAncestralDiscreteScheduler, {}),
    "heun": (diffusers.HeunDiscreteScheduler, {}),
    "lms": (diffusers.LMSDiscreteScheduler, {}),
    "dpm2": (diffusers.KDPM2DiscreteScheduler, {}),
    "dpm2_a": (diffusers.KDPM2AncestralDiscreteScheduler, {}),
    "dpmpp_sde": (diffusers.DPMSolverSDEScheduler, {}),
    "dpmpp_2m": (diffusers.DPMSolverMultistepScheduler, {}),
    "dpmpp_2m_sde": (diffusers.DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++"}),
    "unipc": (diffusers.UniPCMultistepScheduler, {}),
    "deis": (diffusers.DEISMultistepScheduler, {}),
    "lcm": (diffusers.LCMScheduler, {}),
}  # of dpmpp_3m_sde diffusers has another formula, and dpmpp_2s_a and restart it has not: see second_opinions.py
NEEDS = {"lms": "scipy", "dpmpp_sde": "torchsde"}  # what these schedulers import: in the extra "dev"
SD15 = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
ROUNDING = (
    diffusers.DPMSolverMultistepScheduler,
    diffusers.UniPCMultistepScheduler,
    diffusers.DEISMultistepScheduler,
    diffusers.KDPM2DiscreteScheduler,
    diffusers.KDPM2AncestralDiscreteScheduler,
)


def scheduler(name: str, spacing: str | None, steps: int, prediction: str = "epsilon"):
    """diffusers' scheduler of this name with SD 1.5's settings, its timesteps set; spacing None is its default."""
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason="diffusers' scheduler needs it: pip install -e '.[dev]'")
    cls, extra = SCHEDULERS[name]
    options = SD15 | extra | {"prediction_type": prediction}
    if spacing in ("karras", "exponential"):
        options[f"use_{spacing}_sigmas"] = True
    elif spacing is not None:
        options["timestep_spacing"] = spacing
    made = cls(**options)
    made.set_timesteps(steps)
    return made


def network(x: Tensor, t: Tensor, context: Tensor | None = None) -> Tensor:
    """A stand-in for a U-Net: nonlinear in x, in its neighbours and in t; its output has about unit size."""
    t = torch.as_tensor(t).reshape(-1, 1, 1, 1).to(x.dtype)
    return torch.sin(1.3 * x + t / 170) + 0.4 * torch.roll(x, 1, -1) * torch.cos(t / 290) + 0.1


@dataclass(frozen=True)
class Run:
    """``timesteps`` asked for, the latent ``before`` each answer and the ``last`` one, all in diffusers' own scale."""

    timesteps: list[float]
    before: list[Tensor]
    last: Tensor


def run(made, noise: Tensor, generator: torch.Generator, eta: float = 0.0) -> Run:
    """Sample from ``noise`` as a diffusers pipeline does."""
    made.set_begin_index(0) if hasattr(made, "set_begin_index") else None
    if hasattr(made, "noise_sampler"):
        made.noise_sampler = Path(lambda: torch.randn(noise.shape, generator=generator))
    x = noise * made.init_noise_sigma
    timesteps, before = [], []
    for index, t in enumerate(made.timesteps):
        before.append(x)
        timesteps.append(_network_timestep(made, index))
        out = network(made.scale_model_input(x, t), torch.tensor([timesteps[-1]]))
        x = _step(made, index, out, x, generator=generator, eta=eta)
    return Run(timesteps, before, x)


class Path:
    """One Brownian path over σ in place of torchsde's tree: increments from ``start``, of unit variance, as asked for.

    Fresh noise is drawn for the part of the path that was not asked for yet.
    """

    def __init__(self, draw) -> None:
        self.draw, self.start, self.end, self.increment = draw, None, None, None

    def __call__(self, sigma: Tensor, following: Tensor) -> Tensor:
        sigma, following = float(sigma), float(following)
        if sigma != self.start:
            self.start, self.end, self.increment = sigma, sigma, 0.0
        self.increment = self.increment + (self.end - following) ** 0.5 * self.draw()
        self.end = following
        return self.increment / (self.start - self.end) ** 0.5


def _network_timestep(made, index: int) -> float:
    """The timestep of this evaluation, before some schedulers round it for Karras and exponential levels."""
    midway = isinstance(made, ROUNDING[-2:]) and index % 2 == 1  # DPM2's middle, which is not rounded
    rounds = isinstance(made, ROUNDING) and (made.config.use_karras_sigmas or made.config.use_exponential_sigmas)
    if not rounds or midway:
        return float(made.timesteps[index])
    log_sigmas = ((1 - made.alphas_cumprod) / made.alphas_cumprod).sqrt().log().numpy()
    return float(made._sigma_to_t(made.sigmas[index].numpy(), log_sigmas))


def _step(made, index, out, x, *, generator, eta):
    t = made.timesteps[index]
    if isinstance(made, diffusers.DDIMScheduler | diffusers.PNDMScheduler):
        _true_neighbour(made, index)
    if isinstance(made, diffusers.DDIMScheduler):
        return made.step(out, t, x, eta=eta, generator=generator).prev_sample
    if "generator" in inspect.signature(made.step).parameters:
        return made.step(out, t, x, generator=generator).prev_sample
    return made.step(out, t, x).prev_sample


def _true_neighbour(made, index: int) -> None:
    """Make DDIMScheduler and PNDMScheduler step to the timestep they ask for next.

    They always step down by 1000 // steps, which misses the next timestep of linspace, and of trailing where steps
    do not divide 1000, so x would be denoised at a level it is not at. Their stride is num_train_timesteps //
    num_inference_steps; we set both so that it is the true gap (beyond the last timestep any negative one will do).
    PNDM's second evaluation repeats its first step, from the timestep above.
    """
    timesteps = [*made.timesteps.tolist(), -1]
    above = index - 1 if isinstance(made, diffusers.PNDMScheduler) and index == 1 else index
    made.register_to_config(num_train_timesteps=timesteps[above] - timesteps[above + 1])
    made.num_inference_steps = 1
