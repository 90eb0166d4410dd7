"""A comparison as JSON and as Markdown."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measures import FIGURES, Measure
from benchmarks.ratios import Ratio, Summary, ratio, summary, values

REFERENCES = ("ours-bf16", "ours-fp32", "ours-compiled")
Report = dict[str, Any]


def write(report: Report, measures: Mapping[str, Measure], stem: Path) -> None:
    """Both files."""
    write_beside(stem, ".json", json.dumps(report, indent=1) + "\n")
    write_beside(stem, ".md", markdown(report, measures))


def write_beside(stem: Path, suffix: str, text: str) -> None:
    """One file, there as a whole or not at all. A stem has dots of its own, so the suffix is appended."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    beside = stem.with_name(f".{stem.name}{suffix}")
    beside.write_text(text, encoding="utf-8")
    beside.rename(stem.with_name(stem.name + suffix))


def free_stem(folder: Path, stem: str) -> Path:
    """A name for both files that no earlier run took: `stem`, `stem-2`, …"""
    tries = [stem, *(f"{stem}-{number}" for number in range(2, 1000))]
    return next(folder / name for name in tries if not (folder / f"{name}.json").exists())


def markdown(report: Report, measures: Mapping[str, Measure]) -> str:
    """The tables, and everything needed to judge them."""
    lines = [f"# {report['what']}, {report['machine']['name']}", "", *conditions(report["machine"]), ""]
    lines += [f"`{report['command']}`", ""]
    lines += [
        "Every subject is a process of its own; they are measured in turns. A ratio is the subject's figure divided by "
        "garasu's: that of the medians, then the median and the extremes of the ratios within a round. "
        "Above 1, garasu needs less.",
        "",
    ]
    for measure in measures.values():
        for figure in measure.figures:
            lines += table(report, measure, figure)
    lines += _left_out(report)
    return "\n".join(lines)


def conditions(machine: Mapping[str, Any]) -> Iterator[str]:
    """One line each: the machine, the software, the time."""
    names = dict.fromkeys((machine["name"], machine["processor"]))  # once each: on a CPU they are the same
    driver = [f"driver {machine['driver']}"] if machine["driver"] else []
    cores = f"{machine['usable_cores']} of {machine['cores']} cores, {machine['threads']} threads"
    yield "- " + " · ".join([*names, *driver, cores, f"load {machine['load']} at the start", machine["system"]])
    yield "- " + " · ".join(f"{name} {version or 'absent'}" for name, version in machine["versions"].items())
    yield f"- {machine['date']} · garasu at {machine['commit']}"


def table(report: Report, measure: Measure, figure: str) -> list[str]:
    """One figure of every subject that has it, with ratios to ours."""
    samples: Sequence[dict[str, Any]] = report["samples"]
    label, unit = FIGURES[figure]
    found = {name: summary(values(samples, name, measure.name, figure).values()) for name in report["subjects"]}
    rows = {name: one for name, one in found.items() if one is not None}
    if not rows:
        return []
    references = [name for name in REFERENCES if name in rows]
    heads = ["subject", f"{label}, median", "from–to", "samples", *(f"÷ {name}" for name in references)]
    lines = [f"## {measure.label}: {label}", "", row(heads), row(["---"] * len(heads))]
    for name, known in rows.items():
        ratios = [ratio(samples, name, reference, measure.name, figure) for reference in references]
        lines.append(row([report["subjects"][name], *_cells(known, unit), *(_shown(one) for one in ratios)]))
    return [*lines, ""]


def amount(value: float, unit: str) -> str:
    """In the unit in which it is easily read."""
    if unit == "GB":
        return f"{value / 1e9:.2f} GB"
    for factor, name in ((1, "s"), (1e3, "ms")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {name}" if value * factor < 1000 else f"{value * factor:.0f} {name}"
    return f"{value * 1e6:.3g} µs"


def _cells(known: Summary, unit: str) -> list[str]:
    return [amount(known.median, unit), f"{amount(known.low, unit)} – {amount(known.high, unit)}", str(known.count)]


def _shown(one: Ratio | None) -> str:
    return "" if one is None else f"{one.of_medians:.2f}, {one.paired:.2f} ({one.low:.2f}–{one.high:.2f})"


def row(cells: Sequence[str]) -> str:
    """Of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def _left_out(report: Report) -> Iterator[str]:
    """Who is not in the tables, and why; what conversion took."""
    if (seconds := report["conversion_seconds"]) is not None:
        yield f"OpenVINO's conversion of the networks, once, before anything was measured: {amount(seconds, 's')}."
        yield ""
    if report["left_out"]:
        yield "## Not measured"
        yield ""
        yield from (f"- {one['subject']}, {one['measure']}: {one['why']}" for one in report["left_out"])
        yield ""
