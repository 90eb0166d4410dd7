"""Words as the U-Net reads them: one vector a token, 77 of them a prompt.

The study notes say that short prompts are padded with zeros. Stable Diffusion pads the token ids instead: the rest of
the 77 places holds end-of-text tokens, which go through the text encoder like any other, see the whole prompt before
them, and steer the picture. (Stable Diffusion 2.x pads with ``!``.)
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from garasu.networks.clip_text import CLIPText
from garasu.prompts.tokenizer import FittedTokens, Tokenizer

SHOWN = 200  # characters of a cut text that a warning repeats


class PromptCut(UserWarning):
    """A prompt has more tokens than the text encoder reads; the message names the words that it will not see."""


@dataclass(eq=False)
class Conditioning:
    """What the U-Net is told. ``tensor`` [B, T, D] is yours to edit: change it in place, or assign another."""

    tensor: Tensor
    tokens: tuple[FittedTokens, ...] = ()  # one a row; none for a tensor that no prompt gave

    @property
    def cut(self) -> tuple[str, ...]:
        """The ends of prompts that did not fit, as written; empty when all prompts fit."""
        return tuple(row.cut for row in self.tokens if row.lost)

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Conditioning:
        """The same on another device or in another number format."""
        return Conditioning(self.tensor.to(device=device, dtype=dtype), self.tokens)


def encode(
    text_encoder: CLIPText, tokenizer: Tokenizer, prompts: str | Sequence[str], clip_skip: int = 1
) -> Conditioning:
    """Prompts to hidden states after the final normalisation, [B, 77, D]; padded as the module's text says.

    Args:
        text_encoder: its device and number format are those of the result; gradients flow unless the caller is in
            ``torch.no_grad()``.
        tokenizer: of the same checkpoint.
        prompts: one, or one a row.
        clip_skip: 1 takes the last layer, 2 the last but one, and so on, as A1111 counts (diffusers counts from 0).

    Raises:
        ValueError: no prompt; ``clip_skip`` outside 1..layers; a tokenizer with ids that the text encoder lacks.
        TokenizerError: text that is broken UTF-8.

    Warns:
        PromptCut: for each prompt that does not fit.
    """
    rows = [prompts] if isinstance(prompts, str) else list(prompts)
    layers = text_encoder.config.layers
    if not rows:
        raise ValueError("There is no prompt to encode; give at least one (it may be empty text).")
    if not 1 <= clip_skip <= layers:
        raise ValueError(f"clip_skip {clip_skip} is not between 1 and {layers}, the text encoder's layers.")
    tokens = tuple(tokenizer.fit(row, text_encoder.config.max_length) for row in rows)
    for row in tokens:
        _warn_if_cut(row)
    ids = torch.tensor([row.ids for row in tokens], device=text_encoder.token_embedding.weight.device)  # [B, T]
    known = text_encoder.config.vocab_size
    if int(ids.max()) >= known:
        raise ValueError(
            f"Token id {int(ids.max())} is beyond the text encoder's {known} embeddings; "
            "take the tokenizer and the text encoder from the same checkpoint."
        )
    return Conditioning(text_encoder(ids, skip=clip_skip - 1), tokens)  # [B, T, D]


def _warn_if_cut(row: FittedTokens) -> None:
    if not row.lost:
        return
    rest = len(row.cut) - SHOWN
    words = row.cut if rest <= 0 else f"{row.cut[:SHOWN]}… ({rest} more characters)"
    warnings.warn(
        f"The prompt is {row.lost} tokens longer than the {len(row.pieces)} that fit; these words were cut: {words!r}",
        PromptCut,
        stacklevel=3,
    )
