"""The log as text, to copy into a report."""

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from playground.app.model.errors import Log
from playground.app.widgets import layouts
from playground.app.widgets.captions import button
from playground.app.widgets.dialog import Dialog
from playground.app.widgets.file_prompts import close_buttons
from playground.app.workers.timers import timer


class LogDialog(Dialog):
    """The log as text, with a button that copies all of it."""

    def __init__(self, log: Log, parent: QWidget | None = None) -> None:
        super().__init__("logDialog", "Log", parent, (820, 480))
        self._log = log
        self.text = QPlainTextEdit(log.text(), readOnly=True)
        self.text.setObjectName("log")
        self.text.setAccessibleName("Log")
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        copy = button("&Copy", "Copy all of it, to paste into a report", lambda: copy_log(log), "copyLog")
        layouts.down(self.text, close_buttons(self, copy), within=self)
        self._timer = timer(self, self._refresh, singleShot=True, interval=200)  # collects lines that come in bursts
        log.grew.connect(self._timer.start)
        self._to_end()

    def _refresh(self) -> None:
        self.text.setPlainText(self._log.text())
        self._to_end()

    def _to_end(self) -> None:
        bar = self.text.verticalScrollBar()
        bar.setValue(bar.maximum())


def copy_log(log: Log) -> None:
    """Put the whole log on the clipboard."""
    QGuiApplication.clipboard().setText(log.text())
