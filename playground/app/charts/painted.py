"""What the charts share: colours, fonts, a frame to paint in, axes in decades, and the value under the pointer."""

import math

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.app import theme
from playground.drawing.palette import DARK, Palette

TICK_PIXELS = 11
MARGIN = 8.0  # px at both sides, room for a handle
PLATE = 3.0  # px that the plate below words is wider on either side


class PaintedChart(QWidget):
    """A chart of fixed height that fills the width it gets."""

    def __init__(self, height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tokens = DARK
        self.pointer: QPointF | None = None
        self._height = height
        self.setFixedHeight(height)
        self.setMinimumWidth(120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)

    def apply_palette(self, palette: Palette) -> None:
        self.tokens = palette
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, self._height)

    def plot(self) -> QRectF:
        """The part inside the axes."""
        return QRectF(MARGIN, 6, self.width() - 2 * MARGIN, self.height() - 6 - 18)

    def draw(self, painter: QPainter, plot: QRectF) -> None:
        """Paint the chart."""
        raise NotImplementedError

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.number_font(TICK_PIXELS))
        self.draw(painter, self.plot())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.pointer = event.position()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.pointer = None
        self.update()

    def line(self, painter: QPainter, x: float, plot: QRectF, token: str, alpha: float = 1.0) -> None:
        """A vertical line across the plot."""
        painter.setPen(QPen(self.tokens.color(token, alpha), 1))
        painter.drawLine(QPointF(round(x) + 0.5, plot.top()), QPointF(round(x) + 0.5, plot.bottom()))

    def words(
        self,
        painter: QPainter,
        text: str,
        at: QPointF,
        token: str = "muted",
        align: str = "center",
        plate: bool = False,
    ) -> QRectF:
        """Text whose middle, left or right end lies at a point, kept inside the chart; on a plate over a curve.

        Returns:
            Where it lies.
        """
        metrics = painter.fontMetrics()
        width, height = metrics.horizontalAdvance(text), metrics.height()
        left = at.x() - {"center": width / 2, "left": 0, "right": width}[align]
        left = min(max(left, 2.0), max(self.width() - width - 2.0, 2.0))
        top = min(max(at.y() - height / 2, 0.0), self.height() - height)
        box = QRectF(left, top, width + 1, height)
        if plate:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.tokens.color("raised", 0.85))
            painter.drawRoundedRect(box.adjusted(-PLATE, 0, PLATE, 0), 3, 3)
        painter.setPen(self.tokens.color(token))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        return box

    def read_out(self, painter: QPainter, parts: list[str], at: QPointF) -> None:
        """Values under the pointer, on plates centred at a point: in as many lines as their width takes."""
        room = self.width() - 2 * (PLATE + 2.0)
        lines = [parts[0]]
        for part in parts[1:]:
            longer = f"{lines[-1]}, {part}"
            if painter.fontMetrics().horizontalAdvance(longer) <= room:
                lines[-1] = longer
            else:
                lines.append(part)
        for number, line in enumerate(lines):
            below = QPointF(0, number * painter.fontMetrics().height())
            self.words(painter, line, at + below, "text", plate=True)

    def sentence(self, painter: QPainter, text: str) -> None:
        """What stands in an empty chart."""
        painter.setFont(theme.text_font(theme.CAPTION_PIXELS))
        painter.setPen(self.tokens.color("muted"))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(QRectF(self.rect()).adjusted(8, 0, -8, 0), flags, text)


def decades(low: float, high: float, most: int = 5) -> list[float]:
    """Powers of ten between two positive numbers, thinned to at most `most`.

    >>> decades(0.02, 300)
    [0.1, 1.0, 10.0, 100.0]
    """
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    step = max(1, math.ceil((last - first + 1) / most))
    return [10.0**power for power in range(first, last + 1, step)]
