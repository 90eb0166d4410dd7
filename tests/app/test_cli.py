"""The command line as a user meets it."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.app.running import Done, refusal, run

from garasu.checkpoints import write_folder
from garasu.images.metadata import Metadata, read_metadata, save_png
from garasu.images.reading import read_picture
from garasu.tasks.film import read_film

COMMAND = [sys.executable, "-c", "from garasu.app.cli import main; main()"]


@pytest.fixture(scope="module")
def workplace(tiny, tmp_path_factory) -> Path:
    """A folder with a small model in it."""
    folder = tmp_path_factory.mktemp("workplace")
    write_folder(tiny.checkpoint, folder / "model")
    return folder


@pytest.fixture(scope="module")
def cat(workplace) -> Path:
    """A picture that the command made, in float32."""
    run(
        workplace,
        "txt2img",
        "a black cat",
        "--model=model",
        "--seed=7",
        "--steps=4",
        "--dtype=float32",
        "-o",
        "cat.png",
    )
    return workplace / "cat.png"


def run_process(folder: Path, *arguments: str, code: int = 0, **environment: str) -> Done:
    """Run garasu in a process of its own."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
    )
    assert done.returncode == code, done.stderr
    return Done(done.stdout, done.stderr)


# txt2img


def test_a_prompt_becomes_a_file_that_says_how(tiny, cat):
    assert Image.open(cat).size == (64, 64)
    metadata = read_metadata(cat)
    assert metadata.ours["recipe"]["seed"] == 7
    assert metadata.ours["made_with"]["model"] == "model"
    assert metadata.parameters.startswith("a black cat\nSteps: 4, Sampler: DDIM, CFG scale: 7.5, Seed: 7, Size: 64x64")
    *_, step = tiny.sample(tiny.encode("a black cat"), seed=7, steps=4)
    assert np.abs(np.asarray(tiny.decode(step.latent)).astype(int) - np.asarray(read_picture(cat))).max() <= 1


def test_several_pictures_are_numbered_and_laid_on_a_sheet(workplace):
    flags = ["--model=model", "--seed=3", "--count=10", "--steps=1", "--sampler=euler", "--width=72", "--grid"]
    done = run(workplace, "txt2img", "a cat", *flags, "-o", "many.png")
    names = [f"many-{number:02}.png" for number in range(1, 11)]
    assert done.stdout.split() == [*names, "many-grid.png"]
    assert [read_metadata(workplace / name).ours["recipe"]["seed"] for name in names] == list(range(3, 13))
    sheet = Image.open(workplace / "many-grid.png")
    assert sheet.width > 4 * 72
    assert sheet.height > 3 * 64


def test_without_an_output_the_file_is_called_after_the_seed(workplace):
    done = run(workplace, "txt2img", "a cat", "--model=model", "--seed=41", "--steps=1", "--count=2", "--grid")
    assert done.stdout.split() == ["garasu-41.png", "garasu-42.png", "garasu-41-grid.png"]
    assert all((workplace / name).is_file() for name in done.stdout.split())


def test_progress_and_warnings_are_on_stderr(workplace):
    long = "a black cat " * 60
    done = run(workplace, "txt2img", long, "--model=model", "--steps=3", "--max-chunks=1", "-o", "long.png")
    assert done.stdout == "long.png\n"
    (warning,) = [line for line in done.stderr.splitlines() if line.startswith("garasu: warning: ")]
    assert "these words were cut" in warning
    assert "step/s" in done.stderr


