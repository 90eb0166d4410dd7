"""Restart: walk down, go back up with fresh noise, and walk the same levels down again."""

from torch import Tensor

from garasu.diffusion.samplers.heun import heun
from garasu.diffusion.samplers.protocol import Draw, Questions

LOW, HIGH = 0.1, 2.0


def restart(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """Heun to the last level above 0.1, noise back up to the first level below 2, and Heun from there to the end.

    Xu, Deng, Cheng, Tian, Liu and Jaakkola, "Restart Sampling for Improving Generative Processes" (arXiv:2306.14878),
    Algorithm 1, with one restart over the run's own levels. The noise of √(high² − low²) forgets a part of the errors
    made before. The paper tunes intervals and repetitions for each model; 0.1 to 2 is what A1111 uses. Steps between
    these levels are walked twice, of two evaluations each; a run without two levels there is Heun's.
    """
    levels = sigmas.tolist()
    high = sum(level > HIGH for level in levels)
    low = sum(level >= LOW for level in levels) - 1
    if high < low:
        x = yield from heun(sigmas[: low + 1], x, noise)
        x = x + (levels[high] ** 2 - levels[low] ** 2) ** 0.5 * noise()
        sigmas = sigmas[high:]
    return (yield from heun(sigmas, x, noise))
