"""Exports: a film of the run, a picture of the canvas, the trajectory, the pinned runs, the settings.

Only one export runs at a time. Its dialog shows the progress and can cancel it, while the window stays usable. An export
that is cancelled or fails leaves no file.
"""

import dataclasses
import functools
import typing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QWidget

from playground.app.canvas import CanvasView
from playground.app.canvas.compare_view import CompareView
from playground.app.canvas.display import Display
from playground.app.canvas.frames import labelled
from playground.app.controllers.comparison_film import (
    estimate_comparison_film_size,
    estimate_comparison_picture_size,
    paint_comparison_film,
    paint_comparison_picture,
)
from playground.app.controllers.export_size import (
    OverlayMaker,
    estimate_film_size,
    estimate_picture_size,
    estimate_training_film_size,
    megabytes,
)
from playground.app.controllers.exporting import POLL, Exporting, Progress, paint_film, paint_picture, save_picture
from playground.app.controllers.playing import Playing
from playground.app.controllers.training_film import paint_training_film
from playground.app.dialogs.export_dialog import ExportDialog
from playground.app.model.pinned_runs import PinnedRuns
from playground.app.model.preferences import PictureChoice, Preferences, VideoChoice
from playground.app.model.run_table import table_text
from playground.app.model.state import State
from playground.app.style import text_size
from playground.app.style.labels import worded
from playground.app.widgets import file_prompts
from playground.app.widgets.file_prompts import completed
from playground.app.workers.worker import Worker
from playground.drawing.labels import Labels
from playground.drawing.palette import PALETTES
from playground.drawing.plane import Viewport
from playground.drawing.render import render
from playground.drawing.scene import Scene
from playground.drawing.side_by_side import SideBySide
from playground.lab import experiment as experiments
from playground.lab.atomic import atomic_write
from playground.lab.provenance import Provenance
from playground.messages import Message, plain
from playground.user_errors import UserError

if typing.TYPE_CHECKING:
    from playground.data import Dataset
    from playground.lab.trajectory import Trajectory

COPIED_RATIO = 2.0  # pixels of a copied picture per unit of the canvas, sharp on a slide
NO_COLUMN = "Nothing is exported: no column can be sampled. Each says why; change one."
SCRIPTS = {
    "Short script (*.py)": ".py",
    "Short notebook (*.ipynb)": ".ipynb",
    "Stand-alone folder of torch and numpy (*.zip)": ".zip",
}
"""The suffixes of scripts, by the filters of the file dialog."""
Size = tuple[float, int | None]  # the share done, and finally the bytes


@dataclasses.dataclass(frozen=True, eq=False)
class Still:
    """The canvas as it is now, kept while a run continues.

    Attributes:
        scene: the scene for a picture of any width and height.
        shape: the canvas's width and height.
        overlay_makers: makes the overlays over any viewport.
        trajectory, frame: the run and frame in view.
    """

    scene: Callable[[float, float], Scene]
    shape: tuple[int, int]
    overlay_makers: Callable[[Viewport], OverlayMaker]
    trajectory: "Trajectory | None"
    frame: int


