"""Prompts to hidden states: against transformers' text encoder, and what does not fit."""

from __future__ import annotations

import random
import warnings
from functools import partial
from pathlib import Path

import pytest
import torch
from compel import Compel
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.networks.peers import max_error, text_pair
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from garasu.networks.clip_text import CLIPText, CLIPTextConfig
from garasu.prompts.chunks import by_commas
from garasu.prompts.conditioning import (
    AT_ONCE,
    Conditioning,
    PromptCut,
    aligned,
    encode,
    encode_said,
    filled,
    mixed,
)
from garasu.prompts.emphasis import EMPHASES
from garasu.prompts.prompt import Fragment, PromptError, Said
from garasu.prompts.rules import ReadingRules
from garasu.prompts.syntax import SYNTAXES
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
        words = encode(ours, TOKENIZER, PROMPTS, ReadingRules(clip_skip=clip_skip))
        bare = encode(ours, TOKENIZER, PROMPTS, ReadingRules(clip_skip=clip_skip, clip_skip_norm=False))
        there = peer(torch.tensor([row.ids for row in words.tokens]), output_hidden_states=True)
        last = peer.text_model.final_layer_norm(there.hidden_states[-clip_skip])
    assert words.tensor.shape == (4, 77, 32)
    assert max_error(words.tensor, last) <= 1e-5
    assert max_error(bare.tensor, there.hidden_states[-clip_skip]) <= 1e-5
    if clip_skip == 1:
        assert max_error(words.tensor, there.last_hidden_state) <= 1e-5


@pytest.mark.parametrize("prompt", ["a black cat", "", "cat " * 75, "黒い猫", "cat, dog; don't"])
def test_a_prompt_of_one_chunk_is_the_text_encoder_s_own_to_the_bit(encoder: CLIPText, prompt: str) -> None:
    with torch.no_grad():
        expected = encoder(torch.tensor([TOKENIZER.fit(prompt).ids]))
        assert torch.equal(encode(encoder, TOKENIZER, prompt).tensor, expected)


def test_long_prompts_are_read_chunk_by_chunk(pair: tuple[CLIPText, CLIPTextModelWithProjection]) -> None:
    """By hand: ids in rows of 77, each through transformers' text encoder by itself, side by side."""
    ours, peer = pair
    cat, bos, eos = TOKENIZER.vocabulary.ids["cat</w>"], TOKENIZER.bos_id, TOKENIZER.eos_id
    framed = [[bos, *[cat] * n, *[eos] * (76 - n)] for n in (75, 75, 10)]
    short = [[bos, cat, *[eos] * 75], *[[bos, *[eos] * 76]] * 2]
    with torch.no_grad():
        words = encode(ours, TOKENIZER, ["cat " * 160, "cat"])
        rows = [torch.cat([peer(torch.tensor([ids])).last_hidden_state for ids in row], 1) for row in (framed, short)]
    assert words.tensor.shape == (2, 231, 32)
    assert max_error(words.tensor, torch.cat(rows)) <= 1e-5
    assert words.tokens[1].ids == tuple(id for ids in short for id in ids)


def test_break_begins_a_chunk(encoder: CLIPText) -> None:
    with torch.no_grad():
        both = encode(encoder, TOKENIZER, "a cat BREAK x").tensor
        alone = [encode(encoder, TOKENIZER, text).tensor for text in ("a cat", "x")]
    assert max_error(both, torch.cat(alone, dim=1)) <= 1e-6


def test_any_number_of_chunks_is_read_in_parts(encoder: CLIPText) -> None:
    with torch.no_grad():
        words = encode(encoder, TOKENIZER, "cat " * 75 * (AT_ONCE + 2)).tensor
        one = encode(encoder, TOKENIZER, "cat " * 75).tensor
    assert words.shape == (1, 77 * (AT_ONCE + 2), 32)
    assert max_error(words, one.repeat(1, AT_ONCE + 2, 1)) <= 1e-5


def test_a_row_of_a_longer_batch_is_the_prompt_with_empty_chunks_behind_it(encoder: CLIPText) -> None:
    with torch.no_grad():
        long, short, empty = (encode(encoder, TOKENIZER, text) for text in ("x, " * 60, "(cat:1.3)", ""))
        together = encode(encoder, TOKENIZER, ["x, " * 60, "(cat:1.3)"])
    both = aligned(long, short, empty=empty)
    for row, one in enumerate(both):
        assert max_error(one.tensor, together.tensor[row : row + 1]) <= 1e-6
        assert one.tokens == together.tokens[row : row + 1]
    assert both[0] is long
    assert aligned(short, empty, empty=empty) == (short, empty)
    [_, bare] = aligned(long, Conditioning(short.tensor), empty=empty)
    assert torch.equal(bare.tensor, both[1].tensor)
    assert bare.tokens == ()


