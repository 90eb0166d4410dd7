import numpy as np
import pytest
import torch
from PIL import Image

from garasu.images.convert import to_pictures, to_tensor


def noise_picture(size: tuple[int, int] = (24, 16), seed: int = 0) -> Image.Image:
    width, height = size
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def test_every_level_survives_the_way_there_and_back():
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16).repeat(3).reshape(16, 16, 3))
    tensor = to_tensor(ramp)
    assert tensor.shape == (1, 3, 16, 16)
    assert (tensor.min().item(), tensor.max().item()) == (-1.0, 1.0)
    assert np.array_equal(np.asarray(to_pictures(tensor)[0]), np.asarray(ramp))


def test_rows_columns_and_channels_keep_their_places():
    picture = noise_picture()
    tensor = to_tensor([picture, noise_picture(seed=1)])
    assert tensor.shape == (2, 3, 16, 24)
    assert tensor[0, 2, 5, 7].item() == pytest.approx(picture.getpixel((7, 5))[2] / 127.5 - 1)


def test_levels_are_rounded_as_diffusers_rounds_them():
    image_processor = pytest.importorskip("diffusers.image_processor")
    values = torch.rand(2, 3, 8, 12, generator=torch.Generator().manual_seed(0)) * 2.4 - 1.2
    theirs = image_processor.VaeImageProcessor().postprocess(values, output_type="pil")
    for ours, other in zip(to_pictures(values), theirs, strict=True):
        assert np.array_equal(np.asarray(ours), np.asarray(other))


def test_levels_are_cut_off_on_request():
    values = torch.tensor([0, 0.4, 0.6, 100.2, 100.9, 254.9, 255, 300]) / 127.5 - 1
    row = values.reshape(1, 1, 1, 8).expand(1, 3, 8, 8)
    assert np.asarray(to_pictures(row, "down")[0])[0, :, 0].tolist() == [0, 0, 0, 100, 100, 254, 255, 255]
    assert np.asarray(to_pictures(row)[0])[0, :, 0].tolist() == [0, 0, 1, 100, 101, 255, 255, 255]


def test_bfloat16_and_gradients_are_accepted():
    assert to_pictures(torch.zeros(1, 3, 8, 8, dtype=torch.bfloat16, requires_grad=True))[0].getpixel((0, 0)) == (
        128,
        128,
        128,
    )


def test_transparent_and_gray_pictures_become_rgb():
    assert to_tensor(Image.new("L", (8, 8), 255)).shape == (1, 3, 8, 8)
    assert to_tensor(Image.new("RGBA", (8, 8), (255, 0, 0, 255)))[0, :, 0, 0].tolist() == [1.0, -1.0, -1.0]


def test_pictures_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match=r"one size.*\(16, 24\), \(24, 16\)"):
        to_tensor([noise_picture(), noise_picture((16, 24))])
