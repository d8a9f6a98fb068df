"""Loads plug-ins: a file that the user chooses, after a question, and at start the files of the preferences."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import Signal

from playground.app.controllers.controller import Controller
from playground.app.controllers.notification import notify
from playground.app.model import errors
from playground.app.model.preferences import Preferences
from playground.app.model.state import State
from playground.app.workers.jobs import Jobs
from playground.kinds import plugins
from playground.kinds.kind import Kind
from playground.user_errors import user_error

FILTER = "Plug-ins (*.py)"


class PluginPrompts(Protocol):
    """The questions that the user is asked."""

    def open_name(self, title: str, folder: str, filters: str) -> str:
        """The file to load; "" if none is chosen."""

    def may_run_plugin(self, path: Path, changed: bool = False) -> bool | None:
        """Whether the file is loaded at every start from now on; None if it may not run.

        Args:
            changed: whether it is in the list, but is another file than when the user agreed to it.
        """


@dataclass(frozen=True)
class Plugin:
    """One file of the list.

    Attributes:
        kinds: the kinds that it has added; empty if it is not loaded.
        at_start: whether it is loaded at every start.
        failure: why it could not be loaded; "" if it could, or was not tried.
    """

    path: Path
    kinds: tuple[type[Kind], ...]
    at_start: bool
    failure: str = ""


class Plugins(Controller):
    """The plug-ins of this run of the program, and those of the preferences.

    A plug-in runs in a thread, as it may import large packages. Nothing but the user's choice and the preferences loads one.

    Signals:
        changed(): the list is another one.
        ready(): every file of the preferences was tried.
    """

    changed = Signal()
    ready = Signal()

    def __init__(self, state: State, preferences: Preferences, prompts: PluginPrompts) -> None:
        super().__init__(state)
        self._preferences, self._prompts = preferences, prompts
        self.background = Jobs(self)
        self._failures: dict[Path, str] = {}

    @property
    def listed(self) -> list[Plugin]:
        """The files that are loaded now or at every start."""
        kept = self._kept()
        return [
            Plugin(
                path,
                plugins.loaded[path].kinds if path in plugins.loaded else (),
                path in kept,
                self._failures.get(path, ""),
            )
            for path in {**kept, **plugins.loaded}
        ]

    def ask(self) -> None:
        """Let the user choose a plug-in, say what that means, and load it."""
        folder = self._preferences.propose(None, "").parent
        name = self._prompts.open_name("Load plug-in", str(folder), FILTER)
        if not name:
            return
        path = Path(name).resolve()
        at_start = self._prompts.may_run_plugin(path)
        if at_start is not None:
            self.load(path, at_start)

    def load(self, path: Path, at_start: bool) -> None:
        """Run a plug-in's file; the user has agreed."""

        def done(kinds: tuple[type[Kind], ...]) -> None:
            self._failures.pop(path, None)
            if at_start:
                self.keep(path, True)
            self._state.kinds_changed.emit()
            self.changed.emit()
            notify(self._state, "info", _added(path, kinds))

        def failed(error: BaseException) -> None:
            notify(self._state, "error", _sentence(path, error))

        if self.background.busy:
            notify(self._state, "info", "Another plug-in is being loaded: try again when it is.")
        else:
            self.background.call("plug-in", lambda: plugins.load_plugin(path), done, failed)

    def keep(self, path: Path, at_start: bool) -> None:
        """Load a file that is loaded now at every start, or no longer; what it has added stays until the program ends."""
        kept = self._preferences.get("plugins") | ({str(path): plugins.loaded[path].checksum} if at_start else {})
        self._preferences.set("plugins", {name: one for name, one in kept.items() if at_start or Path(name) != path})
        if not at_start:
            self._failures.pop(path, None)
        self.changed.emit()

    def start(self) -> None:
        """Load the files of the preferences one after another. One that fails gets a sentence, and the others are loaded.

        The user is asked about a file that has changed.
        """
        self._load_kept({path: checksum for path, checksum in self._kept().items() if path not in plugins.loaded})

    def _load_kept(self, files: Mapping[Path, str]) -> None:
        if not files:
            self.ready.emit()
            return

        def done(failed: dict[Path, Exception]) -> None:
            agreed: dict[Path, str] = {}
            for path in files.keys() - failed.keys():
                self._failures.pop(path, None)
                if path in self._kept():
                    self.keep(path, True)  # by its checksum now
            for path, error in failed.items():
                at_start = (
                    self._prompts.may_run_plugin(path, True) if isinstance(error, plugins.ChangedPlugin) else None
                )
                if isinstance(error, plugins.ChangedPlugin) and at_start is not None:
                    agreed[path] = error.checksum
                    if not at_start:
                        self.keep(path, False)
                    continue
                self._failures[path] = _sentence(path, error)
                notify(self._state, "error", self._failures[path], "tools.plugins")
            self._state.kinds_changed.emit()
            self.changed.emit()
            self._load_kept(agreed)

        self.background.call("plug-in", lambda: plugins.load_kept(files), done, errors.report)

    def shutdown(self, seconds: float) -> bool:
        """Wait until no plug-in is being loaded, when quitting.

        Returns:
            Whether that was in time.
        """
        return self.background.wait(seconds)

    def _kept(self) -> dict[Path, str]:
        return {Path(name): checksum for name, checksum in self._preferences.get("plugins").items()}


def _sentence(path: Path, error: BaseException) -> str:
    found = user_error(error)
    if found is None:
        errors.report(error, f"loading {path.name}")
        return f"The plug-in {path.name} could not be loaded: see the log."
    return str(found)


def _added(path: Path, kinds: tuple[type[Kind], ...]) -> str:
    return f"{path.name} adds " + ", ".join(f"{kind.noun} “{kind.title}”" for kind in kinds) + "."
