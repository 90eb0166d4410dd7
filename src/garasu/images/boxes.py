"""Rectangles of pixels: where something lies in a picture."""

from typing import NamedTuple


class Box(NamedTuple):
    """From `left`, `top` to before `right`, `bottom`, in pixels; a tuple as Pillow's `crop` takes it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index an array [..., H, W] with `array[..., *box.slices]`."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def scaled(self, factor: int) -> "Box":
        """The same place on a grid `factor` times as fine: of latents' cells, the pixels."""
        return Box(*(side * factor for side in self))

    def padded(self, pixels: int, size: tuple[int, int]) -> "Box":
        """Larger by some pixels on every side, but within a picture of this size (width, height)."""
        width, height = size
        return Box(
            max(0, self.left - pixels),
            max(0, self.top - pixels),
            min(width, self.right + pixels),
            min(height, self.bottom + pixels),
        )

    def shaped(self, aspect: float, size: tuple[int, int]) -> "Box":
        """Larger in one direction until width / height is `aspect`, within a picture of this size.

        It grows to both sides alike, or is moved back inside; where the picture ends on both sides the
        aspect is not reached. The width or height is rounded to a pixel.
        """
        width, height = self.size
        left, right = _widened(self.left, self.right, round(height * aspect), size[0])
        top, bottom = _widened(self.top, self.bottom, round(width / aspect), size[1])
        return Box(left, top, right, bottom)


def _widened(low: int, high: int, length: int, limit: int) -> tuple[int, int]:
    """An interval of this length (or its own, if that is more) around low..high, within 0..limit."""
    length = min(max(length, high - low), limit)
    start = low - (length - (high - low)) // 2
    start = max(0, min(start, limit - length))
    return start, start + length