def test_the_vae_can_be_another(new_tiny, workplace, cat):
    write_folder(new_tiny(seed=1).checkpoint, workplace / "other")
    flags = ["--model=model", "--vae=other", "--seed=7", "--steps=4", "--dtype=float32"]
    run(workplace, "txt2img", "a black cat", *flags, "-o", "swapped.png")
    assert read_metadata(workplace / "swapped.png").ours["made_with"]["vae"] == "other"
    assert read_picture(workplace / "swapped.png").tobytes() != read_picture(cat).tobytes()
    assert run(workplace, "redo", "swapped.png").stdout == "identical: all 64x64 pixels\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["cat", "--width", "100"], "width must be a multiple of 8, not 100 (96 and 104 are)"),
        (["cat", "--steps", "0"], "steps must be at least 1, not 0"),
        (["cat", "--steps", "2.5"], "steps must be a whole number, not '2.5'"),
        (["cat", "--guidance-scale", "nan"], "guidance_scale must be finite, not nan"),
        (["cat", "--sampler", "eulr"], "(did you mean euler or euler_a?)"),
        (["a", "cat"], "with quotes around a prompt of several words"),
        ([], "PROMPT is missing"),
        (["cat", "-o", "cat.jpg"], "cat.jpg: garasu writes PNG files, which carry the recipe: name it cat.png"),
        (["cat", "-o", "no/cat.png"], "the folder no does not exist: make it first (mkdir -p no)"),
        (["cat", "-o", "/proc/cat.png"], "the folder /proc cannot be written to"),
        (["cat", "--model", "nothing.safetensors"], "nothing.safetensors"),
        (["cat", "--model", "model", "--vae", "nothing.pt"], "nothing.pt"),
        (["cat", "--model", "model", "--dtype", "float16", "--device", "cpu"], "float16 does not work on a CPU"),
        (["cat", "--model", "model", "--dtype", "int8"], "use auto, float32"),
        (["cat", "--model", "model", "--device", "gpu"], "no kind of device 'gpu'"),
        (["cat", "--model", "model", "--sampler", "euler", "--eta", "1"], "takes no eta"),
        (["cat", "--model", "model", "--clip-skip", "9"], "clip_skip 9 is not between 1 and 3"),
    ],
)
def test_a_mistake_is_one_sentence(workplace, arguments, sentence):
    before = sorted(workplace.rglob("*"))
    assert sentence in refusal(workplace, "txt2img", *arguments)
    assert sorted(workplace.rglob("*")) == before


def test_a_mistake_in_a_process_of_its_own_has_no_traceback(workplace):
    done = run_process(workplace, "txt2img", "cat", "--model=model", "--dtype=fp16", "--device=cpu", code=2)
    assert done == Done("", "garasu: float16 does not work on a CPU: use bfloat16, float32 or auto\n")


def test_an_interruption_leaves_nothing_half_written(workplace, tmp_path):
    flags = ["--model", str(workplace / "model"), "--steps=1000", "--count=64", "-o", "cat.png"]
    # Whatever starts the tests in a shell's background has them ignore SIGINT, and so would the command.
    hearing = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    with subprocess.Popen(
        [*COMMAND[:-1], hearing + COMMAND[-1], "txt2img", "a cat", *flags],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as running:
        assert running.stderr is not None
        seen = b""
        while b"step/s" not in seen:
            seen += running.stderr.read(1)
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        said = running.stderr.read().decode()
    assert running.returncode == 130
    assert said.rstrip().endswith("garasu: interrupted")
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


# show and redo


def test_show_prints_the_recipe(workplace, cat):
    lines = dict(line.split(maxsplit=1) for line in run(workplace, "show", cat).stdout.splitlines() if " " in line)
    assert (lines["prompt"], lines["seed"], lines["steps"], lines["dtype"]) == ("a black cat", "7", "4", "float32")
    assert '"seed": 7' in run(workplace, "show", cat, "--json").stdout


def test_show_prints_what_another_tool_wrote(workplace):
    text = "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1"
    save_png(Image.new("RGB", (8, 8)), workplace / "theirs.png", Metadata(parameters=text))
    assert run(workplace, "show", "theirs.png").stdout == text + "\n"
    assert "carries no garasu recipe" in refusal(workplace, "redo", "theirs.png")


def test_redo_of_an_untouched_picture_is_identical(workplace, cat):
    assert run(workplace, "redo", cat).stdout == "identical: all 64x64 pixels\n"


def test_redo_says_by_how_much_a_picture_differs_and_what_else_does(workplace, cat):
    metadata = read_metadata(cat)
    pixels = np.array(read_picture(cat))
    pixels[0, :8, 0] ^= 128
    save_png(Image.fromarray(pixels), workplace / "edited.png", metadata)
    done = run(workplace, "redo", "edited.png", code=1)
    assert done.stdout == "different: at most 128 of 255 levels, 0.0833 on average, in 0.2% of the pixels\n"
    run(workplace, "redo", cat, "--dtype=bfloat16", "-o", "again.png", code=1)
    done = run(workplace, "redo", "again.png", "--dtype=float32", code=1)
    assert done.stdout.startswith("different: at most ")
    assert done.stdout.endswith("\ndtype: bfloat16 before, float32 now\n")


@pytest.mark.parametrize("command", ["show", "redo"])
def test_files_that_are_no_pictures_or_carry_nothing(workplace, command):
    assert refusal(workplace, command, "none.png") == "there is no picture file none.png"
    (workplace / "text.png").write_text("not a picture")
    assert "text.png is not a picture that can be read" in refusal(workplace, command, "text.png")
    Image.new("RGB", (8, 8)).save(workplace / "plain.png")
    assert "plain.png carries no " in refusal(workplace, command, "plain.png")


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({}, "knows no task None"),
        ({"task": "dance"}, "knows no task 'dance'"),
        ({"task": "txt2img"}, "the recipe in it is damaged"),
        ({"task": "txt2img", "recipe": [1], "made_with": {}}, "the recipe in it is damaged"),
        ({"task": "txt2img", "recipe": {"prompt": "a", "steps": 0}, "made_with": {}}, "steps must be at least 1"),
        ({"task": "txt2img", "recipe": {"prompt": "a"}, "made_with": {"dtype": []}}, "model is missing"),
    ],
)
def test_a_damaged_recipe_is_named(workplace, record, sentence):
    save_png(Image.new("RGB", (8, 8)), workplace / "damaged.png", Metadata(ours=record))
    assert sentence in refusal(workplace, "redo", "damaged.png")


