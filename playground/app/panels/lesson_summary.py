"""The end of a lesson: what was asked, what was said, and what was measured, in one picture."""

import math
from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.app.style import theme
from playground.app.style.number_formats import format_number
from playground.app.style.painting import paint_box, paint_disc, smooth
from playground.app.style.text_size import px
from playground.app.style.wrapping import wrapped
from playground.lab.chart import Axis
from playground.lab.lessons import ANSWER, MeasuredStep

LINE = 17  # px of a scale and of the numbers beside it
GAP = 10  # px between a scale and the numbers on it
BELOW = 6  # px below an answer
WRAPPED = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignVCenter


class LessonSummary(QWidget):
    """Each question with both values on its scale, or with the answer and a tick or a cross."""

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[int, MeasuredStep] = {}
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_answers(self, found: Mapping[int, MeasuredStep]) -> None:
        """Show the measured answers, by the number of their step."""
        self._found = dict(found)
        said = [f"{number}. {one.step.question} {_said(one)}" for number, one in self._found.items()]
        self.setAccessibleName(" ".join(["What you said and what was measured.", *said]))
        self.setToolTip(wrapped(*said))
        self.updateGeometry()
        self.update()

    def apply_text_size(self) -> None:
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(px(200), self.heightForWidth(max(self.width(), px(200))))

    def heightForWidth(self, width: int) -> int:
        boxes = [box for _, box, _ in self._laid_out(width)]
        return round(boxes[-1].bottom()) + px(BELOW) if boxes else 0

    def _laid_out(self, width: float) -> list[tuple[str, QRectF, MeasuredStep | None]]:
        """The texts in boxes that hold them whole: of each question, and of its answer with what was measured."""
        metrics = QFontMetricsF(theme.text_font(theme.CAPTION_PIXELS))
        found, top = list[tuple[str, QRectF, MeasuredStep | None]](), 0.0
        for number, one in self._found.items():
            asked = one.step.question.rpartition(". ")[2].replace("_", "").replace("**", "")  # its last sentence, plain
            said = _said(one)
            left = width - metrics.horizontalAdvance(said) - 2 if one.step.scale else 0.0
            for text, x, of in ((f"{number}  {asked}", 0.0, None), (said, left, one)):
                high = metrics.boundingRect(QRectF(0, 0, width - x, 1e6), WRAPPED, text).height()
                box = QRectF(x, top, width - x, max(math.ceil(high), px(LINE)))
                found.append((text, box, of))
                top = box.bottom()
            top += px(BELOW)
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        painter.setFont(theme.text_font(theme.CAPTION_PIXELS))
        for text, box, of in self._laid_out(self.width()):
            painter.setPen(theme.color("muted" if of is None else "text"))
            painter.drawText(box, WRAPPED, text)
            if of is not None and of.step.scale:
                _paint_scale(painter, of, QRectF(4, box.top(), box.left() - px(GAP) - 4, box.height()))


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
