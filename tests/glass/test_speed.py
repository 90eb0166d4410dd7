"""Distances between neighbours: each is a length."""

import numpy as np
import pytest
import torch
from PIL import Image
from tests.glass.films import picture

from garasu.glass.speed import embedding_angles, pixel_distance, pixel_distances, tensor_distances
from garasu.networks.clip_vision import CLIPVision, CLIPVisionConfig


@pytest.fixture(scope="module")
def tower() -> CLIPVision:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CLIPVision(
            CLIPVisionConfig(
                image_size=32, patch_size=8, width=48, layers=2, heads=4, mlp_width=96, projection_width=24
            )
        )


def test_pixels_are_apart_by_their_mean_absolute_difference() -> None:
    red, blue = Image.new("RGB", (4, 4), (200, 0, 0)), Image.new("RGB", (4, 4), (0, 0, 100))
    assert pixel_distance(red, blue) == pixel_distance(blue, red) == 100.0
    assert pixel_distances([picture(0), picture(0.25), picture(1)]) == pytest.approx([255 * 0.25, 255 * 0.75])


def test_angles_are_those_of_the_towers_embeddings(tower: CLIPVision) -> None:
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)) for _ in range(40)]  # more than one batch
    pixels = torch.stack([torch.from_numpy(np.array(one)).permute(2, 0, 1) / 127.5 - 1 for one in pictures])
    with torch.no_grad():
        seen = tower(pixels).double()
    cosines = torch.cosine_similarity(seen[1:], seen[:-1])
    assert embedding_angles(tower, pictures) == pytest.approx(torch.rad2deg(cosines.arccos()).numpy(), abs=1e-4)


def test_equal_pictures_are_at_an_angle_of_nothing_even_for_a_tower_in_bfloat16(tower: CLIPVision) -> None:
    dtype = tower.class_embedding.dtype
    assert embedding_angles(tower.to(torch.bfloat16), [picture(0.5, 32)] * 3).tolist() == [0.0, 0.0]
    assert tower.class_embedding.dtype == torch.bfloat16, "the caller's tower is left as it is"
    tower.to(dtype)


def test_tensors_are_apart_by_their_euclidean_distance() -> None:
    assert tensor_distances([torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]), torch.tensor([[3.0, 5.0]])]).tolist() == [
        5.0,
        1.0,
    ]
