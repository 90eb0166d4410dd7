"""Follows a page from top to bottom, as its reader would: tests run the pages with it, and `make tour` builds with it.

A `pycon` block is a doctest, a `python` block is run, both in one session; of an `sh` block every line that begins with
`garasu` is run, and a `text` block right below it is an excerpt of what those lines print, where `...` is anything. A
block below `<!-- not run: reason -->` is read only.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

BLOCK = re.compile(
    r"(?P<skip><!-- not run: .+? -->\n\n?)?^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE
)
ELSEWHERE = ("make", "git", "cd", "pip", "#")  # tested by being how the tests themselves are started


def follow(page: Path, folder: Path) -> None:
    """Run the page in a folder; an AssertionError says what was not so."""
    names: dict[str, object] = {}
    printed, end = "", 0
    text = page.read_text(encoding="utf-8")
    with chdir(folder):
        for block in BLOCK.finditer(text):
            gap, end = text[end : block.start()], block.end()
            if block["skip"]:
                continue
            if block["language"] == "sh":
                printed = "".join(_printed(line, page) for line in _commands(block["code"]))
            elif block["language"] == "text" and printed and not gap.strip():
                _same(block["code"], printed, page)
            elif block["language"] == "pycon":
                _examples(block["code"], names, page)
            elif block["language"] == "python":
                exec(compile(block["code"], str(page), "exec"), names)


def _commands(code: str) -> Iterator[str]:
    lines = map(str.strip, code.replace("\\\n", " ").splitlines())
    return (line for line in lines if line and not line.startswith(ELSEWHERE))


def _printed(line: str, page: Path) -> str:
    """What a command prints on stdout."""
    assert line.startswith("garasu "), f"{page.name} shows a command that no test can run: {line}"
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(  # the pages are ours
        line, shell=True, check=False, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def _same(shown: str, printed: str, page: Path) -> None:
    pattern = ".*?".join(map(re.escape, shown.split("...")))
    assert re.search(pattern, printed, re.DOTALL), f"{page.name} shows\n{shown}\nbut printed is\n{printed}"


def _examples(code: str, names: dict[str, object], page: Path) -> None:
    example = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), 0)
    failures: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=failures.append, clear_globs=False)
    assert not failures, "".join(failures)
    names.update(example.globs)
