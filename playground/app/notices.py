"""What the window says: notifications of controllers, and how files and exports ended, as toasts."""

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from playground.app.actions import Actions
from playground.app.controllers.documents import Documents
from playground.app.controllers.notification import Notification
from playground.app.dialogs.exports import Exports
from playground.app.dialogs.log import copy_log
from playground.app.model.errors import Log
from playground.app.widgets.toasts import IsCurrent, ToastAction, Toasts
from playground.messages import Message


class Notices:
    """Shows each notice while it holds, for a limited time."""

    def __init__(self, toasts: Toasts, actions: Actions) -> None:
        self._toasts, self._actions = toasts, actions

    def notify(
        self, level: str, message: Message | str, action: str = "", is_current: IsCurrent = lambda: True
    ) -> None:
        """Show a toast; `action` is the key of an action that it offers."""
        offer: ToastAction | None = None
        if action:
            offer = (
                self._actions.title(action),
                self._actions[action].statusTip(),
                lambda: self._actions.trigger(action),
            )
        self._toasts.add(level, message, offer, is_current)

    def show(self, notification: Notification) -> None:
        """Show what a controller says."""
        self.notify(notification.level, notification.message, notification.action, notification.is_current)

    def follow_documents(self, documents: Documents) -> None:
        """Say that a file was saved; and why one could not be opened or saved, until one is."""

        def refused(message: Message) -> None:
            before = documents.successes
            self.notify("error", message, is_current=lambda: documents.successes == before)

        documents.saved.connect(lambda sentence: self.notify("info", sentence))
        documents.refused.connect(refused)

    def follow_log(self, log: Log) -> None:
        """Say that an error of the program was logged, or that none can be."""
        copy = "Copy log", "Copy the log, to paste into a report", lambda: copy_log(log)
        log.failed.connect(lambda sentence: self._toasts.add("error", sentence, copy))
        log.refused.connect(lambda sentence: self.notify("error", sentence))

    def follow_exports(self, exports: Exports) -> None:
        """Say that an export is done, and offer its folder; and why one failed that has no dialog."""

        def exported(sentence: str, path: str) -> None:
            folder = QUrl.fromLocalFile(str(Path(path).parent))
            show = "Show folder", "Open the folder it is in", lambda: QDesktopServices.openUrl(folder)
            self._toasts.add("info", sentence, show)

        def begun(sentence: str) -> None:
            cancel = "Cancel", "Cancel the export; no file is left", exports.cancel
            self._toasts.add("info", sentence, cancel, is_current=lambda: exports.busy)

        exports.begun.connect(begun)
        exports.finished.connect(exported)
        exports.failed.connect(lambda message: None if exports.in_dialog else self.notify("error", message))
