"""The experiment that the window shows, or other settings of a window's own, and every change made to them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoCommand, QUndoStack

from playground.app.model.edit_text import edit_text
from playground.app.model.history import shared
from playground.kinds.kind import Kind
from playground.kinds.setting import own_fields
from playground.lab import experiment as description
from playground.lab.experiment import Experiment, ExperimentError

OTHER_DATA = frozenset({"data.kind", "data.path"})


class Edit(QUndoCommand):
    """A change of settings. It holds no state, and undoes nothing itself: the state looks where the stack stands.

    Args:
        before, after: the experiments.
        follows: the edit of the same gesture that this one goes on with, and with which it becomes one step.
    """

    def __init__(self, before: Experiment, after: Experiment, follows: "Edit | None" = None) -> None:
        super().__init__(edit_text(before, after))
        self.before, self.after, self._follows = before, after, follows

    def id(self) -> int:
        """One number for all edits: Qt asks only commands of one number whether they can merge."""
        return 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, Edit) or other._follows is not self:
            return False
        self.after = other.after
        other.before = other.after = self.before  # for PySide keeps what was merged: of a stroke, each of its lengths
        self.setText(edit_text(self.before, self.after))
        self.setObsolete(self.before == self.after)  # Qt takes a step that leads nowhere from the stack
        return True


class State(QObject):
    """Holds the experiment, its undo stack and whether there is unsaved work. Lives in the GUI thread.

    Attributes:
        stack: every change since the experiment was loaded. An experiment shares with the one before it all that did not
            change, so that a step takes about a kilobyte, however large the drawing.

    Signals:
        changed(frozenset[str]): the dotted keys whose values are new; read :attr:`experiment`.
        refused(str, Message): key and message of an edit that was not possible; nothing has changed.
        replaced(): undo, redo or a loaded experiment has put another one in place, or the data are others: what was typed
            elsewhere and refused belongs to the past.
        history_changed(): undo, redo or the modified mark are different now.
    """

    changed = Signal(object)
    refused = Signal(str, object)
    replaced = Signal()
    history_changed = Signal()

    def __init__(self, experiment: Experiment | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._experiment = self._announced = self._loaded = experiment or Experiment()
        self._saved: Experiment | None = self._experiment  # None where there is work beside the settings
        self._gesture: tuple[str, Edit] | None = None  # the tag and the edit that the next one of this tag goes on with
        self.stack = QUndoStack(self)
        self.stack.indexChanged.connect(self._moved)
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
            after = shared(self._experiment, self.replaced_by(changes))
        except ExperimentError as error:
            self.refused.emit(next(iter(changes)), error.message)
            return False
        if after == self._experiment:
            return True
        follows = self._gesture[1] if self._gesture is not None and self._gesture[0] == merge else None
        edit = Edit(self._experiment, after, follows)
        others = _differences(self._experiment, after) & OTHER_DATA
        self._experiment = after
        self.stack.push(edit)  # which ends the gesture, as every move of the stack does
        last = self.last_step
        if merge and isinstance(last, Edit) and last in (edit, follows):
            self._gesture = merge, last
        if others:
            self.replaced.emit()
        return True

    def push(self, command: QUndoCommand) -> None:
        """Do what changes no setting as a step of the history; it is unsaved work."""
        self._saved = None
        self.stack.push(command)

    def undo(self) -> None:
        """Take back the last step, if there is one."""
        self.stack.undo()

    def redo(self) -> None:
        """Do the step that was taken back last again, if there is one."""
        self.stack.redo()

    @property
    def undo_text(self) -> str | None:
        """What undo takes back; None where there is nothing."""
        return self.stack.undoText() if self.stack.canUndo() else None

    @property
    def redo_text(self) -> str | None:
        """What redo does again; None where there is nothing."""
        return self.stack.redoText() if self.stack.canRedo() else None

    @property
    def last_step(self) -> QUndoCommand | None:
        """What undo would take back, to be held against later ones; None where there is nothing."""
        return self.stack.command(self.stack.index() - 1) if self.stack.canUndo() else None

    def place_of(self, step: QUndoCommand) -> int | None:
        """The place of a step in the history; None where it is not there, or taken back."""
        return next((place for place in range(self.stack.index()) if self.stack.command(place) is step), None)

    def is_done(self, step: QUndoCommand) -> bool:
        """Whether a step is in the history and not taken back."""
        return self.place_of(step) is not None

    def undo_from(self, step: QUndoCommand) -> None:
        """Take back a step and all that came after it, if it is done."""
        place = self.place_of(step)
        if place is not None:
            self.stack.setIndex(place)

    def steps_since(self, place: int) -> list[QUndoCommand]:
        """The steps that are done from a place of the history on."""
        return [self.stack.command(number) for number in range(place, self.stack.index())]

    def experiment_at(self, place: int) -> Experiment:
        """The experiment after so many steps of the history."""
        steps = (self.stack.command(number) for number in reversed(range(place)))
        return next((step.after for step in steps if isinstance(step, Edit)), self._loaded)

    def load(self, experiment: Experiment) -> None:
        """Take another experiment, as when a file is opened: no history, nothing unsaved."""
        self._loaded = self._saved = experiment
        self.stack.clear()  # tells nobody where it was empty
        self._moved()
        self._remembered.clear()  # of what was here before
        self.replaced.emit()

    def restore(self, first: Experiment, steps: Sequence[QUndoCommand], place: int) -> None:
        """Take an experiment with a history, as when work comes back that no file holds.

        Args:
            first: before all steps.
            steps: not pushed before.
            place: how many of them are done.
        """
        self._loaded, self._saved = first, None
        self.stack.blockSignals(True)  # what lies between is no state that anybody should follow
        self.stack.clear()
        for step in steps:
            self.stack.push(step)
        self.stack.setIndex(place)
        self.stack.blockSignals(False)
        self.stack.indexChanged.emit(place)
        self._remembered.clear()  # of what was here before
        for edit in (step for step in steps if isinstance(step, Edit)):
            self._keep_kinds(edit.before, other_data=bool(_differences(edit.before, edit.after) & OTHER_DATA))
        self.replaced.emit()

    def close(self) -> None:
        """Forget the history, when quitting; the experiment stays.

        Else Python, collecting state, stack and steps in an order of its own, may delete a step that the stack still holds.
        """
        self.stack.blockSignals(True)
        self.stack.clear()

    @property
    def modified(self) -> bool:
        """Whether there is work that no file holds. A setting put back by hand is none, so QUndoStack.isClean is not asked."""
        return self._experiment != self._saved

    def mark_saved(self) -> None:
        """Note that a file holds all there is."""
        self._saved, self._gesture = self._experiment, None
        self.history_changed.emit()

    def mark_modified(self) -> None:
        """Note work that is no edit, such as training that went on: edits before and after it are steps of their own."""
        self._gesture = None
        if self._saved is not None:
            self._saved = None
            self.history_changed.emit()

    @Slot()
    def _moved(self) -> None:
        """Tell once what is different now, however many steps the stack has gone."""
        self._gesture = None
        now = self.experiment_at(self.stack.index())
        restored, self._experiment = now != self._experiment, now
        keys = _differences(self._announced, now)
        self._keep_kinds(self._announced, other_data=bool(keys & OTHER_DATA))
        self._announced = self._experiment
        if keys:
            self.changed.emit(keys)
        if restored:
            self.replaced.emit()
        self.history_changed.emit()

    def _keep_kinds(self, experiment: Experiment, other_data: bool) -> None:
        """Remember what the kinds of an experiment have; of other data nothing is kept that speaks of these."""
        for name in experiment.__struct_fields__:
            section = getattr(experiment, name)
            if isinstance(section, Kind):
                self._remembered[name, section.kind] = section
        if other_data:
            for (name, kind), had in self._remembered.items():
                fields = own_fields(type(had), name).values() if name != "data" else ()
                default = {field.key.rpartition(".")[2]: field.default for field in fields if field.of_data}
                self._remembered[name, kind] = msgspec.structs.replace(had, **default)


def _differences(one: Experiment, other: Experiment) -> frozenset[str]:
    """The keys that have other values, or that one of the two lacks."""
    before, after = ({key: description.value(of, key) for key in description.fields(of)} for of in (one, other))
    return frozenset(key for key in before.keys() | after.keys() if before.get(key, _NONE) != after.get(key, _NONE))


_NONE = object()
