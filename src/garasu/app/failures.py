"""Failures and warnings of the command line: one sentence each on stderr, never a traceback for a user's mistake."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from cyclopts import CycloptsError

REFUSED = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells count

_EXTRAS = {
    "skia": "train",
    "accelerate": "train",
    "tensorboard": "train",
    "open_clip": "tokenizer",
    "av": "video",
    "matplotlib": "plots",
}


@contextmanager
def sentences() -> Iterator[None]:
    """Turn what a user can cause into a sentence and an exit code; anything else is our bug and keeps its traceback."""
    with warnings.catch_warnings():
        warnings.showwarning = _warn  # type: ignore[assignment]  # fewer parameters by name than the original
        try:
            yield
        except KeyboardInterrupt:
            _say("interrupted")
            sys.exit(INTERRUPTED)
        except BrokenPipeError:  # the reader of our output has left (`garasu show cat.png | head -1`)
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(REFUSED)
        except ImportError as problem:
            _say(_missing_extra(problem))
            sys.exit(REFUSED)
        except (CycloptsError, ValueError, OSError) as problem:
            _say(_sentence(problem))
            sys.exit(REFUSED)


def _say(message: str) -> None:
    print("garasu:", " ".join(message.split()), file=sys.stderr)


def _warn(message: Warning | str, *_: object) -> None:
    _say(f"warning: {message}")


def _missing_extra(problem: ImportError) -> str:
    """Which extra to install; raises `problem` itself if its cause is no package of an extra."""
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, ModuleNotFoundError) and cause.name in _EXTRAS:
            return f"this needs {cause.name}, which is not installed: pip install 'garasu[{_EXTRAS[cause.name]}]'"
        cause = cause.__cause__
    raise problem


def _sentence(problem: Exception) -> str:
    match problem:
        case CycloptsError():
            from garasu.app.usage import misuse  # not above: `garasu --help` needs no recipes

            return misuse(problem)
        case OSError(strerror=str(why)):
            return f"{problem.filename}: {why}" if problem.filename else why
    return str(problem)
