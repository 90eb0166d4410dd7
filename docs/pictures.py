"""Makes every picture of the README and the guides again, with the bundled model: `make pictures`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

import garasu
from garasu.app.cli import app as garasu_command
from garasu.glass.attention import attention_report
from garasu.glass.attention_figure import attention_figure
from garasu.glass.directions import simulated
from garasu.glass.journey import Frame, measure
from garasu.glass.journey_figure import journey_figure
from garasu.glass.page import record_page
from garasu.glass.paths.fan import fan
from garasu.glass.paths.map import path_map
from garasu.glass.paths.map_figure import map_figure
from garasu.glass.picture_walk import picture_walk
from garasu.glass.preview import linear_preview
from garasu.glass.prompt import inspect_prompt
from garasu.glass.prompt.page import page
from garasu.glass.rarity import rarity
from garasu.glass.rarity_figure import figure
from garasu.glass.strip import strip_figure
from garasu.glass.unet import unet_report
from garasu.glass.unet_figure import unet_figure
from garasu.images.sheet import sheet
from garasu.model import StableDiffusion
from garasu.tasks.blend_grid import Grid
from garasu.tasks.inpaint import explain
from garasu.tasks.kept import together
from garasu.world.concepts.examples import concept_example
from garasu.world.concepts.table import CONCEPTS
from garasu.world.pens import Box
from garasu.world.render import render_with_faces
from garasu.world.scene import random_scene

IMAGES = Path(__file__).parent / "images"
GUIDANCE = 3  # what the model card recommends
SEED = 2
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


def concepts(_: StableDiffusion) -> Image.Image:
    """The training guide's: five pictures of each concept that the model has never seen."""
    shown = [concept_example(index, 128, concept=concept) for concept in CONCEPTS.values() for index in range(5)]
    return sheet([one.image for one in shown], [one.text for one in shown], columns=5)


def strengths(sd: StableDiffusion) -> Image.Image:
    """The picture guide's: one picture under another prompt, ever freer."""
    words = [0.3, 0.45, 0.6, 0.75, 0.9]
    drawn = [
        garasu.img2img(sd, _beach(sd), BLACK, seed=5, guidance_scale=GUIDANCE, strength=one).image for one in words
    ]
    return sheet([_beach(sd), *drawn], ["in.png", *(f"strength {one}" for one in words)], columns=6)


def tidied(sd: StableDiffusion) -> Image.Image:
    """The picture guide's: a sketch, and what a drawing of it could be."""
    strengths = (0.3, 0.45, 0.6, 0.75)
    knobs = {"seed": 1, "guidance_scale": GUIDANCE}
    drawn = [garasu.img2img(sd, sketch(), FIRST[0], strength=one, **knobs).image for one in strengths]
    return sheet([sketch(), *drawn], ["sketch.png", *(f"strength {one}" for one in strengths)], columns=5)


def replaced(sd: StableDiffusion) -> Image.Image:
    """The picture guide's: who sat on the bench, and who could."""
    bench = garasu.txt2img(sd, FIRST[4], seed=SEED, guidance_scale=GUIDANCE).image
    who = ("a white cat on a bench", "a pink cake, bench", "a knight on a bench")
    mask = Image.new("L", bench.size)
    ImageDraw.Draw(mask).rounded_rectangle(SEAT, 24, fill=255)
    knobs = {"seed": 2, "guidance_scale": GUIDANCE, "strength": 1.0}
    made = [garasu.inpaint(sd, bench, mask, one, **knobs).image for one in who]
    return sheet([bench, mask.convert("RGB"), *made], ["bench.png", "seat.png", *who], columns=5)


def explained(sd: StableDiffusion) -> Image.Image:
    """The picture guide's: why what is kept must be put back, and the two results."""
    knobs = {"seed": 5, "guidance_scale": GUIDANCE}
    painted = garasu.inpaint(sd, _beach(sd), _mask(), BLACK, **knobs)
    why = explain(sd, painted.recipe, _beach(sd), _mask())
    made = sheet([painted.others["decoded"], painted.image], ["painted-decoded.png", "painted.png"], columns=2)
    page = Image.new("RGB", (max(why.width, made.width), why.height + made.height), "white")
    page.paste(why, (0, 0))
    page.paste(made, (0, why.height))
    return page


