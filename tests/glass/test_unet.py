"""Feature maps of a recorded run, against those of the same run walked by hand."""

import pytest
import torch
from tests.glass.recorded import recorded

from garasu.glass.record.errors import RecordError
from garasu.glass.unet import unet_report
from garasu.glass.without import skips, without
from garasu.panes import Recording, look

PROMPT_ROW = 1  # of two


@pytest.fixture(scope="module")
def kept(tiny, tmp_path_factory):
    return recorded(tiny, tmp_path_factory.mktemp("unet"))


@pytest.fixture(scope="module")
def report(tiny, kept):
    return unet_report(tiny, kept, [1, 3])


def test_rungs_are_the_feature_maps_of_the_run(tiny, report):
    names = [one.name for skip in report.skips for one in (skip.left, skip.made)] + ["unet.middle"]
    seen = Recording()
    with look(tiny, dict.fromkeys(names, seen)):
        list(tiny.sample(tiny.encode("a black cat"), seed=7, steps=4, guidance_scale=5))
    values = {(at.name, at.step): value[PROMPT_ROW] for at, value in seen.values}
    rungs = [one for skip in report.skips for one in (skip.left, skip.made)] + [report.middle]
    assert report.steps == (1, 3)
    assert len(set(names)) == 13
    for rung in rungs:
        for index, step in enumerate(report.steps):
            value = values[rung.name, step]
            torch.testing.assert_close(rung.maps[index], value.square().mean(0).sqrt())
            torch.testing.assert_close(rung.norm[index], value.square().mean().sqrt())
            torch.testing.assert_close(rung.mean[index], value.mean())
            torch.testing.assert_close(rung.std[index], value.std())


def test_a_skip_has_the_part_that_the_block_makes_of_it(tiny, report):
    """With the weights on the skip taken away, the convolution makes what is not the skip's."""
    skip = report.skips[0]
    width = next(channels for _, reader, channels in skips(tiny.unet) if reader == skip.reader)
    seen = Recording()
    with look(tiny, before={f"{skip.reader}.conv1": seen}):
        list(tiny.sample(tiny.encode("a black cat"), seed=7, steps=4, guidance_scale=5))
    given = {at.step: value[PROMPT_ROW] for at, value in seen.values}
    conv = tiny.get_submodule(f"{skip.reader}.conv1")
    for index, step in enumerate(report.steps):
        alone = given[step].clone()
        alone[:-width] = 0
        whole = torch.nn.functional.conv2d(given[step][None], conv.weight, padding=1)
        mine = torch.nn.functional.conv2d(alone[None], conv.weight, padding=1)
        expected = mine.norm() / (mine.norm() + (whole - mine).norm())
        torch.testing.assert_close(skip.share[index], expected.detach(), atol=1e-5, rtol=0)


def test_a_skip_that_is_switched_off_leaves_its_rung_and_changes_what_is_made(tiny, kept, report):
    with without(tiny, "skip.5"):
        other = unet_report(tiny, kept, [1])
    assert torch.equal(other.skips[5].left.maps[0], report.skips[5].left.maps[0])  # of a latent from the record
    assert not torch.allclose(other.skips[5].made.maps[0], report.skips[5].made.maps[0])


def test_other_rows_and_four_steps_of_all(tiny, kept):
    report = unet_report(tiny, kept, side="negative")
    assert (report.steps, report.row) == ((0, 1, 2, 3), "negative 0")
    assert not torch.allclose(report.middle.maps[1], unet_report(tiny, kept, [1]).middle.maps[0])


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"steps": [4]}, "there is no step 4: the walk has 4, 0 to 3"),
        ({"picture": 1}, "there is no picture 1: the record has 1"),
        ({"side": "nix"}, "there is no side 'nix' at these steps: the run's are negative, prompt"),
    ],
)
def test_what_is_not_there_is_refused(tiny, kept, how, message):
    with pytest.raises(RecordError, match=message):
        unet_report(tiny, kept, **how)


def test_a_picture_that_was_made_by_itself(tiny, tmp_path, monkeypatch):
    """As on a CPU at 512×512: it is a walk of its own, and its maps are those of its seed."""
    monkeypatch.setattr("garasu.tasks.room.CPU_CELLS", 8 * 12)
    shape = {"width": 96, "height": 64, "steps": 2}
    kept = recorded(tiny, tmp_path, count=2, **shape)
    assert [walk.labels for walk in kept.walks] == [("seed 7",), ("seed 8",)]
    report = unet_report(tiny, kept, picture=1)
    alone = unet_report(tiny, recorded(tiny, tmp_path, seed=8, **shape))
    assert report.middle.maps.shape == (2, 2, 3)
    assert torch.equal(report.middle.maps, alone.middle.maps)
