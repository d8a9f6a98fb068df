"""A picture of a class: its predictions for each question, with the measured answers."""

import dataclasses
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from playground.drawing.axes import figure_font
from playground.drawing.chart_pictures import paint_chart, place_on, recorded
from playground.drawing.palette import LIGHT
from playground.drawing.render import PictureError, save_painting
from playground.lab.chart import Axis, Chart, Series, axis_around

WIDTH, MARGIN = 960, 36  # px
ROW, GAP = 22, 34  # px, height of an answer, and gap between two questions
NAMES, BARS = 250, 300  # px, end of the names, and length of the longest bar
PLANE = 380  # px, side of the plane with marks
TALLEST = 30_000  # px of a PNG


@dataclass(frozen=True)
class Reply:
    """The answer of one student.

    Attributes:
        said: the answer in words.
        value: the number, or the two coordinates of a mark; empty for a choice.
        right: whether it was right, if that is known.
    """

    who: str
    said: str
    value: tuple[float, ...] = ()
    right: bool | None = None


@dataclass(frozen=True)
class Question:
    """One question, with the answers of a class.

    Attributes:
        title: the title of the lesson and its step.
        measured: the answers that the students' machines measured, numbers or places.
        scale: the ends of the question's scale; None if it has none, or if its lesson is not known.
    """

    title: str
    question: str
    replies: tuple[Reply, ...]
    measured: tuple[tuple[float, ...], ...] = ()
    scale: tuple[float, float] | None = None

    @property
    def values(self) -> list[float]:
        """All numbers that were measured."""
        return [value for place in self.measured for value in place]

    @property
    def numbers(self) -> int:
        """The number of numbers in every answer: 0 for choices, 1 for a scale, 2 for marks."""
        (numbers, *others) = {len(reply.value) for reply in self.replies}
        return 0 if others else numbers

    def groups(self) -> list[tuple[str, list[Reply]]]:
        """The replies grouped by their answer, the commonest first."""
        said: dict[str, list[Reply]] = {}
        for reply in self.replies:
            said.setdefault(reply.said, []).append(reply)
        return sorted(said.items(), key=lambda one: -len(one[1]))


def save_class_picture(questions: Sequence[Question], path: str | os.PathLike[str]) -> None:
    """Write the picture as PNG, SVG or PDF, by the suffix of its name.

    Raises:
        PictureError: the folder cannot be written, the disk is full, or the picture is too tall for a PNG.
    """
    path, height = Path(path), class_height(questions)
    if height > TALLEST and path.suffix.lower() != ".svg":
        raise PictureError(f"{path} would be {height:,} pixels tall: choose an SVG, or the answers to one lesson.")
    ratio = 2 if height < TALLEST / 4 else 1
    save_painting(lambda painter: paint_class(painter, questions), (WIDTH, height), path, "Who predicted what", ratio)


def class_height(questions: Sequence[Question]) -> int:
    """The height of the picture in px."""
    return math.ceil(2 * MARGIN + sum(_height(one) + GAP for one in questions) - GAP)


