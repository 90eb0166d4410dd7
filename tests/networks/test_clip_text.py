"""CLIP's text tower against transformers' on random weights."""

from dataclasses import replace

import pytest
import torch
from tests.networks.peers import max_error, text_pair

from garasu.networks.clip_text import CLIPText, CLIPTextConfig

SMALL = {
    "quick_gelu": CLIPTextConfig(
        vocab_size=300, width=48, layers=4, heads=4, mlp_width=96, max_length=20, projection_width=24
    ),
    "gelu": CLIPTextConfig(
        vocab_size=300,
        width=64,
        layers=3,
        heads=2,
        mlp_width=160,
        max_length=20,
        activation="gelu",
        projection_width=64,
    ),
}


def prompts(config: CLIPTextConfig, rows: int = 3) -> torch.Tensor:
    """Begin, random words, then end-of-text to the full length, as Stable Diffusion pads."""
    generator = torch.Generator().manual_seed(config.width)
    ids = torch.randint(0, config.vocab_size - 2, (rows, config.max_length), generator=generator)
    ids[:, 0] = config.vocab_size - 2
    for row in range(rows):
        ids[row, 3 + 4 * row :] = config.vocab_size - 1
    return ids


@pytest.mark.parametrize("name", SMALL)
def test_small_towers_agree_with_transformers(name: str) -> None:
    ours, peer = text_pair(SMALL[name])
    ids = prompts(ours.config)
    with torch.inference_mode():
        hidden, there = ours(ids), peer(ids)
        embedding = ours.project(ours.pooled(hidden, ids, eos_id=ours.config.vocab_size - 1))
    assert max_error(hidden, there.last_hidden_state) <= 1e-5
    assert max_error(embedding, there.text_embeds) <= 1e-5


@pytest.mark.parametrize("name", SMALL)
def test_in_double_precision_nothing_differs(name: str) -> None:
    ours, peer = text_pair(SMALL[name])
    ids = prompts(ours.config)
    with torch.inference_mode():
        assert max_error(ours.double()(ids), peer.double()(ids).last_hidden_state) <= 1e-12


@pytest.mark.parametrize("skip", [0, 1, 2, 3])
def test_skip_leaves_out_the_last_layers(skip: int) -> None:
    ours, peer = text_pair(SMALL["quick_gelu"])
    ids = prompts(ours.config)
    with torch.inference_mode():
        expected = peer.text_model.final_layer_norm(peer(ids, output_hidden_states=True).hidden_states[-1 - skip])
        assert max_error(ours(ids, skip=skip), expected) <= 1e-5


@pytest.mark.parametrize("skip", [0, 1, 3])
def test_the_final_normalisation_can_be_left_out(skip: int) -> None:
    ours, peer = text_pair(SMALL["gelu" if skip < 3 else "quick_gelu"])
    ids = prompts(ours.config)
    with torch.inference_mode():
        last = peer(ids, output_hidden_states=True).hidden_states[-1 - skip]
        assert max_error(ours(ids, skip=skip, norm=False), last) <= 1e-5
        assert max_error(ours(ids, skip=skip), peer.text_model.final_layer_norm(last)) <= 1e-5


@pytest.mark.parametrize("name", SMALL)
def test_unseen_tokens_are_those_of_transformers_attention_mask(name: str) -> None:
    ours, peer = text_pair(SMALL[name])
    ids = prompts(ours.config)
    seen = torch.rand(ids.shape, generator=torch.Generator().manual_seed(0)) > 0.4
    seen[:, 0] = True
    with torch.inference_mode():
        there = peer(ids, attention_mask=seen.long()).last_hidden_state
        assert max_error(ours(ids, seen=seen), there) <= 1e-5
        assert max_error(ours(ids), there) > 1e-2


def test_short_inputs_need_no_padding() -> None:
    """Causal: what comes later changes nothing before it."""
    ours, _ = text_pair(SMALL["gelu"])
    ids = prompts(ours.config)
    with torch.inference_mode():
        assert max_error(ours(ids[:, :7]), ours(ids)[:, :7]) <= 1e-5


def test_pooled_takes_the_first_end_of_text() -> None:
    ours = CLIPText(SMALL["quick_gelu"])
    hidden = torch.arange(2 * 5, dtype=torch.float32).reshape(2, 5, 1)
    ids = torch.tensor([[7, 1, 9, 9, 9], [7, 9, 2, 9, 9]])
    assert ours.pooled(hidden, ids, eos_id=9).flatten().tolist() == [2.0, 6.0]


def test_a_tower_without_projection_says_so() -> None:
    with pytest.raises(ValueError, match="text_projection"):
        CLIPText(replace(SMALL["gelu"], projection_width=None)).project(torch.zeros(1, 64))


def test_the_default_is_stable_diffusion_1() -> None:
    with torch.device("meta"):
        assert sum(value.numel() for value in CLIPText().parameters()) == 123_060_480


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        CLIPTextConfig(projection_width=768),
        CLIPTextConfig(width=1024, layers=23, heads=16, mlp_width=4096, activation="gelu", projection_width=1024),
    ],
    ids=["ViT-L", "OpenCLIP-H"],
)
def test_full_size_agrees_with_transformers(config: CLIPTextConfig) -> None:
    ours, peer = text_pair(config)
    ids = prompts(config, rows=2)
    with torch.inference_mode():
        assert max_error(ours(ids), peer(ids).last_hidden_state) <= 1e-4
