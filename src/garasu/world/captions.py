"""Captions of scenes: phrases or comma tags, adjectives before the noun, attributes left out at random."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from garasu.world import words
from garasu.world.scene import Scene

PHRASES = 0.6  # share of captions that are phrases; the others are comma tags
VERY_SHORT = 0.15  # share of captions that say the subject and one thing at most
_LEADING = 0.4  # share of phrases with a style that begin with it


@dataclass
class _Parts:
    """What a caption is put together from."""

    noun: str
    adjectives: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Teller:
    """Decides what is said and in which words. With `everything`, nothing is left out."""

    scene: Scene
    rng: random.Random
    everything: bool

    def says(self, value: str, share: float) -> bool:
        """Whether to mention an attribute that has something to say."""
        return value != "none" and (self.everything or self.rng.random() < share)

    def word(self, phrases: Sequence[str], value: str = "") -> str:
        """One of the phrases, about the value."""
        return self.rng.choice(phrases).format(self.color(value))

    def color(self, name: str) -> str:
        """The colour's name; gray is grey now and then."""
        return "grey" if name == "gray" and self.rng.random() < 0.3 else name


def caption(scene: Scene, rng: random.Random) -> str:
    """A random caption: 60 % phrases, 40 % comma tags, 15 % very short. Never says what is not in the scene."""
    if rng.random() < VERY_SHORT:
        return _very_short(scene, rng)
    return _caption(_Teller(scene, rng, everything=False))


def full_caption(scene: Scene, rng: random.Random) -> str:
    """A caption that mentions every attribute (place "center" and the flat style go without saying)."""
    return _caption(_Teller(scene, rng, everything=True))


def caption_in(style: str, scene: Scene, rng: random.Random) -> str:
    """A random caption that names this style, whatever the scene's own is, such as "a black cat, woodcut"."""
    teller = _Teller(scene, rng, everything=False)
    parts = _told(teller)
    if rng.random() >= PHRASES:
        return _tag_list(teller, parts, (style,))
    text = _joined(teller, parts)
    return f"a {style} of {text}" if rng.random() < _LEADING else f"{text}, {style}"


def _told(teller: _Teller) -> _Parts:
    parts = _Parts(_noun(teller.scene))
    _tell_pet(teller, parts)
    _tell_figure(teller, parts)
    _tell_surroundings(teller, parts)
    return parts


def _caption(teller: _Teller) -> str:
    scene, rng = teller.scene, teller.rng
    parts = _told(teller)
    styled = teller.says(scene.style, 0.15 if scene.style == "flat" else 0.92)
    if teller.everything and scene.style == "flat":
        styled = rng.random() < 0.5
    if rng.random() < PHRASES:
        return _phrase(teller, parts, styled)
    return _tag_list(teller, parts, words.STYLE_TAGS[scene.style] if styled else ())


def _noun(scene: Scene) -> str:
    return scene.subject if scene.count == "1" else words.PLURALS[scene.subject]


def _tell_pet(teller: _Teller, parts: _Parts) -> None:
    scene, rng = teller.scene, teller.rng
    if teller.says(scene.fur, 0.8):
        parts.adjectives.append(teller.color(scene.fur))
    if scene.pattern != "plain" and teller.says(scene.pattern, 0.8):
        parts.adjectives.append(scene.pattern)
    if teller.says(scene.pose, 0.85 if scene.pose == "sleeping" else 0.4):
        (parts.adjectives if rng.random() < 0.5 else parts.tags).append(scene.pose)
    if teller.says(scene.eyes, 0.6):
        parts.tags.append(teller.word(words.EYES, scene.eyes))


def _tell_figure(teller: _Teller, parts: _Parts) -> None:
    scene = teller.scene
    if teller.says(scene.icing, 0.75):
        parts.adjectives.append(scene.icing)
    for value, phrases in ((scene.hair, words.HAIR), (scene.dress, words.DRESS), (scene.shield, words.SHIELD)):
        if teller.says(value, 0.75):
            parts.tags.append(teller.word(phrases, value))
    if teller.says(scene.accessory, 0.88):
        parts.tags.append(teller.word(words.ACCESSORIES[scene.accessory]))


