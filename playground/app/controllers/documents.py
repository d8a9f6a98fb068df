"""Saves files, names the file in the window, and asks before unsaved work is lost. A thread writes."""

import platform
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeVar

from PySide6.QtCore import Signal, Slot

from playground.app.controllers.controller import Controller
from playground.app.controllers.sessions import Sessions
from playground.app.model import errors
from playground.app.model.preferences import Preferences
from playground.app.model.state import State
from playground.app.style.number_formats import format_ago
from playground.app.workers.jobs import Jobs
from playground.lab import lessons
from playground.lab.atomic import write_whole
from playground.lab.csv_table import write_csv
from playground.lab.experiment import ExperimentError
from playground.lab.lesson_template import lesson_template
from playground.lab.session import MODEL, SUFFIX, Session, SessionError
from playground.messages import Message, plain
from playground.user_errors import UserError, cannot_write

UNTITLED = "Untitled"
NOT_IN_NAMES = r'[\\/:*?"<>|\x00-\x1f]|^\.+'  # of files on some system

Result = TypeVar("Result")
Act = Callable[[], None]
Rows = Iterable[Iterable[object]]
Stamp = tuple[int, int]  # time of the last change in ns, and size in bytes


class Prompts(Protocol):
    """The questions that the user is asked."""

    def save_path(self, title: str, proposed: str, filters: str, ending: str) -> Path | None:
        """The file to write, with its suffix; None if none is chosen."""

    def may_replace(self, sentence: str, question: str) -> bool:
        """Whether a file may be overwritten."""

    def save_or_discard(self, name: str) -> bool | None:
        """Whether to save unsaved work; False if it may be lost, None to cancel."""


