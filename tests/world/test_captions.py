"""Captions: grammar, truth, completeness, and how often what is said."""

import random
import re
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from garasu.world import words
from garasu.world.captions import caption, full_caption
from garasu.world.scene import BACKGROUNDS, STYLES, TRAITS, Scene, random_scene

COLORS = {"black", "white", "orange", "gray", "grey", "brown", "yellow", "green", "blue", "pink", "purple", "red"}
SEEDS = st.integers(0, 2**32)
SCENES = SEEDS.map(lambda seed: random_scene(random.Random(seed), held_out=True))

# What only one background's or one style's captions may say, written down by hand.
BACKGROUND_WORDS = {
    "sea": {"sea", "wave", "waves"},
    "beach": {"beach", "palm", "sandy"},
    "window": {"window", "sill"},
    "bench": {"bench", "fence", "garden"},
    "night": {"night", "moon", "stars"},
    "snow": {"snow", "snowy", "winter", "snowing"},
}
STYLE_WORDS = {
    "flat": {"flat", "cartoon", "simple"},
    "charcoal": {"charcoal"},
    "watercolor": {"watercolor"},
    "pixel art": {"pixel", "art"},
    "munch": {"Edvard", "Munch"},
    "kandinsky": {"Kandinsky", "geometric", "shapes"},
    "colored pencil": {"colored"},
}


def split(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]+", text)


@given(SCENES, SEEDS)
def test_text_is_tidy(scene: Scene, seed: int) -> None:
    for text in (caption(scene, random.Random(seed)), full_caption(scene, random.Random(seed))):
        assert text == text.strip()
        assert "  " not in text
        assert " ," not in text
        assert "{" not in text
        assert not text.startswith(",")
        assert not text.endswith(",")
        assert "none" not in split(text)
        assert "plain" not in split(text) or "background" in text


@given(SCENES, SEEDS)
def test_articles_fit_their_nouns(scene: Scene, seed: int) -> None:
    said = split(caption(scene, random.Random(seed)))
    for article, word in pairwise(said):
        if article in ("a", "an"):
            assert (article == "an") == (word[0].lower() in "aeiou"), (article, word)


@given(SCENES, SEEDS)
def test_number_and_noun_agree(scene: Scene, seed: int) -> None:
    said = split(full_caption(scene, random.Random(seed)))
    if scene.count == "1":
        assert scene.subject in said
        assert not {"two", "three"} & set(said)
    else:
        assert words.PLURALS[scene.subject] in said
        assert {"2": "two", "3": "three"}[scene.count] in said


@given(SCENES, SEEDS)
def test_colours_said_are_the_scenes(scene: Scene, seed: int) -> None:
    true = {*vars(scene).values(), *" ".join(vars(scene).values()).split()}
    true |= {"grey"} if "gray" in true else set()
    assert set(split(caption(scene, random.Random(seed)))) & COLORS <= true


@given(SCENES, SEEDS)
def test_other_backgrounds_and_styles_are_not_mentioned(scene: Scene, seed: int) -> None:
    said = set(split(caption(scene, random.Random(seed))))
    for background, own in BACKGROUND_WORDS.items():
        assert scene.background == background or not said & own
    for style, own in STYLE_WORDS.items():
        assert scene.style == style or not said & own


@given(SCENES, SEEDS)
def test_a_full_caption_leaves_nothing_out(scene: Scene, seed: int) -> None:
    text = full_caption(scene, random.Random(seed)).replace("grey", "gray")
    said = set(split(text))
    for value in (scene.fur, scene.pose, scene.icing):
        assert value in {"none", *said}
    assert scene.pattern in {"none", "plain", *said}
    for value, noun in ((scene.eyes, "eyes"), (scene.hair, "hair"), (scene.dress, "dress"), (scene.shield, "shield")):
        assert value == "none" or f"{value} {noun}" in text
    assert scene.accessory == "none" or scene.accessory in text
    assert scene.background_color == "none" or f"{scene.background_color} background" in text
    assert scene.background == "plain" or said & BACKGROUND_WORDS[scene.background]
    assert scene.place == "center" or scene.place in said
    assert scene.style in ("flat", "pencil") or said & STYLE_WORDS[scene.style]
    assert scene.style != "pencil" or said & {"pencil", "sketch"}


@given(SCENES, SEEDS)
def test_the_same_seed_says_the_same(scene: Scene, seed: int) -> None:
    assert caption(scene, random.Random(seed)) == caption(scene, random.Random(seed))


def test_captions_differ_in_manner() -> None:
    rng = random.Random(0)
    texts = [caption(random_scene(rng), rng) for _ in range(4000)]
    short = sum(len(split(text)) <= 2 for text in texts) / len(texts)
    phrases = sum(bool(re.match(r"(a|an|the|one) ", text)) for text in texts) / len(texts)
    leads = sum(text.startswith(("a picture", "a photo", "an image")) for text in texts) / len(texts)
    assert 0.1 < short < 0.3
    assert 0.3 < phrases < 0.6  # of the 51 % that are long phrases, some have a number or no article
    assert 0.03 < leads < 0.12
    assert len(set(texts)) > 3000


def test_attributes_are_dropped_now_and_then() -> None:
    rng = random.Random(1)
    scene = Scene("cat", background="sea", pose="sitting", fur="gray", pattern="tabby", eyes="blue", accessory="crown")
    texts = [caption(scene, rng) for _ in range(2000)]
    shares = Counter(word for text in texts for word in set(split(text)))
    for word in ("tabby", "crown", "eyes", "sitting"):
        assert 0.2 < shares[word] / len(texts) < 0.9, word
    assert 0.05 < shares["grey"] / (shares["gray"] + shares["grey"]) < 0.5


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (words.STYLE_TAGS, STYLES),
        (words.STYLE_LEADS, STYLES),
        (words.PLACES, BACKGROUNDS.keys() - {"plain"}),
        (words.ACCESSORIES, TRAITS["cat"]["accessory"].keys() - {"none"}),
    ],
)  # fmt: skip
def test_every_value_has_words(table: dict[str, tuple[str, ...]], values: set[str]) -> None:
    assert table.keys() == set(values)