def test_redo_asks_for_a_model_that_it_cannot_find(workplace, cat, tmp_path):
    (tmp_path / "cat.png").write_bytes(cat.read_bytes())
    assert "was made with model, which is not in this folder: say --model PATH" in refusal(tmp_path, "redo", "cat.png")
    assert run(tmp_path, "redo", "cat.png", "--model", workplace / "model").stdout.startswith("identical")


# The rest


def test_help_and_version_do_not_wait_for_torch(tmp_path):
    program = "import sys; from garasu.app.cli import main\ntry: main()\nfinally: print('torch' in sys.modules)"
    for arguments in (
        ["--help"],
        ["--version"],
        ["txt2img", "--help"],
        ["img2img", "--help"],
        ["show", "--help"],
        ["redo", "--help"],
        ["prompt", "--help"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout.endswith("False\n"), arguments


def test_help_explains_every_flag_of_txt2img(tmp_path):
    text = run(tmp_path, "txt2img", "--help").stdout
    for flag in ("--negative-prompt", "--steps", "--guidance-scale", "--sampler", "--seed", "--count", "--width"):
        assert flag in text
    for flag in ("--height", "--model", "--vae", "--device", "--dtype", "--output -o", "--grid", "--clip-skip"):
        assert flag in text
    assert "Steps from noise to picture." in text


def test_world_draws_a_sheet_or_a_dataset(tmp_path):
    pytest.importorskip("skia")
    run(tmp_path, "world", "--count=3", "--columns=3", "--size=48x64", "-o", "sheet.png")
    assert Image.open(tmp_path / "sheet.png").width == 3 * 56 + 8
    run(tmp_path, "world", "--count=3", "--size=64", "-o", "drawn/")
    assert len((tmp_path / "drawn" / "metadata.jsonl").read_text().splitlines()) == 3
    assert {path.suffix for path in (tmp_path / "drawn").iterdir()} == {".png", ".jsonl"}
    assert "already holds something" in refusal(tmp_path, "world", "--count=3", "-o", "drawn")
    assert "--size must be a number of pixels" in refusal(tmp_path, "world", "--size=big", "-o", "sheet.png")


def test_world_draws_a_concept(tmp_path):
    pytest.importorskip("skia")
    run(tmp_path, "world", "--concept=fox", "--count=5", "--size=64", "-o", "fox/")
    lines = [json.loads(line) for line in (tmp_path / "fox" / "metadata.jsonl").read_text().splitlines()]
    assert [(line["concept"], line["class_noun"]) for line in lines] == [("fox", "animal")] * 5
    assert all("fox" in line["text"] for line in lines)
    run(tmp_path, "world", "--concept=woodcut", "--count=2", "--size=48x64", "--seed=3", "-o", "sheet.png")
    assert Image.open(tmp_path / "sheet.png").width == 2 * 56 + 8
    said = refusal(tmp_path, "world", "--concept=wolf", "-o", "wolf/")
    assert said == "there is no concept 'wolf': choose one of calico, fox, robot, mascot, statue, woodcut"
    for output in ("both/", "both.png"):
        assert "not for both" in refusal(tmp_path, "world", "--concept=fox", "--held-out", "-o", output)
    assert {path.name for path in tmp_path.iterdir()} == {"fox", "sheet.png"}


def test_a_missing_extra_is_named(tmp_path):
    (tmp_path / "skia.py").write_text("raise ModuleNotFoundError(\"No module named 'skia'\", name='skia')")
    done = run_process(tmp_path, "world", "-o", "sheet.png", code=2, PYTHONPATH=str(tmp_path))
    assert done.stderr == "garasu: this needs skia, which is not installed: pip install 'garasu[train]'\n"


def test_info_says_what_is_inside(workplace):
    lines = run(workplace, "info", "model").stdout.splitlines()
    assert any("diffusers folder" in line for line in lines)
    assert any(line.split()[0] == "unet" and "float32" in line for line in lines)
    assert "nothing.ckpt" in refusal(workplace, "info", "nothing.ckpt")
    (workplace / "page.safetensors").write_text("<html>404</html>")
    assert "PROBLEM" in run(workplace, "info", "page.safetensors", code=2).stdout


def test_a_reader_may_leave_early(workplace, cat):
    with subprocess.Popen(
        [*COMMAND, "show", "cat.png"], cwd=workplace, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None and running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""


def test_version_says_what_runs_here(tmp_path):
    assert "torch" in run(tmp_path, "version").stdout


# img2img


def test_a_picture_becomes_a_file_that_says_how_and_can_be_made_again(workplace, cat):
    flags = ("--model=model", "--seed=3", "--steps=6", "--dtype=float32", "--strength=0.5")
    done = run(workplace, "img2img", "cat.png", "a dog", *flags, "-o", "dog.png")
    assert done.stdout.splitlines() == ["strength 0.5: 3 of 6 steps, from σ 0.932, timestep 333", "dog.png"]
    assert re.search(r"^image +cat.png$", run(workplace, "show", "dog.png").stdout, re.M)
    assert run(workplace, "redo", "dog.png").stdout == "identical: all 64x64 pixels\n"
    Image.new("RGB", (64, 64), "red").save(workplace / "cat2.png")
    (workplace / "elsewhere").mkdir()
    (workplace / "dog.png").rename(workplace / "elsewhere" / "dog.png")
    with chdir(workplace):
        (workplace / "cat.png").rename(workplace / "kept.png")
        (workplace / "cat2.png").rename(workplace / "cat.png")
        try:
            assert "its pixels differ" in refusal(workplace, "redo", "elsewhere/dog.png", "--model=model")
            (workplace / "cat.png").unlink()
            assert "neither in this folder nor beside it" in refusal(workplace, "redo", "elsewhere/dog.png")
        finally:
            (workplace / "kept.png").rename(workplace / "cat.png")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["gone.png", "a dog"], "there is no picture file gone.png"),
        (["model/model_index.json", "a dog"], "model/model_index.json is not a picture that can be read"),
        (["cat.png", "a dog", "--strength=0"], "strength must be more than 0, not 0"),
        (["cat.png", "a dog", "--strength=1.5"], "strength must be at most 1, not 1.5"),
        (["cat.png", "a dog", "--strength=0.01"], "A strength of 0.01 leaves none of 25 steps; take 0.04 or more"),
        (["cat.png", "a dog", "--width=70"], "width must be a multiple of 8, not 70"),
        (["cat.png"], "PROMPT is missing"),
    ],
)
def test_a_picture_that_cannot_be_started_from_is_refused(workplace, cat, words, sentence):
    assert sentence in refusal(workplace, "img2img", *words, "--model=model", "-o", "never.png")
    assert not (workplace / "never.png").exists()


