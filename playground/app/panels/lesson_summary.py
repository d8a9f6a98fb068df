"""The end of a lesson: what was asked, what was said, and what was measured, in one picture."""

import math
from collections.abc import Mapping

from PySide6.QtCore import QRectF
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from playground.app.style import theme
from playground.app.style.number_formats import format_number
from playground.app.style.painting import paint_box, paint_disc, paint_text, smooth
from playground.app.style.text_size import px
from playground.app.style.wrapping import wrapped
from playground.lab.chart import Axis
from playground.lab.lessons import ANSWER, MeasuredStep

ROW, LINE = 40, 17  # px of a question, and of one line of its text
GAP = 10  # px between a scale and the numbers on it


class LessonSummary(QWidget):
    """A row for each question: both values on its scale, or the answer with a tick or a cross."""

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[int, MeasuredStep] = {}

    def show_answers(self, found: Mapping[int, MeasuredStep]) -> None:
        """Show the measured answers, by the number of their step."""
        self._found = dict(found)
        said = [f"{number}. {one.step.question} {_said(one)}" for number, one in self._found.items()]
        self.setAccessibleName(" ".join(["What you said and what was measured.", *said]))
        self.setToolTip(wrapped(*said))
        self.apply_text_size()
        self.update()

    def apply_text_size(self) -> None:
        self.setFixedHeight(px(ROW) * len(self._found))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        painter.setFont(theme.text_font(theme.CAPTION_PIXELS))
        metrics = QFontMetricsF(painter.font())
        for row, (number, one) in enumerate(self._found.items()):
            top, said = row * px(ROW), _said(one)
            asked = one.step.question.rpartition(". ")[2].replace("_", "").replace("**", "")  # its last sentence, plain
            lines = {f"{number}  {asked}": (top, "muted"), said: (top + px(LINE), "text")}
            room = metrics.horizontalAdvance(said) + 2 if one.step.scale else float(self.width())
            for text, (y, color) in lines.items():
                left = self.width() - room if text is said else 0.0
                box = QRectF(left, y, self.width() - left, px(LINE))
                paint_text(painter, box, text, color)
            if one.step.scale:
                _paint_scale(painter, one, QRectF(4, top + px(LINE), self.width() - room - px(GAP) - 4, px(LINE)))


def _paint_scale(painter: QPainter, one: MeasuredStep, box: QRectF) -> None:
    """Paint the question's scale with what was said as a line, and what was measured as a disc."""
    axis = Axis("", *one.step.scale or (0.0, 1.0))
    middle = box.center().y()
    paint_box(painter, QRectF(box.left(), middle - 1.5, box.width(), 3), 1.5, "border")
    you, found = (
        box.left() + box.width() * axis.clipped(value)
        for value in (one.prediction[0], one.values[ANSWER] if math.isfinite(one.values[ANSWER]) else axis.low)
    )
    paint_disc(painter, QRectF(found - 1, middle - 1, 2, 2).center(), px(5), "particles")
    painter.setPen(QPen(theme.color("accent"), 2.5))
    painter.drawLine(int(you), int(middle - px(7)), int(you), int(middle + px(7)))


def _said(one: MeasuredStep) -> str:
    """What was said and what was measured, in words."""
    if one.step.scale is not None:
        return f"you {format_number(one.prediction[0])}, measured {format_number(one.values[ANSWER])}"
    sign = "✓" if one.right else "✗"
    if one.step.mark is not None:
        return f"{sign} {format_number(one.named['distance'])} away"
    choice = one.right_choice
    true = "none of these" if choice is None else one.step.choices[choice].text
    return f"{sign} {one.step.say(one.prediction)}" + ("" if one.right else f"; measured: {true}")
