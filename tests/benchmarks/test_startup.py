"""The start of a process."""

import json
from pathlib import Path

from benchmarks import startup


def test_every_process_is_measured_in_turns(tmp_path: Path) -> None:
    stem = startup.main(["--repeats=1", f"--out={tmp_path}"])
    seconds = json.loads(stem.with_name(f"{stem.name}.json").read_text(encoding="utf-8"))["seconds"]
    assert list(seconds) == list(startup.PROCESSES)
    assert all(len(times) == 1 for times in seconds.values())
    assert seconds["garasu --help"][0] < seconds["import torch"][0]  # it does not wait for torch
    text = stem.with_name(f"{stem.name}.md").read_text(encoding="utf-8")
    assert "| `import garasu` |" in text
