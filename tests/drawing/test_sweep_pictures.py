"""Pictures of a sweep, painted into images and files."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from playground.drawing import sweep_plots
from playground.drawing.palette import DARK, LIGHT, Palette
from playground.drawing.sweep_plots import cell_at, paint_picture, save_pictures
from playground.lab.sweep.plots import HeatMap, Line, Lines, Picture

X = np.array([5.0, 10.0, 20.0])
LINES = Lines(
    "w2",
    "score evaluations",
    "W2",
    (
        Line("euler", X, np.array([1.0, 0.5, 0.2]), np.array([0.2, 0.1, 0.05]), 0),
        Line("heun", X, np.array([0.8, 0.3, 0.1]), np.zeros(3), 1),
        Line("floor", X[::2], np.array([0.05, 0.05]), np.zeros(2), -1, dashed=True),
    ),
    log_x=True,
    log_y=True,
)
VALUES = np.array([[1.0, 2.0, np.nan], [4.0, 8.0, 16.0]])
MAP = HeatMap("map", "steps", "sampler", "W2", ("5", "10", "20"), ("euler", "heun"), VALUES, VALUES / 10, log=True)
BOX = QRectF(10, 10, 580, 380)


def painted(picture: Picture, palette: Palette) -> QImage:
    image = QImage(600, 400, QImage.Format.Format_RGB32)
    image.fill(palette.color("background"))
    with QPainter(image) as painter:
        paint_picture(painter, BOX, picture, palette)
    return image


def colors(image: QImage) -> set[str]:
    return {QColor(image.pixel(x, y)).name() for x in range(image.width()) for y in range(image.height())}


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda palette: palette.name)
def test_each_line_has_its_colour_and_a_band(palette: Palette) -> None:
    seen = colors(painted(LINES, palette))
    assert {palette.categories[0].lower(), palette.categories[1].lower(), palette.exact} <= seen
    assert palette.categories[2].lower() not in seen


def test_a_value_above_the_top_is_marked_and_the_others_have_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    high = Line("sde", X, np.array([160.0, 0.5, 0.2]), np.zeros(3), 0)
    marked, axes = [], []
    mark, chart = sweep_plots._paint_beyond, sweep_plots.paint_chart
    monkeypatch.setattr(sweep_plots, "_paint_beyond", lambda *of: (marked.append(of), mark(*of)))
    monkeypatch.setattr(sweep_plots, "paint_chart", lambda *of: (axes.append(of[4]), chart(*of))[1])
    lines = dataclasses.replace(LINES, lines=(high, *LINES.lines[1:]))
    painted(lines, LIGHT)
    assert not marked
    assert axes[0].high > 160
    painted(dataclasses.replace(lines, top=1.0), LIGHT)
    ((_, at, value, _),) = marked
    assert value == 160
    assert axes[1].high < 1.5
    assert BOX.left() < at.x() < BOX.center().x()
    assert at.y() < BOX.top() + 40


def test_the_name_of_an_axis_hides_no_number() -> None:
    """A long name stands below the numbers, and a short one beside them if there is room."""
    written: list[tuple[float, str]] = []

    class Painter(QPainter):
        def drawText(self, box, *rest):
            if isinstance(box, QRectF):
                written.append((box.top(), rest[-1]))
            super().drawText(box, *rest)

    for name, last, below in (("score evaluations", 20.0, True), ("t", 15.0, False)):
        written.clear()
        image = QImage(600, 400, QImage.Format.Format_RGB32)
        image.fill(LIGHT.color("background"))
        with Painter(image) as painter:
            line = dataclasses.replace(LINES.lines[0], x=np.array([5.0, 10.0, last]))
            paint_picture(painter, BOX, dataclasses.replace(LINES, x=name, lines=(line,)), LIGHT)
        tops = {text: top for top, text in written}
        assert {"5", "10", *(["20"] if below else [])} <= set(tops)
        assert (tops[name] > tops["10"] + 5) == below


def test_a_map_has_the_lowest_colour_at_its_least_and_the_highest_at_its_largest_number() -> None:
    image = painted(MAP, LIGHT)
    places = {cell_at(MAP, BOX, x, y): (x, y) for x in range(0, 600, 3) for y in range(0, 400, 3)}
    assert set(places) == {None, *((row, column) for row in range(2) for column in range(3))}
    corner = {cell: QColor(image.pixel(x - 4, y - 4)).name() for cell, (x, y) in places.items() if cell}
    assert corner[0, 0] == LIGHT.value_stops[0]
    assert corner[1, 2] == LIGHT.value_stops[-1]
    assert corner[0, 2] == LIGHT.border  # nothing is known there
    assert corner[1, 0] == LIGHT.value_stops[2]  # 4 lies in the middle of 1 and 16 by ratio


def test_pictures_are_written_as_png_svg_and_pdf(tmp_path: Path) -> None:
    assert [path.name for path in save_pictures([LINES, MAP], tmp_path / "plots")] == ["w2.png", "map.png"]
    assert QImage(str(tmp_path / "plots" / "w2.png")).width() == 1520
    svg = (tmp_path / "plots" / "w2.svg").read_text(encoding="utf-8")
    assert "score evaluations" in svg
    assert "heun" in svg
    assert (tmp_path / "plots" / "map.pdf").read_bytes().startswith(b"%PDF")
