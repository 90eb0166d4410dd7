"""Grids over prompt space: rows of one expression, columns that add another, every cell a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from garasu.images.metadata import Metadata, check_png_name, save_png
from garasu.images.reading import read_picture
from garasu.images.sheet import sheet
from garasu.tasks.blend import complete, frame_recipe
from garasu.tasks.folder import Folder
from garasu.tasks.kept import Kept, by_number
from garasu.tasks.recipe import Recipe
from garasu.tasks.refusal import RecipeError
from garasu.tasks.txt2img import Txt2Img

if TYPE_CHECKING:  # so that `garasu blend-grid --help` does not wait for torch
    from garasu.prompts.expression import Expression

_DIGITS = 4  # after the point: a label is short


class Grid(Recipe):
    """What a grid shows: ``recipe`` has all but the prompt, in which `t` takes every row's and every column's value."""

    task: ClassVar[str] = "blend-grid"

    rows: str = Field(description="The expression of a row, in which t goes from --row-from to --row-to.")
    columns: str = Field(description="What a column adds, + t*tabby: there t goes from --from to --to.")
    row_from: float = Field(0.0, allow_inf_nan=False, description="The t of the first row.")
    row_to: float = Field(1.0, allow_inf_nan=False, description="The t of the last row.")
    row_count: int = Field(5, ge=1, le=100, description="How many rows.")
    column_from: float = Field(allow_inf_nan=False, description="The t of the first column.")
    column_to: float = Field(allow_inf_nan=False, description="The t of the last column.")
    column_count: int = Field(7, ge=1, le=100, description="How many columns.")
    recipe: Txt2Img = Field(Txt2Img.of("", {}), description="What all pictures have in common.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.columns.lstrip().startswith(("+", "-")):
            raise RecipeError(f"columns begins with + or -, as '+ t*tabby', not {self.columns!r}")
        self._cell(self.row_from, self.column_from)  # can be read
        return self

    def with_seed(self) -> Self:
        """The grid with a seed, chosen at random if it has none."""
        return self.but(recipe=self.recipe.with_seed())

    def cells(self) -> list[Txt2Img]:
        """The recipe of every picture, row by row."""
        down = _spaced(self.row_from, self.row_to, self.row_count)
        across = _spaced(self.column_from, self.column_to, self.column_count)
        found = [str(self._cell(row, column)) for row in down for column in across]
        return [frame_recipe(self.recipe, text) for text in found]

    def _cell(self, row: float, column: float) -> Expression:
        return complete(f"({complete(self.rows, t=row)}) {self.columns}", t=column)


@dataclass(frozen=True)
class GridSheet:
    """A grid on its way to ``output``, a PNG; its cells lie in a folder beside it until it is done."""

    output: Path
    grid: Grid
    model: Mapping[str, Any]

    @property
    def cells(self) -> Kept:
        """The pictures of the cells."""
        what = {"recipe": self.grid.model_dump(), "model": dict(self.model)}
        return Kept(_folder(self.output), by_number(self.grid.cells()), what)

    def check(self) -> None:
        """Ask before long work.

        Raises:
            ValueError, OSError: as `check_png_name`.
            FolderTakenError: the folder of cells holds those of another grid, or other things.
        """
        check_png_name(self.output)
        self.cells.check()

    def finish(self, *, keep_cells: bool = False) -> None:
        """Lay all cells on a sheet, which carries the recipe of each, and remove them unless they are to be kept."""
        cells = self.cells
        page = sheet(
            [read_picture(file) for file in cells.files.values()],
            [one.prompt for one in cells.recipes.values()],
            columns=self.grid.column_count,
        )
        said = {
            "task": Grid.task,
            "recipe": self.grid.model_dump(),
            "cells": [one.model_dump() for one in cells.recipes.values()],
            "made_with": cells.made_with(),
        }
        save_png(page, self.output, Metadata(said))
        if not keep_cells:
            cells.clear()


def begun_grid(output: Path, grid: Grid) -> Grid:
    """A grid with a seed: its own, that of the same unfinished grid, or a new one."""
    said = (_folder(output).read() or {}).get("recipe", {})
    recipe = said.get("recipe", {})
    if grid.recipe.seed is None and {**said, "recipe": {**recipe, "seed": None}} == grid.model_dump(mode="json"):
        return grid.but(recipe=recipe)
    return grid.with_seed()


def _folder(output: Path) -> Folder:
    return Folder(output.with_suffix(".cells"), "grid")


def _spaced(first: float, last: float, count: int) -> list[float]:
    return [round(first + (last - first) * index / max(count - 1, 1), _DIGITS) + 0.0 for index in range(count)]  # no -0
