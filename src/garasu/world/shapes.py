"""Paths from points: the few shapes that everything in the world is made of."""

from __future__ import annotations

import skia

Point = tuple[float, float]


def rectangle(left: float, top: float, right: float, bottom: float) -> skia.Path:
    """An upright rectangle."""
    path = skia.Path()
    path.addRect(skia.Rect.MakeLTRB(left, top, right, bottom))
    return path


def rounded(left: float, top: float, right: float, bottom: float, radius: float) -> skia.Path:
    """An upright rectangle with round corners."""
    path = skia.Path()
    path.addRoundRect(skia.Rect.MakeLTRB(left, top, right, bottom), radius, radius)
    return path


def ellipse(x: float, y: float, rx: float, ry: float) -> skia.Path:
    """An upright ellipse around (x, y)."""
    path = skia.Path()
    path.addOval(skia.Rect.MakeLTRB(x - rx, y - ry, x + rx, y + ry))
    return path


def polyline(*points: Point) -> skia.Path:
    """Straight lines from point to point, left open."""
    path = skia.Path()
    path.moveTo(*points[0])
    for point in points[1:]:
        path.lineTo(*point)
    return path


def polygon(*points: Point) -> skia.Path:
    """Straight lines from point to point and back to the first."""
    path = polyline(*points)
    path.close()
    return path


def curve(*points: Point) -> skia.Path:
    """Quadratic Bézier arcs: start, then (control, end) again and again. An odd number of points."""
    path = skia.Path()
    path.moveTo(*points[0])
    for control, end in zip(points[1::2], points[2::2], strict=True):
        path.quadTo(*control, *end)
    return path
