"""What the approximations cost in likeness and gain in time: ``python benchmarks/approximations.py``.

Every approximation against the exact picture of the same recipe, over prompts and seeds, with the bundled model or
another. Error: mean of the absolute difference in levels of 255, PSNR and SSIM, each the mean over the pictures. Time:
of the steps alone, exact and approximate alternating, the median of their ratios. Writes the table into
docs/guides/faster.md, between its two comments, unless another model was measured.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Mapping
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
KNOBS = {"steps": 25, "guidance_scale": 3.0, "sampler": "ddim"}
APPROXIMATIONS: tuple[dict[str, float], ...] = (
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
    options = parser.parse_args()
    sd = garasu.load(options.model)
    recipes = [{"prompt": prompt, "seed": seed} for prompt in PROMPTS for seed in range(options.seeds)]
    picture(sd, recipes[0])  # warms up
    rows = [measured(sd, recipes, one) for one in APPROXIMATIONS]
    table = "\n".join((head(sd, len(recipes)), *rows)) + "\n"
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


def measured(sd: StableDiffusion, recipes: list[dict[str, Any]], knobs: Mapping[str, float]) -> str:
    """A row of the table."""
    found = []
    for recipe in recipes:
        exact, usual = picture(sd, recipe)
        other, seconds = picture(sd, {**recipe, **knobs})
        found.append((np.abs(exact - other).mean(), psnr(exact, other), ssim(exact, other), seconds / usual))
    difference, noise, likeness = (statistics.mean(column) for column in list(zip(*found, strict=True))[:3])
    ratio = statistics.median(row[3] for row in found)
    name = ", ".join(f"{name} {value:g}" for name, value in knobs.items())
    return f"| `{name}` | {difference:.1f} | {noise:.1f} | {likeness:.3f} | {ratio:.2f}× |"


def picture(sd: StableDiffusion, recipe: Mapping[str, Any]) -> tuple[Pixels, float]:
    """The picture [H, W, 3] in levels, and the seconds that its steps took."""
    words, negative = sd.encode(recipe["prompt"]), sd.encode("")
    knobs = {name: value for name, value in recipe.items() if name != "prompt"}
    start = time.perf_counter()
    *_, step = sd.sample(words, negative=negative, **KNOBS, **knobs)
    if sd.device.type == "cuda":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    (image,) = sd.decode_each(step.latent)
    return np.asarray(image).astype(float), seconds


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
