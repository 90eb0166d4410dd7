"""A picture through the VAE and back: what comes back, and what 8×8 pixels in four numbers lose."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from garasu.glass.spectrum import Rings, power
from garasu.images.convert import to_pictures, to_tensor
from garasu.model import StableDiffusion


@dataclass(frozen=True)
class RoundTrip:
    """A picture, and what came back of it.

    ``frequency`` [R]: in cycles a pixel; ``count`` [R]: how many coefficients of it; ``power`` and ``error``
    [R]: of the picture and of its difference to what came back, the mean over R, G, B in -1…1, seen through a Hann
    window (else the jump from one edge to the opposite one would count as detail).
    """

    name: str
    original: Image.Image
    decoded: Image.Image
    frequency: Tensor
    count: Tensor
    power: Tensor
    error: Tensor

    @property
    def psnr(self) -> float:
        """Peak signal-to-noise ratio in decibels, of the rounded pictures."""
        difference = to_tensor(self.original) - to_tensor(self.decoded)
        return float(10 * torch.log10(4 / difference.square().mean()))

    def wrong(self, low: float, high: float) -> float:
        """The error's power over the picture's among the frequencies from low on and below high; 0 left out."""
        chosen = (self.frequency >= low) & (self.frequency < high) & (self.frequency > 0)
        return float((self.error * self.count)[chosen].sum() / (self.power * self.count)[chosen].sum())

    def difference(self, times: float) -> Image.Image:
        """What came back less the original, so many times, around a middle gray."""
        return to_pictures((to_tensor(self.decoded) - to_tensor(self.original)) * times)[0]


def round_trip(sd: StableDiffusion, picture: Image.Image, name: str = "") -> RoundTrip:
    """A picture encoded (the mean of the VAE's answer) and decoded again; what is beyond a multiple of 8 is cut off."""
    original = fitting(picture, sd.vae.config.factor)
    (decoded,) = sd.decode_each(sd.encode_image(original))
    return compared(original, decoded, name or sd.vae_name or sd.name)


def averaged(picture: Image.Image, factor: int = 8) -> RoundTrip:
    """What comes back of the mean colour of each 8×8 pixels, enlarged bicubically: three numbers in place of four."""
    original = fitting(picture, factor)
    means = F.avg_pool2d(to_tensor(original), factor)
    (back,) = to_pictures(F.interpolate(means, scale_factor=factor, mode="bicubic"))
    return compared(original, back, f"means of {factor}×{factor}")


def compared(original: Image.Image, decoded: Image.Image, name: str) -> RoundTrip:
    """The spectra of a picture and of what is different in another of the same size."""
    before, after = to_tensor(original)[0], to_tensor(decoded)[0]  # [3, H, W]
    rings = Rings(*before.shape[-2:])
    window = torch.outer(*(torch.hann_window(side, dtype=torch.float64) for side in before.shape[-2:]))
    window /= window.square().mean().sqrt()
    centred = before - (before * window).mean((-2, -1), keepdim=True) / window.mean()
    seen, wrong = (rings.mean(power(one * window)).mean(0) for one in (centred, after - before))
    return RoundTrip(name, original, decoded, rings.frequency, rings.count, seen, wrong)


def fitting(picture: Image.Image, factor: int) -> Image.Image:
    """The upper left of a picture, in multiples of the factor. Raises ValueError for a picture smaller than that."""
    width, height = (side // factor * factor for side in picture.size)
    if not width or not height:
        raise ValueError(
            f"a picture of {picture.width}x{picture.height} is too small for the VAE: take {factor} or more"
        )
    return picture.convert("RGB").crop((0, 0, width, height))
