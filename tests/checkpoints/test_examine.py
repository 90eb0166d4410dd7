"""The X-ray: right about whole checkpoints, useful about broken ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.checkpoints import compvis
from tests.checkpoints.models import Models, states, tiny
from torch import Tensor

from garasu.checkpoints import CheckpointError, xray

Flat = dict[str, Tensor]


def test_a_single_file(sd1: Models, sd1_flat: Flat, sd1_file: Path) -> None:
    x = xray(sd1_file)
    assert x.problems == x.unknown == ()
    assert (x.layout, x.ema, x.containers) == ("single file (CompVis names)", False, {"safetensors": 1})
    assert x.variant == "Stable Diffusion 1.x anatomy, smaller"
    for part, prefix in (("unet", "model.diffusion_model."), ("vae", "first_stage_model.")):
        assert x.prefixes[prefix] == sum(key.startswith(prefix) for key in sd1_flat)
        assert x.parts[part].parameters == sum(t.numel() for t in states(sd1)[part].values())
    assert sum(x.prefixes.values()) == len(sd1_flat)
    assert x.parts["unet"].dtypes == {"float32": len(states(sd1)["unet"])}
    assert x.buffers == 11
    assert x.prediction.startswith("epsilon")


def test_ema_and_unknown_keys(sd1_flat: Flat, tmp_path: Path) -> None:
    flat = compvis.with_ema(sd1_flat) | {"mystery.weight": torch.zeros(2)}
    save_file(flat, tmp_path / "m.safetensors")
    x = xray(tmp_path / "m.safetensors")
    assert x.ema
    assert x.unknown == ("mystery.weight",)
    assert x.prefixes["model_ema."] > 600
    assert "mystery.weight" in x.problems[0]


def test_a_folder(sd2_folder: Path) -> None:
    x = xray(sd2_folder)
    assert x.problems == ()
    assert (x.layout, x.prediction, x.tokenizer) == ("diffusers folder", "v_prediction", "its own")
    assert x.variant == "Stable Diffusion 2.x anatomy, smaller"
    assert x.prefixes.keys() == {"unet/", "vae/", "text_encoder/"}
    assert x.containers == {"safetensors": 3}


def test_inpainting(tmp_path: Path) -> None:
    save_file(compvis.checkpoint(states(tiny("inpainting"))), tmp_path / "m.safetensors")
    assert xray(tmp_path / "m.safetensors").variant.endswith("inpainting")


def test_a_vae_alone(sd1: Models, tmp_path: Path) -> None:
    save_file({k: v.contiguous() for k, v in compvis.vae(states(sd1)["vae"]).items()}, tmp_path / "vae.safetensors")
    x = xray(tmp_path / "vae.safetensors")
    assert x.layout == "single file: vae alone"
    assert x.problems == ()


def test_all_problems_at_once(sd1_flat: Flat, tmp_path: Path) -> None:
    flat = dict(sd1_flat)
    del flat["model.diffusion_model.out.0.bias"]
    flat["first_stage_model.quant_conv.bias"] = torch.zeros(3)
    save_file(flat, tmp_path / "m.safetensors")
    x = xray(tmp_path / "m.safetensors")
    assert ["missing out.0.bias" in p or "wrong shape quant_conv.bias" in p for p in x.problems] == [True, True]


@pytest.mark.parametrize(
    ("key", "variant"),
    [
        ("conditioner.embedders.0.weight", "an SDXL checkpoint"),
        ("lora_unet_down_blocks_0.lora_down.weight", "a LoRA, to be used on top of a checkpoint"),
        ("emb_params", "a learned embedding, to be used on top of a checkpoint"),
        ("model.diffusion_model.joint_blocks.0.weight", "a Stable Diffusion 3 checkpoint"),
    ],
)
def test_what_is_something_else_is_recognised(tmp_path: Path, key: str, variant: str) -> None:
    save_file({key: torch.zeros(4, 4)}, tmp_path / "m.safetensors")
    x = xray(tmp_path / "m.safetensors")
    assert x.variant == variant
    assert variant in x.problems[0]


def test_a_cut_file_still_shows_its_header(sd1_file: Path, tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes(sd1_file.read_bytes()[:-100])
    x = xray(tmp_path / "m.safetensors")
    assert "cut short" in x.problems[0]
    assert x.prefixes == xray(sd1_file).prefixes


def test_a_pickle_with_code_is_described_and_not_run(tmp_path: Path) -> None:
    class Runs:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",)

    torch.save({"state_dict": {"a": torch.zeros(1)}, "x": Runs()}, tmp_path / "m.ckpt")
    x = xray(tmp_path / "m.ckpt")
    assert "exec" in x.problems[0]
    assert x.containers == {"pickle (zip)": 1}
    assert not (tmp_path / "ran").exists()


def test_a_broken_folder(sd1_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(sd1_folder, tmp_path / "m")
    (tmp_path / "m/vae/diffusion_pytorch_model.safetensors").write_bytes(b"<html></html>")
    x = xray(tmp_path / "m")
    assert "web page" in x.problems[0]
    assert x.containers == {"safetensors": 2, "web page": 1}


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        xray(tmp_path / "nothing.ckpt")


def test_it_prints_and_is_plain_data(sd1_file: Path) -> None:
    x = xray(sd1_file)
    text = str(x)
    for word in (str(sd1_file), "model.diffusion_model.", "M parameters, float32", "garasu reads it", "EMA"):
        assert word in text
    assert json.loads(json.dumps(x.to_dict()))["parts"]["unet"]["parameters"] == x.parts["unet"].parameters