def wide(sd: StableDiffusion) -> Image.Image:
    """The picture guide's: four ways to go on."""
    knobs = {"seed": 5, "guidance_scale": GUIDANCE, "count": 4}
    made = garasu.outpaint(sd, _beach(sd), "an orange cat on the beach", left=40, right=40, **knobs)
    return sheet([one.image for one in made], [f"seed {one.recipe.seed}" for one in made], columns=2)


def two_vaes(sd: StableDiffusion) -> Image.Image:
    """The checkpoint guide's: faces of drawings, and after either VAE, three times as large."""
    faces = [_portrait(index) for index in range(5)]
    other = garasu.load(vae="bundled:faces")
    rows = [faces, *([(_round_trip(one, drawing), box) for drawing, box in faces] for one in (sd, other))]
    labels = [name for name in ("drawn", "bundled", "bundled:faces") for _ in faces]
    return sheet([_close_up(*face) for row in rows for face in row], labels, columns=len(faces))


def approximated(sd: StableDiffusion) -> Image.Image:
    """The guide to less work: two exact pictures, and each with every approximation."""
    tried: tuple[dict[str, float], ...] = (
        {},
        {"guidance_end": 0.6},
        {"guidance_start": 0.2, "guidance_end": 0.8},
        {"deep_cache": 3},
        {"deep_cache": 5},
        {"token_merging": 0.5},
    )
    prompts = FIRST[0], FIRST[5]
    drawn = [
        garasu.txt2img(sd, prompt, seed=SEED, guidance_scale=GUIDANCE, **some).image
        for prompt in prompts
        for some in tried
    ]
    labels = ["exact" if not some else ", ".join(f"{name} {some[name]:g}" for name in some) for some in tried]
    return sheet(drawn, [label.replace("_", " ") for label in labels] * 2, columns=len(tried))


def way(sd: StableDiffusion) -> Image.Image:
    """The guide's to films: sixteen frames of the way from one prompt to another."""
    made = garasu.blend(sd, *WAY, frames=16, seed=SEED, guidance_scale=GUIDANCE)
    return _few_colours(sheet([one.image for one in made], columns=8))


def grid(sd: StableDiffusion) -> Image.Image:
    """The same guide's: from cat to kitten, and less or more tabby."""
    everything = Grid(
        rows="lerp(cat, kitten, t)",
        columns="+ t*tabby",
        row_count=3,
        column_from=-0.43,
        column_to=0.43,
        column_count=7,
        recipe=garasu.Txt2Img(prompt="", seed=SEED, guidance_scale=GUIDANCE),
    )
    cells = everything.cells()
    made = dict(one for one in together(sd, dict(enumerate(cells))) if isinstance(one, tuple))
    shown = [made[index].image for index in range(len(cells))]
    return _few_colours(sheet(shown, [one.prompt for one in cells], columns=everything.column_count))


def prompt_tensor(sd: StableDiffusion) -> Image.Image:
    """The guide to the prompt as a tensor: more and less tabby, on the way to a kitten, and one word at a time."""
    sums = ('cat - (tabby - "")', 'cat - 0.5*(tabby - "")', "cat", 'cat + 0.5*(tabby - "")', 'cat + tabby - ""')
    ways = [f'"a drawing of a cat" {{cat -> lerp(cat, kitten, {t:g})}}' for t in (0, 0.25, 0.5, 0.75, 1)]
    changes = ["", "{cat -> dog}", "{black -> white}", "{black -> orange tabby}", "{green => pink}"]
    sentence = "a black cat with yellow eyes, green background"
    drawn = []
    for one in [*sums, *ways, *(f'"{sentence}"{change}' for change in changes)]:
        drawn.append(garasu.txt2img(sd, one, syntax="algebra", seed=SEED, guidance_scale=GUIDANCE).image)
    return _few_colours(sheet(drawn, [*sums, *ways, sentence, *changes[1:]], columns=5))


