"""The house rules that a program can check."""

import ast
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "playground"
SOURCES = sorted(PACKAGE.rglob("*.py"))
OURS = SOURCES + [
    path for folder in ("tests", "docs", "resources", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))
]
ROOMS = ["theory", "data", "lab", "drawing", "app", "cli"]
LONGEST = 420

EXCEPT = {("fused.py", "numpy"), ("transport.py", "numpy"), ("transport.py", "numpy.typing")}
"""Its sines, and its steps over a few numbers, take half the time of torch's on a CPU."""

every_source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))


def imports(path: Path) -> Iterator[tuple[str, str | None]]:
    """Modules that a file imports anywhere, with the name taken from each."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module or "", alias.name


def room_of(path: Path) -> str | None:
    first = path.relative_to(PACKAGE).parts[0]
    return first if first in ROOMS else None


@every_source
def test_a_room_imports_only_the_rooms_before_it(path: Path) -> None:
    room = room_of(path)
    if room is None:
        return
    for module, name in imports(path):
        parts = f"{module}.{name}".split(".")
        if parts[0] == "playground" and len(parts) > 1 and parts[1] in ROOMS:
            assert ROOMS.index(parts[1]) <= ROOMS.index(room), f"{path} imports {module}"


@every_source
def test_each_room_uses_only_what_belongs_in_it(path: Path) -> None:
    forbidden = {
        "theory": {"PySide6", "numpy", "threading", "time", "os", "pathlib", "io"},
        "data": {"PySide6", "threading", "time"},
        "lab": {"PySide6", "threading", "rich", "typer"},
        "drawing": {"torch", "PySide6.QtWidgets"},
    }.get(room_of(path) or "", set())
    for module, name in imports(path):
        found = {module, module.split(".")[0], f"{module}.{name}"}
        if (path.name, module) in EXCEPT:
            continue
        assert not found & forbidden, f"{path} imports {module}"


@every_source
def test_files_say_one_thing(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST, "look for the second thing in it"
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


@every_source
def test_every_module_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.strip():
        assert ast.get_docstring(ast.parse(text))


@every_source
def test_nothing_unpickles(path: Path) -> None:
    """Opening a file must never run code."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\btorch\.(load|save)\(|allow_pickle\s*=\s*True|(?<![.\w])(eval|exec)\(", text)
    assert not {module.split(".")[0] for module, _ in imports(path)} & {"pickle", "shelve", "dill", "joblib", "marshal"}


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_left_for_later(path: Path) -> None:
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type == tokenize.COMMENT:
                assert not re.search(r"\b(TO" r"DO|FIX" r"ME|XXX|HACK)\b", token.string), token.line


@pytest.mark.parametrize(
    "module",
    ["playground.cli", "playground.lab.along_sigma", "playground.lab.experiment", "playground.lab.session"],
)
def test_starting_loads_neither_torch_nor_qt(module: str) -> None:
    code = f"import sys, {module}; sys.exit(bool({{'torch', 'PySide6'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
