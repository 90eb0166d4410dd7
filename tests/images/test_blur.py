import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from garasu.images.blur import gaussian, reach


def bell(sigma: float) -> np.ndarray:
    far = int(2.5 * sigma + 0.5)
    values = np.exp(-(np.arange(-far, far + 1) ** 2) / (2 * sigma**2))
    return values / values.sum()


@pytest.mark.parametrize("sigma", [0.4, 1.0, 4.0])
def test_blur_of_one_pixel_is_the_gaussian_cut_off(sigma):
    picture = torch.zeros(2, 3, 41, 41, dtype=torch.float64)
    picture[1, 2, 20, 20] = 7
    far = reach(sigma)
    expected = np.zeros((2, 3, 41, 41))
    expected[1, 2, 20 - far : 21 + far, 20 - far : 21 + far] = 7 * np.outer(bell(sigma), bell(sigma))
    assert 2 * far + 1 == len(bell(sigma))
    assert gaussian(picture, sigma).numpy() == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 2**32 - 1), st.floats(0.3, 12), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_the_picture_goes_on_mirrored_at_its_border(seed, sigma, height, width):
    values = np.random.default_rng(seed).random((height, width))
    far = reach(sigma)
    wide = torch.from_numpy(np.pad(values, far, mode="reflect"))[None, None]
    inner = gaussian(wide, sigma)[..., far : far + height, far : far + width]
    assert torch.allclose(gaussian(torch.from_numpy(values)[None, None], sigma), inner, atol=1e-12)


def test_what_is_flat_stays_flat_and_no_blur_changes_nothing():
    assert torch.allclose(gaussian(torch.full((1, 2, 5, 7), 3.0), 4), torch.tensor(3.0))
    noise = torch.rand(1, 1, 5, 7)
    assert gaussian(noise, 0) is noise
