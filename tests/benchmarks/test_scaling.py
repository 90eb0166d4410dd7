"""How cost grows, at toy size."""

import json
from pathlib import Path

from benchmarks import scaling


def test_points_table_and_fit(tmp_path: Path) -> None:
    flags = ["--size=toy", "--subject=ours-fp32", "--axes", "pixels", "--steps=2", "--repeats=2"]
    stem = scaling.main([*flags, f"--cache={tmp_path}", f"--out={tmp_path}"])
    points = json.loads(stem.with_name(f"{stem.name}.json").read_text(encoding="utf-8"))["points"]
    assert [(point["axis"], point["x"]) for point in points] == [("pixels", side**2) for side in (64, 128, 256)]
    assert all(len(point["seconds"]) == 2 and min(point["seconds"]) > 0 for point in points)
    assert min(points[2]["seconds"]) > min(points[0]["seconds"])  # 16 times the pixels
    text = stem.with_name(f"{stem.name}.md").read_text(encoding="utf-8")
    assert "## pixels" in text
    assert "| 65,536 |" in text
    assert text.count("exponent ") == 3  # the words at the top, and two fits


def test_every_axis_runs_through_at_least_three_values() -> None:
    for size in scaling.SIZES.values():
        assert all(len(scaling.values(size, axis)) >= 3 for axis in scaling.AXES)
