"""The words of captions: for every attribute value, the phrases that say it."""

from __future__ import annotations

from collections.abc import Mapping

Phrases = tuple[str, ...]

PLURALS: Mapping[str, str] = {"cat": "cats", "kitten": "kittens", "dog": "dogs"}
NUMBERS: Mapping[str, str] = {"2": "two", "3": "three"}

STYLE_TAGS: Mapping[str, Phrases] = {
    "flat": ("flat illustration", "flat style", "cartoon", "simple drawing"),
    "pencil": ("pencil sketch", "pencil drawing", "pencil", "sketch"),
    "colored pencil": ("colored pencil", "colored pencil drawing"),
    "charcoal": ("charcoal", "charcoal drawing"),
    "watercolor": ("watercolor", "watercolor painting"),
    "pixel art": ("pixel art",),
    "munch": ("Edvard Munch", "Edvard Munch style", "painting by Edvard Munch", "style of Edvard Munch"),
    "kandinsky": ("Kandinsky", "Kandinsky style", "painting by Kandinsky", "style of Kandinsky", "geometric shapes"),
}
"""What says the style at the end or among the tags. The first, or one with its words, names it beyond doubt."""

STYLE_LEADS: Mapping[str, Phrases] = {
    "flat": ("a flat illustration of", "a cartoon of", "a drawing of", "a picture of", "a photo of"),
    "pencil": ("a pencil sketch of", "a pencil drawing of", "pencil drawing of"),
    "colored pencil": ("a colored pencil drawing of", "colored pencil drawing of"),
    "charcoal": ("a charcoal drawing of", "charcoal drawing of"),
    "watercolor": ("a watercolor of", "a watercolor painting of", "watercolor painting of"),
    "pixel art": ("pixel art of", "a pixel art picture of"),
    "munch": ("an Edvard Munch painting of", "Edvard Munch painting of"),
    "kandinsky": ("a Kandinsky painting of", "Kandinsky painting of"),
}
"""What says the style before the subject."""

PLAIN_LEADS: Phrases = ("a picture of", "a photo of", "an image of", "a picture showing")
"""What goes before the subject and says nothing, for any style."""

PAINTING_LEADS: Phrases = ("a painting of", "painting of")
"""The same, for styles that are painted."""
PAINTED = frozenset({"watercolor", "munch", "kandinsky"})

PLACES: Mapping[str, Phrases] = {
    "sea": ("by the sea", "at the sea", "sea", "sea, wave", "big wave, sea", "by the sea with a wave", "waves"),
    "beach": ("on the beach", "on a sandy beach", "beach", "beach, palm tree", "on the beach under a palm tree"),
    "window": ("on the window sill", "in front of a window", "at the window", "window", "window sill"),
    "bench": ("on a bench", "on a bench by the fence", "bench", "bench, fence", "on a bench in the garden"),
    "night": ("at night", "under the moon", "night", "night, moon", "at night with a moon", "moon, stars"),
    "snow": ("in the snow", "on a snowy day", "snow", "winter, snow", "snowing"),
}
PLAIN: Phrases = ("{} background", "plain {} background", "on a {} background")
SIDES: Phrases = ("on the {}", "on the {} side")

ACCESSORIES: Mapping[str, Phrases] = {
    "red hat": ("with a red hat", "wearing a red hat", "in a red hat", "red hat"),
    "blue collar": ("with a blue collar", "wearing a blue collar", "blue collar"),
    "flower": ("with a flower", "wearing a flower", "flower"),
    "crown": ("with a crown", "wearing a crown", "crown"),
}
EYES: Phrases = ("with {} eyes", "{} eyes")
HAIR: Phrases = ("with {} hair", "{} hair")
DRESS: Phrases = ("in a {} dress", "wearing a {} dress", "{} dress")
SHIELD: Phrases = ("with a {} shield", "holding a {} shield", "{} shield")

JOINING = ("with ", "wearing ", "in ", "on ", "at ", "by ", "under ", "holding ")
"""Beginnings of phrases that follow the subject without a comma."""
