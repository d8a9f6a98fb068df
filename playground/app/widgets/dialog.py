"""A window beside the main one."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QWidget

from playground.app.style.text_size import px, within_screen


class Dialog(QDialog):
    """Has a name, a title and a first size, as far as the screen has room.

    Args:
        size: px at the usual size of the text; by default what the contents ask for.
        kind: a window of its own, a tool above its parent, or a dialog.
    """

    def __init__(
        self,
        name: str,
        title: str,
        parent: QWidget | None,
        size: tuple[int, int] | None = None,
        kind: Qt.WindowType = Qt.WindowType.Dialog,
    ) -> None:
        super().__init__(parent, kind)
        self.setObjectName(name)
        self.setWindowTitle(title)
        if size is not None:
            self.resize(within_screen(self, QSize(*map(px, size))))

    def start(self) -> None:
        """Begin its work, each time it is shown."""

    def shutdown(self, seconds: float) -> bool:
        """End its threads, when quitting.

        Returns:
            Whether they ended in time.
        """
        return True
