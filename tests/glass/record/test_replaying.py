"""Walking a record again: the same to the bit, or something else from a step on."""

from itertools import pairwise

import pytest
import torch
from PIL import Image

from garasu.diffusion.denoiser import Denoiser
from garasu.diffusion.samplers import SAMPLERS
from garasu.diffusion.steps import Step
from garasu.glass.record.errors import RecordError
from garasu.glass.record.opening import open_record
from garasu.glass.record.recording import Recorder, record, record_steps
from garasu.glass.record.replayed import ReplayedPicture
from garasu.glass.record.replaying import finished, replay, replay_steps
from garasu.images.metadata import read_metadata
from garasu.model.denoiser import run_denoiser
from garasu.tasks.img2img import Img2Img
from garasu.tasks.inpaint import Inpaint
from garasu.tasks.outpaint import Outpaint
from garasu.tasks.txt2img import Txt2Img, txt2img

RECIPE = Txt2Img(prompt="a black cat", seed=7, steps=4)
PICTURE = Image.radial_gradient("L").resize((64, 64)).convert("RGB")
MASK = Image.new("L", (64, 64))
MASK.paste(255, (16, 16, 48, 48))


def asked(sd):
    """Counts the calls of the network."""
    calls = []
    handle = sd.unet.register_forward_pre_hook(lambda *_: calls.append(1))
    return calls, handle


def check_from_every_step(sd, kept):
    """Every latent of every replay is that of the record."""
    total = sum(len(walk) for walk in kept.group(0))
    for start in range(total):
        steps = [one for one in replay_steps(sd, kept, start=start) if isinstance(one, Step)]
        for walk in kept.walks:
            for index in range(len(walk)):
                step = steps.pop(0)
                assert torch.equal(step.latent, walk.answer(index)[0]), (start, index)
                assert torch.equal(step.x0, walk.answer(index)[1]), (start, index)
            assert torch.equal(steps.pop(0).latent, walk.finished)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_from_every_step(tiny, tmp_path, sampler):
    eta = 0.7 if sampler == "ddim" else 0.0
    kept = record(tiny, RECIPE.but(sampler=sampler, eta=eta, count=2), tmp_path / "run")
    check_from_every_step(tiny, kept)


@pytest.mark.parametrize(
    ("recipe", "sources"),
    [
        (RECIPE.but(hires_scale=1.5, sampler="euler_a"), {}),
        (RECIPE.but(prompt="[cat:dog:3] [hat:1.5]", like="a1111", sampler="heun", hires_scale=1.5), {}),
        (RECIPE.but(variation_seed=3, variation_strength=0.2, seed_size="48x48"), {}),
        (RECIPE.but(deep_cache=2), {}),
        (RECIPE.but(token_merging=0.5), {}),
        (RECIPE.but(guidance_start=0.3, guidance_end=0.8), {}),
        (Img2Img(prompt="cat", seed=1, steps=6, sampler="dpmpp_2m_sde", encoding="sample"), {"image": PICTURE}),
        (Inpaint(prompt="cat", seed=1, steps=3), {"image": PICTURE, "mask": MASK}),
        (Inpaint(prompt="cat", seed=1, steps=3, blend="fresh", sampler="lms"), {"image": PICTURE, "mask": MASK}),
        (Inpaint(prompt="cat", seed=1, steps=5, like="a1111", strength=0.8), {"image": PICTURE, "mask": MASK}),
        (Outpaint(prompt="cat", seed=1, steps=2, right=64, bottom=40), {"image": PICTURE}),
        (Outpaint(prompt="cat", seed=1, steps=2, right=16, count=2), {"image": PICTURE}),
    ],
)
def test_every_task_from_every_step(tiny, tmp_path, recipe, sources):
    check_from_every_step(tiny, record(tiny, recipe, tmp_path / "run", **sources))


def test_a_model_for_inpainting(new_tiny, tmp_path):
    recipe = Inpaint(prompt="cat", seed=1, steps=3, sampler="euler_a")
    sd = new_tiny(in_channels=9)
    check_from_every_step(sd, record(sd, recipe, tmp_path / "run", image=PICTURE, mask=MASK))


