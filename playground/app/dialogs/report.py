"""A report of a problem: what it would contain, to copy, and the tracker to paste it into."""

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QShowEvent
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QWidget

from playground.app.model.errors import Log
from playground.app.model.log_file import last_crash, without_home
from playground.app.widgets import layouts
from playground.app.widgets.captions import button
from playground.app.widgets.dialog import Dialog
from playground.app.widgets.file_prompts import close_buttons
from playground.version import ISSUES

LINES = 200  # of the log
PACKAGES = ("torch", "numpy", "PySide6-Essentials", "pyqtgraph", "av")
HOW = (
    "Nothing is sent by itself. Delete what nobody should see, copy the rest, and paste it into a new issue of the tracker. Say "
    "there what you did and what happened."
)


def report(log: Log) -> str:
    """The versions, the last lines of the log and the last crash, without the name of the home folder."""
    head, *lines = log.text().splitlines()
    return without_home("\n".join(filter(None, [head, _versions(), *lines[-LINES:], last_crash()])))


def _versions() -> str:
    """The installed versions of the packages on which most depends."""
    found = []
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return ", ".join(found)


class ReportDialog(Dialog):
    """Shows what a report would contain. It opens the tracker, and sends nothing."""

    def __init__(self, log: Log, parent: QWidget | None = None) -> None:
        super().__init__("reportDialog", "Report a problem", parent, (820, 480))
        self._log = log
        how = QLabel(HOW, wordWrap=True)
        self.text = QPlainTextEdit()
        self.text.setObjectName("report")
        self.text.setAccessibleName("Report")
        self.text.setTabChangesFocus(True)
        self.copy = button(
            "&Copy",
            "Copy the text above as it is now",
            lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()),
        )
        self.tracker = button(
            "Open the &tracker",
            f"Open {ISSUES} in the browser",
            lambda: QDesktopServices.openUrl(QUrl(ISSUES)),
        )
        layouts.down(how, self.text, close_buttons(self, self.copy, self.tracker), within=self)

    def showEvent(self, event: QShowEvent) -> None:
        self.text.setPlainText(report(self._log))
        super().showEvent(event)
