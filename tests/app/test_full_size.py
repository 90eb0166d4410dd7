"""Stable Diffusion 1.5 at its full size, with random weights: through the command line, and against diffusers."""

from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image
from safetensors.torch import save_file
from tests.checkpoints import compvis
from tests.checkpoints.models import Models, full, sd_scheduler, states
from torch import nn

from garasu.app.cli import main
from garasu.diffusion.noise import Noise
from garasu.images.metadata import read_metadata
from garasu.images.reading import read_picture
from garasu.model import load
from garasu.prompts.vocabulary import find_vocabulary

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_vocabulary() is None, reason="needs CLIP's vocabulary: pip install open_clip_torch"),
]


@pytest.fixture(scope="module")
def sd15() -> Models:
    """Weights that half precision holds exactly, so that a small file and float32 networks are the same."""
    models = full("sd1")
    for network in (models.unet, models.vae, models.text):
        _round_to_half(network)
    return models


@pytest.fixture(scope="module")
def file(sd15: Models, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sd15") / "sd15.safetensors"
    save_file({key: value.half().contiguous() for key, value in compvis.checkpoint(states(sd15)).items()}, path)
    return path


def _round_to_half(network: nn.Module) -> None:
    with torch.no_grad():
        for value in network.parameters():
            value.copy_(value.half())


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_the_command_runs_it(file: Path, tmp_path: Path, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = ["--model", str(file), "--steps=2", "--seed=7", f"--dtype={dtype}", "--device=cpu", "-o", "cat.png"]
    with chdir(tmp_path), pytest.raises(SystemExit) as left:
        main(["txt2img", "a black cat with yellow eyes", *flags])
    assert not left.value.code
    picture = read_picture(tmp_path / "cat.png")
    assert picture.size == (512, 512)
    assert np.asarray(picture).std() > 1  # NaN would have become one colour
    assert read_metadata(tmp_path / "cat.png").ours["made_with"]["dtype"] == dtype


def test_a_masked_part_is_painted_at_its_full_size(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = np.random.default_rng(0).integers(0, 256, (130, 190, 3), dtype=np.uint8)
    mask = np.zeros((130, 190), dtype=np.uint8)
    mask[20:100, 30:120] = 255
    Image.fromarray(before).save(tmp_path / "in.png")
    Image.fromarray(mask).save(tmp_path / "mask.png")
    flags = ["--model", str(file), "--steps=2", "--seed=7", "--device=cpu", "-o"]
    with chdir(tmp_path):
        for command, name in (
            (["img2img", "in.png", "a cat", "--strength=0.5"], "free.png"),
            (["inpaint", "in.png", "a cat", "--mask=mask.png"], "masked.png"),
        ):
            with pytest.raises(SystemExit) as left:
                main([*command, *flags, name])
            assert not left.value.code
    assert read_picture(tmp_path / "free.png").size == (192, 128)
    after = np.asarray(read_picture(tmp_path / "masked.png"))
    changed = (after != before).any(axis=2)
    assert not changed[mask == 0].any()
    assert changed[mask > 0].mean() > 0.9


def test_ten_ddim_steps_are_those_of_diffusers(sd15: Models, file: Path) -> None:
    sd = load(file, device="cpu", dtype="float32")
    words, nothing = sd.encode("a black cat with yellow eyes"), sd.encode("")
    noise = Noise([7], (4, 12, 8)).draw()
    run = {"guidance_scale": 7.5, "width": 64, "height": 96}
    *_, step = sd.sample(words, negative=nothing, sampler="ddim", steps=10, latent=noise, **run)
    theirs = pipeline(sd15)(
        prompt_embeds=sd15.text(torch.tensor([words.tokens[0].ids]))[0],
        negative_prompt_embeds=sd15.text(torch.tensor([nothing.tokens[0].ids]))[0],
        num_inference_steps=10,
        latents=noise,
        output_type="latent",
        **run,
    ).images
    assert theirs.abs().max() > 1
    assert (step.latent - theirs).abs().max().item() <= 1e-3


def pipeline(models: Models) -> StableDiffusionPipeline:
    """diffusers' pipeline, to be given words that are encoded already."""
    made = StableDiffusionPipeline(
        vae=models.vae,
        text_encoder=None,
        tokenizer=None,
        unet=models.unet,
        scheduler=sd_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    made.set_progress_bar_config(disable=True)
    return made
