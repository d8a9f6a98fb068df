"""A measured number with its name, and the button that measures it."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Signal, Slot
from PySide6.QtGui import QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from playground.app.controllers.controllers import Controllers
from playground.app.style import theme
from playground.app.style.labels import worded
from playground.app.style.number_formats import NOTHING, format_duration
from playground.app.style.painting import RIGHT, paint_box, smooth
from playground.app.style.text_size import px
from playground.app.style.wrapping import with_indices
from playground.app.widgets import layouts
from playground.app.widgets.captions import text_line
from playground.app.widgets.equation import Tooltip
from playground.app.widgets.equation_dialog import NamedEquation
from playground.app.widgets.selectable import SelectableLabel
from playground.app.widgets.steady_size import SteadySize
from playground.app.workers.jobs import JobStatus
from playground.messages import Message


class Figure(QWidget):
    """A name at the left and a number at the right, or below the name if it does not fit. A calm one without a number is not shown.

    Args:
        name: the name of the figure.
        meaning: one sentence for the tooltip.
        equation: LaTeX for the tooltip.
        token: the palette's colour of the number.
    """

    def __init__(self, name: str, meaning: str, equation: str = "", token: str = "text") -> None:
        super().__init__()
        self._token = token
        self._text = ""  # of the number; empty if there is none
        self._calm, self._shown = False, True
        self.name = text_line(name)
        self.value = SelectableLabel(NOTHING)
        self.value.setFont(theme.number_font())
        self.value.setAlignment(RIGHT)
        self.value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._steady = SteadySize(self.value)
        self._row = layouts.across(self.name, (self._steady, 1), within=self, spacing=theme.UNIT, margins=0)
        self._meaning, self._equation = meaning, equation
        self._words = f"<p>{with_indices(meaning)}</p>"
        self._tooltip = Tooltip(self, self._words, equation)
        self.setAccessibleName(name)
        self.apply_palette()

    def show_text(self, text: str, more: str = "") -> None:
        """Show a number as text, or nothing; the tooltip has `more`, the reason for a missing number."""
        if text != self._text:
            recolored = not (text and self._text)
            self._text = text
            self.value.setText(text or NOTHING)
            if not text:
                self._steady.give_back()
            if recolored:
                self.apply_palette()
                if self._calm:
                    self.setVisible(self._shown)
            self._arrange()
        missing = f". {more}" if more and not text else ""  # screen readers do not read the tooltip
        self.setAccessibleDescription(f"{self.name.text()}: {text or NOTHING}{missing}")
        self._tooltip.set_words(self._words + (f"<p>{more}</p>" if more else ""))

    def show_all(self, on: bool) -> None:
        """Show it without a number too, or only with one."""
        if self._calm == on:
            self._calm = not on
            self.setVisible(self._shown)

    def setVisible(self, visible: bool) -> None:
        self._shown = visible
        empty = self._calm and not self._text
        self.setProperty("empty", visible and empty)
        super().setVisible(visible and not empty)

    def minimumSizeHint(self) -> QSize:
        return super().minimumSizeHint().expandedTo(QSize(0, px(20)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()

    def _arrange(self) -> None:
        # With the room of the longest number so far: one that went to and fro with the frames would be cut for a while.
        needed = self.name.sizeHint().width() + self._row.spacing() + self._steady.sizeHint().width()
        layouts.turn(self._row, needed <= self.width())

    def text(self) -> str:
        return self.value.text()

    def equations(self) -> list[NamedEquation]:
        """The figure's equation, if it has one."""
        return [NamedEquation(self.name.text(), self._meaning, self._equation)] if self._equation else []

    def rename(self, name: str) -> None:
        if name != self.name.text():
            self.name.setText(name)
            self._arrange()
            self.setAccessibleName(name)

    def apply_palette(self) -> None:
        token = self._token if self._text else "muted"
        colors = self.value.palette()
        colors.setColor(QPalette.ColorRole.WindowText, theme.color(token))
        self.value.setPalette(colors)

    def apply_text_size(self) -> None:
        self._steady.give_back()
        self._arrange()


class JobButton(QPushButton):
    """Starts a measurement, shows its progress and cancels it.

    Args:
        title: the button's text.
        meaning: its tooltip.
        controllers: the controllers.
        job: the name of the job.
        begin: starts the job.
        name: the name for screen readers; by default the title.
        cancel: cancels the job with a name; by default as figures are cancelled.

    Signals:
        failed(str): a sentence about the error that ended the measurement.
        ran(bool): the measurement began or ended.
    """

    failed = Signal(object)
    ran = Signal(bool)

    def __init__(
        self,
        title: str,
        meaning: str,
        controllers: Controllers,
        job: str,
        begin: Callable[[], object],
        name: str = "",
        cancel: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__(title)
        self._name = name or title
        self._title, self._job, self._begin = title, job, begin
        self._cancel = cancel or controllers.jobs.cancel
        self._meaning = meaning
        self._why_disabled: Message | None = None
        self.running = False
        self._fraction: float | None = None
        self._explain()
        self.setAccessibleName(self._name)
        self.setMinimumWidth(self.fontMetrics().horizontalAdvance("Cancel · 0:00") + px(26))
        self.clicked.connect(self._clicked)
        controllers.jobs.changed.connect(self._job_changed)

    def set_why_disabled(self, why: Message | None) -> None:
        """Set why nothing can be measured now; None if it can."""
        self._why_disabled = why
        self.setEnabled(self.running or not why)
        if not self.running:
            self._explain()

    def rename(self, name: str) -> None:
        """Give screen readers another name for what it measures."""
        self._name = name
        self.setAccessibleName(f"Cancel: {name}" if self.running else name)

    def _explain(self) -> None:
        self.setToolTip(f"<p>{worded(self._why_disabled)}</p>" if self._why_disabled else self._meaning)

    @Slot()
    def _clicked(self) -> None:
        if self.running:
            self._cancel(self._job)
        else:
            self._begin()

    @Slot(str, object)
    def _job_changed(self, job: str, status: JobStatus) -> None:
        if job != self._job:
            return
        began = status.running != self.running
        self.running, self._fraction = status.running, status.fraction
        left = status.seconds_left
        text = self._title
        if status.running:
            text = "Cancel" if left is None else f"Cancel · {format_duration(left)}"
        self.setText(text)
        self.setEnabled(status.running or not self._why_disabled)
        if status.running:
            self.setToolTip("Stop measuring.")
        else:
            self._explain()
        self.rename(self._name)
        if began:
            self.ran.emit(status.running)
        if status.error:
            self.failed.emit(status.error)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.running:
            painter = smooth(self)
            bar = QRectF(6, self.height() - 5, self.width() - 12, 2)
            paint_box(painter, bar, 1, "border")
            bar.setWidth(bar.width() * (self._fraction or 0.02))
            paint_box(painter, bar, 1, "accent")
