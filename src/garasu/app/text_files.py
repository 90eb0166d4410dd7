"""Files of text that commands write: pages and reports."""

from __future__ import annotations

from pathlib import Path

from garasu.images.saving import whole_file


def write_text(text: str, path: Path) -> None:
    """Write the file, and print its name. Raises OSError for a place that cannot be written to."""
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8")
    print(path)
