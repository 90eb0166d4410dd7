"""The ladder's last block on kept features: exactly the U-Net where nothing changed, and never from another shape."""

import pytest
import torch

from garasu.networks.deep_cache import DeepCached
from garasu.networks.unet import UNet, UNetConfig
from garasu.panes import look

CONFIG = UNetConfig(channels=(16, 32, 32), attention=(True, True, False), heads=(2, 2, 2), context_width=32, groups=8)
T, OTHER_T = torch.tensor([500.0, 500.0]), torch.tensor([400.0, 400.0])


def values(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


X, WORDS = values(2, 4, 8, 8), values(2, 7, 32)


@pytest.fixture(scope="module", params=[(True, True, False), (False, True, False)])
def unet(request):
    torch.manual_seed(0)
    return UNet(UNetConfig(**{**CONFIG.__dict__, "attention": request.param})).requires_grad_(False)


def test_the_same_question_again_is_answered_exactly_from_what_is_kept(unet):
    cached = DeepCached(unet)
    assert torch.equal(cached(X, T, WORDS), unet(X, T, WORDS))
    assert torch.equal(cached(X, T, WORDS), unet(X, T, WORDS))


def test_between_refreshes_only_the_last_block_runs(unet):
    cached = DeepCached(unet)
    seen: list[str] = []
    watch = {"unet.down.0.resnets.0": "down", "unet.middle": "middle", "unet.up.2.resnets.*.conv1": "up"}
    with look(cached, {name: (lambda _, at, what=what: seen.append(what)) for name, what in watch.items()}):
        cached(X, T, WORDS)
        assert seen == ["down", "middle", "up", "up", "up"]
        seen.clear()
        kept = cached(X + 1, OTHER_T, WORDS)
        assert seen == ["up"]
    assert not torch.allclose(kept, unet(X, T, WORDS)), "what is new enters"
    assert not torch.allclose(kept, unet(X + 1, OTHER_T, WORDS)), "and what is deep is old"
    cached.forget()
    assert torch.equal(cached(X + 1, OTHER_T, WORDS), unet(X + 1, OTHER_T, WORDS))


@pytest.mark.parametrize("x", [values(1, 4, 8, 8), values(2, 4, 8, 16)], ids=["rows", "size"])
def test_another_shape_runs_the_whole_ladder(unet, x):
    cached, rows = DeepCached(unet), len(x)
    cached(X, T, WORDS)
    assert torch.equal(cached(x, T[:rows], WORDS[:rows]), unet(x, T[:rows], WORDS[:rows]))


def test_a_change_through_a_pane_is_kept_once(unet):
    """What is kept is what a watcher made of it, and between refreshes the watcher is not asked again."""
    cached = DeepCached(unet)
    name = f"unet.up.2.{'transformers' if len(unet.up[-1].transformers) else 'resnets'}.1"
    with look(cached, {name: lambda value, at: value * 0.5}):
        changed = cached(X, T, WORDS)
        assert torch.equal(cached(X, T, WORDS), changed)
    assert torch.equal(cached(X, T, WORDS), changed)
    assert not torch.allclose(changed, unet(X, T, WORDS))


def test_a_compiled_unet_keeps_its_features_too(unet):
    compiled = DeepCached(unet)
    expected = unet(X, T, WORDS)
    unet.compile(backend="eager")
    try:
        unet(X, T, WORDS)
        assert torch.equal(compiled(X, T, WORDS), expected)
        assert compiled.deep is not None
    finally:
        unet._compiled_call_impl = None