# inpaint and sweep


def test_a_masked_part_is_painted_and_can_be_painted_again(workplace, cat):
    mask = Image.new("L", (64, 64))
    mask.paste(255, (8, 8, 40, 56))
    mask.save(workplace / "mask.png")
    flags = ("--model=model", "--seed=3", "--steps=3", "--dtype=float32", "--mask=mask.png", "--explain")
    done = run(workplace, "inpaint", "cat.png", "a dog", *flags, "-o", "painted.png")
    lines = done.stdout.splitlines()
    assert lines[:3] == ["strength 1: 3 of 3 steps, from σ 2.93, timestep 667", "painted.png", "painted-decoded.png"]
    assert re.fullmatch(r"seed 3: the border is \d\.\d\d \(1 is not to be seen\)", lines[3])
    assert Image.open(workplace / "painted-explain.png").width == 4 * (64 + 8) + 8
    kept = np.asarray(mask) == 0
    before, after = (np.asarray(Image.open(workplace / name))[kept] for name in ("cat.png", "painted.png"))
    assert (before == after).all()
    assert run(workplace, "redo", "painted.png").stdout == "identical: all 64x64 pixels\n"


def test_flags_that_stand_alone_are_understood(workplace, cat):
    mask = Image.new("L", (64, 64), 255)
    mask.paste(0, (8, 8, 40, 56))
    mask.save(workplace / "around.png")
    flags = ("--model=model", "--seed=3", "--steps=1", "--mask=around.png", "--invert-mask", "--only-masked")
    run(workplace, "inpaint", "cat.png", "a dog", *flags, "-o", "inside.png")
    recipe = read_metadata(workplace / "inside.png").ours["recipe"]
    assert recipe["invert_mask"] is recipe["only_masked"] is True
    kept = np.asarray(mask) > 0
    before, after = (np.asarray(Image.open(workplace / name))[kept] for name in ("cat.png", "inside.png"))
    assert (before == after).all()


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (Image.new("L", (32, 32), 255), "the mask is 32x32 and the picture 64x64: give both one size"),
        (Image.new("L", (64, 64), 0), "the mask is empty: make white"),
        (None, "mask is missing: give a picture file"),
    ],
)
def test_masks_that_cannot_be_are_refused(workplace, cat, mask, sentence):
    if mask is not None:
        mask.save(workplace / "wrong.png")
    words = ("inpaint", "cat.png", "a dog", *([] if mask is None else ["--mask=wrong.png"]))
    assert sentence in refusal(workplace, *words, "--model=model", "-o", "never.png")
    assert not (workplace / "never.png").exists()


