"""Follows a page from top to bottom, as its reader would: tests run the pages with it, and `make tour` builds with it.

A `pycon` block is a doctest, a `python` block is run, both in one session; of an `sh` block every line that begins with
`garasu` is run, and a `text` block right below it is what those lines print, some of it left out: whole
lines, or what `...` stands for. Its numbers may be a tenth off. A block below `<!-- not run: reason -->` is read only.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from math import isclose
from pathlib import Path

from garasu.app.cli import main

BLOCK = re.compile(
    r"(?P<skip><!-- not run: .+? -->\n\n?)?^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE
)
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
ELSEWHERE = ("make", "git", "cd", "pip", "#")  # tested by being how the tests themselves are started


def apart(line: str) -> str:
    """What a command prints on stdout, run by a shell in a process of its own, as a reader would."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(  # the pages are ours
        line, shell=True, check=False, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def within(line: str) -> str:
    """The same in this process, which need not import torch again for each of many commands."""
    with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()):
        try:
            main(shlex.split(line)[1:])
        except SystemExit as left:
            assert not left.code, f"{line}\nexit code {left.code}"
    return printed.getvalue()


def follow(page: Path, folder: Path, command: Callable[[str], str] = apart) -> None:
    """Run the page in a folder, each of its commands with ``command``; an AssertionError says what was not so."""
    names: dict[str, object] = {}
    printed, end = "", 0
    text = page.read_text(encoding="utf-8")
    with chdir(folder):
        for block in BLOCK.finditer(text):
            gap, end = text[end : block.start()], block.end()
            if block["skip"]:
                continue
            if block["language"] == "sh":
                printed = "".join(map(command, _commands(block["code"], page)))
            elif block["language"] == "text" and printed and not gap.strip():
                _same(block["code"], printed, page)
            elif block["language"] == "pycon":
                _examples(block["code"], names, page)
            elif block["language"] == "python":
                exec(compile(block["code"], str(page), "exec"), names)


def _commands(code: str, page: Path) -> Iterator[str]:
    for line in filter(None, map(str.strip, code.replace("\\\n", " ").splitlines())):
        if not line.startswith(ELSEWHERE):
            assert line.startswith("garasu "), f"{page.name} shows a command that no test can run: {line}"
            yield line


def _same(shown: str, printed: str, page: Path) -> None:
    """Numbers may be a tenth off: the last digits of what a network computes depend on the machine and its threads."""
    rest = iter(printed.splitlines())  # each line that is found is looked for below the one before
    same = all(any(_alike(line, one) for one in rest) for line in shown.splitlines())
    assert same, f"{page.name} shows\n{shown}\nbut printed is\n{printed}"


def _alike(shown: str, printed: str) -> bool:
    found = re.fullmatch(".*?".join(map(_pattern, shown.split("..."))), printed)
    return found is not None and _near(shown, found)


def _pattern(text: str) -> str:
    """Of the text, with any number where it has one."""
    return f"({NUMBER.pattern})".join(map(re.escape, NUMBER.split(text)))


def _near(shown: str, found: re.Match[str]) -> bool:
    pairs = zip(NUMBER.findall(shown), found.groups(), strict=True)
    return all(isclose(_value(a), _value(b), rel_tol=0.1, abs_tol=0.06) for a, b in pairs)


def _value(number: str) -> float:
    return float(number.replace(",", ""))


def _examples(code: str, names: dict[str, object], page: Path) -> None:
    example = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), 0)
    failures: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=failures.append, clear_globs=False)
    assert not failures, "".join(failures)
    names.update(example.globs)