def told(sd: StableDiffusion) -> Image.Image:
    """The prompt guide's: emphasis, words that change on the way, and several prompts at once."""
    prompts = (
        *(f"a cat with a (red hat:{weight})" for weight in (0.8, 1.2, 1.5)),
        "a [dog:cat:0.3], beach",
        "a [dog:cat:0.5], beach",
        "a [dog|cat], beach",
        "a [black|white] cat",
        "a cat, [night::0.2]",
        "a black cat AND snow :0.5",
        "a black cat AND snow :-0.5",
    )
    drawn = [garasu.txt2img(sd, one, seed=SEED, guidance_scale=GUIDANCE).image for one in prompts]
    return _few_colours(sheet(drawn, prompts, columns=5))


def prompt_inspector(sd: StableDiffusion) -> Image.Image:
    """The guide's to the prompt inspector: its page in a browser, without the stripes."""
    drawn = _seen(page(inspect_prompt(sd, INSPECTED, ["a kitten"])), (900, 1010), lambda shown: [_chip(shown)])
    return drawn.quantize(256, dither=Image.Dither.NONE)


def glass_page(sd: StableDiffusion) -> Image.Image:
    """The guide's to the page of a record: where "cat" is at step 8, and what a place there attends to."""
    with TemporaryDirectory() as folder:
        recipe = garasu.Txt2Img(prompt="a black cat with yellow eyes", seed=7)
        text = record_page(sd, garasu.record(sd, recipe, Path(folder) / "run"))

    def acts(shown: Any) -> list[Any]:
        shown.locator("#step").fill("8")
        return [_chip(shown), shown.locator(".stage")]

    drawn = _seen(text, (1060, 880), acts)
    return drawn.quantize(256, kmeans=2)


def _chip(shown: Any) -> Any:
    """Of the fourth token."""
    return shown.locator(".chip").nth(3)


def _seen(text: str, size: tuple[int, int], acts: Callable[[Any], list[Any]]) -> Image.Image:
    """A page in a browser after clicks on some of its parts."""
    from playwright.sync_api import sync_playwright

    with TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder) / "page.html"
        path.write_text(text, encoding="utf-8")
        browser = driver.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page(viewport={"width": size[0], "height": size[1]})
        shown.goto(path.as_uri())
        for part in acts(shown):
            part.click()
        shown.mouse.move(0, 0)
        shown.wait_for_timeout(300)
        drawn = Image.open(BytesIO(shown.screenshot())).convert("RGB")
        browser.close()
    return drawn


WAY = "black cat", "orange kitten"


def calm_and_storm(_: StableDiffusion) -> Image.Image:
    """The guide to calm and storm: how fast the picture moves from cat to kitten."""
    sd = garasu.load(dtype="bfloat16")
    frames = _on_the_way(sd, [index / 399 for index in range(400)])
    written = BytesIO()
    journey_figure(measure(sd, frames), frames, "cat → kitten, seed 3, 400 frames").savefig(written, format="png")
    return _few_colours(Image.open(written).convert("RGB"))


def whisker(_: StableDiffusion) -> Image.Image:
    """The guide's to calm and storm: what flickers in bfloat16, and the same frames in float32."""
    shown = range(368, 384)
    looks = [
        frame.picture.crop((18, 68, 58, 118)).resize((80, 100), Image.Resampling.NEAREST)
        for dtype in ("bfloat16", "float32")
        for frame in _on_the_way(garasu.load(dtype=dtype), [index / 399 for index in shown])
    ]
    labels = [f"{dtype} {index}" for dtype in ("bf16", "fp32") for index in shown]
    return _few_colours(sheet(looks, labels, columns=len(shown)))


def _on_the_way(sd: StableDiffusion, places: Sequence[float]) -> list[Frame]:
    """Frames between cat and kitten."""
    here, there = sd.encode("cat").tensor, sd.encode("kitten").tensor
    frames = []
    for first in range(0, len(places), 16):
        some = places[first : first + 16]
        words = torch.cat([here.lerp(there, place) for place in some])
        *_, last = sd.sample(words, seed=[3] * len(some), guidance_scale=GUIDANCE)
        frames += map(Frame, some, sd.decode_each(last.latent), last.latent, words)
    return frames


