"""Exports what is painted, or other files, one at a time.

A thread paints with the same code as the screen. An export that is cancelled or fails leaves no file.
"""

import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from playground.app.controllers.export_frames import Frames
from playground.app.model import errors
from playground.app.model.preferences import Preferences, VideoChoice
from playground.app.style.number_formats import megabytes
from playground.app.workers.tasks import Tasks, without_fraction
from playground.drawing import film
from playground.drawing.render import save_image
from playground.lab.atomic import atomic_write, size_so_far
from playground.messages import plain
from playground.user_errors import cannot_write, user_error

TASK = "export"
SIZED = 0.5  # seconds between two looks at how large the file is, for which its folder is listed
COMPLETING = 0.1  # of the bar, for frames that must be computed before painting
PREPARING = 0.5  # of the bar, for learned densities and runs that must be computed before painting

Progress = tuple[int, int]  # done, total
Write = Callable[[Path], Iterator[Progress]]  # writes a file, in a thread


class Exporting(QObject):
    """Runs one export at a time.

    Signals:
        progressed(int, int, float | None, int): done, total, the estimated seconds left or None, and the bytes written so far.
        finished(str, str): a sentence and the path that was written.
        failed(Message): what went wrong; an error of the program is already in the log.
        refused(Message): what the user can do.
        cancelled(): nothing was written.
    """

    progressed = Signal(int, int, object, object)
    finished = Signal(str, str)
    failed = Signal(object)
    refused = Signal(object)
    cancelled = Signal()

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._tasks = Tasks(self)
        self._path = Path()
        self._started = 0.0
        self._size, self._sized = 0, 0.0  # the bytes written, and when they were counted
        self._complete = self._cancelled = False

    @property
    def busy(self) -> bool:
        return self._tasks.busy

    def refuses_second(self) -> bool:
        """Whether an export is running; if so, say so."""
        if self.busy:
            self.refused.emit(plain(f"{self._path.name} is still being exported: wait for it, or cancel it."))
        return self.busy

    def start(self, make: Callable[[], Iterator[Progress]], path: Path) -> None:
        """Write a file in a thread."""
        self._path, self._started, self._size = path, time.monotonic(), 0
        self._complete = self._cancelled = False
        self._tasks.start(TASK, "Export", without_fraction(make), self._progressed, self._failed, self._ended)

    def cancel(self) -> None:
        """Cancel the running export; no file is left."""
        self._cancelled = True
        self._tasks.interrupt(TASK)

    def shutdown(self, seconds: float) -> bool:
        """Stop and wait, when quitting.

        Returns:
            Whether the thread ended in time.
        """
        return self._tasks.shutdown(seconds)

    def _progressed(self, progress: Progress) -> None:
        done, total = progress
        now, self._complete = time.monotonic(), done == total
        if now - self._sized > SIZED:
            self._size, self._sized = size_so_far(self._path), now
        if self.busy:
            self.progressed.emit(done, total, self._seconds_left(done, total), self._size)

    def _seconds_left(self, done: int, total: int) -> float | None:
        elapsed = time.monotonic() - self._started
        return elapsed * (total - done) / done if done and elapsed > 1 else None

    def _failed(self, error: BaseException) -> None:
        if self._cancelled:  # work that was waited for says that it was stopped
            self._ended()
            return
        message = plain(cannot_write(self._path, error)) if isinstance(error, OSError) else user_error(error)
        self.failed.emit(message or plain(errors.sentence(error)))
        if message is not None:
            self.refused.emit(message)
        else:
            errors.report(error, "the export failed")

    def _ended(self) -> None:
        if self._cancelled or not self._complete:
            self.cancelled.emit()
        else:
            self._preferences.remember_folder(self._path)
            size = self._path.stat().st_size
            self.finished.emit(f"Exported {self._path.name}, {megabytes(size)}.", str(self._path))


def save_picture(frames: Frames, frame: int, path: Path) -> Iterator[Progress]:
    """Paint one of the frames, and write it."""
    painted, preparing = frames.prepare(np.array([frame]))
    for done in preparing:
        yield int(990 * done), 1000
    picture = painted(frame)
    if isinstance(picture, QImage):
        save_image(picture, path)
    else:
        with atomic_write(path) as temporary:
            temporary.write_bytes(picture)
    yield 1000, 1000


def paint_film(frames: Frames, choice: VideoChoice, path: Path) -> Generator[Progress, None, None]:
    """Complete the frames, prepare them, then paint the film; yields the pictures done and their total."""
    from playground.drawing.video import write_video  # loads FFmpeg's libraries, which opening the window does not need

    total = max(1, round(choice.seconds * choice.fps))
    for done in frames.complete():
        yield int(COMPLETING * done * total), total
    shown = film.schedule(len(frames), choice.seconds, choice.fps)
    begun, (painted, preparing) = COMPLETING, frames.prepare(shown)
    for done in preparing:
        begun = COMPLETING + PREPARING * done
        yield int(begun * total), total
    for done in write_video(
        path, film.images(painted, shown.tolist()), total, (choice.width, choice.height), choice.fps
    ):
        yield int((begun + (1 - begun) * done) * total), total
    yield total, total
