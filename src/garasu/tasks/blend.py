"""Journeys: a way through prompt space, and every picture on it.

Between two words lie infinitely many conditionings that no word names. A journey visits them one after the other, its
waypoints being expressions of the conditioning algebra; it can also go from seed to seed and from one guidance scale to
another. Each picture on the way has a recipe of its own.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_serializer, field_validator, model_validator

from garasu.tasks.kept import together
from garasu.tasks.picture import Picture
from garasu.tasks.recipe import Recipe
from garasu.tasks.refusal import RecipeError
from garasu.tasks.txt2img import Txt2Img

if TYPE_CHECKING:  # so that `garasu blend --help` does not wait for torch
    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion
    from garasu.prompts.expression import Expression

ALGEBRA = "algebra"
DIGITS = 6  # after the point, of shares and scales: a prompt is for reading too
DECIDED: Mapping[str, Any] = MappingProxyType(
    {
        "prompt": "",
        "syntax": ALGEBRA,
        "seed": None,
        "count": 1,
        "guidance_scale": 7.5,
        "variation_seed": None,
        "variation_strength": 0.0,
    }
)
"""The fields of a frame's recipe that its place on the journey decides, and what stands there before."""


class Journey(Recipe):
    """From waypoint to waypoint in equal steps. ``recipe`` has what all frames share; its `DECIDED` fields are not."""

    task: ClassVar[str] = "blend"

    waypoints: tuple[str, ...] = Field(description="Expressions to go through: words, or cat + 0.4*tabby.")
    frames: int = Field(100, ge=2, le=100_000, description="How many pictures.")
    curve: Literal["lerp", "slerp"] = Field(
        "lerp", description="From words to words on a straight line, or on an arc that keeps their length."
    )
    easing: Literal["linear", "smooth"] = Field(
        "linear", description="Whether frames stand evenly between waypoints, or denser where one is reached."
    )
    loop: bool = Field(False, description="Go back to the first waypoint, for a film that runs in a circle.")
    seeds: tuple[Annotated[int, Field(ge=0, le=2**63 - 1)], ...] = Field(
        (), description="One for all frames, or one for each waypoint, as 7,8,9; chosen at random when not given."
    )
    guidance_scales: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] = Field(
        (7.5,), description="One for all frames, or one for each waypoint, as 3,7.5."
    )
    positions: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(
        (), description="Where on the way the frames stand, from 0 to 1; evenly when not given."
    )
    recipe: Txt2Img = Field(Txt2Img.of("", {}), description="What all frames have in common.")

    @field_validator("seeds", "guidance_scales", mode="before")
    @classmethod
    def _several(cls, values: Any) -> Any:
        """Take several values in one text, as a command line has them."""
        return values.split(",") if isinstance(values, str) else values

    @field_validator("waypoints")
    @classmethod
    def _readable(cls, waypoints: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(complete(text)) for text in waypoints)

    @field_validator("recipe", mode="before")
    @classmethod
    def _undecided(cls, recipe: Any) -> Any:
        return {**(recipe.model_dump() if isinstance(recipe, Txt2Img) else recipe), **DECIDED}

    @field_serializer("recipe")
    def _without_decided(self, recipe: Txt2Img) -> dict[str, Any]:
        return recipe.model_dump(exclude=set(DECIDED))

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if len(self.waypoints) < 2:
            raise RecipeError("a journey goes through two waypoints or more, as cat kitten")
        for name, values, none in (("seeds", self.seeds, True), ("guidance_scales", self.guidance_scales, False)):
            if len(values) not in {1, len(self.waypoints), *([0] if none else [])}:
                raise RecipeError(
                    f"{name} has {len(values)} values for {len(self.waypoints)} waypoints: give one, or one for each"
                )
        if self.positions and len(self.positions) != self.frames:
            raise RecipeError(f"there are {len(self.positions)} positions for {self.frames} frames")
        return self

    def with_seed(self) -> Self:
        """The journey with a seed, chosen at random if it has none."""
        return self if self.seeds else self.but(seeds=(random.randrange(2**32),))

    def places(self) -> tuple[float, ...]:
        """Where the frames stand, from 0 (the first waypoint) to 1 (the last, or the first again in a loop)."""
        last = self.frames if self.loop else self.frames - 1  # a loop's last frame stands before its first
        return self.positions or tuple(index / last for index in range(self.frames))


