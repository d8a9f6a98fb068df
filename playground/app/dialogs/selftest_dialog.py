"""Help > Self-test: the table of claims, which a thread measures one by one."""

from collections.abc import Iterator

from PySide6.QtCore import QSize, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from playground.app.dialogs.claims_dialog import ClaimsDialog
from playground.app.model import errors
from playground.app.style.text_size import px, within_screen
from playground.app.style.theme import UNIT
from playground.drawing.selftest import CHECKS
from playground.lab.selftest import selftest


class SelftestDialog(ClaimsDialog):
    """The table of claims. The window stays usable; Cancel and closing stop the test within a second."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Claims of the theory, what was measured and its bound", parent)
        self.setObjectName("selftestDialog")
        self.setWindowTitle("Self-test")
        self.bar.setAccessibleName("Progress of the self-test")
        self.again = QPushButton("&Run again")
        self.again.setObjectName("startSelftest")
        self.again.clicked.connect(self.start)
        self.cancel_button.setObjectName("cancelSelftest")
        self.cancel_button.setText("&Cancel")
        buttons = QHBoxLayout()
        buttons.addWidget(self.status, 1)
        buttons.addWidget(self.again)
        buttons.addWidget(self.cancel_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        layout.setSpacing(UNIT)
        layout.addWidget(self.table)
        layout.addWidget(self.bar)
        layout.addLayout(buttons)
        self.resize(within_screen(self, QSize(px(940), px(620))))

    @Slot()
    def start(self) -> None:
        """Begin with the first claim, unless it runs already."""
        if self.running:
            return
        rows = self._begin(len(CHECKS))

        def measure() -> Iterator[None]:
            for row in selftest(CHECKS):
                rows.append(row)
                yield

        self._work(measure, "selftest")
        self._say()

    def _ended(self, error: BaseException | None) -> None:
        if error is not None:
            errors.report(error, "the self-test broke off")

    def _say(self) -> None:
        rows = self.rows[: self._shown]
        failed = sum(not row.passed for row in rows)
        if self.running:
            text = f"{len(rows)} of {len(CHECKS)} claims measured"
        elif len(rows) < len(CHECKS):
            text = f"Cancelled after {len(rows)} of {len(CHECKS)} claims"
        else:
            text = f"{len(rows) - failed} of {len(rows)} claims hold"
        if failed and (self.running or len(rows) < len(CHECKS)):
            text += f", {failed} do not hold"
        self.status.setText(text)
        self.again.setEnabled(not self.running)
        self.cancel_button.setText("&Cancel" if self.running else "&Close")