def paint_class(painter: QPainter, questions: Sequence[Question]) -> None:
    """Paint all questions below each other."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(QRectF(0, 0, WIDTH, class_height(questions)), LIGHT.color("background"))
    top = float(MARGIN)
    for one in questions:
        _write(painter, QRectF(MARGIN, top, WIDTH - 2 * MARGIN, 18), one.title, 12, "muted")
        box = QRectF(MARGIN, top + 20, WIDTH - 2 * MARGIN, _question_height(one))
        painter.setFont(figure_font(16, bold=True))
        painter.setPen(LIGHT.color("text"))
        painter.drawText(box, Qt.TextFlag.TextWordWrap, one.question)
        below = QRectF(MARGIN, box.bottom() + 10, WIDTH - 2 * MARGIN, _height(one) - box.height() - 30)
        if one.numbers == 0:
            _paint_choices(painter, one, below.top())
        elif one.numbers == 1:
            paint_chart(painter, below, numbers_chart(one), LIGHT)
        else:
            _paint_marks(painter, one, below)
        top += _height(one) + GAP


def _question_height(one: Question) -> float:
    room = QRectF(0, 0, WIDTH - 2 * MARGIN, 1000)
    return QFontMetricsF(figure_font(16, bold=True)).boundingRect(room, Qt.TextFlag.TextWordWrap, one.question).height()


def _height(one: Question) -> float:
    inside = (
        len(one.groups()) * ROW + 22,
        len(one.replies) * ROW + 46,
        PLANE + 24,
    )[one.numbers]
    return 30 + _question_height(one) + inside


def _paint_choices(painter: QPainter, one: Question, top: float) -> None:
    """Paint a bar for each answer with its share as length, a tick if it is right, and the names."""
    left = MARGIN + NAMES + 12
    for row, (said, replies) in enumerate(one.groups()):
        y, right = top + row * ROW, any(reply.right for reply in replies)
        text = f"✓ {said}" if right else said
        _write(painter, QRectF(MARGIN, y, NAMES, ROW), text, 12, "text", Qt.AlignmentFlag.AlignRight)
        bar = QRectF(left, y + 4, BARS * len(replies) / len(one.replies), ROW - 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(LIGHT.color("particles" if right else "accent"))
        painter.drawRoundedRect(bar, 3, 3)
        names = f"{len(replies)}: {', '.join(reply.who for reply in replies)}"
        beside = QRectF(bar.right() + 8, y, WIDTH - MARGIN - bar.right() - 8, ROW)
        _write(painter, beside, names, 12, "muted")
    below = QRectF(left, top + len(one.groups()) * ROW, WIDTH - MARGIN - left, 20)
    told = f"{_range(one.values)}   ✓ right by that" if one.measured else "not measured"
    _write(painter, below, told, 11, "muted")


def numbers_chart(one: Question) -> Chart:
    """A row for each student, the least number at the top, and the range of the measured answers across the rows.

    The axis is the question's scale if that is known. For a number outside, an arrow at its name says on which side.
    """
    replies, count = sorted(one.replies, key=lambda reply: reply.value), len(one.replies)
    values, rows = np.array([reply.value[0] for reply in replies]), np.arange(count)[::-1]
    measured = one.values
    x = axis_around([np.array([*values, *measured] if one.scale is None else one.scale)], "")
    arrows = np.select([values < x.low, values > x.high], ["← ", "→ "], "")
    metrics = QFontMetricsF(figure_font(11))
    names = [f"{arrow}{reply.who}: {reply.said}" for arrow, reply in zip(arrows, replies, strict=True)]
    short = [metrics.elidedText(name, Qt.TextElideMode.ElideRight, NAMES) for name in names]
    shown = arrows == ""
    series = [Series("answers", values[shown], rows[shown], "accent", "dots", "", 5.5)]
    if measured:
        low, high = np.clip([min(measured), max(measured)], x.low, x.high)
        middle, top = np.full(2, (count - 1) / 2), count - 0.5
        band = Series("measured", np.array([low, high]), middle, "particles", legend=_range(measured), alpha=0.0)
        ends = np.array([low, low, high, high]), np.array([-0.5, top, top, -0.5])
        spread = dataclasses.replace(band, error=np.full(2, count / 2))
        series = [spread, Series("ends", *ends, "particles", legend="", width=2.5), *series]
    return Chart(
        tuple(series), x, Axis("", -0.5, count - 0.5, names=tuple(short[::-1])), "", "" if measured else "not measured"
    )


def _paint_marks(painter: QPainter, one: Question, box: QRectF) -> None:
    """Paint the plane with a dot and a name for each student, and a disc for each measured place."""
    replies = sorted(one.replies, key=lambda reply: reply.value)
    marked, found = (
        np.array(sorted(places)).reshape(-1, 2) for places in ([one.value for one in replies], one.measured)
    )
    ends = [axis_around([np.concatenate([marked, found])[:, side]], "", margin=0.12) for side in (0, 1)]
    half = max(axis.high - axis.low for axis in ends) / 2
    series = (
        Series("measured", found[:, 0], found[:, 1], "particles", "dots", width=8.0, alpha=0.5),
        Series("marked", marked[:, 0], marked[:, 1], "accent", "dots", width=4.0),
    )
    plane = QRectF(box.left() + NAMES - 54, box.top(), PLANE + 72, box.height())
    chart = Chart(series, ends[0], ends[1], "", "✓ near enough" if one.measured else "not measured")
    inside = recorded(chart, plane.size(), LIGHT, 11, 1.0)[1]
    reach = half * inside.width() / inside.height(), half  # the same scale along both axes
    x, y = (
        Axis("", (one.low + one.high) / 2 - far, (one.low + one.high) / 2 + far)
        for one, far in zip(ends, reach, strict=True)
    )
    chart = dataclasses.replace(chart, x=x, y=y)
    inside = paint_chart(painter, plane, chart, LIGHT)
    written: list[QRectF] = []
    for reply in sorted(replies, key=lambda reply: -reply.value[1]):
        across, up = reply.value
        text = f"{reply.who} ✓" if reply.right else reply.who
        width = QFontMetricsF(figure_font(11)).horizontalAdvance(text)
        name = QRectF(place_on(inside, chart, across, up) + QPointF(9, -9), QSizeF(width + 1, 16))
        while any(name.intersects(other) for other in written):  # names of marks close to each other
            name.translate(0, 4)
        written.append(name)
        _write(painter, name, text, 11, "text")


def _write(
    painter: QPainter,
    box: QRectF,
    text: str,
    pixels: int,
    color: str,
    side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> None:
    """Write one line, shortened if it is wider than its box."""
    font = figure_font(pixels)
    painter.setFont(font)
    painter.setPen(LIGHT.color(color))
    shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, int(side | Qt.AlignmentFlag.AlignVCenter), shown)


def _range(values: Sequence[float]) -> str:
    low, high = (f"{end:.3g}".replace("-", "−") for end in (min(values), max(values)))
    return f"measured: {low}" if low == high else f"measured: {low} to {high}"
