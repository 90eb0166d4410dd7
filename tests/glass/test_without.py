"""Parts of a U-Net that are switched off, against a U-Net whose weights make the same part nothing."""

import pytest
import torch

from garasu.glass.without import check_parts, skips, without
from garasu.panes import PaneError, Recording, look


def finished(sd):
    *_, last = sd.sample(sd.encode("a black cat"), seed=7, steps=3, guidance_scale=5)
    return last.latent


def silence(sd, *layers):
    with torch.no_grad():
        for layer in layers:
            module = sd.get_submodule(layer)
            module.weight.zero_()
            if module.bias is not None:
                module.bias.zero_()


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("unet.up.1.transformers.0", ["unet.up.1.transformers.0.proj_out"]),
        ("unet.down.1.resnets.0", ["unet.down.1.resnets.0.conv2"]),
        (
            "unet.middle",
            [f"unet.middle.{one}" for one in ("resnets.0.conv2", "resnets.1.conv2", "transformers.0.proj_out")],
        ),
        (
            "unet.up.2.transformers.1.blocks.0.cross_attention",
            ["unet.up.2.transformers.1.blocks.0.cross_attention.to_out"],
        ),
        (
            "unet.down.0.transformers.0.blocks.0.feed_forward",
            ["unet.down.0.transformers.0.blocks.0.feed_forward.proj_out"],
        ),
    ],
)
def test_a_block_adds_nothing(tiny, new_tiny, name, layers):
    other = new_tiny()
    silence(other, *layers)
    with without(tiny, name):
        latent = finished(tiny)
    torch.testing.assert_close(latent, finished(other))
    assert not torch.allclose(latent, finished(tiny))


@pytest.mark.parametrize("index", range(6))
def test_a_skip_is_zeros_where_the_block_would_read_what_was_left(tiny, index):
    left, reader, channels = skips(tiny.unet)[index]
    seen = Recording()
    given = Recording()
    with look(tiny, {left: seen}), without(tiny, f"skip.{index}"), look(tiny, before={reader: given}):
        finished(tiny)
    first, read = seen.values[0][1], given.values[0][1]
    assert first.shape[1] == channels
    assert not read[:, -channels:].any()
    assert read[:, :-channels].any()
    plain = Recording()
    with look(tiny, {left: seen}), look(tiny, before={reader: plain}):
        finished(tiny)
    assert torch.equal(plain.values[0][1][:, -channels:], first)  # what is switched off is what was left


def test_several_are_switched_off_at_once_and_all_come_back(tiny):
    before = finished(tiny)
    with without(tiny, ["skip.0", "unet.middle"]):
        both = finished(tiny)
    with without(tiny, "skip.0"):
        one = finished(tiny)
    assert not torch.allclose(both, one)
    assert torch.equal(finished(tiny), before)
    with without(tiny, []):
        assert torch.equal(finished(tiny), before)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("skip.6", "there is no skip.6: this U-Net has 6 skips, skip.0 to skip.5"),
        ("unet.conv_in", "nothing in 'unet.conv_in' can be switched off"),
        ("vae.decoder*", "nothing in 'vae.decoder.' can be switched off"),
        ("unet.midle", "No module is named 'unet.midle'. Near names: unet.middle"),
    ],
)
def test_what_cannot_be_switched_off_is_refused(tiny, name, message):
    with pytest.raises(PaneError, match=message):
        check_parts(tiny, [name])
    with pytest.raises(PaneError, match=message), without(tiny, name):
        pass
