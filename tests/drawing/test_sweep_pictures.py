"""Pictures of a sweep, painted into images and files."""

import re
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from playground.drawing.chart_pictures import paint_chart
from playground.drawing.palette import DARK, LIGHT, Palette
from playground.drawing.render import PictureError
from playground.drawing.sweep_pictures import save_pictures
from playground.lab.chart import Axis, Chart, Series

X = np.array([5.0, 10.0, 20.0])
LINES = (
    Series("euler", X, np.array([1.0, 0.5, 0.2]), "", "points", error=np.array([0.2, 0.1, 0.05]), category=0),
    Series("heun", X, np.array([0.8, 0.3, 0.1]), "", "points", category=1),
    Series("floor", X[::2], np.array([0.05, 0.05]), "exact", "dashed"),
)
CHART = Chart.around("", ("score evaluations", "W2"), LINES, (True, True), note="and 2 more")
NAMED = Chart(
    (Series("W2", np.array([0.0, 1.0]), np.array([0.5, 0.2]), "", "points", category=0),),
    Axis("sampler", -0.5, 1.5, names=("euler", "heun")),
    CHART.y,
)
BOX = QRectF(10, 10, 580, 380)


def painted(chart: Chart, palette: Palette) -> QImage:
    image = QImage(600, 400, QImage.Format.Format_RGB32)
    image.fill(palette.color("background"))
    with QPainter(image) as painter:
        paint_chart(painter, BOX, chart, palette)
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


def test_pictures_are_written_as_png_svg_and_pdf(tmp_path: Path) -> None:
    saved = save_pictures({"w2": CHART, "named": NAMED}, tmp_path / "plots")
    assert [path.name for path in saved] == ["w2.png", "named.png"]
    assert QImage(str(tmp_path / "plots" / "w2.png")).width() == 1520
    svg = (tmp_path / "plots" / "w2.svg").read_text(encoding="utf-8")
    assert "score evaluations" in svg
    assert {"heun", "and 2 more"} <= set(re.findall(r">([^<>]+)</text>", svg))
    assert "<image" not in svg  # lines and marks stay sharp
    named = (tmp_path / "plots" / "named.svg").read_text(encoding="utf-8")
    assert {"euler", "heun", "sampler"} <= set(re.findall(r">([^<>]+)</text>", named))
    assert (tmp_path / "plots" / "named.pdf").read_bytes().startswith(b"%PDF")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PictureError, match="file"):
        save_pictures({"w2": CHART}, tmp_path / "file" / "plots")
