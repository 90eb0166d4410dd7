"""Stable Diffusion at its own size, with random weights that diffusers made: files of gigabytes.

Everything is written once, in one fixture, and each large file is removed as soon as its test is done.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import save_file
from tests.checkpoints import compvis
from tests.checkpoints.models import full, quietly, states
from torch import Tensor

from garasu.checkpoints import read, write_file, xray

pytestmark = pytest.mark.slow

Answers = dict[str, Tensor]
EXACT = 1e-4  # largest absolute error against diffusers, float32, at this size
MEASURE = """
import json, sys
import torch
from garasu.checkpoints import read
dtype = getattr(torch, sys.argv[2])
checkpoint = read(sys.argv[1], dtype=dtype)
networks = (checkpoint.unet, checkpoint.vae, checkpoint.text_encoder)
weights = sum(parameter.nbytes for network in networks for parameter in network.parameters())
for network in networks:
    for parameter in network.parameters():
        parameter.sum()
lines = open("/proc/self/status").read().splitlines()  # ru_maxrss would count what the parent held when it forked
peak = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
print(json.dumps({"peak": peak, "weights": weights}))
"""


@torch.no_grad()
def answers(unet: Any, vae: Any, text: Any, *, peers: bool) -> Answers:
    """Small questions, so that a full-size network answers them in seconds."""
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(1, unet.config.in_channels, 8, 16, generator=generator)
    t = torch.tensor([481.0])
    ids = torch.randint(0, 49408, (1, 77), generator=generator)
    image = torch.rand(1, 3, 32, 64, generator=generator) * 2 - 1
    latent = torch.randn(1, 4, 4, 8, generator=generator)
    context = text(ids)[0] if peers else text(ids)
    return {
        "text": context,
        "unet": unet(x, t, context).sample if peers else unet(x, t, context),
        "encode": vae.encode(image).latent_dist.mean if peers else vae.encode(image).mean,
        "decode": vae.decode(latent).sample if peers else vae.decode(latent),
    }


def error(path: Path, expected: Answers, **options: Any) -> float:
    checkpoint = read(path, **options)
    ours = answers(checkpoint.unet, checkpoint.vae, checkpoint.text_encoder, peers=False)
    return max((ours[key] - expected[key]).abs().max().item() for key in expected)


class Case:
    """A full-size CompVis state dict and what diffusers' networks with these weights answer."""

    def __init__(self, kind: str, folder: Path) -> None:
        models = full(kind)
        self.expected = answers(models.unet, models.vae, models.text, peers=True)
        self.flat = compvis.checkpoint(states(models), second=kind == "sd2")
        self.folder = folder

    def write(self, name: str, change: Callable[[dict[str, Tensor]], dict[str, Tensor]] = lambda flat: flat) -> Path:
        """A file of these weights."""
        path = self.folder / name
        flat = change(self.flat)
        if path.suffix == ".ckpt":
            torch.save({"state_dict": flat, "global_step": 470000}, path)
        else:
            save_file(flat, path)
        return path


