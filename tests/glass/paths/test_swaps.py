"""What parts two runs, by giving one of them what the other has."""

import pytest
import torch

from garasu.glass.paths.errors import PathError
from garasu.glass.paths.swaps import ALL, ENDS, MOST, Swap, Swaps, swaps
from garasu.glass.record.options import RecordOptions
from garasu.glass.record.recording import record
from garasu.prompts.word_edits import replace_word
from garasu.tasks.txt2img import Txt2Img

RECIPE = Txt2Img(prompt="a black cat", seed=7, steps=4, guidance_scale=5)


@pytest.fixture
def recorded(tiny, tmp_path):
    return lambda name, **fields: record(tiny, RECIPE.but(**fields), tmp_path / name, RecordOptions(panes=("none",)))


def test_a_prompt_goes_all_the_way_and_words_some_of_it(tiny, recorded):
    found = swaps(tiny, recorded("one"), recorded("two", prompt="a black dog"))
    by = {one.what: one for one in found.alone}
    assert list(by) == ["prompt", "cat → dog", ENDS]  # the words before it have not seen it
    assert by["prompt"].share == pytest.approx(1, abs=1e-4)
    assert by["prompt"].moved == pytest.approx(1, abs=1e-4)
    assert 0 < by["cat → dog"].share < 1


def test_a_word_moves_as_its_edit_in_the_algebra_does(tiny, recorded):
    one, other = recorded("one"), recorded("two", prompt="a black dog")
    words = replace_word(tiny.encode, "a black cat", "cat", "dog")
    *_, last = tiny.sample(words, seed=7, steps=4, guidance_scale=5)
    way, moved = (other.finished - one.finished).flatten(), (last.latent - one.finished).flatten()
    (found,) = [swap for swap in swaps(tiny, one, other).alone if swap.what == "cat → dog"]
    assert found.share == pytest.approx(float(moved @ way / (way @ way)), abs=1e-4)
    assert found.moved == pytest.approx(float(moved.norm() / way.norm()), abs=1e-4)


def test_the_later_the_less(tiny, recorded):
    one, other = recorded("one"), recorded("two", prompt="a black dog")
    later = swaps(tiny, one, other).later
    assert [swap.start for swap in later] == [0, 1, 2]
    assert {swap.what for swap in later} == {ALL}
    assert later[0].share == pytest.approx(1, abs=1e-4)
    assert later[0].moved > later[1].moved > later[2].moved > 0
    assert later[1].sigma == one.sigma[1]


def test_until_where_half_of_the_way_is_gone():
    def later(*shares):
        return Swaps((), tuple(Swap(ALL, i, 8 / 2**i, share, 0) for i, share in enumerate(shares)))

    assert later(1, 0.75, 0.25).turns_until == pytest.approx(4 / 2**0.5)
    assert later(1, 0.3, 0.5, 0).turns_until == pytest.approx(2)  # the last time
    assert later(1, 0.8).turns_until == 4
    assert later(0.4, 0.1).turns_until is None
    assert later().turns_until is None
    assert "half of the way can be gone until sigma 2.83" in str(later(1, 0.75, 0.25))


def test_noise_and_guidance_are_exchanged_too(tiny, recorded):
    found = swaps(tiny, recorded("one"), recorded("two", seed=8, guidance_scale=2))
    assert [one.what for one in found.alone] == ["the noise", "guidance scale"]
    noise, guidance = found.alone
    assert noise.moved > guidance.moved > 0
    only = swaps(tiny, recorded("three"), recorded("four", seed=8))
    assert only.later == ()
    assert only.alone[0].share == pytest.approx(1, abs=1e-4)


def test_longer_words_make_room_for_themselves(tiny, recorded):
    found = swaps(tiny, recorded("one", prompt="black cat"), recorded("two", prompt="black dog dog cat"))
    assert [one.what for one in found.alone] == ["prompt", "nothing → dog dog", "cat", ENDS]


def test_of_many_words_those_that_differ_most_are_tried(tiny, recorded):
    long = "dog " + "cat " * 20
    found = swaps(tiny, recorded("one", prompt=long), recorded("two", prompt=long.replace("dog", "black")))
    assert len([one for one in found.alone if one.what not in ("prompt",)]) == MOST


def test_in_a_batch_the_chosen_picture_is_walked(tiny, recorded):
    one, other = recorded("one", count=2), recorded("two", count=2, prompt="a black dog")
    found = swaps(tiny, one, other, 1)
    assert found.alone[0].share == pytest.approx(1, abs=1e-3)
    alone = swaps(tiny, recorded("three", seed=8), recorded("four", seed=8, prompt="a black dog"))
    assert found.alone[1].share == pytest.approx(alone.alone[1].share, abs=1e-3)


def test_what_cannot_be_exchanged_is_refused(tiny, recorded):
    one = recorded("one")
    with pytest.raises(PathError, match="nothing to exchange"):
        swaps(tiny, one, recorded("two"))
    with pytest.raises(PathError, match="leave out --words"):
        swaps(tiny, one, recorded("three", prompt="cat AND dog"))


def test_the_model_is_as_it_was(tiny, recorded):
    before = tiny.encode("cat").tensor
    swaps(tiny, recorded("one"), recorded("two", prompt="a black dog"))
    assert torch.equal(tiny.encode("cat").tensor, before)
    assert not tiny.unet.conditioning.watched
