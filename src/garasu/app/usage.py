"""What is wrong with a command line, said in one sentence that names the fix, whatever the command."""

import inspect
from collections.abc import Sequence
from functools import singledispatch
from pathlib import Path
from types import UnionType
from typing import Literal, Union, get_args, get_origin

from cyclopts import (
    Argument,
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)
from cyclopts.exceptions import ArgumentOrderError

from garasu.tasks.refusal import near

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VALUES = {int: "a whole number", float: "a number", bool: "true or false"}
_PLACEHOLDERS = {int: "NUMBER", float: "NUMBER", Path: "PATH"}


@singledispatch
def misuse(problem: CycloptsError) -> str:
    """The sentence for what was found wrong while a command line was read."""
    return str(problem).removesuffix(".")


@misuse.register
def _(problem: UnknownCommandError) -> str:
    (word, *_), known = problem.unused_tokens or [""], list(problem.app or ())
    what = "flag" if word.startswith("-") else "command"
    return _unknown(what, word, known, problem)


@misuse.register
def _(problem: UnknownOptionError) -> str:
    return _unknown("flag", problem.token.keyword or problem.token.value, _flags(problem), problem)


@misuse.register
def _(problem: MissingArgumentError) -> str:
    """A flag that stands there without its value; or one that is mistyped; or nothing at all."""
    assert problem.argument is not None
    if problem.keyword:
        return f"{problem.keyword} is given without a value: say {problem.keyword} {_placeholder(problem.argument)}"
    strangers = [word for word in problem.unused_tokens or () if word.startswith("-")]
    if strangers:
        return _unknown("flag", strangers[0], _flags(problem), problem)
    return f"{_name(problem.argument)} is missing: say {_usage(problem)}"


@misuse.register
def _(problem: CoercionError) -> str:
    assert problem.argument is not None and problem.token is not None
    name, given = problem.token.keyword or _name(problem.argument), problem.token.value
    if get_origin(problem.target_type) is not Literal:
        wanted = next((words for kind, words in _VALUES.items() if kind is problem.target_type), "another value")
        return f"{name} must be {wanted}, not {given!r}"
    choices = [str(one) for one in get_args(problem.target_type)]
    *most, last = map(repr, choices)
    return f"{name} must be one of {', '.join(most)} or {last}, not {given!r}{near(given, choices)}"


@misuse.register
def _(problem: RepeatArgumentError) -> str:
    return f"{problem.token.keyword} is given twice: give it once"


@misuse.register
def _(problem: ArgumentOrderError) -> str:
    return f"{problem.token!r} stands alone behind a flag that takes its place: say {_usage(problem)}"


@misuse.register
def _(problem: UnusedCliTokensError) -> str:
    word, *_ = problem.unused_tokens or [""]
    prompted = any(one.name == "--prompt" and one.field_info.kind in _POSITIONAL for one in _arguments(problem))
    quotes = ", with quotes around a prompt of several words" if prompted else ""
    return f"{word!r} is one word too many: say {_usage(problem)}{quotes}"


def _unknown(what: str, word: str, known: Sequence[str], problem: CycloptsError) -> str:
    """Of a flag only its name: --colour=red is --colour."""
    word = word.partition("=")[0] if what == "flag" else word
    names = [name for name in known if name.startswith("--") == (what == "flag")]
    return f"there is no {what} {word}{near(word, names)}: {_command(problem)} --help lists them"


def _command(problem: CycloptsError) -> str:
    return " ".join(("garasu", *(problem.command_chain or ())))


def _usage(problem: CycloptsError) -> str:
    """The command with all that it cannot do without."""
    return " ".join((_command(problem), *filter(None, map(_shown, _arguments(problem)))))


def _shown(argument: Argument) -> str:
    """An argument as it stands in the usage: a flag that may be left out does not."""
    kind = argument.field_info.kind
    if kind is inspect.Parameter.VAR_POSITIONAL:
        return f"{_name(argument)}…"
    if kind in _POSITIONAL:
        return _name(argument) if argument.required else f"[{_name(argument)}]"
    return f"{argument.name} {_placeholder(argument)}" if argument.required else ""


def _name(argument: Argument) -> str:
    """A flag as it is typed; in capitals, as in --help, what is given without a flag's name."""
    return argument.name.lstrip("-").upper() if argument.field_info.kind in _POSITIONAL else argument.name


def _placeholder(argument: Argument) -> str:
    """What stands for its value; of one that may also be None the same."""
    hint = argument.hint
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return next((_PLACEHOLDERS[kind] for kind in kinds if kind in _PLACEHOLDERS), "VALUE")


def _arguments(problem: CycloptsError) -> list[Argument]:
    return [] if problem.app is None else list(problem.app.assemble_argument_collection())


def _flags(problem: CycloptsError) -> list[str]:
    return [name for argument in _arguments(problem) for name in argument.names if name.startswith("--")]
