"""The page, in a real browser."""

import re
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from matplotlib import colormaps
from tests.browser import opened

from garasu.glass.page import record_page
from garasu.glass.record.options import RecordOptions

LAYER = "unet.up.1.transformers.0.blocks.0"
NAME = f"{LAYER}.cross_attention.weights"
CENTRES = """([tall, wide]) => {
    const c = document.querySelector(".stage"), {data} = c.getContext("2d").getImageData(0, 0, c.width, c.height);
    const at = (row, column) => 4 * (Math.floor((row + 0.5) / tall * c.height) * c.width
        + Math.floor((column + 0.5) / wide * c.width));
    const colour = (i) => [0, 1, 2].map((k) => data[at(Math.floor(i / wide), i % wide) + k]);
    return Array.from({length: tall * wide}, (_, i) => colour(i));
}"""  # the colour in the middle of every place


@contextmanager
def shown(tmp_path, tiny, *records, how=None, **options):
    (tmp_path / "page.html").write_text(record_page(tiny, *records, **options), encoding="utf-8")
    with opened(tmp_path / "page.html", **(how or {})) as browser:
        settle(browser)
        yield browser


def settle(browser):
    """Wait until what was asked for is drawn."""
    browser.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def press(browser, key, times=1):
    for _ in range(times):
        browser.keyboard.press(key)
    settle(browser)


def step(browser):
    return int(re.match(r"step (\d+) of 3 ", browser.locator("#where").text_content())[1])


def chip(browser, text, panel=0):
    return browser.locator(".panel").nth(panel).locator(".chip", has_text=re.compile(f"^{text}$"))


def at(browser, row, column, size=8, panel=0):
    """Click a place."""
    stage = browser.locator(".stage").nth(panel)
    box = stage.bounding_box()
    stage.click(position={"x": (column + 0.5) * box["width"] / size, "y": (row + 0.5) * box["height"] / size})
    settle(browser)


def shares(browser, panel=0):
    bars = browser.locator(".panel").nth(panel).locator(".bar")
    return {
        one.locator(".text").text_content(): float(one.locator(".share").get_attribute("data-value"))
        for one in bars.all()
    }


def test_the_slider_goes_over_the_steps_by_keys_hands_and_by_itself(kept, tiny, tmp_path):
    with shown(tmp_path, tiny, kept) as browser:
        assert step(browser) == 3  # the end first: there is something to see
        press(browser, "Home")
        assert step(browser) == 0
        first = browser.locator(".stage").screenshot()
        press(browser, "ArrowRight", 2)
        assert step(browser) == 2
        assert f"σ {kept.sigma[2]:.3g} · t {kept.t[2]:.0f}" in browser.locator("#where").text_content()
        assert browser.locator(".stage").screenshot() != first
        browser.locator("#step").focus()
        press(browser, "ArrowLeft")
        assert step(browser) == 1
        press(browser, "End")
        assert step(browser) == 3
        browser.locator("#step").fill("1")
        settle(browser)
        assert step(browser) == 1
        press(browser, "Home")
        press(browser, " ")
        assert browser.locator("#play").get_attribute("aria-label") == "Pause"
        browser.locator("#play[aria-label=Play]").wait_for()
        assert step(browser) == 3


def test_it_plays_slowly_where_motion_is_reduced(kept, tiny, tmp_path):
    with shown(tmp_path, tiny, kept) as browser:
        browser.emulate_media(reduced_motion="reduce")
        browser.locator("#play").click()
        settle(browser)
        browser.wait_for_timeout(500)  # three times as long as a step takes otherwise
        assert step(browser) == 0
        assert browser.evaluate("getComputedStyle(document.querySelector('.fill i')).transitionDuration") == "0s"