def test_a_sweep_is_a_folder_of_pictures(workplace, cat):
    flags = ("--model=model", "--seed=1", "--steps=4", "--vary", "strength=0.50:1.00:0.25", "-o", "sweep")
    done = run(workplace, "sweep", "img2img", "cat.png", "a dog", *flags)
    assert done.stdout.splitlines() == ["3 pictures, 3 of them different", "sweep/grid.png"]
    names = {path.name for path in (workplace / "sweep").iterdir()}
    assert names == {"1.png", "2.png", "3.png", "grid.png", "sweep.json", "sweep.jsonl"}
    assert "no field 'strenth' to vary (did you mean strength" in refusal(
        workplace, "sweep", "img2img", "cat.png", "a dog", "--model=model", "--vary", "strenth=1", "-o", "unswept"
    )
    assert not (workplace / "unswept").exists()
    assert "holds another sweep" in refusal(
        workplace, "sweep", "txt2img", "a dog", "--model=model", "--vary", "steps=1,2", "-o", "sweep"
    )


# blend


def test_a_film_goes_from_words_to_words(workplace):
    flags = ("--model=model", "--seed=1,2,1", "--guidance-scale=3", "--steps=1", "--frames=5", "--dtype=float32")
    done = run(workplace, "blend", "cat", "dog", "cat", *flags, "--fps=10", "--keep-frames", "-o", "walk.gif")
    assert done.stdout == "walk.gif\n"
    assert "picture/s" in done.stderr
    assert Image.open(workplace / "walk.gif").n_frames == 5
    names = sorted(path.name for path in (workplace / "walk.frames").iterdir())
    assert names == ["1.png", "2.png", "3.png", "4.png", "5.png", "journey.json"]
    assert run(workplace, "redo", "walk.frames/2.png").stdout == "identical: all 64x64 pixels\n"
    shown = run(workplace, "show", "walk.gif").stdout
    assert re.search(r"^waypoints +\['cat', 'dog', 'cat'\]$", shown, re.M)
    assert re.search(r"^steps +1$", shown, re.M)
    shorter = ("cat", "dog", "--model=model", "--frames=5", "-o", "walk.gif")
    assert "walk.frames holds another journey" in refusal(workplace, "blend", *shorter)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("cat", "-o", "never.gif"), "a journey goes through two waypoints or more"),
        (("cat", "dog", "-o", "never.avi"), "a film's name ends in .mp4, .webm or .gif"),
        (("cat", "dog", "-o", "nowhere/never.mp4"), "the folder nowhere does not exist: make it first"),
        (("cat", "dog", "--frames=1", "-o", "never.gif"), "frames must be at least 2, not 1"),
        (("cat", "dog", "--seed=1,2,3", "-o", "never.gif"), "seeds has 3 values for 2 waypoints"),
        (("cat", "dog", "--fps=0", "-o", "never.gif"), "fps must lie between"),
        (("cat", "dog", "--steps=0", "-o", "never.gif"), "steps must be at least 1, not 0"),
        (("cat", "dog", "--sampler=lms", "--eta=1", "-o", "never.gif"), "eta"),
    ],
)
def test_films_that_cannot_be_are_refused(workplace, words, sentence):
    before = set(workplace.iterdir())
    assert sentence in refusal(workplace, "blend", *words, "--model=model")
    assert set(workplace.iterdir()) == before


