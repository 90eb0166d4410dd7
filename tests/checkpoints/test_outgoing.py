"""Weights on their way into a file."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from garasu.checkpoints.outgoing import HEADER_LINE, outgoing, shards
from garasu.checkpoints.safetensors_file import Outgoing
from garasu.networks.clip_text import CLIPText, CLIPTextConfig


def tensor(size: int) -> Outgoing:
    return Outgoing(torch.uint8, (size,), lambda: torch.zeros(size, dtype=torch.uint8))


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=20), st.integers(600, 6000))
def test_shards_keep_order_hold_all_and_stay_below(sizes: list[int], most: int) -> None:
    tensors = {f"t{i}": tensor(size) for i, size in enumerate(sizes)}
    groups = list(shards(tensors, most))
    assert [name for group in groups for name in group] == list(tensors)
    for group in groups:
        total = sum(t.size + len(name) + HEADER_LINE for name, t in group.items())
        assert len(group) == 1 or total <= most - HEADER_LINE


def test_one_shard_when_no_limit_is_given() -> None:
    assert len(list(shards({f"t{i}": tensor(10**9) for i in range(5)}, None))) == 1


def test_openclip_fuses_q_k_and_v() -> None:
    text = CLIPText(CLIPTextConfig(vocab_size=9, width=8, layers=1, heads=2, mlp_width=16, projection_width=4))
    found = outgoing(text, "openclip", None, "here.")
    attention = text.layers[0].self_attention
    fused = found["here.transformer.resblocks.0.attn.in_proj_weight"]
    assert fused.shape == (24, 8)
    assert torch.equal(fused.make(), torch.cat([attention.to_q.weight, attention.to_k.weight, attention.to_v.weight]))
    assert text.projection is not None
    assert torch.equal(found["here.text_projection"].make(), text.projection.weight.T)
    assert found["here.text_projection"].shape == (8, 4)


@pytest.mark.parametrize("dtype", [None, torch.float16])
def test_the_type_to_write(dtype: torch.dtype | None) -> None:
    text = CLIPText(CLIPTextConfig(vocab_size=9, width=8, layers=1, heads=2, mlp_width=16)).bfloat16()
    assert {t.dtype for t in outgoing(text, "diffusers", dtype).values()} == {dtype or torch.bfloat16}
