import pytest
from hypothesis import given
from hypothesis import strategies as st

from garasu.images.infotext import Infotext, read_infotext, write_infotext

FIELDS = {"Steps": "20", "Sampler": "Euler a", "CFG scale": "7", "Seed": "1", "Size": "512x512", "Model": "name"}

# Written by hand after the format's description: the oracle does not come from our writer.
EXAMPLE = (
    "a black cat, on a bench\nsecond line\nNegative prompt: dog, cake\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, Model hash: abcdef1234, "
    r'Model: "a, b: \"c\"", Version: v1.6.0'
)


def test_the_documented_example_is_written_to_the_letter():
    info = Infotext(
        "a black cat, on a bench\nsecond line",
        "dog, cake",
        {
            "Steps": "20",
            "Sampler": "Euler a",
            "CFG scale": "7",
            "Seed": "1",
            "Size": "512x512",
            "Model hash": "abcdef1234",
            "Model": 'a, b: "c"',
            "Version": "v1.6.0",
        },
    )
    assert write_infotext(info) == EXAMPLE
    assert read_infotext(EXAMPLE) == info


def test_without_a_negative_prompt_its_line_is_left_out():
    assert write_infotext(Infotext("cat", "", {"Steps": "1", "Seed": "2"})) == "cat\nSteps: 1, Seed: 2"


def test_a_last_line_with_too_few_fields_is_prompt():
    assert read_infotext("cat\na sign: hello, and: more") == Infotext("cat\na sign: hello, and: more")


def test_quotes_that_are_not_json_are_kept():
    text = 'cat\nSteps: 1, Seed: 2, Size: 8x8, Model: "a\\q"'
    assert read_infotext(text).fields["Model"] == '"a\\q"'


@pytest.mark.parametrize("prompt", ["", "猫、黒い", "cat: 1, dog: 2", "Steps of a staircase"])
@pytest.mark.parametrize("negative", ["", "two\nlines", "犬"])
def test_prompts_come_back(prompt, negative):
    info = Infotext(prompt, negative, FIELDS)
    assert read_infotext(write_infotext(info)) == info


# `"` at an end reads as a quoted value and spaces are trimmed: limits of A1111's format, not of ours.
values = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"\\'), min_size=1) | st.sampled_from(
    ["a, b", "a: b", "two\nlines", 'say "hi", twice']
)


@given(value=values)
def test_any_value_comes_back(value):
    info = Infotext("cat", "", {**FIELDS, "Model": value})
    assert read_infotext(write_infotext(info)) == info