def frame_at(journey: Journey, place: float) -> Txt2Img:
    """The recipe of the picture at a place from 0 to 1; waypoints lie evenly there.

    At a waypoint it is that of the waypoint's own words, seed and guidance scale. Raises RecipeError outside 0…1.
    """
    if not 0 <= place <= 1:
        raise RecipeError(f"a place on a journey lies between 0 and 1, not at {place:g}")
    leg, share = _leg(journey, place)
    here, there = _pair(journey.waypoints, leg)
    low, high = _pair(journey.guidance_scales, leg)
    return frame_recipe(
        journey.recipe,
        here if share == 0 else str(complete(f"{journey.curve}({here}, {there}, t)", t=share)),
        guidance_scale=round(low + share * (high - low), DIGITS),
        **_seeds(journey, leg, share),
    )


def frame_recipe(recipe: Txt2Img, expression: str, **fields: Any) -> Txt2Img:
    """The recipe with other fields, whose prompt is an expression of the conditioning algebra."""
    return recipe.but(prompt=expression, syntax=ALGEBRA, **fields)


def complete(text: str, **values: float) -> Expression:
    """An expression with numbers for its variables.

    Raises ExpressionError if it cannot be read, RecipeError if another variable is in it.
    """
    from garasu.prompts.expression import read_expression

    found = read_expression(text).bind(**values)
    for name in sorted(found.variables):
        raise RecipeError(f'{name} has no value in {text}: write "{name}" in quotes if it is a word')
    return found


def blend(sd: StableDiffusion, *waypoints: str | Journey, **fields: Any) -> list[Picture[Txt2Img]]:
    """Make the pictures of a journey, in order.

    Takes a journey, or its waypoints, and any fields of Journey and of Txt2Img; a ``seed`` and a ``guidance_scale``
    stand for all waypoints. Raises RecipeError for fields that cannot work, SamplingError for a combination that the
    sampler cannot do.
    """
    journey = through(*waypoints, **fields).with_seed()
    made = dict(one for one in blend_steps(sd, journey, range(journey.frames)) if isinstance(one, tuple))
    return [made[index] for index in range(journey.frames)]


def blend_steps(
    sd: StableDiffusion, journey: Journey, wanted: Iterable[int]
) -> Iterator[Step | tuple[int, Picture[Txt2Img]]]:
    """Some frames of a journey with a seed, counted from 0, to be watched: every step, and each frame when it is made.

    They may come out of order: see `together`.
    """
    places = journey.places()
    return together(sd, {index: frame_at(journey, places[index]) for index in wanted})


def through(*waypoints: str | Journey, **fields: Any) -> Journey:
    """A journey through waypoints, or a journey, with other fields: Journey's own, or those of its frames' recipe."""
    first = waypoints[0] if waypoints else None
    for one, many in (("seed", "seeds"), ("guidance_scale", "guidance_scales")):
        if one in fields:
            fields[many] = (fields.pop(one),)
    own = {name: fields.pop(name) for name in list(fields) if name in Journey.model_fields}
    if isinstance(first, Journey):
        return first.but(**{"recipe": first.recipe.but(**fields), **own})
    return Journey(**{"waypoints": waypoints, "recipe": Txt2Img.of("", fields), **own})


def _leg(journey: Journey, place: float) -> tuple[int, float]:
    """From which waypoint, and which share of the way to the next."""
    legs = len(journey.waypoints) - (not journey.loop)
    leg = min(int(place * legs), legs - 1)
    share = place * legs - leg
    if journey.easing == "smooth":
        share = share * share * (3 - 2 * share)  # no speed where it starts and ends
    share = round(share, DIGITS)
    return (leg + 1, 0.0) if share == 1 else (leg, share)


def _pair(values: tuple[Any, ...], leg: int) -> tuple[Any, Any]:
    """What a leg goes from and to; beyond the last waypoint lies the first."""
    here, there = itertools.islice(itertools.cycle(values), leg % len(values), leg % len(values) + 2)
    return here, there


def _seeds(journey: Journey, leg: int, share: float) -> dict[str, int | float | None]:
    here, there = _pair(journey.seeds or (None,), leg)
    if share == 0 or here == there:
        return {"seed": here, "variation_seed": None, "variation_strength": 0.0}
    return {"seed": here, "variation_seed": there, "variation_strength": share}
