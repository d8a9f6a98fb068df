"""An equation of a lesson, drawn in a thread, because the first one takes half a second."""

from collections.abc import Iterator

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.app.style.text_size import px
from playground.app.widgets.equation import SIZE, equation_image
from playground.app.workers.tasks import Tasks
from playground.drawing.palette import Palette

ROOM = 4  # px above and below


class LiveEquationView(QWidget):
    """An equation at its natural size, or smaller if there is less room; hidden if there is none.

    Args:
        tasks: run the drawing.
        name: the name of the task.
    """

    def __init__(self, tasks: Tasks, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._name = tasks, name
        self._asked = self._drawn = ("", "", 0.0, 0)
        self.image = QImage()
        self.latex = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.hide()

    def show_equation(self, latex: str, spoken: str) -> None:
        """Show other LaTeX; `spoken` describes it for screen readers."""
        self.latex = latex
        self.setVisible(bool(latex))
        self.setAccessibleName(f"{spoken}: {latex}")
        self.setToolTip(spoken)
        self._draw()

    def apply_palette(self, palette: Palette) -> None:
        self._draw()

    def apply_text_size(self) -> None:
        self._draw()

    def _draw(self) -> None:
        """Request the drawing, unless it is there. If another is being drawn, this is checked again after it."""
        color = self.palette().color(QPalette.ColorRole.WindowText).name()
        self._asked = self.latex, color, self.devicePixelRatioF(), px(SIZE)
        if not self.latex or self._asked == self._drawn or self._tasks.running(self._name):
            return
        asked = self._asked

        def draw() -> Iterator[tuple[float, QImage]]:
            yield 1.0, equation_image(*asked)

        def take(image: QImage) -> None:
            self.image, self._drawn = image, asked
            self._fit()
            self._tasks.cancel(self._name)  # it is done, and another may start
            self._draw()

        def refuse(error: BaseException) -> None:
            if not isinstance(error, ValueError):
                raise error
            self.image, self._drawn = QImage(), asked  # its LaTeX is painted as text
            self._fit()
            self._draw()

        self._tasks.start(self._name, "the equation", draw, take, refuse)

    def sizeHint(self) -> QSize:
        size = self.image.deviceIndependentSize()
        scale = min(1.0, self.width() / size.width()) if size.width() > 0 else 1.0
        height = size.height() * scale if size.height() > 0 else self.fontMetrics().height()
        return QSize(round(size.width()), round(height) + 2 * ROOM)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        size = self.image.deviceIndependentSize()
        if size.isEmpty():
            if self._drawn == self._asked:
                painter.drawText(self.rect(), self.latex)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        scale = min(1.0, self.width() / size.width())
        painter.drawImage(QRectF(0, ROOM, size.width() * scale, size.height() * scale), self.image)
