from pathlib import Path

import pytest

from garasu.images.saving import check_writable, whole_file


def test_the_file_appears_only_at_the_end(tmp_path):
    target = tmp_path / "cat.txt"
    with whole_file(target) as beside:
        beside.write_text("cat")
        assert not target.exists()
        assert beside.parent == tmp_path
    assert target.read_text() == "cat"
    assert [file.name for file in tmp_path.iterdir()] == ["cat.txt"]


@pytest.mark.parametrize("interruption", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, interruption):
    target = tmp_path / "cat.txt"
    target.write_text("old")

    def write_half() -> None:
        with whole_file(target) as beside:
            beside.write_text("ha")
            raise interruption

    with pytest.raises(interruption):
        write_half()
    assert target.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["cat.txt"]


def test_permissions_are_those_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    with whole_file(tmp_path / "whole") as beside:
        beside.touch()
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_places_that_cannot_be_written_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist: make it first"):
        check_writable(tmp_path / "no" / "cat.png")
    with pytest.raises(IsADirectoryError, match=r"is a folder: name a file in it"):
        check_writable(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not exist"), whole_file(tmp_path / "no" / "cat.png"):
        pass


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that even root cannot write to")
def test_a_read_only_folder_is_named():
    with pytest.raises(PermissionError, match=r"the folder /proc cannot be written to \("):
        check_writable("/proc/cat.png")
