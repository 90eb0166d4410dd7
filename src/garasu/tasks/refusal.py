"""What is wrong with a recipe, said in one sentence that names the fix."""

import difflib
from collections.abc import Collection, Iterable
from typing import Any

from pydantic import ValidationError

_RANGES = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "finite_number": "finite",
}
_TYPES = {"int": "a whole number", "float": "a number", "string": "text", "bool": "true or false"}


class RecipeError(ValueError):
    """A recipe with a field that is missing, unknown, or out of its range."""


def refusal(names: Collection[str], problem: ValidationError) -> str:
    """Every complaint of `problem` about a recipe with the fields `names`, joined by semicolons."""
    return "; ".join(dict.fromkeys(_sentence(names, error) for error in problem.errors()))


def near(word: str, names: Iterable[str]) -> str:
    """A question, in parentheses, after the names that are near `word`; nothing if there are none."""
    found = difflib.get_close_matches(word, names, n=2, cutoff=0.5)
    return f" (did you mean {' or '.join(found)}?)" if found else ""


def _sentence(names: Collection[str], error: Any) -> str:
    """What our own checks say is a sentence already."""
    return str(error["ctx"]["error"]) if error["type"] == "value_error" else _complaint(names, error)


def _complaint(names: Collection[str], error: Any) -> str:
    field = str(error["loc"][0]) if error["loc"] else "the recipe"
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    match kind:
        case "missing":
            return f"{field} is missing: give one"
        case "extra_forbidden":
            return f"there is no field {field}{near(field, names)}"
        case "literal_error":
            return f"{field} must be one of {context['expected']}, not {given!r}{_near_choice(given, context)}"
        case "multiple_of":
            return f"{field} must be a multiple of {context['multiple_of']}, not {given}{_nearest(given, context)}"
    if kind in _RANGES:
        limits = {name: int(limit) if limit == int(limit) else limit for name, limit in context.items()}
        return f"{field} must be {_RANGES[kind].format(**limits)}, not {given}"
    wanted = _TYPES.get(kind.partition("_")[0], error["msg"].lower())
    return f"{field} must be {wanted}, not {given!r}"


def _near_choice(given: Any, context: dict[str, Any]) -> str:
    names = context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
    return near(str(given).lower().replace(" ", "_").replace("+", "p"), names)


def _nearest(given: Any, context: dict[str, Any]) -> str:
    unit = context["multiple_of"]
    below = int(given) // unit * unit
    return f" ({below} and {below + unit} are)" if below else f" ({unit} is)"
