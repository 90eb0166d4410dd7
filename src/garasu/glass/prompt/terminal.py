"""A report about a prompt for a terminal of 100 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from garasu.glass.prompt.report import Cosines, Difference, Part, Place, PromptReport, Stretch

WIDTH = 100
BAR = 30  # characters of the longest bar
NAMES = {"bos": "start of text", "eos": "end of text", "pad": "padding"}
MOST = 8  # stretches of steps that are listed


def written(report: PromptReport) -> str:
    """All of a report; what a prompt holds of control characters is shown as �."""
    lines = (_cropped(line.rstrip(), WIDTH) for line in _lines(report))
    return "\n".join("".join(one if one.isprintable() else "�" for one in line) for line in lines)


def spans(stretches: Sequence[Stretch]) -> str:
    """The steps of a part, in words: "steps 1 to 12, weight 0.5"; nothing for one that is not followed by itself."""
    if not stretches:
        return ""
    runs = [f"{one.first}" if one.first == one.last else f"{one.first} to {one.last}" for one in stretches]
    shown = runs if len(runs) <= MOST else [*runs[: MOST - 2], "…", runs[-1]]
    weights = sorted({one.weight for one in stretches})
    weight = "" if weights == [1] else f", weight {' or '.join(f'{one:g}' for one in weights)}"
    return f"steps {', '.join(shown)}{weight}"


def _lines(report: PromptReport) -> Iterator[str]:
    how = report.settings
    yield from report.reading.splitlines()
    norm = "" if how.clip_skip_norm else " without the final normalisation"
    yield f"model {report.model}, clip skip {how.clip_skip}{norm}, emphasis {how.emphasis}"
    for number, part in enumerate((*report.parts, *report.ingredients)):
        yield ""
        if number >= len(report.parts):
            yield f"made of {part.name!r}"
        elif len(report.parts) > 1:
            yield f"{part.name!r}, {spans(part.stretches)}"
        yield from _part(part)
    if report.words:
        yield f"nearest: of {report.words} words, by cosine of what they change in the empty prompt"
    if report.cosines:
        yield ""
        yield f"{'cosines':<58} {'end':>6} {'rows':>6}   without the empty"
        yield f"{'':<58} {'':>6} {'':>6}   {'end':>6} {'rows':>6}"
        yield from (_cosines(report, one) for one in report.cosines)
        yield "end: at end of text. rows: the mean over all places. without the empty: of what the words change"
    for difference in report.differences:
        yield ""
        yield from _difference(report, difference)


def _part(part: Part) -> Iterator[str]:
    chunks, (rows, width) = len(part.moved), part.tensor.shape
    yield f"{rows} × {width}: {'one chunk' if chunks == 1 else f'{chunks} chunks'} of {rows // chunks}"
    yield f"{'place':>8} {'id':>5}  {'piece':<20} {'weight':>6} {'before':>7} {'norm':>7}  nearest"
    for chunk, places in groupby(enumerate(part.places), key=lambda one: one[1].chunk):
        moved = part.moved[chunk]
        if chunks > 1:
            yield f"chunk {chunk + 1}" + (f": its first {moved} tokens moved here, back to a comma" if moved else "")
        for padding, group in groupby(places, key=lambda one: one[1].kind == "pad"):
            some = list(group)
            if padding:
                yield _place(_range(some[0][0], some[-1][0]), f"{len(some)} × padding", some[-1][1])
            else:
                yield from (_place(f"{index}", _piece(place), place) for index, place in some)
    if part.lost:
        yield f"cut: {part.lost} tokens, {part.cut!r}"


def _place(where: str, piece: str, place: Place) -> str:
    """One line, with as many of the nearest words as fit."""
    id = "" if place.id is None else place.id
    weight = f"{place.weight:.4g}" if place.kind == "text" else ""
    before = f"{place.norm_before:.2f}" if abs(place.norm - place.norm_before) > 5e-3 else ""
    near = "  ".join(f"{one.word} {one.cosine:.2f}" for one in place.nearest)
    line = f"{where:>8} {id:>5}  {_cropped(piece, 20):<20} {weight:>6} {before:>7} {place.norm:>7.2f}  {near}"
    return line if len(line) <= WIDTH else line[: WIDTH + 1].rsplit("  ", 1)[0]


def _cosines(report: PromptReport, one: Cosines) -> str:
    first, second = (_cropped(_name(report.shown[index]), 27) for index in (one.first, one.second))
    numbers = (one.end, one.rows, one.end_changed, one.rows_changed)
    end, rows, end_changed, rows_changed = ("–" if each is None else f"{each:.3f}" for each in numbers)
    return f"{f'{first} / {second}':<58} {end:>6} {rows:>6}   {end_changed:>6} {rows_changed:>6}"


def _difference(report: PromptReport, difference: Difference) -> Iterator[str]:
    parts, distances = (report.parts[0], report.shown[difference.other]), difference.distances
    first, second = (_cropped(_name(part), 27) for part in parts)
    yield f"difference of the rows, its length: {first} / {second}"
    padding = [all(_at(part, index) == "padding" for part in parts) for index in range(len(distances))]
    largest = max(distances) or 1.0
    for together, group in groupby(range(len(distances)), key=padding.__getitem__):
        places = list(group)
        for some in [places] if together else [[index] for index in places]:
            distance = max(distances[index] for index in some)
            a, b = (_cropped(_at(part, some[0]), 20) for part in parts)
            most = "to " if len(some) > 1 else ""
            bar = "█" * round(BAR * distance / largest)
            yield f"{_range(some[0], some[-1]):>8}  {a:<20} {b:<20} {most:>3}{distance:>7.3f} {bar}"


def _at(part: Part, index: int) -> str:
    """What stands at a place; behind the end of the shorter one stands padding."""
    return _piece(part.places[index]) if index < len(part.places) else "padding"


def _piece(place: Place) -> str:
    return NAMES.get(place.kind, place.piece)


def _range(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first}-{last}"


def _name(part: Part) -> str:
    return " ".join(part.name.split()) or "(empty)"


def _cropped(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
