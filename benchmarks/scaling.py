"""How time and memory grow with steps, pictures, pixels and tokens: `python -m benchmarks.scaling`.

Each point is a process of its own, so that its peak of memory is its own. See docs/reference/speed.md.
"""

import argparse
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine
from benchmarks.growth import AWAY, Growth, fit
from benchmarks.processes import ROOT, Place, Process
from benchmarks.report import amount, conditions, free_stem, row, write_beside
from benchmarks.weights import SIZES, Size, cache_folder, folder

AXES: Mapping[str, tuple[str, Sequence[int]]] = {
    "steps": ("steps", (1, 2, 5, 10, 20, 50, 100)),
    "count": ("pictures in a batch", (1, 2, 4, 8, 16)),
    "pixels": ("pixels", (256, 384, 512, 768, 1024)),  # sides of a square
    "tokens": ("tokens", (77, 154, 231)),
}
COSTS = {"seconds": ("time", "s"), "peak_bytes": ("peak memory", "GB")}
Report = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> Path:
    """Measure, and write the table, the samples and the plot; their file without suffix is returned."""
    options = parser().parse_args(arguments)
    size = SIZES[options.size]
    described = machine.describe(options.device)
    stem = free_stem(options.out, f"{machine.slug(described['name'])}-{described['date'][:10]}-scaling-{size.name}")
    place = Place(folder(size, options.cache), options.cache, size.name, options.device)
    report: Report = {"what": size.what, "subject": options.subject, "machine": described, "points": []}
    for axis in options.axes:
        for value in values(size, axis):
            report["points"].append(point(place, options, axis, value))
            write_beside(stem, ".json", json.dumps(report, indent=1) + "\n")
            print(report["points"][-1], flush=True)
    write_beside(stem, ".md", markdown(report))
    plot(report, stem)
    print(f"\n{markdown(report)}")
    return stem


def parser() -> argparse.ArgumentParser:
    """The flags."""
    made = argparse.ArgumentParser(prog="benchmarks.scaling", description=__doc__)
    made.add_argument("--size", choices=SIZES, default="bundled", help="the model (default bundled)")
    made.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where (default cpu)")
    made.add_argument("--subject", default="ours-bf16", choices=("ours-bf16", "ours-fp32", "plain-bf16", "plain-fp32"))
    made.add_argument("--axes", nargs="+", choices=AXES, default=list(AXES), help="what is varied (default all)")
    made.add_argument("--steps", type=int, default=4, help="where they are not what is varied (default 4)")
    made.add_argument("--repeats", type=int, default=3, help="samples of a point (default 3)")
    made.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results", help="folder of the reports")
    made.add_argument("--cache", type=Path, default=cache_folder(), help="folder of the weights")
    return made


def values(size: Size, axis: str) -> Sequence[int]:
    """What an axis runs through; a toy's are few and small."""
    known = AXES[axis][1]
    if size.name != "toy" or axis == "tokens":
        return known
    return (64, 128, 256) if axis == "pixels" else known[:3]


def point(place: Place, options: argparse.Namespace, axis: str, value: int) -> dict[str, Any]:
    """One setting, in a fresh process: x, the seconds of each sample, and the peak of memory."""
    size = SIZES[place.size]
    setting = {"steps": options.steps, "count": 1, "pixels": size.pixels, "tokens": 77, axis: value}
    with Process(options.subject, place) as process:
        process.ask({"do": "pictures", **setting, "steps": 1}, math.inf)  # warm-up
        samples = [process.ask({"do": "pictures", **setting}, math.inf) for _ in range(options.repeats)]
    return {
        "axis": axis,
        "x": value**2 if axis == "pixels" else value,
        "seconds": [sample["seconds"] * setting["count"] for sample in samples],
        "peak_bytes": [samples[-1]["peak_bytes"]],
    }


def curve(report: Report, axis: str, cost: str) -> tuple[list[float], list[float]]:
    """x and the medians of one cost along one axis."""
    points = [point for point in report["points"] if point["axis"] == axis]
    return [point["x"] for point in points], [median(point[cost]) for point in points]


def markdown(report: Report) -> str:
    """A table for each axis, and under it how its costs grow."""
    lines = [f"# How cost grows: {report['what']}, {report['subject']}", "", *conditions(report["machine"]), ""]
    lines += [
        "Time is that of a whole batch, prompt to pictures; memory is the peak of a process that drew nothing else. "
        "The exponent is the slope on logarithmic axes; a cost leaves the line where it is more than "
        f"{AWAY:.0%} off the straight line through the lower half of the points.",
        "",
    ]
    for axis in dict.fromkeys(point["axis"] for point in report["points"]):
        lines += [f"## {AXES[axis][0]}", "", *_table(report, axis), ""]
        lines += [f"- {line}" for line in _growth(report, axis)] + [""]
    return "\n".join(lines)


def _table(report: Report, axis: str) -> Iterator[str]:
    heads = [AXES[axis][0], "time, median", "from–to", "peak memory"]
    yield from (row(heads), row(["---"] * len(heads)))
    for point in report["points"]:
        if point["axis"] == axis:
            times = point["seconds"]
            spread = f"{amount(min(times), 's')} – {amount(max(times), 's')}"
            cells = [amount(median(times), "s"), spread, amount(point["peak_bytes"][0], "GB")]
            yield row([f"{point['x']:,}", *cells])


def _growth(report: Report, axis: str) -> Iterator[str]:
    for cost, (label, unit) in COSTS.items():
        xs, ys = curve(report, axis, cost)
        if len(xs) > 2:
            yield f"{label}: {sentence(fit(xs, ys), unit)}"


def sentence(growth: Growth, unit: str) -> str:
    """A fit in words."""
    left = "" if growth.departs_at is None else f", which it leaves at {growth.departs_at:,}"
    each = f"{growth.each:.3g} s" if unit == "s" else f"{growth.each / 1e6:.3g} MB"
    fixed = f"{growth.fixed:.3g} s" if unit == "s" else f"{growth.fixed / 1e9:.3g} GB"
    return f"exponent {growth.exponent:.2f}; line {fixed} + {each} each, R² {growth.r_squared:.3f}{left}"


def plot(report: Report, stem: Path) -> None:
    """Every axis and cost on logarithmic axes, as PNG; without matplotlib a line that says so."""
    if find_spec("matplotlib") is None:
        print("no plot: pip install '.[plots]'")
        return
    from matplotlib.figure import Figure

    axes = list(dict.fromkeys(point["axis"] for point in report["points"]))
    figure = Figure(figsize=(3 * len(axes), 5), layout="constrained")
    for index, axis in enumerate(axes):
        for line, (cost, (label, unit)) in enumerate(COSTS.items()):
            panel = figure.add_subplot(len(COSTS), len(axes), line * len(axes) + index + 1)
            xs, ys = curve(report, axis, cost)
            ys = [y / 1e9 if unit == "GB" else y for y in ys]
            panel.loglog(xs, ys, "o-")
            room = max(2 * (min(ys) / max(ys)) ** 0.5, 1.1)  # what hardly changes should look so
            panel.set_ylim(min(ys) / room, max(ys) * room)
            panel.set(xlabel=AXES[axis][0], ylabel=f"{label}, {unit}")
            panel.grid(alpha=0.3, which="both")
    figure.suptitle(f"{report['what']}, {report['subject']}, {report['machine']['name']}")
    figure.savefig(stem.with_name(f"{stem.name}.png"), dpi=110)


if __name__ == "__main__":
    main()
