"""What a VAE loses, against errors that are known, and the second VAE beside a model."""

import math
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from garasu.images.convert import to_pictures
from garasu.model import load
from garasu.training.evaluation import reconstruction
from garasu.training.evaluation.reconstruction import inside, psnr, second_psnr


class Lossy:
    """Decodes with a known error: every level of the first ``bad`` pictures is off by ``levels`` of 255."""

    device, dtype, native_size = torch.device("cpu"), torch.float32, (24, 16)

    def __init__(self, levels: int, bad: int) -> None:
        self.levels, self.bad, self.sizes = levels, bad, set[tuple[int, ...]]()

    def encode_image(self, images: Tensor) -> Tensor:
        self.sizes.add(tuple(images.shape[1:]))
        return images

    def decode_each(self, latent: Tensor) -> list[Image.Image]:
        done = []
        for picture in to_pictures(latent):
            off = self.levels if self.bad > 0 else 5
            self.bad -= 1
            done.append(picture.point(lambda level, off=off: level + off if level < 128 else level - off))
        return done


def test_psnr_of_a_known_error() -> None:
    model = Lossy(levels=51, bad=5)
    found = psnr(model, 10)  # type: ignore[arg-type]
    small, large = 5 / 255, 51 / 255
    assert found.mean == pytest.approx((5 * -20 * math.log10(small) + 5 * -20 * math.log10(large)) / 10, abs=1e-3)
    assert found.whole == pytest.approx(-10 * math.log10((small**2 + large**2) / 2), abs=1e-3)
    assert found.pictures == 10
    assert model.sizes == {(3, 16, 24)}, "at the model's own size"


class Smudging(Lossy):
    """Keeps everything but the upper half of a picture, which is off by 51 levels of 255."""

    native_size = (64, 64)

    def decode_each(self, latent: Tensor) -> list[Image.Image]:
        wrong = super().decode_each(latent)
        for picture, spoilt in zip(to_pictures(latent), wrong, strict=True):
            spoilt.paste(picture.crop((0, 32, 64, 64)), (0, 32))
        return wrong


def test_faces_are_measured_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A face in the spoilt half has all of the error, one across the middle a part of it, one below none."""
    boxes = [[(10, 4, 20, 14)], [(30, 24, 40, 40)], [], [(0, 40, 8, 60), (-4, -4, 8, 8)]]
    images = torch.full((4, 3, 64, 64), -0.2)
    monkeypatch.setattr(reconstruction, "_fresh", lambda *_: [(images, boxes)])
    found = psnr(Smudging(levels=51, bad=4), 4)  # type: ignore[arg-type]
    spoilt = -20 * math.log10(51 / 255)
    assert found.mean == pytest.approx(spoilt + 10 * math.log10(2), abs=0.01)
    kept = -20 * math.log10(0.5 / 255)  # at most: the rest is rounded to whole levels
    expected = [spoilt, spoilt + 10 * math.log10(2), spoilt]
    assert 4 * found.faces - sum(expected) >= kept - 0.1


def test_a_box_is_cut_at_the_edge() -> None:
    values = torch.arange(20).reshape(4, 5)
    assert inside(values, (-2, 1, 2, 3)).tolist() == [[5, 6], [10, 11]]
    assert inside(values, (3, 2, 9, 9)).tolist() == [[13, 14], [18, 19]]


def test_the_second_vae_is_measured_where_there_is_one(toy_run: Path, tmp_path: Path) -> None:
    sd = load(toy_run / "model", device="cpu")
    found = second_psnr(sd, 6)
    swapped = load(toy_run / "model", vae=toy_run / "model" / "vae_faces", device="cpu")
    assert found == psnr(swapped, 6) != psnr(sd, 6)
    alone = tmp_path / "alone"
    for path in (toy_run / "model").rglob("*"):
        if path.is_file() and "vae_faces" not in path.parts:
            (alone / path.relative_to(toy_run / "model")).parent.mkdir(parents=True, exist_ok=True)
            (alone / path.relative_to(toy_run / "model")).write_bytes(path.read_bytes())
    assert second_psnr(load(alone, device="cpu"), 6) is None
