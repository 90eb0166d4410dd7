"""What a sampler is: a generator that asks for x0 at (x, σ), is told (x, x0), and returns the last x.

It knows no model. x lives in σ-space, x = x0 + σ·noise. Levels are Python floats, so their arithmetic is float64
and a sampler runs in the dtype and on the device of x::

    x, x0 = yield x, sigma
"""

from collections.abc import Callable, Generator

from torch import Tensor

Draw = Callable[[], Tensor]
"""Fresh standard normal noise like x, [B, C, H, W], on x's device; ``Noise(...).draw`` is one."""

Questions = Generator[tuple[Tensor, float], tuple[Tensor, Tensor], Tensor]
"""Yields (x, sigma), is sent (x, x0), returns the last x."""

Make = Callable[..., Questions]
"""(sigmas [steps + 1] descending, x at sigmas[0], noise: Draw, **options) → Questions."""
