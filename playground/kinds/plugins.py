"""Plug-ins: kinds from a user's own file, or from an installed package.

A plug-in is Python and runs as the user. It comes from the command line or from an installed package, and never from a session,
an experiment or a lesson.
"""

import importlib.metadata
import importlib.util
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from playground.kinds.kind import Kind, forget, registered
from playground.user_errors import UserError

ENTRY_POINTS = "score_playground.kinds"
loaded: dict[Path, tuple[type[Kind], ...]] = {}
"""The kinds of each file that was loaded; the processes of a sweep load the same files."""


def load_plugin(path: Path) -> tuple[type[Kind], ...]:
    """Run a plug-in's file, and return the kinds that it registers.

    Raises:
        UserError: the file cannot be read or run, or registers no kind; the sentence says where and why.
    """
    if path.suffix != ".py" or not path.is_file():
        raise UserError(f"{path} is no plug-in: give a .py file that registers kinds.")
    path = path.resolve()
    if path in loaded:
        raise UserError(f"The plug-in {path.name} is loaded already: start the program again to load it anew.")
    before = set(registered())
    name = f"score_playground_plugin_{path.stem}"
    if name in sys.modules:  # another file of this name in another folder
        name += f"_{len(loaded)}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # msgspec looks up the annotations of a class there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        for kind in set(registered()) - before:
            forget(kind)
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        where = f", line {lines[-1]}" if lines else ""
        raise UserError(f"The plug-in {path.name}{where} failed: {type(error).__name__}: {error}.") from error
    added = tuple(kind for kind in registered() if kind not in before)
    if not added:
        del sys.modules[name]
        raise UserError(f"{path.name} registers no kind: decorate a class with @register.")
    loaded[path] = added
    return added


def load_all(paths: Sequence[Path]) -> None:
    """Load the plug-ins of another process of the program, unless this one has them."""
    load_installed()
    for path in paths:
        if path not in loaded:
            load_plugin(path)


def load_installed() -> None:
    """Load the kinds of installed packages, which name a module at the entry point `score_playground.kinds`.

    Raises:
        UserError: one cannot be loaded.
    """
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            point.load()
        except Exception as error:
            raise UserError(
                f"The installed plug-in {point.name} failed: {type(error).__name__}: {error}. Update or remove its package."
            ) from error
