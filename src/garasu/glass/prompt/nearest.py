"""Which words of the vocabulary a row of a conditioning is near to.

A row is not in the space of the token embeddings: of 40 words in seven prompts to the bundled model, the row is
nearest to the embedding of its own word for none. So a row is compared with rows: those of every word as a prompt of
one word, the word's own for a row of text, that of its end of text for ends and padding. All prompts share most of
every row (the stripes), so what is compared is what the words changed: each row without its component along the empty
prompt's row in the same place, which emphasis and arithmetic on whole prompts cannot bring back. The row's own word
then comes first for 21 of the 40, nearly all nouns and colours; rows of "with", "on" or "the" are nearest to the words
before them, which is what they hold.

An entry that ends a word may be a whole word or the end of one ("ing"); a vocabulary does not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from garasu.glass.prompt.report import Near
from garasu.networks.clip_text import CLIPText
from garasu.prompts.algebra import project_out
from garasu.prompts.rules import ReadingRules
from garasu.prompts.tokenizer import Tokenizer
from garasu.prompts.vocabulary import END_OF_WORD

AT_ONCE = 256  # words that the text encoder reads in one call
STILL = 0.01  # a row of which less than this share is changed has no direction: bfloat16 rounds to 0.004


@dataclass(frozen=True, eq=False)
class WordStates:
    """What words change: directions, one row a word."""

    words: tuple[str, ...]  # V
    at_word: Tensor  # [V, D], of unit length
    at_end: Tensor  # [V, D]
    empty: Tensor  # [77, D], the empty prompt's rows

    def nearest(self, rows: Tensor, ends: Sequence[bool], count: int) -> list[tuple[Near, ...]]:
        """The nearest words of rows [T, D] that begin with a chunk; ``ends`` says which are ends of text or padding.

        A row that is as in the empty prompt, like start of text always is, has none.
        """
        if not self.words:
            return [()] * len(rows)
        changed = what_changed(rows, self.empty)  # [T, D]
        direction = normalize(changed, dim=-1)
        after = torch.tensor(ends)[:, None]
        cosines = torch.where(after, direction @ self.at_end.T, direction @ self.at_word.T)  # [T, V]
        best = cosines.topk(min(count, len(self.words)), dim=-1)
        moved = changes(changed, rows).tolist()
        return [
            tuple(Near(self.words[one], value) for one, value in zip(places, values, strict=True)) if there else ()
            for there, places, values in zip(moved, best.indices.tolist(), best.values.tolist(), strict=True)
        ]


def what_changed(rows: Tensor, empty: Tensor) -> Tensor:
    """Rows [T, D] without their components along the empty prompt's [77, D], which is repeated chunk by chunk."""
    chunks = -(-len(rows) // len(empty))
    return project_out(rows[None], empty.repeat(chunks, 1)[None, : len(rows)])[0]


def changes(changed: Tensor, rows: Tensor) -> Tensor:
    """Whether `what_changed` is more than rounding: [T]."""
    return changed.norm(dim=-1) > STILL * rows.norm(dim=-1)


def word_states(
    text_encoder: CLIPText,
    tokenizer: Tokenizer,
    empty: Tensor,
    rules: ReadingRules,
    *,
    most: int = 2000,
    besides: Sequence[int] = (),
) -> WordStates:
    """The states of the vocabulary's words at the layer that conditionings are taken from.

    Args:
        text_encoder: reads each word in a prompt of its own, of three tokens: what follows them they do not see.
        tokenizer: of the same checkpoint.
        empty: the empty prompt's rows [77, D] at the same layer.
        rules: say which layer that is.
        most: how many words at most. Byte-pair vocabularies begin with the most frequent ones: those are taken.
        besides: ids of entries to take in any case, if they are whole words.
    """
    found = _words(tokenizer, most, besides) if most else {}
    if not found:
        return WordStates((), empty[:0], empty[:0], empty)
    ids = torch.tensor([[tokenizer.bos_id, id, tokenizer.eos_id] for id in found])  # [V, 3]
    device = text_encoder.token_embedding.weight.device
    layer, norm = rules.clip_skip - 1, rules.clip_skip_norm
    z = [text_encoder(some.to(device), layer, norm).float().cpu() for some in ids.split(AT_ONCE)]
    changed = project_out(torch.cat(z), empty[None, :3])  # [V, 3, D]
    _, at_word, at_end = normalize(changed, dim=-1).unbind(1)  # [V, D] each
    return WordStates(tuple(found.values()), at_word, at_end, empty)


def _words(tokenizer: Tokenizer, most: int, besides: Sequence[int]) -> dict[int, str]:
    """Whole words of two letters or more, by id, the most frequent first; and entries that were asked for."""
    wanted = set(besides)
    found: dict[int, str] = {}
    for piece, id in sorted(tokenizer.vocabulary.ids.items(), key=lambda entry: entry[1]):
        word = piece.removesuffix(END_OF_WORD)
        whole = word != piece and word.isascii() and word.isalpha()
        if whole and (id in wanted or (len(word) > 1 and len(found) < most)):
            found[id] = word
    return found
