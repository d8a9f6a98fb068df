"""An equation alone, as large as requested or as its place allows."""

from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.app.style import theme
from playground.app.style.text_size import px
from playground.app.widgets.equation import equation_image

SMALLEST = 14  # px, smallest height of the letters


class EquationView(QWidget):
    """Paints LaTeX in the colour of text, smaller if it is wider than its place.

    Args:
        pixels: height of the letters.
    """

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self._pixels, self.latex = px(pixels), ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_equation(self, latex: str) -> None:
        self.latex = latex
        self.setAccessibleName(f"Equation: {latex}")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, round(self._image(self._pixels).deviceIndependentSize().height()) + 8)

    def _image(self, pixels: int) -> QImage:
        color = theme.color("text").name()
        return equation_image(self.latex, color, self.devicePixelRatioF(), pixels)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.latex:
            return
        pixels = self._pixels
        image = self._image(pixels)
        while image.deviceIndependentSize().width() > self.width() and pixels > SMALLEST:
            pixels -= 2
            image = self._image(pixels)
        size = image.deviceIndependentSize()
        QPainter(self).drawImage(QPointF((self.width() - size.width()) / 2, (self.height() - size.height()) / 2), image)