def test_a_word_shows_its_map_while_pointed_to_or_held(kept, tiny, tmp_path):
    with shown(tmp_path, tiny, kept) as browser:
        browser.locator("#alone").check()
        browser.locator("#layer").select_option(LAYER)
        browser.locator("#step").press("Home")
        settle(browser)
        plain = browser.locator(".stage").screenshot()
        chip(browser, "cat").hover()
        settle(browser)
        maps, inferno = kept.attention("cat")[NAME], colormaps["inferno"]
        own = maps[0][0]
        least, most = float(maps.row(0).min()), float(maps.row(0).max())
        drawn = np.array(browser.evaluate(CENTRES, list(own.shape)))
        colours = inferno(((own - least) / (most - least)).flatten().numpy(), bytes=True)[:, :3]
        assert np.abs(drawn - colours).max() <= 10  # the page has the scale at eleven points
        assert f"{100 * most:.2g}" in browser.locator(".panel .legend").text_content()
        browser.mouse.move(2, 2)
        settle(browser)
        assert browser.locator(".stage").screenshot() == plain
        chip(browser, "cat").click()
        browser.mouse.move(2, 2)
        settle(browser)
        assert browser.locator(".stage").screenshot() != plain
        assert chip(browser, "cat").get_attribute("aria-pressed") == "true"
        press(browser, "Escape")
        assert browser.locator(".chip[aria-pressed=true]").count() == 0


def test_a_word_reached_by_keyboard_shows_its_map(kept, tiny, tmp_path):
    with shown(tmp_path, tiny, kept) as browser:
        browser.locator(".tile").last.focus()
        press(browser, "Tab", 3)
        assert browser.locator(".chip.lit").text_content() == "black"
        assert "attention to “black”" in browser.locator(".panel .legend").text_content()
        press(browser, "Enter")
        assert chip(browser, "black").get_attribute("aria-pressed") == "true"


def test_a_place_says_what_it_attends_to(kept, tiny, tmp_path):
    pane = kept.pane(NAME)
    with shown(tmp_path, tiny, kept) as browser:
        browser.locator("#layer").select_option(LAYER)
        settle(browser)
        tall, wide = kept.attention("cat")[NAME][0].shape[-2:]
        assert shares(browser)["cat"] == pytest.approx(float(kept.attention("cat")[NAME][3][0].mean()), rel=1e-3)
        at(browser, 1, 2, tall)
        own = pane[3][0].float()[1 * wide + 2]
        words = {
            "start of text": own[0],
            "a": own[1],
            "black": own[2],
            "cat": own[3],
            "end of text": own[4],
            "padding": own[5:].sum(),
        }
        assert shares(browser) == pytest.approx({word: float(x) for word, x in words.items()}, rel=2e-3)
        assert browser.locator(".place").text_content().startswith("Row 1, column 2 attends to words by ")
        browser.locator(".stage").focus()
        press(browser, "ArrowDown")
        assert step(browser) == 3
        assert shares(browser)["cat"] == pytest.approx(float(pane[3][0, 2 * wide + 2, 3]), rel=2e-3)
        browser.locator("#over").select_option("mean")
        settle(browser)
        mean = torch.stack([pane[k][0, 2 * wide + 2, 3].float() for k in range(4)]).mean()
        assert shares(browser)["cat"] == pytest.approx(float(mean), rel=2e-3)
        press(browser, "Escape")
        assert browser.locator(".place").text_content().startswith("The whole picture")


def test_tiles_choose_the_large_picture(kept, tiny, tmp_path):
    with shown(tmp_path, tiny, kept) as browser:
        looks = set()
        for tile in browser.locator(".tile").all():
            tile.click()
            settle(browser)
            assert tile.get_attribute("aria-pressed") == "true"
            looks.add(browser.locator(".stage").screenshot())
            if tile.get_attribute("data-view") == "guidance":
                most = float(kept.difference.row(0).norm(dim=1).max())
                assert f"{most:.3g}" in browser.locator(".panel .legend").text_content()
        assert len(looks) == 5


def test_rows_and_walks_are_chosen(keep, tiny, tmp_path):
    record = keep("cat", count=2, hires_scale=2)
    with shown(tmp_path, tiny, record) as browser:
        one = shares(browser)
        browser.locator("#row").select_option("1")
        settle(browser)
        other = shares(browser)
        assert other != one
        browser.locator("#walk").select_option("1")
        settle(browser)
        assert browser.locator("#row").input_value() == "1"
        assert browser.locator("#step").get_attribute("max") == str(len(record.walks[1]) - 1)
        assert shares(browser) not in (one, other)


