"""Recipes: everything that decides a picture, in one frozen record.

A recipe is the single description of a task's knobs: command-line flags, JSON schema and the text
inside a PNG are all made from its fields and their descriptions. Needs no torch, so that
`garasu txt2img --help` answers at once.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from garasu.tasks.refusal import RecipeError, refusal

SamplerName = Literal[
    "ddpm",
    "ddim",
    "plms",
    "euler",
    "euler_a",
    "heun",
    "restart",
    "lms",
    "dpm2",
    "dpm2_a",
    "dpmpp_2s_a",
    "dpmpp_sde",
    "dpmpp_2m",
    "dpmpp_2m_sde",
    "dpmpp_3m_sde",
    "unipc",
    "deis",
    "lcm",
]
SpacingName = Literal["leading", "linspace", "trailing", "sgm_uniform", "simple", "lcm", "karras", "exponential"]
ProfileName = Literal["diffusers", "compvis", "a1111"]
NoiseSource = Literal["cpu", "nv"]
SyntaxName = Literal["a1111", "novelai", "comfy", "compel", "plain", "algebra"]
EmphasisName = Literal["a1111", "no-norm", "comfy", "compel", "ignore"]


class Record(BaseModel):
    """Frozen fields. Creating one checks them all and raises RecipeError, one sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as problem:
            raise RecipeError(refusal(type(self).model_fields, problem)) from None


class Recipe(Record):
    """The base of all recipes."""

    task: ClassVar[str]  # the name of the task, in metadata and on the command line

    @classmethod
    def of(cls, recipe: "Self | str | None", fields: Mapping[str, Any]) -> Self:
        """A recipe, or a prompt, or nothing, completed by fields, which replace the recipe's own."""
        if isinstance(recipe, Recipe):
            return recipe.but(**fields)
        return cls(**({} if recipe is None else {"prompt": recipe}), **fields)

    def but(self, **fields: Any) -> Self:
        """The same recipe with other values in some fields, checked again."""
        return type(self)(**{**self.model_dump(), **fields})

    def to_json(self) -> str:
        """One JSON object; `from_json` gives the recipe back."""
        return json.dumps(self.model_dump(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a recipe. Raises RecipeError if the text is no JSON object or a field is wrong."""
        try:
            fields = json.loads(text)
        except json.JSONDecodeError as problem:
            raise RecipeError(f"the recipe is not JSON ({problem})") from None
        if not isinstance(fields, dict):
            raise RecipeError("the recipe is not a JSON object")
        return cls(**fields)
