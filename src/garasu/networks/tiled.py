"""A VAE over a picture that is too large for memory: in overlapping tiles whose results melt into one.

Convolutions see a few cells around each pixel, so a wide overlap leaves them what they would have seen. The
normalisations look at the whole picture: they take its mean and spread from a smaller copy, and every tile is
normalised by these. Only the attention in the middle sees a tile in the picture's place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from garasu.images.tiles import blend, tiles
from garasu.networks.blocks import GroupNorm
from garasu.networks.vae import VAE, Posterior
from garasu.panes import At, look

TILE = 96  # cells of the latent on each side
OVERLAP = 24
PIXELS = 64  # of a block that is looked at to normalise; single pixels would be all edges
NORMS = "*norm*"


def decode(vae: VAE, latent: Tensor, tile: int = TILE, overlap: int = OVERLAP) -> Tensor:
    """As ``vae.decode``, a tile at a time: [B, 4, h, w] → [B, 3, H, W]."""
    height, width = latent.shape[-2:]
    factor = vae.config.factor
    boxes = tiles((width, height), tile, overlap)
    with _normalised_as(vae.decoder, lambda: vae.decode(_sample(latent, tile, 1)), len(boxes)):
        parts = (vae.decode(latent[..., *box.slices]) for box in boxes)
        return blend(parts, [box.scaled(factor) for box in boxes], (width * factor, height * factor))


def encode(vae: VAE, image: Tensor, tile: int = TILE, overlap: int = OVERLAP) -> Posterior:
    """As ``vae.encode``, a tile at a time: [B, 3, H, W] → a posterior over [B, 4, h, w]."""
    factor = vae.config.factor
    size = image.shape[-1] // factor, image.shape[-2] // factor
    boxes = tiles(size, tile, overlap)
    with _normalised_as(vae.encoder, lambda: vae.encode(_sample(image, tile * factor, PIXELS)), len(boxes)):
        parts = (_moments(vae.encode(image[..., *box.scaled(factor).slices])) for box in boxes)
        mean, log_variance = blend(parts, boxes, size).chunk(2, dim=1)
    return Posterior(mean, log_variance)


def _moments(posterior: Posterior) -> Tensor:
    return torch.cat([posterior.mean, posterior.log_variance], dim=1)


def _sample(x: Tensor, most: int, block: int) -> Tensor:
    """Every n-th block of rows and columns, at most about ``most`` of either: a smaller copy with the same detail."""
    rows, columns = (_every(side, -(-max(x.shape[-2:]) // most), block).to(x.device) for side in x.shape[-2:])
    return x[..., rows, :][..., columns]


def _every(side: int, n: int, block: int) -> Tensor:
    return torch.cat([torch.arange(first, min(first + block, side)) for first in range(0, side, n * block)])


@contextmanager
def _normalised_as(network: nn.Module, run: Callable[[], object], count: int) -> Iterator[None]:
    """While it lasts, the network's normalisations use the means and spreads that they meet in ``run``."""
    if count == 1:  # the tile is the picture
        yield
        return
    found: dict[str, tuple[Tensor, Tensor]] = {}

    def keep(_: Tensor, at: At) -> None:
        found[at.name] = _affine(network.get_submodule(at.name), at.given[0])

    def apply(_: Tensor, at: At) -> Tensor:
        scale, shift = found[at.name]
        return torch.addcmul(shift, at.given[0], scale)

    with look(network, {NORMS: keep}):
        run()
    with look(network, {NORMS: apply}):
        yield


def _affine(norm: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """What normalising x [B, C, H, W] multiplies and adds, [B, C, 1, 1] each."""
    assert isinstance(norm, GroupNorm)
    grouped = x.float().reshape(len(x), norm.num_groups, -1)
    variance, mean = torch.var_mean(grouped, dim=2, correction=0)  # [B, G]
    each = norm.num_channels // norm.num_groups
    scale = (variance + norm.eps).rsqrt().repeat_interleave(each, 1) * norm.weight.float()  # [B, C]
    shift = norm.bias.float() - mean.repeat_interleave(each, 1) * scale
    return scale.to(x.dtype)[..., None, None], shift.to(x.dtype)[..., None, None]
