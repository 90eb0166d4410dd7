"""Numbers and pictures as text."""

from base64 import b64decode
from io import BytesIO

import numpy as np
import torch
from PIL import Image

from garasu.glass.page.pictures import data_uri, decoded, packed


def test_numbers_are_little_endian_float16():
    values = torch.tensor([[1.0, -2.5], [0.0001, 65504]])
    assert np.array_equal(np.frombuffer(b64decode(packed(values)), "<f2").reshape(2, 2), values.half().numpy())


def test_pictures_are_webp_of_at_most_256_pixels():
    start, text = data_uri(Image.new("RGB", (512, 384), (200, 30, 60))).split(",")
    assert start == "data:image/webp;base64"
    picture = Image.open(BytesIO(b64decode(text)))
    assert picture.size == (256, 192)
    assert np.abs(np.asarray(picture.convert("RGB"), int) - (200, 30, 60)).max() <= 3


def test_latents_are_decoded_by_the_model(tiny):
    latent = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    made = decoded(tiny, latent)
    assert made == [data_uri(picture) for picture in tiny.decode_each(latent)]
    assert made[0] != made[1]
