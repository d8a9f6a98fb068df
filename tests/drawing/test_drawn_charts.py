"""Curves over linear and logarithmic axes."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter

from playground.drawing.axes import figure_font
from playground.drawing.boltzmann import CAPTION, PatternGrid, cost_chart, paint_pattern, probability
from playground.drawing.charts import Axis, Curve, axis_around, paint_chart, places
from playground.drawing.palette import DARK


def test_a_logarithmic_axis_gives_equal_ratios_equal_room() -> None:
    axis = Axis("s", 1e-3, 10.0, log=True)
    assert axis.place(np.array([1e-3, 1e-1, 10.0])) == pytest.approx([0, 0.5, 1])
    assert axis.unbend(axis.bend(np.array(1e-2))) == pytest.approx(1e-2)
    assert [label for _, label in axis.marks(8)] == ["10⁻³", "10⁻²", "0.1", "1", "10"]
    assert [label for _, label in Axis("s", 4e-3, 3e-2, log=True).marks(8)] == ["5·10⁻³", "10⁻²", "2·10⁻²"]
    assert [label for _, label in Axis("n", 0.0, 10.0).marks(5)] == ["0", "2", "4", "6", "8", "10"]


def test_an_axis_shows_all_that_can_be_shown_on_it() -> None:
    values = [np.array([0.0, 2.0, np.nan]), np.array([50.0])]
    assert axis_around(values, "s", log=True).low < 2.0 < 50.0 < axis_around(values, "s", log=True).high
    assert axis_around(values, "s").low < 0.0
    alone = axis_around([np.array([3.0])], "s", log=True)
    assert alone.low < 3.0 < alone.high


def test_a_curve_is_painted_where_its_points_lie() -> None:
    image = QImage(400, 300, QImage.Format.Format_RGB32)
    image.fill(DARK.color("background"))
    curve = Curve(np.array([1.0, 10.0, 100.0]), np.array([1.0, 2.0, 4.0]), "learned", "doubling", points=True)
    x, y = axis_around([curve.x], "n", log=True), axis_around([curve.y], "s", log=True)
    painter = QPainter(image)
    plot = paint_chart(painter, QRectF(10, 10, 380, 280), [curve], x, y, DARK)
    painter.end()
    at = places(plot, curve, x, y)
    assert np.allclose(np.diff(at, axis=0)[0], np.diff(at, axis=0)[1])  # a power law is a line
    for across, down in at.round().astype(int).tolist():
        assert QColor(image.pixel(across, down)) == DARK.color("learned")


@pytest.mark.parametrize("log", [False, True])
def test_an_error_is_a_band_around_its_curve(log: bool) -> None:
    image = QImage(400, 300, QImage.Format.Format_RGB32)
    image.fill(DARK.color("background"))
    level, error = np.full(2, 2.0), np.full(2, 0.5)
    curve = Curve(np.array([0.0, 10.0]), level, "learned", dashed=True, error=error)
    x, y = Axis("n", 0.0, 10.0), Axis("s", 1.0, 4.0, log)
    painter = QPainter(image)
    plot = paint_chart(painter, QRectF(10, 10, 380, 280), [curve], x, y, DARK)
    painter.end()
    inside, outside = ([1.55, 1.9, 2.1, 2.45], [1.4, 2.6])
    middle = np.full(1, 5.2)
    for heights, banded in ((inside, True), (outside, False)):
        for height in heights:
            ((across, down),) = places(plot, Curve(middle, np.full(1, height), ""), x, y).round().astype(int).tolist()
            assert (QColor(image.pixel(across, down)) != DARK.color("background")) == banded, height


def test_the_line_of_doubling_begins_where_it_meets_what_is_measured() -> None:
    units = np.arange(2, 21)
    curves, x, _ = cost_chart(units, np.maximum(1e-4, 1e-9 * 2.0**units), np.full(19, 1e-6), (1.69, 1e-9))
    line = curves[-1]
    assert line.dashed
    assert line.y == pytest.approx([1e-4, 1e-9 * 2.0**x.high])
    assert "measured ×1.69 a unit" in curves[1].label


@pytest.mark.parametrize("size", [(240, 110), (260, 140), (320, 110), (420, 200), (600, 300)])
@pytest.mark.parametrize("factor", [1.7, 1.96, 2.2])
def test_the_labels_of_the_cost_of_z_cross_nothing(size: tuple[int, int], factor: float) -> None:
    units = np.arange(2, 21)
    measured = np.maximum(1e-4, 6e-3 * factor ** (units - 20.0))
    curves, x, y = cost_chart(units, measured, np.full(19, 6e-6), (factor, measured[-1] / 2.0**20))

    def painted(curves: list[Curve]) -> np.ndarray:
        image = QImage(*size, QImage.Format.Format_RGB32)
        image.fill(DARK.color("background"))
        with QPainter(image) as painter:
            paint_chart(painter, QRectF(image.rect()), curves, x, y, DARK)
        return np.frombuffer(image.constBits(), np.uint32).reshape(size[::-1]) & 0xFFFFFF

    named, bare = painted(curves), painted([dataclasses.replace(curve, label="") for curve in curves])
    under = bare[named != bare]
    assert len(under) > 100
    assert set(under.tolist()) <= {DARK.color(token).rgb() & 0xFFFFFF for token in ("background", "border")}
    # No grid line goes through a label either: its pixels are blank there, or a letter.
    assert not (named[(named != bare)] == DARK.color("border").rgb() & 0xFFFFFF).any()


@pytest.mark.parametrize("count", [1, 14, 48])
def test_pictures_of_a_set_lie_apart_and_inside(count: int) -> None:
    cells = PatternGrid(count, 260.0, 120.0, 3, 3)
    boxes = [cells.box(number) for number in range(count)]
    assert cells.layout()[2] == count
    assert all(QRectF(0, 0, 260, 120).contains(box) for box in boxes)
    assert not any(one.intersects(other) for n, one in enumerate(boxes) for other in boxes[:n])
    assert [cells.at(box.center().x(), box.center().y()) for box in boxes] == list(range(count))


@pytest.mark.parametrize("side", [2, 3])
def test_captions_lie_apart(side: int) -> None:
    cells = PatternGrid(12, 260.0, 200.0, side, side, caption=14.0)
    font = QFontMetricsF(figure_font(CAPTION))
    width = max(
        font.horizontalAdvance(probability(value))
        for value in (1.0, 0.142, 0.0582, 0.00537, 4.1e-4, 9.7e-5, 2.3e-5, 9.7e-7)
    )
    boxes = [cells.box(number) for number in range(cells.layout()[1])]
    gaps = [after.center().x() - before.center().x() - width for before, after in pairwise(boxes)]
    assert min(gaps) >= 3


def test_a_pattern_s_first_row_is_painted_at_the_top() -> None:
    image = QImage(20, 20, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    paint_pattern(painter, QRectF(0, 0, 20, 20), np.array([[1, -1], [-1, -1]]), DARK)
    painter.end()
    assert QColor(image.pixel(5, 5)) == DARK.color("data")
    assert QColor(image.pixel(15, 5)) == QColor(image.pixel(5, 15)) == DARK.color("hover")
