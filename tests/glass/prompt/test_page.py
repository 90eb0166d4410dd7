"""The page, in a real browser."""

import re
from contextlib import contextmanager

import pytest
from tests.browser import opened

from garasu.glass.prompt import inspect_prompt
from garasu.glass.prompt.page import page
from garasu.prompts.rules import ReadingRules


@contextmanager
def shown(tmp_path, report, **how):
    (tmp_path / "page.html").write_text(page(report), encoding="utf-8")
    with opened(tmp_path / "page.html", **how) as browser:
        yield browser


def choose(browser, text):
    browser.locator("label", has_text=text).last.click()


def length(browser):
    return float(browser.locator("#readout").text_content().rsplit(" ", 1)[1])


def pointed(browser, place, rows=77):
    box = browser.locator("#heat").bounding_box()
    browser.mouse.move(box["x"] + box["width"] / 2, box["y"] + (place + 0.5) * box["height"] / rows)
    return browser.locator("#readout").text_content()


def test_words_weights_and_ids_are_on_the_page(tiny, tmp_path):
    with shown(tmp_path, inspect_prompt(tiny, "black (cat:1.25), bozu")) as browser:
        chips = [chip.inner_text().split("\n") for chip in browser.locator(".chip").all()]
        ids = tiny.tokenizer.vocabulary.ids
        assert chips[1:3] == [["black", f"{ids['black</w>']}"], ["cat", f"{ids['cat</w>']} ×1.25"]]
        assert [text for text, _ in chips] == [
            *["start of text", "black", "cat", ",", "b", "o", "z", "u", "end of text", "68 × padding"]
        ]
        assert browser.locator(".chip.within").count() == 3  # b, o, z go on in u
        assert browser.locator("#rows tr").count() == 10


def test_pointing_tells_place_piece_value_and_length(tiny, tmp_path):
    report = inspect_prompt(tiny, "black cat")
    with shown(tmp_path, report) as browser:
        told = pointed(browser, 2)
        found = re.fullmatch(r"place 2 · cat \((\d+)\) · number (\d+): (\S+) · length (\S+)", told)
        assert found is not None
        assert int(found[1]) == report.parts[0].places[2].id
        assert float(found[3]) == pytest.approx(float(report.parts[0].tensor[2, int(found[2])]), abs=1e-3)
        assert float(found[4]) == pytest.approx(report.parts[0].places[2].norm, abs=1e-2)
        assert browser.locator('.chip[aria-pressed="true"]').inner_text().startswith("cat")


def test_toggles_take_away_the_empty_prompt_or_another_one(tiny, tmp_path):
    report = inspect_prompt(tiny, "black cat", ["black dog"])
    with shown(tmp_path, report) as browser:
        whole = pointed(browser, 2)
        choose(browser, "without the empty prompt")
        assert pointed(browser, 0).endswith("length 0.000") or length(browser) < 1e-4
        own, nothing = report.parts[0].tensor[2], report.empty[2]
        changed = (own - (own @ nothing) / (nothing @ nothing) * nothing).norm()
        assert pointed(browser, 2) != whole
        assert length(browser) == pytest.approx(float(changed), rel=1e-3)
        choose(browser, "minus black dog")
        pointed(browser, 2)
        assert length(browser) == pytest.approx(report.differences[0].distances[2], rel=1e-3)
        choose(browser, "against black dog")
        assert "dog" in browser.locator("#chunks").inner_text()


def test_the_map_is_of_the_tensor(tiny, tmp_path):
    report = inspect_prompt(tiny, "black cat")
    with shown(tmp_path, report) as browser:
        red, _, blue, _ = browser.evaluate(
            """() => [...document.getElementById("heat").getContext("2d").getImageData(
                Math.floor(heat.width * 0.5 / 32), Math.floor(heat.height * 40.5 / 77), 1, 1).data]"""
        )
        assert (red > blue) == (float(report.parts[0].tensor[40, 0]) > 0)


def test_arrow_keys_move_over_the_map(tiny, tmp_path):
    with shown(tmp_path, inspect_prompt(tiny, "black cat")) as browser:
        browser.locator("#heat").focus()
        for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowUp"):
            browser.keyboard.press(key)
        assert browser.locator("#readout").text_content().startswith("place 0 · start of text")
        browser.locator(".chip").nth(2).press("Enter")
        assert browser.locator("#readout").text_content().startswith("place 2 · cat")


def test_chunks_moves_and_cuts_are_on_the_page(tiny, tmp_path):
    report = inspect_prompt(tiny, "cat, " * 30 + "black " * 40 + "dog " * 60, rules=ReadingRules(max_chunks=2))
    with shown(tmp_path, report) as browser:
        assert browser.locator(".chunk").count() == 2
        assert browser.locator(".chip.moved").count() == 15
        assert browser.locator("s").text_content() == report.parts[0].cut
        browser.locator(".chip", has_text="dog").last.click()
        line = browser.locator('tr[aria-selected="true"]')
        assert line.locator("td").nth(1).text_content() == "dog"
        box, own = browser.locator("#list").bounding_box(), line.bounding_box()
        assert box["y"] <= own["y"] <= box["y"] + box["height"] - own["height"]  # the list has scrolled to it


def test_a_prompt_is_text_and_never_markup(tiny, tmp_path):
    nasty = "</script><script>document.title='hit'</script><img src=x onerror=\"document.title='hit'\"> cat"
    with shown(
        tmp_path, inspect_prompt(tiny, nasty, [nasty], rules=ReadingRules(syntax="plain", max_chunks=1))
    ) as browser:
        assert browser.title().startswith("garasu prompt: </script>")
        assert browser.locator("h1").text_content() == nasty
        assert browser.locator("img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_telephone_shows_it_all(tiny, tmp_path, scheme):
    report = inspect_prompt(tiny, "c" * 90 + " [cat:dog:0.5] AND black", ["cat " * 100])
    with shown(tmp_path, report, width=400, height=800, scheme=scheme) as browser:
        assert browser.evaluate("document.documentElement.scrollWidth") == 400
        assert browser.locator("#parts label").count() == len(report.shown)
        for index in range(len(report.shown)):
            browser.locator("#parts label").nth(index).click()
            assert browser.locator(".chunk").count() == len(report.shown[index].moved)


def test_there_is_nothing_to_choose_of_one_prompt(tiny, tmp_path):
    with shown(tmp_path, inspect_prompt(tiny, "black cat")) as browser:
        assert browser.locator("#parts").is_hidden()
    with shown(tmp_path, inspect_prompt(tiny, "black cat", ["black dog"])) as browser:
        assert browser.locator("#parts").is_visible()
