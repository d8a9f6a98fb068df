"""Exports: a film of the run, a picture of the canvas, the trajectory as numbers, the settings.

A thread paints with the same code as the screen. Only one export runs at a time; its dialog shows how far it is and
cancels it, while the window stays usable. What is cancelled or fails leaves no file.
"""

import dataclasses
import time
import typing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QImage

from playground.app.controllers.export_size import OverlayMaker, estimate_film_size, megabytes, png_size
from playground.app.dialogs.export_dialog import ExportDialog
from playground.app.model import errors
from playground.app.model.preferences import PictureChoice, Preferences, VideoChoice
from playground.app.widgets import file_prompts
from playground.app.widgets.file_prompts import completed
from playground.app.workers.worker import Worker
from playground.drawing import film
from playground.drawing.palette import PALETTES, Palette
from playground.drawing.plane import Viewport
from playground.drawing.render import PictureError, save_image
from playground.drawing.scene import Scene
from playground.lab import experiment as experiments
from playground.user_errors import cannot_write, user_error_message

if typing.TYPE_CHECKING:
    from playground.app.window import MainWindow
    from playground.lab.trajectory import Trajectory

POLL = 60  # ms
SAMPLING_SHARE = 0.1  # of the bar, for the frames that must be sampled before painting can begin
DENSITY_SHARE = 0.5  # of the bar, for the learned densities that must be computed before, where they are shown

Progress = tuple[int, int]  # done, total
# A scene of any shape, what makes its overlays over any viewport, and the run and frame that it shows.
Still = tuple[Callable[[float, float], Scene], Callable[[Viewport], OverlayMaker], "Trajectory | None", int]


