"""Exports films and pictures, after a dialog of choices, and other files, after their name is asked for.

Only one export runs at a time. Its dialog shows the progress and can cancel it, while the window stays usable. An export
that is cancelled or fails leaves no file.
"""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from playground.app.canvas.exported import Exported, ExportedCanvas, ExportedColumns
from playground.app.controllers.exported_files import ExportedFile
from playground.app.controllers.exporting import Exporting, Write, paint_film, save_picture
from playground.app.dialogs.export_dialog import ExportDialog
from playground.app.model.preferences import Preferences, VideoChoice
from playground.app.style.labels import worded
from playground.app.widgets import file_prompts
from playground.app.widgets.file_prompts import completed
from playground.app.workers.tasks import LOOK
from playground.messages import Message, plain

NO_COLUMN = "Nothing is exported: no column can be sampled. Each says why; change one."


class Exports(QObject):
    """Starts exports, shows their progress and reports their results.

    Args:
        canvas: what is exported as a film or a picture.
        columns: the columns, which are exported instead during a comparison.
        propose: returns the file that a dialog proposes, with any suffix.

    Signals:
        finished(str, str): a sentence and the path that was written.
        failed(Message): see :attr:`in_dialog`.

    Attributes:
        dialog: the open dialog.
        in_dialog: whether a dialog shows the last error.
    """

    finished = Signal(str, str)
    failed = Signal(object)

    def __init__(
        self,
        canvas: ExportedCanvas,
        columns: ExportedColumns,
        preferences: Preferences,
        propose: Callable[[], Path],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._canvas, self._columns = canvas, columns
        self._preferences, self._propose, self._parent = preferences, propose, parent
        self._exporting = Exporting(preferences, self)
        self.dialog: ExportDialog | None = None
        self._exported: Exported | None = None  # what it exports; None while columns are awaited
        self._begin: Path | None = None  # the file of the export that waits for the columns
        self._awaiting = QTimer(self, interval=LOOK)
        self._awaiting.timeout.connect(self._look_at_columns)
        self._begun_by: ExportDialog | None = None  # while it is open; other files have no dialog
        self.in_dialog = False
        self._exporting.progressed.connect(self._show_progress)
        self._exporting.finished.connect(self._finish)
        self._exporting.failed.connect(self._show_failure)
        self._exporting.refused.connect(self.failed)
        self._exporting.cancelled.connect(self._show_cancelled)

    @property
    def busy(self) -> bool:
        return self._exporting.busy

    @property
    def has_frames(self) -> bool:
        """Whether there is a run to export."""
        return self._canvas.has_frames

    # --- what can be exported

    def video(self) -> None:
        """Ask for a film's size, length and name, then paint it."""
        self._open_dialog("video")

    def picture(self) -> None:
        """Ask for a picture's size and name, then paint it."""
        self._open_dialog("picture")

    def copy_picture(self) -> None:
        """Copy the canvas, or the columns, at twice its pixels."""
        QGuiApplication.clipboard().setImage(self._columns.copied() or self._canvas.copied())

    def save(self, file: ExportedFile) -> None:
        """Ask for a name, then write a file."""
        if self._exporting.refuses_second():
            return
        endings = [shown.partition("*")[2].rstrip(")") for shown in file.types]
        # Without a suffix the chosen type decides.
        proposed = str(self._propose().with_suffix(endings[0] if len(endings) == 1 else ""))
        name, chosen = file_prompts.save_name(self._parent, file.title, proposed, ";;".join(file.types))
        ending = next((ending for ending in endings if ending in chosen), endings[0])
        taken = (ending,) if ending == ".zip" else endings
        path = completed(self._parent, name, taken, ending) if name else None
        if path is not None:
            self.write(file, path)

    def write(self, file: ExportedFile, path: Path) -> None:
        """Write a file."""
        self._start(file.write, path, None)

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
        self._awaiting.stop()
        ended = self._exporting.shutdown(seconds)
        if self.dialog is not None:
            self.dialog.set_running(False)
            self.dialog.close()
        return ended

    @Slot(object)
    def _paint(self, path: Path) -> None:
        """Begin what the dialog asks for, or wait for the columns."""
        dialog, exported = self.dialog, self._exported
        if dialog is None:
            return
        if exported is None:
            self._begin = path
            self._look_at_columns()
            return
        choice = dialog.choice()
        frames = exported.frames(choice)
        if isinstance(choice, VideoChoice):
            self._start(lambda path: paint_film(frames, choice, path), path, dialog)
        else:
            self._start(lambda path: save_picture(frames, exported.frame, path), path, dialog)

    def _start(self, write: Write, path: Path, dialog: ExportDialog | None) -> None:
        if self._exporting.refuses_second():
            return
        self._begun_by, self.in_dialog = dialog, False
        if dialog is not None:
            dialog.set_running(True)
        self._exporting.start(lambda: write(path), path)

    @Slot(int, int, object, object)
    def _show_progress(self, done: int, total: int, seconds_left: float | None, size: int) -> None:
        if self._begun_by is not None:
            self._begun_by.set_progress(done, total, seconds_left, size)

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

    # --- the dialog

    def _open_dialog(self, kind: str) -> None:
        if self.dialog is not None:
            if self.busy or self._begin is not None:
                self.dialog.show()
                self.dialog.raise_()
                self.dialog.activateWindow()
                return
            self.dialog.close()
        why = self._take(kind)
        if why is None and self._exported is None:
            self.in_dialog = False
            self.failed.emit(plain(NO_COLUMN))
            return
        self.dialog = dialog = ExportDialog(kind, self._propose(), self._preferences, self._parent)
        dialog.form.refuse_training(self._canvas.why_no_training)
        dialog.wanted.connect(self._paint)
        dialog.cancelled.connect(self.cancel)
        dialog.finished.connect(lambda _: self._forget(dialog))
        if why is not None:
            self._awaiting.start()
        dialog.show()

    def _take(self, kind: str) -> Message | None:
        """Take what is exported: the canvas, or the columns when they are there.

        Returns:
            What must be waited for; None if nothing.
        """
        source, film = self._columns if self._columns.is_active else self._canvas, kind == "video"
        why = self._columns.awaited(film) if source is self._columns else None
        self._exported = None if why else source.film() if film else source.picture()
        return why

    @Slot()
    def _look_at_columns(self) -> None:
        """Take the columns when they are there, and begin the export that waits for them."""
        dialog = self.dialog
        if dialog is None or not self._columns.is_active:
            self._awaiting.stop()
            self.cancel()  # the comparison was left
            return
        why = self._take(dialog.kind)
        if why is not None:
            if self._begin is not None:
                dialog.wait_for(worded(why))
            return
        self._awaiting.stop()
        path, self._begin = self._begin, None
        if path is None:
            return
        dialog.set_running(False)
        if self._exported is None:
            dialog.fail(NO_COLUMN)
        else:
            self._paint(path)

    def _forget(self, dialog: ExportDialog) -> None:
        if self.dialog is dialog:
            self.dialog = self._exported = self._begin = None
            self._awaiting.stop()
        if self._begun_by is dialog:
            self._begun_by = None
        dialog.deleteLater()
