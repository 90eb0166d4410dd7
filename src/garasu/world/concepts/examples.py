"""One captioned picture of a concept."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass

from PIL import Image

from garasu.world.captions import caption_in
from garasu.world.concepts.captions import portrait_caption
from garasu.world.concepts.portrait import Portrait, portrait, render_portrait
from garasu.world.concepts.table import Concept, Individual
from garasu.world.render import render
from garasu.world.scene import Scene, random_scene


@dataclass(frozen=True)
class ConceptExample:
    """One drawn picture of a concept that training never sees: of an individual a portrait, of a style a scene."""

    concept: Concept
    shown: Portrait | Scene
    text: str
    seed: int
    image: Image.Image

    @property
    def attributes(self) -> dict[str, str]:
        """What metadata.jsonl says beside the caption: the concept's name, noun and class noun, and what differs."""
        names = {"concept": self.concept.name, "noun": self.concept.noun, "class_noun": self.concept.class_noun}
        own_style = {} if isinstance(self.concept, Individual) else {"style": self.concept.name}
        return {**names, **asdict(self.shown), **own_style}


def concept_example(
    index: int, size: int | tuple[int, int] = 128, *, concept: Concept, seed: int = 0
) -> ConceptExample:
    """Picture `index` of the concept's set `seed`, a function of these alone."""
    rng = random.Random(f"{seed}/{index}/{concept.name}")
    picture_seed = rng.randrange(1 << 31)
    shown: Portrait | Scene
    if isinstance(concept, Individual):
        shown = portrait(concept, index, seed)
        text = portrait_caption(concept.noun, shown, rng)
        pixels = render_portrait(concept, shown, size, picture_seed)
    else:
        shown = random_scene(rng, style="flat")
        text = caption_in(concept.noun, shown, rng)
        pixels = render(shown, size, picture_seed, concept.pen)
    return ConceptExample(concept, shown, text, picture_seed, Image.fromarray(pixels))