def _tell_surroundings(teller: _Teller, parts: _Parts) -> None:
    scene = teller.scene
    if scene.background != "plain":
        if teller.says(scene.background, 0.88):
            parts.tags.append(teller.word(words.PLACES[scene.background]))
    elif teller.says(scene.background_color, 0.6):
        parts.tags.append(teller.word(words.PLAIN, scene.background_color))
    if scene.place != "center":
        if teller.says(scene.place, 0.75):
            parts.tags.append(teller.word(words.SIDES, scene.place))
    elif scene.count == "1" and not teller.everything and teller.rng.random() < 0.05:
        parts.tags.append("in the center")


def _very_short(scene: Scene, rng: random.Random) -> str:
    """The subject with at most one attribute, such as "cat", "kitten, tabby" or "black cat"."""
    noun = _noun(scene)
    before = [value for value in (scene.fur, scene.pattern, scene.icing) if value not in ("none", "plain")]
    after = [*words.ACCESSORIES.get(scene.accessory, ())[-1:], *words.PLACES.get(scene.background, ())[:1]]
    if scene.pose == "sleeping":
        before.append("sleeping")
    if scene.style != "flat":
        after.append(words.STYLE_TAGS[scene.style][0])
    said = rng.choice(["", *before, *after])
    if said == "":
        return noun if scene.count == "1" else _counted(scene, noun)
    if said in after or rng.random() < 0.4:
        return f"{noun}, {said}"
    return f"{said} {noun}"


def _counted(scene: Scene, text: str) -> str:
    number = words.NUMBERS.get(scene.count)
    return text if number is None else f"{number} {text}"


def _with_article(scene: Scene, text: str, rng: random.Random) -> str:
    """The noun phrase with its number or, for one, with "a", "an", "the", "one" or nothing."""
    if scene.count != "1":
        return _counted(scene, text)
    article = "an" if text[0] in "aeiou" else "a"
    return f"{rng.choices((article, 'the', 'one', ''), (80, 8, 4, 8))[0]} {text}".strip()


def _joined(teller: _Teller, parts: _Parts) -> str:
    """The phrase without its style."""
    scene, rng = teller.scene, teller.rng
    if rng.random() < 0.2:
        rng.shuffle(parts.adjectives)
    if rng.random() < 0.4:
        rng.shuffle(parts.tags)
    text = _with_article(scene, " ".join([*parts.adjectives, parts.noun]), rng)
    for tag in parts.tags:
        joins = tag.startswith(words.JOINING) and rng.random() < 0.85
        text += f" {tag}" if joins else f", {tag}"
    return text


def _phrase(teller: _Teller, parts: _Parts, styled: bool) -> str:
    scene, rng = teller.scene, teller.rng
    text = _joined(teller, parts)
    if not styled:
        return _lead(scene, rng) + text
    if rng.random() < _LEADING:
        return f"{rng.choice(words.STYLE_LEADS[scene.style])} {text}"
    tag = rng.choice(words.STYLE_TAGS[scene.style])
    if tag.startswith("style of"):
        return f"{text} in the {tag}"
    return f"{text}, {tag}"


def _lead(scene: Scene, rng: random.Random) -> str:
    """Now and then words that only begin a sentence."""
    if rng.random() >= 0.15:
        return ""
    leads = words.PLAIN_LEADS + (words.PAINTING_LEADS if scene.style in words.PAINTED else ())
    return rng.choice(leads) + " "


def _tag_list(teller: _Teller, parts: _Parts, style: words.Phrases) -> str:
    scene, rng = teller.scene, teller.rng
    if rng.random() < 0.5:
        first, rest = _counted(scene, " ".join([*parts.adjectives, parts.noun])), list(parts.tags)
    else:
        first, rest = _counted(scene, parts.noun), [*parts.adjectives, *parts.tags]
    if style:
        rest.append(rng.choice(style))
    rng.shuffle(rest)
    tags = [first, *rest]
    if rng.random() < 0.15:
        rng.shuffle(tags)
    return ", ".join(tags)
