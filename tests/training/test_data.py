"""Captioned pictures: drawn or read once, then the same bytes for every run."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from garasu.training.data import Bucket, DataError, Pictures, draw_world, open_pictures, read_captioned, step_rng
from garasu.world.dataset import example, write_folder
from garasu.world.scene import ATTRIBUTES, HELD_OUT

SHAPES = {(48, 48): 0.75, (32, 64): 0.25}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return draw_world(tmp_path_factory.mktemp("drawn"), 40, SHAPES, captions=3, seed=5)


def test_every_shape_gets_its_share(drawn: Pictures) -> None:
    found = {bucket.size: bucket.pixels.shape for bucket in drawn.buckets}
    assert found == {(48, 48): (30, 48, 48, 3), (32, 64): (10, 64, 32, 3)}
    assert {len(captions) for bucket in drawn.buckets for captions in bucket.captions} == {3}


def test_training_never_sees_a_held_out_combination(tmp_path: Path) -> None:
    # fur is told by captions whatever the style hides, so look at labels where nothing is hidden
    pictures = draw_world(tmp_path, 400, {(16, 16): 1.0}, captions=1, seed=0)
    shown = [one for bucket in pictures.buckets for one in bucket.labels]
    assert set(shown[0]) == set(ATTRIBUTES)
    assert not [one for one in shown for held in HELD_OUT if all(one[name] == value for name, value in held.items())]


def test_a_picture_depends_on_seed_and_number_alone(tmp_path: Path) -> None:
    few = draw_world(tmp_path / "few", 4, {(32, 32): 1.0}, captions=2, seed=1).buckets[0]
    many = draw_world(tmp_path / "many", 12, {(32, 32): 1.0}, captions=2, seed=1).buckets[0]
    other = draw_world(tmp_path / "other", 4, {(32, 32): 1.0}, captions=2, seed=2).buckets[0]
    assert np.array_equal(few.pixels, many.pixels[:4])
    assert few.captions == many.captions[:4]
    assert few.labels == many.labels[:4]
    assert not np.array_equal(few.pixels, other.pixels)


def test_pictures_are_drawn_once(tmp_path: Path) -> None:
    draw_world(tmp_path, 4, {(32, 32): 1.0}, captions=1, seed=1)
    first = (tmp_path / "pixels-32x32.npy").stat().st_mtime_ns
    draw_world(tmp_path, 4, {(32, 32): 1.0}, captions=1, seed=1)
    assert (tmp_path / "pixels-32x32.npy").stat().st_mtime_ns == first
    assert not list(tmp_path.glob("*.part"))


def test_images_are_the_pixels_between_minus_one_and_one(drawn: Pictures) -> None:
    bucket = drawn.buckets[0]
    images = bucket.images([3, 0])
    assert images.shape == (2, 3, bucket.size[1], bucket.size[0])
    expected = bucket.pixels[3].astype(np.float64).transpose(2, 0, 1) / 255 * 2 - 1
    assert np.abs(images[0].numpy() - expected).max() < 1e-6


def test_larger_buckets_are_chosen_more_often() -> None:
    def bucket(count: int) -> Bucket:
        return Bucket((8, 8), np.zeros((count, 8, 8, 3), np.uint8), [["x"]] * count, [{}] * count, [[]] * count)

    pictures = Pictures([bucket(90), bucket(10)])
    rng = torch.Generator().manual_seed(0)
    chosen = [pictures.choose(rng, 4) for _ in range(500)]
    assert 0.85 < sum(number == 0 for number, _ in chosen) / 500 < 0.95
    assert all(0 <= i < len(pictures.buckets[number].captions) for number, some in chosen for i in some)
    assert {i for number, some in chosen for i in some if number == 1} == set(range(10))


def test_a_step_has_its_own_random_numbers() -> None:
    def first(*words: int) -> int:
        return int(torch.randint(1 << 62, (1,), generator=step_rng(*words)))

    assert first(0, 1, 0) == first(0, 1, 0)
    assert len({first(0, 1, 0), first(1, 0, 0), first(0, 0, 1), first(1, 1, 0), first(0, 1, 1)}) == 5


def test_a_captioned_folder_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_folder(tmp_path / "source", 6, (32, 32), seed=3)
    bucket = read_captioned(tmp_path / "source", tmp_path / "arrays", [(32, 32), (16, 48)]).buckets[0]
    assert bucket.size == (32, 32)
    for index in range(6):
        written = example(index, (32, 32), seed=3)
        assert np.array_equal(bucket.pixels[index], np.asarray(written.image))
        assert bucket.captions[index] == [written.text]
        assert bucket.labels[index]["subject"] == written.scene.subject
        assert set(bucket.labels[index]) == set(ATTRIBUTES), "a seed is no attribute"


def test_a_picture_goes_to_the_nearest_shape_and_keeps_its_middle(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("blue", (100, 0, 200, 100))  # the middle third
    wide.save(source / "wide.png")
    Image.new("RGB", (100, 90), "green").save(source / "square.png")
    lines = [{"file_name": "wide.png", "text": "wide"}, {"file_name": "square.png", "text": "square"}]
    (source / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    buckets = read_captioned(source, tmp_path / "arrays", [(32, 32), (64, 32), (32, 64)]).buckets
    found = {bucket.captions[0][0]: bucket for bucket in buckets}
    assert found["square"].size == (32, 32)
    assert found["wide"].size == (64, 32)
    row = found["wide"].pixels[0][16].astype(int)  # 96 px wide after scaling, 16 cut off on either side
    assert row[2].tolist() == [254, 0, 0] or row[2][0] > 250
    assert row[32][2] > 250
    assert row[61][0] > 250
    assert sum(pixel[2] > 128 for pixel in row) == pytest.approx(32, abs=2)


def test_what_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no metadata\.jsonl"):
        read_captioned(tmp_path, tmp_path / "arrays", [(32, 32)])
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "gone.png", "text": "a cat"}\n')
    with pytest.raises(DataError, match=r"gone\.png, which is not in"):
        read_captioned(tmp_path, tmp_path / "arrays", [(32, 32)])
    with pytest.raises(DataError, match="no pictures"):
        open_pictures(tmp_path / "arrays")


def test_label_values_are_all_that_occur() -> None:
    rng = random.Random(0)
    labels = [{"fur": rng.choice(("black", "white")), "eyes": "green"} for _ in range(20)]
    bucket = Bucket((8, 8), np.zeros((20, 8, 8, 3), np.uint8), [["x"]] * 20, labels, [[]] * 20)
    assert Pictures([bucket]).label_values == {"eyes": ["green"], "fur": ["black", "white"]}
