"""Whom we measure: garasu and its peers, each in a process of its own that holds one of these classes."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.weights import Size

if TYPE_CHECKING:
    from PIL import Image

PROMPT = "a black cat"


@dataclass(frozen=True)
class Setup:
    """What a subject is made from."""

    folder: Path
    cache: Path
    size: Size
    device: str  # cpu or cuda
    options: dict[str, Any]


class Subject(Protocol):
    """One engine. Whatever a question needs is loaded when it is first asked."""

    def __init__(self, setup: Setup) -> None: ...

    def load(self) -> None:
        """Everything that a picture needs."""

    def step(self, rows: int, height: int, width: int) -> Callable[[], object]:
        """The U-Net on a latent [rows, 4, height, width] with words [rows, 77, D]: to be called, and timed."""

    def encode(self, side: int) -> Callable[[], object]:
        """The VAE's encoder on a picture [1, 3, side, side]."""

    def decode(self, side: int) -> Callable[[], object]:
        """The VAE's decoder on a latent [1, 4, side, side]."""

    def text(self) -> Callable[[], object]:
        """The text encoder on ids [2, 77]."""

    def pictures(
        self, *, steps: int, count: int, pixels: int, tokens: int, lap: Callable[[str], None]
    ) -> list[Image.Image]:
        """A batch from a prompt: DDIM, guided; `lap` is called at the end of "text", "steps" and "decode"."""


@dataclass(frozen=True)
class Entry:
    """A line of the table of subjects."""

    what: str
    module: str  # of `benchmarks.subjects`, with a class `Engine`
    precision: str  # those of one precision are held in memory together
    options: dict[str, Any] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    default: tuple[str, ...] = ()  # the devices where it is measured unless told otherwise
    devices: tuple[str, ...] = ("cpu", "cuda")
    slow_start: bool = False  # compiles for minutes, so a fresh process is no fair question
    converts: bool = False  # from files that are converted once, beforehand

    def missing(self) -> list[str]:
        """Packages that it needs and that are not installed."""
        return [name for name in self.packages if importlib.util.find_spec(name) is None]


PEER = ("diffusers", "transformers", "accelerate")
COMPILED = "bf16, channels_last, torch.compile"
SUBJECTS = {
    "ours-bf16": Entry("garasu, bf16", "ours", "bf16", {"dtype": "bfloat16"}, default=("cpu", "cuda")),
    "ours-fp32": Entry("garasu, fp32", "ours", "fp32", {"dtype": "float32"}, default=("cpu",)),
    "plain-bf16": Entry(
        "garasu without its engine, bf16",
        "ours",
        "bf16",
        {"dtype": "bfloat16", "engine": "plain"},
        default=("cpu", "cuda"),
    ),
    "plain-fp32": Entry(
        "garasu without its engine, fp32", "ours", "fp32", {"dtype": "float32", "engine": "plain"}, default=("cpu",)
    ),
    "ours-compiled": Entry(
        "garasu compiled, bf16",
        "ours",
        "bf16",
        {"dtype": "bfloat16", "compile": True},
        default=("cuda",),
        slow_start=True,
    ),
    "ours-low-memory": Entry(
        "garasu with little memory, bf16", "ours", "bf16", {"dtype": "bfloat16", "low_memory": True}, default=("cuda",)
    ),
    "diffusers-fp32": Entry(
        "diffusers as it comes, fp32", "diffusers", "both", {"dtype": "float32"}, PEER, default=("cpu",)
    ),
    "diffusers-bf16": Entry(
        "diffusers, bf16", "diffusers", "bf16", {"dtype": "bfloat16"}, PEER, default=("cpu", "cuda")
    ),
    "diffusers-compiled": Entry(
        f"diffusers at its best: {COMPILED}",
        "diffusers",
        "bf16",
        {"dtype": "bfloat16", "compile": True},
        PEER,
        default=("cuda",),
        slow_start=True,
    ),
    "openvino-bf16": Entry(
        "OpenVINO, bf16", "openvino", "bf16", {"dtype": "bf16"}, ("openvino", *PEER), ("cpu",), ("cpu",), converts=True
    ),
    "openvino-fp32": Entry(
        "OpenVINO, f32", "openvino", "fp32", {"dtype": "f32"}, ("openvino", *PEER), ("cpu",), ("cpu",), converts=True
    ),
}


def build(name: str, folder: Path, cache: Path, size: Size, device: str) -> Subject:
    """The engine of a line of the table."""
    entry = SUBJECTS[name]
    module = importlib.import_module(f"benchmarks.subjects.{entry.module}")
    return module.Engine(Setup(folder, cache, size, device, entry.options))
