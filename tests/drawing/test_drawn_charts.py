"""Curves over linear and logarithmic axes."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyqtgraph import TextItem
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter
from pytestqt.qtbot import QtBot

from playground.app.workers.worker import Worker
from playground.drawing.axes import figure_font
from playground.drawing.boltzmann import (
    CAPTION,
    WIDTH,
    ShownPattern,
    cost_chart,
    paint_patterns,
    paint_pixels,
    probability,
)
from playground.drawing.chart_pictures import paint_chart
from playground.drawing.legend import entries_of, laid_out
from playground.drawing.palette import DARK, LIGHT, Palette
from playground.drawing.plot import Plot
from playground.drawing.render import PictureError, save_painting
from playground.lab.boltzmann.cost import Cost
from playground.lab.chart import Axis, Chart, Series, axis_around


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


BOX = QRectF(10, 10, 380, 280)


def drawn(chart: Chart, palette: Palette = DARK) -> tuple[QImage, Callable[[float, float], QColor]]:
    """A chart in an image, and the colour at a value of both axes."""
    image = QImage(400, 300, QImage.Format.Format_RGB32)
    image.fill(palette.color("background"))
    with QPainter(image) as painter:
        plot = paint_chart(painter, BOX, chart, palette)

    def at(x: float, y: float) -> QColor:
        across, up = (float(axis.place(np.array(value))) for axis, value in ((chart.x, x), (chart.y, y)))
        return image.pixelColor(
            round(plot.left() + across * plot.width() - 0.5), round(plot.bottom() - up * plot.height() - 0.5)
        )

    return image, at


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda palette: palette.name)
@pytest.mark.parametrize("log", [False, True])
def test_a_curve_is_painted_where_its_points_lie(palette: Palette, log: bool) -> None:
    series = Series("doubling", np.array([1.0, 10.0, 100.0]), np.array([1.0, 2.0, 4.0]), "learned", "points", width=4.0)
    _, at = drawn(Chart.around("", ("n", "s"), [series], (log, log)), palette)
    for x, y in zip(series.x, series.y, strict=True):
        assert at(x, y) == palette.color("learned")
    assert (at(math.sqrt(10), math.sqrt(2)) == palette.color("learned")) == log  # a power law is a line


@pytest.mark.parametrize("log", [False, True])
def test_an_error_is_a_band_around_its_curve(log: bool) -> None:
    level, error = np.full(2, 2.0), np.full(2, 0.5)
    series = Series("", np.array([0.0, 10.0]), level, "learned", "dashed", error=error)
    _, at = drawn(Chart((series,), Axis("n", 0.0, 10.0), Axis("s", 1.0, 4.0, log)))
    for heights, banded in (([1.55, 1.9, 2.1, 2.45], True), ([1.43, 2.57], False)):
        for height in heights:
            assert (at(5.2, height) != DARK.color("background")) == banded, height


def test_a_point_above_the_axis_is_an_arrow_with_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    series = Series("sde", np.array([1.0, 2.0, 3.0]), np.array([160.0, 0.5, 0.2]), "error", "points")
    said = list[str]()
    write = TextItem.setText

    def noted(item: TextItem, text: str, *rest: Any) -> None:
        said.append(text)
        write(item, text, *rest)

    monkeypatch.setattr(TextItem, "setText", noted)
    for high, expected in ((200.0, []), (1.0, ["↑ 160"])):
        said.clear()
        drawn(Chart((series,), Axis("n", 0.0, 4.0), Axis("s", 0.0, high)))
        assert sorted({*said} - {""}) == expected


@pytest.mark.parametrize("name", ["t", "score evaluations"])
def test_the_name_of_an_axis_hides_no_number(name: str) -> None:
    series = Series("w2", np.array([5.0, 10.0, 20.0]), np.array([1.0, 0.5, 0.2]), "error")
    plot = Plot(None, figure_font(11), "background")
    plot.resize(BOX)
    plot.show(Chart.around("", (name, "W2"), [series], (True, True)), DARK, name)
    metrics = QFontMetricsF(figure_font(11))
    assert plot.x_name.text() == name
    labels = [(plot.box.mapViewToScene(QPointF(at, 0)).x(), label) for at, label in plot.labels[0] if label]
    free = plot.box.sceneBoundingRect().left() + plot.x_name.x()
    assert {"5", "10"} <= {label for _, label in labels}
    assert all(at + metrics.horizontalAdvance(label) / 2 < free for at, label in labels)


def test_the_lines_of_a_picture_are_as_wide_at_any_resolution(tmp_path: Path) -> None:
    """Those of pyqtgraph have a width in pixels."""
    series = Series("w2", np.array([0.0, 1.0]), np.array([0.5, 0.5]), "learned", width=4.0)
    chart = Chart((series,), Axis("x", 0.0, 1.0), Axis("y", 0.0, 1.0))
    widths = []
    for ratio in (1, 3):
        path = tmp_path / f"{ratio}.png"

        def paint(painter: QPainter) -> None:
            paint_chart(painter, BOX, chart, DARK)

        save_painting(paint, (400, 300), path, "", ratio)
        image = QImage(str(path))
        column = [image.pixelColor(200 * ratio, y) for y in range(40 * ratio, 280 * ratio)]
        widths.append(column.count(DARK.color("learned")) / ratio)
    assert widths == pytest.approx([4, 4], abs=1)


def test_a_chart_is_painted_in_a_thread_while_the_application_runs(qtbot: QtBot) -> None:
    """As a film is: its items are made in the application's thread, and the thread that asked for them waits."""
    found = list[tuple[QImage, QImage]]()

    def work() -> Iterator[None]:
        found.append((drawn(chart)[0], drawn(chart, LIGHT)[0]))
        yield

    chart = Chart.around("", ("n", "s"), [Series("w2", np.arange(9.0), np.arange(9.0), "learned")], (False, False))
    thread = Worker(work, "picture")
    thread.start()
    qtbot.waitUntil(thread.isFinished)
    assert thread.error is None
    assert found[0] == (drawn(chart)[0], drawn(chart, LIGHT)[0])


