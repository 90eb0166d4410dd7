"""What README and docs say, is so: their commands run, and they print what the pages show (docs/follow.py says how).

Of the tour's pages a few are followed here, and what they draw is compared with the pictures that they show. All of
them are run by `make tour`; the stamps in their pictures say whether that was done.
"""

import re
from contextlib import nullcontext
from pathlib import Path

import pytest
from PIL import Image

from docs.follow import BLOCK, follow
from docs.tour import build
from garasu.images.convert import to_tensor

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TOUR = build.pages()
SAMPLE = [build.TOUR / f"{name}.md" for name in ("latent", "prompt", "long-prompts")]  # the quick ones
LANGUAGES = {"sh", "pycon", "python", "json", "text", "make"}


@pytest.mark.parametrize(
    "page", [one for one in PAGES if one not in TOUR], ids=lambda page: str(page.relative_to(ROOT))
)
def test_a_page_works_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    follow(page, tmp_path)


@pytest.mark.parametrize("page", SAMPLE, ids=lambda page: page.stem)
def test_a_page_of_the_tour_draws_what_it_shows(page: Path, tmp_path: Path) -> None:
    build.build(page, tmp_path)
    for name in build.shown(page):
        with Image.open(tmp_path / f"{name}.webp") as made, Image.open(build.PICTURES / f"{name}.webp") as shown:
            assert made.size == shown.size
            change = (to_tensor(made) - to_tensor(shown)).abs().mean() * 127.5
        assert change < 4, f"{name} differs by {change:.1f} levels: run make tour"


@pytest.mark.parametrize("page", TOUR, ids=lambda page: page.stem)
def test_the_pictures_of_the_tour_are_of_its_present_commands(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 70
    assert build.shown(page), "a page of the tour has a picture"
    for name in build.shown(page):
        picture = build.PICTURES / f"{name}.webp"
        assert picture.stat().st_size < 80_000
        assert build.stamp_of(picture) == build.stamp(page), f"{page.name} was changed: run make tour"


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        ("calm 1.00\nstorm 9.0", True),  # the second calm, above the only storm
        ("calm 2.03\ncalm 1.09", True),
        ("c... 2", True),
        ("calm 1.00\ncalm 2.00", False),
        ("storm 7.5", False),
        ("calm", False),
    ],
)
def test_what_a_page_shows_is_found_in_order_and_to_a_tenth(shown: str, same: bool, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```sh\ngarasu any\n```\n\n```text\n{shown}\n```\n", encoding="utf-8")
    with nullcontext() if same else pytest.raises(AssertionError, match="but printed is"):
        follow(page, tmp_path, lambda _: "calm 2.0\ncalm 1.0\nstorm 8.5\n")


def test_the_tour_is_whole() -> None:
    assert {page.name for page in TOUR} == {page.name for page in build.TOUR.glob("*.md")} - {"README.md"}
    ends = [page.read_text(encoding="utf-8").splitlines()[-1] for page in TOUR]
    assert [re.findall(r"\]\((.+?)[#)]", end)[0] for end in ends] == [*(page.name for page in TOUR[1:]), "README.md"]
    shown = {f"{name}.webp" for page in TOUR for name in build.shown(page)}
    assert {picture.name for picture in build.PICTURES.iterdir()} == shown
    assert sum(picture.stat().st_size for picture in build.PICTURES.iterdir()) < 800_000


def test_every_block_says_its_language_and_every_link_leads_somewhere() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert text.count("\n```") == 2 * len(BLOCK.findall(text)), f"{page.name} has a block without a language"
        assert {one["language"] for one in BLOCK.finditer(text)} <= LANGUAGES, page.name
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", BLOCK.sub("", text)):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"
