"""Base training on the toy recipe, end to end: on the drawn world, on a folder of one's own, on two processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from garasu.app.cli import main
from garasu.checkpoints import read_vae
from garasu.model import load
from garasu.networks.clip_text import CLIPText
from garasu.networks.clip_vision import CLIPVision
from garasu.networks.unet import UNet
from garasu.networks.vae import VAE
from garasu.training.base import train_base
from garasu.training.history import read_history
from garasu.training.loop import TrainingError
from garasu.training.recipes import RECIPES
from garasu.world.dataset import write_folder

TOY_CLIP = ("--recipe", "toy", "--part", "clip", "--steps", "2", "--device", "cpu")
PARTS = ("vae", "clip", "decoder", "unet", "faces")


def finished(run: Path) -> dict[str, bytes]:
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in run.glob("*/weights.safetensors")}


def test_every_part_is_trained_and_the_model_makes_pictures(toy_run: Path) -> None:
    assert set(finished(toy_run)) == {f"{part}/weights.safetensors" for part in PARTS}
    sd = load(toy_run / "model", device="cpu")
    *_, last = sd.sample(sd.encode("a black cat"), steps=2, seed=1)
    picture = sd.decode(last.latent)
    assert isinstance(picture, Image.Image)
    assert picture.size == (64, 64) == sd.native_size


def test_a_run_keeps_logs_and_sheets(toy_run: Path) -> None:
    for part, loss in zip(PARTS, ("psnr", "contrast", "psnr", "loss", "psnr"), strict=True):
        last = json.loads((toy_run / part / "log.jsonl").read_text().splitlines()[-1])
        assert last["step"] == 12
        assert last["pictures_per_second"] > 0
        assert loss in last
    assert Image.open(toy_run / "unet" / "sheets" / "000012.png").size == (4 * 64, 3 * 64)
    assert list((toy_run / "vae" / "tensorboard").iterdir())


def test_the_model_has_the_averaged_weights(toy_run: Path) -> None:
    state = torch.load(toy_run / "unet" / "state.pt", weights_only=True)
    trained = load_file(toy_run / "unet" / "weights.safetensors")
    names = [name.removeprefix("unet.") for name in state["part"] if name.startswith("unet.")]
    for name, average in zip(names, state["average"], strict=True):
        assert torch.equal(trained[name], average), name
        assert not torch.equal(state["part"][f"unet.{name}"], average), f"{name} should have been averaged"


def test_a_finished_run_is_not_trained_again(toy_run: Path) -> None:
    before = finished(toy_run)
    logs = {path: path.read_text() for path in toy_run.glob("*/log.jsonl")}
    train_base(toy_run, recipe="toy", device="cpu", part="vae")
    assert finished(toy_run) == before
    assert {path: path.read_text() for path in toy_run.glob("*/log.jsonl")} == logs


def test_the_same_recipe_gives_the_same_weights(toy_run: Path, tmp_path: Path) -> None:
    train_base(tmp_path / "again", recipe="toy", device="cpu", part="clip")
    assert finished(tmp_path / "again")["clip/weights.safetensors"] == finished(toy_run)["clip/weights.safetensors"]


def test_a_folder_of_ones_own_is_trained_on(tmp_path: Path) -> None:
    write_folder(tmp_path / "mine", 12, (80, 70), seed=4)
    lines = (tmp_path / "mine" / "metadata.jsonl").read_text().splitlines()
    marked = [json.dumps(json.loads(line) | {"text": f"zebrafish {index}"}) for index, line in enumerate(lines)]
    (tmp_path / "mine" / "metadata.jsonl").write_text("\n".join(marked))
    train_base(tmp_path / "run", recipe="toy", data=tmp_path / "mine", device="cpu", steps=3)
    kept = (tmp_path / "run" / "pictures" / "records-64x64.jsonl").read_text().splitlines()
    assert [json.loads(line)["captions"] for line in kept] == [[f"zebrafish {index}"] for index in range(12)]
    last = json.loads((tmp_path / "run" / "unet" / "log.jsonl").read_text().splitlines()[-1])
    assert last["step"] == 3
    assert load(tmp_path / "run" / "model", device="cpu").native_size == (64, 64)


def test_the_model_has_the_decoder_that_was_trained_longest(toy_run: Path) -> None:
    first, further = (load_file(toy_run / part / "weights.safetensors") for part in ("vae", "decoder"))
    stored = read_vae(toy_run / "model").state_dict()
    for name, value in further.items():
        assert torch.equal(stored[name], value.half()), name
        belongs = name.startswith(("decoder.", "post_quant_conv."))
        assert torch.equal(first[name], value) != belongs, f"{name} should {'' if belongs else 'not '}have changed"


def test_a_second_vae_has_the_latents_of_the_first(toy_run: Path) -> None:
    first, second = read_vae(toy_run / "model").state_dict(), read_vae(toy_run / "model" / "vae_faces").state_dict()
    for name, value in first.items():
        assert torch.equal(value, second[name]) == name.startswith(("encoder.", "quant_conv.")), name
    sd = load(toy_run / "model", vae=toy_run / "model" / "vae_faces", device="cpu")
    *_, last = sd.sample(sd.encode("a black cat"), steps=2, seed=1)
    assert sd.decode(last.latent).size == (64, 64)


def test_what_cannot_be_trained_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="No recipe is called 'huge'; there are cpu, cpu-further, bundled, bund"):
        train_base(tmp_path / "run", recipe="huge")
    with pytest.raises(TrainingError, match="needs a finished vae; train it first with --part vae"):
        train_base(tmp_path / "run", recipe="toy", device="cpu", part="unet")


def test_a_folder_of_another_run_is_refused(toy_run: Path) -> None:
    before = finished(toy_run)
    with pytest.raises(TrainingError, match="other settings"):
        train_base(toy_run, recipe="toy", device="cpu", part="clip", steps=5)
    assert finished(toy_run) == before


def test_a_run_goes_on_from_a_model(toy_run: Path, tmp_path: Path) -> None:
    before = load(toy_run / "model", device="cpu", dtype="float32")
    train_base(tmp_path / "on", recipe="toy", start=toy_run / "model", part="unet", device="cpu", steps=2)
    after = load(tmp_path / "on" / "model", device="cpu", dtype="float32")
    for part in ("vae", "text_encoder", "image_encoder"):
        kept, now = getattr(before, part).state_dict(), getattr(after, part).state_dict()
        assert all(torch.equal(value, now[name]) for name, value in kept.items()), part
    assert after.tokenizer.fit("a tabby kitten") == before.tokenizer.fit("a tabby kitten")
    moved = [
        (value - after.unet.state_dict()[name]).abs().max().item() for name, value in before.unet.state_dict().items()
    ]
    assert 0 < max(moved) < 0.05  # two small steps away, not from a new beginning


def test_each_part_begins_with_the_models_weights(toy_run: Path, tmp_path: Path) -> None:
    model = load(toy_run / "model", device="cpu", dtype="float32")
    for part in ("clip", "vae"):
        train_base(tmp_path / "on", recipe="toy", start=toy_run / "model", part=part, device="cpu", steps=1)
        trained = load_file(tmp_path / "on" / part / "weights.safetensors")
        if part == "vae":  # one step moves it little, and no whitening at the end may turn its latents around
            for name, value in model.vae.state_dict().items():
                if "quant_conv" not in name:
                    assert (trained[name] - value).abs().max() < 0.01, name
        else:
            for name, value in model.text_encoder.state_dict().items():
                assert (trained[f"text.{name}"] - value).abs().max() < 0.01, name


def test_a_vae_of_another_run_is_gone_on_from(toy_run: Path, tmp_path: Path) -> None:
    """Each in its own folder, the VAE on one core and the words on another; then both together."""
    train_base(tmp_path / "vae", recipe="toy", start=toy_run / "model", part="vae", device="cpu", steps=2)
    other = tmp_path / "vae" / "vae" / "model"
    on = tmp_path / "on"
    train_base(on, recipe="toy", start=toy_run / "model", vae=other, part="unet", device="cpu", steps=1)
    made, given = read_vae(on / "model").state_dict(), read_vae(other).state_dict()
    assert all(torch.equal(value, made[name]) for name, value in given.items())
    before = read_history(toy_run / "model")
    assert read_history(on / "model")[:-1] == [*before, read_history(other)[-1]]
    assert [list(run.parts) for run in read_history(on / "model")[1:]] == [["vae"], ["unet"]]
    with pytest.raises(TrainingError, match=r"began from model .* with the VAE model; begin the same way"):
        train_base(on, recipe="toy", start=toy_run / "model", part="unet", device="cpu", steps=1)
    with pytest.raises(TrainingError, match="name it with --from"):
        train_base(tmp_path / "third", recipe="toy", vae=other, device="cpu")


def test_a_trained_vae_can_be_swapped_in(toy_run: Path) -> None:
    for part in ("vae", "decoder", "faces"):
        trained = load_file(toy_run / part / "weights.safetensors")
        stored = read_vae(toy_run / part / "model").state_dict()
        assert all(torch.equal(value.half(), stored[name]) for name, value in trained.items()), part
        assert read_history(toy_run / part / "model")[0].parts.keys() <= {"vae", "decoder", "faces"}
    assert read_history(toy_run / "model")[0].parts.keys() == set(PARTS)


def test_a_run_keeps_to_the_model_that_it_began_from(toy_run: Path, tmp_path: Path) -> None:
    on = tmp_path / "on"
    train_base(on, recipe="toy", start=toy_run / "model", part="clip", device="cpu", steps=1)
    with pytest.raises(TrainingError, match="began from model"):
        train_base(on, recipe="toy", part="clip", device="cpu", steps=1)
    with pytest.raises(TrainingError, match="began from scratch"):
        train_base(toy_run, recipe="toy", start=toy_run / "model", part="clip", device="cpu")


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_makes_a_small_file(name: str) -> None:
    recipe = RECIPES[name]
    with torch.device("meta"):
        parts = VAE(recipe.vae), UNet(recipe.unet), CLIPText(recipe.text), CLIPVision(recipe.vision)
    count = sum(one.numel() for part in parts for one in part.parameters())
    assert 2 * count < 49.9e6  # bytes in float16; the tokenizer and the settings take the rest of 50 MB


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipes_parts_fit_together(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.unet.context_width == recipe.text.width
    assert recipe.text.projection_width == recipe.vision.projection_width
    assert recipe.text.vocab_size == recipe.vocabulary
    assert sum(share for _, share in recipe.shapes) == pytest.approx(1)
    native = recipe.unet.sample_size * recipe.vae.factor
    assert recipe.shapes[0][0] == (native, native)
    step = recipe.vae.factor * 2 ** (len(recipe.unet.channels) - 1)
    assert all(width % step == 0 == height % step for (width, height), _ in recipe.shapes)
    assert recipe.train_vae.ema is None, "whitening folds into the weights: an average of them would lag behind"
    assert recipe.train_unet.ema is not None


def test_the_command_trains_and_names_the_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    with pytest.raises(SystemExit) as left:
        main(["train", "base", *TOY_CLIP, "--out", str(run)])
    assert left.value.code == 0
    assert capsys.readouterr().out.strip() == str(run / "clip")
    assert (run / "clip" / "weights.safetensors").is_file()


def test_the_command_refuses_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["train", "base", "--recipe", "huge", "--out", str(tmp_path / "run")])
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith(
        "garasu: No recipe is called 'huge'; there are cpu, cpu-further, bundled,"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_two_processes_share_the_work(tmp_path: Path) -> None:
    """Gradients of both are averaged: the weights differ from one process's, and the model is whole."""
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nimport torch\ntorch.set_num_threads(1)\n"
        "from garasu.training.base import train_base\n"
        "train_base(Path(sys.argv[1]), recipe='toy', device='cpu', steps=4)\n"
    )
    quiet = {"OMP_NUM_THREADS": "1"}
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    run = tmp_path / "run"
    command = [*launch, str(script), str(run)]
    made = subprocess.run(command, env=os.environ | quiet, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-3000:]
    load(run / "model", device="cpu")
    train_base(tmp_path / "alone", recipe="toy", device="cpu", steps=4)
    single = finished(tmp_path / "alone")
    assert [name for name, weights in finished(run).items() if weights == single[name]] == []
    lines = (run / "clip" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [4], "one process writes the log"


@pytest.mark.slow
def test_two_processes_whiten_alike(tmp_path: Path) -> None:
    """Each process has seen other pictures, yet all must go on with the same weights."""
    script = tmp_path / "whiten.py"
    script.write_text(
        "import os\nimport torch\nfrom torch import distributed\n"
        "from garasu.training.data import Pictures\nfrom garasu.training.parts.vae import WHITEN_AT, VAEPart\n"
        "from garasu.training.recipes import TOY\n"
        "distributed.init_process_group('gloo')\ntorch.manual_seed(0)\n"
        "part = VAEPart(TOY.vae, Pictures([]), 100)\n"
        "part._seen = torch.randn(4, 4, 8, 8) * (2 + distributed.get_rank())\n"
        "with torch.no_grad():\n    part.after_step(WHITEN_AT[0])\n"
        "torch.save(part.state_dict(), f'{os.environ[\"RANK\"]}.pt')\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(script)]
    quiet = {"OMP_NUM_THREADS": "1"}
    made = subprocess.run(command, cwd=tmp_path, env=os.environ | quiet, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-3000:]
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
