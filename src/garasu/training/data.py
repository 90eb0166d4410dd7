"""Captioned pictures as training reads them: uint8 arrays on disk, a bucket a shape.

Pictures are drawn (or read from a folder) once, then memory-mapped, so a batch costs no more than its copy and
every run, interrupted or not, sees the same pictures.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from garasu.training.buckets import Size
from garasu.world.captions import caption
from garasu.world.pens import Box
from garasu.world.render import render_with_faces
from garasu.world.scene import labels, random_scene

CHUNK = 64  # pictures that a process draws at a time


class DataError(ValueError):
    """Training data that cannot be used; the message says what to change."""


@dataclass(frozen=True)
class Bucket:
    """Pictures of one size: pixels uint8 [N, H, W, 3], several captions each, attribute labels or none, faces."""

    size: Size
    pixels: np.ndarray[Any, np.dtype[np.uint8]]
    captions: list[list[str]]
    labels: list[dict[str, str]]
    faces: list[list[Box]]

    def images(self, indices: Sequence[int]) -> Tensor:
        """Pictures as float tensors [B, 3, H, W] in −1…1."""
        return as_images(torch.from_numpy(self.pixels[list(indices)]))


@dataclass(frozen=True)
class Pictures:
    """All buckets of a training set."""

    buckets: list[Bucket]

    def choose(self, rng: torch.Generator, count: int) -> tuple[int, list[int]]:
        """A bucket, by how many pictures it holds, and ``count`` picture indices in it (with replacement)."""
        sizes = torch.tensor([len(bucket.captions) for bucket in self.buckets], dtype=torch.float)
        bucket = int(torch.multinomial(sizes, 1, generator=rng))
        return bucket, torch.randint(int(sizes[bucket]), (count,), generator=rng).tolist()

    @property
    def have_faces(self) -> bool:
        """Whether faces are marked in any of them."""
        return any(boxes for bucket in self.buckets for boxes in bucket.faces)

    @cached_property
    def label_values(self) -> dict[str, list[str]]:
        """Every attribute with its values, sorted; empty where pictures carry no labels."""
        values: dict[str, set[str]] = {}
        for bucket in self.buckets:
            for one in bucket.labels:
                for name, value in one.items():
                    values.setdefault(name, set()).add(value)
        return {name: sorted(found) for name, found in sorted(values.items())}


def as_images(pixels: Tensor) -> Tensor:
    """uint8 [B, H, W, 3] → float [B, 3, H, W] in −1…1, on the same device."""
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1


def step_rng(seed: int, step: int, rank: int = 0) -> torch.Generator:
    """The generator of one training step. Seeded by the step, so there is no state to lose when a run is killed."""
    words = np.random.SeedSequence([seed, step, rank]).generate_state(2)
    return torch.Generator().manual_seed(int(words[0]) << 32 | int(words[1]))


def draw_world(folder: Path, count: int, shapes: dict[Size, float], captions: int, seed: int) -> Pictures:
    """Draw ``count`` pictures of the world into ``folder`` (or open those already there).

    Args:
        folder: where the arrays are kept.
        count: pictures in all.
        shapes: share of each size; the shares sum to 1.
        captions: how many captions each picture gets.
        seed: of the whole set; picture i depends on seed and i alone.
    """
    first = 0
    for size, share in shapes.items():
        total = round(count * share)
        draw = partial(_drawn, size=size, captions=captions, seed=seed)
        _write_bucket(folder, size, draw, range(first, first + total))
        first += total
    return open_pictures(folder)


def read_captioned(source: Path, folder: Path, sizes: Iterable[Size]) -> Pictures:
    """Read a captioned folder (``metadata.jsonl`` with file_name and text) into ``folder``'s arrays.

    Each picture goes to the size nearest to its aspect ratio, scaled to cover it and cropped around the centre.

    Raises:
        DataError: no metadata.jsonl, or a record names a file that is not there.
    """
    listing = source / "metadata.jsonl"
    if not listing.is_file():
        raise DataError(f"{source} has no metadata.jsonl; write one line a picture: {{file_name, text}}.")
    records = [json.loads(line) for line in listing.read_text().splitlines() if line.strip()]
    by_size: dict[Size, list[dict[str, Any]]] = {size: [] for size in sizes}
    for record in records:
        path = source / record["file_name"]
        if not path.is_file():
            raise DataError(f"{listing} names {record['file_name']}, which is not in {source}; remove that line.")
        with Image.open(path) as image:
            ratio = image.width / image.height
        nearest = min(by_size, key=lambda size: abs(np.log(size[0] / size[1] / ratio)))
        by_size[nearest].append(record)
    for size, found in by_size.items():
        _write_bucket(folder, size, partial(_read, source=source, size=size, records=found), range(len(found)))
    return open_pictures(folder)


def open_pictures(folder: Path) -> Pictures:
    """Memory-map the buckets below ``folder``."""
    buckets = []
    for path in sorted(folder.glob("pixels-*.npy")):
        width, height = map(int, path.stem.removeprefix("pixels-").split("x"))
        records = [json.loads(line) for line in (folder / f"records-{width}x{height}.jsonl").read_text().splitlines()]
        buckets.append(
            Bucket(
                (width, height),
                np.load(path, mmap_mode="r"),
                [record["captions"] for record in records],
                [record["labels"] for record in records],
                [[(left, top, right, bottom) for left, top, right, bottom in record["faces"]] for record in records],
            )
        )
    if not buckets:
        raise DataError(f"{folder} holds no pictures to train on.")
    return Pictures(buckets)


Drawn = tuple[np.ndarray[Any, np.dtype[np.uint8]], list[str], dict[str, str], list[Box]]


def _drawn(index: int, *, size: Size, captions: int, seed: int) -> Drawn:
    rng = random.Random(f"{seed}/{index}")
    scene = random_scene(rng)
    picture, faces = render_with_faces(scene, size, rng.getrandbits(32))
    return picture, [caption(scene, rng) for _ in range(captions)], labels(scene), faces


def _read(index: int, *, source: Path, size: Size, records: list[dict[str, Any]]) -> Drawn:
    record = records[index]
    with Image.open(source / record["file_name"]) as opened:
        image = opened.convert("RGB")
    scale = max(size[0] / image.width, size[1] / image.height)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    left, top = (image.width - size[0]) // 2, (image.height - size[1]) // 2
    cropped = image.crop((left, top, left + size[0], top + size[1]))
    words = {key: value for key, value in record.items() if isinstance(value, str)}  # a number (a seed) is no attribute
    attributes = {key: value for key, value in words.items() if key not in ("file_name", "text")}
    return np.asarray(cropped), [record["text"]], attributes, []


def _write_bucket(folder: Path, size: Size, draw: Callable[[int], Drawn], indices: range) -> None:
    """Draw a bucket over all cores into a file beside, then rename it: a killed run leaves no half a bucket."""
    name = f"{size[0]}x{size[1]}"
    pixels, records = folder / f"pixels-{name}.npy", folder / f"records-{name}.jsonl"
    if pixels.exists() or not len(indices):
        return
    folder.mkdir(parents=True, exist_ok=True)
    beside = pixels.with_suffix(".part")
    shape = (len(indices), size[1], size[0], 3)
    np.lib.format.open_memmap(beside, mode="w+", dtype=np.uint8, shape=shape)
    chunks = [range(start, min(start + CHUNK, len(indices))) for start in range(0, len(indices), CHUNK)]
    fill = partial(_fill, beside, draw, indices)
    lines: list[str] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool, tqdm(desc=f"pictures {name}", total=len(indices)) as bar:
        for some in pool.map(fill, chunks):
            lines += some
            bar.update(len(some))
    records.write_text("\n".join(lines) + "\n")
    beside.replace(pixels)


def _fill(path: Path, draw: Callable[[int], Drawn], indices: range, rows: range) -> list[str]:
    """Draw some rows straight into the array's file, where no other process has to copy them; their records."""
    array = np.lib.format.open_memmap(path, mode="r+")
    lines = []
    for row in rows:
        array[row], captions, attributes, faces = draw(indices[row])
        lines.append(json.dumps({"captions": captions, "labels": attributes, "faces": faces}))
    return lines
