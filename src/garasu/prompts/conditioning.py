"""Words as the U-Net reads them: one vector a token, 77 of them for each chunk of a prompt.

The study notes say that short prompts are padded with zeros. Stable Diffusion pads the token ids instead: the rest of
the 77 places holds end-of-text tokens, which go through the text encoder like any other, see the whole prompt before
them, and steer the picture. (Stable Diffusion 2.x pads with ``!``.) Longer prompts are several chunks, each read by
itself, with their vectors in a row.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

import torch
from torch import Tensor

from garasu.networks.clip_text import CLIPText
from garasu.prompts.chunks import RowTokens, Split, fit
from garasu.prompts.emphasis import Read, Weighted, find_emphasis
from garasu.prompts.prompt import Prompt, PromptError, Said
from garasu.prompts.rules import DEFAULT_RULES, ReadingRules
from garasu.prompts.syntax import parse
from garasu.prompts.tokenizer import Tokenizer

SHOWN = 200  # characters of a cut text that a warning repeats
NO_PROMPT = "There is no prompt to encode; give at least one (it may be empty text)."
AT_ONCE = 32  # chunks that the text encoder reads in one call


class PromptCut(UserWarning):
    """A prompt has more tokens than were allowed; the message names the words that the model will not see."""


class NetworkIgnored(UserWarning):
    """A prompt asks for a LoRA or a hypernetwork, which is not applied."""


@dataclass(eq=False)
class Conditioning:
    """What the U-Net is told. ``tensor`` [B, T, D] is yours to edit: change it in place, or assign another."""

    tensor: Tensor
    tokens: tuple[RowTokens, ...] = ()  # one a row; none for a tensor that no prompt gave

    def __len__(self) -> int:
        """How many rows it has."""
        return len(self.tensor)

    @property
    def cut(self) -> tuple[str, ...]:
        """The ends of prompts that did not fit, as written; empty when all prompts fit."""
        return tuple(row.cut for row in self.tokens if row.lost)

    def places(self, word: str, row: int = 0) -> tuple[tuple[int, ...], ...]:
        """Where a word (or several) stands in a row, places 0…T-1, once for each time that it is said.

        Whole words only, in any case: "cat" is not in "cats".

        Raises:
            PromptError: the tensor is of no prompt, so that nobody knows where its words are.
        """
        if not self.tokens:
            raise PromptError(
                f"this conditioning is of no prompt, so {word!r} has no place in it: name places by number"
            )
        return self.tokens[row].places(word)

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Conditioning:
        """The same on another device or in another number format."""
        return Conditioning(self.tensor.to(device=device, dtype=dtype), self.tokens)


def encode(
    text_encoder: CLIPText,
    tokenizer: Tokenizer,
    prompts: str | Sequence[str],
    rules: ReadingRules = DEFAULT_RULES,
    *,
    split: Split | None = None,
) -> Conditioning:
    """Prompts to hidden states, [B, 77·n, D]: n is what the longest of them needs.

    Args:
        text_encoder: its device and number format are those of the result; gradients flow unless the caller is in
            ``torch.no_grad()``.
        tokenizer: of the same checkpoint.
        prompts: one, or one a row.
        rules: how they are read; expressions ("algebra") are for `garasu.prompts.reader.Reader`.
        split: where a long text is divided: see `garasu.prompts.chunks`; the syntax's own when not given.

    Raises:
        PromptError: a prompt that says different things at different steps, or several at once (AND); a name, a weight
            or a number that there is not.
        ValueError: no prompt; ``clip_skip`` outside 1..layers; a tokenizer with ids that the text encoder lacks.
        TokenizerError: text that is broken UTF-8.

    Warns:
        PromptCut: for each prompt that does not fit.
        NetworkIgnored: for each ``<lora:…>`` and ``<hypernet:…>``.
    """
    rows = [prompts] if isinstance(prompts, str) else list(prompts)
    read = [parse(row, rules.syntax) for row in rows]
    for prompt in read:
        warn_if_ignored(prompt)
    parts = [_static(prompt) for prompt in read]
    words = encode_said(text_encoder, tokenizer, [said for row in parts for said in row], rules, split=split)
    if len(words.tensor) == len(rows):
        return words
    return _mixed_rows(words, parts)


def encode_said(
    text_encoder: CLIPText,
    tokenizer: Tokenizer,
    saids: Sequence[Said],
    rules: ReadingRules = DEFAULT_RULES,
    *,
    split: Split | None = None,
) -> Conditioning:
    """What prompts say at one step, one row each, as :func:`encode`; the weights of the parts are the caller's."""
    config = text_encoder.config
    if not saids:
        raise ValueError(NO_PROMPT)
    if not 1 <= rules.clip_skip <= config.layers:
        raise ValueError(
            f"clip_skip {rules.clip_skip} is not between 1 and {config.layers}, the text encoder's layers."
        )
    emphasise, divide = find_emphasis(rules.weighting), split or rules.split
    rows = [
        fit(tokenizer, said.sections, config.max_length, split=divide, max_chunks=rules.max_chunks) for said in saids
    ]
    for row in rows:
        _warn_if_cut(row)
    empty = fit(tokenizer, (), config.max_length)
    count = max(len(row.moved) for row in rows)
    tokens = tuple(row.padded(count) for row in rows)
    weight = text_encoder.token_embedding.weight
    chunks = _weighted(tokens, empty, weight.device)
    known, largest = config.vocab_size, int(chunks.ids.max())
    if largest >= known:
        raise ValueError(
            f"Token id {largest} is beyond the text encoder's {known} embeddings; "
            "take the tokenizer and the text encoder from the same checkpoint."
        )
    z = emphasise(chunks, _reading(text_encoder, rules))  # [B, n, L, D]
    return Conditioning(z.flatten(1, 2).to(weight.dtype), tokens)  # [B, T, D]


