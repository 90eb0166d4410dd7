"""When what a network keeps between evaluations is too old."""

from collections.abc import Callable

from torch import Tensor

from garasu.diffusion.denoiser import Denoise
from garasu.diffusion.errors import SamplingError


def refreshed(denoise: Denoise, forget: Callable[[], None], sigmas: Tensor, every: int) -> Denoise:
    """``denoise``, told to ``forget`` what it keeps before it is asked ``every`` steps from where it last did.

    Steps are counted by noise level, not by evaluation: samplers that ask twice in a step refresh as often as others,
    and those that go back up refresh there too.

    Args:
        sigmas: the walk's levels, descending [n + 1].
        every: 1 or more.

    Raises:
        SamplingError: ``every`` is no such number.
    """
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise SamplingError(f"Deep features are kept for a whole number of steps, 1 or more; got {every!r}.")
    levels = sigmas.tolist()
    refreshed_at: int | None = None

    def answer(x: Tensor, sigma: Tensor) -> Tensor:
        nonlocal refreshed_at
        passed = sum(level > float(sigma) for level in levels)
        if refreshed_at is None or abs(passed - refreshed_at) >= every:
            forget()
            refreshed_at = passed
        return denoise(x, sigma)

    return answer
