"""No part of the window writes an attribute of another object: it calls a method of it, or emits a signal."""

import ast
from collections.abc import Iterator
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
                    and target.value.id in ("self", "cls", "other", "_Factor")
                )
                if isinstance(target, ast.Attribute) and not own:
                    found.add(ast.unparse(target))
    return found - FOREIGN


def test_no_attribute_of_another_object_is_written() -> None:
    found = {
        str(path.relative_to(APP)): others(ast.parse(path.read_text(encoding="utf-8"))) for path in APP.rglob("*.py")
    }
    assert {place: names for place, names in found.items() if names} == {
        "model/errors.py": {"self._busy.now"}
    }  # of a thread


def test_a_written_attribute_would_be_found() -> None:
    tree = ast.parse("run.failure = 1\nself.x, window.playing.frame = 2, 3\nself.y += 1")
    assert others(tree) == {"run.failure", "window.playing.frame"}
