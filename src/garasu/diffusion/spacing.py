"""Which noise levels a run visits: timesteps picked from the trained ones, or a curve drawn between σ_max and σ_min.

Every function returns float64 [steps], from the noisiest level down. Lin et al., "Common Diffusion Noise
Schedules and Sample Steps are Flawed" (arXiv:2305.08891), Table 2, compares the first three.
"""

import numpy as np
import torch
from torch import Tensor

from garasu.diffusion.errors import SamplingError

DISTILLED = 50


def leading(steps: int, length: int) -> Tensor:
    """Every (length // steps)-th timestep counted from 1: 961, 921, …, 41, 1 for 25 of 1000. The top is not reached.

    The 1 is diffusers' ``steps_offset`` of every SD 1.x and 2.x checkpoint. With ``steps == length`` all timesteps
    are used and nothing is left to shift (diffusers would ask for timestep 1000, which nobody trained).
    """
    timesteps = torch.arange(steps, dtype=torch.float64).flip(0) * (length // steps)
    return timesteps + (1 if steps < length else 0)


def linspace(steps: int, length: int) -> Tensor:
    """Evenly from the top to 0, both included; fractions of a timestep are left as they are.

    A single step is taken from the top (diffusers takes it from timestep 0, where there is no noise to remove).
    """
    timesteps = np.linspace(0, length - 1, steps) if steps > 1 else np.array([length - 1.0])
    return torch.from_numpy(timesteps).flip(0)


def trailing(steps: int, length: int) -> Tensor:
    """Evenly from the top, stopping one stride above 0: 999, 959, …, 39 for 25 of 1000."""
    # arange's last stride may overshoot by a rounding error and give one timestep too many, hence the cut.
    timesteps = np.arange(length, 0, -length / steps)[:steps].round() - 1
    return torch.from_numpy(timesteps)


def sgm_uniform(steps: int, length: int) -> Tensor:
    """Evenly from the top towards 0, which is left out: 999, 959.04, …, 39.96 for 25 of 1000.

    ComfyUI's and A1111's reading of Stability's generative-models; fractions of a timestep are left as they are.
    """
    return torch.from_numpy(np.linspace(0, length - 1, steps + 1)).flip(0)[:-1]


def simple(steps: int, length: int) -> Tensor:
    """ComfyUI's and A1111's: counted down from the top in whole timesteps, at most 1 away from trailing."""
    strides = np.floor(np.arange(steps) * (length / steps))
    return torch.from_numpy(length - 1 - strides)


def lcm(steps: int, length: int) -> Tensor:
    """The timesteps that latent consistency models are distilled on, or ``steps`` of these 50: 999, 979, …, 19.

    Luo et al. (arXiv:2310.04378), section 4.3; which of the 50 a run visits is diffusers' choice.

    Raises:
        SamplingError: more than 50 steps.
    """
    distilled = min(DISTILLED, length)
    if steps > distilled:
        raise SamplingError(
            f"The spacing 'lcm' has {distilled} timesteps, so {steps} steps are too many; 4 to 8 will do."
        )
    skipped = np.floor(np.arange(steps) * (distilled / steps))
    return torch.from_numpy((distilled - skipped) * (length // distilled) - 1)


def karras(steps: int, sigma_max: float, sigma_min: float, rho: float = 7.0) -> Tensor:
    """Even in σ^(1/ρ): more levels where there is little noise. Karras et al. (arXiv:2206.00364), eq. 5."""
    ramp = torch.linspace(0, 1, steps, dtype=torch.float64)
    top, bottom = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return (top + ramp * (bottom - top)) ** rho


def exponential(steps: int, sigma_max: float, sigma_min: float) -> Tensor:
    """Even in log σ: each level is the same fraction of the one before."""
    ramp = torch.linspace(0, 1, steps, dtype=torch.float64)
    return sigma_max * (sigma_min / sigma_max) ** ramp


TIMESTEPS = {
    "leading": leading,
    "linspace": linspace,
    "trailing": trailing,
    "sgm_uniform": sgm_uniform,
    "simple": simple,
    "lcm": lcm,
}
CURVES = {"karras": karras, "exponential": exponential}
SPACINGS = (*TIMESTEPS, *CURVES)
