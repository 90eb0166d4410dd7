"""What the approximations cost in likeness and gain in time: ``python benchmarks/approximations.py``.

Every approximation against the exact picture of the same recipe, over prompts and seeds, with the bundled model or
another. Error: mean of the absolute difference in levels of 255, PSNR and SSIM, each the mean over the pictures. Time:
of one picture's steps, exact and approximate in turn, the median of their ratios. Writes the table into
docs/guides/faster.md, between its two comments, unless another model was measured.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import garasu
from garasu.model import StableDiffusion

PAGE = Path(__file__).parents[1] / "docs/guides/faster.md"
MARKS = "<!-- table: benchmarks/approximations.py -->\n", "<!-- end of table -->"
PROMPTS = (
    "a black cat with yellow eyes",
    "an orange tabby cat on the beach",
    "a gray kitten with a red hat, snow",
    "a brown dog on a bench",
    "a pink cake",
    "two orange kittens, window sill",
    "a white cat at night, watercolor",
    "cat, sea, wave, in Edvard Munch style",
)
KNOBS: dict[str, Any] = {"steps": 25, "guidance_scale": 3.0, "sampler": "ddim"}
TRIED: tuple[dict[str, float], ...] = (
    {"guidance_end": 0.8},
    {"guidance_end": 0.6},
    {"guidance_start": 0.2, "guidance_end": 0.8},
    {"deep_cache": 2},
    {"deep_cache": 3},
    {"deep_cache": 5},
    {"token_merging": 0.25},
    {"token_merging": 0.5},
    {"token_merging": 0.75},
    {"guidance_end": 0.6, "deep_cache": 2},
)
Pixels = NDArray[np.float64]


def main() -> None:
    """Measure and print; write the page's table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="as garasu txt2img's; the page is left alone then")
    parser.add_argument("--seeds", type=int, default=4, help="seeds of each of the 8 prompts (default 4)")
    parser.add_argument("--runs", type=int, default=5, help="pairs of runs that are timed (default 5)")
    options = parser.parse_args()
    sd = garasu.load(options.model)
    exact = pictures(sd, options.seeds, {})
    rows = [row(knobs, exact, pictures(sd, options.seeds, knobs), ratio(sd, options.runs, knobs)) for knobs in TRIED]
    table = "\n".join((head(sd, len(exact)), *rows)) + "\n"
    print(table)
    if options.model is None:
        write(table)


def head(sd: StableDiffusion, count: int) -> str:
    """What was measured, and the columns."""
    size = "×".join(map(str, sd.native_size))
    machine = torch.cuda.get_device_name() if sd.device.type == "cuda" else f"{torch.get_num_threads()} CPU threads"
    return (
        f"{sd.name}, {size}, {KNOBS['steps']} {KNOBS['sampler']} steps, guidance {KNOBS['guidance_scale']:g}, "
        f"{count} pictures, {str(sd.dtype).removeprefix('torch.')}, {machine}, torch {torch.__version__}:\n\n"
        "| approximation | difference, levels of 255 | PSNR, dB | SSIM | time of the steps |\n|---|---|---|---|---|"
    )


def row(knobs: Mapping[str, float], exact: list[Pixels], other: list[Pixels], time_ratio: float) -> str:
    """A line of the table."""
    pairs = list(zip(exact, other, strict=True))
    difference = statistics.mean(float(np.abs(a - b).mean()) for a, b in pairs)
    noise, likeness = (statistics.mean(measure(a, b) for a, b in pairs) for measure in (psnr, ssim))
    name = " ".join(f"--{name.replace('_', '-')} {value:g}" for name, value in knobs.items())
    return f"| `{name}` | {difference:.1f} | {noise:.1f} | {likeness:.3f} | {time_ratio:.2f}× |"


def pictures(sd: StableDiffusion, seeds: int, knobs: Mapping[str, float]) -> list[Pixels]:
    """Every prompt with every seed, [H, W, 3] in levels."""
    latents = [walk(sd, prompt, range(seeds), knobs) for prompt in PROMPTS]
    return [np.asarray(image).astype(float) for latent in latents for image in sd.decode_each(latent)]


def ratio(sd: StableDiffusion, runs: int, knobs: Mapping[str, float]) -> float:
    """Time of one picture's steps over that of the exact picture, both in turn; the median."""
    found = []
    for seed in range(runs):
        exact, other = (seconds(sd, seed, some) for some in ({}, knobs))
        found.append(other / exact)
    return statistics.median(found)


def seconds(sd: StableDiffusion, seed: int, knobs: Mapping[str, float]) -> float:
    """How long one picture's steps take."""
    start = time.perf_counter()
    walk(sd, PROMPTS[0], [seed], knobs).cpu()  # waits for a GPU
    return time.perf_counter() - start


def walk(sd: StableDiffusion, prompt: str, seeds: Sequence[int], knobs: Mapping[str, Any]) -> torch.Tensor:
    """Finished latents, one a seed."""
    *_, step = sd.sample(sd.encode(prompt), seed=seeds, **KNOBS, **knobs)
    return step.latent


def psnr(a: Pixels, b: Pixels) -> float:
    """Peak signal-to-noise ratio of levels of 255, in dB; 99 for equal pictures."""
    error = np.square(a - b).mean()
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def ssim(a: Pixels, b: Pixels, window: int = 8) -> float:
    """Structural similarity of the luminance (Wang et al. 2004, eq. 13), over all square windows."""
    x, y = (np.lib.stride_tricks.sliding_window_view(one @ (0.299, 0.587, 0.114), (window, window)) for one in (a, b))
    axes = (-2, -1)
    mean_x, mean_y = x.mean(axes), y.mean(axes)
    both = (x * y).mean(axes) - mean_x * mean_y
    small, less = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    like = (2 * mean_x * mean_y + small) * (2 * both + less)
    return float((like / ((mean_x**2 + mean_y**2 + small) * (x.var(axes) + y.var(axes) + less))).mean())


def write(table: str) -> None:
    """Put the table between the page's comments."""
    before, after = map(re.escape, MARKS)
    text = PAGE.read_text(encoding="utf-8")
    new = re.sub(f"({before}).*?({after})", lambda found: f"{found[1]}\n{table}\n{found[2]}", text, flags=re.DOTALL)
    PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