class Exports(QObject):
    """Starts exports, shows their progress and reports their results.

    Args:
        compare: the columns, which are exported instead of the canvas during a comparison.
        propose: returns the file that a dialog proposes, with any suffix.
        dataset: returns the data of the work, if they are there, for scripts.

    Signals:
        finished(str, str): a sentence and the path that was written.
        failed(Message): see :attr:`in_dialog`.
    """

    finished = Signal(str, str)
    failed = Signal(object)

    def __init__(
        self,
        state: State,
        playing: Playing,
        pinned: PinnedRuns,
        canvas: CanvasView,
        display: Display,
        preferences: Preferences,
        propose: Callable[[], Path],
        parent: QWidget,
        compare: CompareView | None = None,
        dataset: "Callable[[], Dataset | None]" = lambda: None,
    ) -> None:
        super().__init__(parent)
        self._state, self._playing, self._canvas, self._display = state, playing, canvas, display
        self._pinned, self._compare, self._dataset = pinned, compare, dataset
        self._preferences, self._propose, self._parent = preferences, propose, parent
        self._exporting = Exporting(preferences, self)
        self.dialog: ExportDialog | None = None
        self._drawing: SideBySide | None = None  # the columns, if runs were compared when the dialog opened
        self._seen: SideBySide | None = None  # the same without anything to compute, for the size of a picture
        self._frame = 0  # of the common timeline, for a picture
        self._begin: Callable[[], None] | None = None  # starts the export that waits for the columns
        self._columns_timer = QTimer(self)
        self._columns_timer.setInterval(POLL)
        self._columns_timer.timeout.connect(self._look_at_columns)
        self._still: Still | None = None  # the canvas when the dialog opened, for a picture
        self._begun_by: ExportDialog | None = None  # while it is open; settings and trajectories have no dialog
        self.in_dialog = False  # whether a dialog shows the last error
        self._sizing: Worker[Size] | None = None  # estimates the size for the dialog's choices
        self._outdated: list[Worker[Size]] = []  # estimates for earlier choices, which are ending
        self._sizing_timer = QTimer(self)
        self._sizing_timer.setInterval(POLL)
        self._sizing_timer.timeout.connect(self._poll_size)
        self._exporting.progressed.connect(self._show_progress)
        self._exporting.finished.connect(self._finish)
        self._exporting.failed.connect(self._show_failure)
        self._exporting.refused.connect(self.failed)
        self._exporting.cancelled.connect(self._show_cancelled)

    @property
    def busy(self) -> bool:
        return self._exporting.busy

    def has_frames(self) -> bool:
        """Whether there is a run to export."""
        trajectory = self._display.run
        return trajectory is not None and len(trajectory) > 0

    # --- what can be exported

    def video(self) -> None:
        """Ask for a film's size, length and name, then paint it."""
        self._open_dialog("video", self._start_video)

    def picture(self) -> None:
        """Ask for a picture's size and name, then paint it."""
        self._open_dialog("picture", self._start_picture)

    def copy_picture(self) -> None:
        """Copy the current canvas at twice its pixels."""
        frame = self._playing.frame
        drawing = None if self._compare is None else self._compare.drawn(frame, as_seen=True)
        if drawing is not None and self._compare is not None:
            size = [round(COPIED_RATIO * side) for side in (self._compare.width(), self._compare.height())]
            *_, (_, copied) = paint_comparison_picture(
                drawing, frame, PictureChoice(size[0] // 2 * 2, size[1] // 2 * 2)
            )
            assert isinstance(copied, QImage)
            QGuiApplication.clipboard().setImage(copied)
            return
        still, unit = self._now(), text_size.factor()
        width, height = still.shape
        image = render(still.scene(width, height), width / unit, height / unit, COPIED_RATIO * unit)
        image.setDevicePixelRatio(1.0)
        QGuiApplication.clipboard().setImage(image)

    def trajectory(self) -> None:
        """Ask for a name ending in .npz or .csv, then write every frame of the run."""
        if self._exporting.refuses_second():
            return
        trajectory = self._display.run
        npz, csv = "", ""
        if trajectory is not None and len(trajectory):
            npz, csv = f", {megabytes(trajectory.npz_size())}", f", about {megabytes(trajectory.csv_size())}"
        path = self._asked("Export trajectory", (f"NumPy archive{npz} (*.npz)", f"Comma-separated values{csv} (*.csv)"))
        if path is not None:
            self.save_trajectory(path)

    def settings(self) -> None:
        """Ask for a name ending in .toml, then write the current settings."""
        if self._exporting.refuses_second():
            return
        path = self._asked("Export settings", ("Experiments (*.toml)",))
        if path is not None:
            self.save_settings(path)

    def runs(self) -> None:
        """Ask for a name ending in .csv, then write the table of the pinned runs."""
        if self._exporting.refuses_second():
            return
        path = self._asked("Export runs", ("Comma-separated values (*.csv)",))
        if path is not None:
            self.save_runs(path)

    def save_runs(self, path: Path) -> None:
        """Write the pinned runs as CSV, one row each."""
        runs = self._pinned.runs

        def write() -> Iterator[Progress]:
            with atomic_write(path) as temporary:
                temporary.write_text(table_text(runs), encoding="utf-8", newline="\n")
            yield 1, 1

        self._start(write, path, None)

    def save_trajectory(self, path: Path) -> None:
        """Complete the run, and write its frames as .npz or .csv."""
        complete = self._playing.trajectory_iterator()

        def write() -> Iterator[Progress]:
            trajectory = None
            for trajectory in complete():
                yield 500 * len(trajectory) // max(trajectory.total, 1), 1000
            if trajectory is None:
                raise UserError("Nothing is exported: the run is gone. Export again once another one plays.")
            if path.suffix.lower() == ".npz":
                trajectory.save_npz(path)
            else:
                for fraction in trajectory.writing_csv(path):
                    yield round(500 + 500 * fraction), 1000
            yield 1000, 1000

        self._start(write, path, None)

    def save_settings(self, path: Path) -> None:
        """Write the settings as TOML, for File > Open and ``score-playground run``."""
        experiment = self._state.experiment

        def write() -> Iterator[Progress]:
            relative = experiments.with_relative_paths(experiment, path.parent)
            experiments.save(relative, path, Provenance.of(experiment))
            yield 1, 1

        self._start(write, path, None)

    def script(self) -> None:
        """Ask for a name, then write a short script, a short notebook or a stand-alone folder."""
        if self._exporting.refuses_second():
            return
        proposed = str(self._propose().with_suffix(""))  # the type that is chosen decides
        name, chosen = file_prompts.save_name(self._parent, "Save as script", proposed, ";;".join(SCRIPTS))
        if not name:
            return
        ending = SCRIPTS.get(chosen, ".py")
        path = completed(self._parent, name, (ending,) if ending == ".zip" else SCRIPTS.values(), ending)
        if path is not None:
            self.save_script(path)

    def save_script(self, path: Path) -> None:
        """Write a script or a notebook that trains and samples this experiment, or a stand-alone folder as a .zip."""
        experiment, dataset = self._state.experiment, self._dataset()

        def write() -> Iterator[Progress]:
            from playground.lab import script_files  # loads torch

            standalone = path.suffix.lower() == script_files.ARCHIVE
            (script_files.save_standalone if standalone else script_files.save)(experiment, path, dataset)
            yield 1, 1

        self._start(write, path, None)

    # --- running

    def cancel(self) -> None:
        """Cancel the export that runs, or that waits for the columns; no file is left."""
        if self._begin is not None and self.dialog is not None:
            self._begin = None
            self.dialog.show_cancelled()
        self._exporting.cancel()

    def shutdown(self, seconds: float) -> bool:
        """Stop and wait, when quitting.

        Returns:
            Whether the thread ended in time.
        """
        self._forget_size()
        self._sizing_timer.stop()
        self._columns_timer.stop()
        for worker in self._outdated:
            worker.requestInterruption()
        ended = all([self._exporting.shutdown(seconds), *(worker.stop(seconds) for worker in self._outdated)])
        if self.dialog is not None:
            self.dialog.set_running(False)
            self.dialog.close()
        return ended

    def _start_video(self, dialog: ExportDialog, path: Path) -> None:
        if self._waits_for_columns(lambda: self._start_video(dialog, path)):
            return
        choice = dialog.video_choice()
        if self._drawing is not None:
            drawing = self._drawing
            self._start(lambda: paint_comparison_film(drawing, choice, path), path, dialog)
            return
        scene = self._scene(choice)
        if choice.subject == "training":
            stages, share = self._display.training_film(scene.viewport), self._playing.share
            stages = [
                dataclasses.replace(stage, overlay_maker=labelled(stage.overlay_maker, self._labels(choice)))
                for stage in stages
            ]
            self._start(lambda: paint_training_film(scene, stages, share, choice, path), path, dialog)
            return
        complete = self._playing.trajectory_iterator()
        overlay_maker = labelled(self._display.overlay_makers()(scene.viewport), self._labels(choice))
        self._start(lambda: paint_film(scene, complete, overlay_maker, choice, path), path, dialog)

    # --- the size of the file, before it is written

    def _estimate_size(self, dialog: ExportDialog) -> None:
        """Estimate the size of the file for the dialog, in a thread that encodes a part of it."""
        self._forget_size()
        trajectory = self._display.run
        if dialog is not self.dialog or dialog.running or self._columns_timer.isActive():
            return
        if self._drawing is not None:
            self._estimate_columns(dialog, self._drawing)
            return
        if dialog.kind == "picture":
            assert self._still is not None
            still, picture = self._still, dialog.picture_choice()
            seen = self._labels(picture).on(self._coloured(still.scene(*still.shape), picture))
            self._sizing = Worker(lambda: estimate_picture_size(seen, still.shape, picture), "size of the export")
        elif dialog.video_choice().subject == "training":
            choice = dialog.video_choice()
            seen, steps = self._labels(choice).on(self._scene(choice)), self._display.film_steps
            self._sizing = Worker(lambda: estimate_training_film_size(seen, steps, choice), "size of the export")
        elif trajectory is not None and len(trajectory):
            choice = dialog.video_choice()
            scene = self._scene(choice)
            overlay_maker = labelled(self._display.overlay_makers()(scene.viewport), self._labels(choice))
            self._sizing = Worker(
                lambda: estimate_film_size(scene, trajectory, overlay_maker, choice), "size of the export"
            )
        else:
            dialog.show_file_size(None)
            return
        self._sizing.start(Worker.Priority.LowPriority)
        self._sizing_timer.start()

    def _estimate_columns(self, dialog: ExportDialog, drawing: SideBySide) -> None:
        """Estimate the size of the file of a comparison."""
        if dialog.kind == "picture":
            seen, picture = self._seen or drawing, dialog.picture_choice()
            make = functools.partial(estimate_comparison_picture_size, seen, self._frame, picture)
        else:
            make = functools.partial(estimate_comparison_film_size, drawing, dialog.video_choice())
        self._sizing = Worker(make, "size of the export")
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
        if self._waits_for_columns(lambda: self._start_picture(dialog, path)):
            return
        if self._drawing is not None:
            drawing, frame, choice = self._drawing, self._frame, dialog.picture_choice()
            self._start(lambda: save_picture(paint_comparison_picture(drawing, frame, choice), path), path, dialog)
            return
        picture = self._picture_maker(dialog.picture_choice())
        self._start(lambda: save_picture(picture(), path), path, dialog)

    def _picture_maker(self, choice: PictureChoice) -> Callable[[], Iterator[tuple[float, QImage | bytes | None]]]:
        """Makes an iterator for another thread that paints the canvas as it was when the dialog opened."""
        assert self._still is not None
        still = self._still
        scene = self._coloured(still.scene(choice.width, choice.height), choice)
        overlay_maker = labelled(still.overlay_makers(scene.viewport), self._labels(choice))
        return lambda: paint_picture(scene, still.trajectory, still.frame, overlay_maker, choice)

    def _now(self) -> Still:
        canvas, display = self._canvas, self._display
        run, frame = (display.run, self._playing.frame) if self.has_frames() else (None, 0)
        shape = canvas.width(), canvas.height()
        return Still(canvas.still(), shape, display.overlay_makers(still=True), run, frame)

    def _labels(self, choice: VideoChoice | PictureChoice) -> Labels:
        """The texts in a picture or film."""
        sampler = self._state.experiment.sampling.title if self.has_frames() else ""
        return Labels(sampler, choice.caption, choice.legend)

    def _scene(self, choice: VideoChoice) -> Scene:
        return self._coloured(self._canvas.scene(choice.width, choice.height), choice)

    def _coloured(self, scene: Scene, choice: VideoChoice | PictureChoice) -> Scene:
        return dataclasses.replace(scene, palette=PALETTES[choice.theme]) if choice.theme else scene

    def _start(self, make: Callable[[], Iterator[Progress]], path: Path, dialog: ExportDialog | None) -> None:
        if self._exporting.refuses_second():
            return
        self._begun_by, self.in_dialog = dialog, False
        self._forget_size()
        if dialog is not None:
            dialog.set_running(True)
        self._exporting.start(make, path)

    @Slot(int, int, object)
    def _show_progress(self, done: int, total: int, seconds_left: float | None) -> None:
        if self._begun_by is not None:
            self._begun_by.set_progress(done, total, seconds_left)

    @Slot(object)
    def _show_failure(self, message: Message) -> None:
        dialog = self._begun_by
        self.in_dialog = dialog is not None and dialog.isVisible()
        if dialog is not None and self.in_dialog:
            dialog.fail(worded(message))

    @Slot()
    def _show_cancelled(self) -> None:
        if self._begun_by is not None:
            self._begun_by.show_cancelled()

    @Slot(str, str)
    def _finish(self, sentence: str, path: str) -> None:
        if self._begun_by is not None:
            self._begun_by.set_running(False)
            self._begun_by.accept()
        self.finished.emit(sentence, path)

    # --- the columns of a comparison

    def _take_columns(self, kind: str) -> Message | None:
        """Take the columns for a film, or those of the frame in view for a picture.

        Returns:
            What must be waited for; None if nothing.
        """
        compare, frame = self._compare, self._playing.frame
        self._drawing = self._seen = None
        if compare is None or not compare.is_active:
            return None
        why = compare.awaited(film=kind == "video")
        if why is None:
            still = frame if kind == "picture" else None
            self._frame = frame
            self._drawing, self._seen = compare.drawn(still), compare.drawn(still, as_seen=True)
        return why

    def _waits_for_columns(self, begin: Callable[[], None]) -> bool:
        """Whether columns are still to come; if so, the export begins when they are there."""
        if not self._columns_timer.isActive():
            return False
        self._begin = begin
        self._look_at_columns()
        return True

    @Slot()
    def _look_at_columns(self) -> None:
        """Take the columns when they are there, and begin the export that waits for them."""
        dialog, compare = self.dialog, self._compare
        if dialog is None or compare is None or not compare.is_active:
            self._columns_timer.stop()
            self.cancel()  # the comparison was left
            return
        why = self._take_columns(dialog.kind)
        if why is not None:
            if self._begin is not None:
                dialog.wait_for(worded(why))
            return
        self._columns_timer.stop()
        begin, self._begin = self._begin, None
        if begin is None:
            self._estimate_size(dialog)
            return
        dialog.set_running(False)
        if self._drawing is None:
            dialog.fail(NO_COLUMN)
        else:
            begin()

    # --- the dialog

    def _open_dialog(self, kind: str, start: Callable[[ExportDialog, Path], None]) -> None:
        if self.dialog is not None:
            if self.busy or self._begin is not None:
                self.dialog.show()
                self.dialog.raise_()
                self.dialog.activateWindow()
                return
            self.dialog.close()
        why = self._take_columns(kind)
        if why is None and self._drawing is None and self._compare is not None and self._compare.is_active:
            self.in_dialog = False
            self.failed.emit(plain(NO_COLUMN))
            return
        dialog = ExportDialog(kind, self._propose(), self._preferences, self._parent)
        dialog.refuse_training(self._display.why_no_training_film)
        dialog.wanted.connect(lambda path: start(dialog, path))
        dialog.cancelled.connect(self.cancel)
        dialog.size_wanted.connect(lambda: self._estimate_size(dialog))
        dialog.finished.connect(lambda _: self._forget(dialog))
        self.dialog, self._still = dialog, self._now()
        if why is not None:
            self._columns_timer.start()
        dialog.show()

    def _forget(self, dialog: ExportDialog) -> None:
        if self.dialog is dialog:
            self.dialog = self._still = self._begin = None
            self._columns_timer.stop()
            self._forget_size()
        if self._begun_by is dialog:
            self._begun_by = None
        dialog.deleteLater()

    def _asked(self, title: str, filters: Sequence[str]) -> Path | None:
        """The file that the user chooses; None if none is chosen.

        Args:
            title: the title of the dialog.
            filters: types of files, as "Images (*.png)"; a name without suffix gets that of the chosen type.
        """
        endings = [shown.partition("*")[2].rstrip(")") for shown in filters]
        proposed = str(self._propose().with_suffix(endings[0]))
        name, chosen = file_prompts.save_name(self._parent, title, proposed, ";;".join(filters))
        ending = next((ending for ending in endings if ending in chosen), endings[0])
        return completed(self._parent, name, endings, ending) if name else None
