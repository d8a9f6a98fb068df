"""Opens files.

Five kinds of files can be opened or dropped: sessions (``.spg``, or the folder of a run from the command line, or its
model), experiments (``.toml``), points (``.csv``, ``.tsv``, ``.npy``), images (a folder of pictures, or a file of MNIST,
CIFAR or NPZ images) and lessons (``.lesson.md``). A thread reads the large ones.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QMimeData, QObject, QTimer, Signal

from playground.app.controllers.documents import Documents, Stamp, stamp_of
from playground.app.controllers.reading import Reading
from playground.app.controllers.sessions import Sessions
from playground.lab import experiment as experiments
from playground.lab import lessons
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.session import MODEL, SUFFIX, Session, SessionError

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


class OpeningPrompts(Protocol):
    """The questions that the user is asked."""

    def open_name(self, title: str, folder: str, filters: str) -> str:
        """The file to open; "" if none is chosen."""

    def folder_name(self, title: str, folder: str) -> str:
        """The folder to open; "" if none is chosen."""


class Opening(QObject):
    """Reads files, and puts what is in them into the window once unsaved work is safe.

    Args:
        bundled: the session that opens at start; if it is missing, the default experiment opens.

    Signals:
        lesson_opened(Lesson): a lesson was read and can begin.
    """

    lesson_opened = Signal(object)

    def __init__(
        self,
        reading: Reading,
        sessions: Sessions,
        documents: Documents,
        prompts: OpeningPrompts,
        bundled: Path,
    ) -> None:
        super().__init__(documents)
        self._reading, self._sessions, self._documents, self._prompts = reading, sessions, documents, prompts
        self._bundled = bundled
        self._lesson: lessons.Lesson | None = None  # it was read and waits for the session below it
        sessions.when_built(self._go_on)

    def ask_open(self) -> None:
        """Let the user choose a file, then open it."""
        name = self._prompts.open_name("Open", str(self._documents.folder()), FILTERS)
        if name:
            self.open(Path(name))

    def ask_open_folder(self) -> None:
        """Let the user choose a folder of pictures, then open it."""
        name = self._prompts.folder_name("Open a folder of pictures", str(self._documents.folder()))
        if name:
            self.open(Path(name))

    @staticmethod
    def dropped(data: QMimeData) -> Path | None:
        """The first dragged file that can be opened, or else the first file; opening that one says why not."""
        paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
        return next((path for path in paths if path.name.lower().endswith(OPENABLE)), paths[0] if paths else None)

    def open(self, path: Path) -> None:
        """Read any supported file, then put it into the window once unsaved work is safe; a sentence says what is wrong
        with it.
        """
        if self._documents.wait_for_save(lambda: self.open(path)):  # one file at a time is read or written
            return
        path = Path(path).expanduser()
        if os.path.isfile(path / MODEL):  # the folder of a run; Path.is_file raises for a folder without permission
            path /= MODEL
        suffix = next((ending for ending in OPENABLE if path.name.lower().endswith(ending)), "")
        if path.is_dir():
            self._open_data(path, "images")
            return
        if not suffix:
            self._documents.refuse(
                f"{path.name} cannot be opened: give a file ending in {', '.join(OPENABLE[:-1])} or {OPENABLE[-1]}, or a folder of pictures."
            )
            return
        if not path.is_file():
            self._documents.forget(path)
            self._documents.refuse(f"{path} cannot be opened: it does not exist.")
            return
        if suffix == lessons.SUFFIX:  # it is shown on a copy of the work
            self._open_lesson(path)
            return
        self._open(path, suffix)

    def _open_lesson(self, path: Path) -> None:
        try:
            lesson = lessons.load(path)
        except ExperimentError as error:
            self._documents.refuse(str(error))  # it has the keys of the file, because the user changes them there
            return
        self._documents.note_success()
        self._lesson = lesson
        self._begin_lesson()

    def _go_on(self) -> None:
        """Do what waited for the data of a session that was opened, or of the last change."""
        self._begin_lesson()
        self._documents.save_waiting()

    def _begin_lesson(self) -> None:
        """Begin the lesson that was read, once the session that is being opened is there: Leave brings it back."""
        lesson = self._lesson
        if lesson is not None and not self._sessions.is_opening:
            self._lesson = None
            self.lesson_opened.emit(lesson)

    def open_bundled(self) -> bool:
        """Open the bundled session at once and without a name, before the first paint.

        Returns:
            Whether the file exists and could be read.
        """
        if not self._bundled.is_file():
            return False
        try:
            session = Session.load(self._bundled)
        except SessionError as error:
            self._documents.refuse(error.message)
            return False
        self._adopt(session)
        return True

    def open_made(self, make: Callable[[], Session | Experiment]) -> None:
        """Open work without a name of its own; a thread calls `make`. It takes the place of the present work once unsaved work is safe."""
        if self._documents.wait_for_save(lambda: self.open_made(make)):
            return
        refusal = "This is not opened: another file is still being read or written."
        self._documents.run("open", make, lambda made: self._documents.when_safe(lambda: self._adopt(made)), refusal)

    def new(self) -> None:
        """Start again as the program does, once unsaved work is safe. Earlier trainings are lost."""

        def start() -> None:
            if not self.open_bundled():
                self._adopt(Experiment())

        self._documents.when_safe(start)

    def _open(self, path: Path, suffix: str) -> None:
        if suffix in SESSIONS:
            self._documents.run(
                "open",
                lambda: (stamp_of(path), Session.load(path)),
                lambda read: self._documents.when_safe(lambda: self._adopt(read[1], path, read[0])),
                f"{path.name} is not opened: another file is still being read or written.",
            )
        elif suffix == ".toml":
            try:
                experiment = experiments.load(path)
            except ExperimentError as error:
                self._documents.refuse(str(error))  # it has the keys of the file, because the user changes them there
                return
            self._documents.when_safe(lambda: self._adopt(experiment, path))
        else:
            self._open_data(path, "images" if suffix in IMAGES else "file")

    def _open_data(self, path: Path, kind: str) -> None:
        points = path.resolve()

        def when_safe(use: Callable[[], None]) -> None:
            def take() -> None:
                # Save must ask for a name, or it would overwrite the session that was open before.
                self._documents.take(use, None)
                self._documents.remember(points)

            if self._documents.modified:  # the timer that calls this would stand while the question is open
                QTimer.singleShot(0, self, lambda: self._documents.when_safe(take))
            else:
                take()

        self._reading.open_points(str(points), kind, when_safe)

    def _adopt(self, made: Session | Experiment, path: Path | None = None, stamp: Stamp | None = None) -> None:
        """Put other work into the window; an experiment has no file to be saved to."""
        if isinstance(made, Session):
            self._documents.take(lambda: self._sessions.open(made), path, stamp, made)
        else:
            self._documents.take(lambda: self._sessions.begin(made), None)
        if path is not None:
            self._documents.remember(path)
