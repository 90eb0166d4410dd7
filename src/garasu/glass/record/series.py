"""A quantity over the steps of a walk, read from disk when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from garasu.glass.record.errors import RecordError


class Series:
    """``series[k]`` is the quantity at step k, [rows, …]; ``-1`` is the last step. Iterating gives the steps kept.

    ``steps``: which steps are kept; ``labels``: what the rows are.
    """

    def __init__(
        self, name: str, total: int, steps: Sequence[int], labels: Sequence[str], read: Callable[[int], Tensor]
    ) -> None:
        self.name = name
        self.steps = tuple(steps)
        self.labels = tuple(labels)
        self._total = total
        self._read = read

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, step: int) -> Tensor:
        """Raises RecordError for a step that the run has not, or of which this is not kept."""
        index = step + self._total if step < 0 else step
        if not 0 <= index < self._total:
            raise RecordError(f"there is no step {step}: the walk has {self._total}, 0 to {self._total - 1}")
        if index not in self.steps:
            kept = ", ".join(map(str, self.steps)) or "none"
            raise RecordError(f"the record has no {self.name} of step {index}, only of these: {kept}")
        return self._read(index)

    def __iter__(self) -> Iterator[Tensor]:
        return (self._read(step) for step in self.steps)

    def stacked(self) -> Tensor:
        """All steps kept, [steps, rows, …]; all of it is read."""
        return torch.stack(list(self))

    def row(self, label: str | int) -> Tensor:
        """One row of all steps kept, [steps, …], by its label or number. Raises RecordError for an unknown one."""
        index = row_of(self.labels, label)
        return torch.stack([value[index] for value in self])

    def __repr__(self) -> str:
        shape = tuple(self._read(self.steps[0]).shape) if self.steps else ()
        return f"{self.name} of {len(self)} steps, each {shape} ({', '.join(self.labels)})"


def row_of(labels: Sequence[str], label: str | int) -> int:
    """The number of a row.

    Raises:
        RecordError: there is none of that label or number; the message lists them.
    """
    if isinstance(label, int) and 0 <= label < len(labels):
        return label
    if label in labels:
        return labels.index(str(label))
    raise RecordError(f"there is no row {label!r}: the rows are {', '.join(map(repr, labels))}")
