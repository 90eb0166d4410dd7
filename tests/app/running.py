"""The command line, run in the tests' own process: a new one would spend its time on importing torch."""

from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from garasu.app.cli import main


@dataclass(frozen=True)
class Done:
    """What a run said."""

    stdout: str
    stderr: str


def run(folder: Path, *arguments: object, code: int = 0) -> Done:
    """Run garasu in `folder`."""
    out, err = StringIO(), StringIO()
    with chdir(folder), redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    assert (left.value.code or 0) == code, err.getvalue()
    return Done(out.getvalue(), err.getvalue())


def refusal(folder: Path, *arguments: object) -> str:
    """The one sentence with which garasu refuses."""
    done = run(folder, *arguments, code=2)
    assert done.stdout == ""
    (sentence,) = done.stderr.strip().splitlines()
    assert sentence.startswith("garasu: ")
    return sentence.removeprefix("garasu: ")
