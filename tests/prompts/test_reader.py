"""Text to what a walk is told, on the whole model with random weights."""

import pytest
import torch

from garasu.prompts.conditioning import NetworkIgnored, PromptCut
from garasu.prompts.expression import ExpressionError
from garasu.prompts.prompt import PromptError
from garasu.prompts.schedule import guided_stretches


def told(sd, prompt, steps=10, **how):
    """Each stretch: its last step, and its parts' contexts with their weights."""
    return [(one.until, [(part.context, part.weight) for part in one.parts])
            for one in sd.prompt_schedule(prompt, **how).over(steps)]  # fmt: skip


def test_a_plain_prompt_is_told_from_beginning_to_end(tiny):
    ((until, ((context, weight),)),) = told(tiny, "a black cat")
    assert (until, weight) == (10, 1.0)
    assert torch.equal(context, tiny.encode("a black cat").tensor)


def test_prompt_editing_and_alternation(tiny):
    (first, before), (last, after) = told(tiny, "a [cat:dog:0.3]")
    assert (first, last) == (3, 10)
    assert torch.equal(before[0][0], tiny.encode("a cat").tensor)
    assert torch.equal(after[0][0], tiny.encode("a dog").tensor)
    turns = told(tiny, "[cat|dog]", steps=4)
    assert [until for until, _ in turns] == [1, 2, 3, 4]
    for (_, ((context, _),)), word in zip(turns, ["cat", "dog"] * 2, strict=True):
        assert torch.equal(context, tiny.encode(word).tensor)


def test_and_makes_parts_in_prompts_and_is_a_word_in_negative_ones(tiny):
    ((_, parts),) = told(tiny, "a cat AND a dog :0.5")
    assert [weight for _, weight in parts] == [1.0, 0.5]
    for (context, _), text in zip(parts, ["a cat", "a dog"], strict=True):
        assert torch.allclose(context, tiny.encode(text).tensor, atol=1e-6)
    ((_, negative),) = told(tiny, "cat AND dog", composes=False)
    assert torch.equal(negative[0][0], tiny.encode("cat and dog").tensor)


def test_a_mix_is_one_conditioning(tiny):
    ((_, ((context, weight),)),) = told(tiny, "cat:3|dog:1", syntax="novelai")
    expected = 0.75 * tiny.encode("cat").tensor + 0.25 * tiny.encode("dog").tensor
    assert weight == 1.0
    assert torch.allclose(context, expected, atol=1e-6)


def test_expressions_are_calculated_and_their_words_read_once(tiny, monkeypatch):
    calls = []
    monkeypatch.setattr("garasu.prompts.reader.encode", _counting(calls))
    rows = [f"lerp(cat, dog, {share})" for share in (0.25, 0.5)]
    ((_, ((context, _),)),) = told(tiny, rows, syntax="algebra")
    assert sorted(calls) == ["cat", "dog"]
    cat, dog = tiny.encode("cat").tensor, tiny.encode("dog").tensor
    assert torch.allclose(context, torch.cat([torch.lerp(cat, dog, share) for share in (0.25, 0.5)]), atol=1e-6)
    ((_, ((nothing, _),)),) = told(tiny, "", syntax="algebra")
    assert torch.equal(nothing, tiny.encode("").tensor)


def _counting(calls):
    from garasu.prompts.conditioning import encode

    def counted(text_encoder, tokenizer, text, rules):
        calls.append(text)
        return encode(text_encoder, tokenizer, text, rules)

    return counted


def test_settings_reach_the_text_encoder(tiny):
    for how in (
        {"clip_skip": 2},
        {"clip_skip": 2, "clip_skip_norm": False},
        {"emphasis": "no-norm"},
        {"emphasis": "ignore"},
        {"syntax": "comfy"},
        {"syntax": "plain"},
    ):
        ((_, ((context, _),)),) = told(tiny, "a (black:1.5) cat", **how)
        assert torch.equal(context, tiny.encode("a (black:1.5) cat", **how).tensor)
        assert not torch.equal(context, tiny.encode("a (black:1.5) cat").tensor)


def test_long_prompts_and_short_negative_ones_are_padded_alike(tiny):
    long = "cat, " * 80
    schedule, short = tiny.prompt_schedule(long), tiny.prompt_schedule("dog")
    (one,) = guided_stretches(schedule, short, 5)
    assert one.parts[0].context.shape[1] == one.negative.shape[1] == 3 * 77
    with pytest.warns(PromptCut, match="longer than the 75 that fit"):
        ((_, ((context, _),)),) = told(tiny, long, max_chunks=1)
    assert context.shape[1] == 77


def test_networks_are_said_to_be_ignored(tiny):
    with pytest.warns(NetworkIgnored, match="<lora:fur> in the prompt is not applied"):
        ((_, ((context, _),)),) = told(tiny, "a cat<lora:fur:0.7>")
    assert torch.equal(context, tiny.encode("a cat").tensor)


def test_what_cannot_be_read_is_refused(tiny):
    with pytest.raises(PromptError, match="syntax"):
        tiny.prompt_schedule("cat", syntax="runes")
    with pytest.raises(ExpressionError, match="column"):
        tiny.prompt_schedule("cat +", syntax="algebra")
    with pytest.raises(PromptError, match="emphasis"):
        tiny.prompt_schedule("cat", emphasis="loud").over(5)


def test_expressions_are_encoded_like_any_prompt(tiny):
    long = "cat, " * 80
    found = tiny.encode(["cat + 0.5*dog", f'"{long}"', ""], syntax="algebra").tensor
    assert found.shape[:2] == (3, 3 * 77)
    assert torch.allclose(found[0, :77], (tiny.encode("cat").tensor + 0.5 * tiny.encode("dog").tensor)[0], atol=1e-6)
    assert torch.allclose(found[1], tiny.encode(long).tensor[0], atol=1e-6)
    assert torch.allclose(found[2, 77:154], tiny.encode("").tensor[0], atol=1e-6)


def test_no_prompt_is_refused(tiny):
    for read in (tiny.encode, tiny.prompt_schedule):
        for syntax in ("a1111", "algebra"):
            with pytest.raises(ValueError, match="There is no prompt"):
                read([], syntax=syntax)
