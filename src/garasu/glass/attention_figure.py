"""Attention to look at: each word's map over the picture, by step, layer and head, and what each word gets in all.

Needs the extra `plots`: pip install garasu[plots].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch import Tensor

from garasu.glass.attention import END, OTHERS, PADDING, REST, START, AttentionReport
from garasu.glass.drawing import log_labels
from garasu.glass.guidance import evenly
from garasu.glass.overlay import OKABE_ITO, heated, inscribe, panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, DPI = 12.0, 100  # inches, and pixels an inch
_EDGE, _NAMES = 0.15, 0.95  # inches: around the page, and for a row's name
_TITLE, _ROOM, _CURVES, _CAPTION = 0.55, 0.35, 2.9, 0.75  # inches, heights
_CELL = 1.32  # inches, the largest cell of a table
_STEPS = 8  # that are shown
_REST = {START: "-", PADDING: "--", END: ":", OTHERS: "-."}


def attention_figure(report: AttentionReport, picture: Image.Image, title: str = "") -> Figure:
    """One page, 1200 pixels wide; save it with `figure.savefig("attention.png")`.

    From above: the picture, and over it the mean map of each word, from its least (dark) to its greatest value
    (bright), which the number beside the word gives in multiples of the map's mean. What each word, and what start, end
    and padding get of all attention, step by step; how much of two words' maps is common. Then each word at some steps,
    and in each layer; and if heads were recorded, the first word in each head of the layers that are averaged.
    """
    from matplotlib.figure import Figure

    shown = evenly(range(len(report.steps)), _STEPS)
    by_step = [(f"step {report.steps[index]}", report.by_step[index]) for index in shown]
    by_layer = [(_layer(name) + " ★" * (name in report.layers), maps) for name, maps in report.by_layer.items()]
    tables = [_rows(report.words, by_step), _rows(report.words, by_layer)]
    if heads := {name: report.by_head[name] for name in report.layers if name in report.by_head}:
        tables.append([(f"{report.words[0]}\n{_layer(name)}", _heads(maps[:, 0])) for name, maps in heads.items()])
    top = _Overview(len(report.words), picture.height / picture.width)
    sizes = [_cell(rows, picture) for rows in tables]
    heights = [len(rows) * height + _ROOM for rows, (_, height) in zip(tables, sizes, strict=True)]
    figure = Figure(figsize=(WIDTH, _TITLE + top.height + _CURVES + sum(heights) + _CAPTION), dpi=DPI)
    y = _TITLE
    top.draw(figure, y, report, picture)
    y += top.height
    _draw_shares(panel(figure, _NAMES, y + 0.3, 6.0, _CURVES - 0.95), report)
    _draw_overlap(panel(figure, 9.3, y + 0.3, _CURVES - 0.95, _CURVES - 0.95), report)
    y += _CURVES
    for rows, size, height in zip(tables, sizes, heights, strict=True):
        _draw_table(figure, y + _ROOM - 0.05, rows, size, picture)
        y += height
    inscribe(figure, title, caption(report))
    return figure


def caption(report: AttentionReport) -> str:
    """What one sees, in one sentence."""
    words = {word: float(report.shares[word][report.shares[word] > 0].mean()) for word in report.words}
    most = max(words, key=lambda word: words[word])
    idle = sum(float(report.shares[name].mean()) for name in (START, END, PADDING))
    peaks = {word: peak(maps) for word, maps in zip(report.words, report.mean, strict=True)}
    sharp = max(peaks, key=lambda word: peaks[word])
    said = [
        f"Of all attention in {len(report.layers)} layers (★: {report.chosen}) {idle:.0%} goes to the start, the end "
        "and the padding",
        f"of the words shown {most!r} gets most, {words[most]:.1%}",
        f"that to {sharp!r} is the most concentrated, {peaks[sharp]:.1f} times its mean in the brightest place",
    ]
    if len(report.words) > 1:
        common = report.overlap.fill_diagonal_(-1)
        first, second = divmod(int(common.argmax()), len(report.words))
        said.append(
            f"the maps of {report.words[first]!r} and {report.words[second]!r} have {common.max():.0%} in common"
        )
    return "; ".join(said) + "."


def peak(maps: Tensor) -> float:
    """A map's greatest value in multiples of its mean."""
    return float(maps.max() / maps.mean())


