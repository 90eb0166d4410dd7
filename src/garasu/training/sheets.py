"""Sample sheets of a training run."""

from __future__ import annotations

from PIL import Image
from torch import Tensor


def tile(images: Tensor, columns: int) -> Image.Image:
    """Pictures [B, 3, H, W] in −1…1 as one image, ``columns`` in a row."""
    pixels = ((images.detach().float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu()
    count, height, width, _ = pixels.shape
    sheet = Image.new("RGB", (columns * width, -(-count // columns) * height))
    for index, one in enumerate(pixels.numpy()):
        sheet.paste(Image.fromarray(one), (index % columns * width, index // columns * height))
    return sheet
