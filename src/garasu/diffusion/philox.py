"""Philox 4x32-10 and what CUDA's randn makes of it: the noise that a seed has on NVIDIA's GPUs, anywhere.

Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011): ten rounds turn a counter and a
key into four random words, so that every number can be computed for itself.
"""

from collections.abc import Sequence
from math import pi, prod

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)  # the golden ratio, and √3 − 1, as shares of 2³²
LOW = np.uint64(0xFFFFFFFF)
WORD = np.uint64(32)
TURN = float(np.float32(2 * pi))  # CUDA's own 2π

Words = npt.NDArray[np.uint64]
"""32-bit words, kept in 64 bits so that a product fits."""


def philox(counter: Words, key: tuple[int, int]) -> Words:
    """Four random words for each counter: [4, N] words and a key of two → [4, N] words."""
    a, b, c, d = counter
    first, second = key
    for _ in range(ROUNDS):
        one, other = a * np.uint64(MULTIPLIERS[0]), c * np.uint64(MULTIPLIERS[1])
        a, b = (other >> WORD) ^ b ^ np.uint64(first), other & LOW
        c, d = (one >> WORD) ^ d ^ np.uint64(second), one & LOW
        first, second = (first + KEY_STEPS[0]) & 0xFFFFFFFF, (second + KEY_STEPS[1]) & 0xFFFFFFFF
    return np.stack([a, b, c, d])


class CudaNoise:
    """Standard normal noise as ``torch.randn`` draws it on CUDA after ``manual_seed``, to float32's rounding.

    Number i of draw n is made of the counter (n, 0, i, 0) and the key that is the seed; of the four words two are used
    (Box and Muller's first number) and two thrown away. On a GPU this holds for tensors that its threads cover in one
    go, which a single picture's latent is.
    """

    def __init__(self, seed: int) -> None:
        """``seed``: -2⁶³ … 2⁶⁴−1, read as 64 bits."""
        self._key = (seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF)
        self._draws = 0

    def randn(self, shape: Sequence[int]) -> Tensor:
        """The next noise, float32 of this shape."""
        counter = np.zeros((4, prod(shape)), dtype=np.uint64)
        counter[0], counter[2] = self._draws, np.arange(prod(shape), dtype=np.uint64)
        self._draws += 1
        radius, angle, *_ = philox(counter, self._key)
        numbers = np.sqrt(-2 * np.log((radius + 0.5) / 2**32)) * np.sin((angle + 0.5) / 2**32 * TURN)
        return torch.from_numpy(numbers.astype(np.float32)).reshape(tuple(shape))
