"""garasu beside its peers, in turns, in one run: `python -m benchmarks.compare`. See docs/reference/speed.md."""

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine, report
from benchmarks.interleave import Run
from benchmarks.measures import DEFAULT, Measure, measures
from benchmarks.processes import ROOT, Place, environment
from benchmarks.subjects import SUBJECTS
from benchmarks.weights import SIZES, cache_folder, converted, folder


def main(arguments: Sequence[str] | None = None) -> Path:
    """Measure, print every sample as it comes, and keep the report up to date; its file without suffix is returned."""
    options = parser().parse_args(arguments)
    names = options.subjects or [name for name, entry in SUBJECTS.items() if options.device in entry.default]
    every = measures(SIZES[options.size])
    chosen = {name: every[name] for name in options.measures or DEFAULT[options.device]}
    return compare(options, names, chosen)


def parser() -> argparse.ArgumentParser:
    """The flags."""
    made = argparse.ArgumentParser(prog="benchmarks.compare", description=__doc__)
    made.add_argument("--size", choices=SIZES, default="sd15", help="the model (default sd15)")
    made.add_argument("--device", choices=DEFAULT, default="cpu", help="where (default cpu)")
    for flag, known in (("--subjects", SUBJECTS), ("--measures", measures(SIZES["sd15"]))):
        made.add_argument(flag, type=names_of(known), help=f"comma-separated, of {', '.join(known)}")
    made.add_argument("--repeats", type=int, default=3, help="samples of each after a warm-up (default 3)")
    made.add_argument("--budget", type=float, default=math.inf, help="seconds after which no sample is begun")
    made.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results", help="folder of the reports")
    made.add_argument("--cache", type=Path, default=cache_folder(), help="folder of weights and conversions")
    return made


def names_of(known: Collection[str]) -> Callable[[str], list[str]]:
    """A reader of comma-separated names of these."""

    def read(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"there is no {unknown[0]!r}: choose from {', '.join(known)}")
        return names

    return read


def compare(options: argparse.Namespace, names: Sequence[str], chosen: dict[str, Measure]) -> Path:
    """The whole comparison."""
    size = SIZES[options.size]
    described = machine.describe(options.device)
    dated = f"{machine.slug(described['name'])}-{described['date'][:10]}"
    stem = report.free_stem(options.out, dated if size.name == "sd15" else f"{dated}-{size.name}")
    written: dict[str, Any] = {
        "what": size.what,
        "command": command(options),
        "machine": described,
        "subjects": {name: SUBJECTS[name].what for name in names},
        "conversion_seconds": None,
    }

    def watch(run: Run, line: str) -> None:
        report.write({**written, "samples": run.samples, "left_out": run.left_out}, chosen, stem)
        print(line, flush=True)

    place = Place(folder(size, options.cache), options.cache, size.name, options.device)
    run = Run(place, options.repeats, options.budget, watch)
    present = [name for name in names if usable(name, run)]
    if any(SUBJECTS[name].converts for name in present):
        written["conversion_seconds"] = conversion_seconds(run.place)
    run.measure(present, list(chosen.values()))
    watch(run, f"\n{stem}.md and .json:\n")
    print(stem.with_name(f"{stem.name}.md").read_text(encoding="utf-8"))
    return stem


def command(options: argparse.Namespace) -> str:
    """The command line that measures the same."""
    flags = {"size": options.size, "device": options.device, "repeats": options.repeats}
    flags |= {"subjects": ",".join(options.subjects or ()), "measures": ",".join(options.measures or ())}
    flags |= {"budget": options.budget} if math.isfinite(options.budget) else {}
    return " ".join(["python -m benchmarks.compare", *(f"--{flag} {value}" for flag, value in flags.items() if value)])


def usable(name: str, run: Run) -> bool:
    """Whether its packages are here and it knows the device; if not, the report says so."""
    entry = SUBJECTS[name]
    why = f"{', '.join(entry.missing())} not installed" if entry.missing() else ""
    if run.place.device not in entry.devices:
        why = f"does not run on {run.place.device}"
    if why:
        run.leave_out(name, "all", why)
    return not why


def conversion_seconds(place: Place) -> float:
    """What OpenVINO's conversion takes, in a process that ends before we start, or took when it was done."""
    target = converted(place.cache, place.size)
    done = target / "conversion.json"
    if not done.is_file():
        call = [sys.executable, "-m", "benchmarks.subjects.openvino", str(place.folder), str(target)]
        subprocess.run(call, cwd=ROOT, env=environment(), check=True)
    return json.loads(done.read_text())["seconds"]


if __name__ == "__main__":
    main()
