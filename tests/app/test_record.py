"""Recording and replaying on the command line."""

from pathlib import Path

import pytest
from PIL import Image
from tests.app.running import refusal, run

from garasu.app.commands.replay import UNCHANGED
from garasu.checkpoints import write_folder
from garasu.glass.record.opening import open_record
from garasu.glass.record.replaying import CHANGES
from garasu.images.metadata import read_metadata
from garasu.images.reading import read_picture

FLAGS = ("--model=model", "--steps=4", "--seed=7", "--dtype=float32")


@pytest.fixture(scope="module")
def place(tiny, tmp_path_factory) -> Path:
    """A folder with a small model, a record of two pictures, and the pictures."""
    folder = tmp_path_factory.mktemp("records")
    write_folder(tiny.checkpoint, folder / "model")
    run(folder, "txt2img", "a black cat", *FLAGS, "--count=2", "--record=run", "-o", "cat.png")
    return folder


def test_what_it_takes_is_said_first_and_the_folder_last(place):
    done = run(place, "txt2img", "a cat", *FLAGS, "--record=said", "-o", "said.png")
    size, picture, folder = done.stdout.splitlines()
    assert size.startswith("said: 0.")
    assert size.endswith(" MB at most")
    assert (picture, folder) == ("said.png", "said")
    taken = sum(path.stat().st_size for path in (place / "said").iterdir())
    assert taken <= float(size.split()[1]) * 1.005e6


def test_flags_say_what_is_kept(place):
    flags = ["--record=some", "--record-panes=unet.middle", "--record-panes=unet.conv_in", "--record-every=2"]
    run(place, "txt2img", "a cat", *FLAGS, *flags, "--record-dtype=float32", "-o", "some.png")
    kept = open_record(place / "some")
    assert list(kept.panes) == ["unet.conv_in", "unet.middle"]
    assert kept.panes["unet.middle"].steps == (0, 2)
    assert str(kept.panes["unet.middle"][0].dtype) == "torch.float32"


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("--record=cat-1.png",), "is a file"),
        (("--record=no/run",), "mkdir -p no"),
        (("--record-every=2",), "say --record FOLDER"),
        (("--record=x", "--record-every=0"), "every 1st"),
        (("--record=x", "--record-panes=unet.nothing"), "No module is named"),
    ],
)
def test_what_cannot_be_is_refused(place, flags, why):
    assert why in refusal(place, "txt2img", "a cat", *FLAGS, *flags)
    assert not (place / "x").exists()


def test_a_record_that_is_too_large_is_refused_with_its_size(place):
    done = run(place, "txt2img", "a cat", *FLAGS, "--record=x", "--record-limit=0.0001", code=2)
    assert "--record-every" in done.stderr
    assert not (place / "x").exists()


def test_a_replay_is_the_same_file(place):
    done = run(place, "replay", "run", "--from", 2, "-o", "again.png")
    assert done.stdout.splitlines() == [
        "again-1.png",
        "again-2.png",
        "identical to the record: its finished latents, to the bit",
    ]
    assert (place / "again-2.png").read_bytes() == (place / "cat-2.png").read_bytes()


def test_another_prompt_from_a_step_on(place):
    flags = ["--from", 2, "--prompt", "a dog", "--guidance-scale", 3, "--negative-prompt", "cat"]
    done = run(place, "replay", "run", *flags, "--picture", 2, "--record", "dog")
    *_, name, folder, difference = done.stdout.splitlines()
    assert (name, folder) == ("garasu-8-from-2.png", "dog")
    assert difference.startswith("different from the record: its finished latents by ")
    ours = read_metadata(place / name).ours
    assert (ours["recipe"]["prompt"], ours["recipe"]["guidance_scale"]) == ("a dog", 3)
    assert open_record(place / "dog").recipe.negative_prompt == "cat"
    assert "make it again with garasu replay" in refusal(place, "redo", name)
    assert "replayed " in run(place, "show", name).stdout


def test_all_that_a_replay_can_change_has_a_flag():
    assert sorted(vars(UNCHANGED)) == sorted(CHANGES)


@pytest.mark.parametrize(
    "flags",
    [
        ("--syntax=plain",),
        ("--emphasis=ignore",),
        ("--max-chunks=1",),
        ("--clip-skip=2",),
        ("--no-clip-skip-norm",),
        ("--guidance-end=0.5",),
        ("--guidance-start=0.5",),
    ],
)
def test_what_is_changed_from_the_first_step_on_is_as_if_it_had_been_made_so(place, flags):
    prompt = "a (black:1.5) cat " + "and dog " * 50  # two chunks
    if not (place / "long").exists():
        run(place, "txt2img", prompt, *FLAGS, "--record=long", "-o", "long.png")
    done = run(place, "replay", "long", *flags, "-o", "changed.png")
    assert done.stdout.splitlines()[1].startswith("different from the record")
    run(place, "txt2img", prompt, *FLAGS, *flags, "-o", "so.png")
    changed, so = read_picture(place / "changed.png"), read_picture(place / "so.png")
    assert changed.tobytes() == so.tobytes() != read_picture(place / "long.png").tobytes()


def test_a_replay_needs_no_files_that_the_run_started_from(place):
    Image.radial_gradient("L").resize((64, 64)).save(place / "gray.png")
    run(place, "inpaint", "gray.png", "a cat", "--mask=gray.png", *FLAGS, "--record=painted", "-o", "painted.png")
    (place / "gray.png").unlink()
    done = run(place, "replay", "painted", "--from", 3, "-o", "again.png")
    assert done.stdout.endswith("identical to the record: its finished latents, to the bit\n")
    assert (place / "again.png").read_bytes() == (place / "painted.png").read_bytes()


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("nowhere",), "there is no finished record in nowhere"),
        (("run", "--from=9"), "there is no step 9"),
        (("run", "--picture=3"), "there is no picture 3"),
        (("run", "--picture=0"), "there is no picture 0"),
        (("run", "--syntax=klingon"), "--syntax must be one of 'a1111', "),
        (("run", "--max-chunks=0"), "max_chunks must be at least 1, not 0"),
        (("run", "--prompt=(", "--syntax=algebra"), "something is missing at the end"),
    ],
)
def test_a_replay_that_cannot_be_is_refused(place, flags, why):
    assert why in refusal(place, "replay", *flags)
