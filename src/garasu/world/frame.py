"""A figure's own frame: origin where it touches the ground, x to its right, y down, 1 is the figure's height."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import skia

from garasu.world.colors import Color
from garasu.world.pens import Pen


class Frame:
    """Draws with a pen in a figure's coordinates: `height` px tall, standing at (x, y) px, mirrored and tilted."""

    def __init__(self, pen: Pen, x: float, y: float, height: float, *, mirrored: bool = False, tilt: float = 0) -> None:
        self.pen = pen
        self.height = height
        self.matrix = skia.Matrix()
        self.matrix.setScale(-height if mirrored else height, height)
        self.matrix.postRotate(tilt)
        self.matrix.postTranslate(x, y)

    def _placed(self, path: skia.Path) -> skia.Path:
        placed = skia.Path()
        path.transform(self.matrix, placed)
        return placed

    def fill(self, path: skia.Path, color: Color, *, outlined: bool = True) -> None:
        """An area of the figure."""
        self.pen.fill(self._placed(path), color, outlined=outlined)

    def line(self, path: skia.Path, color: Color, width: float) -> None:
        """A line of the figure; width in the figure's unit."""
        self.pen.line(self._placed(path), color, width * self.height)

    def detail(self, path: skia.Path, color: Color, width: float) -> None:
        """A line that coarse pens leave out."""
        self.pen.detail(self._placed(path), color, width * self.height)

    def tube(self, path: skia.Path, color: Color, width: float) -> None:
        """A limb or a tail: a broad line with an outline."""
        placed, edge = self._placed(path), self.pen.thickness * self.pen.unit
        self.pen.line(placed, self.pen.edge(color), width * self.height + 2 * edge)
        self.pen.line(placed, color, width * self.height)

    def face(self, outline: skia.Path) -> None:
        """Remember that there is a face inside the outline."""
        box = self._placed(outline).computeTightBounds()
        corners = math.floor(box.left()), math.floor(box.top()), math.ceil(box.right()), math.ceil(box.bottom())
        self.pen.faces.append(corners)

    @contextmanager
    def inside(self, path: skia.Path) -> Iterator[None]:
        """Whatever is drawn meanwhile shows only inside the path."""
        self.pen.canvas.save()
        self.pen.canvas.clipPath(self._placed(path), skia.ClipOp.kIntersect, self.pen.smooth)
        yield
        self.pen.canvas.restore()
