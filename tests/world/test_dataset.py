"""Captioned folders: what is written can be read, drawn again, and is whole or not there."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from garasu.world.dataset import METADATA, DatasetError, Example, contact_sheet, example, write_folder
from garasu.world.render import render
from garasu.world.scene import ATTRIBUTES, Scene, is_held_out


def rows(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / METADATA).read_text(encoding="utf-8").splitlines()]


def test_every_picture_can_be_read_and_drawn_again(tmp_path: Path) -> None:
    out = write_folder(tmp_path / "set", 12, (96, 64), seed=5)
    found = rows(out)
    assert len(found) == 12
    assert {path.name for path in out.iterdir()} == {METADATA, *(str(row["file_name"]) for row in found)}
    for row in found:
        scene = Scene(**{name: str(row[name]) for name in ATTRIBUTES})
        with Image.open(out / str(row["file_name"])) as picture:
            assert picture.format == "PNG"
            assert np.array_equal(np.asarray(picture), render(scene, (96, 64), int(str(row["seed"]))))
        assert row["text"]


def test_a_folder_repeats_by_seed(tmp_path: Path) -> None:
    one, same, other = (
        write_folder(tmp_path / name, 4, 32, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert rows(one) == rows(same) != rows(other)
    assert (one / "0.png").read_bytes() == (same / "0.png").read_bytes()


def test_an_example_needs_no_other() -> None:
    """Picture 7 is the same whether the first seven were drawn or not."""
    alone = example(7, 32, seed=3)
    after = [example(index, 32, seed=3) for index in range(8)][7]
    assert (alone.scene, alone.text, alone.seed) == (after.scene, after.text, after.seed)


def test_held_out_examples_are_apart() -> None:
    assert all(is_held_out(example(index, 16, held_out=True).scene) for index in range(20))
    assert not any(is_held_out(example(index, 16).scene) for index in range(200))


def test_watching_sees_every_example(tmp_path: Path) -> None:
    seen: list[Example] = []
    out = write_folder(tmp_path / "set", 3, 16, watch=seen.append)
    assert [one.text for one in seen] == [row["text"] for row in rows(out)]


def test_a_run_that_stops_leaves_nothing(tmp_path: Path) -> None:
    def stop(_: Example) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "set", 3, 16, watch=stop)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    assert len(rows(write_folder(tmp_path / "set", 2, 16))) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_others_may_read_the_folder(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    assert write_folder(tmp_path / "set", 1, 16).stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize(
    ("name", "count", "says"),
    [
        ("full", 2, "already holds"),
        ("file", 2, "already holds"),
        ("no/where", 2, "does not exist"),
        ("new", 0, "at least 1"),
    ],
)
def test_refusals_come_before_work(tmp_path: Path, name: str, count: int, says: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept.txt").write_text("kept")
    (tmp_path / "file").write_text("kept")
    with pytest.raises(DatasetError, match=says):
        write_folder(tmp_path / name, count, 16)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full"]
    assert (tmp_path / "full" / "kept.txt").read_text() == "kept"


def test_a_sheet_shows_the_datasets_pictures() -> None:
    page = contact_sheet(6, 3, 48, seed=1)
    assert page.width >= 3 * 48
    assert page.height >= 2 * 48
    first = np.asarray(example(0, 48, seed=1).image)
    pixels = np.asarray(page)
    assert any(
        np.array_equal(pixels[top : top + 48, left : left + 48], first) for top in range(12) for left in range(12)
    )


def test_an_empty_sheet_is_refused() -> None:
    with pytest.raises(DatasetError, match="at least 1"):
        contact_sheet(0)
