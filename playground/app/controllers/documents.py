"""Opens and saves files, and names the file on the workspace.

Five kinds of files can be opened or dropped: sessions (``.spg``, or the folder of a run from the command line, or its
model), experiments (``.toml``), points (``.csv``, ``.tsv``, ``.npy``), images (a folder of pictures, or a file of MNIST,
CIFAR or NPZ images) and lessons (``.lesson.md``). Only sessions are saved. Threads read and write the files.
"""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol, TextIO

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from playground.app.controllers.building import Building
from playground.app.controllers.export_size import megabytes
from playground.app.controllers.sessions import Sessions
from playground.app.model import errors
from playground.app.model.preferences import Preferences
from playground.app.model.state import State
from playground.app.workers.background_task import BackgroundTask
from playground.lab import experiment as experiments
from playground.lab import lessons
from playground.lab.atomic import atomic_write
from playground.lab.csv_table import write_rows
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.lesson_template import lesson_template
from playground.lab.session import MODEL, SUFFIX, Session, SessionError
from playground.messages import Message, plain
from playground.user_errors import UserError, cannot_write

POINTS = (".csv", ".tsv", ".npy")
IMAGES = (".npz", ".gz", ".bin", "-ubyte", ".ubyte")
SESSIONS = (SUFFIX, ".safetensors")
OPENABLE = (*SESSIONS, ".toml", *POINTS, *IMAGES, lessons.SUFFIX)
FILTERS = ";;".join(
    (
        f"Everything that opens ({' '.join('*' + suffix for suffix in OPENABLE)})",
        f"Sessions ({' '.join('*' + suffix for suffix in SESSIONS)})",
        "Experiments (*.toml)",
        f"Points ({' '.join('*' + suffix for suffix in POINTS)})",
        f"Images ({' '.join('*' + ending for ending in IMAGES)})",
        f"Lessons (*{lessons.SUFFIX})",
        "All files (*)",
    )
)
UNTITLED = "Untitled"

Stamp = tuple[int, int]  # time of the last change in ns, and size in bytes


class Prompts(Protocol):
    """The questions that the user is asked."""

    def open_name(self, title: str, folder: str, filters: str) -> str:
        """The file to open; "" if none is chosen."""

    def folder_name(self, title: str, folder: str) -> str:
        """The folder to open; "" if none is chosen."""

    def save_path(self, title: str, proposed: str, filters: str, ending: str) -> Path | None:
        """The file to write, with its suffix; None if none is chosen."""

    def may_replace(self, sentence: str, question: str) -> bool:
        """Whether a file may be overwritten."""

    def save_or_discard(self, name: str) -> bool | None:
        """Whether to save unsaved work; False if it may be lost, None to cancel."""


