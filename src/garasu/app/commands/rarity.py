"""garasu rarity: how rare a similarity is in so many dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import Parameter
from numpy.typing import NDArray

from garasu.glass import rarity as exact
from garasu.glass.directions import Spread, simulated
from garasu.images.metadata import check_png_name
from garasu.images.saving import whole_file
from garasu.prompts.vocabulary import END_OF_WORD

_WORDS = 2000  # of a table, at most: two million pairs
_PROMPTS = 100  # read by a text encoder, which takes seconds in full size


def rarity(
    cosine: float | None = None,
    *,
    dimensions: Annotated[int, Parameter(help="Of the space; CLIP's has 768.")] = 768,
    one_in: Annotated[
        float | None, Parameter(help="In place of a cosine: find the one that this many random directions reach once.")
    ] = None,
    two_sided: Annotated[bool, Parameter(help="Count the opposite direction as near too.", negative="")] = False,
    simulate: Annotated[int, Parameter(help="Also draw so many random directions, and count.")] = 0,
    seed: Annotated[int, Parameter(help="Of the simulation.")] = 0,
    model: Annotated[
        str | None, Parameter(help="Also measure a model's words: bundled, a checkpoint file, a folder or a hub id.")
    ] = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="A PNG with the plot.")] = None,
) -> int:
    """Say how rare it is that two random directions have this cosine, or a greater one.

    That is exact for random directions. Embeddings do not point everywhere alike, so that among them
    the same cosine is less rare: --model counts it for the words of a model.

    Parameters
    ----------
    cosine
        Between -1 and 1: a similarity that some program printed.
    """
    if (cosine is None) == (one_in is None):
        raise ValueError("say one of two: a cosine, as in garasu rarity 0.2, or --one-in 1000000")
    if output is not None:
        check_png_name(output)
    sought = exact.cosine_for(one_in, dimensions, two_sided=two_sided) if one_in is not None else cosine or 0.0
    found = exact.rarity(sought, dimensions, two_sided=two_sided)
    print(found)
    drawn = simulated(dimensions, simulate, seed) if simulate else None
    if drawn is not None:
        print(_counted(drawn, found))
    if model is not None:
        for what, spread in _measured(model):
            print(f"{what}: {spread.said(found.cosine)}")
    if output is not None:
        _plot(found, drawn, output)
        print(output)
    return 0


def _counted(drawn: NDArray[np.float32], found: exact.Rarity) -> str:
    near = np.abs(drawn) >= abs(found.cosine) if found.two_sided else drawn >= found.cosine
    expected = len(drawn) * found.probability
    said = f"{expected:,.0f}" if expected >= 10 else f"{expected:.3g}"
    return f"of {len(drawn):,} drawn directions {near.sum():,} are as near; {said} are expected"


def _measured(model: str) -> Iterator[tuple[str, Spread]]:
    """How the words of a model lie: in its table, and as its text encoder reads them."""
    import torch  # not above: the rest has no need of it

    from garasu.model import load

    sd = load(model, device="cpu", dtype="float32", engine="plain")
    table, shuffled = sd.text_encoder.token_embedding.weight.detach(), np.random.default_rng(0)
    yield "its table of words", Spread.of(table[np.sort(shuffled.permutation(len(table))[:_WORDS])].numpy())
    whole = [piece.removesuffix(END_OF_WORD) for piece in sd.tokenizer.vocabulary.ids if piece.endswith(END_OF_WORD)]
    words = [word for word in whole if word.isalpha() and len(word) > 2]
    prompts = [words[index] for index in np.sort(shuffled.permutation(len(words))[:_PROMPTS])]
    with torch.no_grad():
        hidden = sd.encode(prompts).tensor
        ids = torch.tensor([sd.tokenizer.fit(one).ids for one in prompts])
        said = sd.text_encoder.pooled(hidden, ids, sd.tokenizer.eos_id)  # [N, D]
        if sd.text_encoder.projection is not None:
            said = sd.text_encoder.project(said)
    yield "what it makes of one word", Spread.of(said.numpy())


def _plot(found: exact.Rarity, drawn: NDArray[np.float32] | None, output: Path) -> None:
    from garasu.glass.rarity_figure import figure

    page = figure(found, drawn)
    with whole_file(output) as beside:
        page.savefig(beside, format="png", dpi=120)
