"""A document, and every change made to it."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoCommand, QUndoStack

from playground.app.model.edit_text import document_text
from playground.app.model.history import shared
from playground.kinds.kind import Kind
from playground.kinds.setting import own_fields
from playground.lab import experiment as description
from playground.lab.defaults import resolve
from playground.lab.document import Document
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.keys import Digests

OTHER_DATA = frozenset({"data.kind", "data.path"})


class Edit(QUndoCommand):
    """A change of the document. It holds no state and undoes nothing itself: the state reads the stack's position.

    Args:
        before, after: the documents before and after the change.
        follows: the previous edit of the same gesture, with which this one is merged.
    """

    def __init__(self, before: Document, after: Document, follows: "Edit | None" = None) -> None:
        super().__init__(document_text(before, after))
        self.before, self.after, self._follows = before, after, follows

    def id(self) -> int:
        """One number for all edits, because Qt merges only commands with the same number."""
        return 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, Edit) or other._follows is not self:
            return False
        self.after = other.after
        # PySide keeps merged commands; without this, every length of a stroke would stay in memory.
        other.before = other.after = self.before
        self.setText(document_text(self.before, self.after))
        self.setObsolete(self.before == self.after)  # Qt removes a step that changes nothing
        return True


class EditedDocument(QObject):
    """Holds the document, its undo stack and whether there is unsaved work. Lives in the GUI thread.

    Attributes:
        stack: every change since the experiment was loaded. Experiments share their unchanged parts, so that a step
            takes about a kilobyte, however large the drawing is.

    Signals:
        changed(frozenset[str]): the dotted keys with new values; read :attr:`experiment`.
        document_changed(): the settings or another part of the document changed; read :attr:`document`.
        kinds_changed(): kinds were added to the registry, so that settings have more choices.
        refused(str, Message): key and message of an edit that did not fit; nothing has changed.
        cleared(tuple[str, ...]): the keys of settings that an edit returned to their defaults, because it changed the data.
        replaced(): undo, redo or a file replaced the experiment, or the data changed; refused input is out of date.
        history_changed(): undo, redo or the modified mark changed.
        notified(Notification): a message of any controller to the user.
    """

    changed = Signal(object)
    document_changed = Signal()
    kinds_changed = Signal()
    refused = Signal(str, object)
    cleared = Signal(object)
    replaced = Signal()
    history_changed = Signal()
    notified = Signal(object)

    def __init__(self, experiment: Experiment | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = self._loaded = Document(experiment or Experiment())
        self._announced = self._document
        self._resolved: tuple[Experiment, Experiment] | None = None
        self._saved: Document | None = self._document  # None if there is unsaved work besides the document
        self._gesture: tuple[str, Edit] | None = None  # the tag of a gesture, and the edit that its next edit continues
        self.stack = QUndoStack(self)
        self.stack.indexChanged.connect(self._moved)
        self._remembered: dict[tuple[str, str], Kind] = {}
        self._read: dict[tuple[str, str], str] = {}  # digests of files when they were read last, by setting and name

    @property
    def document(self) -> Document:
        return self._document

    @property
    def experiment(self) -> Experiment:
        return self._document.experiment

    @property
    def resolved(self) -> Experiment:
        """The experiment with each "auto" that other settings decide replaced by its value."""
        # Each row of a setting asks after each edit.
        if self._resolved is None or self._resolved[0] is not self.experiment:
            self._resolved = self.experiment, resolve(self.experiment)
        return self._resolved[1]

    def value(self, key: str) -> Any:
        return description.value(self.experiment, key)

    def field(self, key: str) -> description.Field:
        """The description of a setting."""
        return description.fields(self.experiment)[key]

    def fields(self) -> Mapping[str, description.Field]:
        """The descriptions of all current settings."""
        return description.fields(self.experiment)

    def remembers(self, section: str, kind: str) -> bool:
        """Whether a kind was chosen before, so that its settings can be restored."""
        return (section, kind) in self._remembered

    def replaced_by(self, changes: Mapping[str, Any]) -> Experiment:
        """The experiment with some dotted keys changed; a kind gets the settings that it last had.

        With other data, settings that were chosen for the present ones return to their defaults, unless `changes` has them.

        Raises:
            ExperimentError: the values do not fit the experiment.
        """
        return self._replaced(changes)[0]

    def _replaced(self, changes: Mapping[str, Any]) -> tuple[Experiment, tuple[str, ...]]:
        """The experiment with some keys changed, and the keys of the settings that other data return to their defaults."""
        after = description.replace(self.experiment, changes, self._remembered)
        if OTHER_DATA.isdisjoint(description.differing(self.experiment, after)):
            return after, ()
        known = description.fields(after).items()
        chosen = {key: field for key, field in known if field.of_data and key not in changes}
        defaults = {key: field.default for key, field in chosen.items() if not key.startswith("data.")}
        if after.network.needs_images and not after.data.images:
            defaults["network.kind"] = "auto"
        cleared = [key for key, to in defaults.items() if description.value(after, key) != to]
        return description.replace(after, {key: defaults[key] for key in cleared}), tuple(cleared)

    def edit(self, changes: Mapping[str, Any], *, merge: str = "") -> bool:
        """Change some dotted keys as one undo step; successive edits with the same `merge` tag are one step too.

        Returns:
            Whether the values fit the experiment; if not, `refused` says why.
        """
        try:
            after, cleared = self._replaced(changes)
        except ExperimentError as error:
            self.refused.emit(next(iter(changes)), error.message)
            return False
        after = shared(self.experiment, after)
        document = msgspec.structs.replace(self._document.with_experiment(after), digests=self._digests(after, changes))
        if document == self._document:
            return True
        old, self._document = self._document, document
        self._push(old, document, merge)
        if cleared:
            self.cleared.emit(cleared)
        return True

    def note_read(self, key: str, file: str, digest: str) -> None:
        """Note what a file is that a setting is about to name, so that another one of this name is told from it."""
        self._read[key, file] = digest

    def _digests(self, experiment: Experiment, changes: Mapping[str, Any]) -> Digests:
        """The digests of the files of an experiment: of one that stays as the document has it, of another as it was read last."""
        if not self._read:  # nothing more is asked of the settings, which may be those of a Boltzmann machine
            return self._document.digests
        before, present = description.files(self.experiment), dict(self._document.digests)
        found = {
            key: present.get(key) if before.get(key) == file and key not in changes else self._read.get((key, file))
            for key, file in description.files(experiment).items()
        }
        return tuple((key, digest) for key, digest in found.items() if digest)

    def push(self, document: Document, *, merge: str = "") -> None:
        """Take another document as one step of the history; `merge` as in :meth:`edit`."""
        if document != self._document:
            self._push(self._document, document, merge)

    def put(self, *, merge: str = "", **parts: Any) -> None:
        """Change parts of the document as one step of the history; `merge` as in :meth:`edit`."""
        self.push(msgspec.structs.replace(self._document, **parts), merge=merge)

    def _push(self, before: Document, after: Document, merge: str) -> None:
        follows = self._gesture[1] if self._gesture is not None and self._gesture[0] == merge else None
        edit = Edit(before, after, follows)
        self.stack.push(edit)  # ends the gesture, as every move of the stack does
        last = self.last_step
        if merge and isinstance(last, Edit) and last in (edit, follows):
            self._gesture = merge, last

    def undo(self) -> None:
        """Undo the last step, if there is one."""
        self.stack.undo()

    def redo(self) -> None:
        """Redo the step that was undone last, if there is one."""
        self.stack.redo()

    @property
    def undo_text(self) -> str | None:
        """The text of the step to undo; None if there is none."""
        return self.stack.undoText() if self.stack.canUndo() else None

    @property
    def redo_text(self) -> str | None:
        """The text of the step to redo; None if there is none."""
        return self.stack.redoText() if self.stack.canRedo() else None

    @property
    def last_step(self) -> QUndoCommand | None:
        """The step that undo would undo; None if there is none."""
        return self.stack.command(self.stack.index() - 1) if self.stack.canUndo() else None

    @property
    def own_place(self) -> int:
        """The number of steps up to the user's own work: before the scene or lesson in view, if there is one."""
        return next(place for place in range(self.stack.index(), -1, -1) if self.document_at(place).lesson is None)

    @property
    def own(self) -> Document:
        """The user's own work, which leaving the scene or lesson in view restores; the pinned runs stay."""
        return msgspec.structs.replace(self.document_at(self.own_place), pins=self._document.pins)

    def leave_lesson(self) -> None:
        """Restore the user's own work, if a scene or lesson is in view."""
        if self._document.lesson is not None:
            pins = self._document.pins
            self.stack.setIndex(self.own_place)
            self.put(pins=pins)

    def document_at(self, place: int) -> Document:
        """The document after this many steps of the history."""
        step = self.stack.command(place - 1) if place else None
        return step.after if isinstance(step, Edit) else self._loaded

    @property
    def documents(self) -> list[Document]:
        """The first document, and those after each step of the history, done or undone."""
        return [self.document_at(place) for place in range(self.stack.count() + 1)]

    def load(self, experiment: Experiment, **parts: Any) -> None:
        """Take another experiment, for example of an opened file, with an empty history and nothing unsaved.

        Args:
            parts: other parts of its document, by name.
        """
        self._loaded = self._saved = Document(experiment, **parts)
        self.stack.clear()  # emits nothing if it is empty
        self._moved()
        self.document_changed.emit()  # though it be equal: what it reaches is another's
        self._remembered.clear()  # belongs to the old experiment
        self.replaced.emit()

    def restore(self, documents: Sequence[Document], place: int) -> None:
        """Take a document with its history, for restored work.

        Args:
            documents: the first one, and those after each step.
            place: the number of done steps.
        """
        edits = [Edit(before, after) for before, after in itertools.pairwise(documents)]
        self._loaded, self._saved = documents[0], None
        self.stack.blockSignals(True)  # the states in between concern nobody
        self.stack.clear()
        for edit in edits:
            self.stack.push(edit)
        self.stack.setIndex(place)
        self.stack.blockSignals(False)
        self.stack.indexChanged.emit(place)
        self._remembered.clear()  # belongs to the old experiment
        for edit in edits:
            self._read |= {
                (key, file): digest
                for key, file in description.files(edit.after.experiment).items()
                for named, digest in edit.after.digests
                if named == key
            }
            before, after = edit.before.experiment, edit.after.experiment
            self._keep_kinds(before, other_data=not OTHER_DATA.isdisjoint(description.differing(before, after)))
        self.replaced.emit()

    def close(self) -> None:
        """Forget the history, when quitting; the experiment stays.

        Otherwise Python, which may delete the objects in any order, may delete a step that the stack still holds.
        """
        self.stack.blockSignals(True)
        self.stack.clear()

    @property
    def modified(self) -> bool:
        """Whether there is unsaved work; unlike QUndoStack.isClean, a setting changed back by hand is none.

        A clicked point is saved with the work, but to click is no work. Nor is a scene or lesson.
        """
        return self._saved is None or _without_clicked(self._saved) != _without_clicked(self.own)

    def mark_saved(self) -> None:
        """Note that a file holds the user's own work. A scene or lesson that is saved is none."""
        self._gesture = None
        if self._document.lesson is None:
            self._saved = self._document
        self.history_changed.emit()

    def mark_modified(self, own: bool = False) -> None:
        """Note work other than edits, such as training; edits before and after it are not merged.

        Args:
            own: it is the user's own, whatever is in view. What is trained for a scene or lesson is not.
        """
        self._gesture = None
        if self._saved is not None and (own or self._document.trainings == self.own.trainings):
            self._saved = None
            self.history_changed.emit()

    @Slot()
    def _moved(self) -> None:
        """Emit the changes once, however many steps the stack has moved."""
        self._gesture = None
        before, self._document = self.experiment, self.document_at(self.stack.index())
        told, self._announced = self._announced, self._document
        keys = frozenset(description.differing(told.experiment, self.experiment))
        other_data = not keys.isdisjoint(OTHER_DATA)
        self._keep_kinds(told.experiment, other_data)
        if keys:
            self.changed.emit(keys)
        if told != self._announced:
            self.document_changed.emit()
        if other_data or self.experiment != before:
            self.replaced.emit()
        self.history_changed.emit()

    def _keep_kinds(self, experiment: Experiment, other_data: bool) -> None:
        """Remember the settings of the experiment's kinds. After other data, drop those that depend on the data."""
        for name in experiment.__struct_fields__:
            section = getattr(experiment, name)
            if isinstance(section, Kind):
                self._remembered[name, section.kind] = section
        if other_data:
            for (name, kind), had in self._remembered.items():
                fields = own_fields(type(had), name).values() if name != "data" else ()
                default = {field.key.rpartition(".")[2]: field.default for field in fields if field.of_data}
                self._remembered[name, kind] = msgspec.structs.replace(had, **default)


def _without_clicked(document: Document) -> Document:
    return msgspec.structs.replace(document, clicked=())
