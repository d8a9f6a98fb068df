"""A picture of a class: its predictions for each question, with the measured answers."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen, QPolygonF

from playground.drawing.axes import figure_font
from playground.drawing.palette import LIGHT, Palette
from playground.drawing.render import PictureError, save_painting
from playground.lab.chart import Axis, axis_around

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


def save_class_picture(questions: Sequence[Question], path: str | os.PathLike[str], palette: Palette = LIGHT) -> None:
    """Write the picture as PNG or SVG, by the suffix of its name.

    Raises:
        PictureError: the folder cannot be written, the disk is full, or the picture is too tall for a PNG.
    """
    path, height = Path(path), class_height(questions)
    if height > TALLEST and path.suffix.lower() != ".svg":
        raise PictureError(f"{path} would be {height:,} pixels tall: choose an SVG, or the answers to one lesson.")
    ratio = 2 if height < TALLEST / 4 else 1

    def paint(painter: QPainter) -> None:
        paint_class(painter, questions, palette)

    save_painting(paint, (WIDTH, height), path, "Who predicted what", ratio)


def class_height(questions: Sequence[Question]) -> int:
    """The height of the picture in px."""
    return math.ceil(2 * MARGIN + sum(_height(one) + GAP for one in questions) - GAP)


def paint_class(painter: QPainter, questions: Sequence[Question], palette: Palette = LIGHT) -> None:
    """Paint all questions below each other."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(QRectF(0, 0, WIDTH, class_height(questions)), palette.color("background"))
    top = float(MARGIN)
    for one in questions:
        _write(painter, palette, QRectF(MARGIN, top, WIDTH - 2 * MARGIN, 18), one.title, 12, "muted")
        box = QRectF(MARGIN, top + 20, WIDTH - 2 * MARGIN, _question_height(one))
        painter.setFont(figure_font(16, bold=True))
        painter.setPen(palette.color("text"))
        painter.drawText(box, Qt.TextFlag.TextWordWrap, one.question)
        paint = (_paint_choices, _paint_numbers, _paint_marks)[one.numbers]
        paint(painter, palette, one, box.bottom() + 10)
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


def _paint_choices(painter: QPainter, palette: Palette, one: Question, top: float) -> None:
    """Paint a bar for each answer with its share as length, a tick if it is right, and the names."""
    left = MARGIN + NAMES + 12
    for row, (said, replies) in enumerate(one.groups()):
        y, right = top + row * ROW, any(reply.right for reply in replies)
        text = f"✓ {said}" if right else said
        _write(painter, palette, QRectF(MARGIN, y, NAMES, ROW), text, 12, "text", Qt.AlignmentFlag.AlignRight)
        bar = QRectF(left, y + 4, BARS * len(replies) / len(one.replies), ROW - 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.color("particles" if right else "accent"))
        painter.drawRoundedRect(bar, 3, 3)
        names = f"{len(replies)}: {', '.join(reply.who for reply in replies)}"
        beside = QRectF(bar.right() + 8, y, WIDTH - MARGIN - bar.right() - 8, ROW)
        _write(painter, palette, beside, names, 12, "muted")
    below = QRectF(left, top + len(one.groups()) * ROW, WIDTH - MARGIN - left, 20)
    values = [value for place in one.measured for value in place]
    _write(painter, palette, below, f"{_range(values)}   ✓ right by that" if values else "not measured", 11, "muted")


def _paint_numbers(painter: QPainter, palette: Palette, one: Question, top: float) -> None:
    """Paint a row for each student on one axis, and the range of the measured answers across the rows.

    The axis is the question's scale if that is known. A number outside is an arrow at the edge.
    """
    replies = sorted(one.replies, key=lambda reply: reply.value)
    measured = [value for place in one.measured for value in place]
    shown = [reply.value[0] for reply in replies] + measured if one.scale is None else one.scale
    axis = axis_around([np.array(shown)], "")
    plot = QRectF(MARGIN + NAMES + 12, top, WIDTH - 2 * MARGIN - NAMES - 12, len(replies) * ROW)
    _paint_axis(painter, palette, plot, axis)
    if measured:
        ends = np.clip([min(measured), max(measured)], axis.low, axis.high)
        low, high = (plot.left() + at * plot.width() for at in axis.place(ends))
        painter.setPen(QPen(palette.color("particles"), 2.5))
        painter.setBrush(palette.color("particles", 0.25))
        painter.drawRect(QRectF(low, plot.top(), max(high - low, 0.1), plot.height()))
    for row, reply in enumerate(replies):
        y = top + (row + 0.5) * ROW
        box = QRectF(MARGIN, y - ROW / 2, NAMES, ROW)
        _write(painter, palette, box, f"{reply.who}: {reply.said}", 12, "text", Qt.AlignmentFlag.AlignRight)
        painter.setPen(QPen(palette.color("background"), 1.5))
        painter.setBrush(palette.color("accent"))
        x = plot.left() + float(axis.place(np.array(reply.value))[0]) * plot.width()
        if plot.left() <= x <= plot.right():
            painter.drawEllipse(QPointF(x, y), 5.5, 5.5)
        else:
            edge, way = (plot.left(), 1) if x < plot.left() else (plot.right(), -1)
            corners = (QPointF(edge, y), QPointF(edge + 11 * way, y - 6), QPointF(edge + 11 * way, y + 6))
            painter.drawPolygon(QPolygonF(corners))
    below = QRectF(plot.left(), plot.bottom() + 20, plot.width(), 20)
    _write(painter, palette, below, _range(measured) if measured else "not measured", 11, "muted")


