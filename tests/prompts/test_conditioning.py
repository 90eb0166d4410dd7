"""Prompts to hidden states: against transformers' text encoder, and what does not fit."""

from __future__ import annotations

import warnings

import pytest
import torch
from tests.networks.peers import max_error, text_pair
from transformers import CLIPTextModelWithProjection

from garasu.networks.clip_text import CLIPText, CLIPTextConfig
from garasu.prompts.conditioning import Conditioning, PromptCut, encode
from garasu.prompts.tokenizer import Tokenizer
from garasu.prompts.vocabulary import Vocabulary

TOKENIZER = Tokenizer(Vocabulary.from_merges([("c", "a"), ("ca", "t</w>")]))
CONFIG = CLIPTextConfig(vocab_size=TOKENIZER.vocab_size, width=32, layers=4, heads=4, mlp_width=64, projection_width=16)
PROMPTS = ["a black cat", "", "cat " * 75, "黒い猫"]


@pytest.fixture(scope="module")
def pair() -> tuple[CLIPText, CLIPTextModelWithProjection]:
    return text_pair(CONFIG)


@pytest.fixture(scope="module")
def encoder(pair: tuple[CLIPText, CLIPTextModelWithProjection]) -> CLIPText:
    return pair[0]


@pytest.mark.parametrize("clip_skip", [1, 2, 3, 4])
def test_clip_skip_is_that_of_diffusers(pair: tuple[CLIPText, CLIPTextModelWithProjection], clip_skip: int) -> None:
    """diffusers' clip_skip k = N - 1 takes hidden_states[-(k + 1)] and normalises it; without it, the last state."""
    ours, peer = pair
    with torch.no_grad():
        words = encode(ours, TOKENIZER, PROMPTS, clip_skip=clip_skip)
        there = peer(torch.tensor([row.ids for row in words.tokens]), output_hidden_states=True)
        last = peer.text_model.final_layer_norm(there.hidden_states[-clip_skip])
    assert words.tensor.shape == (4, 77, 32)
    assert max_error(words.tensor, last) <= 1e-5
    if clip_skip == 1:
        assert max_error(words.tensor, there.last_hidden_state) <= 1e-5


def test_padding_is_encoded_end_of_text_and_not_zeros(encoder: CLIPText) -> None:
    words = encode(encoder, TOKENIZER, "a black cat")
    assert set(words.tokens[0].ids[-60:]) == {TOKENIZER.eos_id}
    padding = words.tensor[0, -60:]  # [60, D]
    assert (padding.norm(dim=1) > 1).all()
    other = encode(encoder, TOKENIZER, "a white cat").tensor[0, -60:]
    assert not torch.allclose(padding, other, atol=1e-3)  # it has seen the prompt


def test_a_row_does_not_depend_on_its_neighbours(encoder: CLIPText) -> None:
    together = encode(encoder, TOKENIZER, PROMPTS).tensor
    for row, prompt in enumerate(PROMPTS):
        assert max_error(encode(encoder, TOKENIZER, prompt).tensor, together[row : row + 1]) <= 1e-5


def test_one_prompt_is_one_row(encoder: CLIPText) -> None:
    assert torch.equal(encode(encoder, TOKENIZER, "cat").tensor, encode(encoder, TOKENIZER, ["cat"]).tensor)


def test_what_does_not_fit_is_named(encoder: CLIPText) -> None:
    long = "cat " * 75 + "under a Palm tree"
    with pytest.warns(PromptCut) as caught:
        words = encode(encoder, TOKENIZER, ["cat", long])
    [warning] = caught
    lost = len("underapalmtree")
    assert f"{lost} tokens longer than the 75 that fit" in str(warning.message)
    assert "'under a Palm tree'" in str(warning.message)
    assert words.cut == ("under a Palm tree",)
    assert [row.cut for row in words.tokens] == ["", "under a Palm tree"]
    assert torch.equal(words.tensor[1], encode(encoder, TOKENIZER, ["cat", "cat " * 75]).tensor[1])


def test_each_long_prompt_has_its_own_warning(encoder: CLIPText) -> None:
    with pytest.warns(PromptCut) as caught:
        words = encode(encoder, TOKENIZER, ["cat " * 76, "x" * 100_000])
    assert len(caught) == 2
    assert len(str(caught[1].message)) < 400  # the whole cut text is in words.cut
    assert [len(cut) for cut in words.cut] == [len("cat "), 100_000 - 75]


def test_what_fits_is_not_warned_about(encoder: CLIPText) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        words = encode(encoder, TOKENIZER, PROMPTS)
    assert words.cut == ()


def test_the_conditioning_is_yours_to_edit(encoder: CLIPText) -> None:
    with torch.no_grad():
        words = encode(encoder, TOKENIZER, "a black cat")
    before = words.tensor.clone()
    words.tensor[0, 2] *= 2
    assert torch.equal(words.tensor[0, 2], before[0, 2] * 2)
    words.tensor = before
    moved = words.to("cpu", torch.float16)
    assert (moved.tensor.dtype, words.tensor.dtype) == (torch.float16, torch.float32)
    assert moved.tokens == words.tokens
    assert words.to(dtype=torch.float64).tensor.device == words.tensor.device
    assert Conditioning(before + before).cut == ()


def test_gradients_reach_the_token_embedding(encoder: CLIPText) -> None:
    weight = encoder.token_embedding.weight
    [gradient] = torch.autograd.grad(encode(encoder, TOKENIZER, "cat").tensor.square().sum(), weight)
    touched = gradient.abs().sum(dim=1).nonzero().flatten().tolist()
    assert touched == sorted({TOKENIZER.bos_id, TOKENIZER.eos_id, TOKENIZER.vocabulary.ids["cat</w>"]})


@pytest.mark.parametrize("clip_skip", [-1, 0, 5])
def test_a_clip_skip_without_a_layer_is_refused(encoder: CLIPText, clip_skip: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 4"):
        encode(encoder, TOKENIZER, "cat", clip_skip=clip_skip)


def test_no_prompt_is_refused(encoder: CLIPText) -> None:
    with pytest.raises(ValueError, match="no prompt"):
        encode(encoder, TOKENIZER, [])


def test_a_tokenizer_of_another_model_is_refused(encoder: CLIPText) -> None:
    larger = Tokenizer(Vocabulary.from_merges([("d", "o"), ("do", "g</w>"), ("a", "n")]))
    with pytest.raises(ValueError, match="same checkpoint"):
        encode(encoder, larger, "dog")
