"""Exports films and pictures, after a dialog of choices, and other files, after their name is asked for.

Only one export runs at a time. Its dialog shows the progress and can cancel it, while the window stays usable. A thread paints with
the same code as the screen. An export that is cancelled or fails leaves no file.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from playground.app.canvas.exported import Exported, Written
from playground.app.controllers.exported_files import ExportedFile
from playground.app.dialogs.export_dialog import ExportDialog
from playground.app.model import errors
from playground.app.model.preferences import Preferences
from playground.app.style.labels import worded
from playground.app.style.number_formats import megabytes
from playground.app.widgets import file_prompts
from playground.app.widgets.file_prompts import completed
from playground.app.workers.jobs import LOOK, Jobs, JobStatus
from playground.app.workers.timers import timer
from playground.app.workers.worker import close
from playground.lab.atomic import size_so_far
from playground.messages import Message, plain
from playground.user_errors import cannot_write, user_error

JOB = "export"
TOLD = 1000  # ms after which it is said that a file without a dialog is being written
SIZED = 0.5  # seconds between two looks at how large the file is, for which its folder is listed
NO_COLUMN = "Nothing is exported: no column can be sampled. Each says why; change one."


class Exports(QObject):
    """Starts exports, shows their progress and reports their results.

    Args:
        exported: what is exported as a film or a picture.
        propose: returns the file that a dialog proposes, with any suffix.

    Signals:
        begun(str): a sentence; nothing shows the progress of a file without a dialog.
        finished(str, str): a sentence and the path that was written.
        failed(Message): what the user can do; see :attr:`in_dialog`. An error of the program is in the log instead.

    Attributes:
        dialog: the open dialog.
        in_dialog: whether a dialog shows the last error.
    """

    begun = Signal(str)
    finished = Signal(str, str)
    failed = Signal(object)

    def __init__(
        self,
        exported: Exported,
        preferences: Preferences,
        propose: Callable[[], Path],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._exported, self._preferences, self._propose, self._parent = exported, preferences, propose, parent
        self._jobs = Jobs(self)
        self._path, self._size = Path(), 0  # of the export that runs, and the bytes written so far
        self.dialog: ExportDialog | None = None
        self._written: Written | None = None  # what the dialog exports; None while columns are awaited
        self._begin: Path | None = None  # the file of the export that waits for the columns
        self._awaiting = timer(self, self._look_at_columns, interval=LOOK)
        self._begun_by: ExportDialog | None = None  # while it is open; other files have no dialog
        self.in_dialog = False
        self._jobs.changed.connect(self._show_progress)

    @property
    def busy(self) -> bool:
        """Whether a thread is writing, even for an export that was cancelled."""
        return not self._jobs.idle

    @property
    def has_frames(self) -> bool:
        """Whether there is a run to export."""
        return self._exported.has_frames

    # --- what can be exported

    def video(self) -> None:
        """Ask for a film's size, length and name, then paint it."""
        self._open_dialog("video")

    def picture(self) -> None:
        """Ask for a picture's size and name, then paint it."""
        self._open_dialog("picture")

    def web_page(self) -> None:
        """Ask for the name of a web page, then write it."""
        self.save(self._exported.web_page())

    def copy_picture(self) -> None:
        """Copy the canvas, or the columns, at twice its pixels."""
        QGuiApplication.clipboard().setImage(self._exported.copied())

    def save(self, file: ExportedFile) -> None:
        """Ask for a name, then write a file."""
        if self._refuses_second():
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
        if not self._refuses_second():
            self._start(lambda: file.write(path), path, None)
            QTimer.singleShot(TOLD, self, self._tell_begun)

    @Slot()
    def _tell_begun(self) -> None:
        """Say that a file is being written that has no dialog."""
        if self._jobs.running(JOB) and self._begun_by is None:
            self.begun.emit(f"{self._path.name} is being written.")

    # --- running

    def cancel(self) -> None:
        """Cancel the export that runs, or that waits for the columns; no file is left."""
        if self._begin is not None and self.dialog is not None:
            self._begin = None
            self.dialog.show_cancelled()
        if self._jobs.running(JOB):
            self._jobs.cancel(JOB)
            if self._begun_by is not None:
                self._begun_by.show_cancelled()

    def shutdown(self, seconds: float) -> bool:
        """Stop and wait, when quitting.

        Returns:
            Whether the thread ended in time.
        """
        self._awaiting.stop()
        ended = self._jobs.shutdown(seconds)
        if self.dialog is not None:
            self.dialog.set_running(False)
            self.dialog.close()
        return ended

    def _refuses_second(self) -> bool:
        """Whether a thread is writing; if so, say so."""
        busy = self.busy
        if busy:
            self.in_dialog = False
            way = "exported: wait for it, or cancel it" if self._jobs.running(JOB) else "cancelled: wait a moment"
            self.failed.emit(plain(f"{self._path.name} is still being {way}."))
        return busy

    @Slot(object)
    def _paint(self, path: Path) -> None:
        """Begin what the dialog asks for, or wait for the columns."""
        dialog = self.dialog
        if dialog is None:
            return
        if self._written is None:
            self._begin = path
            self._look_at_columns()
        elif not self._refuses_second():
            writing = self._written(dialog.form.choice(), path)
            dialog.set_running(True)
            self._start(lambda: writing, path, dialog)

    def _start(self, make: Callable[[], Iterable[float]], path: Path, dialog: ExportDialog | None) -> None:
        """Write a file in a thread."""

        def steps() -> Iterator[tuple[float, int]]:
            writing, size, sized = iter(make()), 0, 0.0
            try:
                for done in writing:
                    if time.monotonic() - sized > SIZED:
                        size, sized = max(size, size_so_far(path)), time.monotonic()
                    yield done, size
            finally:
                close(writing)

        self._path, self._size, self._begun_by, self.in_dialog = path, 0, dialog, False
        self._jobs.start(JOB, steps, self._sized, self._fail, self._finish)

    def _sized(self, size: int) -> None:
        self._size = size

    @Slot(str, object)
    def _show_progress(self, _: str, status: JobStatus) -> None:
        if self._begun_by is not None and status.fraction is not None:
            self._begun_by.set_progress(status, self._size)

    def _fail(self, error: BaseException) -> None:
        message = plain(cannot_write(self._path, error)) if isinstance(error, OSError) else user_error(error)
        dialog = self._begun_by
        self.in_dialog = dialog is not None and dialog.isVisible()
        if dialog is not None and self.in_dialog:
            dialog.fail(worded(message or plain(errors.sentence(error))))
        if message is None:
            errors.report(error, "the export failed")
        else:
            self.failed.emit(message)

    def _finish(self) -> None:
        if self._begun_by is not None:
            self._begun_by.set_running(False)
            self._begun_by.accept()
        self._preferences.remember_folder(self._path)
        size = self._path.stat().st_size
        self.finished.emit(f"Exported {self._path.name}, {megabytes(size)}.", str(self._path))

    # --- the dialog

    def _open_dialog(self, kind: str) -> None:
        if self.dialog is not None:
            if self._jobs.running(JOB) or self._begin is not None:
                self.dialog.show()
                self.dialog.raise_()
                self.dialog.activateWindow()
                return
            self.dialog.close()
        why = self._take(kind)
        if why is None and self._written is None:
            self.in_dialog = False
            self.failed.emit(plain(NO_COLUMN))
            return
        self.dialog = dialog = ExportDialog(kind, self._propose(), self._preferences, self._parent)
        dialog.form.refuse_training(self._exported.why_no_training)
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
        exported, film = self._exported, kind == "video"
        why = exported.awaited(film)
        self._written = None if why else exported.film() if film else exported.picture()
        return why

    @Slot()
    def _look_at_columns(self) -> None:
        """Take the columns when they are there, and begin the export that waits for them."""
        dialog = self.dialog
        if dialog is None or not self._exported.is_compared:
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
        if self._written is None:
            dialog.fail(NO_COLUMN)
        else:
            self._paint(path)

    def _forget(self, dialog: ExportDialog) -> None:
        if self.dialog is dialog:
            self.dialog = self._written = self._begin = None
            self._awaiting.stop()
        if self._begun_by is dialog:
            self._begun_by = None
        dialog.deleteLater()
