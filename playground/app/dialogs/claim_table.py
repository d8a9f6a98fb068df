"""The table of claims that an audit fills."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem

from playground.app.style.theme import UNIT
from playground.app.style.wrapping import wrapped
from playground.app.widgets.charts.level_picture import paint_sentence
from playground.lab.claims import Claim

SOURCE = Qt.ItemDataRole.UserRole  # of the claims below a heading
COLUMNS = ("Claim", "Measured", "Bound", "Holds")


class ClaimTable(QTreeWidget):
    """Claims by source, each with its measured value and bound, or what was measured in words below it. One that does not hold is bold.

    Args:
        empty: the sentence that an empty table shows.
    """

    def __init__(self, empty: str) -> None:
        super().__init__()
        self.empty = empty
        self.setAccessibleDescription(empty)
        self.setHeaderLabels(list(COLUMNS))
        self.setAccessibleName("Claims, what was measured and its bound")
        self.setRootIsDecorated(False)
        self.setIndentation(2 * UNIT)
        self.setUniformRowHeights(True)
        self.setSelectionMode(QTreeWidget.SelectionMode.NoSelection)
        _align(self.headerItem())
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, widest in ((1, "TooManySteps"), (2, "at most 0.0e-00"), (3, "Holds")):
            header.resizeSection(column, self.fontMetrics().horizontalAdvance(widest) + 4 * UNIT)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.topLevelItemCount():
            paint_sentence(QPainter(self.viewport()), QRectF(self.viewport().rect()), self.empty)

    def add(self, claim: Claim) -> None:
        """Add a claim below the heading of its source, and scroll there."""
        above = self.topLevelItem(self.topLevelItemCount() - 1)
        if above is None or above.data(0, SOURCE) != claim.source:
            above = QTreeWidgetItem(self, [claim.source[:1].upper() + claim.source[1:]])
            above.setData(0, SOURCE, claim.source)
            above.setFont(0, _bold(above))
            above.setExpanded(True)
        holds = "NO" if not claim.holds else "yes" if claim.is_bounded else "–"
        numbers = ["", ""] if claim.words else [claim.measured_text, claim.bound_text]
        item = QTreeWidgetItem(above, [claim.what, *numbers, holds])
        _align(item)
        below = ". ".join(filter(None, (claim.words, claim.advice)))
        if below:
            QTreeWidgetItem(item, [below]).setFirstColumnSpanned(True)
            item.setExpanded(True)
        for column in (0, 1):
            item.setToolTip(column, wrapped(". ".join(filter(None, (claim.what, claim.words, claim.advice)))))
        if not claim.holds:
            for column in range(len(COLUMNS)):
                item.setFont(column, _bold(item))
        self.scrollToItem(item)


def _align(item: QTreeWidgetItem) -> None:
    for column, side in (
        (1, Qt.AlignmentFlag.AlignRight),
        (2, Qt.AlignmentFlag.AlignRight),
        (3, Qt.AlignmentFlag.AlignHCenter),
    ):
        item.setTextAlignment(column, side | Qt.AlignmentFlag.AlignVCenter)


def _bold(item: QTreeWidgetItem) -> QFont:
    font = item.font(0)
    font.setBold(True)
    return font
