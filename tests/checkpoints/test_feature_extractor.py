"""preprocessor_config.json in old and new spelling, and back."""

import pytest
from PIL import Image

from garasu.checkpoints import CheckpointError
from garasu.checkpoints.feature_extractor import from_json, to_json
from garasu.images.feature_extractor import FeatureExtractor


def test_old_and_new_spelling_are_the_same():
    old = {"crop_size": 28, "do_resize": True, "resample": 3, "size": 30, "image_std": [0.5, 0.5, 0.5]}
    new = {"crop_size": {"height": 28, "width": 28}, "size": {"shortest_edge": 30}, "image_std": [0.5, 0.5, 0.5]}
    wanted = FeatureExtractor(size=30, crop=28, std=(0.5, 0.5, 0.5))
    assert from_json(old, "here") == from_json(new, "here") == wanted


def test_what_is_written_is_read_back():
    odd = FeatureExtractor(30, 28, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), Image.Resampling.BILINEAR)
    assert from_json(to_json(odd), "here") == odd
    assert from_json({}, "here") == FeatureExtractor()


@pytest.mark.parametrize("said", [{"size": 0}, {"size": None}, {"crop_size": {"width": 3}}, {"image_mean": 0.5}])
def test_damage_is_named(said):
    with pytest.raises(CheckpointError, match="here is not a CLIP preprocessor's"):
        from_json(said, "here")
