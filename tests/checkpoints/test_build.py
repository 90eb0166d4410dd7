"""Building: nothing is copied that need not be, and shared or unmapped memory is never given back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from garasu.checkpoints import read
from garasu.checkpoints.build import blank, build, common_dtype, view
from garasu.checkpoints.names import Stored
from garasu.checkpoints.safetensors_file import read_tensors
from garasu.checkpoints.source import Part
from garasu.networks.clip_text import CLIPTextConfig
from garasu.networks.clip_vision import CLIPVisionConfig
from garasu.networks.unet import UNetConfig
from garasu.networks.vae import VAEConfig

CPU = torch.device("cpu")


@pytest.mark.parametrize("config", [UNetConfig(), VAEConfig(), CLIPTextConfig(projection_width=4), CLIPVisionConfig()])
def test_blank_networks_have_no_memory_at_all(config: UNetConfig) -> None:
    network = blank(config)
    assert all(tensor.is_meta for tensor in [*network.parameters(), *network.buffers()])


def test_blank_networks_are_cheap_to_import() -> None:
    """The initialisation of a meta tensor would import torch's compiler: seconds of every cold start."""
    program = """
import sys
from garasu.checkpoints.build import blank
from garasu.networks.clip_text import CLIPTextConfig
blank(CLIPTextConfig(layers=1))
print("torch._dynamo" in sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_weights_are_windows_onto_the_file_unless_converted(sd1_file: Path) -> None:
    stored, _ = read_tensors(sd1_file)
    key = "model.diffusion_model.input_blocks.0.0.weight"
    checkpoint = read(sd1_file)
    maps = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if str(sd1_file) in line]
    ranges = [tuple(int(end, 16) for end in line[0].split("-")) for line in maps]

    def is_window(tensor: torch.Tensor) -> bool:
        return any(start <= tensor.data_ptr() < stop for start, stop in ranges)

    assert is_window(stored[key])
    for network in (checkpoint.unet, checkpoint.vae, checkpoint.text_encoder):
        assert all(is_window(parameter) for parameter in network.parameters())
    assert not any(is_window(parameter) for parameter in read(sd1_file, dtype=torch.bfloat16).unet.parameters())


def test_networks_are_left_in_evaluation_and_can_be_trained(sd1_file: Path) -> None:
    before = sd1_file.read_bytes()
    unet = read(sd1_file).unet
    assert not unet.training
    with torch.no_grad():
        for parameter in unet.parameters():
            assert parameter.requires_grad
            parameter.add_(1)
    assert sd1_file.read_bytes() == before


@pytest.mark.parametrize("zipped", [True, False])
def test_tied_weights_of_a_pickle_survive_conversion(
    sd1_flat: dict[str, torch.Tensor], tmp_path: Path, zipped: bool
) -> None:
    """Two names for one memory: giving it back after the first would leave zeros to the second."""
    flat = dict(sd1_flat)
    names = [f"model.diffusion_model.input_blocks.{i}.0.in_layers.2.weight" for i in (7, 8)]
    flat[names[1]] = flat[names[0]]
    torch.save(flat, tmp_path / "m.ckpt", _use_new_zipfile_serialization=zipped)
    unet = read(tmp_path / "m.ckpt", dtype=torch.bfloat16).unet
    for parameter in (unet.down[2].resnets[0].conv1.weight, unet.down[2].resnets[1].conv1.weight):
        assert torch.equal(parameter, flat[names[0]].bfloat16())


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        ([torch.float16], torch.float16),
        ([torch.float16, torch.float32], torch.float32),
        ([torch.float16, torch.bfloat16], torch.float32),
        ([torch.bfloat16, torch.int64], torch.bfloat16),
        ([torch.float8_e4m3fn], torch.float16),
        ([torch.float64], torch.float32),
        ([torch.int8], torch.float32),
    ],
)
def test_the_type_that_a_part_is_loaded_in(dtypes: list[torch.dtype], expected: torch.dtype) -> None:
    assert common_dtype(torch.zeros(1).to(dtype) for dtype in dtypes) == expected


def test_views_share_the_memory_of_the_file() -> None:
    fused, square, convolution = (
        torch.arange(12.0).reshape(6, 2),
        torch.arange(6.0).reshape(2, 3),
        torch.rand(4, 4, 1, 1),
    )
    assert view(fused, Stored("k", third=1)).tolist() == [[4, 5], [6, 7]]
    assert view(square, Stored("k", transposed=True)).tolist() == [[0, 3], [1, 4], [2, 5]]
    assert view(convolution, Stored("k", pointwise=True)).shape == (4, 4)
    for tensor, place in ((fused, Stored("k", third=0)), (convolution, Stored("k", pointwise=True))):
        assert view(tensor, place).data_ptr() == tensor.data_ptr()


def test_an_openclip_block_is_what_pytorchs_own_attention_computes() -> None:
    weights = {
        "token_embedding.weight": torch.rand(9, 64),
        "positional_embedding": torch.rand(5, 64),
        "ln_final.weight": torch.ones(64),
        "ln_final.bias": torch.zeros(64),
    }
    block = {
        "ln_1": nn.LayerNorm(64), "ln_2": nn.LayerNorm(64), "attn": nn.MultiheadAttention(64, 1),
        "mlp.c_fc": nn.Linear(64, 128), "mlp.c_proj": nn.Linear(128, 64),
    }  # fmt: skip
    for name, module in block.items():
        weights |= {f"transformer.resblocks.0.{name}.{k}": v for k, v in module.state_dict().items()}
    text = build("text_encoder", Part(weights, "openclip", "here", mapped=False), None, CPU)
    ids = torch.tensor([[1, 2, 3]])
    attention, mask = block["attn"], torch.full((3, 3), float("-inf")).triu(1)
    with torch.no_grad():
        x = weights["token_embedding.weight"][ids[0]] + weights["positional_embedding"][:3]
        h = block["ln_1"](x)
        x = x + attention(h, h, h, attn_mask=mask, need_weights=False)[0]
        x = x + block["mlp.c_proj"](nn.functional.gelu(block["mlp.c_fc"](block["ln_2"](x))))
        assert (text(ids)[0] - nn.functional.layer_norm(x, (64,))).abs().max() <= 1e-5
