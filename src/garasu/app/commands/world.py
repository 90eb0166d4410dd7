"""garasu world: the drawn world that the bundled model is trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from tqdm import tqdm

from garasu.images.metadata import check_png_name
from garasu.images.saving import whole_file
from garasu.world.concepts.table import CONCEPTS
from garasu.world.dataset import contact_sheet, write_folder


def world(
    *,
    output: Annotated[
        Path, Parameter(name=["--output", "-o"], help="A sheet if this ends in .png, else a folder for a dataset.")
    ],
    count: Annotated[int, Parameter(help="How many pictures.")] = 64,
    size: Annotated[str, Parameter(help="Width and height in pixels: 128, or 96x160.")] = "128",
    seed: Annotated[int, Parameter(help="Another seed draws other scenes.")] = 0,
    columns: Annotated[int | None, Parameter(help="Pictures in a row of the sheet.")] = None,
    held_out: Annotated[
        bool, Parameter(help="Only combinations that training never sees, else none of them.", negative="")
    ] = False,
    concept: Annotated[
        str | None, Parameter(help=f"Only this, which training never sees: {', '.join(CONCEPTS)}.")
    ] = None,
) -> int:
    """Draw captioned pictures: a contact sheet, or a dataset with metadata.jsonl."""
    pixels = _size(size)
    if output.suffix.lower() == ".png":
        check_png_name(output)
        page = contact_sheet(count, columns, pixels, seed=seed, held_out=held_out, concept=concept)
        with whole_file(output) as beside:
            page.save(beside, format="PNG")
    else:
        with tqdm(total=count, unit="picture", leave=False, delay=0.3) as bar:  # a refusal shows no bar
            write_folder(
                output, count, pixels, seed=seed, held_out=held_out, concept=concept, watch=lambda _: bar.update()
            )
    print(output)
    return 0


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    try:
        size = int(width), int(height or width)
    except ValueError:
        size = 0, 0
    if min(size) < 1:
        raise ValueError(f"--size must be a number of pixels such as 128, or two such as 96x160, not {text!r}")
    return size
