"""Exports a film of the run, a picture of the canvas, the trajectory as numbers, or the settings.

A thread paints with the same code as the screen. An export that is cancelled or fails leaves no file.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QImage

from playground.app.controllers.export_size import OverlayMaker, megabytes
from playground.app.model import errors
from playground.app.model.preferences import PictureChoice, Preferences, VideoChoice
from playground.app.workers.worker import Worker
from playground.drawing import film
from playground.drawing.render import PictureError, save_image
from playground.drawing.scene import Scene
from playground.lab.atomic import atomic_write
from playground.messages import plain
from playground.user_errors import cannot_write, user_error

if TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory

POLL = 60  # ms
SAMPLING_SHARE = 0.1  # of the bar, for frames that must be sampled before painting
DENSITY_SHARE = 0.5  # of the bar, for learned densities that must be computed before painting

Progress = tuple[int, int]  # done, total


class Exporting(QObject):
    """Runs one export at a time.

    Signals:
        progressed(int, int, float | None): done, total, and the estimated seconds left or None.
        finished(str, str): a sentence and the path that was written.
        failed(Message): what went wrong; an error of the program is already in the log.
        refused(Message): what the user can do.
        cancelled(): nothing was written.
    """

    progressed = Signal(int, int, object)
    finished = Signal(str, str)
    failed = Signal(object)
    refused = Signal(object)
    cancelled = Signal()

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._worker: Worker[Progress] | None = None
        self._path = Path()
        self._started = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(POLL)
        self._timer.timeout.connect(self._poll)

    @property
    def busy(self) -> bool:
        return self._worker is not None

    def refuses_second(self) -> bool:
        """Whether an export is running; if so, say so."""
        if self.busy:
            self.refused.emit(plain(f"{self._path.name} is still being exported: wait for it, or cancel it."))
        return self.busy

    def start(self, make: Callable[[], Iterator[Progress]], path: Path) -> None:
        """Write a file in a thread."""
        self._path, self._started = path, time.monotonic()
        self._worker = Worker(make, "export")
        self._worker.start()
        self._timer.start()

    def cancel(self) -> None:
        """Cancel the running export; no file is left."""
        if self._worker is not None:
            self._worker.requestInterruption()

    def shutdown(self, seconds: float) -> bool:
        """Stop and wait, when quitting.

        Returns:
            Whether the thread ended in time.
        """
        self._timer.stop()
        if self._worker is None or self._worker.stop(seconds):
            self._worker = None
        return self._worker is None

    @Slot()
    def _poll(self) -> None:
        worker = self._worker
        if worker is None:
            return
        finished = worker.isFinished()
        latest = worker.latest.take()
        if finished:
            self._timer.stop()
            self._worker = None
            self._ended(worker)
        elif latest is not None:
            done, total = latest
            self.progressed.emit(done, total, self._seconds_left(done, total))

    def _seconds_left(self, done: int, total: int) -> float | None:
        elapsed = time.monotonic() - self._started
        return elapsed * (total - done) / done if done and elapsed > 1 else None

    def _ended(self, worker: Worker[Progress]) -> None:
        error = worker.error
        if error is not None:
            message = plain(cannot_write(self._path, error)) if isinstance(error, OSError) else user_error(error)
            self.failed.emit(message or plain(errors.sentence(error)))
            if message is not None:
                self.refused.emit(message)
            else:
                errors.report(error, "the export failed")
        elif worker.isInterruptionRequested() or not _complete(worker.last):
            self.cancelled.emit()
        else:
            self._preferences.remember_folder(self._path)
            size = self._path.stat().st_size
            self.finished.emit(f"Exported {self._path.name}, {megabytes(size)}.", str(self._path))


def paint_picture(
    scene: Scene, trajectory: "Trajectory | None", frame: int, overlay_maker: OverlayMaker, choice: PictureChoice
) -> Iterator[tuple[float, QImage | bytes | None]]:
    """Compute field and density of this frame for the picture's own view, then paint.

    Yields:
        The share done, and finally the image or drawing file.
    """
    overlay, preparing = overlay_maker(trajectory, np.array([frame]))
    for done in preparing:
        yield 0.99 * done, None
    yield 1.0, encoded(overlay(scene, frame), choice)


def encoded(scene: Scene, choice: PictureChoice) -> QImage | bytes:
    """The picture of a scene: an image, or the bytes of a drawing file."""
    if choice.suffix == ".png":
        return film.picture(scene, choice.width, choice.height)
    return film.drawing(scene, choice.width, choice.height, choice.suffix)


def save_picture(painting: Iterator[tuple[float, QImage | bytes | None]], path: Path) -> Iterator[Progress]:
    """Write the result of :func:`paint_picture`."""
    for done, image in painting:
        if isinstance(image, bytes):
            with atomic_write(path) as temporary:
                temporary.write_bytes(image)
        elif image is not None:
            save_image(image, path)
        yield int(1000 * done), 1000


def paint_film(
    scene: Scene,
    complete: Callable[[], Iterator["Trajectory"]],
    overlay_maker: OverlayMaker,
    choice: VideoChoice,
    path: Path,
) -> Iterator[Progress]:
    """Complete the run, prepare its densities, then paint it; yields the pictures done and their total.

    Args:
        scene: the canvas as it is, at the film's size.
        complete: makes an iterator that yields the growing trajectory until its last frame.
        overlay_maker: for a run and its frames to paint.
    """
    from playground.drawing.video import write_video  # loads FFmpeg's libraries, which opening the window does not need

    total = max(1, round(choice.seconds * choice.fps))
    trajectory = None
    for trajectory in complete():
        done = len(trajectory) / max(trajectory.total, 1)
        yield int(SAMPLING_SHARE * done * total), total
    if trajectory is None or not len(trajectory):
        raise PictureError("There is no run to export yet: press play first.")
    frames = film.schedule(len(trajectory), choice.seconds, choice.fps)
    begun = SAMPLING_SHARE
    overlay, preparing = overlay_maker(trajectory, frames)
    for done in preparing:
        begun = SAMPLING_SHARE + DENSITY_SHARE * done
        yield int(begun * total), total
    images = film.pictures(scene, overlay, frames.tolist(), choice.width, choice.height)
    for done in write_video(path, images, len(frames), (choice.width, choice.height), choice.fps):
        yield int((begun + (1 - begun) * done) * total), total
    yield total, total


def _complete(last: Progress | None) -> bool:
    return last is not None and last[0] == last[1]