def strip(sd: StableDiffusion) -> Image.Image:
    """The guide's to latents: noise becoming a cat."""
    with TemporaryDirectory() as folder:
        recipe = garasu.Txt2Img(prompt="a black cat with yellow eyes", seed=7)
        record = garasu.record(sd, recipe, Path(folder) / "run", garasu.RecordOptions(panes=("none",)))
        written = BytesIO()
        strip_figure(sd, picture_walk(record)).savefig(written, format="png", dpi=72)
    return _few_colours(Image.open(written).convert("RGB"))


def replayed(sd: StableDiffusion) -> Image.Image:
    """The recording guide's: a run that became another one, ever later, and one whose latent was mirrored."""
    with TemporaryDirectory() as folder:
        recipe = garasu.Txt2Img(prompt="a black cat with yellow eyes", seed=7)
        record = garasu.record(sd, recipe, Path(folder) / "run", garasu.RecordOptions(panes=("none",)))
        words, steps = "an orange tabby cat with green eyes", (2, 5, 8, 12, 16)
        drawn = [
            garasu.replay(sd, record),
            *(garasu.replay(sd, record, start=step, prompt=words) for step in steps),
            garasu.replay(sd, record, start=5, latent=record.latent[5].flip(-1)),
        ]
    labels = ["recorded", *(f"a tabby from step {step} on" for step in steps), "mirrored at step 5"]
    return sheet([one.image for one in drawn if isinstance(one, garasu.Picture)], labels, columns=7)


def words_seen(sd: StableDiffusion) -> Image.Image:
    """The guide's to attention: where two words of a prompt look."""
    with TemporaryDirectory() as folder:
        record = garasu.record(sd, garasu.Txt2Img(prompt="a black cat with yellow eyes", seed=7), Path(folder) / "run")
        report = attention_report(record.walks[0], ["cat", "eyes"])
        return _page(attention_figure(report, sd.decode(record.finished), record.recipe.prompt))


def ladder(sd: StableDiffusion) -> Image.Image:
    """The same guide's: the U-Net's feature maps, and the picture without some of its parts."""
    with TemporaryDirectory() as folder:
        record = garasu.record(sd, garasu.Txt2Img(prompt="a black cat with yellow eyes", seed=7), Path(folder) / "run")
        pictures = {"the run": sd.decode(record.finished)}
        for name in ("skip.0", "skip.2", "skip.4", "unet.up.0", "unet.*.cross_attention"):
            with garasu.without(sd, name):
                again = garasu.replay(sd, record)
            assert isinstance(again, garasu.Picture)
            pictures[f"without {name}"] = again.image
        return _page(unet_figure(unet_report(sd, record), pictures, record.recipe.prompt))


def _page(figure: Figure) -> Image.Image:
    written = BytesIO()
    figure.savefig(written, format="png")
    page = Image.open(written).convert("RGB")
    return page.resize((760, 760 * page.height // page.width), Image.Resampling.LANCZOS).quantize(
        96, dither=Image.Dither.NONE
    )


def fan_of_a_cat(_: StableDiffusion) -> Image.Image:
    """The guide's to paths: the map of a fan that meets a watershed."""
    sd = garasu.load(dtype="float32")
    recipe = garasu.Txt2Img(prompt="a drawing of a cat", seed=7, guidance_scale=GUIDANCE)
    found = fan(sd, recipe, count=16, size=0.1)
    page = BytesIO()
    made = map_figure(sd, path_map(found.paths, apart=True), "A fan of a drawing of a cat", found.groups.tolist())
    made.savefig(page, format="png", dpi=66)
    return _few_colours(Image.open(page).convert("RGB"))


BLACK = "a black cat on the beach"
INSPECTED = "a (black:1.3) cat, bozuman, [snow]"
SEAT = (14, 6, 116, 114)


def sketch() -> Image.Image:
    """A cat as one draws it in a minute; docs/guides/img2img.md has the same lines."""
    page = Image.new("RGB", (512, 512), (178, 196, 226))
    pen, ink, yellow = ImageDraw.Draw(page), (24, 20, 26), (240, 205, 40)
    pen.ellipse((170, 250, 350, 480), fill=ink)
    pen.ellipse((160, 110, 360, 300), fill=ink)
    for left, tip, right in (((170, 170), (180, 60), (250, 125)), ((350, 170), (340, 60), (270, 125))):
        pen.polygon([left, tip, right], fill=ink)
    pen.line([(345, 440), (420, 400), (430, 320)], fill=ink, width=26)
    for x in (215, 305):
        pen.ellipse((x - 26, 175, x + 26, 235), fill=yellow)
        pen.ellipse((x - 7, 185, x + 7, 228), fill=ink)
    return page.resize((128, 128))


def _few_colours(page: Image.Image) -> Image.Image:
    """Many small pictures in a small file."""
    return page.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)


