"""Where words stand in a prompt."""

import pytest
import torch

from garasu.diffusion.steps import Step
from garasu.glass.record.document import Words
from garasu.glass.record.errors import RecordError
from garasu.glass.record.recording import record
from garasu.glass.record.replaying import replay_steps
from garasu.glass.record.words import places, words_of
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
    words = words_of(tiny, Txt2Img(prompt="a black cat", negative_prompt="dog", seed=1))
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
        kept.attention("cat")
    steps = [one for one in replay_steps(tiny, kept, start=3) if isinstance(one, Step)]
    assert torch.equal(steps[-1].latent, kept.finished)


def test_a_prompt_that_is_cut_warns_once_only(tiny, recwarn):
    words_of(tiny, Txt2Img(prompt="cat " * 200, seed=1, max_chunks=1))
    assert not recwarn.list
