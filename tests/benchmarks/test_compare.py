"""The whole comparison at toy size: real workers, real peers, real files."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import compare, subjects
from benchmarks.report import amount, free_stem
from benchmarks.subjects import SUBJECTS, Entry

OURS, THEIRS = "ours-fp32", "diffusers-fp32"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def measured(cache: Path, folder: Path, *flags: str) -> tuple[dict[str, Any], str]:
    stem = compare.main(["--size=toy", f"--cache={cache}", f"--out={folder}", *flags])
    text = stem.with_name(f"{stem.name}.md").read_text(encoding="utf-8")
    return json.loads(stem.with_name(f"{stem.name}.json").read_text(encoding="utf-8")), text


def test_two_subjects_in_turns_and_a_peer_that_is_not_installed(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = Entry("a peer of another world", "openvino", "fp32", packages=("no_such_package",))
    monkeypatch.setitem(SUBJECTS, "openvino-fp32", absent)
    flags = ["--measures=step,step-half,step-tall,decode,encode,text", "--repeats=2"]
    report, text = measured(cache, tmp_path, f"--subjects={OURS},{THEIRS},openvino-fp32", *flags)
    steps = [(s["subject"], s["round"]) for s in report["samples"] if s["measure"] == "step"]
    assert steps == [(OURS, 0), (THEIRS, 0), (OURS, 1), (THEIRS, 1), (OURS, 2), (THEIRS, 2)]
    assert len(report["samples"]) == 6 * 6
    assert all(0 < sample["seconds"] < 30 for sample in report["samples"])
    assert report["left_out"] == [
        {"subject": "openvino-fp32", "measure": "all", "why": "no_such_package not installed"}
    ]
    assert report["machine"]["versions"]["torch"]
    assert "- openvino-fp32, all: no_such_package not installed" in text
    assert text.count("\n## ") == 7  # six tables and what was not measured
    assert "| diffusers as it comes, fp32 |" in text


def test_fresh_processes_give_start_loading_and_memory(cache: Path, tmp_path: Path) -> None:
    report, text = measured(cache, tmp_path, f"--subjects={OURS},{THEIRS}", "--measures=picture", "--repeats=1")
    assert not report["left_out"]
    for sample in report["samples"]:
        assert 0 < sample["load_seconds"] < sample["cold_seconds"] < 60
        assert sample["warm_seconds"] < sample["cold_seconds"]
        assert 50e6 < sample["peak_bytes"] < 3e9
    assert "fresh process to saved picture" in text
    assert "÷ ours-fp32" in text


def test_what_is_measured_on_a_gpu_has_the_same_shape_on_a_cpu(cache: Path, tmp_path: Path) -> None:
    flags = ["--subjects=ours-fp32,diffusers-fp32", "--measures=pictures-1,pictures-16,step-16", "--repeats=1"]
    report, _ = measured(cache, tmp_path, *flags)
    assert not report["left_out"]
    assert [sample["measure"] for sample in report["samples"]] == ["pictures-1"] * 4 + ["pictures-16"] * 4 + [
        "step-16"
    ] * 4
    for sample in report["samples"][:8]:
        assert 0 < sample["steps_seconds"] < sample["seconds"]


def test_reports_of_one_day_do_not_replace_each_other(tmp_path: Path) -> None:
    assert free_stem(tmp_path, "cpu-2.5-ghz") == tmp_path / "cpu-2.5-ghz"
    (tmp_path / "cpu-2.5-ghz.json").touch()
    (tmp_path / "cpu-2.5-ghz-2.json").touch()
    assert free_stem(tmp_path, "cpu-2.5-ghz") == tmp_path / "cpu-2.5-ghz-3"


def test_an_unknown_name_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        compare.main(["--subjects=tensorflow"])
    assert left.value.code == 2
    assert "there is no 'tensorflow': choose from ours-bf16" in capsys.readouterr().err


def test_every_subject_has_a_line_and_a_module() -> None:
    folder = Path(subjects.__file__).parent
    for name, entry in SUBJECTS.items():
        assert (folder / f"{entry.module}.py").is_file(), name
        assert entry.precision in ("bf16", "fp32", "both")


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (2.2449, "s", "2.24 s"),
        (139.6, "s", "140 s"),
        (0.0021, "s", "2.1 ms"),
        (3.2e-5, "s", "32 µs"),
        (3.5e9, "GB", "3.50 GB"),
    ],
)
def test_amounts_are_easily_read(value: float, unit: str, shown: str) -> None:
    assert amount(value, unit) == shown