def _beach(sd: StableDiffusion) -> Image.Image:
    return garasu.txt2img(sd, "an orange cat on the beach", seed=3, guidance_scale=GUIDANCE).image


def _mask() -> Image.Image:
    mask = Image.new("L", (128, 128))
    ImageDraw.Draw(mask).rounded_rectangle((6, 32, 86, 127), 24, fill=255)
    return mask


def rare(_: StableDiffusion) -> Image.Image:
    """The guide's of rare cosines: the notes' 0.2 in CLIP's dimensions."""
    page = BytesIO()
    figure(rarity(0.2, 768), simulated(768, 200_000)).savefig(page, format="png", dpi=120)
    return Image.open(page)


def forming(sd: StableDiffusion) -> Image.Image:
    """The preview guide's: what --preview shows on the way to a cat, and the cat."""
    preview, seen = linear_preview(sd), {}
    for step in sd.sample(sd.encode(FIRST[0]), guidance_scale=GUIDANCE, seed=7):
        (small,) = preview(step.x0)
        seen[step.index] = small.resize((128, 128), Image.Resampling.NEAREST)
    finished = sd.decode(step.latent)
    shown = [0, 5, 10, 15, 25]
    return sheet(
        [*(seen[index] for index in shown), finished], [*(f"step {index}" for index in shown), "cat.png"], columns=6
    )


def _portrait(index: int) -> tuple[Image.Image, Box]:
    """A drawing of one subject with a face, and where the face is."""
    rng = random.Random(f"face {index}")
    while True:
        scene = random_scene(rng)
        pixels, faces = render_with_faces(scene, 128, rng.getrandbits(32))
        if scene.style == "flat" and len(faces) == 1:
            return Image.fromarray(pixels), faces[0]


def _round_trip(sd: StableDiffusion, drawing: Image.Image) -> Image.Image:
    """A drawing after the VAE alone."""
    (back,) = sd.decode_each(sd.encode_image(drawing))
    return back


def _close_up(picture: Image.Image, face: Box) -> Image.Image:
    """Forty-eight pixels around a face's middle, three times as large."""
    x, y = (face[0] + face[2]) // 2, (face[1] + face[3]) // 2
    return picture.crop((x - 24, y - 24, x + 24, y + 24)).resize((144, 144), Image.Resampling.NEAREST)


PICTURES: dict[str, Callable[[StableDiffusion], Image.Image]] = {
    "first-pictures": first_pictures,
    "concepts": concepts,
    "strengths": strengths,
    "tidied": tidied,
    "explain": explained,
    "replaced": replaced,
    "wide": wide,
    "two-vaes": two_vaes,
    "faster": approximated,
    "blend": way,
    "blend-grid": grid,
    "rarity": rare,
    "preview": forming,
    "told": told,
    "prompt-tensor": prompt_tensor,
    "prompt-inspector": prompt_inspector,
    "calm-and-storm": calm_and_storm,
    "whisker": whisker,
    "replayed": replayed,
    "strip": strip,
    "glass-page": glass_page,
    "glass-attention": words_seen,
    "glass-unet": ladder,
    "glass-paths": fan_of_a_cat,
}


FILM = ["cat", "kitten", "--adaptive", "--frames", "24", "--fps", "8", "--seed", "2", "--guidance-scale", "3"]


def main() -> None:
    """Write them all into docs/images."""
    sd = garasu.load()
    for name, make in PICTURES.items():
        make(sd).save(IMAGES / f"{name}.png", optimize=True)
        print(IMAGES / f"{name}.png")
    garasu_command(["blend", *FILM, "-o", str(IMAGES / "cat-kitten.gif")], result_action="return_value")


if __name__ == "__main__":
    main()
