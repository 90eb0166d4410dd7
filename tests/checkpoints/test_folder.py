"""Diffusers folders: variants, shards, .bin, and what may be missing or wrong in them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.checkpoints.models import Models, quietly, states, tiny

from garasu.checkpoints import CheckpointError, read
from garasu.checkpoints.folder import chosen, open_folder

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(sd1_folder: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(sd1_folder, tmp_path / "model"))


def set_json(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def same(folder: Path, models: Models) -> bool:
    opened = open_folder(folder)
    expected = states(models) | {"text_encoder": states(models)["text"]}
    return all(
        opened.parts[part].weights.keys() == expected[part].keys()
        and all(torch.equal(opened.parts[part].weights[key].float(), expected[part][key]) for key in expected[part])
        for part in opened.parts
    )


@pytest.mark.parametrize(
    "options",
    [{"variant": "fp16"}, {"max_shard_size": "1MB"}, {"max_shard_size": "1MB", "variant": "fp16"}],
    ids=["variant", "shards", "shards of a variant"],
)
def test_what_diffusers_saves(options: dict[str, Any], tmp_path: Path, clip_vocabulary: None) -> None:
    models = tiny("sd1", seed=6)
    assert same(quietly(models.save, tmp_path, **options), models)


def test_bin(sd1: Models, folder: Path) -> None:
    for part, name in (("unet", "diffusion_pytorch_model"), ("text_encoder", "pytorch_model")):
        file = next((folder / part).glob("*.safetensors"))
        torch.save(load_file(file), folder / part / f"{name}.bin")
        file.unlink()
    assert same(folder, sd1)


def test_variants_are_chosen_or_asked_for(sd1: Models, folder: Path) -> None:
    weights = load_file(folder / UNET)
    other = {key: tensor + 1 for key, tensor in weights.items()}
    save_file(other, folder / UNET.replace(".saf", ".non_ema.saf"))
    bias = sd1.unet.conv_in.bias
    assert torch.equal(read(folder).unet.conv_in.bias, bias)
    opened = open_folder(folder / "unet", variant="non_ema")
    assert torch.equal(opened.parts["unet"].weights["conv_in.bias"], bias + 1)
    with pytest.raises(CheckpointError, match="no weights of the variant 'fp8'"):
        open_folder(folder, variant="fp8")


def test_the_order_of_choice() -> None:
    stem = "diffusion_pytorch_model"
    assert chosen({f"{stem}.fp16.safetensors", f"{stem}.bin"}) == f"{stem}.bin"
    assert chosen({f"{stem}.safetensors", f"{stem}.bin"}) == f"{stem}.safetensors"
    assert chosen({f"{stem}.fp16.safetensors", f"{stem}.non_ema.safetensors"}) == f"{stem}.fp16.safetensors"
    assert chosen({"model.safetensors.index.fp16.json"}, "fp16") == "model.safetensors.index.fp16.json"
    assert chosen({"config.json"}) is None


def test_heads_come_from_the_misnamed_field(folder: Path) -> None:
    set_json(folder / "unet/config.json", attention_head_dim=[4, 4, 8, 8])
    assert read(folder).unet.config.heads == (4, 4, 8, 8)
    set_json(folder / "unet/config.json", num_attention_heads=2)
    assert read(folder).unet.config.heads == (2, 2, 2, 2)


def test_scheduler(folder: Path) -> None:
    path = folder / "scheduler/scheduler_config.json"
    set_json(path, beta_start=0.001, beta_end=0.02, beta_schedule="linear", num_train_timesteps=500)
    betas = read(folder).betas
    assert (betas.start, betas.end, betas.length, betas.kind) == (0.001, 0.02, 500, "linear")
    shutil.rmtree(folder / "scheduler")
    assert read(folder).betas.kind == "scaled_linear"


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "prediction": ("scheduler/scheduler_config.json", {"prediction_type": "sample"}, "prediction_type 'sample'"),
    "betas": ("scheduler/scheduler_config.json", {"beta_schedule": "squaredcos_cap_v2"}, "squaredcos_cap_v2"),
    "zero SNR": ("scheduler/scheduler_config.json", {"rescale_betas_zero_snr": True}, "zero terminal SNR"),
    "beta_start": ("scheduler/scheduler_config.json", {"beta_start": "low"}, "no noise schedule"),
    "activation": ("unet/config.json", {"act_fn": "mish"}, "act_fn = 'mish' is not supported"),
    "class embedding": ("unet/config.json", {"class_embed_type": "timestep"}, "class_embed_type"),
    "heads": ("unet/config.json", {"attention_head_dim": "eight"}, "heads cannot be 'eight'"),
    "groups": ("vae/config.json", {"norm_num_groups": 0}, "groups cannot be 0"),
    "size": ("unet/config.json", {"sample_size": [64, 96]}, "sample_size cannot be"),
    "words": ("text_encoder/config.json", {"hidden_act": "relu"}, "hidden_act = 'relu'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_our_networks_do_not_do_is_refused(folder: Path, case: str) -> None:
    file, values, message = WRONG[case]
    set_json(folder / file, **values)
    with pytest.raises(CheckpointError, match=message) as caught:
        read(folder)
    assert file in str(caught.value)


def test_damaged_json(folder: Path) -> None:
    (folder / "unet/config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"unet/config\.json is not valid JSON"):
        read(folder)


def test_a_missing_part(folder: Path) -> None:
    shutil.rmtree(folder / "text_encoder")
    with pytest.raises(CheckpointError, match="has no text_encoder"):
        read(folder)


def test_a_part_without_weights(folder: Path) -> None:
    (folder / UNET).unlink()
    with pytest.raises(CheckpointError, match=r"unet holds no weights"):
        read(folder)


@pytest.mark.parametrize("name", ["absent.safetensors", "../vae/diffusion_pytorch_model.safetensors"])
def test_an_index_that_names_what_is_not_there_or_not_its_own(folder: Path, name: str) -> None:
    (folder / UNET).unlink()
    index = {"weight_map": {"conv_in.weight": name}}
    (folder / "unet/diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="lacks the shard"):
        read(folder)


def test_sdxl(folder: Path) -> None:
    shutil.copytree(folder / "text_encoder", folder / "text_encoder_2")
    with pytest.raises(CheckpointError, match="is an SDXL checkpoint"):
        read(folder)


def test_a_damaged_shard_is_named(folder: Path) -> None:
    data = (folder / UNET).read_bytes()
    (folder / UNET).write_bytes(data[:-100])
    with pytest.raises(CheckpointError, match=r"unet/diffusion_pytorch_model\.safetensors is cut short"):
        read(folder)
