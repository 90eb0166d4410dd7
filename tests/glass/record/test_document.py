"""run.json."""

import json

import pytest

from garasu.glass.record.document import check_folder, read_document
from garasu.glass.record.errors import RecordError


def written(folder, change):
    fields = json.loads((folder / "run.json").read_text("utf-8"))
    change(fields)
    return json.dumps(fields)


def test_what_was_written_is_read(run):
    document = read_document(run)
    assert document.phrases[document.whole["prompt"]].text == "a black cat"
    assert document.size == (run / "run.safetensors").stat().st_size
    assert document.versions["torch"]
    assert len(document.walks[0].evaluations) == 4


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda fields: fields.clear(), "no record of garasu's"),
        (lambda fields: fields.update(format="other"), "no record of garasu's"),
        (lambda fields: fields.update(version=99), "by a later garasu"),
        (lambda fields: fields.update(version=None), "by a later garasu"),
        (lambda fields: fields.pop("walks"), "damaged at walks"),
        (lambda fields: fields["walks"][0].update(grid="x"), "damaged at walks.0.grid"),
    ],
)
def test_what_is_foreign_or_damaged_is_refused(run, tmp_path, change, why):
    (tmp_path / "run.json").write_text(written(run, change), "utf-8")
    with pytest.raises(RecordError, match=why) as refusal:
        read_document(tmp_path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000])
def test_what_is_no_json_is_refused(tmp_path, data):
    (tmp_path / "run.json").write_bytes(data)
    with pytest.raises(RecordError, match="cut short or damaged"):
        read_document(tmp_path)


def test_nothing_there_is_refused(tmp_path):
    with pytest.raises(RecordError, match="no finished record in"):
        read_document(tmp_path / "nowhere")


def test_a_folder_is_looked_at_before_any_work(run, tmp_path):
    check_folder(run)  # a record is replaced
    check_folder(tmp_path / "new")
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match="is a file"):
        check_folder(tmp_path / "file")
    with pytest.raises(FileNotFoundError, match="mkdir -p"):
        check_folder(tmp_path / "no" / "run")
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RecordError, match="would be replaced"):
        check_folder(tmp_path)
