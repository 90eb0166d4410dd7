"""Grids: which cell says what, and a sheet that carries every recipe."""

import numpy as np
import pytest
from PIL import Image

from garasu.images.metadata import read_metadata
from garasu.images.reading import read_picture
from garasu.tasks.blend_grid import Grid, GridSheet, begun_grid
from garasu.tasks.folder import FolderTakenError
from garasu.tasks.refusal import RecipeError
from garasu.tasks.txt2img import Txt2Img

GRID = Grid(
    rows="lerp(cat, dog, t)",
    columns="+ t*black",
    row_count=2,
    column_from=-0.5,
    column_to=0.5,
    column_count=3,
    recipe=Txt2Img(prompt="", seed=1, steps=2, width=64, height=64),
)


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_row_is_an_expression_to_which_each_column_adds_another():
    assert [one.prompt for one in GRID.cells()] == [
        "lerp(cat, dog, 0) + -0.5*black",
        "lerp(cat, dog, 0) + 0*black",
        "lerp(cat, dog, 0) + 0.5*black",
        "lerp(cat, dog, 1) + -0.5*black",
        "lerp(cat, dog, 1) + 0*black",
        "lerp(cat, dog, 1) + 0.5*black",
    ]
    assert {one.seed for one in GRID.cells()} == {1}


def test_columns_may_take_away_and_rows_be_sums():
    grid = GRID.but(rows="cat + t*dog", columns="- t*black + 0.1*tabby", row_count=1, column_count=1)
    assert [one.prompt for one in grid.cells()] == ["(cat + 0*dog) - -0.5*black + 0.1*tabby"]


def test_seven_columns_of_the_notes_have_the_words_alone_in_their_middle():
    grid = GRID.but(column_from=-0.43, column_to=0.43, column_count=7, row_count=1)
    added = [one.prompt.split("+ ")[1] for one in grid.cells()]
    assert added == [f"{share}*black" for share in ("-0.43", "-0.2867", "-0.1433", "0", "0.1433", "0.2867", "0.43")]


def test_the_sheet_shows_the_cells_and_carries_their_recipes(tiny, tmp_path):
    page = GridSheet(tmp_path / "grid.png", GRID, {})
    page.check()
    made = [one for one in page.cells.run(tiny) if isinstance(one, str)]
    assert made == ["1", "2", "3", "4", "5", "6"]
    cells = [np.asarray(read_picture(file)) for file in page.cells.files.values()]
    page.finish(keep_cells=True)
    assert names(tmp_path) == ["grid.cells", "grid.png"]
    shown = np.asarray(Image.open(tmp_path / "grid.png"))
    height = (shown.shape[0] - 8) // 2
    for index, cell in enumerate(cells):
        left, top = 8 + index % 3 * 72, 8 + index // 3 * height
        assert np.array_equal(shown[top : top + 64, left : left + 64], cell)
    said = read_metadata(tmp_path / "grid.png").ours
    assert Grid(**said["recipe"]) == GRID
    assert [Txt2Img(**one) for one in said["cells"]] == GRID.cells()
    assert said["made_with"]["model"] == "tiny"
    assert read_metadata(page.cells.files["5"]).ours["recipe"] == GRID.cells()[4].model_dump()
    page.finish()
    assert names(tmp_path) == ["grid.png"]


def test_an_interrupted_grid_goes_on_with_its_seed(tiny, tmp_path):
    output, unseeded = tmp_path / "grid.png", GRID.but(recipe=GRID.recipe.but(seed=None))
    first = begun_grid(output, unseeded)
    for one in GridSheet(output, first, {}).cells.run(tiny):
        if one == "2":
            break
    again = begun_grid(output, unseeded)
    assert again == first
    assert GridSheet(output, again, {}).cells.missing() == ["3", "4", "5", "6"]
    with pytest.raises(FolderTakenError, match=r"grid\.cells holds another grid: remove it, or name another"):
        GridSheet(output, first.but(row_count=3), {}).check()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"columns": "t*black"}, r"columns begins with \+ or -, as '\+ t\*tabby', not 't\*black'"),
        ({"columns": "+ t*"}, r"something is missing at the end.*\(column"),
        ({"rows": "cat, dog"}, "a prompt with commas stands in quotes"),
        ({"rows": "lerp(cat, dog, s)"}, r"s has no value in lerp\(cat, dog, s\)"),
        ({"row_count": 0}, "row_count must be at least 1, not 0"),
        ({"column_to": float("inf")}, "column_to must be finite"),
    ],
)
def test_what_is_no_grid_is_refused(fields, sentence):
    with pytest.raises(RecipeError, match=sentence):
        GRID.but(**fields)


def test_a_sheet_is_a_png(tmp_path):
    with pytest.raises(ValueError, match=r"name it grid\.png"):
        GridSheet(tmp_path / "grid.jpg", GRID, {}).check()
