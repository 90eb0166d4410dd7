"""Command-line flags made from a recipe's fields: described once, in the recipe."""

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter, Token
from pydantic import SkipValidation

from garasu.tasks.recipe import Recipe

AnyRecipe = TypeVar("AnyRecipe", bound=Recipe)


def recipe_command(recipe: type[AnyRecipe]) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Decorate `run(recipe, **others)`: its first parameter becomes one flag for each field of `recipe`.

    A field named prompt is the positional argument. Wrong values raise RecipeError.
    """

    def decorate(run: Callable[..., int]) -> Callable[..., int]:
        _, *others = inspect.signature(run, eval_str=True).parameters.values()
        signature = inspect.Signature([*_flags(recipe), *others], return_annotation=int)

        def command(*words: Any, **flags: Any) -> int:
            given = signature.bind(*words, **flags).arguments
            fields = {name: given.pop(name) for name in recipe.model_fields if name in given}
            return run(recipe(**fields), **given)

        command.__signature__ = signature  # type: ignore[attr-defined]
        command.__annotations__ = {name: flag.annotation for name, flag in signature.parameters.items()}
        command.__doc__ = run.__doc__
        command.__name__ = run.__name__
        return command

    return decorate


def _flags(recipe: type[Recipe]) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD if name == "prompt" else inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.is_required() else field.default,
            # The recipe reads numbers and names itself, and refuses in a sentence: nobody else should before.
            annotation=Annotated[field.annotation, Parameter(help=field.description, converter=_word), SkipValidation],
        )
        for name, field in recipe.model_fields.items()
    ]


def _word(_: Any, tokens: Sequence[Token]) -> str:
    return tokens[0].value
