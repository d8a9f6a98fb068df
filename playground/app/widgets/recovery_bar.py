"""The bar that offers unsaved work of an earlier run of the program."""

from PySide6.QtWidgets import QFrame, QLabel, QPushButton

from playground.app.controllers.recovering import RecoverableWork, Recovering
from playground.app.style.labels import worded
from playground.app.style.theme import UNIT, set_role
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.accessible_roles import announce
from playground.app.widgets.captions import caption


class RecoveryBar(QFrame):
    """Asks below the top bar; the window can be used before the user answers."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("recoveryBar")
        self.sentence, self.about = QLabel(), caption()  # the reason why work cannot be restored is long
        self.sentence.setAccessibleName("Work that can be restored")
        self.about.setAccessibleName("What it is")
        self.restore, self.discard = QPushButton("Restore"), QPushButton("Discard")
        set_role(self.restore, "primary")
        self.restore.setToolTip(wrapped("Bring the work back as it was, with its weights, its runs and its undo list"))
        self.discard.setToolTip("Delete this work for good")
        for button in (self.restore, self.discard):
            button.setAccessibleName(f"{button.text()} the work of the last time")
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

    def follow(self, recovering: Recovering) -> None:
        """Ask about the work that an earlier run of the program left behind, while there is any."""
        self.restore.clicked.connect(recovering.restore)
        self.discard.clicked.connect(recovering.discard)
        recovering.changed.connect(lambda: self._show_offer(recovering.offer, recovering.busy))

    def _show_offer(self, offer: RecoverableWork | None, busy: bool) -> None:
        if offer is not None:
            self.sentence.setText(offer.sentence)
            self.about.setText(worded(offer.about))
            self.restore.setVisible(offer.work is not None)
        for button in (self.restore, self.discard):
            button.setEnabled(not busy)
        asks = offer is not None and self.isHidden()
        self.setVisible(offer is not None)
        if asks:
            announce(self, self.sentence.text())
