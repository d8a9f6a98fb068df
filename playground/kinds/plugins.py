"""Plug-ins: kinds from a user's own file, or from an installed package.

A plug-in is Python and runs as the user. It comes from the command line, the list in the preferences or an installed package,
and never from a session, an experiment or a lesson. A file of the list runs only as long as it is the one that the user has seen.
"""

import hashlib
import importlib
import importlib.metadata
import importlib.util
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

from playground.kinds.kind import Kind, forget, registered
from playground.user_errors import UserError

ENTRY_POINTS = "score_playground.kinds"
FAMILIES = ("datasets", "networks", "noise", "objectives", "samplers")


@dataclass(frozen=True)
class Loaded:
    """What a file has added.

    Attributes:
        checksum: the SHA-256 of the text that ran, as hexadecimal digits.
    """

    kinds: tuple[type[Kind], ...]
    checksum: str


loaded: dict[Path, Loaded] = {}
"""The files that were loaded; the processes of a sweep load the same."""


class ChangedPlugin(UserError):
    """A file is not the one that the user has agreed to.

    Attributes:
        checksum: its SHA-256 now.
    """

    def __init__(self, path: Path, checksum: str) -> None:
        super().__init__(f"The plug-in {path.name} has changed since it was loaded last, and is not loaded.")
        self.checksum = checksum


class _Read(SourceFileLoader):
    """Runs the text that was read, and not a compiled file beside it, which may be of another text."""

    def __init__(self, name: str, path: str, contents: bytes) -> None:
        super().__init__(name, path)
        self._contents = contents

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self._contents, self.path)


def load_plugin(path: Path, checksum: str | None = None) -> tuple[type[Kind], ...]:
    """Run a plug-in's file, and return the kinds that it registers.

    Args:
        checksum: the SHA-256 that the file must have; None for any.

    Raises:
        ChangedPlugin: it has another one.
        UserError: the file cannot be read or run, or registers no kind; the sentence says where and why.
    """
    if path.suffix != ".py" or not path.is_file():
        raise UserError(f"{path} is no plug-in: give a .py file that registers kinds.")
    path = path.resolve()
    if path in loaded:
        raise UserError(f"The plug-in {path.name} is loaded already: start the program again to load it anew.")
    try:
        contents = path.read_bytes()
    except OSError as error:
        raise UserError(f"The plug-in {path} cannot be read: {error.strerror}.") from None
    found = hashlib.sha256(contents).hexdigest()
    if checksum not in (None, found):
        raise ChangedPlugin(path, found)
    for family in FAMILIES:  # otherwise built-in kinds that the plug-in imports first would count as its own
        importlib.import_module(f"playground.kinds.{family}")
    before = set(registered())
    name = f"score_playground_plugin_{path.stem}"
    if name in sys.modules:  # another file of this name in another folder
        name += f"_{len(loaded)}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_Read(name, str(path), contents))
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
    loaded[path] = Loaded(added, found)
    return added


def load_all(files: Mapping[Path, str]) -> None:
    """Load the plug-ins of another process of the program, unless this one has them.

    Args:
        files: the SHA-256 of each.

    Raises:
        UserError: one is missing, is another file here, or cannot be loaded.
    """
    load_installed()
    for path, checksum in files.items():
        if path not in loaded:
            load_plugin(path, checksum)


def load_kept(files: Mapping[Path, str]) -> dict[Path, Exception]:
    """Load the files of the preferences one after another, and return why some could not be loaded.

    Args:
        files: the SHA-256 of each, when the user agreed to it.
    """
    failed: dict[Path, Exception] = {}
    for path, checksum in files.items():
        if path in loaded:
            continue
        try:
            if not path.is_file():
                raise UserError(f"The plug-in {path} is missing: remove it from the list in Tools > Plug-ins.")
            load_plugin(path, checksum)
        except Exception as error:
            failed[path] = error
    return failed


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
