"""What hooks see, and that they change nothing."""

import pytest
import torch

from garasu.diffusion.denoiser import Denoiser
from garasu.glass.record.errors import RecordError
from garasu.glass.record.options import CROSS_ATTENTION, RecordOptions
from garasu.glass.record.seen import Eyes
from garasu.panes import PaneError, Recording, look

LAYER = "unet.middle.transformers.0.blocks.0"


def seen_of(sd, options, **knobs):
    """What is seen of the first step, and that step."""
    eyes = Eyes(sd, options)
    with eyes.looking():
        step = next(sd.sample(sd.encode("a cat"), seed=3, steps=2, **knobs))
    return eyes.taken(), step


def test_predictions_are_what_the_network_says_when_asked_by_hand(tiny):
    seen, step = seen_of(tiny, RecordOptions())
    assert seen.rows == ("negative 0", "prompt 0")
    words = torch.cat([tiny.encode("").tensor, tiny.encode("a cat").tensor])
    sigma = torch.tensor(step.sigma)
    x = (step.latent / (1 + sigma**2).sqrt()).repeat(2, 1, 1, 1)
    with torch.no_grad():
        eps = tiny.unet(x, tiny.schedule.t(sigma).float().expand(2), words)
    torch.testing.assert_close(torch.cat(seen.eps), eps, rtol=1e-4, atol=1e-5)
    assert torch.equal(torch.cat(seen.conditioning), words)


def test_a_network_that_predicts_v_says_eps_too(new_tiny):
    sd = new_tiny()
    sd.denoiser = Denoiser(sd.unet, sd.schedule, "v_prediction")
    x0 = Recording()
    with look(sd, {"denoiser.x0": x0}):
        seen, step = seen_of(sd, RecordOptions())
    said = (step.latent.repeat(2, 1, 1, 1) - x0.values[0][1]) / step.sigma
    torch.testing.assert_close(torch.cat(seen.eps), said, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("heads", [False, True])
def test_attention_is_what_its_pane_shows(tiny, heads):
    names = (CROSS_ATTENTION, f"{LAYER}.self_attention.weights")
    shown = {name: Recording() for name in names}
    options = RecordOptions(panes=names, heads=heads, dtype="float32")
    with look(tiny, shown):
        seen, _ = seen_of(tiny, options)
    assert len(seen.panes) == 7 + 1
    for recording in shown.values():
        for at, weights in recording.values:
            (kept,) = seen.panes[at.name]
            torch.testing.assert_close(kept, weights if heads else weights.mean(1), rtol=1e-4, atol=1e-6)
            torch.testing.assert_close(kept.sum(-1), torch.ones(kept.shape[:-1]))


def test_what_is_seen_changes_nothing(tiny):
    words = tiny.encode("a cat")
    *_, unseen = tiny.sample(words, seed=3, steps=3)
    eyes = Eyes(tiny, RecordOptions(panes=(CROSS_ATTENTION, "unet.*.self_attention.weights", "unet.middle")))
    with eyes.looking():
        *_, step = tiny.sample(words, seed=3, steps=3)
    assert torch.equal(step.latent, unseen.latent)


def test_other_values_are_kept_as_they_are(tiny):
    middle = Recording()
    with look(tiny, {"unet.middle": middle}):
        seen, _ = seen_of(tiny, RecordOptions(panes=("unet.middle", "unet.conv_out")))
    assert torch.equal(seen.panes["unet.middle"][0], middle.values[0][1].half())
    assert torch.equal(seen.panes["unet.conv_out"][0], seen.eps[0].half())


def test_closed_eyes_see_nothing(tiny):
    eyes = Eyes(tiny, RecordOptions())
    eyes.open = False
    with eyes.looking():
        next(tiny.sample(tiny.encode("a cat"), steps=2))
    seen = eyes.taken()
    assert (seen.rows, seen.eps, seen.panes, seen.nbytes) == ((), [], {}, 0)


def test_an_inpainting_networks_prediction_is_of_its_first_channels(new_tiny):
    sd = new_tiny(in_channels=9)
    sd.denoiser = Denoiser(sd.unet, sd.schedule, "v_prediction")
    seen, step = seen_of(sd, RecordOptions(), guidance_scale=1)
    assert seen.rows == ("prompt 0",)
    torch.testing.assert_close(seen.eps[0], (step.latent - step.x0) / step.sigma, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("pattern", "problem", "why"),
    [
        ("unet.midle", PaneError, "Near names: unet.middle"),
        ("*.weights", RecordError, "inside the U-Net"),
        ("unet.down", RecordError, "nothing passes 'unet.down'"),
    ],
)
def test_names_of_nothing_are_refused(tiny, pattern, problem, why):
    with pytest.raises(problem, match=why):
        Eyes(tiny, RecordOptions(panes=(pattern,)))


def test_a_list_among_many_is_left_out(tiny):
    seen, _ = seen_of(tiny, RecordOptions(panes=("unet.middle.resnets*",)))
    assert "unet.middle.resnets.0" in seen.panes
    assert "unet.middle.resnets" not in seen.panes
