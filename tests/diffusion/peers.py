"""diffusers' schedulers, run step by step with a fixed network: the oracle for every sampler."""

from dataclasses import dataclass

import diffusers
import torch
from torch import Tensor

SCHEDULERS = {
    "ddpm": (diffusers.DDPMScheduler, {"clip_sample": False, "variance_type": "fixed_small"}),
    "ddim": (diffusers.DDIMScheduler, {"clip_sample": False, "set_alpha_to_one": False}),
    "euler": (diffusers.EulerDiscreteScheduler, {}),
    "euler_a": (diffusers.EulerAncestralDiscreteScheduler, {}),
    "heun": (diffusers.HeunDiscreteScheduler, {}),
    "dpmpp_2m": (diffusers.DPMSolverMultistepScheduler, {}),
}
SD15 = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
VP = ("ddpm", "ddim")  # these store no sigmas and keep x at unit variance; dpmpp_2m does both


def scheduler(name: str, spacing: str | None, steps: int, prediction: str = "epsilon"):
    """diffusers' scheduler of this name with SD 1.5's settings, its timesteps set; spacing None is its default."""
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
    x = noise * made.init_noise_sigma
    timesteps, before = [], []
    for index, t in enumerate(made.timesteps):
        before.append(x)
        timesteps.append(_network_timestep(made, index))
        out = network(made.scale_model_input(x, t), torch.tensor([timesteps[-1]]))
        x = _step(made, index, out, x, generator=generator, eta=eta)
    return Run(timesteps, before, x)


def _network_timestep(made, index: int) -> float:
    """The timestep of this evaluation, before DPMSolverMultistep rounds it for Karras and exponential levels."""
    if isinstance(made, diffusers.DPMSolverMultistepScheduler) and (
        made.config.use_karras_sigmas or made.config.use_exponential_sigmas
    ):
        log_sigmas = ((1 - made.alphas_cumprod) / made.alphas_cumprod).sqrt().log().numpy()
        return float(made._sigma_to_t(made.sigmas[index].numpy(), log_sigmas))
    return float(made.timesteps[index])


def _step(made, index, out, x, *, generator, eta):
    t = made.timesteps[index]
    if isinstance(made, diffusers.DDIMScheduler):
        _true_neighbour(made, index)
        return made.step(out, t, x, eta=eta, generator=generator).prev_sample
    if isinstance(made, diffusers.DDPMScheduler | diffusers.EulerAncestralDiscreteScheduler):
        return made.step(out, t, x, generator=generator).prev_sample
    return made.step(out, t, x).prev_sample


def _true_neighbour(made, index: int) -> None:
    """Make DDIMScheduler step to the timestep it asks for next.

    It always steps down by 1000 // steps, which misses the next timestep of linspace, and of trailing where steps
    do not divide 1000, so x would be denoised at a level it is not at. Its stride is num_train_timesteps //
    num_inference_steps; we set both so that it is the true gap (beyond the last timestep any negative one will do).
    """
    following = int(made.timesteps[index + 1]) if index + 1 < len(made.timesteps) else -1
    made.register_to_config(num_train_timesteps=int(made.timesteps[index]) - following)
    made.num_inference_steps = 1
