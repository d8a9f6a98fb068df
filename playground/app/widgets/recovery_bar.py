"""The bar that offers unsaved work of an earlier run of the program."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QWidget

from playground.app.style.theme import UNIT, set_role
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts


class RecoveryBar(QFrame):
    """Asks below the top bar; the window can be used before the user answers.

    Signals:
        restore_requested()
        discard_requested()
    """

    restore_requested = Signal()
    discard_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("recoveryBar")
        self.sentence, self.about = QLabel(), QLabel()
        self.sentence.setAccessibleName("Work that can be restored")
        self.about.setAccessibleName("What it is")
        self.about.setWordWrap(True)  # the reason why work cannot be restored is long
        set_role(self.about, "caption")
        self.restore, self.discard = QPushButton("Restore"), QPushButton("Discard")
        set_role(self.restore, "primary")
        self.restore.setToolTip(wrapped("Bring the work back as it was, with its weights, its runs and its undo list"))
        self.discard.setToolTip("Delete this work for good")
        for button in (self.restore, self.discard):
            button.setAccessibleName(f"{button.text()} the work of the last time")
        self.restore.clicked.connect(self.restore_requested)
        self.discard.clicked.connect(self.discard_requested)
        layouts.across(
            self.sentence,
            (self.about, 1),
            self.discard,
            self.restore,
            within=self,
            spacing=UNIT,
            margins=(2 * UNIT, UNIT // 2, 2 * UNIT, UNIT // 2),
        )
        self.hide()

    def show_offer(self, sentence: str, about: str, busy: bool, can_restore: bool = True) -> None:
        """Show the question; "" hides the bar.

        Args:
            about: the work in a few words, or why it cannot be restored.
            busy: whether it is being restored.
            can_restore: whether it can be restored; otherwise only discarded.
        """
        self.sentence.setText(sentence)
        self.about.setText(about)
        for button in (self.restore, self.discard):
            button.setEnabled(not busy)
        self.restore.setVisible(can_restore)
        asks = bool(sentence) and self.isHidden()
        self.setVisible(bool(sentence))
        if asks:
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, sentence))
