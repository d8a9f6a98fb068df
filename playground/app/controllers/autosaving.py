"""Writes unsaved work to disk, so that the next start can offer it if the program is killed."""

import time
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

from PySide6.QtCore import Signal, Slot

from playground.app.controllers.controller import Controller
from playground.app.controllers.documents import Documents
from playground.app.controllers.notification import notify
from playground.app.controllers.sessions import Sessions
from playground.app.model.edit_text import summary
from playground.app.model.history import History
from playground.app.model.pinned_runs import to_json
from playground.app.model.state import State
from playground.app.style.number_formats import format_ago
from playground.app.workers.jobs import Jobs
from playground.app.workers.timers import timer
from playground.lab import recovery
from playground.lab.recovery import Work
from playground.lab.store import Store
from playground.messages import Message
from playground.user_errors import UserError, message_of

SECONDS = 5.0  # between two writes, if something has changed
LOOK = 500  # ms between two checks for changes
NOT_WRITTEN = "Unsaved work still cannot be written to disk."


class Autosaving(Controller):
    """Writes changed work every few seconds in a thread; the window's thread only notes what there is.

    Args:
        folder: where the folders of unsaved work are.

    Signals:
        changed(): the work was written, or could not be.
    """

    changed = Signal()

    def __init__(
        self,
        state: State,
        sessions: Sessions,
        documents: Documents,
        folder: Path,
    ) -> None:
        super().__init__(state)
        self._sessions, self._documents = sessions, documents
        self._folder = folder
        self.seconds = SECONDS
        self.saved_at: float | None = None  # time.monotonic at the state that was written last
        self._written: Hashable = None  # the state that was written last
        self._begun = 0.0  # time.monotonic at the last write
        self._changes = 0  # number of changes of the history
        self._failed = False
        self._offered = False  # whether the next start would offer what was written last
        self._store = state.store
        self._left: list[Store] = []  # stores of other work, to be deleted when nothing is written to them
        self.background = Jobs(self)
        self._timer = timer(self, self.look, interval=LOOK)
        state.history_changed.connect(self._note)

    # --- what the window may read and ask for

    def start(self) -> None:
        """Start to check for changes. Call it after the first paint."""
        self._timer.start()

    @property
    def text(self) -> str:
        """How long ago unsaved work was written, in words; "" if all is saved."""
        if self.saved_at is None or not self._state.modified:
            return ""
        if self._failed:
            return "autosave failed"
        return f"autosaved {format_ago(time.monotonic() - self.saved_at)}"

    @Slot()
    def look(self) -> None:
        """Write what has changed, unless the last write was a moment ago. Work that a file holds is no longer offered at once."""
        if (self._offered and not self._unsaved) or time.monotonic() - self._begun >= self.seconds:
            self.write()

    @Slot()
    def write(self) -> None:
        """Write what has changed, unless a write is in progress."""
        if self.background.busy or self._state.is_replacing or not (self._unsaved or self._state.store.folder):
            return
        moment = self._moment()
        if moment == self._written and not self._state.store.has_unwritten:
            return
        begun = self._begun = time.monotonic()
        save, offered = self._pack(), self._unsaved

        def done(said: Sequence[Message]) -> None:
            self._delete_left()
            self._written, self.saved_at, self._failed, self._offered = moment, begun, False, offered
            for message in said:
                notify(self._state, "warning", message)
            self.changed.emit()

        self.background.call("autosave", save, done, self._not_written)

    def end(self, keep: bool, seconds: float) -> bool:
        """Stop, when quitting.

        Args:
            keep: whether the next start offers the work. If not, it is saved elsewhere or unwanted, and is deleted.

        Returns:
            Whether all was written in time.
        """
        self._timer.stop()
        ended = self.background.wait(seconds)
        if keep and ended:
            self.write()
            ended = self.background.wait(seconds)
        if ended:
            store = self._state.store
            (store.close if keep else store.delete)()
        return ended

    # --- the state to be written

    @property
    def history(self) -> History:
        """The documents; while a scene or lesson is shown, at the place of the user's own work."""
        documents, place = self._state.documents, self._state.own_place
        documents[place] = self._state.own
        return History(documents, place)

    @property
    def _unsaved(self) -> bool:
        """Whether the work differs from every file; a file that is being written may still fail."""
        return self._state.modified or self._documents.saving

    @Slot()
    def _note(self) -> None:
        """Note a change. If other work has come, delete the store of the work so far, once nothing is written to it."""
        self._changes += 1
        left, self._store = self._store, self._state.store
        if left is not self._store:
            self._left.append(left)
            if not self.background.busy:
                self._delete_left()

    def _moment(self) -> Hashable:
        """A key that changes whenever there is something to write."""
        place, path = self._state.own_place, self._documents.path
        return self._sessions.moment(), self._changes, self._unsaved, path, place

    # --- packing: the window's thread notes what there is, the worker words and writes it

    def _pack(self) -> Callable[[], Sequence[Message]]:
        history, store, keep = self.history, self._state.store, self._sessions.keep()
        noted = time.time()
        path, stamp, unsaved, view = (
            self._documents.path,
            self._documents.stamp,
            self._unsaved,
            self._sessions.describe_view(True),
        )

        def save() -> Sequence[Message]:
            if store.folder is None:
                store.open(recovery.folder_in(self._folder))
            keep()
            pins = history.pins
            work = Work(
                saved=noted,
                summary=summary(history.document.experiment),
                history=history.to_json(),
                modified=unsaved,
                file="" if path is None else str(path),
                stamp=stamp,
                view=view,
                runs=[
                    {"number": number} | run for number, run in zip(pins, to_json(pins.values(), store), strict=True)
                ],
            )
            recovery.write(store, work)
            said = store.messages()
            if store.is_failing or store.folder is None:
                raise UserError(said[0] if said else NOT_WRITTEN)
            return said

        return save

    def _delete_left(self) -> None:
        """Delete the stores of other work."""
        while self._left:
            self._left.pop().delete()

    def _not_written(self, error: BaseException) -> None:
        self._delete_left()
        if not self._failed:
            self._failed = True
            notify(self._state, "error", message_of(error), is_current=lambda: self._failed)
        self.changed.emit()
