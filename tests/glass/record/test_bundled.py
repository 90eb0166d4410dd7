"""The bundled model as it is run: by this machine's engine, in its fastest number format."""

import numpy as np
import pytest
import torch

import garasu
from garasu.diffusion.steps import Step
from garasu.glass.record.recording import record
from garasu.glass.record.replaying import replay_steps
from garasu.model import StableDiffusion
from garasu.panes import Recording, look
from garasu.tasks.txt2img import Txt2Img, txt2img

RECIPE = Txt2Img(prompt="a black cat with yellow eyes", seed=7, steps=6, sampler="dpmpp_2m_sde")


@pytest.fixture(scope="module")
def sd() -> StableDiffusion:
    return garasu.load()


@pytest.fixture(scope="module")
def kept(sd, tmp_path_factory):
    return record(sd, RECIPE, tmp_path_factory.mktemp("records") / "run")


def test_recording_changes_no_pixel(sd, kept):
    assert sd.decode(kept.finished).tobytes() == txt2img(sd, RECIPE).image.tobytes()


@pytest.mark.parametrize("start", range(6))
def test_a_replay_is_the_same_to_the_bit(sd, kept, start):
    steps = [one for one in replay_steps(sd, kept, start=start) if isinstance(one, Step)]
    for index, step in enumerate(steps[:-1]):
        assert torch.equal(step.latent, kept.latent[index])
        assert torch.equal(step.x0, kept.x0[index])
    assert torch.equal(steps[-1].latent, kept.finished)


def test_attention_is_that_of_the_pane_as_far_as_the_format_goes(sd, kept):
    """Who looks through the pane has the network computed another way, so in bfloat16 it is another run."""
    shown = Recording(lambda weights: weights.mean(1).float())
    with look(sd, {"unet.*.cross_attention.weights": shown}):
        next(sd.sample(sd.encode(RECIPE.prompt), seed=7, steps=6, sampler="dpmpp_2m_sde"))
    assert len(shown.values) == len(kept.panes) == 7
    for at, weights in shown.values:
        recorded = kept.panes[at.name][0].float()
        assert (recorded - weights).abs().sum(-1).mean() < 0.05  # of all attention, which is 1
        assert (recorded.sum(-1) - 1).abs().max() < 2e-3


def test_the_word_is_where_the_cat_is(sd, kept):
    """In the layers that look at things: twice as much attention on what is black as beside it."""
    gray = sd.decode(kept.finished).convert("L").resize((8, 8))
    cat = torch.from_numpy(np.array(gray)) < 110
    assert 6 < cat.sum() < 40
    for name in ("unet.up.1.transformers.0", "unet.up.1.transformers.1"):
        series = kept.attention("cat")[f"{name}.blocks.0.cross_attention.weights"]
        mean = series.stacked().mean(0)[0]
        assert mean[cat].mean() > 2 * mean[~cat].mean()
