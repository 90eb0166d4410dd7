"""Stable Diffusion as a whole: the networks of one checkpoint, and the walk from words to a picture."""

from garasu.model.errors import ModelError
from garasu.model.loading import BUNDLED, load
from garasu.model.stable_diffusion import StableDiffusion

__all__ = ["BUNDLED", "ModelError", "StableDiffusion", "load"]
