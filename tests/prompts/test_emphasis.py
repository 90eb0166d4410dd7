"""Emphasis: compel's against compel, the others against their formulas in numpy."""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from compel.embeddings_provider import EmbeddingsProvider, SplitLongTextMode
from tests.networks.peers import max_error, text_pair
from transformers import CLIPTokenizer

from garasu.networks.clip_text import CLIPText, CLIPTextConfig
from garasu.prompts.chunks import Split, by_commas
from garasu.prompts.conditioning import PromptCut, encode_said
from garasu.prompts.emphasis import EMPHASES, Weighted, find_emphasis
from garasu.prompts.prompt import Fragment, PromptError, Said
from garasu.prompts.rules import ReadingRules
from garasu.prompts.tokenizer import Tokenizer
from garasu.prompts.vocabulary import Vocabulary

TOKENIZER = Tokenizer(Vocabulary.from_merges([("c", "a"), ("ca", "t</w>")]))
CONFIG = CLIPTextConfig(vocab_size=TOKENIZER.vocab_size, width=32, layers=3, heads=4, mlp_width=64, projection_width=16)
WORDS = ["cat", "a", "cat,", "on", "x", "黒", "cat's", "7", "."]
WEIGHTS = [1.0, 1.0, 1.1, 1.5, 3.0, 0.9, 0.5, 0.1, 0.0, -0.5, 1.21]


@pytest.fixture(scope="module")
def encoder() -> CLIPText:
    return text_pair(CONFIG)[0]


def said(*sections: Sequence[tuple[str, float]]) -> Said:
    return Said(1.0, tuple(tuple(Fragment(*fragment) for fragment in section) for section in sections))


def read(encoder: CLIPText, *rows: Said, split: Split | None = None, **rules: Any) -> torch.Tensor:
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", PromptCut)
        return encode_said(encoder, TOKENIZER, rows, ReadingRules(**rules), split=split).tensor


def random_fragments(rng: random.Random, most: int) -> list[tuple[str, float]]:
    """Fragments whose neighbours differ in weight, as a parser gives them."""
    fragments: list[tuple[str, float]] = []
    for _ in range(rng.randrange(1, 7)):
        weight = rng.choice([w for w in WEIGHTS if not fragments or w != fragments[-1][1]])
        fragments.append((" ".join(rng.choice(WORDS) for _ in range(rng.randrange(1, most))), weight))
    return fragments


@pytest.fixture(scope="module")
def compel(encoder: CLIPText, tmp_path_factory: pytest.TempPathFactory) -> EmbeddingsProvider:
    return compel_of(tmp_path_factory.mktemp("tokenizer"), truncate=True)


def compel_of(folder: Path, truncate: bool) -> EmbeddingsProvider:
    TOKENIZER.save(folder)
    return EmbeddingsProvider(
        CLIPTokenizer.from_pretrained(folder),
        text_pair(CONFIG)[1],
        truncate=truncate,
        split_long_text_mode=SplitLongTextMode.BRUTAL,
    )


def there(compel: EmbeddingsProvider, fragments: Sequence[tuple[str, float]]) -> torch.Tensor:
    texts, weights = zip(*fragments, strict=True)
    with torch.no_grad():
        return compel.get_embeddings_for_weighted_prompt_fragments([list(texts)], [list(weights)])


def test_random_weights_are_those_of_compel(encoder: CLIPText, compel: EmbeddingsProvider) -> None:
    """Up and down, 0 and below, several in a prompt: to 1e-5 of values of about 1.

    Where compel cuts a fragment of less than 1, it hides the end of text (place 76) from itself too; we do not.
    """
    rng = random.Random(6)
    for _ in range(400):
        fragments = random_fragments(rng, most=12)
        words = read(encoder, said(fragments), emphasis="compel", max_chunks=1)
        last = 76 if sum(len(TOKENIZER.tokens(text)) for text, _ in fragments) > 75 else 77
        assert max_error(words[:, :last], there(compel, fragments)[:, :last]) <= 1e-5, fragments


