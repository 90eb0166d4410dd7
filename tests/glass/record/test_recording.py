"""Making records of whole tasks."""

import itertools

import pytest
import torch
from PIL import Image

from garasu.diffusion.steps import Step
from garasu.glass.record.errors import RecordError
from garasu.glass.record.opening import open_record
from garasu.glass.record.options import GB, RecordOptions
from garasu.glass.record.recording import Recorder, record, record_steps
from garasu.tasks.img2img import Img2Img
from garasu.tasks.inpaint import Inpaint
from garasu.tasks.outpaint import Outpaint
from garasu.tasks.picture import Picture
from garasu.tasks.txt2img import Txt2Img, txt2img, txt2img_steps
from garasu.tasks.upscale import Upscale

RECIPE = Txt2Img(prompt="a black cat", seed=7, steps=4)
GRAY = Image.new("RGB", (64, 64), "gray")
MASK = Image.new("L", (64, 64)).copy()
MASK.paste(255, (16, 16, 48, 48))


def test_a_recorded_picture_is_the_same_as_any_other(tiny, tmp_path):
    (picture,) = [one for one in record_steps(tiny, RECIPE, tmp_path / "run") if isinstance(one, Picture)]
    unseen = txt2img(tiny, RECIPE)
    assert picture.image.tobytes() == unseen.image.tobytes()
    kept = open_record(tmp_path / "run")
    assert kept.recipe == kept.pictures[0] == unseen.recipe
    assert tiny.decode(kept.walks[0].finished).tobytes() == unseen.image.tobytes()


def test_a_seed_chosen_at_random_is_kept(tiny, tmp_path):
    kept = record(tiny, RECIPE.but(seed=None, count=2, steps=1), tmp_path / "run")
    assert kept.recipe.seed is not None
    assert [one.seed for one in kept.pictures] == [kept.recipe.seed, kept.recipe.seed + 1]


@pytest.mark.parametrize(
    ("recipe", "sources", "grids"),
    [
        (RECIPE.but(hires_scale=1.5, hires_strength=0.5, count=2), {}, [(8, 8), (12, 12)]),
        (Img2Img(prompt="cat", seed=1, steps=4), {"image": GRAY}, [(8, 8)]),
        (Inpaint(prompt="cat", seed=1, steps=4), {"image": GRAY, "mask": MASK}, [(8, 8)]),
        (Outpaint(prompt="cat", seed=1, steps=2, right=64, bottom=64), {"image": GRAY}, [(8, 8)] * 8),
        (Outpaint(prompt="cat", seed=1, steps=2, right=16, count=2), {"image": GRAY}, [(8, 10)] * 2),
        (Upscale(prompt="cat", seed=1, steps=4, scale=1.5), {"image": GRAY}, [(12, 12)]),
    ],
    ids=lambda value: getattr(value, "task", None),
)
def test_every_walk_of_every_task_is_kept(tiny, tmp_path, recipe, sources, grids):
    steps, pictures = [], []
    for one in record_steps(tiny, recipe, tmp_path / "run", **sources):
        (pictures if isinstance(one, Picture) else steps).append(one)
    kept = open_record(tmp_path / "run")
    assert [walk.grid for walk in kept.walks] == grids
    latents = iter(step for step in steps)
    for walk in kept.walks:
        for index, step in enumerate(itertools.islice(latents, len(walk))):
            assert torch.equal(walk.latent[index], step.latent)
            assert torch.equal(walk.x0[index], step.x0)
            assert walk.sigma[index] == step.sigma
        assert torch.equal(walk.finished, next(latents).latent)
    assert [one.recipe for one in pictures] == list(kept.pictures)
    assert kept.sources.keys() == sources.keys()
    for name, picture in sources.items():
        assert kept.sources[name].convert("RGB").tobytes() == picture.convert("RGB").tobytes()


