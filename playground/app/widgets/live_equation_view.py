"""An equation of a lesson, drawn in a thread, because the first one takes half a second."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QImage,
    QPainter,
    QPaintEvent,
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

    It is drawn before it is shown, so that nothing below it moves afterwards. A click or Enter opens it in large type, with each
    symbol explained.

    Args:
        jobs: run the drawing.
        name: the name of the job.

    Signals:
        drawn(): the equation that was asked for last can be shown.
    """

    drawn = Signal()

    def __init__(self, jobs: Jobs, name: str) -> None:
        super().__init__()
        self._jobs, self._name = jobs, name
        self._asked = self._drawn = ("", "", 0.0, 0)
        self._newest = self.image = QImage()  # the one drawn last, and the one in view
        self.latex = ""
        self._spoken = name.capitalize()
        self._say(self._spoken)
        layouts.grow_across(self)
        policy = self.sizePolicy()
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(lambda: open_equations(self, [NamedEquation(self._spoken, "", self.latex)]))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.hide()

    def is_drawn(self, latex: str) -> bool:
        """Whether an equation can be shown; if not, it is drawn, unless another one is asked for meanwhile."""
        self._asked = latex, theme.color("text").name(), self.devicePixelRatioF(), px(SIZE)
        if not latex or self._asked == self._drawn:
            return True
        if not self._jobs.running(self._name):
            self._draw()
        return False

    def show_equation(self, latex: str, spoken: str) -> None:
        """Show an equation that is drawn; `spoken` describes it for screen readers."""
        self.latex, self._spoken, self.image = latex, spoken, self._newest
        self.setVisible(bool(latex))
        self._say(f"{spoken}: {latex}")
        self.updateGeometry()
        self.update()

    def _say(self, name: str) -> None:
        self.setAccessibleName(name)
        self.setToolTip(wrapped(f"{self._spoken}.", "Click to see it in large type, with each symbol explained."))

    def apply_palette(self) -> None:
        self.is_drawn(self.latex)

    def _draw(self) -> None:
        asked = self._asked

        def take(image: QImage) -> None:
            self._newest, self._drawn = image, asked
            self._jobs.cancel(self._name)  # it is done, and another may start
            if self.is_drawn(self._asked[0]):
                self.drawn.emit()

        def refuse(error: BaseException) -> None:
            if not isinstance(error, ValueError):
                raise error
            take(QImage())  # its LaTeX is painted as text

        self._jobs.call(self._name, lambda: equation_image(*asked), take, refuse)

    def sizeHint(self) -> QSize:
        wide = round(self.image.deviceIndependentSize().width())
        return QSize(wide, self.heightForWidth(wide))

    def minimumSizeHint(self) -> QSize:
        return QSize(40, 0)

    def heightForWidth(self, width: int) -> int:
        size = self.image.deviceIndependentSize()
        height = self.fontMetrics().height() if size.isEmpty() else size.height() * min(1.0, width / size.width())
        return round(height) + 2 * ROOM

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self.hasFocus():
            paint_box(painter, inside(self), 4, line="accent", width=1.5)
            painter.setPen(theme.color("text"))
        size = self.image.deviceIndependentSize()
        if size.isEmpty():
            painter.drawText(self.rect(), self.latex)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        scale = min(1.0, self.width() / size.width())
        painter.drawImage(QRectF(0, ROOM, size.width() * scale, size.height() * scale), self.image)
