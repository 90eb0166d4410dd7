"""A picture of a replay in which something was changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from garasu.tasks.picture import Picture


@dataclass(frozen=True)
class ReplayedPicture(Picture[Any]):
    """A picture that its recipe alone does not make: before step ``start`` the record ``of`` (its id) decided."""

    start: int = 0
    of: str = ""

    def record(self) -> Mapping[str, Any]:
        """The JSON that the PNG carries."""
        return {**super().record(), "replayed": f"from step {self.start} of the record {self.of}"}
