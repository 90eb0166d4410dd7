"""Every layout, read by us, answers like diffusers; and everything that is wrong is said in one sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file
from tests.checkpoints import compvis
from tests.checkpoints.models import Models, difference, outputs, states, tiny, vision
from torch import Tensor

from garasu.checkpoints import Checkpoint, CheckpointError, read, read_vae

Flat = dict[str, Tensor]
EXACT = 1e-5  # largest absolute error against diffusers, float32, at this size


def agrees(checkpoint: Checkpoint, models: Models) -> bool:
    theirs = outputs(models.unet, models.vae, models.text, peers=True)
    ours = outputs(checkpoint.unet, checkpoint.vae, checkpoint.text_encoder, peers=False)
    return max(difference(ours, theirs).values()) <= EXACT


def saved(tensors: Flat, path: Path) -> Path:
    save_file({key: tensor.contiguous().clone() for key, tensor in tensors.items()}, path)
    return path


def test_folder(sd1: Models, sd1_folder: Path) -> None:
    checkpoint = read(sd1_folder)
    assert agrees(checkpoint, sd1)
    assert (checkpoint.name, checkpoint.prediction, checkpoint.image_encoder) == ("model", "epsilon", None)
    assert checkpoint.tokenizer.vocab_size == 49408


def test_folder_of_stable_diffusion_2(sd2: Models, sd2_folder: Path) -> None:
    checkpoint = read(sd2_folder)
    assert agrees(checkpoint, sd2)
    assert checkpoint.prediction == "v_prediction"
    assert checkpoint.unet.config.heads == (1, 2, 2, 2)
    assert checkpoint.tokenizer.pad_id == 0


def test_single_file(sd1: Models, sd1_file: Path) -> None:
    checkpoint = read(sd1_file)
    assert agrees(checkpoint, sd1)
    assert (checkpoint.name, checkpoint.prediction) == ("tiny", "epsilon")


def test_single_file_of_stable_diffusion_2(sd2: Models, tmp_path: Path) -> None:
    flat = compvis.checkpoint(states(sd2), second=True)
    last = {k: v for k, v in flat.items() if "resblocks.2." in k}
    unused = {key.replace("resblocks.2.", "resblocks.23."): tensor + 1 for key, tensor in last.items()}
    flat |= unused | {"cond_stage_model.model.text_projection": torch.zeros(64, 64)}
    checkpoint = read(saved(flat, tmp_path / "v2.safetensors"))
    assert agrees(checkpoint, sd2)
    assert checkpoint.text_encoder.config.activation == "gelu"
    assert checkpoint.tokenizer.pad_id == 0


@pytest.mark.parametrize("wrapped", [True, False], ids=["state_dict", "bare"])
def test_ckpt(sd1: Models, sd1_flat: Flat, tmp_path: Path, wrapped: bool) -> None:
    content = {"epoch": 3, "global_step": 7, "state_dict": sd1_flat} if wrapped else sd1_flat
    torch.save(content, tmp_path / "tiny.ckpt")
    assert agrees(read(tmp_path / "tiny.ckpt"), sd1)


def test_ckpt_in_the_format_before_pytorch_1_6(sd1: Models, sd1_flat: Flat, tmp_path: Path) -> None:
    torch.save({"state_dict": sd1_flat}, tmp_path / "old.ckpt", _use_new_zipfile_serialization=False)
    assert agrees(read(tmp_path / "old.ckpt"), sd1)


@pytest.mark.parametrize(("kind", "name"), [("pickle", "m.safetensors"), ("safetensors", "m.ckpt")])
def test_the_content_decides_and_not_the_name(
    sd1: Models, sd1_flat: Flat, tmp_path: Path, kind: str, name: str
) -> None:
    if kind == "pickle":
        torch.save(sd1_flat, tmp_path / name)
    else:
        saved(sd1_flat, tmp_path / name)
    assert agrees(read(tmp_path / name), sd1)


def test_inpainting(tmp_path: Path) -> None:
    models = tiny("inpainting", seed=3)
    checkpoint = read(saved(compvis.checkpoint(states(models)), tmp_path / "inpaint.safetensors"))
    assert checkpoint.unet.config.in_channels == 9
    assert agrees(checkpoint, models)


def test_a_latent_consistency_model_in_both_layouts(tmp_path: Path) -> None:
    models = tiny("lcm", seed=4)
    folder = read(models.save(tmp_path))
    file = read(saved(compvis.checkpoint(states(models)), tmp_path / "lcm.safetensors"))
    expected = models.unet.time_embedding.cond_proj.weight
    for checkpoint in (folder, file):
        assert checkpoint.unet.config.guidance_width == 16
        assert torch.equal(checkpoint.unet.time_embed.guidance_proj.weight, expected)
        assert agrees(checkpoint, models)


def test_a_text_encoder_without_text_model(sd1: Models, sd1_flat: Flat, tmp_path: Path) -> None:
    bare = {key.replace("transformer.text_model.", "transformer."): tensor for key, tensor in sd1_flat.items()}
    assert agrees(read(saved(bare, tmp_path / "bare.safetensors")), sd1)


def test_ema_is_taken_only_when_asked_for(sd1: Models, sd1_flat: Flat, tmp_path: Path) -> None:
    path = saved(compvis.with_ema(sd1_flat), tmp_path / "ema.safetensors")
    assert agrees(read(path), sd1)
    trained, averaged = read(path).unet.state_dict(), read(path, ema=True).unet.state_dict()
    assert all(torch.equal(averaged[key], trained[key] + 1 / 64) for key in trained)


def test_ema_that_is_not_there(sd1_file: Path) -> None:
    with pytest.raises(CheckpointError, match="no averaged weights"):
        read(sd1_file, ema=True)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_dtypes_on_disk_and_in_memory(sd1_flat: Flat, tmp_path: Path, dtype: torch.dtype) -> None:
    path = saved({k: v.to(dtype) if v.is_floating_point() else v for k, v in sd1_flat.items()}, tmp_path / "d")
    key = "model.diffusion_model.input_blocks.0.0.weight"
    for asked in (None, torch.float32, torch.bfloat16):
        checkpoint = read(path, dtype=asked)
        for network in (checkpoint.unet, checkpoint.vae, checkpoint.text_encoder):
            assert {tensor.dtype for tensor in network.state_dict().values()} == {asked or dtype}
        assert torch.equal(checkpoint.unet.conv_in.weight, sd1_flat[key].to(dtype).to(asked or dtype))


def test_mixed_dtypes_take_the_widest_of_a_part(sd1_flat: Flat, tmp_path: Path) -> None:
    def half(key: str) -> bool:
        return key.startswith("model.diffusion_model") or "quant_conv" in key

    path = saved({k: v.half() if half(k) else v for k, v in sd1_flat.items()}, tmp_path / "mixed")
    checkpoint = read(path)
    assert {v.dtype for v in checkpoint.unet.state_dict().values()} == {torch.float16}
    assert {v.dtype for v in checkpoint.vae.state_dict().values()} == {torch.float32}


def test_vae_swap(sd1: Models, sd1_file: Path, tmp_path: Path) -> None:
    other = tiny("sd1", seed=9)
    alone = compvis.vae(states(other)["vae"])
    extras = {"loss.logvar": torch.zeros(()), "model_ema.decay": torch.tensor(1.0)}
    expected = outputs(sd1.unet, other.vae, sd1.text, peers=True)
    other.vae.save_pretrained(tmp_path / "vae")
    torch.save({"state_dict": alone | extras}, tmp_path / "vae.pt")
    for swap in (
        saved(alone | extras, tmp_path / "ldm.safetensors"),
        saved(states(other)["vae"], tmp_path / "diffusers.safetensors"),
        tmp_path / "vae",
        tmp_path / "vae.pt",
    ):
        checkpoint = read(sd1_file, vae=swap)
        ours = outputs(checkpoint.unet, checkpoint.vae, checkpoint.text_encoder, peers=False)
        assert max(difference(ours, expected).values()) <= EXACT
        assert checkpoint.vae_source == swap


def test_a_file_without_vae_needs_one(sd1: Models, sd1_flat: Flat, sd1_folder: Path, tmp_path: Path) -> None:
    path = saved({k: v for k, v in sd1_flat.items() if "first_stage" not in k}, tmp_path / "m.safetensors")
    with pytest.raises(CheckpointError, match=r"has no vae \(name one with vae=\)"):
        read(path)
    assert agrees(read(path, vae=sd1_folder), sd1)


def test_legacy_names_of_the_vae_attention(sd1: Models, sd1_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(sd1_folder / "vae", tmp_path / "vae")
    path = tmp_path / "vae" / "diffusion_pytorch_model.safetensors"
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}

    def legacy(key: str) -> str:
        for new, name in old.items():
            key = key.replace(f"attentions.0.{new}.", f"attentions.0.{name}.")
        return key

    tensors = {legacy(key): tensor for key, tensor in load_file(path).items()}
    assert "encoder.mid_block.attentions.0.proj_attn.weight" in tensors
    saved(tensors, path)
    ours = read_vae(tmp_path / "vae").state_dict()
    assert all(torch.equal(ours[key], value) for key, value in read_vae(sd1_folder).state_dict().items())


def test_read_vae_from_everything_that_has_one(sd1: Models, sd1_folder: Path, sd1_file: Path) -> None:
    latent = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = sd1.vae.decode(latent).sample
        for source in (sd1_folder, sd1_folder / "vae", sd1_file):
            assert (read_vae(source).decode(latent) - expected).abs().max() <= EXACT


def test_the_image_encoder_is_optional(sd1: Models, sd1_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(sd1_folder, tmp_path / "m")
    peer = vision()
    peer.save_pretrained(tmp_path / "m" / "image_encoder")
    tower = read(tmp_path / "m").image_encoder
    assert tower is not None
    pixels = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        assert (tower(pixels) - peer(pixels).image_embeds).abs().max() <= EXACT


def test_text_projection_is_optional(sd1_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(sd1_folder, tmp_path / "m")
    path = tmp_path / "m" / "text_encoder" / "model.safetensors"
    projection = torch.randn(24, 64, generator=torch.Generator().manual_seed(3))
    saved(load_file(path) | {"text_projection.weight": projection}, path)
    text = read(tmp_path / "m").text_encoder
    assert text.config.projection_width == 24
    assert text.projection is not None
    assert torch.equal(text.projection.weight, projection)


UNET = "model.diffusion_model."
NOT_A_NUMBER = torch.full((32,), float("nan"))
Change = Callable[[Flat], Any]


def put(**tensors: Tensor) -> Change:
    return lambda flat: flat.update({UNET + key.replace("_", "."): tensor for key, tensor in tensors.items()})


def narrow(flat: Flat) -> None:
    words = [key for key in flat if "attn2.to_k" in key or "attn2.to_v" in key]
    flat.update({key: torch.zeros(flat[key].shape[0], 48) for key in words})


def without(text: str) -> Change:
    return lambda flat: [flat.pop(key) for key in list(flat) if text in key]


def conv_in(channels: int) -> Change:
    return lambda flat: flat.update({f"{UNET}input_blocks.0.0.weight": torch.zeros(32, channels, 3, 3)})


BROKEN: dict[str, tuple[Change, str]] = {
    "missing": (without("middle_block.0.in_layers.0.bias"), r"missing middle_block\.0\.in_layers\.0\.bias"),
    "missing what shapes are read from": (without("input_blocks.0.0.weight"), r"lacks input_blocks\.0\.0\.weight"),
    "missing a level": (without("input_blocks.6."), r"input_blocks\.6|wrong shape|missing"),
    "left over in a part": (put(extra_weight=torch.zeros(1)), r"left over extra\.weight"),
    "unknown": (lambda flat: flat.update({"something.else": torch.zeros(1)}), r"belong to no part: something\.else"),
    "twice": (
        lambda flat: flat.update({"cond_stage_model.transformer.final_layer_norm.bias": torch.zeros(64)}),
        r"belong to no part: cond_stage_model\.transformer\.(text_model\.)?final_layer_norm\.bias",
    ),
    "wrong shape": (put(out_0_bias=torch.zeros(7)), r"wrong shape out\.0\.bias \[7\].*\[32\]"),
    "scalar": (put(out_0_bias=torch.zeros(())), r"wrong shape out\.0\.bias \[\]"),
    "NaN": (put(out_0_bias=NOT_A_NUMBER), r"NaN or infinite: out\.0\.bias"),
    "infinite": (put(out_0_bias=torch.full((32,), float("inf"))), r"NaN or infinite: out\.0\.bias"),
    "no text encoder": (without("cond_stage"), "has no text_encoder"),
    "SDXL": (lambda flat: flat.update({"conditioner.embedders.0.x": torch.zeros(1)}), "is an SDXL checkpoint"),
    "pix2pix": (conv_in(8), "InstructPix2Pix"),
    "depth": (conv_in(5), "depth-to-image"),
    "words of another width": (
        narrow,
        "do not fit together: the U-Net reads words of width 48, the text encoder gives 64",
    ),
    "odd betas": (lambda flat: flat.update({"betas": torch.rand(1000)}), "neither scaled-linear nor linear"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_is_said_in_one_sentence(sd1_flat: Flat, tmp_path: Path, case: str) -> None:
    change, message = BROKEN[case]
    flat = dict(sd1_flat)
    change(flat)
    path = saved(flat, tmp_path / "broken.safetensors")
    with pytest.raises(CheckpointError, match=message) as caught:
        read(path)
    assert "broken.safetensors" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_large_for_half_precision(sd1_flat: Flat, tmp_path: Path) -> None:
    path = saved(sd1_flat | {f"{UNET}out.0.bias": torch.full((32,), 1e6)}, tmp_path / "large.safetensors")
    with pytest.raises(CheckpointError, match=r"too large for torch.float16: out\.0\.bias"):
        read(path, dtype=torch.float16)
    assert read(path, dtype=torch.bfloat16).unet.norm_out.bias.isfinite().all()


@pytest.mark.parametrize(
    ("said", "expected"), [('parameterization: "v"', "v_prediction"), ("parameterization: 'eps'", "epsilon")]
)
def test_the_yaml_beside_the_file_is_believed(sd1_flat: Flat, tmp_path: Path, said: str, expected: str) -> None:
    path = saved(sd1_flat, tmp_path / "m.safetensors")
    (tmp_path / "m.yaml").write_text(f"model:\n  params:\n    {said}\n    base_learning_rate: 1e-4\n")
    assert read(path).prediction == expected


def test_prediction_can_be_said(sd1_file: Path) -> None:
    assert read(sd1_file, prediction="v_prediction").prediction == "v_prediction"


def test_a_silent_file_of_stable_diffusion_2_is_probed(sd2: Models, tmp_path: Path) -> None:
    flat = compvis.checkpoint(states(sd2), second=True)
    for bias, expected, size in ((0.0, "epsilon", 64), (-5.0, "v_prediction", 96)):
        flat[f"{UNET}out.2.bias"] = torch.full((4,), bias)
        checkpoint = read(saved(flat, tmp_path / "v2.safetensors"))
        assert (checkpoint.prediction, checkpoint.unet.config.sample_size) == (expected, size)


def test_learned_text_inversion_tokens_do_not_overflow_the_table(sd1_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(sd1_folder, tmp_path / "m")
    config = json.loads((tmp_path / "m/tokenizer/tokenizer_config.json").read_text())
    token = {"content": "<cat>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    config.setdefault("added_tokens_decoder", {})["49408"] = {**token, "special": False}
    (tmp_path / "m/tokenizer/tokenizer_config.json").write_text(json.dumps(config))
    (tmp_path / "m/tokenizer/tokenizer.json").unlink(missing_ok=True)
    with pytest.raises(ValueError, match=r"(49409 entries.*49408|tokenizer)"):
        read(tmp_path / "m")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        read(tmp_path / "nothing.safetensors")
    with pytest.raises(CheckpointError, match="not a diffusers folder"):
        read(tmp_path)


def test_the_vae_of_diffusers_itself_agrees_with_the_names_here(sd1: Models, tmp_path: Path) -> None:
    """The tests' own CompVis names are evidence only if diffusers reads them too."""
    path = saved(compvis.vae(states(sd1)["vae"]), tmp_path / "vae.safetensors")
    sd1.vae.save_pretrained(tmp_path / "config")
    theirs = AutoencoderKL.from_single_file(str(path), config=str(tmp_path / "config"))
    assert all(torch.equal(theirs.state_dict()[key], value) for key, value in sd1.vae.state_dict().items())