@pytest.mark.parametrize("shape", [(1, 100, 32), (1, 77, 16)])
def test_what_is_not_of_chunks_is_not_aligned(encoder: CLIPText, shape: tuple[int, ...]) -> None:
    long, empty = (encode(encoder, TOKENIZER, text) for text in ("x, " * 60, ""))
    with pytest.raises(PromptError, match="whole chunks"):
        aligned(long, Conditioning(torch.zeros(shape)), empty=empty)
    with pytest.raises(PromptError, match="up to 77 tokens"):
        filled(long.tensor, 77, empty.tensor)


def test_brackets_mean_something_unless_the_syntax_is_plain(encoder: CLIPText) -> None:
    with torch.no_grad():
        strong, weak = (encode(encoder, TOKENIZER, text) for text in ("a (cat:1.3)", "a cat"))
        plain = encode(encoder, TOKENIZER, "a (cat:1.3)", ReadingRules(syntax="plain"))
        expected = encoder(torch.tensor([TOKENIZER.fit("a (cat:1.3)").ids]))
    assert strong.tokens[0].ids == weak.tokens[0].ids
    assert strong.tokens[0].weights[1:4] == (1.0, 1.3, 1.0)
    assert not torch.allclose(strong.tensor, weak.tensor, atol=1e-2)
    assert torch.equal(plain.tensor, expected)
    assert plain.tokens[0].pieces[2] == "(</w>"


def test_emphasis_is_the_syntax_s_own_or_as_named(encoder: CLIPText) -> None:
    said = Said(1.0, ((Fragment("a "), Fragment("cat", 1.3)),))
    for emphasis in EMPHASES:
        found = encode(encoder, TOKENIZER, "a (cat:1.3)", ReadingRules(emphasis=emphasis)).tensor
        assert torch.equal(found, encode_said(encoder, TOKENIZER, [said], ReadingRules(emphasis=emphasis)).tensor)
    assert torch.equal(encode(encoder, TOKENIZER, "a (cat:1.3)").tensor, encode_said(encoder, TOKENIZER, [said]).tensor)


def test_long_text_is_divided_by_the_rule_of_the_syntax_or_as_told(encoder: CLIPText) -> None:
    text = "cat " * 60 + ", " + "cat " * 13 + "dog cat"
    with torch.no_grad():
        moved = [
            encode(encoder, TOKENIZER, text, ReadingRules(syntax), split=split).tokens[0].moved[1]
            for syntax, split in (("a1111", None), ("comfy", None), ("a1111", partial(by_commas, backtrack=0)))
        ]
    assert moved == [14, 1, 0]


def test_places_are_those_of_the_row(encoder: CLIPText) -> None:
    words = encode(encoder, TOKENIZER, ["a cat", "a black (cat:1.2), cat"])
    assert words.places("cat") == ((2,),)
    last = len(TOKENIZER.tokens("a black cat, cat"))
    assert words.places("Cat", row=1) == ((last - 2,), (last,))
    with pytest.raises(PromptError, match="of no prompt"):
        Conditioning(words.tensor).places("cat")


def test_a_mix_is_the_weighted_sum_of_its_parts(encoder: CLIPText) -> None:
    with torch.no_grad():
        words = encode(encoder, TOKENIZER, ["a cat", "x"])
        both = mixed(words, [0.75, 0.25])
    assert max_error(both.tensor, words.tensor[:1] * 0.75 + words.tensor[1:] * 0.25) <= 1e-6
    assert both.tokens == ()


def test_novelai_mixes_conditionings(encoder: CLIPText) -> None:
    long = "x " * 80
    with torch.no_grad():
        words = encode(encoder, TOKENIZER, [f"a cat:3|{long}:1", "a cat"], ReadingRules(syntax="novelai"))
        parts = encode(encoder, TOKENIZER, ["a cat", long])
    assert words.tensor.shape == (2, 154, 32)
    assert max_error(words.tensor[:1], parts.tensor[:1] * 0.75 + parts.tensor[1:] * 0.25) <= 1e-6
    assert max_error(words.tensor[1:], parts.tensor[:1]) <= 1e-6


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("a [cat:dog:0.5]", "changes on the way"),
        ("a [cat|dog]", "changes on the way"),
        ("a cat AND a dog", "composed step by step"),
        ("a cat:1.2", "composed step by step"),
        ("a cat AND a [dog:5]", "changes on the way"),
    ],
)
def test_what_is_not_one_conditioning_is_refused(encoder: CLIPText, prompt: str, reason: str) -> None:
    with pytest.raises(PromptError, match=reason):
        encode(encoder, TOKENIZER, ["cat", prompt])
    assert encode(encoder, TOKENIZER, prompt, ReadingRules(syntax="plain")).tensor.shape == (1, 77, 32)


