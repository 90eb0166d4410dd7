"""A picture through the VAE and back, and through means of squares."""

import numpy as np
import pytest
import torch
from PIL import Image

from garasu.glass.round_trip import averaged, compared, fitting, round_trip
from garasu.model import StableDiffusion


def waves(amplitude: float, every: int, side: int = 64) -> Image.Image:
    x = np.arange(side)
    row = 128 + amplitude * np.cos(2 * np.pi * x / every)
    return Image.fromarray(np.repeat(np.round(row)[None, :, None], side, 0).repeat(3, 2).astype(np.uint8))


def test_psnr_is_that_of_the_levels() -> None:
    one, other = Image.new("RGB", (16, 16), (100, 100, 100)), Image.new("RGB", (16, 16), (110, 110, 110))
    assert compared(one, other, "").psnr == pytest.approx(20 * np.log10(255 / 10), abs=1e-4)


def test_an_error_is_found_at_its_frequency() -> None:
    picture = waves(60, 32)
    worse = Image.fromarray((np.asarray(picture).astype(int) + np.asarray(waves(20, 4)) - 128).astype(np.uint8))
    found = compared(picture, worse, "worse")
    assert found.frequency[found.error.argmax()].item() == pytest.approx(1 / 4, abs=0.01)
    assert found.frequency[1:][found.power[1:].argmax()].item() == pytest.approx(1 / 32, abs=0.01)
    assert found.wrong(0, 1) == pytest.approx((20 / 60) ** 2, rel=0.05)
    assert found.wrong(0, 0.1) < 0.001


def test_the_round_trip_is_encode_and_decode(tiny: StableDiffusion) -> None:
    picture = Image.effect_noise((67, 70), 60).convert("RGB")
    found = round_trip(tiny, picture)
    cut = picture.crop((0, 0, 64, 64))
    assert found.original.tobytes() == cut.tobytes()
    assert found.decoded.tobytes() == tiny.decode(tiny.encode_image(cut)).tobytes()
    assert found.name == "tiny"
    before, after = (np.asarray(one).astype(float) for one in (found.original, found.decoded))
    shown = np.clip(127.5 + 3 * (after - before), 0, 255)
    assert np.abs(np.asarray(found.difference(3)) - shown).max() <= 0.51


def test_means_keep_what_is_coarse_and_lose_what_is_fine() -> None:
    assert averaged(waves(60, 4)).wrong(0.2, 0.3) == pytest.approx(1, abs=0.01)
    assert averaged(waves(60, 64, 128)).wrong(0, 0.06) < 0.02
    flat = averaged(Image.new("RGB", (32, 32), (10, 200, 90)))
    assert flat.decoded.tobytes() == flat.original.tobytes()
    assert torch.isinf(torch.tensor(flat.psnr))


def test_a_picture_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="a picture of 7x9 is too small for the VAE: take 8 or more"):
        fitting(Image.new("RGB", (7, 9)), 8)
