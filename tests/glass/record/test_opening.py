"""A record that is opened, and what is refused."""

import json
import shutil

import pytest
import torch

from garasu.glass.record.errors import RecordError
from garasu.glass.record.opening import open_record
from garasu.glass.record.options import RecordOptions
from garasu.glass.record.recording import record
from garasu.tasks.txt2img import Txt2Img


def test_it_says_what_it_is(kept):
    said = repr(kept)
    assert said.startswith("Record of 2 pictures by txt2img in ")
    for what in ("'a black cat'", "ddim", "guidance scale 5", "4 steps of a 8x8 latent", "seed 7, seed 8", "7 panes"):
        assert what in said
    assert kept.made_with.model == "tiny"
    assert kept.made_with.dtype == "float32"


def test_the_first_walks_quantities_are_its_own(kept):
    assert torch.equal(kept.latent[3], kept.walks[0].latent[3])
    assert kept.sigma == kept.walks[0].sigma
    for name in ("nothing", "_tensor"):
        with pytest.raises(AttributeError, match=name):
            getattr(kept, name)


def test_arrays_are_windows_on_the_file(kept):
    """Two readings of one tensor are the same memory: nothing was copied."""
    assert kept.latent[1].data_ptr() == kept.latent[1].data_ptr()


def test_attention_to_a_word_by_layer(kept):
    maps, walk = kept.attention("cat"), kept.walks[0]
    assert list(maps) == list(walk.panes)
    assert [tuple(series[0].shape[1:]) for series in maps.values()][:3] == [(8, 8), (4, 4), (2, 2)]
    (place,) = kept.places("cat")
    name = next(iter(maps))
    expected = walk.panes[name][2][2:, :, list(place)].sum(-1).reshape(2, 8, 8)
    torch.testing.assert_close(maps[name][2], expected)
    against = kept.attention("dog", "negative")[name][2]
    torch.testing.assert_close(against, walk.panes[name][2][:2, :, 1].reshape(2, 8, 8))
    with pytest.raises(RecordError, match="'dog' is not in the prompt, whose words are: a black cat"):
        kept.attention("dog")


def test_attention_of_each_head(tiny, tmp_path):
    recipe = Txt2Img(prompt="a cat", seed=1, steps=1)
    whole = record(tiny, recipe, tmp_path / "mean", RecordOptions(dtype="float32")).attention("cat")
    heads = record(tiny, recipe, tmp_path / "heads", RecordOptions(dtype="float32", heads=True)).attention("cat")
    for name, series in heads.items():
        assert series[0].shape[:2] == (1, 2)
        torch.testing.assert_close(series[0].mean(1), whole[name][0])


def change_document(folder, change):
    fields = json.loads((folder / "run.json").read_text("utf-8"))
    change(fields)
    (folder / "run.json").write_text(json.dumps(fields), "utf-8")


def cut(folder):
    path = folder / "run.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (shutil.rmtree, "no finished record"),
        (lambda folder: (folder / "run.json").unlink(), "no finished record"),
        (lambda folder: (folder / "run.safetensors").unlink(), "is missing"),
        (cut, "cut short"),
        (lambda folder: (folder / "run.safetensors").write_bytes(b"PK\x03\x04" + bytes(99)), "cut short or damaged"),
        (lambda folder: change_document(folder, lambda fields: fields.update(id="other")), "not of the same record"),
        (
            lambda folder: change_document(folder, lambda fields: fields["walks"].append(fields["walks"][0])),
            "lacks walk.1.step.0.latent",
        ),
        (lambda folder: change_document(folder, lambda fields: fields.update(task="dream")), "no task 'dream'"),
        (lambda folder: change_document(folder, lambda fields: fields["recipe"].update(steps=0)), "steps must be"),
        (lambda folder: change_document(folder, lambda fields: fields["made_with"].clear()), "recipe in the record"),
    ],
)
def test_what_is_not_whole_is_refused_in_one_sentence(run, tmp_path, damage, why):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    open_record(folder)
    damage(folder)
    with pytest.raises(RecordError, match=why) as refusal:
        open_record(folder)
    assert "\n" not in str(refusal.value)
