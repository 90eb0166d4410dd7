"""What a command says of the film that it made: a report in words, and its files."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from garasu.app.text_files import write_text
from garasu.images.saving import check_writable, whole_file

if TYPE_CHECKING:
    from garasu.glass.film_frames import Finished
    from garasu.model import StableDiffusion
    from garasu.tasks.film import Film


@dataclass(frozen=True)
class Telling:
    """Where the measures of a film go: a figure, a JSON file, and with either of them the standard output."""

    speed: Path | None = None
    report: Path | None = None

    @property
    def wanted(self) -> bool:
        """Whether anything is to be told."""
        return self.speed is not None or self.report is not None

    def check(self) -> None:
        """Ask before long work.

        Raises ValueError for a figure that is no PNG, OSError for a place that cannot be written to, ImportError
        without matplotlib for a figure.
        """
        if self.speed is not None:
            import_module("matplotlib")
            if self.speed.suffix.lower() != ".png":
                raise ValueError(f"{self.speed}: the figure is a PNG file: name it {self.speed.stem}.png")
        for path in (self.speed, self.report):
            if path is not None:
                check_writable(path)

    def tell(self, sd: StableDiffusion, film: Film, finished: Finished) -> None:
        """Measure a film whose frames are all there, print what was found, and write the files."""
        from garasu.glass.film_frames import film_frames
        from garasu.glass.journey import measure

        frames = film_frames(sd, film, finished)
        report = measure(sd, frames)
        print(report)
        if self.speed is not None:
            from garasu.glass.journey_figure import journey_figure

            with whole_file(self.speed) as beside:
                journey_figure(report, frames, _title(film)).savefig(beside, format="png")
            print(self.speed)
        if self.report is not None:
            write_text(report.json(), self.report)


def _title(film: Film) -> str:
    """cat → kitten, seed 3, 400 frames."""
    journey = film.journey
    seeds = f"seed{'s' * (len(journey.seeds) > 1)} {', '.join(map(str, journey.seeds))}"
    return f"{' → '.join(journey.waypoints)}, {seeds}, {journey.frames} frames{', adaptive' * film.adaptive}"