def test_prompts_in_compel_s_syntax_are_those_of_compel(
    pair: tuple[CLIPText, CLIPTextModelWithProjection], tmp_path: Path
) -> None:
    """From the typed prompt to the tensor, to 1e-5 of values of about 1."""
    TOKENIZER.save(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # compel recommends its wrappers
        compel = Compel(CLIPTokenizer.from_pretrained(tmp_path), pair[1])
    rng = random.Random(5)
    for _ in range(120):
        prompt = compel_prompt(rng, depth=2)
        with torch.no_grad():
            words = encode(pair[0], TOKENIZER, prompt, ReadingRules(syntax="compel"))
            assert max_error(words.tensor, compel.build_conditioning_tensor(prompt)) <= 1e-5, prompt


def compel_prompt(rng: random.Random, depth: int) -> str:
    """Words and brackets with weights, at most some 30 tokens."""
    parts = []
    for _ in range(rng.randrange(1, 4)):
        kind = rng.random()
        if depth and kind < 0.4:
            weight = rng.choice(["+", "++", "-", "--", "1.3", "0.5", "0.1", "0", "2"])
            parts.append(f"({compel_prompt(rng, depth - 1)}){weight}")
        elif kind < 0.6:
            parts.append(rng.choice(["cat", "a", "x"]) + rng.choice(["+", "++", "-", "---"]))
        else:
            parts.append(rng.choice(["cat", "a cat", "on", "7 cat", "x"]))
    return rng.choice([" ", ", "]).join(parts)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    parts=st.lists(
        st.sampled_from([*"()[]{}:|+-,\\", "1.3", "0.5", " ", "cat", "é", "BREAK", " AND ", "<lora:x:1>"]), max_size=40
    ),
    syntax=st.sampled_from(SYNTAXES),
)
def test_any_text_is_a_conditioning_or_refused_as_a_prompt(encoder: CLIPText, parts: list[str], syntax: str) -> None:
    try:
        with torch.no_grad():
            words = encode(encoder, TOKENIZER, "".join(parts), ReadingRules(syntax=syntax))
    except PromptError:
        return
    assert words.tensor.isfinite().all()
    assert words.tensor.shape[1] % 77 == 0
    assert all(len(row.ids) == words.tensor.shape[1] for row in words.tokens)


def test_numbers_out_of_range_are_refused(encoder: CLIPText) -> None:
    with pytest.raises(PromptError, match="within ±100"):
        encode(encoder, TOKENIZER, "(cat:1000)")
    with pytest.raises(PromptError, match="max_chunks 0"):
        encode(encoder, TOKENIZER, "cat", ReadingRules(max_chunks=0))
    with pytest.raises(PromptError, match="choose one of"):
        encode(encoder, TOKENIZER, "cat", ReadingRules(emphasis="strong"))


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
        words = encode(encoder, TOKENIZER, ["cat", long], ReadingRules(max_chunks=1))
    [warning] = caught
    lost = len("underapalmtree")
    assert f"{lost} tokens longer than the 75 that fit" in str(warning.message)
    assert "'under a Palm tree'" in str(warning.message)
    assert words.cut == ("under a Palm tree",)
    assert [row.cut for row in words.tokens] == ["", "under a Palm tree"]
    assert torch.equal(words.tensor[1], encode(encoder, TOKENIZER, ["cat", "cat " * 75]).tensor[1])


def test_each_long_prompt_has_its_own_warning(encoder: CLIPText) -> None:
    with pytest.warns(PromptCut) as caught:
        words = encode(encoder, TOKENIZER, ["cat " * 76, "x" * 100_000], ReadingRules(max_chunks=1))
    assert len(caught) == 2
    assert len(str(caught[1].message)) < 400  # the whole cut text is in words.cut
    assert [len(cut) for cut in words.cut] == [len("cat"), 100_000 - 75]


def test_what_fits_is_not_warned_about(encoder: CLIPText) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        words = encode(encoder, TOKENIZER, [*PROMPTS, "cat " * 200])
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
        encode(encoder, TOKENIZER, "cat", ReadingRules(clip_skip=clip_skip))


def test_no_prompt_is_refused(encoder: CLIPText) -> None:
    with pytest.raises(ValueError, match="no prompt"):
        encode(encoder, TOKENIZER, [])


def test_a_tokenizer_of_another_model_is_refused(encoder: CLIPText) -> None:
    larger = Tokenizer(Vocabulary.from_merges([("d", "o"), ("do", "g</w>"), ("a", "n")]))
    with pytest.raises(ValueError, match="same checkpoint"):
        encode(encoder, larger, "dog")
