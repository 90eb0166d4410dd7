"""One picture of a record."""

from pathlib import Path

import pytest
import torch
from tests.glass.walks import noised, smooth

from garasu.glass.picture_walk import picture_walk
from garasu.glass.record.errors import RecordError
from garasu.glass.record.opening import Record
from garasu.glass.record.options import RecordOptions
from garasu.glass.record.recording import record
from garasu.model import StableDiffusion
from garasu.tasks.txt2img import Txt2Img


@pytest.fixture(scope="module")
def kept(tiny: StableDiffusion, tmp_path_factory: pytest.TempPathFactory) -> Record:
    folder: Path = tmp_path_factory.mktemp("records") / "run"
    recipe = Txt2Img(prompt="a black cat", seed=7, steps=3, count=2, hires_scale=2, hires_strength=0.5)
    return record(tiny, recipe, folder, RecordOptions(panes=("none",)))


def test_the_second_picture_is_the_second_row(kept: Record) -> None:
    second = picture_walk(kept, 1)
    assert len(second) == 3
    assert second.recipe.seed == 8
    assert second.title == "a black cat · ddim, 3 steps, guidance 7.5, seed 8"
    for step in range(3):
        assert torch.equal(second.latent(step)[0], kept.latent[step][1])
        assert torch.equal(second.x0(step)[0], kept.x0[step][1])
        assert (
            torch.equal(second.latent(step), second.x0(step) + second.sigma[step] * second.eps(step))
            or (second.latent(step) - second.x0(step) - second.sigma[step] * second.eps(step)).abs().max() < 1e-5
        )
    assert torch.equal(second.finished, kept.walks[0].finished[1:])


def test_a_second_pass_is_a_second_walk(kept: Record) -> None:
    larger = picture_walk(kept, 0, 1)
    assert larger.finished.shape == (1, 4, 16, 16)
    assert torch.equal(larger.finished, kept.walks[1].finished[:1])


def test_scaled_latents_have_the_scale_of_finished_ones() -> None:
    walk = noised(torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(3)), seed=4)
    assert [walk.scaled(step).std().item() for step in range(4)] == pytest.approx([1] * 4, abs=0.02)


def test_steps_are_named_or_even() -> None:
    walk = noised(smooth())
    assert walk.steps() == (0, 1, 2, 3)
    assert walk.steps(count=2) == (0, 3)
    assert walk.steps(count=1) == (0,)
    assert walk.steps((2, -1, 2)) == (2, 3)


def test_what_is_not_there_is_refused(kept: Record) -> None:
    with pytest.raises(RecordError, match="no picture 3: the record has 2"):
        picture_walk(kept, 2)
    with pytest.raises(RecordError, match="no picture 0"):
        picture_walk(kept, -1)
    with pytest.raises(RecordError, match="no walk 3: the picture has 2"):
        picture_walk(kept, 0, 2)
    with pytest.raises(RecordError, match="no step 3: the walk has 3, 0 to 2"):
        picture_walk(kept).steps((3,))
    with pytest.raises(RecordError, match="one step or more"):
        picture_walk(kept).steps(count=0)
