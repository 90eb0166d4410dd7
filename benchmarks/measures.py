"""What is measured: the questions a worker answers, and the figures it answers with."""

from dataclasses import dataclass
from typing import Any

from benchmarks.weights import Size

FIGURES = {
    "seconds": ("time", "s"),
    "cold_seconds": ("fresh process to saved picture", "s"),
    "load_seconds": ("of that, loading", "s"),
    "warm_seconds": ("one more picture", "s"),
    "steps_seconds": ("of that, the steps", "s"),
    "peak_bytes": ("peak memory", "GB"),
}


@dataclass(frozen=True)
class Measure:
    """One question. `task` is the message to the worker; a `fresh` one is asked of a new process each time."""

    name: str
    label: str
    figures: tuple[str, ...]
    task: dict[str, Any]
    fresh: bool = False


def measures(size: Size) -> dict[str, Measure]:
    """All of them, by name, in the order in which they are measured."""
    side, pixels = size.latent, size.pixels
    first = {"do": "pictures", "pixels": pixels, "tokens": 77, "count": 1}
    every = [
        Measure("step", f"CFG step, {side}×{side}", *_step(2, side, side)),
        Measure("step-half", f"CFG step, {side // 2}×{side // 2}", *_step(2, side // 2, side // 2)),
        Measure("step-tall", f"CFG step, {side * 3 // 2}×{side}", *_step(2, side * 3 // 2, side)),
        Measure("step-16", f"CFG step of 16 pictures, {side}×{side}", *_step(32, side, side)),
        Measure("decode", f"VAE decode, {pixels}²", ("seconds",), {"do": "decode", "side": side}),
        Measure("encode", f"VAE encode, {pixels}²", ("seconds",), {"do": "encode", "side": pixels}),
        Measure("text", "text encoder, 2×77", ("seconds",), {"do": "text"}),
        Measure("pictures-1", f"picture of {pixels}², {size.steps} DDIM steps", *_pictures(first, 1, size.steps)),
        Measure("pictures-16", f"16 such pictures in a batch, each of {pixels}²", *_pictures(first, 16, size.steps)),
        Measure(
            "picture",
            f"picture of {pixels}², 4 DDIM steps",
            ("cold_seconds", "load_seconds", "warm_seconds", "peak_bytes"),
            {**first, "do": "first", "steps": 4},
            fresh=True,
        ),
    ]
    return {measure.name: measure for measure in every}


DEFAULT = {
    "cpu": ("step", "step-half", "step-tall", "decode", "encode", "text", "picture"),
    "cuda": ("step", "pictures-1", "pictures-16", "step-16"),
}


def _step(rows: int, height: int, width: int) -> tuple[tuple[str, ...], dict[str, Any]]:
    return ("seconds",), {"do": "step", "rows": rows, "height": height, "width": width}


def _pictures(first: dict[str, Any], count: int, steps: int) -> tuple[tuple[str, ...], dict[str, Any]]:
    return ("seconds", "steps_seconds", "peak_bytes"), {**first, "count": count, "steps": steps}
