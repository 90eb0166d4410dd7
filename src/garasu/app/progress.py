"""Progress bars for a running task: steps or pictures done of all, their rate, the time left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NoReturn, Self

from tqdm import tqdm

from garasu.tasks.picture import Picture, Recipe_co

if TYPE_CHECKING:
    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion

UNET, DECODER = "unet", "vae.decoder"  # panes of networks that take seconds


def pictures_of(made: Iterable[Step | Picture[Recipe_co]], count: int) -> Iterator[Picture[Recipe_co]]:
    """Pass the `count` pictures of a task on as they are finished, drawing its steps as a bar on stderr."""
    with ExitStack() as stack:
        bar: tqdm[NoReturn] | None = None
        for one in made:
            if isinstance(one, Picture):
                yield one
                continue
            if bar is None:  # not before there is a step: what refuses to start shows no bar
                what = f"{count} pictures" if count > 1 else "picture"
                bar = stack.enter_context(tqdm(desc=what, total=one.total * count, unit="step", leave=False))
            if one.index == 0 and bar.n >= bar.total:  # a second pass, or another window of a large picture
                bar.total += one.total * len(one.latent)
            if one.index < one.total:  # the last of each batch is the finished latent: no work
                bar.update(len(one.latent))


class Count:
    """A bar on stderr for ``total`` pictures of which ``there`` are made already: their rate and the time left."""

    def __init__(self, total: int, there: int = 0) -> None:
        self._total, self._there = total, there
        self._bar: tqdm[NoReturn] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def run(self, made: Iterable[Step | str]) -> None:
        """Have pictures made, whose names are among the steps."""
        for one in made:
            if self._bar is None:  # not before there is a step; batches: only the average rate says how long it takes
                self._bar = tqdm(total=self._total, initial=self._there, unit="picture", smoothing=0, leave=False)
            if isinstance(one, str):
                self._bar.update()
            else:
                self._bar.set_postfix_str(f"step {min(one.index + 1, one.total)} of {one.total}")


@contextmanager
def network_calls(sd: StableDiffusion, pane: str, total: int | None = None) -> Iterator[None]:
    """A bar on stderr that counts how often a network answers while the block runs: `UNET` or `DECODER`.

    For what makes no pictures of its own but takes as long: one decoded picture of Stable Diffusion takes seconds on
    a CPU. A picture that is decoded in tiles counts as many times. ``total``: how many calls are expected.
    """
    from garasu.panes import look

    with ExitStack() as stack:
        bars: list[tqdm[NoReturn]] = []

        def begin(value: object, at: object) -> None:
            if not bars:  # not before there is a call: what refuses to start shows no bar
                bars.append(stack.enter_context(tqdm(desc=pane, total=total, unit="call", leave=False)))

        def count(value: object, at: object) -> None:
            bars[0].update()

        with look(sd, {pane: count}, before={pane: begin}):
            yield
