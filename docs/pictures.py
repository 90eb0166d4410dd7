"""Makes every picture of the README and the guides again, with the bundled model: `make pictures`."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

import garasu
from garasu.images.sheet import sheet
from garasu.model import StableDiffusion
from garasu.world.concepts.examples import concept_example
from garasu.world.concepts.table import CONCEPTS

IMAGES = Path(__file__).parent / "images"
GUIDANCE = 4  # what the model card recommends
SEED = 7
FIRST = (
    "a black cat with yellow eyes",
    "an orange tabby cat on the beach",
    "cat, sea, wave, in Edvard Munch style",
    "a gray kitten with a red hat, snow",
    "a brown dog on a bench",
    "a pink cake",
    "two orange kittens, window sill",
    "a white cat at night, watercolor",
)


def first_pictures(sd: StableDiffusion) -> Image.Image:
    """The README's: prompts in the manner of the notes."""
    drawn = [garasu.txt2img(sd, prompt, seed=SEED, guidance_scale=GUIDANCE).image for prompt in FIRST]
    return sheet(drawn, FIRST)


def concepts() -> Image.Image:
    """The training guide's: five pictures of each concept that the model has never seen."""
    shown = [concept_example(index, 128, concept=concept) for concept in CONCEPTS.values() for index in range(5)]
    return sheet([one.image for one in shown], [one.text for one in shown], columns=5)


def main() -> None:
    """Write them all into docs/images."""
    sd = garasu.load()
    for name, picture in (("first-pictures", first_pictures(sd)), ("concepts", concepts())):
        picture.save(IMAGES / f"{name}.png", optimize=True)
        print(IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