def test_curves_have_a_cursor_and_move_the_slider(kept, tiny, tmp_path):
    with shown(tmp_path, tiny, kept) as browser:
        press(browser, "Home")
        cursor = browser.locator("#curves .cursor").first
        before = float(cursor.get_attribute("x1"))
        press(browser, "ArrowRight")
        assert float(cursor.get_attribute("x1")) > before
        said = browser.locator("#curves b").all_text_contents()
        assert float(said[0]) == pytest.approx(kept.sigma[1], rel=5e-3)
        assert float(said[1]) == pytest.approx(float(kept.difference[1][0].square().mean().sqrt()), rel=5e-3)
        assert float(said[2]) == pytest.approx(float((kept.x0[1] - kept.x0[0])[0].square().mean().sqrt()), rel=5e-3)
        box = browser.locator("#curves svg").first.bounding_box()
        browser.mouse.click(box["x"] + box["width"] - 3, box["y"] + 5)
        settle(browser)
        assert step(browser) == 3


def test_two_runs_move_together_and_are_subtracted(kept, keep, tiny, tmp_path):
    other = keep("dog cat", steps=8)
    with shown(tmp_path, tiny, kept, other) as browser:
        assert browser.locator(".panel").count() == 2
        press(browser, "Home")
        press(browser, "ArrowRight")
        match = min(range(8), key=lambda k: abs(np.log(other.sigma[k] / kept.sigma[1])))
        apart = (kept.x0[1] - other.x0[match])[0].square().mean().sqrt()
        assert float(re.search(r"are (\S+) apart", browser.locator("#distance").text_content())[1]) == pytest.approx(
            float(apart), rel=5e-3
        )
        chip(browser, "cat", panel=1).hover()
        settle(browser)
        assert [one.text_content() for one in browser.locator(".chip.lit").all()] == ["cat", "cat"]
        at(browser, 2, 2, panel=1)
        assert [one.split(" attends")[0] for one in browser.locator(".place").all_text_contents()] == [
            "Row 1, column 1"
        ] * 2


def test_a_run_is_no_distance_from_itself(kept, tiny, tmp_path):
    with shown(tmp_path, tiny, kept, kept) as browser:
        assert "are 0 apart" in browser.locator("#distance").text_content()


def test_runs_of_different_sizes_have_no_difference(kept, keep, tiny, tmp_path):
    with shown(tmp_path, tiny, kept, keep("cat", width=96)) as browser:
        assert "different sizes" in browser.locator("#distance").text_content()


@pytest.mark.parametrize("prompt", ["cat AND dog", "a [cat:dog:0.5]", ""])
def test_prompts_whose_words_have_no_places_do_not_break_it(keep, tiny, tmp_path, prompt):
    with shown(
        tmp_path, tiny, keep(prompt), keep("cat", RecordOptions(panes=("none",), every=3), guidance_scale=1)
    ) as browser:
        for tile in browser.locator(".panel").first.locator(".tile").all():
            tile.click()
            press(browser, "ArrowLeft")
        at(browser, 3, 3)
        assert browser.locator(".missing").last.is_visible()


def test_a_prompt_is_text_and_never_markup(keep, tiny, tmp_path):
    nasty = "</script><script>document.title='hit'</script><img src=x onerror=\"document.title='hit'\"> {{SCRIPT}} cat"
    with shown(tmp_path, tiny, keep(nasty, syntax="plain", max_chunks=1)) as browser:
        assert browser.title().startswith("garasu: </script>")
        assert browser.locator("h1").text_content() == nasty
        assert browser.locator("img").count() == 0


def test_only_its_own_script_may_run_and_nothing_is_fetched(kept, tiny):
    policy = re.search(r'Policy" content="([^"]+)"', record_page(tiny, kept))[1]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_telephone_shows_it_all(keep, tiny, tmp_path, scheme, count):
    records = [keep("c" * 50 + " cat" * 20)] * count
    with shown(tmp_path, tiny, *records, how={"width": 400, "height": 800, "scheme": scheme}) as browser:
        assert browser.evaluate("document.documentElement.scrollWidth") == 400
        for one in chip(browser, "cat").all()[:3]:
            one.click()  # fails where the page moves under the pointer
            settle(browser)
        assert browser.locator(".chip[aria-pressed=true]").count() == count
