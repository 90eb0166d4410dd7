"""Single files: which keys are weights, whose, and what a header may say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from garasu.checkpoints import CheckpointError, read
from garasu.checkpoints.single import open_single
from garasu.checkpoints.source import is_buffer

Flat = dict[str, Tensor]

BUFFERS = [
    "betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_recipm1_alphas_cumprod", "posterior_mean_coef1",
    "log_one_minus_alphas_cumprod", "lvlb_weights", "logvar", "scale_factor", "model_ema.decay",
    "model_ema.num_updates",
    "cond_stage_model.transformer.text_model.embeddings.position_ids", "text_model.embeddings.position_ids",
    "cond_stage_model.model.logit_scale", "cond_stage_model.model.attn_mask", "loss.discriminator.main.0.weight",
    "first_stage_model.loss.logvar", "safety_checker.concept_embeds", "cond_stage_model.model.text_projection",
    "cond_stage_model.model.transformer.resblocks.23.attn.in_proj_weight",
]  # fmt: skip
WEIGHTS = [
    "model.diffusion_model.out.0.bias", "model_ema.diffusion_modelout0bias", "first_stage_model.quant_conv.bias",
    "cond_stage_model.model.transformer.resblocks.22.ln_1.bias", "text_projection.weight", "betas.weight",
]  # fmt: skip


def test_buffers_are_known_by_name() -> None:
    assert [key for key in BUFFERS if not is_buffer(key)] == []
    assert [key for key in WEIGHTS if is_buffer(key)] == []


def test_every_key_has_its_place(sd1_flat: Flat, sd1_file: Path) -> None:
    source = open_single(sd1_file)
    weights = sum(len(part.weights) for part in source.parts.values())
    assert weights + len(source.known_extras) + len(source.unknown) == len(sd1_flat)
    assert set(source.known_extras) == {key for key in sd1_flat if is_buffer(key)}
    assert source.parts.keys() == {"unet", "vae", "text_encoder"}


HEADERS: dict[str, tuple[Any, str]] = {
    "not JSON": ("{", "damaged"),
    "not a table": ([1], "damaged"),
    "part not a table": ({"unet": 3}, "damaged"),
    "heads": ({"unet": {"heads": "many"}}, "heads cannot be 'many'"),
    "heads that do not divide": ({"unet": {"heads": 7}}, "do not divide"),
    "groups": ({"vae": {"groups": -1}}, "groups cannot be -1"),
    "betas": ({"betas": {"start": 2, "end": 1}}, "no noise schedule"),
    "beta kind": ({"betas": {"kind": ["linear"]}}, "damaged, betas.kind"),
    "betas not a table": ({"betas": 3}, "damaged"),
    "activation": ({"text_encoder": {"activation": "relu"}}, "activation cannot be 'relu'"),
    "tokenizer of nothing": ({"tokenizer": {}}, "tokenizer"),
    "tokenizer not a table": ({"tokenizer": [1]}, "damaged"),
    "prediction": ({"prediction": ["v"]}, "damaged"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_headers_are_not_trusted(sd1_flat: Flat, tmp_path: Path, case: str) -> None:
    content, message = HEADERS[case]
    text = content if isinstance(content, str) else json.dumps(content)
    save_file(sd1_flat, tmp_path / "m.safetensors", metadata={"garasu": text})
    with pytest.raises(ValueError, match=message) as caught:
        read(tmp_path / "m.safetensors")
    assert isinstance(caught.value, CheckpointError) or case == "tokenizer of nothing"


def test_prediction_from_the_model_specification(sd1_flat: Flat, tmp_path: Path) -> None:
    for said, expected in (("v", "v_prediction"), ("epsilon", "epsilon")):
        save_file(sd1_flat, tmp_path / "m.safetensors", metadata={"modelspec.prediction_type": said})
        assert open_single(tmp_path / "m.safetensors").prediction == expected


def test_betas_that_are_not_numbers_in_a_row(sd1_flat: Flat, tmp_path: Path) -> None:
    for odd in (torch.zeros(()), torch.zeros(0), torch.zeros(3, 3)):
        save_file(sd1_flat | {"betas": odd}, tmp_path / "m.safetensors")
        with pytest.raises(CheckpointError, match=r"neither scaled-linear nor linear|no noise schedule"):
            read(tmp_path / "m.safetensors")