def mixed(words: Conditioning, weights: Sequence[float]) -> Conditioning:
    """All rows times their weights, added up: [B, T, D] → [1, T, D], in which no word has a place any more."""
    factors = torch.tensor(weights, device=words.tensor.device)[:, None, None]  # [B, 1, 1]
    tensor = (factors * words.tensor.float()).sum(0, keepdim=True)  # [1, T, D]
    return Conditioning(tensor.to(words.tensor.dtype))


def aligned(*words: Conditioning, empty: Conditioning) -> tuple[Conditioning, ...]:
    """The same conditionings with equally many tokens: shorter ones are filled up with the empty prompt's chunk.

    ``empty`` is the empty prompt's, [1, 77, D], of the same model, clip skip and emphasis.

    Raises:
        PromptError: lengths that differ by something else than whole chunks, or different widths.
    """
    longest = max(one.tensor.shape[1] for one in words)
    return tuple(one if one.tensor.shape[1] == longest else _filled(one, longest, empty.tensor) for one in words)


def filled(tensor: Tensor, length: int, empty: Tensor) -> Tensor:
    """A conditioning's tensor [B, T, D] made ``length`` tokens long with the empty prompt's, [1, 77, D].

    Raises:
        PromptError: no whole number of them fits in, or they are of another width.
    """
    missing, odd = divmod(length - tensor.shape[1], empty.shape[1])
    if odd or missing < 0 or tensor.shape[2] != empty.shape[2]:
        raise PromptError(
            f"a conditioning {list(tensor.shape)} cannot be filled up to {length} tokens with whole chunks "
            f"{list(empty.shape)}: encode both with the same model"
        )
    more = empty.to(tensor).expand(len(tensor), -1, -1).repeat(1, missing, 1)  # [B, 77·m, D]
    return torch.cat([tensor, more], dim=1)


def _filled(words: Conditioning, length: int, empty: Tensor) -> Conditioning:
    chunks = length // empty.shape[1]
    return Conditioning(filled(words.tensor, length, empty), tuple(row.padded(chunks) for row in words.tokens))


def _static(prompt: Prompt) -> tuple[Said, ...]:
    """The parts of a prompt that is one conditioning: one part, or several to mix."""
    if not prompt.fixed:
        raise PromptError(
            f"the prompt {_shown(prompt)} changes on the way, so it is not one conditioning: give it to txt2img, "
            'or take syntax "plain" if its brackets mean themselves'
        )
    said = prompt.at(1, 1)
    if prompt.join == "compose" and [part.weight for part in said] != [1]:
        raise PromptError(
            f"the prompt {_shown(prompt)} has parts that are composed step by step (AND, or a weight at its end), so "
            'it is not one conditioning: give it to txt2img, encode its parts one by one, or take syntax "plain"'
        )
    return said


def _shown(prompt: Prompt) -> str:
    text = str(prompt)
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")


def _mixed_rows(words: Conditioning, parts: Sequence[Sequence[Said]]) -> Conditioning:
    """Rows of parts to one row a prompt."""
    rows, first = [], 0
    for said in parts:
        part = Conditioning(words.tensor[first : first + len(said)])
        rows.append(mixed(part, [one.weight for one in said]).tensor if len(said) > 1 else part.tensor)
        first += len(said)
    return Conditioning(torch.cat(rows))


def _weighted(tokens: Sequence[RowTokens], empty: RowTokens, device: torch.device) -> Weighted:
    length = len(empty.tokens)

    def by_chunk(rows: list[tuple[int, ...]] | list[tuple[float, ...]]) -> Tensor:
        return torch.tensor(rows, device=device).unflatten(1, (-1, length))  # [B, n, L]

    return Weighted(
        ids=by_chunk([row.ids for row in tokens]),
        weights=by_chunk([row.weights for row in tokens]),
        fragments=by_chunk([tuple(token.fragment for token in row.tokens) for row in tokens]),
        empty=by_chunk([empty.ids]),
    )


def _reading(text_encoder: CLIPText, rules: ReadingRules) -> Read:
    """The text encoder at one layer, some chunks at a time."""

    def read(ids: Tensor, seen: Tensor | None) -> Tensor:
        masks = repeat(None) if seen is None else seen.split(AT_ONCE)
        parts = zip(ids.split(AT_ONCE), masks, strict=False)
        z = torch.cat([text_encoder(part, rules.clip_skip - 1, rules.clip_skip_norm, mask) for part, mask in parts])
        return z.to(torch.promote_types(z.dtype, torch.float32))

    return read


def warn_if_ignored(prompt: Prompt) -> None:
    """Say of each network that a prompt asks for that it is not applied."""
    for network in prompt.networks:
        warnings.warn(
            f"<{network.kind}:{network.name}> in the prompt is not applied: garasu cannot load such networks yet",
            NetworkIgnored,
            stacklevel=4,
        )


def _warn_if_cut(row: RowTokens) -> None:
    if not row.lost:
        return
    rest = len(row.cut) - SHOWN
    words = row.cut if rest <= 0 else f"{row.cut[:SHOWN]}… ({rest} more characters)"
    kept = sum(token.kind == "text" for token in row.tokens)
    warnings.warn(
        f"The prompt is {row.lost} tokens longer than the {kept} that fit; these words were cut: {words!r}",
        PromptCut,
        stacklevel=4,
    )