class _Overview:
    """The picture and the mean maps in one or two rows of large cells."""

    def __init__(self, words: int, ratio: float) -> None:
        self.columns = min(words + 1, 6)
        self.rows = -(-(words + 1) // self.columns)
        self.cell = min(2.2, (WIDTH - 2 * _EDGE) / self.columns - 0.08)
        self.ratio = ratio
        self.height = self.rows * (self.cell * ratio + _ROOM)

    def draw(self, figure: Figure, top: float, report: AttentionReport, picture: Image.Image) -> None:
        maps = zip(report.words, report.mean, strict=True)
        cells = [("picture", picture), *((f"{word}  ×{peak(one):.1f}", heated(picture, one)) for word, one in maps)]
        for index, (name, shown) in enumerate(cells):
            row, column = divmod(index, self.columns)
            height = self.cell * self.ratio
            left, down = _EDGE + column * (self.cell + 0.08), top + row * (height + _ROOM) + _ROOM - 0.05
            axes = panel(figure, left, down, self.cell, height)
            axes.imshow(shown, interpolation="bilinear")
            axes.set_axis_off()
            axes.set_title(name, fontsize=11, pad=3)


_Rows = list[tuple[str, list[tuple[str, Tensor]]]]
"""Of a table: the name of each row, and the name and the map of each cell."""


def _rows(words: Sequence[str], columns: list[tuple[str, Tensor]]) -> _Rows:
    return [(word, [(name, maps[index]) for name, maps in columns]) for index, word in enumerate(words)]


def _heads(maps: Tensor) -> list[tuple[str, Tensor]]:
    return [(f"head {index}", one) for index, one in enumerate(maps)]


def _layer(name: str) -> str:
    """up.1.0 of unet.up.1.transformers.0."""
    return name.removeprefix("unet.").replace(".transformers.", ".")


def _cell(rows: _Rows, picture: Image.Image) -> tuple[float, float]:
    """Width and height of a table's cells in inches."""
    columns = max(len(cells) for _, cells in rows)
    width = min(_CELL, (WIDTH - _NAMES - _EDGE) / columns)
    return width, width * picture.height / picture.width


def _draw_table(figure: Figure, top: float, rows: _Rows, size: tuple[float, float], picture: Image.Image) -> None:
    width, height = size
    for row, (name, cells) in enumerate(rows):
        for column, (above, shown) in enumerate(cells):
            axes = panel(figure, _NAMES + column * width, top + row * height, width - 0.04, height - 0.04)
            axes.set_axis_off()
            if row == 0 or above != rows[0][1][min(column, len(rows[0][1]) - 1)][0]:
                axes.set_title(above, fontsize=8.5 if width > 0.8 else 7.5 if width > 0.6 else 6, pad=3)
            if not shown.isnan().any():
                axes.imshow(heated(picture, shown), interpolation="bilinear")
            if column == 0:
                axes.text(-0.06, 0.5, name, transform=axes.transAxes, ha="right", va="center", fontsize=9)


def _draw_shares(axes: Axes, report: AttentionReport) -> None:
    from matplotlib.ticker import MaxNLocator

    for index, word in enumerate(report.words):
        color = OKABE_ITO[index % len(OKABE_ITO)]
        axes.plot(report.steps, _percent(report.shares[word]), color=color, label=word)
    for name in REST:
        if report.shares[name].any():
            axes.plot(
                report.steps,
                _percent(report.shares[name]),
                color="#777777",
                linestyle=_REST[name],
                label=name.strip("<>"),
            )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="step", ylabel="of all attention, %", yscale="log")
    log_labels(axes)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("What each word gets", fontsize=10)


def _percent(shares: Tensor) -> list[float]:
    """Where a word is not said, it gets nothing: no line there."""
    return torch.where(shares > 0, 100 * shares, torch.nan).tolist()


def _draw_overlap(axes: Axes, report: AttentionReport) -> None:
    common, words = report.overlap, report.words
    axes.imshow(common.numpy(), vmin=0, vmax=1, cmap="cividis")
    for row, values in enumerate(common.tolist()):
        for column, value in enumerate(values):
            ink = "white" if value < 0.6 else "black"
            said = f"{value:.2f}".removeprefix("0")
            axes.text(column, row, said, ha="center", va="center", color=ink, fontsize=8 if len(words) < 7 else 6.5)
    axes.set_xticks(range(len(words)), words, rotation=40, ha="right", fontsize=8)
    axes.set_yticks(range(len(words)), words, fontsize=8)
    axes.set_title("What two maps have in common", fontsize=10)