class Exports(QObject):
    """Starts exports, shows their progress and reports how they ended.

    Signals:
        finished(str, str): a sentence and the path that was written.
        failed(str): a sentence; see :meth:`says`.
    """

    finished = Signal(str, str)
    failed = Signal(str)

    def __init__(self, window: "MainWindow", preferences: Preferences) -> None:
        super().__init__(window)
        self._window, self._preferences = window, preferences
        self._worker: Worker | None = None
        self._path = Path()
        self._started = 0.0
        self.dialog: ExportDialog | None = None
        self._still: Still | None = None  # what a picture is of: the canvas as it was when the dialog opened
        self._begun_by: ExportDialog | None = None  # while it is open; settings and trajectories have no dialog
        self._timer = QTimer(self)
        self._timer.setInterval(POLL)
        self._timer.timeout.connect(self._poll)
        self._sizing: Worker | None = None  # foretells the size of what the dialog says
        self._outdated: list[Worker] = []  # foretell what it no longer says, and are about to end
        self._sizing_timer = QTimer(self)
        self._sizing_timer.setInterval(POLL)
        self._sizing_timer.timeout.connect(self._poll_size)

    @property
    def busy(self) -> bool:
        return self._worker is not None

    def says(self, sentence: str) -> bool:
        """Whether the dialog that is open says so already."""
        return self.dialog is not None and self.dialog.isVisible() and self.dialog.failure == sentence

    def has_frames(self) -> bool:
        """Whether there is a run to export."""
        trajectory = self._window.engine.trajectory
        return trajectory is not None and len(trajectory) > 0

    # --- what can be exported

    def video(self) -> None:
        """Ask for a film's size, length and name, then paint it."""
        self._open_dialog("video", self._start_video)

    def picture(self) -> None:
        """Ask for a picture's size and name, then paint it."""
        self._open_dialog("picture", self._start_picture)

    def trajectory(self) -> None:
        """Ask for a name ending in .npz or .csv, then write the recorded frames."""
        if self._refuses_second():
            return
        trajectory = self._window.engine.trajectory
        npz, csv = "", ""
        if trajectory is not None and len(trajectory):
            npz, csv = f", {megabytes(trajectory.npz_size())}", f", about {megabytes(trajectory.csv_size())}"
        path = self._asked("Export trajectory", (f"NumPy archive{npz} (*.npz)", f"Comma-separated values{csv} (*.csv)"))
        if path is not None:
            self.save_trajectory(path)

    def settings(self) -> None:
        """Ask for a name ending in .toml, then write the settings as they are."""
        if self._refuses_second():
            return
        path = self._asked("Export settings", ("Experiments (*.toml)",))
        if path is not None:
            self.save_settings(path)

    def save_trajectory(self, path: Path) -> None:
        """Write the recorded frames as .npz or .csv."""
        trajectory = self._window.engine.trajectory

        def write() -> Iterator[Progress]:
            if path.suffix.lower() == ".npz":
                trajectory.save_npz(path)
                yield 1, 1
            else:
                for fraction in trajectory.writing_csv(path):
                    yield round(1000 * fraction), 1000

        self._start(write, path, None)

    def save_settings(self, path: Path) -> None:
        """Write the settings as TOML, which File > Open and ``score-playground run`` take."""
        experiment = self._window.state.experiment

        def write() -> Iterator[Progress]:
            experiments.save(experiments.with_relative_paths(experiment, path.parent), path)
            yield 1, 1

        self._start(write, path, None)

    # --- running

    def cancel(self) -> None:
        """Stop the running export; nothing of it is left."""
        if self._worker is not None:
            self._worker.requestInterruption()

    def shutdown(self, seconds: float) -> bool:
        """Stop and wait, when quitting.

        Returns:
            Whether the thread ended in time.
        """
        self._timer.stop()
        self._forget_size()
        self._sizing_timer.stop()
        for worker in self._outdated:
            worker.requestInterruption()
        working = self._outdated if self._worker is None else [*self._outdated, self._worker]
        ended = min([True, *(worker.stop(seconds) for worker in working)])
        if ended:
            self._worker = None
        if self.dialog is not None:
            self.dialog.set_running(False)
            self.dialog.close()
        return ended

    def _start_video(self, dialog: ExportDialog, path: Path) -> None:
        choice: VideoChoice = dialog.choice()
        engine = self._window.engine
        scene = self._scene(choice)
        complete, overlay_maker = engine.trajectory_iterator(), self._window.overlay_makers()(scene.viewport)
        self._start(lambda: paint_film(scene, complete, overlay_maker, choice, path), path, dialog)

    # --- the size of the file, before it is written

    def _estimate_size(self, dialog: ExportDialog) -> None:
        """Tell the dialog how large its file will be, in a thread that encodes a part of it."""
        self._forget_size()
        trajectory = self._window.engine.trajectory
        if dialog is not self.dialog or dialog.running:
            return
        choice = dialog.choice()
        if dialog.kind == "picture":
            make = self._picture_maker(choice)
            sizes = lambda: ((done, None if image is None else png_size(image)) for done, image in make())  # noqa: E731
            self._sizing = Worker(sizes, "size of the export")
        elif trajectory is not None and len(trajectory):
            scene = self._scene(choice)
            overlay_maker = self._window.overlay_makers()(scene.viewport)
            self._sizing = Worker(
                lambda: estimate_film_size(scene, trajectory, overlay_maker, choice), "size of the export"
            )
        else:
            dialog.show_file_size(None)
            return
        self._sizing.start(Worker.Priority.LowPriority)
        self._sizing_timer.start()

    def _forget_size(self) -> None:
        if self._sizing is not None:
            self._sizing.requestInterruption()
            self._outdated.append(self._sizing)
            self._sizing = None

    @Slot()
    def _poll_size(self) -> None:
        self._outdated = [worker for worker in self._outdated if not worker.isFinished()]
        worker = self._sizing
        if worker is not None and worker.isFinished():
            self._sizing = None
            if self.dialog is not None:
                self.dialog.show_file_size(worker.last[1] if worker.last is not None else None)
        if self._sizing is None and not self._outdated:
            self._sizing_timer.stop()

    def _start_picture(self, dialog: ExportDialog, path: Path) -> None:
        choice = dialog.choice()
        picture = self._picture_maker(choice)
        self._start(lambda: save_picture(picture(), path), path, dialog)

    def _picture_maker(self, choice: PictureChoice) -> Callable[[], Iterator[tuple[float, QImage | None]]]:
        """Makes an iterator that paints, in another thread, the canvas as it was when the dialog opened."""
        assert self._still is not None
        shown, overlay_makers, trajectory, frame = self._still
        scene = self._coloured(shown(choice.width, choice.height), choice)
        overlay_maker = overlay_makers(scene.viewport)
        return lambda: paint_picture(scene, trajectory, frame, overlay_maker, choice)

    def _now(self) -> Still:
        """What the canvas shows, to be kept while a run goes on."""
        engine = self._window.engine
        seen = (engine.trajectory, engine.frame) if self.has_frames() else (None, 0)
        return self._window.canvas.still(), self._window.overlay_makers(still=True), *seen

    def _scene(self, choice: VideoChoice) -> Scene:
        return self._coloured(self._window.canvas.scene(choice.width, choice.height), choice)

    def _coloured(self, scene: Scene, choice: VideoChoice | PictureChoice) -> Scene:
        palette: Palette = PALETTES[choice.theme or self._window.theme_name]
        return dataclasses.replace(scene, palette=palette)

    def _start(self, make: Callable[[], Iterator[Progress]], path: Path, dialog: ExportDialog | None) -> None:
        if self._refuses_second():
            return
        self._path, self._started, self._begun_by = path, time.monotonic(), dialog
        self._forget_size()
        if dialog is not None:
            dialog.set_running(True)
        self._worker = Worker(make, "export")
        self._worker.start()
        self._timer.start()

    def _refuses_second(self) -> bool:
        if self._worker is not None:
            self.failed.emit(f"{self._path.name} is still being exported: wait for it, or cancel it.")
        return self._worker is not None

    def _poll(self) -> None:
        worker = self._worker
        if worker is None:
            return
        finished = worker.isFinished()
        latest = worker.latest.take()
        dialog = self._begun_by
        if latest is not None and dialog is not None and not finished:
            done, total = latest
            dialog.set_progress(done, total, self._seconds_left(done, total))
        if finished:
            self._timer.stop()
            self._worker = None
            self._ended(worker)

    def _seconds_left(self, done: int, total: int) -> float | None:
        elapsed = time.monotonic() - self._started
        return elapsed * (total - done) / done if done and elapsed > 1 else None

    def _ended(self, worker: Worker) -> None:
        error = worker.error
        dialog, cancelled = self._begun_by, worker.isInterruptionRequested() or not _complete(worker.last)
        if error is not None:
            sentence = _sentence(error, self._path)
            if dialog is not None and dialog.isVisible():
                dialog.fail(sentence or errors.sentence(error))
            if sentence:
                self.failed.emit(sentence)
            else:
                errors.report(error, "the export failed")
        elif cancelled:
            if dialog is not None:
                dialog.set_running(False)
                dialog.status.setText("Cancelled; nothing was written.")
        else:
            if dialog is not None:
                dialog.set_running(False)
                dialog.accept()
            size = self._path.stat().st_size
            file_prompts.remember(self._preferences, self._path)
            self.finished.emit(f"Exported {self._path.name}, {megabytes(size)}.", str(self._path))

    # --- the dialog

    def _open_dialog(self, kind: str, start: Callable[[ExportDialog, Path], None]) -> None:
        if self.dialog is not None:
            if self.busy:
                self.dialog.show()
                self.dialog.raise_()
                self.dialog.activateWindow()
                return
            self.dialog.close()
        dialog = ExportDialog(kind, self._suggestion(), self._preferences, self._window)
        dialog.wanted.connect(lambda path: start(dialog, path))
        dialog.cancelled.connect(self.cancel)
        dialog.size_wanted.connect(lambda: self._estimate_size(dialog))
        dialog.finished.connect(lambda _: self._forget(dialog))
        self.dialog, self._still = dialog, self._now()
        dialog.show()

    def _forget(self, dialog: ExportDialog) -> None:
        if self.dialog is dialog:
            self.dialog = self._still = None
            self._forget_size()
        if self._begun_by is dialog:
            self._begun_by = None
        dialog.deleteLater()

    def _asked(self, title: str, filters: Sequence[str]) -> Path | None:
        """The file that the user chooses; None where he chooses none.

        Args:
            title: of the dialog.
            filters: a kind of file each, as "Images (*.png)"; a name without ending gets that of the kind chosen.
        """
        endings = [shown.partition("*")[2].rstrip(")") for shown in filters]
        proposed = str(self._suggestion().with_suffix(endings[0]))
        name, chosen = file_prompts.save_name(self._window, title, proposed, ";;".join(filters))
        ending = next((ending for ending in endings if ending in chosen), endings[0])
        return completed(self._window, name, endings, ending) if name else None

    def _suggestion(self) -> Path:
        proposed: Path = self._window.documents.proposal()
        return proposed


