"""Pictures of a sweep, painted into images and files."""

import re
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from playground.drawing.chart_pictures import paint_chart
from playground.drawing.heat_map import HeatMap, cell_box, inside, paint_heat_map
from playground.drawing.palette import DARK, LIGHT, Palette
from playground.drawing.render import PictureError
from playground.drawing.sweep_pictures import save_pictures
from playground.lab.chart import Chart, Series

X = np.array([5.0, 10.0, 20.0])
LINES = (
    Series("euler", X, np.array([1.0, 0.5, 0.2]), "", "points", error=np.array([0.2, 0.1, 0.05]), category=0),
    Series("heun", X, np.array([0.8, 0.3, 0.1]), "", "points", category=1),
    Series("floor", X[::2], np.array([0.05, 0.05]), "exact", "dashed"),
)
CHART = Chart.around("", ("score evaluations", "W2"), LINES, (True, True), note="and 2 more")
VALUES = np.array([[1.0, 2.0, np.nan], [4.0, 8.0, 16.0]])
MAP = HeatMap(
    "steps", "sampler", "W2", ("5", "10", "20"), ("euler", "heun"), VALUES, VALUES / 10, True, np.zeros((2, 3), int)
)
BOX = QRectF(10, 10, 580, 380)


def painted(picture: Chart | HeatMap, palette: Palette) -> QImage:
    image = QImage(600, 400, QImage.Format.Format_RGB32)
    image.fill(palette.color("background"))
    with QPainter(image) as painter:
        if isinstance(picture, HeatMap):
            paint_heat_map(painter, BOX, picture, palette)
        else:
            paint_chart(painter, BOX, picture, palette)
    return image


def colors(image: QImage) -> set[str]:
    return {QColor(image.pixel(x, y)).name() for x in range(image.width()) for y in range(image.height())}


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda palette: palette.name)
def test_each_line_has_its_colour_and_a_band(palette: Palette) -> None:
    seen = colors(painted(CHART, palette))
    assert {palette.categories[0].lower(), palette.categories[1].lower(), palette.exact} <= seen
    assert palette.categories[2].lower() not in seen
    band = Series("", X, LINES[0].y, "", "points", category=0)
    assert len(seen) > len(colors(painted(Chart((band,), CHART.x, CHART.y), palette)))


def test_a_value_above_the_top_leaves_the_room_to_the_others() -> None:
    high = Series("sde", X, np.array([160.0, 0.5, 0.2]), "", "points", category=0)
    names = "score evaluations", "W2"
    assert Chart.around("", names, (high, *LINES[1:]), (True, True)).y.high > 160
    assert 1.0 < Chart.around("", names, (high, *LINES[1:]), (True, True), top=1.0).y.high < 1.5


def test_a_map_has_the_lowest_colour_at_its_least_and_the_highest_at_its_largest_number() -> None:
    image = painted(MAP, LIGHT)
    boxes = {
        (row, column): cell_box(inside(MAP, BOX), (2, 3), (row, column)) for row in range(2) for column in range(3)
    }
    assert all(BOX.contains(box) for box in boxes.values())
    assert not any(one.intersects(other) for n, one in enumerate(boxes.values()) for other in [*boxes.values()][:n])
    ends = {cell: box.bottomRight().toPoint() for cell, box in boxes.items()}
    corner = {cell: QColor(image.pixel(end.x() - 4, end.y() - 4)).name() for cell, end in ends.items()}
    assert corner[0, 0] == LIGHT.value_stops[0]
    assert corner[1, 2] == LIGHT.value_stops[-1]
    assert corner[0, 2] == LIGHT.border  # nothing is known there
    assert corner[1, 0] == LIGHT.value_stops[2]  # 4 lies in the middle of 1 and 16 by ratio


def test_pictures_are_written_as_png_svg_and_pdf(tmp_path: Path) -> None:
    saved = save_pictures({"w2": CHART, "map": MAP}, tmp_path / "plots")
    assert [path.name for path in saved] == ["w2.png", "map.png"]
    assert QImage(str(tmp_path / "plots" / "w2.png")).width() == 1520
    svg = (tmp_path / "plots" / "w2.svg").read_text(encoding="utf-8")
    assert "score evaluations" in svg
    assert {"heun", "and 2 more"} <= set(re.findall(r">([^<>]+)</text>", svg))
    assert "<image" not in svg  # lines and marks stay sharp
    assert (tmp_path / "plots" / "map.pdf").read_bytes().startswith(b"%PDF")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PictureError, match="file"):
        save_pictures({"w2": CHART}, tmp_path / "file" / "plots")
