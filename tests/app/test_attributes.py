"""No part of the window writes an attribute of another object, or reaches through the window into the parts of its parts."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

APP = Path(__file__).parents[2] / "playground" / "app"
FOREIGN = {
    "sys.excepthook",
    "sys.unraisablehook",
    "threading.excepthook",
    "option.text",
    "option.features",
    "config.svg2",
    "load.argtypes",
    "load.restype",
    "libc.mallopt.argtypes",
}
"""Attributes that Python, Qt, ziamath and ctypes ask to be set."""


def written(node: ast.AST) -> Iterator[ast.expr]:
    """What an assignment writes."""
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    else:
        return
    for target in targets:
        yield from target.elts if isinstance(target, ast.Tuple | ast.List) else [target]


def others(tree: ast.AST) -> set[str]:
    """The attributes that are written in a module and are not of the writing object, nor of another of its class, `other`."""
    found = set()
    for scope in ast.walk(tree):
        if isinstance(scope, ast.Assign | ast.AugAssign | ast.AnnAssign):
            for target in written(scope):
                own = (
                    isinstance(target, ast.Attribute)
                    and isinstance(target.value, ast.Name)
                    and target.value.id in ("self", "cls", "other", "_Factor", "Shown")
                )
                if isinstance(target, ast.Attribute) and not own:
                    found.add(ast.unparse(target))
    return found - FOREIGN


WINDOW = {"window", "owner", "w", "controllers", "c"}
"""The names under which the window's parts know the window and its controllers, with or without an underscore."""


def path(node: ast.expr) -> list[str]:
    """The names that an expression goes through, as a, b and d for `a.b(c)[0].d`."""
    names: list[str] = []
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute):
            names.insert(0, node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            return names
    return [node.id, *names]


def reached(tree: ast.AST) -> set[str]:
    """What is reached through the window or its controllers, and is not theirs. A signal can be connected."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr not in ("connect", "emit"):
            names = path(node)
            start = next((place for place, name in enumerate(names) if name.lstrip("_") in WINDOW), len(names))
            if start < 2 and len(names) - start > 3:
                found.add(".".join(names))
    return found


def found_in_app(search: Callable[[ast.AST], set[str]]) -> dict[str, set[str]]:
    """What is found in each file of the window."""
    files = {str(file.relative_to(APP)): ast.parse(file.read_text(encoding="utf-8")) for file in APP.rglob("*.py")}
    return {name: found for name, tree in files.items() if (found := search(tree))}


def test_no_attribute_of_another_object_is_written() -> None:
    assert found_in_app(others) == {"model/errors.py": {"self._busy.now"}}  # of a thread


def test_a_written_attribute_would_be_found() -> None:
    tree = ast.parse("run.failure = 1\nself.x, window.playing.frame = 2, 3\nself.y += 1")
    assert others(tree) == {"run.failure", "window.playing.frame"}


def test_nothing_is_reached_through_the_window() -> None:
    assert found_in_app(reached) == {}


def test_what_is_reached_through_the_window_would_be_found() -> None:
    tree = ast.parse(
        "w.controllers.pinning.pin()\nself._window.log.text().splitlines()[-1]\ncontrollers.pinning.pinned.runs\n"
        "w.exports.video()\ncontrollers.pinning.pinned\nwindow.exports.failed.connect(print)\nself.x.y.window.z"
    )
    assert reached(tree) == {
        "w.controllers.pinning.pin",
        "self._window.log.text.splitlines",
        "controllers.pinning.pinned.runs",
    }


def test_no_layout_is_asked_for_its_items() -> None:
    """PySide keeps the wrapper of an item that Qt deleted, and takes it for the next widget at the same address."""
    for folder in (APP, Path(__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)]
            assert [f"{path}:{node.lineno}" for node in calls if node.attr == "itemAt"] == []