def paint_picture(
    scene: Scene, trajectory: "Trajectory | None", frame: int, overlay_maker: OverlayMaker, choice: PictureChoice
) -> Iterator[tuple[float, QImage | None]]:
    """Compute field and density of this frame for the picture's own view, as a film does; yields the share done, at last the image."""
    if trajectory is not None and scene.particles is not None:
        scene = film.at_frame(scene, trajectory.positions, frame)
    overlay, preparing = overlay_maker(trajectory, np.array([frame]))
    for done in preparing:
        yield 0.99 * done, None
    yield 1.0, film.picture(overlay(scene, frame), choice.width, choice.height)


def save_picture(painting: Iterator[tuple[float, QImage | None]], path: Path) -> Iterator[Progress]:
    """Write the image that :func:`paint_picture` ends with."""
    for done, image in painting:
        if image is not None:
            save_image(image, path)
        yield int(1000 * done), 1000


def paint_film(
    scene: Scene,
    complete: Callable[[], Iterator["Trajectory"]],
    overlay_maker: OverlayMaker,
    choice: VideoChoice,
    path: Path,
) -> Iterator[Progress]:
    """Finish the run, prepare its densities, then paint it; yields pictures done and in all, with a share for what comes first.

    Args:
        scene: the canvas as it is, at the film's size.
        complete: makes an iterator that yields the growing trajectory until its last frame.
        overlay_maker: for a run and its frames to paint.
    """
    from playground.drawing.video import write_video  # FFmpeg's libraries: the window opens without them

    total = max(1, round(choice.seconds * choice.fps))
    trajectory = None
    for trajectory in complete():
        done = len(trajectory) / max(trajectory.total, 1)
        yield int(SAMPLING_SHARE * done * total), total
    if trajectory is None or not len(trajectory):
        raise PictureError("There is no run to export yet: press play first.")
    positions = trajectory.positions
    frames = film.schedule(len(positions), choice.seconds, choice.fps)
    begun = SAMPLING_SHARE
    overlay, preparing = overlay_maker(trajectory, frames)
    for done in preparing:
        begun = SAMPLING_SHARE + DENSITY_SHARE * done
        yield int(begun * total), total
    images = film.pictures(scene, positions, frames.tolist(), choice.width, choice.height, overlay)
    for done in write_video(path, images, len(frames), (choice.width, choice.height), choice.fps):
        yield int((begun + (1 - begun) * done) * total), total
    yield total, total


def _complete(last: Progress | None) -> bool:
    return last is not None and last[0] == last[1]


def _sentence(error: BaseException, path: Path) -> str:
    """What the user can do about an error, or "" where it is one of the program."""
    if isinstance(error, OSError):
        return cannot_write(path, error)
    return user_error_message(error) or ""