@pytest.mark.parametrize("adaptive", [(), ("--adaptive",)])
def test_a_film_is_measured_when_asked(workplace, adaptive):
    flags = ("--model=model", "--seed=1", "--steps=2", "--frames=6", *adaptive)
    told = ("--speed=speed.png", "--report=speed.json")
    done = run(workplace, "blend", "cat", "dog", *flags, *told, "-o", "told.gif")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("6 frames; the picture changes by ")
    assert "no clip speed: the checkpoint has no image encoder" in lines
    assert lines[-3:] == ["speed.png", "speed.json", "told.gif"]
    assert Image.open(workplace / "speed.png").width == 1200
    measured = json.loads((workplace / "speed.json").read_text("utf-8"))
    assert len(measured["u"]) == 6
    assert len(measured["changes"]) == len(measured["speeds"]["latent"]) == 5, "latents were kept while it was made"
    assert measured["u"] == (read_film(workplace / "told.gif")["recipe"]["positions"] or [i / 5 for i in range(6)])


def test_measures_that_cannot_be_written_are_refused_before_any_work(workplace):
    before = set(workplace.iterdir())
    film = ("blend", "cat", "dog", "--model=model", "-o", "never.gif")
    assert "the figure is a PNG file: name it speed.png" in refusal(workplace, *film, "--speed=speed.svg")
    assert "the folder nowhere does not exist" in refusal(workplace, *film, "--report=nowhere/speed.json")
    assert set(workplace.iterdir()) == before


@pytest.mark.parametrize("loop", [(), ("--loop",)])
def test_an_adaptive_film_stands_where_the_picture_moves(workplace, loop):
    flags = ("--model=model", "--seed=1", "--steps=1", "--frames=4", "--adaptive", *loop)
    done = run(workplace, "blend", "cat", "dog", *flags, "-o", "even.gif")
    assert done.stdout == "even.gif\n"
    places = read_film(workplace / "even.gif")["recipe"]["positions"]
    assert len(places) == 4
    assert places == sorted(places)
    assert places[0] == 0
    assert (places[-1] == 1) is not bool(loop), "a loop does not show its beginning twice"
    assert not [path for path in workplace.iterdir() if path.name in ("even.frames", "even.scouts")]


