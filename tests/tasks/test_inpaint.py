"""inpaint: what is kept to the bit, what the masked part starts from, and masks that cannot be."""

import numpy as np
import pytest
import torch
from PIL import Image

from garasu.diffusion.noise import Noise
from garasu.images.infotext import read_infotext
from garasu.images.masks import MaskError
from garasu.images.metadata import read_metadata
from garasu.tasks.inpaint import Inpaint, explain, inpaint, inpaint_steps, masked_canvas, workpiece
from garasu.tasks.refusal import RecipeError

RNG = np.random.default_rng(0)
PICTURE = Image.fromarray(RNG.integers(0, 256, (64, 72, 3), dtype=np.uint8))
MASK = Image.new("L", PICTURE.size, 0)
MASK.paste(255, (16, 16, 48, 56))
INSIDE = np.asarray(MASK) > 0
BRIEF = {"steps": 2, "seed": 1}


def changed(a: Image.Image, b: Image.Image) -> np.ndarray:
    return (np.asarray(a) != np.asarray(b)).any(axis=2)


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"strength": 0.5, "content": "fill"},
        {"border": "poisson", "blend": "x0"},
        {"border": "hard", "mask_blur": 0},
        {"only_masked": True, "padding": 4},
        {"only_masked": True, "width": 64, "height": 32},
        {"width": 64, "height": 128},
        {"content": "noise", "strength": 0.5, "encoding": "sample"},
    ],
    ids=str,
)
@pytest.mark.parametrize("channels", [4, 9])
def test_outside_the_mask_nothing_changes(new_tiny, channels, knobs):
    made = inpaint(new_tiny(channels), PICTURE, MASK, "cat", **BRIEF, **knobs)
    assert made.image.size == PICTURE.size
    difference = changed(made.image, PICTURE)
    assert not difference[~INSIDE].any()
    assert difference[INSIDE].mean() > 0.5
    assert changed(made.others["decoded"], PICTURE).any()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "I;16", "1"])
def test_pictures_of_every_mode_keep_what_they_show(tiny, tmp_path, mode):
    if mode == "I;16":
        picture = Image.fromarray(RNG.integers(0, 2**16, (64, 64), dtype=np.uint16))
    else:
        picture = PICTURE.crop((0, 0, 64, 64)).convert(mode)
        if mode == "RGBA":
            picture.putalpha(Image.fromarray(RNG.integers(0, 256, (64, 64), dtype=np.uint8)))
    path = tmp_path / ("in.tif" if mode == "CMYK" else "in.png")
    picture.save(path)
    from garasu.images.reading import read_input

    mask = MASK.crop((0, 0, 64, 64))
    made = inpaint(tiny, path, mask, "cat", **BRIEF)
    original = read_input(path).original
    assert made.image.mode == original.mode
    kept = np.asarray(mask) == 0
    assert (np.asarray(made.image)[kept] == np.asarray(original)[kept]).all()


def test_the_decoded_picture_is_the_models_whole_answer(tiny):
    *_, step, made = inpaint_steps(tiny, Inpaint(prompt="cat", **BRIEF), PICTURE, MASK)
    assert made.others["decoded"].tobytes() == tiny.decode(step.latent).tobytes()


def test_what_the_masked_part_starts_from(tiny):
    work = workpiece(tiny, Inpaint(prompt="cat"), PICTURE, torch.from_numpy(INSIDE).float()[None, None])
    latents = {}
    for content in ("original", "fill", "noise", "nothing"):
        recipe = Inpaint(prompt="cat", seed=3, content=content, mask_blur=0)
        canvas = masked_canvas(tiny, [recipe], work.seen, work.seen_mask)
        latents[content] = canvas.latent
    inside = canvas.mask.expand_as(latents["fill"]) == 1
    assert torch.equal(latents["original"], tiny.encode_image(PICTURE))
    assert (latents["nothing"][inside] == 0).all()
    assert torch.allclose(latents["noise"][inside], Noise([3], (4, 8, 9)).draw()[inside])
    assert (latents["fill"] - latents["original"]).abs().max() > 0.01
    for latent in (latents["nothing"], latents["noise"]):
        assert torch.allclose(latent[~inside], latents["original"][~inside], atol=1e-6)


def test_a_model_of_nine_channels_is_shown_a_gray_hole(new_tiny):
    sd = new_tiny(9)
    work = workpiece(sd, Inpaint(prompt="cat"), PICTURE, torch.from_numpy(INSIDE).float()[None, None])
    canvas = masked_canvas(sd, [Inpaint(prompt="cat", seed=3, mask_blur=0)], work.seen, work.seen_mask)
    gray = np.asarray(PICTURE).copy()
    gray[INSIDE] = 127.5
    assert set(canvas.mask.unique().tolist()) == {0, 1}
    assert (canvas.masked - sd.encode_image(Image.fromarray(gray))).abs().max() < 0.05


def test_only_the_masked_part_is_seen_enlarged(tiny):
    mask = torch.zeros(1, 1, 64, 72)
    mask[..., 30:34, 40:44] = 1
    work = workpiece(tiny, Inpaint(prompt="cat", only_masked=True, padding=4), PICTURE, mask)
    assert work.box == (36, 26, 48, 38)
    assert work.seen.size == (64, 64)


def test_masks_that_cannot_be_are_refused(tiny):
    for mask, sentence in (
        (Image.new("L", (64, 64), 255), "the mask is 64x64 and the picture 72x64"),
        (Image.new("L", PICTURE.size, 0), "the mask is empty"),
    ):
        with pytest.raises(MaskError, match=sentence):
            inpaint(tiny, PICTURE, mask, "cat", **BRIEF)
    with pytest.raises(RecipeError, match="mask is missing"):
        inpaint(tiny, PICTURE, None, "cat", **BRIEF)
    made = inpaint(tiny, PICTURE, MASK, "cat", **BRIEF)
    with pytest.raises(RecipeError, match="not the one"):
        inpaint(tiny, PICTURE, Image.eval(MASK, lambda level: 255 - level), made.recipe)


def test_an_inverted_mask_paints_the_rest(tiny):
    made = inpaint(tiny, PICTURE, MASK, "cat", invert_mask=True, **BRIEF)
    assert not changed(made.image, PICTURE)[INSIDE].any()
    assert changed(made.image, PICTURE)[~INSIDE].mean() > 0.5


def test_the_explanation_shows_what_the_vae_loses(tiny):
    sheet = explain(tiny, Inpaint(prompt="cat", mask_blur=0), PICTURE, MASK)
    seen, back, strong, weights = (
        np.asarray(sheet.crop((8 + i * 80, 8, 80 + i * 80, 72))).astype(int) for i in range(4)
    )
    assert (seen == np.asarray(PICTURE)).all()
    assert (back == np.asarray(tiny.decode(tiny.encode_image(PICTURE)))).all()
    assert (strong == (128 + 8 * (back - seen)).clip(0, 255)).all()
    assert (weights[..., 0] == 255 * INSIDE).all()


def test_a_saved_picture_says_it_in_a1111s_words(tiny, tmp_path):
    knobs = {"strength": 0.5, "content": "noise", "only_masked": True, "padding": 8, "mask_blur": 2}
    inpaint(tiny, PICTURE, MASK, "cat", **BRIEF, **knobs).save(tmp_path / "out.png")
    fields = read_infotext(read_metadata(tmp_path / "out.png").parameters).fields
    expected = {
        "Denoising strength": "0.5",
        "Mask blur": "2",
        "Inpaint area": "Only masked",
        "Masked area padding": "8",
        "Masked content": "latent noise",
    }
    assert {name: fields[name] for name in expected} == expected