def test_the_picture_is_the_same_file_and_the_network_rests(tiny, tmp_path):
    kept = record(tiny, RECIPE, tmp_path / "run")
    calls, handle = asked(tiny)
    picture = replay(tiny, kept, start=3)
    handle.remove()
    assert len(calls) == 1
    picture.save(tmp_path / "again.png")
    txt2img(tiny, RECIPE).save(tmp_path / "first.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "first.png").read_bytes()


def test_edits_of_the_recorded_run_are_made_again(tiny, tmp_path):
    for one in record_steps(tiny, RECIPE, tmp_path / "run"):
        if isinstance(one, Step) and one.index == 1:
            one.latent = one.latent + 0.5
    kept = open_record(tmp_path / "run")
    steps = [one for one in replay_steps(tiny, kept, start=2) if isinstance(one, Step)]
    assert torch.equal(steps[-1].latent, kept.walks[0].finished)


@pytest.mark.parametrize(
    "changes", [{"prompt": "a dog"}, {"negative_prompt": "dog"}, {"guidance_scale": 2.0}, {"guidance_scale": 1.0}]
)
def test_a_change_begins_at_its_step(tiny, tmp_path, changes):
    """Against a loop by hand: the sampler's own, with another denoiser from step 2 on."""
    kept = record(tiny, RECIPE.but(sampler="dpmpp_2m", steps=5), tmp_path / "run")
    *steps, _ = list(replay_steps(tiny, kept, start=2, **changes))
    expected = tiny.sample(
        tiny.encode(changes.get("prompt", "a black cat")),
        negative=tiny.encode(changes.get("negative_prompt", "")),
        sampler="dpmpp_2m",
        steps=5,
        seed=7,
        guidance_scale=changes.get("guidance_scale", 7.5),
    )
    for step in expected:
        if step.index < 2:
            step.latent, step.x0 = kept.latent[step.index], kept.x0[step.index]
        assert torch.equal(steps[step.index].latent, step.latent)
    assert torch.equal(steps[2].latent, kept.latent[2])
    assert not torch.equal(steps[3].latent, kept.latent[3])


def test_another_seed_draws_other_noise_from_there_on(tiny, tmp_path):
    kept = record(tiny, RECIPE.but(sampler="euler_a"), tmp_path / "run")
    steps = [one for one in replay_steps(tiny, kept, start=2, seed=8) if isinstance(one, Step)]
    assert torch.equal(steps[1].latent, kept.latent[1])
    assert not torch.equal(steps[2].latent, kept.latent[2])


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("channels", [4, 9])
def test_another_latent_is_what_the_network_sees(new_tiny, tmp_path, prediction, channels):
    sd = new_tiny(in_channels=channels)
    sd.denoiser = Denoiser(sd.unet, sd.schedule, prediction)
    kept = record(sd, RECIPE.but(sampler="euler"), tmp_path / "run")
    same = [one for one in replay_steps(sd, kept, start=2, latent=kept.latent[2]) if isinstance(one, Step)]
    torch.testing.assert_close(same[-1].latent, kept.walks[0].finished, rtol=1e-4, atol=1e-4)
    other = kept.latent[2] + torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    steps = [one for one in replay_steps(sd, kept, start=2, latent=other) if isinstance(one, Step)]
    assert torch.equal(steps[2].latent, other)
    sigmas = torch.tensor([*kept.sigma[2:], 0.0], dtype=torch.float64)
    walked = by_hand(sd, other, sigmas)
    torch.testing.assert_close(steps[-1].latent, walked, rtol=1e-3, atol=1e-3)


def by_hand(sd, x, sigmas):
    """Euler from x down the levels, with the model's own guided denoiser."""
    words, negative = sd.encode(RECIPE.prompt).tensor, sd.encode("").tensor
    network = run_denoiser(sd, (8, 8))
    for sigma, lower in pairwise(sigmas):
        with torch.no_grad():
            away, towards = network(x.repeat(2, 1, 1, 1), sigma, torch.cat([negative, words])).chunk(2)
        x0 = away + RECIPE.guidance_scale * (towards - away)
        x = x + float(lower - sigma) * (x - x0) / float(sigma)
    return x


def test_steps_may_be_edited_after_the_start(tiny, tmp_path):
    kept = record(tiny, RECIPE, tmp_path / "run")
    for one in replay_steps(tiny, kept, start=1):
        if isinstance(one, Step) and one.index == 2:
            one.x0 = one.x0 * 0
        if isinstance(one, Step):
            last = one
    assert not torch.equal(last.latent, kept.walks[0].finished)


def test_one_picture_of_several(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("garasu.tasks.room.CPU_CELLS", 2 * 64)
    kept = record(tiny, RECIPE.but(count=3, sampler="euler_a"), tmp_path / "run")
    assert [one.recipe.seed for one in replay(tiny, kept, start=2)] == [7, 8, 9]
    for index, (group, row) in enumerate([(0, 0), (0, 1), (1, 0)]):
        picture = replay(tiny, kept, start=2, picture=index)
        assert picture.recipe == kept.pictures[index]
        steps = [one for one in replay_steps(tiny, kept, start=2, picture=index) if isinstance(one, Step)]
        torch.testing.assert_close(steps[-1].latent[0], kept.walks[group].finished[row], rtol=1e-3, atol=1e-4)
        assert torch.equal(finished(kept, index)[0][0], kept.walks[group].finished[row])
    assert len(finished(kept)) == 2


class TestProvenance:
    """A picture says when its recipe alone does not make it."""

    def test_unchanged_it_is_any_picture(self, tiny, tmp_path):
        kept = record(tiny, RECIPE, tmp_path / "run")
        assert not isinstance(replay(tiny, kept, start=1, prompt=RECIPE.prompt), ReplayedPicture)

    def test_changed_it_names_the_record(self, tiny, tmp_path):
        kept = record(tiny, RECIPE, tmp_path / "run")
        replay(tiny, kept, start=1, prompt="a dog").save(tmp_path / "dog.png")
        ours = read_metadata(tmp_path / "dog.png").ours
        assert ours["replayed"] == f"from step 1 of the record {kept.document.id}"
        assert ours["recipe"]["prompt"] == "a dog"

    def test_files_keep_their_names(self, tiny, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        PICTURE.save("cat.png")
        kept = record(tiny, Img2Img(prompt="cat", image="cat.png", seed=1, steps=4), tmp_path / "run")
        (tmp_path / "cat.png").unlink()
        picture = replay(tiny, kept, start=1)
        assert picture.recipe == kept.recipe
        assert picture.recipe.image == "cat.png"

    def test_the_record_of_a_changed_replay_goes_on_from_its_change_only(self, tiny, tmp_path):
        kept = record(tiny, RECIPE, tmp_path / "run")
        recipe = kept.recipe.but(prompt="a dog")
        list(Recorder(tmp_path / "dog").watch(tiny, recipe, replay_steps(tiny, kept, start=2, prompt="a dog")))
        other = open_record(tmp_path / "dog")
        assert torch.equal(other.latent[2], kept.latent[2])
        assert other.eps_prompt.steps == (2, 3)
        assert other.document.origin == kept.document.id
        with pytest.raises(RecordError, match="before step 2 this record is that of another run"):
            replay(tiny, other, start=1)
        steps = [one for one in replay_steps(tiny, other, start=2) if isinstance(one, Step)]
        assert torch.equal(steps[-1].latent, other.walks[0].finished)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"start": 4}, "no step 4 to start from: the record has 4, 0 to 3"),
        ({"start": -1}, "no step -1"),
        ({"picture": 2}, "no picture 2: the record has 2"),
        ({"steps": 9}, "steps decides a run from its beginning; what a replay can change is prompt"),
        ({"latent": torch.zeros(1, 4, 8, 8)}, "the latent of step 0 is 2x4x8x8, not 1x4x8x8"),
        ({"latent": torch.zeros(2, 4, 8, 8), "seed": 9}, "no other seed"),
    ],
)
def test_what_cannot_be_is_refused(tiny, kept, changes, why):
    with pytest.raises(RecordError, match=why):
        replay(tiny, kept, **changes)


def test_other_batches_than_the_record_has_are_refused(tiny, kept, monkeypatch):
    monkeypatch.setattr("garasu.tasks.room.CPU_CELLS", 64)  # one picture at a time
    with pytest.raises(RecordError, match="replay picture by picture"):
        replay(tiny, kept, start=1)


def test_the_model_is_left_as_it_was(tiny, kept):
    network = tiny.denoiser.network
    replay(tiny, kept, start=1)
    assert tiny.denoiser.network is network
    made = replay_steps(tiny, kept, start=1)
    next(made)
    assert tiny.denoiser.network is not network
    made.close()
    assert tiny.denoiser.network is network
