"""Offers the work of a program that was killed, and restores it."""

import dataclasses
import functools
import time
from pathlib import Path

import msgspec
from PySide6.QtCore import Signal

from playground.app.controllers.building import key_of
from playground.app.controllers.controller import Controller
from playground.app.controllers.documents import Documents
from playground.app.controllers.notification import notify
from playground.app.controllers.sessions import Sessions
from playground.app.model import figures
from playground.app.model.history import History
from playground.app.model.pinned_runs import from_json, hold
from playground.app.model.state import State
from playground.app.workers.jobs import Jobs
from playground.lab import recovery
from playground.lab.document import Document
from playground.lab.recovery import Work
from playground.lab.session import Session, SessionError
from playground.lab.store import Store
from playground.lab.trajectory import Trajectory
from playground.messages import Message
from playground.records import record
from playground.user_errors import message_of

OFFER = "Score Playground did not close properly. Restore the work of {}?"
UNREADABLE = "Work of an earlier start cannot be restored."


@record
class RecoverableWork:
    """Work that can be restored, or at least deleted.

    Attributes:
        store: has the values that it reaches.
        work: the work; None if it cannot be read.
        why: why it could not be read or restored.
    """

    store: Store
    work: Work | None
    why: Message | None = None

    @property
    def sentence(self) -> str:
        """The question to the user."""
        return UNREADABLE if self.work is None else OFFER.format(moment(self.work.saved))

    @property
    def about(self) -> Message | str:
        """What the work is, or why it cannot be restored."""
        return self.why or "" if self.work is None else self.work.summary


class Recovering(Controller):
    """Makes one offer after another, the newest first. Work that is neither restored nor discarded stays until the
    window closes.

    Work that cannot be read comes last and stays until it is discarded.

    Args:
        folder: where the folders of unsaved work are.

    Signals:
        changed(): there is another offer, or none.
    """

    changed = Signal()

    def __init__(self, state: State, sessions: Sessions, documents: Documents, folder: Path) -> None:
        super().__init__(state)
        self._sessions, self._documents, self._folder = sessions, documents, folder
        self._background = Jobs(self)
        self._offers: list[RecoverableWork] = []

    @property
    def offer(self) -> RecoverableWork | None:
        """The current offer."""
        return self._offers[0] if self._offers else None

    @property
    def busy(self) -> bool:
        """Whether work is being read."""
        return self._background.busy

    def look(self) -> None:
        """Find work of earlier runs of the program. Call it after the first paint."""
        unreadable: list[RecoverableWork] = []
        for store in recovery.left_behind(self._folder):
            try:
                work = recovery.read(store)
            except SessionError as error:
                unreadable.append(RecoverableWork(store, None, error.message))
                continue
            if work.modified:
                self._offers.append(RecoverableWork(store, work))
            else:  # a file holds all of it
                store.delete()
        self._offers += unreadable
        self.changed.emit()

    def discard(self) -> None:
        """Delete the offered work permanently."""
        if self._offers and not self.busy:
            self._offers.pop(0).store.delete()
            self.changed.emit()

    def restore(self) -> None:
        """Restore the offered work, once unsaved work is safe."""
        offer = self.offer
        if offer is None or offer.work is None or self.busy:
            return
        work = offer.work
        self._documents.when_safe(lambda: self._read(offer, work))

    def end(self, keep: bool, seconds: float) -> bool:
        """Delete the work that was offered and not taken, when quitting. With `keep`, and if it could not be read or
        restored, it is offered again.

        Returns:
            Whether all threads ended in time.
        """
        ended = self._background.wait(seconds)
        for offer in self._offers:
            if keep or not ended or offer.why is not None:  # another version, or a plug-in, may be able to read it
                offer.store.close()
            else:
                offer.store.delete()
        self._offers.clear()
        return ended

    def _read(self, offer: RecoverableWork, work: Work) -> None:
        if self.offer is offer:
            self._background.call(
                "recovery",
                lambda: _recovered(offer.store, work),
                functools.partial(self._take, offer, work),
                functools.partial(self._not_read, offer),
            )
            self.changed.emit()

    def _not_read(self, offer: RecoverableWork, error: BaseException) -> None:
        why = message_of(error)
        self._offers[self._offers.index(offer)] = dataclasses.replace(offer, why=why)
        notify(self._state, "error", why)
        self.changed.emit()

    def _take(self, offer: RecoverableWork, work: Work, recovered: tuple[History, Session | None]) -> None:
        history, session = recovered
        self._offers.remove(offer)
        self._documents.take(
            lambda: self._sessions.restore(history, session, offer.store),
            Path(work.file) if work.file else None,
            work.stamp,
            session,
        )
        self.changed.emit()


def _recovered(store: Store, work: Work) -> tuple[History, Session | None]:
    """Read the history, and the session at its position if the store has its data, in a thread."""
    read = Store()  # each reading names the runs anew, so their figures come to the store only once all is read
    history = History.from_json(work.history, from_json(work.runs, read, most=None))
    if work.trainings:
        _bring_up_to_date(store, work, history)
    document = history.document
    key, experiment = key_of(document), document.experiment
    session = recovery.session_of(store, key, experiment, view=work.view)
    if session is not None:
        run: Trajectory | None = store.get(recovery.run_key(key, experiment, session.step))
        session = dataclasses.replace(session, trajectory=None if run is None else run.arrays())
    for pin in history.pins.values():
        hold(pin, store, **{part: read.get(of) for part, of in pin.keys.items()})
    return history, session


def _bring_up_to_date(store: Store, work: Work, history: History) -> None:
    """Write the work of version 1 as this one does."""
    for session in recovery.read_old(store, work):
        figures.keep_session(store, key_of(Document(session.experiment)), session)
    recovery.write(store, msgspec.structs.replace(work, history=history.to_json(), trainings=()))
    if not store.is_failing:
        recovery.drop_old(store)


def moment(seconds: float) -> str:
    """A time of day, with the date if it is not today.

    >>> moment(time.time()) == time.strftime("%H:%M")
    True
    """
    then = time.localtime(seconds)
    today = time.strftime("%x", then) == time.strftime("%x")
    return time.strftime("%H:%M" if today else "%d %b, %H:%M", then)