def test_random_weights_in_several_chunks_are_those_of_compel(encoder: CLIPText, tmp_path: Path) -> None:
    compel, rng = compel_of(tmp_path, truncate=False), random.Random(7)
    never = partial(by_commas, backtrack=0)
    counts = set()
    for _ in range(60):
        fragments = random_fragments(rng, most=60)
        words = read(encoder, said(fragments), emphasis="compel", split=never)
        counts.add(words.shape[1] // 77)
        assert max_error(words, there(compel, fragments)) <= 1e-5, fragments
    assert {1, 2, 3, 4} <= counts


def by_place(rows: Sequence[Said], chunks: int) -> np.ndarray:
    """The weights [B, 77·n] of rows of one section, from the fragments alone."""
    weights = np.ones((len(rows), chunks, 77))
    for row, one in enumerate(rows):
        flat = [f.weight for f in one.sections[0] for _ in TOKENIZER.tokens(f.text).ids]
        for place, weight in enumerate(flat):
            weights[row, place // 75, 1 + place % 75] = weight
    return weights.reshape(len(rows), -1)


ROWS = (
    said([("a cat", 1.5), (" on ", 1.0), ("cat", 0.5)]),
    said([("cat " * 70, 1.2), ("x " * 30, 0.8)]),
    said([("", 1.0)]),
    said([("cat", -1.0), (" x", 0.0)]),
)


def test_no_norm_multiplies(encoder: CLIPText) -> None:
    z = read(encoder, *ROWS, emphasis="ignore").double().numpy()
    expected = z * by_place(ROWS, 2)[..., None]
    assert np.abs(read(encoder, *ROWS, emphasis="no-norm").numpy() - expected).max() <= 1e-6


def test_a1111_multiplies_and_restores_the_mean_of_each_chunk(encoder: CLIPText) -> None:
    z = read(encoder, *ROWS, emphasis="ignore").double().numpy()
    chunks, weights = z.reshape(8, 77, 32), by_place(ROWS, 2).reshape(8, 77, 1)
    expected = np.stack([x * w * (x.mean() / (x * w).mean()) for x, w in zip(chunks, weights, strict=True)])
    found = read(encoder, *ROWS, emphasis="a1111").numpy()
    assert np.abs(found.reshape(8, 77, 32) - expected).max() <= 1e-5 * np.abs(expected).max()


def test_comfy_goes_away_from_the_empty_prompt(encoder: CLIPText) -> None:
    z = read(encoder, *ROWS, emphasis="ignore").double().numpy()
    empty = np.tile(read(encoder, said(), emphasis="ignore").double().numpy(), (1, 2, 1))
    expected = empty + (z - empty) * by_place(ROWS, 2)[..., None]
    assert np.abs(read(encoder, *ROWS, emphasis="comfy").numpy() - expected).max() <= 1e-5


def test_compel_at_weight_0_is_the_prompt_that_does_not_see_the_fragment(encoder: CLIPText) -> None:
    """Nearly: the prompt itself still counts 1 against 63 662."""
    words = read(encoder, said([("a ", 1.0), ("cat", 0.0), (" on x", 1.0)]), emphasis="compel")
    ids = torch.tensor([TOKENIZER.fit("a cat on x").ids])
    seen = torch.arange(77)[None] != 2
    with torch.no_grad():
        blind = encoder(ids, seen=seen)
    others = [place for place in range(77) if place != 2]
    assert max_error(words[:, others], blind[:, others]) <= 1e-3
    assert max_error(words[:, others], encoder(ids).detach()[:, others]) >= 0.05


@pytest.mark.parametrize("emphasis", EMPHASES)
def test_weights_of_1_change_no_bit(encoder: CLIPText, emphasis: str) -> None:
    rows = [said([("a cat", 1.0)]), said([("x, " * 60, 1.0)])]
    assert torch.equal(read(encoder, *rows, emphasis=emphasis), read(encoder, *rows, emphasis="ignore"))


@pytest.mark.parametrize("emphasis", EMPHASES)
def test_a_row_does_not_depend_on_its_neighbours(encoder: CLIPText, emphasis: str) -> None:
    """Nor does a weight anywhere change a vector of another row."""
    together, empty = read(encoder, *ROWS, emphasis=emphasis), read(encoder, said(), emphasis=emphasis)
    for row, one in enumerate(ROWS):
        alone = read(encoder, one, emphasis=emphasis)
        if alone.shape[1] == 77:
            alone = torch.cat([alone, empty], dim=1)
        assert max_error(alone, together[row : row + 1]) <= 1e-5


@pytest.mark.parametrize("emphasis", EMPHASES)
def test_what_has_weight_1_keeps_its_vector_but_for_a_restored_mean(encoder: CLIPText, emphasis: str) -> None:
    plain, strong = (read(encoder, said([("a cat", w)]), emphasis=emphasis) for w in (1.0, 1.5))
    others = [0, *range(3, 77)]
    same = torch.equal(plain[:, others], strong[:, others])
    assert same == (emphasis != "a1111")
    assert torch.equal(plain, strong) == (emphasis == "ignore")


def test_a_mean_of_0_is_not_divided_by() -> None:
    z = torch.tensor([1.0, -1.0]).repeat(3, 1)[None]  # [1, 3, 2]
    ids = torch.zeros(1, 1, 3, dtype=torch.long)
    chunks = Weighted(ids, torch.tensor([[[1.0, 2.0, 1.0]]]), ids - 1, ids)
    assert find_emphasis("a1111")(chunks, lambda ids, seen: z).tolist() == [[[[1, -1], [2, -2], [1, -1]]]]


def test_the_result_has_the_number_format_of_the_text_encoder() -> None:
    encoder = text_pair(CONFIG)[0].to(torch.bfloat16)
    for emphasis in EMPHASES:
        assert read(encoder, ROWS[0], emphasis=emphasis).dtype == torch.bfloat16


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(PromptError, match="'a1112': choose one of a1111, no-norm, comfy, compel, ignore"):
        find_emphasis("a1112")
