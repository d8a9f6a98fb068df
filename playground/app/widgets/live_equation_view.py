"""An equation of a lesson, drawn in a thread, because the first one takes half a second."""

from PySide6.QtCore import QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import (
    QImage,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)

from playground.app.style import theme
from playground.app.style.painting import inside, paint_box
from playground.app.style.text_size import px
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.controls import PressedByEnter
from playground.app.widgets.equation import SIZE, equation_image
from playground.app.widgets.equation_dialog import NamedEquation, open_equations
from playground.app.workers.jobs import Jobs

ROOM = 4  # px above and below


class LiveEquationView(PressedByEnter):
    """An equation at its natural size, or smaller if there is less room; hidden if there is none.

    A click or Enter opens it in large type, with each symbol explained.

    Args:
        jobs: run the drawing.
        name: the name of the job.
    """

    def __init__(self, jobs: Jobs, name: str) -> None:
        super().__init__()
        self._jobs, self._name = jobs, name
        self._asked = self._drawn = ("", "", 0.0, 0)
        self.image = QImage()
        self.latex = ""
        self._spoken = name.capitalize()
        self._say(self._spoken)
        layouts.grow_across(self)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(lambda: open_equations(self, [NamedEquation(self._spoken, "", self.latex)]))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.hide()

    def show_equation(self, latex: str, spoken: str) -> None:
        """Show other LaTeX; `spoken` describes it for screen readers."""
        self.latex, self._spoken = latex, spoken
        self.setVisible(bool(latex))
        self._say(f"{spoken}: {latex}")
        self._draw()
        self._fit()

    def _say(self, name: str) -> None:
        self.setAccessibleName(name)
        self.setToolTip(wrapped(f"{self._spoken}.", "Click to see it in large type, with each symbol explained."))

    def apply_palette(self) -> None:
        self._draw()

    def _draw(self) -> None:
        """Request the drawing, unless it is there. If another is being drawn, this is checked again after it."""
        color = theme.color("text").name()
        self._asked = self.latex, color, self.devicePixelRatioF(), px(SIZE)
        if not self.latex or self._asked == self._drawn or self._jobs.running(self._name):
            return
        asked = self._asked

        def take(image: QImage) -> None:
            self.image, self._drawn = image, asked
            self._fit()
            self._jobs.cancel(self._name)  # it is done, and another may start
            self._draw()

        def refuse(error: BaseException) -> None:
            if not isinstance(error, ValueError):
                raise error
            self.image, self._drawn = QImage(), asked  # its LaTeX is painted as text
            self._fit()
            self._draw()

        self._jobs.call(self._name, lambda: equation_image(*asked), take, refuse)

    @property
    def _is_drawn(self) -> bool:
        """Whether the drawing is that of the equation, and not of the one before."""
        return self._drawn[0] == self.latex

    def sizeHint(self) -> QSize:
        size = self.image.deviceIndependentSize() if self._is_drawn else QSizeF()
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
        if not self._is_drawn:
            return
        painter = QPainter(self)
        if self.hasFocus():
            paint_box(painter, inside(self), 4, line="accent", width=1.5)
            painter.setPen(theme.color("text"))
        size = self.image.deviceIndependentSize()
        if size.isEmpty():
            if self._drawn == self._asked:
                painter.drawText(self.rect(), self.latex)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        scale = min(1.0, self.width() / size.width())
        painter.drawImage(QRectF(0, ROOM, size.width() * scale, size.height() * scale), self.image)
