"""How long a process takes before it can compute: `python -m benchmarks.startup`."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks import machine
from benchmarks.processes import ROOT, environment
from benchmarks.report import conditions, free_stem, write_beside

PROCESSES = {
    "python": ["-c", ""],
    "import torch": ["-c", "import torch"],
    "import garasu": ["-c", "import garasu"],
    "garasu --help": ["-m", "garasu", "--help"],
    "garasu txt2img --help": ["-m", "garasu", "txt2img", "--help"],
}


def main(arguments: Sequence[str] | None = None) -> Path:
    """Measure in turns, print and write the table; its file without suffix is returned."""
    parser = argparse.ArgumentParser(prog="benchmarks.startup", description=__doc__)
    parser.add_argument("--repeats", type=int, default=10, help="processes of each, after a warm-up (default 10)")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results", help="folder of the reports")
    options = parser.parse_args(arguments)
    described = machine.describe("cpu")
    seconds: dict[str, list[float]] = {name: [] for name in PROCESSES}
    for turn in range(options.repeats + 1):
        for name, command in PROCESSES.items():
            took = timed(command)
            if turn:
                seconds[name].append(took)
    stem = free_stem(options.out, f"{machine.slug(described['name'])}-{described['date'][:10]}-startup")
    write_beside(stem, ".json", json.dumps({"machine": described, "seconds": seconds}, indent=1) + "\n")
    write_beside(stem, ".md", markdown(described, seconds))
    print(markdown(described, seconds))
    return stem


def timed(command: Sequence[str]) -> float:
    """Seconds from the start of a Python process to its end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *command], cwd=ROOT, env=environment(), check=True, capture_output=True)
    return time.perf_counter() - start


def markdown(described: dict[str, object], seconds: dict[str, list[float]]) -> str:
    """The report."""
    torch = median(seconds["import torch"])
    lines = [f"# Start of a process, {described['name']}", "", *conditions(described), ""]
    lines += ["| process | median | from–to | ÷ import torch |", "| --- | --- | --- | --- |"]
    for name, times in seconds.items():
        spread = f"{min(times):.3f}–{max(times):.3f} s"
        lines.append(f"| `{name}` | {median(times):.3f} s | {spread} | {median(times) / torch:.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
