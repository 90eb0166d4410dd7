import stat
from pathlib import Path

import pytest

from garasu.engine import native
from garasu.engine.machine import Machine
from garasu.engine.native import NoKernelError, find_compiler, kept_in, kernel


@pytest.fixture(autouse=True)
def a_cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    kernel.cache_clear()
    yield
    kernel.cache_clear()


def program(folder: Path, text: str) -> str:
    """A compiler of ours."""
    path = folder / "compiler"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_kernel_is_built_once_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        find_compiler()
    except NoKernelError:
        pytest.skip("no C compiler")
    assert kernel("norm").garasu_group_norm
    [library] = kept_in().iterdir()
    kernel.cache_clear()
    monkeypatch.setattr(native, "_build", None)  # would raise if it were built again
    assert kernel("norm").garasu_group_norm
    assert [*kept_in().iterdir()] == [library]


def test_no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoKernelError, match="there is no C compiler"):
        kernel("norm")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("echo 'x.c:1: error: no such flag' >&2; exit 1", "fails: x.c:1: error: no such flag"),
        ("exit 3", "fails: no reason given"),
        ("exit 0", "cannot be built"),
        ('while [ "$1" != -o ]; do [ "$1" = --version ] && exit; shift; done; echo text > "$2"', "cannot be loaded"),
    ],
)
def test_a_compiler_that_fails_leaves_nothing_that_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, reason: str
) -> None:
    monkeypatch.setenv("CC", program(tmp_path, text))
    with pytest.raises(NoKernelError, match=reason):
        kernel("norm")


def test_a_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CC", program(tmp_path, "exit 0"))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(NoKernelError, match="cannot be built"):
        kernel("norm")


def test_another_cpu_gets_a_library_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source, compiler = native.SOURCES / "norm.c", program(tmp_path, "echo 1.0")
    before = native._fingerprint(source, compiler)
    monkeypatch.setattr(native, "FLAGS", (*native.FLAGS, "-g"))
    assert native._fingerprint(source, compiler) != before


@pytest.mark.parametrize("flags", [{"avx512f"}, {"avx512f", "avx512_bf16"}])
def test_a_compiler_too_old_for_this_cpus_bfloat16_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: set[str]
) -> None:
    old = 'case "$*" in *bf16*) echo "error: unrecognized option" >&2; exit 1;; esac; exit 3'
    monkeypatch.setenv("CC", program(tmp_path, old))
    monkeypatch.setattr(native, "this_machine", lambda: Machine("A CPU", "AuthenticAMD", frozenset(flags), cores=1))
    with pytest.raises(NoKernelError, match="unrecognized option" if len(flags) > 1 else "no reason given"):
        kernel("norm")