@pytest.fixture(scope="module")
def sd15(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    case = Case("sd1", tmp_path_factory.mktemp("sd15"))
    yield case
    case.flat.clear()
    gc.collect()


@pytest.fixture(scope="module")
def sd15_file(sd15: Case) -> Iterator[Path]:
    """4.3 GB in float32."""
    path = sd15.write("sd15.safetensors")
    yield path
    path.unlink()


def halved(flat: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in flat.items()}


def peak(path: Path, dtype: str) -> float:
    """Peak resident memory of a process that loads a file and reads every weight, over what the weights occupy."""
    command = [sys.executable, "-c", MEASURE, str(path), dtype]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found["peak"] / found["weights"]


def test_a_file_in_float32(sd15: Case, sd15_file: Path) -> None:
    assert error(sd15_file, sd15.expected) <= EXACT
    x = xray(sd15_file)
    assert (x.variant, x.problems, x.unknown) == ("Stable Diffusion 1.x", (), ())
    millions = [round(x.parts[part].parameters / 1e6, 2) for part in ("unet", "vae", "text_encoder")]
    assert millions == [859.52, 83.65, 123.06]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_loading_takes_little_more_than_the_weights(sd15_file: Path, dtype: str) -> None:
    assert peak(sd15_file, dtype) < 1.3


def test_a_ckpt_with_ema(sd15: Case) -> None:
    path = sd15.write("sd15.ckpt", compvis.with_ema)
    assert error(path, sd15.expected) <= EXACT
    assert peak(path, "bfloat16") < 1.3
    key = "model.diffusion_model.input_blocks.0.0.weight"
    averaged = read(path, ema=True)
    assert torch.equal(averaged.unet.conv_in.weight, sd15.flat[key] + 1 / 64)
    del averaged
    path.unlink()


@pytest.mark.parametrize("name", ["half.safetensors", "half.ckpt"])
def test_half_precision(sd15: Case, name: str) -> None:
    path = sd15.write(name, halved)
    checkpoint = read(path)
    assert {p.dtype for p in checkpoint.unet.parameters()} == {torch.float16}
    key = "first_stage_model.decoder.conv_in.weight"
    assert torch.equal(checkpoint.vae.decoder.conv_in.weight, sd15.flat[key].half())
    del checkpoint
    assert error(path, sd15.expected, dtype=torch.float32) <= 0.05  # what rounding 1066 M weights to 11 bits does
    path.unlink()


def test_round_trip_through_diffusers(sd15: Case, sd15_file: Path, tmp_path: Path) -> None:
    written = tmp_path / "ours.safetensors"
    write_file(read(sd15_file), written)
    configs = tmp_path / "configs"
    _configs(sd15_file, configs)
    pipeline = quietly(StableDiffusionPipeline.from_single_file, str(written), config=str(configs))
    theirs = answers(pipeline.unet, pipeline.vae, pipeline.text_encoder, peers=True)
    assert max((theirs[key] - sd15.expected[key]).abs().max().item() for key in theirs) <= EXACT
    written.unlink()


def test_inpainting(sd15: Case) -> None:
    key = "model.diffusion_model.input_blocks.0.0.weight"
    extra = torch.zeros(320, 5, 3, 3)
    path = sd15.write("inpaint.safetensors", lambda flat: flat | {key: torch.cat([flat[key], extra], dim=1)})
    checkpoint = read(path, dtype=torch.float32)
    assert checkpoint.unet.config.in_channels == 9
    generator = torch.Generator().manual_seed(5)
    x = torch.cat([torch.randn(1, 4, 8, 16, generator=generator), torch.rand(1, 5, 8, 16)], dim=1)
    with torch.no_grad():
        out = checkpoint.unet(x, torch.tensor([481.0]), sd15.expected["text"])
    assert (out - sd15.expected["unet"]).abs().max() <= EXACT  # the five new channels have no weight yet
    path.unlink()


def test_vae_swap(sd15: Case, sd15_file: Path, tmp_path: Path) -> None:
    prefix = "first_stage_model."
    other = {k.removeprefix(prefix): v * 1.01 for k, v in sd15.flat.items() if k.startswith(prefix)}
    save_file(other, tmp_path / "vae.safetensors")
    checkpoint = read(sd15_file, vae=tmp_path / "vae.safetensors")
    assert torch.equal(checkpoint.vae.decoder.conv_in.weight, other["decoder.conv_in.weight"])
    assert torch.equal(checkpoint.unet.conv_in.weight, sd15.flat["model.diffusion_model.input_blocks.0.0.weight"])
    (tmp_path / "vae.safetensors").unlink()


def test_stable_diffusion_2(sd15: Case, tmp_path: Path) -> None:
    sd15.flat.clear()  # the last of its tests is done, and two would be 10 GB
    case = Case("sd2", tmp_path)
    path = case.write("sd21.safetensors")
    case.flat.clear()
    gc.collect()
    checkpoint = read(path, prediction="v_prediction")
    assert checkpoint.unet.config.heads == (5, 10, 20, 20)
    assert checkpoint.text_encoder.config.layers == 23
    del checkpoint
    assert error(path, case.expected) <= EXACT
    path.unlink()


def _configs(path: Path, folder: Path) -> None:
    """The configuration files alone of a folder that we would write, with an empty hand where the weights are."""
    from garasu.checkpoints import writing

    checkpoint = read(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "_write_shards", lambda *_: None)
        writing.write_folder(checkpoint, folder)
