"""What a newcomer meets: every public name exists, is explained, and costs nothing unasked for."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import garasu

SOURCE = Path(garasu.__file__).parent
EXTRAS = {
    *("accelerate", "av", "clip_interrogator", "diffusers", "fastapi", "gradio", "matplotlib", "open_clip", "ray"),
    *("scipy", "skia", "sqlalchemy", "tensorboard", "torchvision", "transformers", "uvicorn"),
}

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def test_names_are_sorted_and_none_is_missing() -> None:
    for name in garasu.__all__:  # each is imported when it is first asked for
        getattr(garasu, name)
    public = [
        name for name, value in vars(garasu).items() if not name.startswith("_") and not isinstance(value, ModuleType)
    ]
    assert list(garasu.__all__) == sorted(garasu.__all__)
    assert sorted(public) == sorted(garasu.__all__)


def test_every_name_is_documented() -> None:
    assert [name for name in garasu.__all__ if not inspect.getdoc(getattr(garasu, name))] == []


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_everything_public_has_a_docstring(path: Path) -> None:
    assert list(_silent(path.read_text(encoding="utf-8"))) == []


def test_the_docstring_check_sees_a_silent_method() -> None:
    source = 'class A:\n    """A."""\n    def f(self): ...\n    def _g(self): ...\ndef _h(): ...'
    assert list(_silent(source)) == ["module", "A.f"]


def test_import_is_quiet(tmp_path: Path) -> None:
    """No extra is imported, no connection opened, no file written."""
    program = f"""
import socket, sys
def refuse(*_, **__): raise AssertionError("import garasu opened a connection")
socket.socket.connect = socket.getaddrinfo = refuse
import garasu
print(*sorted({{name.split(".")[0] for name in sys.modules}} & {EXTRAS!r}))
"""
    home = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, cwd=tmp_path, env=home, capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
    assert list(tmp_path.iterdir()) == []


def _silent(source: str) -> Iterator[str]:
    """The module, its public classes and functions and their public methods, where they have no docstring."""
    tree = ast.parse(source)
    everything: list[tuple[str, Documented]] = [("module", tree), *_inside("", tree)]
    return (name for name, node in everything if not ast.get_docstring(node))


def _inside(prefix: str, parent: ast.Module | ast.ClassDef) -> Iterator[tuple[str, Documented]]:
    for node in parent.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _inside(f"{prefix}{node.name}.", node)