def test_batches_are_groups_with_a_label_for_each_row(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("garasu.tasks.room.CPU_CELLS", 2 * 64)  # two pictures at once
    kept = record(tiny, RECIPE.but(count=3, steps=2), tmp_path / "run")
    assert [walk.labels for walk in kept.walks] == [("seed 7", "seed 8"), ("seed 9",)]
    assert [(one.group, one.row) for one in kept.document.pictures] == [(0, 0), (0, 1), (1, 0)]
    varied = record(tiny, RECIPE.but(count=2, steps=1, variation_seed=4, variation_strength=0.1), tmp_path / "run")
    assert varied.walks[0].labels == ("variation seed 4", "variation seed 5")


@pytest.mark.parametrize("fails_at", ["a step", "decoding"])
def test_a_batch_that_ran_out_of_memory_is_taken_out(tiny, tmp_path, monkeypatch, fails_at):
    whole = record(tiny, RECIPE.but(count=2), tmp_path / "whole")
    once = iter([True])

    def fail(*_):
        if next(once, False):
            raise torch.OutOfMemoryError

    steps = txt2img_steps(tiny, RECIPE.but(count=2))
    if fails_at == "decoding":
        decode = type(tiny).decode_each
        monkeypatch.setattr(type(tiny), "decode_each", lambda *given: (fail(), decode(*given))[1])
    seen = []
    for one in Recorder(tmp_path / "run").watch(tiny, RECIPE.but(count=2), steps):
        seen.append(one)
        if fails_at == "a step" and isinstance(one, Step) and one.index == 2:
            handle = tiny.unet.register_forward_pre_hook(fail)
    if fails_at == "a step":
        handle.remove()
    kept = open_record(tmp_path / "run")
    assert [walk.labels for walk in kept.walks] == [("seed 7",), ("seed 8",)]
    assert [len(walk) for walk in kept.walks] == [4, 4]
    torch.testing.assert_close(kept.walks[1].finished[0], whole.walks[0].finished[1], rtol=1e-3, atol=1e-4)
    assert kept.walks[1].conditioning[3].shape == (1, 77, 32)


def test_every_so_many_steps_predictions_are_kept_and_latents_always(tiny, tmp_path):
    kept = record(tiny, RECIPE.but(steps=5), tmp_path / "run", RecordOptions(every=2))
    assert kept.latent.steps == kept.x0.steps == kept.eps.steps == (0, 1, 2, 3, 4)
    assert kept.eps_prompt.steps == kept.eps_negative.steps == (0, 2, 4)
    assert all(pane.steps == (0, 2, 4) for pane in kept.walks[0].panes.values())
    assert record(tiny, RECIPE, tmp_path / "run", RecordOptions(panes=("none",))).walks[0].panes == {}


def test_steps_that_were_edited_are_kept_as_they_were_and_as_they_became(tiny, tmp_path):
    for one in record_steps(tiny, RECIPE, tmp_path / "run"):
        if isinstance(one, Step) and one.index == 1:
            before = one.x0.clone()
            one.x0 *= 2  # in place, which changes what was shown
        elif isinstance(one, Step) and one.index == 2:
            one.latent = one.latent + 1
    kept = open_record(tmp_path / "run").walks[0]
    assert [one.edited for one in kept.entry.evaluations] == [False, True, True, False]
    assert torch.equal(kept.x0[1], before)
    assert torch.equal(kept.answer(1)[1], before * 2)
    assert torch.equal(kept.answer(2)[0], kept.latent[2] + 1)


def test_guidance_in_a_part_of_the_walk_is_kept_there(tiny, tmp_path):
    kept = record(tiny, RECIPE.but(guidance_end=0.5), tmp_path / "run")
    assert kept.eps_negative.steps == kept.difference.steps == kept.negative.steps == (0, 1)
    assert kept.eps_prompt.steps == (0, 1, 2, 3)
    torch.testing.assert_close(kept.eps[3], kept.eps_prompt[3], rtol=1e-3, atol=1e-4)


def test_deep_features_that_are_reused_show_no_panes(tiny, tmp_path):
    kept = record(tiny, RECIPE.but(deep_cache=2), tmp_path / "run").walks[0]
    assert kept.panes["unet.middle.transformers.0.blocks.0.cross_attention.weights"].steps == (0, 2)
    assert kept.eps_prompt.steps == (0, 1, 2, 3)


class TestSize:
    """Announced at the first step, and bounded."""

    def test_what_is_announced_is_hardly_more_than_what_it_becomes(self, tiny, tmp_path):
        recorder = Recorder(tmp_path / "run", RecordOptions(every=3))
        recipe = RECIPE.but(count=2)
        made = recorder.watch(tiny, recipe, txt2img_steps(tiny, recipe))
        next(made)
        planned = recorder.budget.planned
        list(made)
        assert recorder.budget.planned == planned
        size = sum(path.stat().st_size for path in (tmp_path / "run").iterdir())
        assert size <= planned < 1.1 * size

    def test_batches_to_come_are_counted(self, tiny, tmp_path, monkeypatch):
        monkeypatch.setattr("garasu.tasks.room.CPU_CELLS", 2 * 64)
        recorder, recipe = Recorder(tmp_path / "run"), RECIPE.but(count=5)
        made = recorder.watch(tiny, recipe, txt2img_steps(tiny, recipe))
        next(made)
        planned = recorder.budget.planned
        list(made)
        size = sum(path.stat().st_size for path in (tmp_path / "run").iterdir())
        assert size <= planned < 1.4 * size  # as if the last batch were full

    def test_a_record_that_is_too_large_is_refused_and_leaves_nothing(self, tiny, tmp_path):
        size = record(tiny, RECIPE, tmp_path / "run").size
        options = RecordOptions(limit=0.7 * size / GB)
        with pytest.raises(RecordError, match=r"--record-every 2 .*--record-panes none.*--record-limit") as refusal:
            record(tiny, RECIPE, tmp_path / "other", options)
        assert "\n" not in str(refusal.value)
        assert not (tmp_path / "other").exists()
        record(tiny, RECIPE, tmp_path / "other", RecordOptions(limit=options.limit, every=2))
        with pytest.raises(RecordError, match="fewer or smaller pictures"):
            record(tiny, RECIPE, tmp_path / "other", RecordOptions(limit=1e-9))

    def test_what_passes_nothing_is_refused_at_once(self, new_tiny, tmp_path):
        sd = new_tiny()
        sd.unet.spare = torch.nn.Identity()
        with pytest.raises(RecordError, match=r"nothing passes 'unet\.spare'"):
            for one in record_steps(sd, RECIPE, tmp_path / "run", RecordOptions(panes=("unet.spare",))):
                raise AssertionError(one)


class TestInterruption:
    """No half-written record, and the one before stays."""

    @pytest.mark.parametrize("problem", [KeyboardInterrupt, ZeroDivisionError])
    def test_nothing_is_left(self, tiny, tmp_path, problem):
        with pytest.raises(problem):
            for one in record_steps(tiny, RECIPE, tmp_path / "run"):
                if isinstance(one, Step) and one.index == 2:
                    raise problem
        assert not (tmp_path / "run").exists()

    def test_the_record_before_stays(self, tiny, tmp_path):
        before = record(tiny, RECIPE, tmp_path / "run").document.id
        made = record_steps(tiny, RECIPE, tmp_path / "run")
        next(made)
        made.close()
        assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["run.json", "run.safetensors"]
        assert open_record(tmp_path / "run").document.id == before

    def test_files_of_two_records_are_never_taken_for_one(self, tiny, tmp_path, monkeypatch):
        """Killed between the two files: the new tensors stand beside the old run.json."""
        record(tiny, RECIPE, tmp_path / "run")
        monkeypatch.setattr("garasu.glass.record.document.Document.save", lambda *_: None)
        with pytest.raises(RecordError, match="not of the same record"):
            record(tiny, RECIPE, tmp_path / "run")

    def test_another_file_in_the_folder_stays(self, tiny, tmp_path):
        (tmp_path / "notes.txt").write_text("mine")
        record(tiny, RECIPE, tmp_path)
        assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_prompt_of_several_parts(tiny, tmp_path):
    walk = record(tiny, RECIPE.but(prompt="a cat AND dog :0.5"), tmp_path / "run").walks[0]
    assert walk.sides == ("negative", "prompt part 0", "prompt part 1")
    for step in range(4):
        away = walk.said("negative")[step]
        gain = walk.said("prompt part 0")[step] - away + 0.5 * (walk.said("prompt part 1")[step] - away)
        torch.testing.assert_close(walk.eps[step], away + 7.5 * gain, rtol=1e-3, atol=1e-3)
    assert torch.equal(walk.words("prompt part 1")[1], tiny.encode("dog").tensor)
    first = next(iter(walk.panes))
    assert torch.equal(walk.pane(first, "prompt part 1")[0], walk.panes[first][0][2:])
    with pytest.raises(RecordError, match=r"has parts: take said\(side\)"):
        _ = walk.eps_prompt


def test_a_prompt_that_changes_on_the_way(tiny, tmp_path):
    kept = record(tiny, RECIPE.but(prompt="[a cat:dog:0.5]"), tmp_path / "run")
    said = [tiny.encode(text).tensor for text in ("a cat", "a cat", "dog", "dog")]
    assert all(torch.equal(kept.conditioning[step], words) for step, words in enumerate(said))
    assert [one.conditioning for one in kept.walks[0].entry.evaluations] == [0, 0, 1, 1]
