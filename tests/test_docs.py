"""What README and docs say, is so: their commands run, and their Python prints what they show.

A page is followed from top to bottom in one folder: a `pycon` block is a doctest, a `python` block is run, both in one
session; of an `sh` block every line that begins with `garasu` is run. A block below `<!-- not run: reason -->` is read
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_works_from_top_to_bottom(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if not block["skip"]:
            RUNNERS.get(block["language"], lambda *_: None)(block["code"], names, page)


def run_commands(code: str, _: dict[str, object], page: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for line in filter(None, map(str.strip, code.replace("\\\n", " ").splitlines())):
        if line.startswith(ELSEWHERE):
            continue
        assert line.startswith("garasu "), f"{page.name} shows a command that no test can run: {line}"
        done = subprocess.run(  # the pages are ours
            line, shell=True, check=False, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def run_examples(code: str, names: dict[str, object], page: Path) -> None:
    example = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), 0)
    failures: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=failures.append, clear_globs=False)
    assert not failures, "".join(failures)
    names.update(example.globs)


def run_python(code: str, names: dict[str, object], _: Path) -> None:
    exec(code, names)


RUNNERS = {"sh": run_commands, "pycon": run_examples, "python": run_python}


def test_every_block_says_its_language_and_every_link_leads_somewhere() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert text.count("\n```") == 2 * len(BLOCK.findall(text)), f"{page.name} has a block without a language"
        assert {one["language"] for one in BLOCK.finditer(text)} <= LANGUAGES, page.name
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"
