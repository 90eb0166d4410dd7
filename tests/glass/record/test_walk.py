"""The quantities of a walk, each against its formula."""

import pytest
import torch

from garasu.glass.record.errors import RecordError
from garasu.panes import Recording, look


def test_every_quantity_is_what_the_run_had(tiny, kept):
    x0s, walk = Recording(), kept.walks[0]
    words, negative = tiny.encode("a black cat"), tiny.encode("dog")
    with look(tiny, {"denoiser.x0": x0s}):
        steps = list(tiny.sample(words, negative=negative, seed=[7, 8], steps=4, guidance_scale=5))
    assert len(walk) == 4
    for index, (step, (_, halves)) in enumerate(zip(steps, x0s.values, strict=False)):
        away, towards = halves.chunk(2)
        assert torch.equal(walk.latent[index], step.latent)
        assert torch.equal(walk.x0[index], step.x0)
        assert walk.sigma[index] == step.sigma
        assert walk.t[index] == pytest.approx(float(tiny.schedule.t(step.sigma)))
        close = {"rtol": 1e-4, "atol": 1e-4}
        torch.testing.assert_close(walk.x0_negative[index], away, **close)
        torch.testing.assert_close(walk.x0_prompt[index], towards, **close)
        torch.testing.assert_close(walk.eps_prompt[index], (step.latent - towards) / step.sigma, **close)
        torch.testing.assert_close(walk.difference[index], (away - towards) / step.sigma, **close)
        torch.testing.assert_close(walk.eps[index], walk.eps_negative[index] + 5 * walk.difference[index], **close)
        assert torch.equal(walk.conditioning[index], words.tensor.expand(2, -1, -1))
        assert torch.equal(walk.negative[index], negative.tensor.expand(2, -1, -1))
    assert torch.equal(walk.finished, steps[-1].latent)
    assert all(seconds > 0 for seconds in walk.seconds)


def test_rows_have_the_seeds_that_they_came_from(kept):
    assert kept.walks[0].labels == ("seed 7", "seed 8")
    assert kept.walks[0].rows(0) == ("negative 0", "negative 1", "prompt 0", "prompt 1")
    assert torch.equal(kept.latent.row("seed 8"), kept.latent.stacked()[:, 1])
    assert "4 steps of a 8x8 latent" in repr(kept.walks[0])


def test_panes_of_either_side(kept):
    walk = kept.walks[0]
    (name, *_) = walk.panes
    whole = walk.panes[name]
    assert whole.labels == ("negative 0", "negative 1", "prompt 0", "prompt 1")
    assert torch.equal(torch.cat([walk.pane(name, "negative")[2], walk.pane(name)[2]]), whole[2])
    with pytest.raises(RecordError, match=r"no pane 'unet.x': it has unet.down.0"):
        walk.pane("unet.x")


def test_maps_add_up_to_all_attention(kept):
    walk = kept.walks[0]
    for name in walk.panes:
        one = walk.maps(name, (3,))[0]
        rest = walk.maps(name, (*range(3), *range(4, 77)))[0]
        torch.testing.assert_close(one + rest, torch.ones_like(one))
    first = next(iter(walk.panes))
    assert walk.maps(first, (3,))[0].shape == (2, 8, 8)
    assert torch.equal(walk.maps(first, (3,))[1][0].flatten(), walk.pane(first)[1][0, :, 3])