def test_without_pyav_a_film_is_refused_before_any_work(workplace, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    sentence = refusal(workplace, "blend", "cat", "dog", "--model=model", "-o", "never.mp4")
    assert sentence == "this needs av, which is not installed: pip install 'garasu[video]'"


def test_a_grid_is_a_sheet_of_cells(workplace):
    expressions = ("--rows", "lerp(cat, dog, t)", "--columns", "- t*black", "--from=-0.5", "--to=0.5")
    flags = ("--model=model", "--seed=1", "--steps=1", "--row-count=2", "--column-count=2")
    done = run(workplace, "blend-grid", *expressions, *flags, "--keep-cells", "-o", "blends.png")
    assert done.stdout == "blends.png\n"
    assert Image.open(workplace / "blends.png").width == 2 * (64 + 8) + 8
    names = sorted(path.name for path in (workplace / "blends.cells").iterdir())
    assert names == ["1.png", "2.png", "3.png", "4.png", "grid.json"]
    assert re.search(r"^seed +1$", run(workplace, "show", "blends.png").stdout, re.M)
    assert "this version of garasu knows no task 'blend-grid'" in refusal(workplace, "redo", "blends.png")
    flags = ("--rows=cat", "--columns=black", "--from=0", "--to=1", "--model=model", "-o", "never.png")
    assert "columns begins with + or -" in refusal(workplace, "blend-grid", *flags)


def test_a_picture_goes_on_beyond_its_borders(workplace, cat):
    flags = ("--model=model", "--seed=3", "--steps=1", "--left=16", "--count=2", "--grid")
    done = run(workplace, "outpaint", "cat.png", "a dog", *flags, "-o", "wide.png")
    written = ["wide-1.png", "wide-1-decoded.png", "wide-2.png", "wide-2-decoded.png", "wide-grid.png"]
    assert done.stdout.splitlines() == written
    wide, before = Image.open(workplace / "wide-2.png"), Image.open(cat)
    assert wide.size == (80, 64)
    assert wide.crop((16, 0, 80, 64)).tobytes() == before.convert("RGB").tobytes()
    assert run(workplace, "redo", "wide-2.png").stdout == "identical: all 80x64 pixels\n"
    words = ("outpaint", "cat.png", "a dog", "--model=model", "-o", "never.png")
    assert "no side is to go on: say how many pixels" in refusal(workplace, *words)


def test_variations_without_an_output_do_not_replace_each_other(workplace, cat):
    flags = ("--model=model", "--seed=5", "--steps=1", "--count=2", "--variation-strength=0.3", "--variation-seed=8")
    done = run(workplace, "txt2img", "a cat", *flags)
    assert done.stdout.splitlines() == ["garasu-5-8.png", "garasu-5-9.png"]


def test_profiles_are_compared_without_a_model(workplace, cat):
    flags = ("--strength=0.6", "--steps=30", "--seed=0")
    table = run(workplace, "diff-profiles", "img2img", "cat.png", "a dog", *flags).stdout.splitlines()
    assert table[0].split() == ["diffusers", "compvis", "a1111"]
    assert table[1].split() == ["steps", "run", "18", "of", "30", "18", "of", "30", "17", "of", "30"]


def test_a_picture_is_made_as_another_tool_makes_it(workplace, cat):
    flags = ("--model=model", "--seed=3", "--steps=8", "--like=A1111", "--strength=0.5")
    done = run(workplace, "img2img", "cat.png", "a dog", *flags, "-o", "theirs-like.png")
    assert "strength 0.5: 3 of 8 steps, from σ 1.62, timestep 501" in done.stdout
    assert read_metadata(workplace / "theirs-like.png").ours["recipe"]["like"] == "a1111"
    assert run(workplace, "redo", "theirs-like.png").stdout == "identical: all 64x64 pixels\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("txt2img", "a cat", "--like=compvis", "--sampler=heun"),
            "CompVis has the samplers ddim and plms, not 'heun'",
        ),
        (
            ("txt2img", "a cat", "--like=compvi"),
            "like must be one of 'diffusers', 'compvis' or 'a1111', not 'compvi' (did",
        ),
        (("txt2img", "a cat", "--noise=tpu"), "noise must be one of 'cpu' or 'nv', not 'tpu'"),
        (("img2img", "cat.png", "a cat", "--like=a1111", "--strength=0.05"), "take 0.08 or more, or more steps"),
        (("txt2img", "a cat", "--like=compvis", "--steps=27", "--model=model"), "and fails: take 28"),
        (("diff-profiles", "img2img", "none.png", "a cat"), "there is no picture file none.png"),
    ],
)
def test_what_a_profile_cannot_do_is_refused(workplace, cat, words, sentence):
    flags = ("--model=model",) if words[0] == "img2img" else ()
    assert sentence in refusal(workplace, *words, *flags)


def test_a_picture_becomes_larger(workplace, cat):
    flags = ("--model=model", "--seed=3", "--steps=4", "--scale=1.5", "--strength=0.5", "--count=2", "--grid")
    done = run(workplace, "upscale", "cat.png", "a cat", *flags, "-o", "large.png")
    assert done.stdout.splitlines()[1:] == ["large-1.png", "large-2.png", "large-grid.png"]
    assert Image.open(workplace / "large-2.png").size == (96, 96)
    assert run(workplace, "redo", "large-2.png").stdout == "identical: all 96x96 pixels\n"


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--scale=1",), "scale must be more than 1, not 1"),
        (("--scale=9",), "scale must be at most 8, not 9"),
        (("--upscaler=lanczos",), "upscaler must be one of 'pixel' or 'latent', not 'lanczos'"),
        (("--strength=0.01", "--model=model"), "leaves none of 25 steps; take 0.04 or more"),
    ],
)
def test_what_cannot_become_larger_is_refused(workplace, cat, flags, sentence):
    assert sentence in refusal(workplace, "upscale", "cat.png", "a cat", *flags)
