"""The one error of this floor."""

import difflib
from collections.abc import Iterable


class SamplingError(ValueError):
    """A request that no sampling run can answer; the message names the fix."""


def unknown(what: str, name: str, known: Iterable[str]) -> SamplingError:
    """An error for a name that is not in a table, with near names first and then all of them."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=2, cutoff=0.4)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    return SamplingError(f"There is no {what} {name!r}: {hint}The known ones are {', '.join(names)}.")