def test_a_thread_that_waits_for_a_chart_can_be_ended(qtbot: QtBot) -> None:
    """Nothing takes events here, as where the window waits for its threads when it closes."""
    chart = Chart.around("", ("n", "s"), [Series("w2", np.arange(9.0), np.arange(9.0), "learned")], (False, False))
    thread = Worker(lambda: iter([drawn(chart)]), "picture")
    thread.start()
    thread.requestInterruption()
    assert thread.wait(60_000)
    assert isinstance(thread.error, PictureError)


def test_the_line_of_doubling_begins_where_it_meets_what_is_measured() -> None:
    units = np.arange(2, 21)
    chart = cost_chart(Cost(units, np.maximum(1e-4, 6e-9 * 2.0**units), np.full(19, 1e-6), 1.0))
    line = chart.series[-1]
    assert line.kind == "dashed"
    assert line.y == pytest.approx([1e-4, 6e-9 * 2.0**chart.x.high])
    assert "measured ×2.00 a unit" in (chart.series[1].legend or "")


@pytest.mark.parametrize("size", [(240, 110), (260, 140), (320, 110), (420, 200), (600, 300)])
@pytest.mark.parametrize("factor", [1.7, 1.96, 2.2])
def test_the_names_in_the_cost_of_z_cross_nothing(size: tuple[int, int], factor: float) -> None:
    units = np.arange(2, 21)
    measured = np.maximum(1e-4, 6e-3 * factor ** (units - 20.0))
    chart = cost_chart(Cost(units, measured, np.full(19, 6e-6), 1.0))
    placed = laid_out(entries_of(chart), QFontMetricsF(figure_font(11)), size[0])
    assert [entry.text for _, entry in placed] == [
        "seconds",
        "exp(y'Wy/2) of one state",
        f"Z: measured ×{factor:.2f} a unit",
    ]
    boxes = [box for box, _ in placed]
    assert not any(one.intersects(other) for n, one in enumerate(boxes) for other in boxes[:n])
    assert all(box.left() >= 0 and box.right() <= size[0] for box in boxes)
    image = QImage(*size, QImage.Format.Format_RGB32)
    with QPainter(image) as painter:
        plot = paint_chart(painter, QRectF(image.rect()), chart, DARK)
    assert max(box.bottom() for box in boxes) < plot.top()


def test_captions_fit_below_their_patterns() -> None:
    """Eighteen patterns stand in rows of five; each has a fifth of the width of its box."""
    font = QFontMetricsF(figure_font(CAPTION))
    for value in (1.0, 0.142, 0.0582, 0.00537, 4.1e-4, 9.7e-5, 2.3e-5, 9.7e-7):
        assert font.horizontalAdvance(probability(value)) < (WIDTH / 3 - 40) / 5


@pytest.mark.parametrize("shape", [(14, 3, 3), (48, 2, 3), (1, 1, 16)])
def test_patterns_are_painted_inside_their_box_and_none_is_left_out(shape: tuple[int, ...]) -> None:
    image = QImage(300, 200, QImage.Format.Format_RGB32)
    image.fill(DARK.color("background"))
    painter = QPainter(image)
    patterns = [ShownPattern(one, "data") for one in np.ones(shape)]
    paint_patterns(painter, QRectF(20, 20, 260, 160), patterns, (math.ceil(shape[0] / 8), min(shape[0], 8)), DARK)
    painter.end()
    colors = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1)
    on = set(zip(*np.nonzero(np.equal(colors.T, DARK.color("data").rgb())), strict=True))
    assert all(20 <= x < 280 and 20 <= y < 180 for x, y in on)
    corners = [(x, y) for x, y in on if not {(x - 1, y), (x, y - 1)} & on]
    assert len(corners) == math.prod(shape)  # each pixel apart from the others


def test_a_pattern_s_first_row_is_painted_at_the_top() -> None:
    image = QImage(20, 20, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    paint_pixels(painter, QRectF(0, 0, 20, 20), np.array([[1, 0], [0, 0]]), DARK, "data")
    painter.end()
    assert QColor(image.pixel(5, 5)) == DARK.color("data")
    assert QColor(image.pixel(15, 5)) == QColor(image.pixel(5, 15)) == DARK.color("hover")
