"""How much of a record a page takes."""

import pytest

from garasu.glass.page.detail import Detail, PageError, decodes, fitting, shown_steps
from garasu.glass.page.page import record_page


def test_every_so_many_steps_and_the_last(kept):
    walk = kept.walks[0]
    assert shown_steps(walk, 1) == (0, 1, 2, 3)
    assert shown_steps(walk, 2) == (0, 2, 3)
    assert shown_steps(walk, 9) == (0, 3)


def test_less_room_shows_less_and_the_page_keeps_to_it(kept, tiny):
    whole, size = fitting([kept], 1, 10, "auto")
    assert whole == Detail(1, True, 64)
    means, less = fitting([kept], 1, size - 0.001, "auto")
    assert means == Detail(1, False, 64)
    fewer, least = fitting([kept], 1, less - 0.002, "auto")
    assert fewer.every > 1
    assert size > less > least
    for limit in (size, less, least):
        assert len(record_page(tiny, kept, limit=limit + 1e-6).encode()) <= limit * 1e6


def test_two_runs_take_twice_as_much(kept):
    frame = 0.06
    one, two = (fitting([kept] * count, 1, 10, "auto")[1] - frame for count in (1, 2))
    assert two == pytest.approx(2 * one)


def test_pictures_are_decoded_up_to_256_pixels_unless_told(kept):
    walk = kept.walks[0]
    assert decodes(walk, 8, "auto")
    assert not decodes(walk, 64, "auto")
    assert decodes(walk, 64, "always")
    assert not decodes(walk, 8, "finished")


@pytest.mark.parametrize(
    ("every", "limit", "decode", "why"),
    [
        (0, 10, "auto", "every 0th"),
        (1, 0.001, "auto", "allow that much with --limit"),
        (1, 10, "some", "auto, always or finished, not 'some'"),
    ],
)
def test_refusals(kept, every, limit, decode, why):
    with pytest.raises(PageError, match=why):
        fitting([kept], every, limit, decode)


def test_it_says_what_it_shows():
    assert str(Detail(1, True, 64)) == "every step, each attention layer"
    assert str(Detail(5, False, 32)) == "every 5 steps, means of attention layers"


def test_a_word_of_several_tokens_is_one_word(keep):
    """Of maps there is one for each word, however many tokens it has."""
    many, few = (fitting([keep(f"a {word} cat")], 1, 10, "auto")[1] for word in ("bozuman", "black"))
    assert many == few