class Documents(QObject):
    """The file of the work on the workspace.

    Args:
        prompts: asks for file names, and before work is lost.
        describe_view: returns the part of the view that a session keeps, as JSON values.
        opening: the bundled session that opens at start; if it is missing, the default experiment opens.

    Signals:
        changed(): the name, the mark of unsaved work or the time of the last save changed.
        opened(object): a session was put on the workspace; its `view` is for the canvas.
        saved(str): a sentence that says what was written.
        refused(Message): why a file could not be opened or saved.
        lesson_opened(Lesson): a lesson was read and can begin.
    """

    changed = Signal()
    opened = Signal(object)
    saved = Signal(str)
    refused = Signal(object)
    lesson_opened = Signal(object)

    def __init__(
        self,
        state: State,
        building: Building,
        sessions: Sessions,
        preferences: Preferences,
        prompts: Prompts,
        describe_view: Callable[[], dict[str, Any]],
        opening: Path | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._building, self._sessions = state, building, sessions
        self._preferences, self._prompts, self._describe_view = preferences, prompts, describe_view
        self._opening = opening
        self._stamp: Stamp | None = None  # of the file when it was opened or saved here
        self._background = BackgroundTask(self)
        self.saving = False  # whether the work is being written; it is safe only when that has ended
        self._then: Callable[[], None] | None = None  # called when that file is complete
        self._once_built: Callable[[], None] | None = None  # a save that waits for the data of the last change
        self.path: Path | None = None
        self.successes = 0  # number of files opened, begun or saved
        self.saved_at: float | None = None  # time.monotonic of this document's last save in this run
        state.history_changed.connect(self.changed)
        self._lesson: lessons.Lesson | None = None  # it was read and waits for the session below it
        building.points_opened.connect(self._points_opened)
        building.taken.connect(self._begin_lesson)
        building.problem_failed.connect(self._begin_lesson)
        building.taken.connect(self._save_now)
        building.problem_failed.connect(self._save_now)

    # --- names

    @property
    def name(self) -> str:
        return name_of(self.path) if self.path else UNTITLED

    @property
    def title(self) -> str:
        """The window's title; a dot marks unsaved work."""
        return f"{'• ' if self._state.modified else ''}{self.name} - Score Playground"

    @property
    def stamp(self) -> Stamp | None:
        """The stamp of the file when it was opened or saved here."""
        return self._stamp

    @property
    def busy(self) -> bool:
        """Whether a file is being read or written."""
        return self._background.busy

    def saved_text(self) -> str:
        """How long ago the last save was, in words."""
        if self.saved_at is None:
            return "not saved" if self._state.modified else ""
        seconds = time.monotonic() - self.saved_at
        if seconds < 60:
            return f"saved {seconds:.0f} s ago"
        return f"saved {seconds / 60:.0f} min ago" if seconds < 3600 else f"saved {seconds / 3600:.0f} h ago"

    # --- open

    def ask_open(self) -> None:
        """Let the user choose a file, then open it."""
        name = self._prompts.open_name("Open", str(self.folder()), FILTERS)
        if name:
            self.open(Path(name))

    def ask_open_folder(self) -> None:
        """Let the user choose a folder of pictures, then open it."""
        name = self._prompts.folder_name("Open a folder of pictures", str(self.folder()))
        if name:
            self.open(Path(name))

    def open(self, path: Path) -> None:
        """Read any supported file, then put it on the workspace once unsaved work is safe; a sentence says what is wrong
        with it.
        """
        if self.saving:  # one file at a time is read or written
            self._then = lambda: self.open(path)
            return
        path = Path(path).expanduser()
        if os.path.isfile(path / MODEL):  # the folder of a run; Path.is_file raises for a folder without permission
            path /= MODEL
        suffix = next((ending for ending in OPENABLE if path.name.lower().endswith(ending)), "")
        if path.is_dir():
            self._open_data(path, "images")
            return
        if not suffix:
            self._refuse(
                f"{path.name} cannot be opened: give a file ending in {', '.join(OPENABLE[:-1])} or {OPENABLE[-1]}, or a folder of pictures."
            )
            return
        if not path.is_file():
            self._forget(path)
            self._refuse(f"{path} cannot be opened: it does not exist.")
            return
        if suffix == lessons.SUFFIX:  # it is shown on a copy of the work
            self._open_lesson(path)
            return
        self._open(path, suffix)

    def _open_lesson(self, path: Path) -> None:
        try:
            lesson = lessons.load(path)
        except ExperimentError as error:
            self._refuse_text(error)
            return
        self.successes += 1
        self._lesson = lesson
        self._begin_lesson()

    @Slot()
    def _begin_lesson(self) -> None:
        """Begin the lesson that was read, once the session that is being opened is there: Leave brings it back."""
        lesson = self._lesson
        if lesson is not None and self._building.opening is None:
            self._lesson = None
            self.lesson_opened.emit(lesson)

    def open_bundled(self) -> bool:
        """Open the bundled session at once and without a name, before the first paint.

        Returns:
            Whether the file exists and could be read.
        """
        if self._opening is None or not self._opening.is_file():
            return False
        try:
            session = Session.load(self._opening)
        except SessionError as error:
            self._refuse(error.message)
            return False
        self._adopt(session, None)
        return True

    def open_made(self, make: Callable[[], Session | Experiment]) -> None:
        """Open work without a name of its own; a thread calls `make`. It takes the workspace once unsaved work is safe."""

        def adopt(made: Session | Experiment) -> None:
            if isinstance(made, Session):
                self._adopt(made, None)
            else:
                self._building.open_experiment(made)
                self._name(None)

        if self.saving:
            self._then = lambda: self.open_made(make)
            return
        if not self._background.run("open", make, lambda made: self.when_safe(lambda: adopt(made)), self._failed):
            self._refuse("This is not opened: another file is still being read or written.")

    def new(self) -> None:
        """Start again as the program does, once unsaved work is safe. Earlier trainings are lost."""

        def start() -> None:
            if not self.open_bundled():
                self._building.open_experiment(Experiment())
                self._name(None)

        self.when_safe(start)

    def _open(self, path: Path, suffix: str) -> None:
        if suffix in SESSIONS:
            started = self._background.run(
                "open",
                lambda: (_stamp(path), Session.load(path)),
                lambda read: self.when_safe(lambda: self._adopt(read[1], path, read[0])),
                self._failed,
            )
            if not started:
                self._refuse(f"{path.name} is not opened: another file is still being read or written.")
        elif suffix == ".toml":
            try:
                experiment = experiments.load(path)
            except ExperimentError as error:
                self._refuse_text(error)
                return
            self.when_safe(lambda: self._use(experiment, path))
        else:
            self._open_data(path, "images" if suffix in IMAGES else "file")

    def _use(self, experiment: Experiment, path: Path) -> None:
        self._building.open_experiment(experiment)
        self._name(None)
        self._remember(path)

    def _open_data(self, path: Path, kind: str) -> None:
        def when_safe(use: Callable[[], None]) -> None:
            if self._state.modified:  # the clock that calls this would stand while the question is open
                QTimer.singleShot(0, self, lambda: self.when_safe(use))
            else:
                use()

        self._building.open_points(str(path.resolve()), kind, when_safe)

    @Slot(str)
    def _points_opened(self, path: str) -> None:
        """Remember a file of data once its points are in use; reading takes a while and may fail."""
        self._name(None)  # Save must ask for a name, or it would overwrite the session that was open before
        self._remember(Path(path))

    def _adopt(self, session: Session, path: Path | None, stamp: Stamp | None = None) -> None:
        self._sessions.open(session)
        self._name(path, stamp)
        if path is not None:
            self._remember(path)
        self.opened.emit(session)

    def recover(
        self, restore: Callable[[], object], path: Path | None, stamp: Stamp | None, session: Session | None
    ) -> None:
        """Take the name of restored work.

        Args:
            restore: puts the work on the workspace.
            path, stamp: its file, and the state of the file that the work continues from.
            session: the session whose `view` the canvas takes.
        """
        restore()
        self._name(path, stamp)
        if session is not None:
            self.opened.emit(session)

    # --- save

    def save(self, then: Callable[[], None] | None = None) -> None:
        """Save under the current name if it is a session's, else ask for one. `then` is called when the file is
        written.

        While a scene or a lesson is shown, this asks before it replaces the file of the user's own work.
        """
        if self.path is None or self.path.suffix.lower() != SUFFIX or self._state.document.lesson is not None:
            self.save_as(then)
        elif _stamp(self.path) in (None, self._stamp) or self._prompts.may_replace(
            f"{self.path.name} has changed on disk since it was opened or saved here.",
            "Replace what is there now? “Save as…” keeps both.",
        ):
            self.save_to(self.path, then)

    def save_as(self, then: Callable[[], None] | None = None) -> None:
        """Ask for a name and save."""
        proposed = str(self.proposal().with_suffix(SUFFIX))
        size = self._sessions.size()
        about = "" if size is None else f", about {megabytes(size)}"
        other = self._state.document.lesson is not None
        title = "Save the scene or lesson in view, not your own work" if other else "Save as"
        path = self._prompts.save_path(title, proposed, f"Sessions{about} (*{SUFFIX})", SUFFIX)
        if path is not None:
            self.save_to(path, then)

    def ask_save_answers(
        self, rows: Callable[[], Iterable[Iterable[object]]], when_measured: Callable[[Callable[[], None]], None]
    ) -> None:
        """Ask for a name, then write the answers given in lessons as CSV.

        Args:
            rows: returns the answers.
            when_measured: calls what it is given if an answer that is being measured gets its value: the file is then
                written again.
        """
        proposed = str(self.proposal().with_name("answers.csv"))
        path = self._prompts.save_path("Save answers", proposed, "Comma-separated values (*.csv)", ".csv")
        if path is None:
            return

        def save() -> None:
            table = (lessons.COLUMNS, *rows())

            def write(file: TextIO) -> None:
                write_rows(file, table)

            self._write(path, write, f"Saved {path.name}.")

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
            self._refuse(error.message)
            return
        said = f"Saved {path.name}. Change it in a text editor, and open it here to try it."
        self._write(path, lambda file: file.write(text), said)

    def _write(self, path: Path, write: Callable[[TextIO], object], said: str) -> None:
        """Write a text in a thread, since a slow disk may take seconds, and then say so."""

        def work() -> None:
            try:
                with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
                    write(file)
            except OSError as error:
                raise UserError(cannot_write(path, error)) from None

        if not self._background.run("write", work, lambda _: self.saved.emit(said), self._failed):
            self._refuse(f"{path.name} is not saved yet: another file is still being read or written; try again.")

    def proposal(self) -> Path:
        """The file name that a dialog proposes, with any suffix."""
        return self._preferences.propose(self.path, self._state.experiment.data.kind)

    def folder(self) -> Path:
        """The folder in which a dialog begins."""
        return self.proposal().parent

    def save_to(self, path: Path, then: Callable[[], None] | None = None) -> None:
        """Save under this name, which becomes the work's name; see :meth:`save`."""
        if self.busy:
            self._refuse(f"{path.name} is not saved yet: another file is still being read or written; try again.")
            return
        try:
            session = self._sessions.pack(self._describe_view())
        except SessionError as error:
            if self._building.busy:
                begun, taught = self.successes, self._state.document.lesson

                def save() -> None:
                    if self._state.document.lesson != taught:
                        self._refuse(f"{path.name} is not saved: something else was shown before its data were there.")
                    elif self.successes == begun:
                        self.save_to(path, then)

                self._once_built = save
            else:
                self._refuse(error.message)
            return
        self._state.mark_saved()  # later changes are not in the file
        self.saving, self._then, named = True, then, self.successes
        own = self._state.document.lesson is None

        def write() -> Stamp | None:
            session().save(path)
            return _stamp(path)

        def done(stamp: Stamp | None) -> None:
            self.saving, go_on = False, self._then
            if own and self.successes == named:  # otherwise other data have come meanwhile
                self._name(path, stamp, time.monotonic())
            self._remember(path)
            self.saved.emit(f"Saved {path.name}.")
            if go_on is not None:
                go_on()

        def failed(error: BaseException) -> None:
            self.saving = False
            if own:
                self._state.mark_modified(own=True)
            self._failed(error)

        self._background.run("save", write, done, failed)

    @Slot()
    def _save_now(self) -> None:
        """Save what waited for its data, unless other work was opened meanwhile."""
        save, self._once_built = self._once_built, None
        if save is not None:
            save()

    # --- unsaved work

    def when_safe(self, go_on: Callable[[], None]) -> None:
        """Call `go_on` if nothing is unsaved, or once the user has saved or discarded it; never if the user cancels.

        A save in progress may still fail, so the last request waits for it.
        """
        if self.saving:
            self._then = lambda: self.when_safe(go_on)
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

    def _remember(self, path: Path) -> None:
        self._preferences.add_recent(path)
        self._preferences.remember_folder(path)

    def _forget(self, path: Path) -> None:
        others = [name for name in self._preferences.get("recent") if Path(name) != path]
        self._preferences.set("recent", others)

    # --- outcomes

    def _name(self, path: Path | None, stamp: Stamp | None = None, saved_at: float | None = None) -> None:
        self.path, self._stamp, self.saved_at = path, stamp, saved_at
        self.successes += 1
        self.changed.emit()

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, UserError):
            self.refused.emit(error.message)  # its thread has logged it
        else:
            errors.report(error, "a file could not be read or written")

    def _refuse_text(self, error: UserError) -> None:
        """Refuse a text file. The sentence has the keys of the file, because the user changes them there."""
        self._refuse(str(error))

    def _refuse(self, message: Message | str) -> None:
        errors.logger.warning("refused: %s", message)
        self.refused.emit(message if isinstance(message, Message) else plain(message))


def name_of(path: Path) -> str:
    """The name of a file. Models of all runs have one file name, so their folder is added."""
    return f"{path.parent.name}/{path.name}" if path.name == MODEL else path.name


def _stamp(path: Path) -> Stamp | None:
    """A value that differs between two states of a file; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
