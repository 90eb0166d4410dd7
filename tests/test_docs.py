"""What README and docs say, is so: their commands run, and their Python prints what they show.

A `pycon` block is a doctest, a `python` block is run; those of a page share one session. Of an `sh` block every line
that begins with `garasu` is run, in one folder for the whole page. A block below `<!-- not run: reason -->` is read
only.
"""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"(?P<skip><!-- not run: .+? -->\n\n?)?^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE
)
LANGUAGES = {"sh", "pycon", "python", "json", "text", "make"}
ELSEWHERE = ("make", "git", "cd", "pip", "#")  # tested by being how the tests themselves are started


def blocks(page: Path, language: str) -> list[str]:
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [one["code"] for one in found if one["language"] == language and not one["skip"]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_examples_print_what_the_page_shows(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    example = doctest.DocTestParser().get_doctest("\n".join(blocks(page, "pycon")), {}, page.name, str(page), 0)
    failures: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=failures.append)
    assert not failures, "".join(failures)
    found: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(block, found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_run(page: Path, tmp_path: Path) -> None:
    lines = "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for line in filter(None, map(str.strip, lines)):
        if line.startswith(ELSEWHERE):
            continue
        assert line.startswith("garasu "), f"{page.name} shows a command that no test can run: {line}"
        done = subprocess.run(  # the pages are ours
            line, shell=True, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def test_every_block_says_its_language_and_every_link_leads_somewhere() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert text.count("\n```") == 2 * len(BLOCK.findall(text)), f"{page.name} has a block without a language"
        assert {one["language"] for one in BLOCK.finditer(text)} <= LANGUAGES, page.name
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"