def _paint_marks(painter: QPainter, palette: Palette, one: Question, top: float) -> None:
    """Paint the plane with a cross for each student, and a ring for each measured place."""
    places = np.array([*(reply.value for reply in one.replies), *one.measured])
    x, y = (axis_around([places[:, axis]], "", margin=0.12) for axis in (0, 1))
    half = max(x.high - x.low, y.high - y.low) / 2  # the same scale along both axes
    x, y = (Axis("", (axis.low + axis.high) / 2 - half, (axis.low + axis.high) / 2 + half) for axis in (x, y))
    plot = QRectF(MARGIN + NAMES + 12, top, PLANE, PLANE)
    _paint_axis(painter, palette, plot, x)
    for value, label in y.marks(6):
        level = plot.bottom() - float(y.place(np.array([value]))[0]) * plot.height()
        painter.setPen(QPen(palette.color("grid"), 1))
        painter.drawLine(QPointF(plot.left(), level), QPointF(plot.right(), level))
        box = QRectF(plot.left() - 66, level - 8, 60, 16)
        _write(painter, palette, box, label, 11, "muted", Qt.AlignmentFlag.AlignRight)

    def at(place: Sequence[float]) -> QPointF:
        across, up = (float(axis.place(np.array([value]))[0]) for axis, value in zip((x, y), place, strict=True))
        return QPointF(plot.left() + across * plot.width(), plot.bottom() - up * plot.height())

    painter.setBrush(Qt.BrushStyle.NoBrush)
    for place in one.measured:
        painter.setPen(QPen(palette.color("particles"), 3))
        painter.drawEllipse(at(place), 8.0, 8.0)
    written: list[QRectF] = []
    for reply in sorted(one.replies, key=lambda reply: -reply.value[1]):
        cross = at(reply.value)
        painter.setPen(QPen(palette.color("accent"), 2.5))
        for slope in (1, -1):
            painter.drawLine(cross - QPointF(5, 5 * slope), cross + QPointF(5, 5 * slope))
        text = f"{reply.who} ✓" if reply.right else reply.who
        width = QFontMetricsF(figure_font(11)).horizontalAdvance(text)
        box = QRectF(cross.x() + 9, cross.y() - 9, width + 1, 16)
        while any(box.intersects(other) for other in written):  # names of marks close to each other
            box.translate(0, 4)
        written.append(box)
        _write(painter, palette, box, text, 11, "text")
    words = "○ measured   × marked   ✓ near enough" if one.measured else "× marked, not measured"
    _write(painter, palette, QRectF(plot.left(), plot.bottom() + 20, 400, 18), words, 11, "muted")


def _paint_axis(painter: QPainter, palette: Palette, plot: QRectF, axis: Axis) -> None:
    """Paint the vertical lines of a plot with their numbers below."""
    for value, label in axis.marks(7):
        x = plot.left() + float(axis.place(np.array([value]))[0]) * plot.width()
        painter.setPen(QPen(palette.color("grid"), 1))
        painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        box = QRectF(x - 40, plot.bottom() + 3, 80, 16)
        _write(painter, palette, box, label, 11, "muted", Qt.AlignmentFlag.AlignHCenter)


def _write(
    painter: QPainter,
    palette: Palette,
    box: QRectF,
    text: str,
    pixels: int,
    color: str,
    side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> None:
    """Write one line, shortened if it is wider than its box."""
    font = figure_font(pixels)
    painter.setFont(font)
    painter.setPen(palette.color(color))
    shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, int(side | Qt.AlignmentFlag.AlignVCenter), shown)


def _range(values: Sequence[float]) -> str:
    low, high = (f"{end:.3g}".replace("-", "−") for end in (min(values), max(values)))
    return f"measured: {low}" if low == high else f"measured: {low} to {high}"
