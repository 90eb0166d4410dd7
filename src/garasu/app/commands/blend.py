"""garasu blend and garasu blend-grid: films from words to words, and sheets of what lies around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from garasu.app.making import make_kept
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.progress import Count
from garasu.app.recipe_flags import recipe_command
from garasu.app.telling import Telling
from garasu.glass.film_frames import Finished
from garasu.images.reading import read_picture
from garasu.tasks.blend import ALGEBRA, DECIDED, Journey, through
from garasu.tasks.blend_grid import Grid, GridSheet, begun_grid
from garasu.tasks.film import Film
from garasu.tasks.kept import Kept
from garasu.tasks.recipe import Recipe
from garasu.tasks.txt2img import Txt2Img

if TYPE_CHECKING:
    from garasu.model import StableDiffusion


def _help(field: str, of: type[Recipe] = Journey, **others: Any) -> Parameter:
    """A flag for a field of a journey or a grid, described there."""
    return Parameter(help=of.model_fields[field].description, **others)


@recipe_command(Txt2Img, fixed=DECIDED)
def blend(
    recipe: Txt2Img,
    *waypoints: Annotated[str, _help("waypoints")],
    output: Annotated[
        Path,
        Parameter(name=["--output", "-o"], help="A film, .mp4, .webm or .gif; without an ending a folder of PNGs."),
    ],
    frames: Annotated[int, _help("frames")] = 100,
    fps: Annotated[float, Parameter(help="Frames a second.")] = 20,
    curve: Annotated[Literal["lerp", "slerp"], _help("curve")] = "lerp",
    easing: Annotated[Literal["linear", "smooth"], _help("easing")] = "linear",
    loop: Annotated[bool, _help("loop", negative="")] = False,
    seed: Annotated[str | None, _help("seeds")] = None,
    guidance_scale: Annotated[str, _help("guidance_scales")] = "7.5",
    adaptive: Annotated[
        bool, Parameter(help="Put more frames where the picture changes fast; makes twice as many.", negative="")
    ] = False,
    speed: Annotated[Path | None, Parameter(help="Also measure how fast the picture moves: a figure, PNG.")] = None,
    report: Annotated[Path | None, Parameter(help="The same measures for programs, JSON.")] = None,
    keep_frames: Annotated[
        bool, Parameter(help="Leave the folder of frames, film.frames: each carries its recipe.", negative="")
    ] = False,
    model: ModelFlags = NONE_GIVEN,
) -> int:
    """Make a film that goes from words to words, through what lies between.

    An interrupted film goes on where it was: its frames lie in a folder beside it until it is done.
    """
    journey = through(
        *waypoints,
        frames=frames,
        curve=curve,
        easing=easing,
        loop=loop,
        seeds=seed or (),
        guidance_scales=guidance_scale,
        recipe=recipe,
    )
    film = Film(output, journey, fps, {"model": model.model, "vae": model.vae}, adaptive).seeded()
    telling = Telling(speed, report)
    film.check()
    telling.check()
    load, finished = cache(model.load), Finished() if telling.wanted else None
    film, scouts = _made(film, load, finished)
    if finished is not None:
        telling.tell(load(), film, finished)
    film.finish(keep_frames=keep_frames)
    if scouts is not None:
        scouts.clear()
    print(output)
    return 0


def _made(film: Film, load: Callable[[], StableDiffusion], finished: Finished | None) -> tuple[Film, Kept | None]:
    """The film when all its frames are made, and if it is adaptive all frames that they were chosen from."""
    if film.adaptive:
        return _adapted(film, load(), finished)
    make_kept(film.frames, load, finished)
    return film, None


def _adapted(film: Film, sd: StableDiffusion, finished: Finished | None) -> tuple[Film, Kept]:
    """The film whose frames stand densely where the picture changes fast, and all frames that it was chosen from."""
    from garasu.glass.adaptive import FINER, adaptive
    from garasu.glass.journey import Frame

    asked = list[float]()
    more = int(film.journey.loop)  # a loop ends where it begins: its last frame is left out
    wanted = film.journey.frames + more

    def frames_at(places: Sequence[float]) -> list[Frame]:
        asked.extend(places)
        scouts = film.scouts(places)
        made = scouts.run(sd)
        count.run(made if finished is None else finished.watched(scouts, made))
        pictures = map(read_picture, scouts.files.values())
        return [Frame(*one) for one in zip(places, pictures, strict=True)]

    with Count(round(FINER * wanted)) as count:
        chosen = adaptive(frames_at, wanted)
    return film.placed([frame.u for frame in chosen[: wanted - more]]), film.scouts(asked)


@recipe_command(Txt2Img, fixed={"prompt": "", "count": 1, "syntax": ALGEBRA})
def grid(
    recipe: Txt2Img,
    *,
    rows: Annotated[str, _help("rows", Grid, allow_leading_hyphen=True)],
    columns: Annotated[str, _help("columns", Grid, allow_leading_hyphen=True)],
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="The PNG to write: all pictures on one sheet.")],
    row_from: Annotated[float, _help("row_from", Grid)] = 0.0,
    row_to: Annotated[float, _help("row_to", Grid)] = 1.0,
    row_count: Annotated[int, _help("row_count", Grid)] = 5,
    column_from: Annotated[float, _help("column_from", Grid, name="--from")],
    column_to: Annotated[float, _help("column_to", Grid, name="--to")],
    column_count: Annotated[int, _help("column_count", Grid)] = 7,
    keep_cells: Annotated[
        bool, Parameter(help="Leave the folder of cells, grid.cells: each carries its recipe.", negative="")
    ] = False,
    model: ModelFlags = NONE_GIVEN,
) -> int:
    """Make a sheet of pictures: each row an expression, to which each column adds another.

    An interrupted sheet goes on where it was: its cells lie in a folder beside it until it is done.
    """
    wanted = Grid(
        rows=rows,
        columns=columns,
        row_from=row_from,
        row_to=row_to,
        row_count=row_count,
        column_from=column_from,
        column_to=column_to,
        column_count=column_count,
        recipe=recipe,
    )
    page = GridSheet(output, begun_grid(output, wanted), {"model": model.model, "vae": model.vae})
    page.check()
    make_kept(page.cells, model.load)
    page.finish(keep_cells=keep_cells)
    print(output)
    return 0
