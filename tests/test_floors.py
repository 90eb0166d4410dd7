"""The house has floors: a module imports only from below (and from its own package)."""

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"

FLOORS = [
    {"panes", "images", "hardware", "bundled"},
    {"networks"},
    {"engine"},
    {"diffusion"},
    {"prompts"},
    {"checkpoints"},
    {"model"},
    {"tasks"},
    {"glass"},
    {"world"},
    {"training"},
    {"personalization"},
    {"app"},
    {"cluster"},
    {"__main__"},
]
ONLY = {"diffusion": {"panes"}, "world": {"images"}}  # these could reach more, and must not

HEIGHT = {unit: floor for floor, units in enumerate(FLOORS) for unit in units}
LAZY = re.compile(r"garasu(\.\w+)+(:\w+)?")  # "garasu.app.cli:main", a module imported by its name


def imported(source: str, module: str) -> set[str]:
    """The units of garasu (its top-level modules and packages) that ``module``'s source imports, anywhere in it.

    Taking a public name from the top of the package counts as the unit "__init__", which is above everything.
    """
    units: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            units |= {_unit(alias.name) for alias in node.names if alias.name.split(".")[0] == "garasu"}
        elif isinstance(node, ast.ImportFrom):
            units |= _from(node, module)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and LAZY.fullmatch(node.value):
            units.add(_unit(node.value))
    return units


def violations(source: str, module: str) -> list[str]:
    """What ``module`` (dotted) imports from its own height or above, in words."""
    own = _unit(module)
    allowed = ONLY.get(own, {unit for unit in HEIGHT if HEIGHT[unit] < HEIGHT.get(own, -1)}) | {own}
    return [f"{module} imports {unit}" for unit in sorted(imported(source, module) - allowed)]


def _from(node: ast.ImportFrom, module: str) -> set[str]:
    parents = module.split(".")[: -node.level] if node.level else []
    name = ".".join([*parents, *([node.module] if node.module else [])])
    if name == "garasu":
        return {alias.name if alias.name in HEIGHT else "__init__" for alias in node.names}
    return {_unit(name)} if name.startswith("garasu.") else set()


def _unit(module: str) -> str:
    return [*module.split(":", maxsplit=1)[0].split("."), "__init__"][1]


def _modules() -> dict[str, Path]:
    """Dotted name → file; a package's own module ends in ``.__init__``."""
    return {".".join(path.relative_to(SOURCE).with_suffix("").parts): path for path in SOURCE.rglob("*.py")}


@pytest.mark.parametrize("module", sorted(name for name in _modules() if name != "garasu.__init__"))
def test_imports_go_down(module: str) -> None:
    assert _unit(module) in HEIGHT, f"{module} has no floor yet; give it one in FLOORS"
    assert violations(_modules()[module].read_text(encoding="utf-8"), module) == []


@pytest.mark.parametrize(
    ("source", "module", "found"),
    [
        ("from garasu.networks.unet import UNet", "garasu.diffusion.denoiser", ["networks"]),
        ("def f():\n    import garasu.tasks.txt2img", "garasu.model", ["tasks"]),
        ("if TYPE_CHECKING:\n    from garasu.app import cli", "garasu.tasks.recipe", ["app"]),
        ("from garasu import images", "garasu.panes", ["images"]),
        ("from garasu import load", "garasu.tasks.txt2img", ["__init__"]),
        ("import garasu", "garasu.tasks.txt2img", ["__init__"]),
        ("from ..training import base", "garasu.world.scene", ["training"]),
        ("from .. import training", "garasu.world.scene", ["training"]),
        ("import_module('garasu.app.cli')", "garasu.training.base", ["app"]),
        ("from garasu.panes import Pane", "garasu.world.scene", ["panes"]),
    ],
)
def test_the_checker_sees_a_violation(source: str, module: str, found: list[str]) -> None:
    assert violations(source, module) == [f"{module} imports {unit}" for unit in found]


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from garasu.panes import Pane\nfrom garasu.diffusion.noise import Noise", "garasu.diffusion.denoiser"),
        ("from . import noise\nfrom .noise import Noise", "garasu.diffusion.__init__"),
        ("import torch\nfrom garasu_other import x\n'''garasu.load() is a function.'''", "garasu.panes"),
        ("from garasu import diffusion", "garasu.model"),
    ],
)
def test_the_checker_lets_imports_from_below_pass(source: str, module: str) -> None:
    assert violations(source, module) == []
