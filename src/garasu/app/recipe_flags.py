"""Command-line flags made from a recipe's fields: described once, in the recipe."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from cyclopts import UNSET, Parameter, Token
from pydantic import SkipValidation
from pydantic.fields import FieldInfo

from garasu.tasks.recipe import Recipe

AnyRecipe = TypeVar("AnyRecipe", bound=Recipe)


def recipe_command(
    recipe: type[AnyRecipe], fixed: Mapping[str, Any] = MappingProxyType({})
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Decorate `run(recipe, *words, **others)`: its first parameter becomes one flag for each field of `recipe`.

    The prompt, and before it a field marked "positional", are given without a flag's name; a field marked "readOnly"
    is for the task to fill in. Wrong values raise RecipeError.

    ``fixed``: fields that are no flags, and the value of each.
    """

    def decorate(run: Callable[..., int]) -> Callable[..., int]:
        _, *others = inspect.signature(run, eval_str=True).parameters.values()
        flags = [flag for flag in _flags(recipe) if flag.name not in fixed]
        signature = inspect.Signature(sorted([*flags, *others], key=lambda one: one.kind), return_annotation=int)
        variadic = [one.name for one in others if one.kind is inspect.Parameter.VAR_POSITIONAL]

        def command(*words: Any, **flags: Any) -> int:
            given = signature.bind(*words, **flags).arguments
            fields = {name: given.pop(name) for name in recipe.model_fields if name in given and name not in fixed}
            more = [word for name in variadic for word in given.pop(name, ())]
            return run(recipe(**{**fixed, **fields}), *more, **given)

        command.__signature__ = signature  # type: ignore[attr-defined]
        command.__annotations__ = {name: flag.annotation for name, flag in signature.parameters.items()}
        command.__doc__ = run.__doc__
        command.__name__ = run.__name__
        return command

    return decorate


def _flags(recipe: type[Recipe]) -> list[inspect.Parameter]:
    fields = {name: field for name, field in recipe.model_fields.items() if not _marked(field, "readOnly")}
    words = sorted(("prompt", *(name for name, field in fields.items() if _marked(field, "positional"))))  # image first
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD if name in words else inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if name in words else fields[name].default,
            # The recipe reads numbers and names itself, and refuses in a sentence: nobody else should before.
            annotation=Annotated[
                fields[name].annotation,
                Parameter(
                    help=fields[name].description,
                    converter=_word,
                    negative=None if fields[name].default is True else "",
                ),
                SkipValidation,
            ],
        )
        for name in [*words, *(name for name in fields if name not in words)]
    ]


def _marked(field: FieldInfo, mark: str) -> bool:
    return isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get(mark))


def _word(_: Any, tokens: Sequence[Token]) -> Any:
    """What stands there; a flag that stands alone means true."""
    (token,) = tokens
    return token.value if token.implicit_value is UNSET else token.implicit_value
