"""A table of numbers that are painted as pixels, one of which the pointer or keys choose."""

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QTableWidget

from playground.app.style import theme
from playground.app.style.painting import paint_box
from playground.app.widgets.captions import named
from playground.drawing.boltzmann import paint_pixels


class PixelTable(QTableWidget):
    """Square pixels as large as there is room. A ring marks the current one while the table has the focus or follows the pointer.

    Args:
        name, tip: its name for screen readers and its tooltip.

    Attributes:
        color: the palette's colour of numbers above 0.
        values: the numbers, (rows, columns).

    Signals:
        described(str): the description of the current pixel.
    """

    color = "learned"
    described = Signal(str)

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        self.values = np.zeros((0, 0))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.viewport().setAutoFillBackground(False)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.hide()
            header.setMinimumSectionSize(1)
        self.currentCellChanged.connect(self._describe)
        named(self, name, tip)

    def words(self, row: int, column: int) -> str:
        """The description of a pixel; row and column are -1 if there is no current one."""
        raise NotImplementedError

    def show_values(self, values: np.ndarray) -> None:
        """Show these numbers (rows, columns); with another shape, no pixel stays the current one."""
        anew, self.values = values.shape != self.values.shape, values
        if anew:
            self.setCurrentCell(-1, -1)
            self.setRowCount(values.shape[0])
            self.setColumnCount(values.shape[1])
            self._fit()
        self._describe()
        self.viewport().update()

    @Slot()
    def _describe(self) -> None:
        said = self.words(self.currentRow(), self.currentColumn())
        self.model().setData(self.currentIndex(), said, Qt.ItemDataRole.AccessibleTextRole)
        self.described.emit(said)

    def _fit(self) -> None:
        side = min(self.width(), self.height()) // max(*self.values.shape, 1)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.setDefaultSectionSize(side)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()  # before Qt looks whether there must be scroll bars
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        box = QRectF(0, 0, self.horizontalHeader().length(), self.verticalHeader().length())
        paint_pixels(painter, box, self.values, theme.palette(), self.color)
        if self.currentRow() >= 0 and (self.hasFocus() or self.hasMouseTracking()):
            ring = QRectF(self.visualRect(self.currentIndex())).adjusted(1, 1, -1, -1)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_box(painter, ring, 2, line="text", width=2)
