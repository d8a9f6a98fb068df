"""The experiment on the workspace, or other settings of a window's own, and every change made to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from PySide6.QtCore import QObject, Signal

from playground.kinds.kind import Kind
from playground.kinds.setting import own_fields
from playground.lab import experiment as description
from playground.lab.experiment import Experiment, ExperimentError

HISTORY = 200
LONGEST_NAME = 32  # characters
OTHER_DATA = frozenset({"data.kind", "data.path"})


@dataclass(frozen=True)
class Deed:
    """A step of the history that changes no setting.

    Attributes:
        text: in words, after "undo".
        undo, redo: take it back, and do it again.
    """

    text: str
    undo: Callable[[], None]
    redo: Callable[[], None]


@dataclass(frozen=True)
class _Edit:
    before: Experiment
    after: Experiment
    keys: frozenset[str]
    merge: str

    @property
    def text(self) -> str:
        """What was changed, in words; what only follows a choice is not told."""
        path = self.after.data.file if "data.path" in self.keys and isinstance(self.after, Experiment) else ""
        if path:
            return f"opening of {_short(path)}"
        kinds = sorted(key for key in self.keys if key.endswith(".kind"))
        names = list(dict.fromkeys(_name(key) for key in kinds or sorted(self.keys)))
        return "change of " + (" and ".join(names) if len(names) < 3 else "settings")


class State(QObject):
    """Holds the experiment, its undo history and whether there is unsaved work. Lives in the GUI thread.

    Signals:
        changed(frozenset[str]): the dotted keys whose values are new; read :attr:`experiment`.
        refused(str, str): key and sentence of an edit that was not possible; nothing has changed.
        replaced(): undo, redo or a loaded experiment has put another one in place, or the data are others: what was typed
            elsewhere and refused belongs to the past.
        history_changed(): undo, redo or the modified mark are different now.
    """

    changed = Signal(object)
    refused = Signal(str, str)
    replaced = Signal()
    history_changed = Signal()

    def __init__(self, experiment: Experiment | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._experiment = experiment or Experiment()
        self._done: list[_Edit | Deed] = []
        self._undone: list[_Edit | Deed] = []
        self._saved = self._experiment
        self._touched = False
        self._remembered: dict[tuple[str, str], Kind] = {}

    @property
    def experiment(self) -> Experiment:
        return self._experiment

    def value(self, key: str) -> Any:
        return description.value(self._experiment, key)

    def field(self, key: str) -> description.Field:
        """What the description says of a setting."""
        return description.fields(self._experiment)[key]

    def fields(self) -> Mapping[str, description.Field]:
        """What the description says of every setting that there is now."""
        return description.fields(self._experiment)

    def remembers(self, section: str, kind: str) -> bool:
        """Whether a kind was chosen before, and has settings to come back to."""
        return (section, kind) in self._remembered

    def replaced_by(self, changes: Mapping[str, Any]) -> Experiment:
        """The experiment with some dotted keys changed; a kind has again what it had when it was last chosen.

        Raises:
            ExperimentError: the experiment cannot take the values.
        """
        return description.replace(self._experiment, changes, self._remembered)

    def edit(self, changes: Mapping[str, Any], *, merge: str = "") -> bool:
        """Change some dotted keys as one undo step; successive edits with the same `merge` tag are one step too.

        Returns:
            Whether the experiment could take the values; if not, `refused` says why.
        """
        try:
            after = self.replaced_by(changes)
        except ExperimentError as error:
            self.refused.emit(next(iter(changes)), str(error))
            return False
        keys = _differences(self._experiment, after)
        if not keys:
            return True
        last = self._done[-1] if self._done and not self._undone else None
        if merge and isinstance(last, _Edit) and last.merge == merge:
            self._done[-1] = _Edit(last.before, after, last.keys | keys, merge)
        else:
            self._remember(_Edit(self._experiment, after, keys, merge))
        self._become(after, keys)
        if keys & OTHER_DATA:
            self.replaced.emit()
        return True

    def did(self, deed: Deed) -> None:
        """Remember what was done beside the settings; it is unsaved work."""
        self._remember(deed)
        self._touch()

    def undo(self) -> None:
        """Take back the last step, if there is one."""
        if self._done:
            step = self._done.pop()
            self._undone.append(step)
            if isinstance(step, Deed):
                step.undo()
                self._touch()
            else:
                self._become(step.before, step.keys)
                self.replaced.emit()

    def redo(self) -> None:
        """Do the step that was taken back last again, if there is one."""
        if self._undone:
            step = self._undone.pop()
            self._done.append(step)
            self._end_merging()  # what comes after a redo is a step of its own
            if isinstance(step, Deed):
                step.redo()
                self._touch()
            else:
                self._become(step.after, step.keys)
                self.replaced.emit()

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    @property
    def undo_text(self) -> str:
        """What undo would take back, as "change of data", or nothing."""
        return self._done[-1].text if self._done else ""

    @property
    def last_step(self) -> object:
        """What undo would take back, to be held against later ones; None where there is nothing."""
        return self._done[-1] if self._done else None

    @property
    def redo_text(self) -> str:
        """What redo would do again, likewise."""
        return self._undone[-1].text if self._undone else ""

    def undoes(self, deed: Deed) -> bool:
        """Whether undo would take back this very deed."""
        return bool(self._done) and self._done[-1] is deed

    def load(self, experiment: Experiment) -> None:
        """Put another experiment on the workspace, as when a file is opened: no history, nothing unsaved."""
        keys = _differences(self._experiment, experiment)
        self._done.clear()
        self._undone.clear()
        self._touched = False
        self._saved = experiment
        self._remembered.clear()
        self._experiment = experiment  # of what was here before nothing is remembered
        self._become(experiment, keys)
        self.replaced.emit()

    @property
    def modified(self) -> bool:
        """Whether there is work that no file holds."""
        return self._touched or self._experiment != self._saved

    def mark_saved(self) -> None:
        self._end_merging()
        self._saved = self._experiment
        self._touched = False
        self.history_changed.emit()

    def touch(self) -> None:
        """Note work that is no edit, such as training that went on: edits before and after it are steps of their own."""
        self._end_merging()
        if not self._touched:
            self._touch()

    def _touch(self) -> None:
        self._touched = True
        self.history_changed.emit()

    def _end_merging(self) -> None:
        if self._done and isinstance(self._done[-1], _Edit):
            self._done[-1] = replace(self._done[-1], merge="")

    def _remember(self, step: _Edit | Deed) -> None:
        self._done.append(step)
        del self._done[:-HISTORY]
        self._undone.clear()

    def _keep_kinds(self, other_data: bool) -> None:
        """Remember what the chosen kinds have; of other data nothing is kept that speaks of these."""
        for name in self._experiment.__struct_fields__:
            section = getattr(self._experiment, name)
            if isinstance(section, Kind):
                self._remembered[name, section.kind] = section
        if other_data:
            for (name, kind), had in self._remembered.items():
                fields = own_fields(type(had), name).values() if name != "data" else ()
                default = {field.key.rpartition(".")[2]: field.default for field in fields if field.of_data}
                self._remembered[name, kind] = msgspec.structs.replace(had, **default)

    def _become(self, experiment: Experiment, keys: frozenset[str]) -> None:
        self._keep_kinds(other_data=bool(keys & OTHER_DATA))
        self._experiment = experiment
        if keys:
            self.changed.emit(keys)
        self.history_changed.emit()


def _name(key: str) -> str:
    """A setting in words: ``data``, ``sampler``, ``drawing``, ``learning rate``."""
    if key.endswith(".kind"):
        section = key.split(".")[0]
        return {"sampling": "sampler"}.get(section, section)
    return {"data.strokes": "drawing"}.get(key, key.split(".")[-1].replace("_", " "))


def _short(path: str) -> str:
    """A file's name, in the middle of which a menu leaves out what makes it wide."""
    name = path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME // 2]}…{name[-LONGEST_NAME // 2 :]}"


def _differences(one: Experiment, other: Experiment) -> frozenset[str]:
    """The keys that have other values, or that one of the two lacks."""
    before, after = ({key: description.value(of, key) for key in description.fields(of)} for of in (one, other))
    return frozenset(key for key in before.keys() | after.keys() if before.get(key, _NONE) != after.get(key, _NONE))


_NONE = object()
