"""What a walk is told, by readings that are written out here."""

from dataclasses import dataclass

import pytest
import torch

from garasu.prompts.conditioning import Conditioning
from garasu.prompts.schedule import PromptSchedule, filled, guided_stretches

D = 3


def tensor(text: str) -> torch.Tensor:
    """A conditioning that a text can be told by: 4 tokens, or 8 of a text with a plus."""
    value = float(sum(map(ord, text)))
    return torch.full((1, 8 if "+" in text else 4, D), value)


@dataclass(frozen=True)
class Told:
    """Says each text up to its step, given as a share of the steps."""

    texts: tuple[tuple[float, tuple[tuple[str, float], ...]], ...]

    def changes(self, steps):
        return [round(share * steps) for share, _ in self.texts]

    def at(self, step, steps):
        return next(parts for share, parts in self.texts if step <= round(share * steps))


def steady(text: str) -> Told:
    return Told(((1.0, ((text, 1.0),)),))


class Encoding:
    """Keeps what it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, text):
        self.asked.append(text)
        return Conditioning(tensor(text))


def schedule(*prompts: Told) -> tuple[PromptSchedule, Encoding]:
    encoding = Encoding()
    return PromptSchedule(prompts, encoding, lambda text: tensor(text).shape[1], lambda: tensor("")), encoding


def test_a_steady_prompt_is_one_stretch_of_one_row_for_all():
    found, encoding = schedule(*[steady("cat")] * 3)
    (one,) = found.over(20)
    (part,) = one.parts
    assert (one.until, part.weight, len(found)) == (20, 1.0, 3)
    assert torch.equal(part.context, tensor("cat"))
    assert encoding.asked == ["cat"]


def test_rows_that_change_at_different_steps_are_told_so():
    a = Told(((0.5, (("a", 1.0),)), (1.0, (("b", 1.0),))))
    c = Told(((0.75, (("c", 1.0),)), (1.0, (("d", 1.0),))))
    found, encoding = schedule(a, c)
    stretches = found.over(8)
    assert [one.until for one in stretches] == [4, 6, 8]
    for one, texts in zip(stretches, ["ac", "bc", "bd"], strict=True):
        assert torch.equal(one.parts[0].context, torch.cat([tensor(text) for text in texts]))
    assert sorted(encoding.asked) == ["a", "b", "c", "d"]
    assert [one.until for one in found.over(80)] == [40, 60, 80]  # the same for a walk of another length
    assert sorted(encoding.asked) == ["a", "b", "c", "d"]  # and nothing is encoded again


def test_stretches_that_say_the_same_are_one():
    same = Told(((0.5, (("a", 1.0),)), (1.0, (("a", 1.0),))))
    found, _ = schedule(same)
    assert [one.until for one in found.over(10)] == [10]


def test_parts_that_a_row_has_not_count_nothing():
    both = Told(((1.0, (("a", 1.0), ("b", 0.5))),))
    found, _ = schedule(both, steady("c"))
    (one,) = found.over(5)
    first, second = one.parts
    assert first.weight == 1.0
    assert second.weight.tolist() == [0.5, 0.0]
    assert torch.equal(first.context, torch.cat([tensor("a"), tensor("c")]))
    assert torch.equal(second.context[:1], tensor("b"))


def test_what_is_shorter_is_filled_up_with_the_empty_prompt_in_every_stretch():
    growing = Told(((0.5, (("a", 1.0),)), (1.0, (("b+", 1.0),))))
    follow, _ = schedule(growing)
    avoid, _ = schedule(steady("no"))
    for one in guided_stretches(follow, avoid, 10):
        assert one.parts[0].context.shape == one.negative.shape == (1, 8, D)
        assert torch.equal(one.negative, torch.cat([tensor("no"), tensor("")], dim=1))
    first, _ = guided_stretches(follow, avoid, 10)
    assert torch.equal(first.parts[0].context, torch.cat([tensor("a"), tensor("")], dim=1))
    longer, _ = schedule(steady("no+"))
    (one,) = guided_stretches(schedule(steady("a"))[0], longer, 10)
    assert torch.equal(one.parts[0].context, torch.cat([tensor("a"), tensor("")], dim=1))


def test_negative_prompts_change_on_their_own():
    follow, _ = schedule(Told(((0.5, (("a", 1.0),)), (1.0, (("b", 1.0),)))))
    avoid, _ = schedule(Told(((0.2, (("x", 1.0),)), (1.0, (("y", 1.0),)))))
    found = guided_stretches(follow, avoid, 10)
    assert [one.until for one in found] == [2, 5, 10]
    said = [(one.parts[0].context[0, 0, 0].item(), one.negative[0, 0, 0].item()) for one in found]
    assert said == [tuple(float(ord(text)) for text in pair) for pair in ("ax", "ay", "by")]


def test_a_tensor_is_told_from_beginning_to_end():
    (one,) = guided_stretches(tensor("a"), None, 7)
    assert (one.until, one.negative, one.alone) == (7, None, True)
    (both,) = guided_stretches(schedule(Told(((1.0, (("a", 1.0), ("b", 1.0))),)))[0], None, 7)
    assert not both.alone


def test_only_whole_empty_prompts_fill_up():
    with pytest.raises(ValueError, match="4 tokens cannot be filled up to 6 by 4"):
        filled(tensor("a"), 6, tensor(""))
