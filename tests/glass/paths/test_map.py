"""Maps: principal components, held against numpy's singular values."""

import numpy as np
import pytest
import torch
from tests.glass.paths.flows import path

from garasu.glass.paths.errors import PathError
from garasu.glass.paths.map import LEVELS, components, path_map
from garasu.glass.paths.path import Path

SIGMA = (8.0, 4.0, 2.0, 1.0)


def wandering(seed: int) -> Path:
    generator = torch.Generator().manual_seed(seed)
    latent, x0 = torch.randn(2, 4, 4, 3, 3, generator=generator)
    return Path(f"{seed}", SIGMA, latent, x0, torch.randn(4, 3, 3, generator=generator))


@pytest.mark.parametrize("what", ["x0", "latent"])
@pytest.mark.parametrize("apart", [False, True])
def test_points_are_those_of_a_singular_value_decomposition(what, apart):
    paths = [wandering(seed) for seed in range(3)]
    made = path_map(paths, what, apart=apart)
    scale = np.sqrt(1 + np.array(SIGMA) ** 2)[:, None, None, None]
    walked = np.stack([
        np.concatenate([one.x0.numpy() if what == "x0" else one.latent.numpy() / scale, one.finished.numpy()[None]])
        for one in paths
    ]).reshape(3, 5, -1)  # fmt: skip
    centred = (walked - walked.mean(axis=0 if apart else (0, 1))).reshape(15, -1)
    u, s, v = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(v[np.arange(2), np.abs(v[:2]).argmax(axis=1)])
    assert np.allclose(made.points.reshape(15, 2), u[:, :2] * s[:2] * signs, atol=1e-4)
    assert made.explained == pytest.approx(tuple(s[:2] ** 2 / (s**2).sum()), rel=1e-5)
    assert np.array_equal(made.ends, made.points[:, -1])


def test_a_plane_has_all_of_the_variance_of_what_lies_in_it():
    points = torch.randn(20, 2, dtype=torch.float64) @ torch.randn(2, 300, dtype=torch.float64)
    found, explained = components(points - points.mean(0))
    assert sum(explained) == pytest.approx(1)
    assert torch.allclose(torch.cdist(found, found), torch.cdist(points, points), atol=1e-6)


def test_the_mean_path_away_two_paths_mirror_each_other():
    made = path_map([wandering(1), wandering(2)], apart=True)
    assert np.allclose(made.points[0], -made.points[1])


def test_long_paths_are_thinned_to_their_ends():
    sigma = np.geomspace(10, 0.1, 500).tolist()
    made = path_map([path(lambda s: s, sigma=sigma), path(lambda s: -s, sigma=sigma)])
    assert made.points.shape == (2, LEVELS + 1, 2)
    assert (made.sigma[0], made.sigma[-1]) == (sigma[0], sigma[-1])
    assert made.explained == pytest.approx((1, 0))


def test_what_never_moves_has_no_map():
    with pytest.raises(PathError, match="never move"):
        path_map([path(1.0), path(1.0)])
    assert "2 paths of x0 on a plane that has 100%" in str(path_map([path(1.0), path(2.0)]))