class Documents(Controller):
    """The file of the work in the window.

    Args:
        prompts: asks for file names, and before work is lost.

    Signals:
        changed(): the name, the mark of unsaved work or the time of the last save changed.
        opened(object): a session was put into the window; its `view` is for the canvas.
        saved(str): a sentence that says what was written.
        refused(Message): why a file could not be opened or saved.
    """

    changed = Signal()
    opened = Signal(object)
    saved = Signal(str)
    refused = Signal(object)

    def __init__(
        self,
        state: State,
        sessions: Sessions,
        preferences: Preferences,
        prompts: Prompts,
    ) -> None:
        super().__init__(state)
        self._sessions, self._preferences, self._prompts = sessions, preferences, prompts
        self.stamp: Stamp | None = None  # of the file when it was opened or saved here
        self._background = Jobs(self)
        self.saving = False  # whether the work is being written; it is safe only when that has ended
        self._then: Callable[[], None] | None = None  # called when that file is complete
        self._once_built: Callable[[], None] | None = None  # a save that waits for the data of the last change
        self.path: Path | None = None
        self.successes = 0  # number of files opened, begun or saved
        self.saved_at: float | None = None  # time.monotonic of this document's last save in this run
        state.history_changed.connect(self.changed)

    # --- names

    @property
    def name(self) -> str:
        return name_of(self.path) if self.path else UNTITLED

    @property
    def title(self) -> str:
        """The window's title; a dot marks unsaved work."""
        return f"{'• ' if self._state.modified else ''}{self.name} - Score Playground"

    @property
    def modified(self) -> bool:
        """Whether the work differs from its file."""
        return self._state.modified

    @property
    def busy(self) -> bool:
        """Whether a file is being read or written."""
        return self._background.busy

    def saved_text(self) -> str:
        """How long ago the last save was, in words."""
        if self.saved_at is None:
            return "not saved" if self._state.modified else ""
        return f"saved {format_ago(time.monotonic() - self.saved_at)}"

    # --- other work

    def take(
        self, put: Callable[[], object], path: Path | None, stamp: Stamp | None = None, session: Session | None = None
    ) -> None:
        """Take the name of other work.

        Args:
            put: puts the work into the window.
            path, stamp: its file, and the state of the file that the work continues from.
            session: the session whose `view` the canvas takes.
        """
        put()
        self._name(path, stamp)
        if session is not None:
            self.opened.emit(session)

    def run(self, name: str, work: Callable[[], Result], done: Callable[[Result], None], refusal: str) -> None:
        """Read or write a file in a thread; an error is refused.

        Args:
            refusal: what is said if another file is being read or written, so that nothing is started.
        """
        if self.busy:
            self.refuse(refusal)
        else:
            self._background.call(name, work, done, self._failed)

    def wait_for_save(self, go_on: Callable[[], None]) -> bool:
        """Whether a file is being written; if so, `go_on` is called when it is complete."""
        if self.saving:
            self._then = go_on
        return self.saving

    # --- save

    def save(self, then: Callable[[], None] | None = None) -> None:
        """Save under the current name if it is a session's, else ask for one. `then` is called when the file is
        written.

        While a scene or a lesson is shown, this asks before it replaces the file of the user's own work.
        """
        if self.path is None or self.path.suffix.lower() != SUFFIX or self._state.document.lesson is not None:
            self.save_as(then)
        elif stamp_of(self.path) in (None, self.stamp) or self._prompts.may_replace(
            f"{self.path.name} has changed on disk since it was opened or saved here.",
            "Replace what is there now? “Save as…” keeps both.",
        ):
            self.save_to(self.path, then)

    def save_as(self, then: Callable[[], None] | None = None) -> None:
        """Ask for a name and save."""
        proposed = str(self.proposal().with_suffix(SUFFIX))
        other = self._state.document.lesson is not None
        title = "Save the scene or lesson in view, not your own work" if other else "Save as"
        path = self._prompts.save_path(title, proposed, f"Sessions (*{SUFFIX})", SUFFIX)
        if path is not None:
            self.save_to(path, then)

    @property
    def student(self) -> str:
        """Who answers lessons: the name that was given last, at first the computer's."""
        return self._preferences.get("student") or platform.node()

    def save_answers(self, student: str, rows: Callable[[], Rows], when_measured: Callable[[Act], None]) -> None:
        """Ask for a file, then write the answers given in lessons as CSV. The student's name becomes the default one.

        Args:
            rows: returns the answers.
            when_measured: calls what it is given if an answer that is being measured gets its value: the file is then
                written again.
        """
        self._preferences.set("student", student)
        proposed = str(self.proposal().with_name(f"{re.sub(NOT_IN_NAMES, '-', student)}.csv"))
        path = self._prompts.save_path("Save answers", proposed, "Comma-separated values (*.csv)", ".csv")
        if path is None:
            return

        def save() -> None:
            table = [*rows()]
            self._write(path, lambda: write_csv(path, lessons.COLUMNS, table), f"Saved {path.name}.")

        save()
        when_measured(save)

    def ask_write_lesson(self) -> None:
        """Ask for a name, then write a lesson whose step shows the current experiment."""
        proposed = str(self.proposal().with_name(f"my{lessons.SUFFIX}"))
        path = self._prompts.save_path("Write a lesson", proposed, f"Lessons (*{lessons.SUFFIX})", lessons.SUFFIX)
        if path is None:
            return
        try:
            text = lesson_template(self._state.experiment, path.name.removesuffix(lessons.SUFFIX))
        except ExperimentError as error:
            self.refuse(error.message)
            return
        said = f"Saved {path.name}. Change it in a text editor, and open it here to try it."
        self._write(path, lambda: write_whole(path, text), said)

    def _write(self, path: Path, write: Callable[[], object], said: str) -> None:
        """Write a file in a thread, since a slow disk may take seconds, and then say so."""

        def work() -> None:
            try:
                write()
            except OSError as error:
                raise UserError(cannot_write(path, error)) from None

        refusal = f"{path.name} is not saved yet: another file is still being read or written; try again."
        self.run("write", work, lambda _: self.saved.emit(said), refusal)

    def proposal(self) -> Path:
        """The file name that a dialog proposes, with any suffix."""
        return self._preferences.propose(self.path, self._state.experiment.data.kind)

    def folder(self) -> Path:
        """The folder in which a dialog begins."""
        return self.proposal().parent

    def save_to(self, path: Path, then: Callable[[], None] | None = None) -> None:
        """Save under this name, which becomes the work's name; see :meth:`save`."""
        if self.busy:
            self.refuse(f"{path.name} is not saved yet: another file is still being read or written; try again.")
            return
        try:
            session = self._sessions.pack(self._sessions.describe_view(False))
        except SessionError as error:
            if self._sessions.busy:
                begun, taught = self.successes, self._state.document.lesson

                def save() -> None:
                    if self._state.document.lesson != taught:
                        self.refuse(f"{path.name} is not saved: something else was shown before its data were there.")
                    elif self.successes == begun:
                        self.save_to(path, then)

                self._once_built = save
            else:
                self.refuse(error.message)
            return
        self._state.mark_saved()  # later changes are not in the file
        self.saving, self._then, named = True, then, self.successes
        own = self._state.document.lesson is None

        def write() -> Stamp | None:
            session().save(path)
            return stamp_of(path)

        def done(stamp: Stamp | None) -> None:
            self.saving, go_on = False, self._then
            if own and self.successes == named:  # otherwise other data have come meanwhile
                self._name(path, stamp, time.monotonic())
            self.remember(path)
            self.saved.emit(f"Saved {path.name}.")
            if go_on is not None:
                go_on()

        def failed(error: BaseException) -> None:
            self.saving = False
            if own:
                self._state.mark_modified(own=True)
            self._failed(error)

        self._background.call("save", write, done, failed)

    @Slot()
    def save_waiting(self) -> None:
        """Save what waited for its data, unless other work was opened meanwhile."""
        save, self._once_built = self._once_built, None
        if save is not None:
            save()

    # --- unsaved work

    def when_safe(self, go_on: Callable[[], None]) -> None:
        """Call `go_on` if nothing is unsaved, or once the user has saved or discarded it; never if the user cancels.

        A save in progress may still fail, so the last request waits for it.
        """
        if self.wait_for_save(lambda: self.when_safe(go_on)):
            return
        if not self._state.modified:
            go_on()
            return
        save = self._prompts.save_or_discard(self.name)
        if save:
            self._state.leave_lesson()  # what is unsaved is the user's own work
            self.save(go_on)
        elif save is not None:
            go_on()

    def finish(self, seconds: float = 1.0) -> bool:
        """Wait for a file that is being written, when quitting."""
        return self._background.wait(seconds)

    # --- recent files

    def recent(self) -> list[Path]:
        """The existing files that were opened or saved recently, newest first."""
        return [path for path in map(Path, self._preferences.get("recent")) if path.exists()]

    def clear_recent(self) -> None:
        self._preferences.set("recent", [])

    def remember(self, path: Path) -> None:
        """Add a file to the recent ones."""
        self._preferences.add_recent(path)
        self._preferences.remember_folder(path)

    def forget(self, path: Path) -> None:
        """Take a file from the recent ones."""
        self._preferences.set("recent", [name for name in self._preferences.get("recent") if Path(name) != path])

    # --- outcomes

    def _name(self, path: Path | None, stamp: Stamp | None = None, saved_at: float | None = None) -> None:
        self.path, self.stamp, self.saved_at = path, stamp, saved_at
        self.note_success()
        self.changed.emit()

    def note_success(self) -> None:
        """Forget what was refused before, because something was opened or saved."""
        self.successes += 1

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, UserError):
            self.refused.emit(error.message)  # its thread has logged it
        else:
            errors.report(error, "a file could not be read or written")

    def refuse(self, message: Message | str) -> None:
        """Say why a file cannot be opened or saved."""
        errors.logger.warning("refused: %s", message)
        self.refused.emit(message if isinstance(message, Message) else plain(message))


def name_of(path: Path) -> str:
    """The name of a file. Models of all runs have one file name, so their folder is added."""
    return f"{path.parent.name}/{path.name}" if path.name == MODEL else path.name


def stamp_of(path: Path) -> Stamp | None:
    """A value that differs between two states of a file; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
