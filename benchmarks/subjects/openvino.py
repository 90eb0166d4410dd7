"""OpenVINO, on networks converted from diffusers' once: `python -m benchmarks.subjects.openvino FOLDER TARGET`."""

import json
import sys
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import openvino
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.image_processor import VaeImageProcessor
from PIL import Image
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from benchmarks import inputs
from benchmarks.subjects import PROMPT, Setup
from benchmarks.weights import converted

Shapes = tuple[tuple[int, ...], ...]


class Part(nn.Module):
    """A network whose forward is a function of tensors alone, as conversion wants it."""

    def __init__(self, network: nn.Module, call: Callable[..., Tensor]) -> None:
        super().__init__()
        self.network = network
        self.call = call

    def forward(self, *tensors: Tensor) -> Tensor:
        """One call."""
        return self.call(self.network, *tensors)


def convert(folder: Path, target: Path) -> None:
    """Write the four networks as OpenVINO's files, weights in float16 as the checkpoint has them, and the time."""
    target.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32).eval()
    side, width = unet.config.sample_size // 2, unet.config.cross_attention_dim
    example = (inputs.normal(2, 4, side, side), torch.tensor([inputs.TIMESTEP]), inputs.normal(2, 77, width))
    _convert(Part(unet, lambda net, x, t, words: net(x, t, words, return_dict=False)[0]), example, target / "unet.xml")
    del unet
    vae = AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32).eval()
    decode = Part(vae, lambda net, x: net.decode(x, return_dict=False)[0])
    _convert(decode, (inputs.normal(1, 4, side, side),), target / "decode.xml")
    encode = Part(vae, lambda net, x: net.encode(x).latent_dist.mean)
    _convert(encode, (inputs.picture(8 * side),), target / "encode.xml")
    text = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32).eval()
    _convert(Part(text, lambda net, ids: net(ids)[0]), (torch.zeros(2, 77, dtype=torch.long),), target / "text.xml")
    (target / "conversion.json").write_text(json.dumps({"seconds": time.perf_counter() - start}))


@torch.no_grad()
def _convert(part: nn.Module, example: tuple[Tensor, ...], path: Path) -> None:
    openvino.save_model(openvino.convert_model(part, example_input=example), path, compress_to_fp16=True)


class Engine:
    """Each network compiled for the shape it is asked for, one shape at a time."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.files = converted(setup.cache, setup.size.name)
        self.core = openvino.Core()
        self.ready: dict[str, tuple[Shapes, openvino.CompiledModel]] = {}

    def compiled(self, name: str, *shapes: tuple[int, ...]) -> openvino.CompiledModel:
        """The network for these shapes of its inputs; the one for other shapes is dropped first."""
        if self.ready.get(name, ((), None))[0] != shapes:
            self.ready.pop(name, None)
            model = self.core.read_model(self.files / f"{name}.xml")
            model.reshape({port.get_any_name(): shape for port, shape in zip(model.inputs, shapes, strict=True)})
            hints = {"INFERENCE_PRECISION_HINT": self.setup.options["dtype"], "PERFORMANCE_HINT": "LATENCY"}
            self.ready[name] = shapes, self.core.compile_model(model, "CPU", hints)
        return self.ready[name][1]

    def call(self, name: str, *arrays: np.ndarray) -> Callable[[], np.ndarray]:
        """A network on these arrays, ready to be called."""
        network = self.compiled(name, *(array.shape for array in arrays))
        return lambda: network(list(arrays), share_inputs=True)[0]

    def load(self) -> None:
        """All that a picture of the native size needs."""
        side, width = self.setup.size.latent, self.setup.size.width
        self.compiled("text", (2, 77))
        self.compiled("unet", (2, 4, side, side), (1,), (2, 77, width))
        self.compiled("decode", (1, 4, side, side))
        _ = self.tokenizer

    @cached_property
    def tokenizer(self) -> CLIPTokenizer:
        """Of the checkpoint."""
        return CLIPTokenizer.from_pretrained(self.setup.folder / "tokenizer")

    def step(self, rows: int, height: int, width: int) -> Callable[[], object]:
        """The U-Net."""
        words = inputs.normal(rows, 77, self.setup.size.width).numpy()
        t = np.array([inputs.TIMESTEP], dtype=np.float32)
        return self.call("unet", inputs.normal(rows, 4, height, width).numpy(), t, words)

    def encode(self, side: int) -> Callable[[], object]:
        """The VAE's encoder."""
        return self.call("encode", inputs.picture(side).numpy())

    def decode(self, side: int) -> Callable[[], object]:
        """The VAE's decoder."""
        return self.call("decode", inputs.normal(1, 4, side, side).numpy())

    def text(self) -> Callable[[], object]:
        """The text encoder."""
        return self.call("text", inputs.token_ids(self.setup.size).numpy())

    def pictures(
        self, *, steps: int, count: int, pixels: int, tokens: int, lap: Callable[[str], None]
    ) -> list[Image.Image]:
        """A loop of our own around its networks, with diffusers' scheduler; one row after the other is decoded."""
        assert tokens == 77
        texts = self.tokenizer(["", PROMPT], padding="max_length", max_length=77, truncation=True, return_tensors="np")
        words = self.call("text", texts.input_ids.astype(np.int64))().repeat(count, axis=0)
        lap("text")
        scheduler = DDIMScheduler.from_pretrained(self.setup.folder / "scheduler")
        scheduler.set_timesteps(steps)
        latent = inputs.normal(count, 4, pixels // 8, pixels // 8)
        for t in scheduler.timesteps:
            at = np.array([float(t)], dtype=np.float32)
            both = self.call("unet", np.concatenate([latent.numpy()] * 2), at, words)()
            nothing, guided = torch.from_numpy(both).chunk(2)
            latent = scheduler.step(nothing + 7.5 * (guided - nothing), t, latent).prev_sample
        lap("steps")
        rows = [self.call("decode", (row[None] / 0.18215).numpy())() for row in latent]
        pictures = VaeImageProcessor().postprocess(torch.from_numpy(np.concatenate(rows)), "pil")
        lap("decode")
        return pictures


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
