"""The folder that training writes: small files, and the same picture here and in diffusers."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline
from safetensors import safe_open
from safetensors.torch import load_file

from garasu.checkpoints import CheckpointError, read
from garasu.model import load
from garasu.networks.unet import UNet
from garasu.prompts.tokenizer import Tokenizer
from garasu.training import export
from garasu.training.base import BaseRun
from garasu.training.export import write_model
from garasu.training.loop import Habits
from garasu.training.machine import Machine
from garasu.training.recipes import TOY

PROMPT = "a black cat with yellow eyes"


@pytest.fixture(scope="module")
def run(toy_run: Path) -> BaseRun:
    return BaseRun(toy_run, TOY, Machine("cpu"), None, Habits())


def test_weights_are_the_trained_ones_in_half_precision(run: BaseRun) -> None:
    checkpoint = read(run.out / "model")
    assert checkpoint.image_encoder is not None
    vae, text, vision = run.finished()
    vae.load_state_dict(load_file(run.out / "decoder" / "weights.safetensors"))
    pairs = ((vae, checkpoint.vae), (text, checkpoint.text_encoder), (vision, checkpoint.image_encoder))
    for trained, read_back in pairs:
        assert trained.config == read_back.config
        for name, value in trained.state_dict().items():
            assert torch.equal(read_back.state_dict()[name], value.half()), name
    assert checkpoint.unet.config == TOY.unet
    assert checkpoint.prediction == "epsilon"
    assert torch.equal(torch.tensor(checkpoint.tokenizer.fit(PROMPT).ids), torch.tensor(run.tokenizer.fit(PROMPT).ids))


def test_the_scheduler_is_stable_diffusions(toy_run: Path) -> None:
    config = json.loads((toy_run / "model" / "scheduler" / "scheduler_config.json").read_text())
    expected = {
        "_class_name": "DDIMScheduler", "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012,
        "num_train_timesteps": 1000, "steps_offset": 1, "set_alpha_to_one": False, "clip_sample": False,
        "prediction_type": "epsilon",
    }  # fmt: skip
    assert expected.items() <= config.items()


def test_diffusers_loads_it_and_makes_our_picture_of_our_noise(toy_run: Path) -> None:
    sd = load(toy_run / "model", device="cpu", dtype="float32")
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    *_, last = sd.sample(sd.encode(PROMPT), latent=noise, steps=10, guidance_scale=7.5, sampler="ddim")
    pipeline = StableDiffusionPipeline.from_pretrained(toy_run / "model", torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    made = pipeline(
        PROMPT, latents=noise, num_inference_steps=10, guidance_scale=7.5, output_type="latent", height=64, width=64
    )
    assert (made.images - last.latent).abs().max() < 1e-3


def test_no_file_is_large(run: BaseRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert export.MOST_BYTES < 16e6
    monkeypatch.setattr(export, "MOST_BYTES", 100_000)
    vae, text, vision = run.finished()
    write_model(tmp_path / "model", UNet(TOY.unet), vae, text, vision, run.tokenizer)
    files = list((tmp_path / "model" / "unet").glob("*.safetensors"))
    assert len(files) > 3
    for path in files:
        with safe_open(path, "pt") as file:
            names = list(file.keys())
            assert {file.get_tensor(name).dtype for name in names} == {torch.float16}
        assert path.stat().st_size < 110_000 or len(names) == 1
    load(tmp_path / "model", device="cpu")
    StableDiffusionPipeline.from_pretrained(tmp_path / "model")


def test_a_model_may_have_no_vision_tower(run: BaseRun, tmp_path: Path) -> None:
    vae, text, _ = run.finished()
    write_model(tmp_path / "model", UNet(TOY.unet), vae, text, None, run.tokenizer)
    assert not (tmp_path / "model" / "image_encoder").exists()
    assert load(tmp_path / "model", device="cpu").image_encoder is None


def test_other_peoples_folders_are_left_alone(run: BaseRun, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    vae, text, vision = run.finished()
    tokenizer: Tokenizer = run.tokenizer
    with pytest.raises(CheckpointError, match="no checkpoint folder"):
        write_model(tmp_path, UNet(TOY.unet), vae, text, vision, tokenizer)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
