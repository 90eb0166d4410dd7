"""Diffusion: a guided denoiser walks noise down a schedule. Imports no network: any callable can be denoised."""

from garasu.diffusion.canvas import Canvas
from garasu.diffusion.denoiser import Denoise, Denoiser
from garasu.diffusion.errors import SamplingError
from garasu.diffusion.guidance import guided
from garasu.diffusion.noise import Noise
from garasu.diffusion.samplers import SAMPLERS, Sampler, find_sampler, start
from garasu.diffusion.schedule import Schedule
from garasu.diffusion.steps import Step, drive

__all__ = [
    "SAMPLERS",
    "Canvas",
    "Denoise",
    "Denoiser",
    "Noise",
    "Sampler",
    "SamplingError",
    "Schedule",
    "Step",
    "drive",
    "find_sampler",
    "guided",
    "start",
]
