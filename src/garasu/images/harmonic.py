"""The smoothest values for unknown pixels: each the mean of its neighbours (Laplace's equation).

Solved by conjugate gradients with multigrid as preconditioner: each step corrects the detail on the
pixels themselves and the rest on grids of half, a quarter, ... the size, so that the number of steps
hardly depends on the size of the hole.
"""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]  # [C, H, W]: float64, but within the preconditioner float32, which is faster
Coupling = NDArray[np.floating]  # [H, W], float32

TOLERANCE = 1e-7  # length of the residual, relative to the right-hand side's
_MOST_STEPS = 500  # 10 to 20 are needed
_DAMPING = 0.8  # of Jacobi's steps; they smooth best so
_SMOOTHING = 2  # such steps before and after each visit to a coarser grid
_SOFTER = 0.55  # four cells joined are twice as stiff as one cell of their size: 1/2, and a little more is faster


def harmonic(values: Values, unknown: NDArray[np.bool_]) -> Values:
    """`values` [C, H, W] with those that are unknown [H, W] replaced by the mean of their (two to four) neighbours.

    Known values stay exactly as they are; the picture's border is free (nothing beyond it pulls).
    Solved to a residual of `TOLERANCE`, which leaves errors far below one level of 255. Raises
    ValueError if nothing is known.
    """
    if unknown.all():
        raise ValueError("nothing is known that the unknown values could continue: leave at least one pixel out")
    known = ~unknown
    right = np.where(unknown, _neighbours(np.where(known, values, 0.0)), 0.0)
    return np.where(unknown, _solved(_grids(unknown), right), values)


class _Grid:
    """The equations diagonal · u - neighbours' u = right on one grid; known pixels (no unknown has them) are 0."""

    def __init__(self, across: Coupling, down: Coupling, known: Coupling) -> None:
        """Couplings to the cell on the right [H, W-1], beneath [H-1, W], and to pixels whose value is known [H, W]."""
        self.across, self.down, self.known = across, down, known
        self.diagonal = known + _sides(across, down)
        step = np.full_like(known, _DAMPING)
        self.step = np.divide(step, self.diagonal, out=np.zeros_like(step), where=self.diagonal > 0)

    def times(self, u: Values) -> Values:
        """The left-hand side of the equations for u [C, H, W]."""
        left = self.diagonal * u
        left[:, :, :-1] -= self.across * u[:, :, 1:]
        left[:, :, 1:] -= self.across * u[:, :, :-1]
        left[:, :-1] -= self.down * u[:, 1:]
        left[:, 1:] -= self.down * u[:, :-1]
        return left

    def smoother(self, u: Values, right: Values) -> Values:
        """u after Jacobi's steps towards the solution."""
        for _ in range(_SMOOTHING):
            u = u + self.step * (right - self.times(u))
        return u

    def coarser(self) -> "_Grid":
        """The equations for squares of 2 x 2 cells: their couplings added up."""
        across = _even(np.pad(self.across, ((0, 0), (0, 1))))
        down = _even(np.pad(self.down, ((0, 1), (0, 0))))
        return _Grid(
            _SOFTER * (across[::2, 1::2] + across[1::2, 1::2])[:, :-1],
            _SOFTER * (down[1::2, ::2] + down[1::2, 1::2])[:-1],
            _SOFTER * _joined(self.known),
        )


def _grids(unknown: NDArray[np.bool_]) -> list[_Grid]:
    """From the pixels to a grid of at most 2 x 2 cells."""
    inside = unknown.astype(np.float32)
    known = (inside * _neighbours(1 - inside)).astype(np.float32)
    grids = [_Grid(inside[:, 1:] * inside[:, :-1], inside[1:] * inside[:-1], known)]
    while max(grids[-1].known.shape) > 2:
        grids.append(grids[-1].coarser())
    return grids


def _solved(grids: list[_Grid], right: Values) -> Values:
    """Preconditioned conjugate gradients, each channel by itself."""
    solution, residual, direction = np.zeros_like(right), right.copy(), np.zeros_like(right)
    enough = TOLERANCE**2 * _dot(right, right)
    old: Values = np.ones_like(enough)  # [C, 1, 1]
    for _ in range(_MOST_STEPS):
        if (_dot(residual, residual) <= enough).all():
            return solution
        better = _cycle(grids, residual.astype(np.float32)).astype(np.float64)
        new = _dot(residual, better)
        direction = better + _ratio(new, old) * direction
        change = grids[0].times(direction)
        length = _ratio(new, _dot(direction, change))
        solution += length * direction
        residual -= length * change
        old = new
    raise AssertionError("conjugate gradients did not converge")


def _cycle(grids: list[_Grid], right: Values) -> Values:
    """About the solution: smoothed here, corrected from the coarser grids, smoothed again."""
    grid, *rest = grids
    u = grid.smoother(np.zeros_like(right), right)
    if rest:
        correction = _cycle(rest, _joined(right - grid.times(u)))
        u = u + (grid.diagonal > 0) * _split(correction, grid.known.shape)
    return grid.smoother(u, right)


def _neighbours(values: Values) -> Values:
    """The sum of each pixel's neighbours, [..., H, W]."""
    total = np.zeros_like(values)
    total[..., :, :-1] += values[..., :, 1:]
    total[..., :, 1:] += values[..., :, :-1]
    total[..., :-1, :] += values[..., 1:, :]
    total[..., 1:, :] += values[..., :-1, :]
    return total


def _sides(across: Coupling, down: Coupling) -> Coupling:
    """Of each cell, its couplings to all its neighbours."""
    beside, above = np.pad(across, ((0, 0), (1, 1))), np.pad(down, ((1, 1), (0, 0)))
    return beside[:, 1:] + beside[:, :-1] + above[1:] + above[:-1]


def _even(values: Values) -> Values:
    """[..., H, W] with a line of zeros more where there is an odd number of them."""
    height, width = values.shape[-2:]
    return np.pad(values, [(0, 0)] * (values.ndim - 2) + [(0, height % 2), (0, width % 2)])


def _joined(values: Values) -> Values:
    """The sums of squares of 2 x 2 cells."""
    even = _even(values)
    return even[..., ::2, ::2] + even[..., 1::2, ::2] + even[..., ::2, 1::2] + even[..., 1::2, 1::2]


def _split(values: Values, shape: tuple[int, ...]) -> Values:
    """Each value for all four cells that were joined."""
    height, width = shape
    return values.repeat(2, axis=-2).repeat(2, axis=-1)[..., :height, :width]


def _dot(a: Values, b: Values) -> Values:
    return (a * b).sum(axis=(1, 2), keepdims=True)  # [C, 1, 1]


def _ratio(a: Values, b: Values) -> Values:
    """a / b, and 0 for a channel that is solved."""
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)
