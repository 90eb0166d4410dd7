"""Channels as they are, and as the VAE sees them."""

import numpy as np
import pytest
import torch
from tests.glass.walks import SIGMA, noised, smooth

from garasu.glass.preview import linear_preview
from garasu.images.convert import to_tensor
from garasu.model import StableDiffusion

pytest.importorskip("matplotlib")
from garasu.glass.latent import caption, channel_views, latent_figure


def test_a_channel_alone_and_a_latent_without_it(tiny: StableDiffusion) -> None:
    latent = smooth(8, 16)
    views = channel_views(tiny, latent, tiny.decode(latent))
    whole = np.asarray(tiny.decode(latent)).astype(float)
    assert [view.channel for view in views] == [0, 1, 2, 3]
    for view in views:
        alone, missing = torch.zeros_like(latent), latent.clone()
        alone[:, view.channel] = latent[:, view.channel]
        missing[:, view.channel] = 0
        assert view.only.tobytes() == tiny.decode(alone).tobytes()
        assert view.without.tobytes() == tiny.decode(missing).tobytes()
        change = np.sqrt(((np.asarray(view.without) - whole) ** 2).mean())
        assert view.change == pytest.approx(change, rel=1e-5)


@pytest.mark.parametrize("quantity", ["latent", "x0", "eps"])
def test_maps_preview_and_pictures_are_of_the_latents(tiny: StableDiffusion, quantity: str) -> None:
    run = noised(smooth(8, 16))
    upper, lower = latent_figure(tiny, run, (0, 2), quantity).subfigs
    shown = {"latent": lambda k: run.latent(k) / (1 + SIGMA[k] ** 2) ** 0.5, "x0": run.x0, "eps": run.eps}[quantity]
    latents = torch.cat([shown(0), shown(2), run.finished])
    panels = np.array(upper.axes[:18]).reshape(6, 3)
    for column, latent in enumerate(latents):
        for channel in range(4):
            assert np.array_equal(panels[channel, column].images[0].get_array(), latent[channel])
    limits = {axes.images[0].get_clim() for axes in panels[:4].flat}
    assert len(limits) == 1, "one scale for all maps"
    previews, decoded = linear_preview(tiny)(latents), tiny.decode(latents)
    for row, pictures in ((4, previews), (5, decoded)):
        for axes, picture in zip(panels[row], pictures, strict=True):
            assert np.array_equal(axes.images[0].get_array(), np.asarray(picture))
    views = channel_views(tiny, run.finished, tiny.decode(run.finished))
    below = np.array(lower.axes).reshape(2, 5)
    for column, view in enumerate(views):
        assert np.array_equal(below[0, column].images[0].get_array(), np.asarray(view.only))
        assert np.array_equal(below[1, column].images[0].get_array(), np.asarray(view.without))
    nothing = to_tensor(tiny.decode(torch.zeros_like(run.finished)))
    assert np.array_equal(below[0, 4].images[0].get_array(), ((nothing[0] + 1) * 127.5).round().movedim(0, -1))


def test_the_caption_names_the_channel_that_matters(tiny: StableDiffusion) -> None:
    latent = smooth() * torch.tensor([0.1, 0, 3.0, 0.2])[:, None, None]
    views = channel_views(tiny, latent, tiny.decode(latent))
    most = max(views, key=lambda view: view.change)
    said = caption(torch.cat([latent, latent]), views)
    assert f"without channel {most.channel} the finished picture changes most, by {most.change:.0f} of" in said
    assert "without channel 1 least, by 0." in said
