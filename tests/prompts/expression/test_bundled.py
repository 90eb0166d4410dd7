"""The study notes' experiments with the bundled model, judged by the probe and by pixels."""

import numpy as np
import pytest
from PIL import Image

from garasu.images.convert import to_tensor
from garasu.model import load
from garasu.prompts.expression import read_expression
from garasu.training.evaluation.probe_training import load_probe

pytestmark = pytest.mark.slow
SENTENCE = "a black cat with yellow eyes, green background"
APART = 40  # levels between a thing and the plain ground behind it


@pytest.fixture(scope="module")
def draw():
    """Pictures [N, H, W, 3] of an expression, one a seed."""
    sd = load(device="cpu")

    def drawn(text: str, count: int) -> np.ndarray:
        words = read_expression(text).evaluate(sd.encode).tensor
        *_, last = sd.sample(words.expand(count, -1, -1), seed=range(count), guidance_scale=3.0)
        return np.stack([np.asarray(one) for one in sd.decode_each(last.latent)])

    return drawn


@pytest.fixture(scope="module")
def seen():
    probe = load_probe()

    def values(pictures: np.ndarray, name: str) -> list[str]:
        return [one[name] for one in probe.read(to_tensor([Image.fromarray(one) for one in pictures]))]

    return values


def things(pictures: np.ndarray) -> np.ndarray:
    """Where a picture is not of the colour of its border, [N, H, W]: that of the ground, if it is plain."""
    edge = np.concatenate([pictures[:, 0], pictures[:, -1], pictures[:, :, 0], pictures[:, :, -1]], axis=1)
    ground = np.median(edge, axis=1)[:, None, None]
    return (np.abs(pictures - ground) > APART).any(-1)


def changes(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Mean pixel change where either picture has a thing, and elsewhere."""
    inside = things(before) | things(after)
    change = np.abs(before.astype(float) - after).mean(-1)
    return float(change[inside].mean()), float(change[~inside].mean())


def test_stripes_come_with_tabby_and_go_without(draw, seen):
    shares = {
        text: np.mean([one == "tabby" for one in seen(draw(text, 16), "pattern")])
        for text in ("cat", 'cat + tabby - ""', "tabby cat", 'tabby cat - (tabby - "")')
    }
    plain, more, striped, less = shares.values()
    assert plain <= 0.25
    assert more >= 0.8
    assert less <= striped - 0.5


@pytest.mark.parametrize(
    ("change", "name", "value"), [("cat -> dog", "subject", "dog"), ("black -> white", "fur", "white")]
)
def test_one_word_changes_one_thing(draw, seen, change, name, value):
    before, after = draw(f'"{SENTENCE}"', 8), draw(f'"{SENTENCE}"{{{change}}}', 8)
    assert value not in seen(before, name)
    assert seen(after, name) == [value] * 8
    inside, outside = changes(before, after)
    assert outside < inside / 3


def test_the_ground_needs_the_ends(draw, seen):
    own, ends = (draw(f'"{SENTENCE}"{{green {arrow} pink}}', 6) for arrow in ("->", "=>"))
    assert seen(own, "background_color").count("pink") <= 1
    assert seen(ends, "background_color").count("pink") >= 5


def test_a_longer_word_is_seen_whole(draw, seen):
    pictures = draw('"a cat with yellow eyes, green background"{cat -> black tabby cat}', 6)
    assert seen(pictures, "fur").count("black") >= 5
    assert seen(pictures, "pattern").count("tabby") >= 5
