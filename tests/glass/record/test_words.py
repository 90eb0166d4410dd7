"""Where words stand in a prompt."""

import pytest
import torch

from garasu.diffusion.steps import Step
from garasu.glass.record.document import Words
from garasu.glass.record.errors import RecordError
from garasu.glass.record.options import RecordOptions
from garasu.glass.record.recording import record
from garasu.glass.record.replaying import replay_steps
from garasu.glass.record.words import places, spoken
from garasu.tasks.txt2img import Txt2Img

PIECES = ("", "a</w>", "fl", "u", "ffy</w>", "cat</w>", "and</w>", "a</w>", "cat</w>", "", "")
WORDS = Words(text="a fluffy cat and a cat", ids=tuple(range(len(PIECES))), pieces=PIECES)


def test_a_word_has_the_places_of_all_its_pieces():
    assert places("Fluffy", WORDS) == ((2, 3, 4),)
    assert places("cat", WORDS) == ((5,), (8,))
    assert places("fluffy cat", WORDS) == ((2, 3, 4, 5),)


@pytest.mark.parametrize("word", ["flu", "dog", "cat a", ""])
def test_what_is_no_word_of_it_is_refused(word):
    with pytest.raises(RecordError, match="whose words are: a fluffy cat and a cat"):
        places(word, WORDS)


def test_every_place_of_the_conditioning_has_its_piece(tiny):
    said = spoken(tiny, Txt2Img(prompt="a black cat", negative_prompt="dog", seed=1))
    words = {field: said.phrases[index] for field, index in said.whole.items()}
    length = tiny.text_encoder.config.max_length
    for field in ("prompt", "negative_prompt"):
        assert len(words[field].ids) == len(words[field].pieces) == length
    (place,) = places("cat", words["prompt"])
    assert place == tiny.encode("a black cat").places("cat")[0]
    assert words["prompt"].ids == tiny.encode("a black cat").tokens[0].ids
    assert places("dog", words["negative_prompt"]) == ((1,),)


@pytest.mark.parametrize(
    "fields",
    [{"prompt": "cat AND dog"}, {"prompt": "[cat:dog:0.5]"}, {"prompt": "lerp(cat, dog, 0.5)", "syntax": "algebra"}],
)
def test_what_is_not_one_row_of_tokens_is_left_out(tiny, tmp_path, fields):
    kept = record(tiny, Txt2Img(seed=1, steps=4, **fields), tmp_path / "run")
    assert list(kept.tokens) == ["negative_prompt"]
    with pytest.raises(RecordError, match="changes on the way or has parts"):
        kept.places("cat")
    steps = [one for one in replay_steps(tiny, kept, start=3) if isinstance(one, Step)]
    assert torch.equal(steps[-1].latent, kept.finished)


LAYER = "unet.up.2.transformers.0.blocks.0.cross_attention.weights"
EXACT = RecordOptions(dtype="float32")


def test_a_word_that_comes_on_the_way_has_the_steps_at_which_it_is_said(tiny, tmp_path):
    recipe = Txt2Img(prompt="a black [cat:dog:0.5]", seed=1, steps=6, sampler="heun")
    kept = record(tiny, recipe, tmp_path / "run", EXACT)
    before, after = (kept.attention(word)[LAYER] for word in ("cat", "dog"))
    assert len(kept.sigma) == 11  # heun asks twice a step, the second time at the next step's level
    assert (before.steps, after.steps) == (tuple(range(5)), tuple(range(5, 11)))
    assert kept.attention("black")[LAYER].steps == tuple(range(11))
    assert [kept.text(step).text for step in (0, 10)] == ["a black cat", "a black dog"]
    for step, words in ((4, "a black cat"), (5, "a black dog")):
        assert torch.equal(kept.conditioning[step], tiny.encode(words).tensor)
    assert torch.equal(after[5][0].flatten(), kept.pane(LAYER)[5][0, :, 3])
    with pytest.raises(RecordError, match="of step 0, only of these: 5"):
        after[0]
    with pytest.raises(RecordError, match="'tiger' is not in the prompt, whose words are: a black cat"):
        kept.attention("tiger")


def test_a_word_of_a_part_is_found_in_the_part_that_says_it(tiny, tmp_path):
    kept = record(tiny, Txt2Img(prompt="a black cat AND a dog :0.5", seed=1, steps=3), tmp_path / "run", EXACT)
    for word, side, place in (("cat", "prompt part 0", 3), ("dog", "prompt part 1", 2)):
        series = kept.attention(word)[LAYER]
        assert torch.equal(series[2][0].flatten(), kept.pane(LAYER, side)[2][0, :, place])
    with pytest.raises(RecordError, match="'a' is in several parts of the prompt: name the side"):
        kept.attention("a")
    assert kept.attention("a", "prompt part 1")[LAYER].steps == (0, 1, 2)
    with pytest.raises(RecordError, match="'tiger' is in no part"):
        kept.attention("tiger")


def test_words_that_were_mixed_have_no_places(tiny, tmp_path):
    recipe = Txt2Img(prompt="lerp(cat, dog, 0.5)", syntax="algebra", seed=1, steps=3)
    kept = record(tiny, recipe, tmp_path / "run", EXACT)
    assert kept.text(0) is None
    with pytest.raises(RecordError, match="prompt is no plain text in this record"):
        kept.attention("cat")


@pytest.mark.parametrize("clip_skip", [1, 2])
def test_words_of_longer_prompts_are_found_in_a_shorter_neighbour_that_was_filled_up(tiny, tmp_path, clip_skip):
    recipe = Txt2Img(prompt="cat " * 80 + "dog", negative_prompt="hat", seed=1, steps=2, clip_skip=clip_skip)
    kept = record(tiny, recipe, tmp_path / "run", EXACT)
    assert kept.conditioning[0].shape[1] == 154
    assert [kept.text(0, side).text[-3:] for side in kept.sides] == ["hat", "dog"]
    assert kept.said_at("dog") == dict.fromkeys((0, 1), (77 + 6,))


def test_a_prompt_that_is_cut_warns_once_only(tiny, recwarn):
    spoken(tiny, Txt2Img(prompt="cat " * 200, seed=1, max_chunks=1))
    assert not recwarn.list
