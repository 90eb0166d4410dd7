"""Maps of words, against the record's own."""

import pytest
import torch

from garasu.glass.page.maps import (
    all_maps,
    attention_layers,
    attention_steps,
    stack_size,
    stacks,
    word_maps,
)
from garasu.glass.page.words import columns
from garasu.glass.record.options import RecordOptions


@pytest.fixture
def walk(kept):
    return kept.walks[0]


@pytest.fixture
def some(kept, tiny):
    return columns(kept.tokens["prompt"], tiny.tokenizer.bos_id, 77)


def test_one_layer_is_the_record_s_map(kept, walk, some):
    by_layer = kept.attention("cat")
    for name in attention_layers(walk):
        maps = word_maps(walk, 2, (name,), some, stack_size(walk, (name,), 64))
        assert torch.allclose(maps[:, 3], by_layer[name][2], atol=1e-6)
        assert torch.allclose(maps.sum(1), torch.ones(()), atol=2e-3)  # of float16


def test_means_bring_layers_to_the_finest_and_still_sum_to_one(walk, some):
    names = attention_layers(walk)
    size = stack_size(walk, names, 64)
    assert size == walk.grid
    mean = word_maps(walk, 1, names, some, size)
    assert torch.allclose(mean.sum(1), torch.ones(()), atol=2e-3)
    fine = [name for name in names if stack_size(walk, (name,), 64) == size]
    coarse = [name for name in names if name not in fine]
    each = [word_maps(walk, 1, (name,), some, size) for name in names]
    assert coarse
    assert torch.allclose(mean, torch.stack(each).mean(0), atol=1e-6)


def test_a_limit_makes_maps_coarser_by_their_means(walk, some):
    names = attention_layers(walk)[:1]
    full, small = (word_maps(walk, 0, names, some, size) for size in ((8, 8), (4, 4)))
    assert stack_size(walk, names, 4) == (4, 4)
    assert torch.allclose(small, full.unflatten(-1, (4, 2)).unflatten(-3, (4, 2)).mean((-3, -1)), atol=1e-6)


def test_heads_are_averaged(keep, tiny):
    together = keep("a black cat").walks[0]
    apart = keep("a black cat", RecordOptions(heads=True)).walks[0]
    some = columns(keep("a black cat").tokens["prompt"], tiny.tokenizer.bos_id, 77)
    names = attention_layers(together)
    first, second = (word_maps(one, 3, names, some, (8, 8)) for one in (together, apart))
    assert torch.allclose(first, second, atol=1e-3)


def test_what_can_be_chosen(walk):
    names = attention_layers(walk)
    chosen = stacks(walk, each=True)
    assert list(chosen)[:3] == ["mean of unet.up.1", "mean of unet.up", f"mean of all {len(names)} layers"]
    assert all(name.startswith("unet.up.1.") for name in chosen["mean of unet.up.1"])
    assert list(chosen.values())[3:] == [(name,) for name in names]
    assert list(stacks(walk, each=False)) == list(chosen)[:3]


def test_all_maps_have_steps_first_and_are_float16(walk, some):
    made = all_maps(walk, [0, 3], {"all": attention_layers(walk)}, some, 64)
    assert made["all"].shape == (2, 2, len(some), 8, 8)
    assert made["all"].dtype == torch.float16
    assert torch.equal(made["all"][1], word_maps(walk, 3, attention_layers(walk), some, (8, 8)).half())


def test_a_step_whose_attention_was_not_kept_has_the_last_one_s(keep):
    walk = keep("cat", RecordOptions(every=2)).walks[0]
    assert attention_steps(walk, (0, 1, 2, 3)) == (0, 0, 2, 2)
