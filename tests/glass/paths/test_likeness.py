"""Pictures that look alike are one."""

import numpy as np
from PIL import Image

from garasu.glass.paths.likeness import best_measure, groups, picture_distances


def test_groups_are_numbered_by_size():
    places = np.array([0.0, 5.0, 5.1, 5.2, 9.0, 9.1])
    found = groups(np.abs(places[:, None] - places), 1.0)
    assert found.tolist() == [2, 0, 0, 0, 1, 1]
    assert groups(np.abs(places[:, None] - places), 100.0).tolist() == [0] * 6
    assert sorted(groups(np.abs(places[:, None] - places), 0.01).tolist()) == [0, 1, 2, 3, 4, 5]


def test_a_chain_is_not_one_group():
    """Neighbours are 1 apart, the ends 9: average linkage does not run along the chain."""
    places = np.arange(10.0)
    assert groups(np.abs(places[:, None] - places), 1.5).max() > 2


def test_distances_of_pixels(tiny):
    pictures = [Image.new("RGB", (8, 8), (level,) * 3) for level in (0, 10, 30)]
    assert best_measure(tiny) == "pixels"
    assert picture_distances(tiny, pictures, "pixels").tolist() == [[0, 10, 30], [10, 0, 20], [30, 20, 0]]
