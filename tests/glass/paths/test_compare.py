"""Recorded runs, compared with the first of them."""

import pytest
from tests.glass.paths.flows import logistic, path

from garasu.glass.paths.compare import compare, compare_paths
from garasu.glass.paths.errors import PathError
from garasu.glass.paths.parting import rms
from garasu.glass.record.options import RecordOptions
from garasu.glass.record.recording import record
from garasu.tasks.txt2img import Txt2Img

RECIPE = Txt2Img(prompt="a black cat", seed=7, steps=4, guidance_scale=5)


def recorded(tiny, folder, **fields):
    return record(tiny, RECIPE.but(**fields), folder, RecordOptions(panes=("none",)))


def test_two_identical_runs_never_part(tiny, tmp_path):
    found = compare([recorded(tiny, tmp_path / name) for name in ("one", "two")])
    assert found.distances[0].final == 0
    assert found.partings == (None,)
    assert str(found) == "one and two end in the same place"


def test_others_are_compared_with_the_first(tiny, tmp_path):
    kept = [
        recorded(tiny, tmp_path / f"{seed}" / "run", seed=seed)
        for seed in (1, 2, 3)
        if not (tmp_path / str(seed)).mkdir()
    ]
    found = compare(kept)
    assert [one.label for one in found.others] == [str(tmp_path / "2" / "run"), str(tmp_path / "3" / "run")]
    for other, distance in zip(kept[1:], found.distances, strict=True):
        assert distance.x0 == pytest.approx(rms((other.x0.stacked() - kept[0].x0.stacked())[:, 0]))
        assert distance.final == pytest.approx(rms(other.finished - kept[0].finished)[0])


def test_runs_of_other_samplers_and_steps_are_compared_at_common_levels(tiny, tmp_path):
    one = recorded(tiny, tmp_path / "one")
    other = recorded(tiny, tmp_path / "two", sampler="heun", steps=6, spacing="karras")
    found = compare([one, other])
    assert len(found.distances[0].sigma) <= 4
    assert found.paths[0].sigma == found.paths[1].sigma


def test_several_pictures_of_a_record(tiny, tmp_path):
    one, other = recorded(tiny, tmp_path / "one", count=2), recorded(tiny, tmp_path / "two", count=2, prompt="a dog")
    found = compare([one, other], 1)
    assert found.distances[0].final == pytest.approx(rms((one.finished - other.finished)[1:])[0])
    with pytest.raises(PathError, match="no picture 3"):
        compare([one, other], 2)


def test_what_it_says():
    found = compare_paths([path(0.0, label="cat"), path(logistic(2, 0.25), end=1.0, label="kitten")])
    assert str(found).startswith("cat and kitten part at sigma 2 (step 7.0), between sigma 2.66 and 1.51; their ")
    with pytest.raises(PathError, match="give two or more"):
        compare_paths([path(0.0)])
