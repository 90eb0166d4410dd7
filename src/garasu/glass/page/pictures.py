"""Pictures for a page: decoded, small, as data URIs."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

from PIL import Image
from torch import Tensor

from garasu.glass.page.detail import LONGEST
from garasu.model import StableDiffusion

_QUALITY = 85  # of WebP; artefacts cannot be seen on 128×128 drawings


def packed(values: Tensor) -> str:
    """Little-endian float16, row by row, in base64."""
    return b64encode(values.half().contiguous().numpy().astype("<f2").tobytes()).decode()


def decoded(sd: StableDiffusion, latent: Tensor) -> list[str]:
    """The pictures of latents [B, 4, h, w], as data URIs."""
    return [data_uri(picture) for picture in sd.decode_each(latent)]


def data_uri(picture: Image.Image) -> str:
    """A picture of at most 256 pixels a side as WebP, within the text of a page."""
    small = picture.convert("RGB")
    small.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    written = BytesIO()
    small.save(written, format="WEBP", quality=_QUALITY)
    return f"data:image/webp;base64,{b64encode(written.getvalue()).decode()}"
