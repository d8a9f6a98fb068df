"""Draws charts by pyqtgraph: in the window, and without one for files.

Its import takes 0.15 to 0.25 s: the window loads it after the first paint, the command line when a chart is asked for.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.ma  # numpy loads these two at first use, which would be at the first chart in the GUI thread
import numpy.random
import pyqtgraph
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QGraphicsSimpleTextItem, QWidget

from playground.drawing.color_scale import number
from playground.drawing.legend import color_of, mark_of
from playground.drawing.palette import Palette
from playground.lab.chart import Chart, Series

TICK_ROOM = (3.6, 1.65)  # heights of the letters, least room for a label of the x and of the y axis
ZOOM = 1e4  # largest zoom
LIMITS = "xMin", "xMax", "yMin", "yMax", "minXRange", "minYRange"
BAR = 0.55  # opacity of bars
BAND = 0.25  # opacity of a band of standard errors
THIN_SPACE = "\u202f"


class Plot:
    """Axes and curves in one view. Its items are made once and get new data, because new items leak (pyqtgraph #2665).

    Coordinates are those of :meth:`Axis.bend`.

    Args:
        parent: the widget of the view; None for a picture.
        font: of the labels.
        ground: the token of the colour behind the curves.
        falling: whether x decreases from left to right.
        moved: called when the user has zoomed or panned.
    """

    def __init__(
        self,
        parent: QWidget | None,
        font: QFont,
        ground: str,
        falling: bool = False,
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        self.view = pyqtgraph.GraphicsView(parent)
        for widget in (self.view, self.view.viewport()):
            widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the chart has it, and only by Tab
        self.box = pyqtgraph.ViewBox(enableMenu=False, invertX=falling)
        self.box.disableAutoRange()
        self.axes = tuple(pyqtgraph.AxisItem(side, linkView=self.box, maxTickLength=0) for side in ("bottom", "left"))
        self._layout = layout = pyqtgraph.GraphicsLayout()
        layout.setContentsMargins(0, 3, 8, 0)
        layout.setSpacing(0)
        layout.addItem(self.axes[1], 0, 0)
        layout.addItem(self.box, 0, 1)
        layout.addItem(self.axes[0], 1, 1)
        self.view.setCentralItem(layout)
        for axis, offset in zip(self.axes, (3, 4), strict=True):
            axis.enableAutoSIPrefix(False)  # otherwise it sets its empty label again at each change of range
            axis.setStyle(tickAlpha=255, hideOverlappingLabels=False, tickTextOffset=offset)
            axis.setZValue(-1000)  # the grid is below the curves
        self.x_name = QGraphicsSimpleTextItem(self.axes[0])
        self._ground, self._fineness = ground, 1.0
        self._chart: Chart | None = None
        self.set_font(font)
        self._palette: Palette | None = None
        self._x_label = ""
        self._drawn: dict[str, Series] = {}
        self._items: dict[tuple[str, str], Any] = {}  # by part and series
        self._cross = self._upright()
        self._mark = self._upright()
        self._spots = self._added(pyqtgraph.ScatterPlotItem(size=7, pen=pyqtgraph.mkPen(None)))
        for above, item in enumerate((self._mark, self._cross, self._spots)):
            item.setZValue(1 + above)  # the curves
        self.labels: tuple[list[tuple[float, str]], ...] = [], []  # of the x and the y axis, each with its position
        self._places = self._added(pyqtgraph.ScatterPlotItem(size=9, pen=pyqtgraph.mkPen(None)))
        self._places.setZValue(4)
        self._moved = moved
        self._image: pyqtgraph.ImageItem | None = None
        self.scaled = True  # whether the axes have labels
        self.zoomed = False
        if parent is not None:  # a picture is made without slots, in which a Ctrl+C would be lost
            self.box.sigRangeChangedManually.connect(self._by_hand)
            self.box.sigResized.connect(self._label)

    def show(self, chart: Chart, palette: Palette, x_label: str) -> None:
        """Show a chart, in the range that the user zoomed to, or else completely.

        Args:
            x_label: the text at the end of the numbers below the x axis.
        """
        before, self._chart, self._x_label = self._chart, chart, x_label
        for name in self._drawn.keys() - {one.name for one in chart.series}:
            del self._drawn[name]
            self._hide(name)
        if palette != self._palette:
            self._color(palette)
        moved = before is None or before.axes != chart.axes
        if moved or palette != self._palette:
            self._drawn.clear()
        self._palette = palette
        for one in chart.series:
            if not one.looks_like(self._drawn.get(one.name)):
                self._show(one, palette)
                self._drawn[one.name] = one
        same = before is not None and [(one.name, one.log) for one in before.axes] == [
            (one.name, one.log) for one in chart.axes
        ]
        if not (same and self.zoomed):
            self.show_all()
        elif moved:
            self._limit()
            self._label()

    def show_image(self, pixels: np.ndarray, chart: Chart, palette: Palette) -> None:
        """Show an image (rows, columns, 4) over the whole of a chart's axes, without labels."""
        self.scaled, self._chart, self._palette = False, chart, palette
        self._color(palette)
        for axis in self.axes:
            axis.hide()
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.layout.activate()
        if self._image is None:
            self._image = self._added(pyqtgraph.ImageItem(axisOrder="row-major"))
            self._image.setZValue(-1)
            self.box.invertY(True)
        self._image.setImage(pixels, autoLevels=False, levels=None)
        self._image.setRect(*(axis.low for axis in chart.axes), *(axis.high - axis.low for axis in chart.axes))
        if not self.zoomed:
            self.show_all()

    def set_font(self, font: QFont) -> None:
        """Label the axes in this font."""
        self._metrics, self._font = QFontMetricsF(font), font
        for axis in self.axes:
            axis.setStyle(tickFont=font)
        self.axes[0].setHeight(round(self._metrics.height()) + 3)
        self.x_name.setFont(font)
        if self._chart is not None:
            self._label()

    def line(self, name: str) -> pyqtgraph.PlotDataItem:
        """The item that draws the line of a series."""
        return self._items["line", name]

    def show_all(self) -> None:
        """Show the whole of both axes."""
        if self.zoomed:
            self.zoomed = False
            self.box.setLimits(**dict.fromkeys(LIMITS))
        across, up = self._ends()
        self.box.setRange(xRange=across, yRange=up, padding=0)
        self._label()

    def resize(self, box: QRectF) -> None:
        """Take the place of a box."""
        self.view.setGeometry(box.toRect())
        if not self.view.isVisible():
            self.view.resizeEvent(None)  # which comes only when it is shown

    def paint(self, painter: QPainter, box: QRectF, fineness: float) -> None:
        """Paint what is in view into a box of so many pixels per unit."""
        self._pens_for(fineness)
        self.view.render(painter, box, self.view.rect())
        self._pens_for(1.0)

    def _pens_for(self, fineness: float) -> None:
        """Make lines as wide as they should be in so many pixels per unit: those of pyqtgraph do not grow."""
        palette = self._palette
        if fineness != self._fineness and self.scaled and self._chart is not None and palette is not None:
            self._fineness, self._palette = fineness, None
            self.show(self._chart, palette, self._x_label)

    def _pen(self, color: QColor, width: float = 1.0) -> QPen:
        pen = QPen(color, width * self._fineness)
        pen.setCosmetic(True)
        return pen

    def zoom(self, factor: float) -> None:
        """Zoom in by this factor."""
        self.box.scaleBy((1 / factor, 1 / factor))
        self._by_hand()

    def value(self, at: QPointF) -> float | None:
        """The x value at a position in the view; None outside the plot, except for a few pixels."""
        if self._chart is None or not self.box.sceneBoundingRect().adjusted(-4, -4, 4, 4).contains(at):
            return None
        return float(self._chart.x.unbend(self.box.mapSceneToView(at).x()))

    def pixels(self, x: float) -> float:
        """The distance of an x value from the view's left edge, in pixels; nan before anything is shown."""
        if self._chart is None:
            return math.nan
        return float(self.box.mapViewToScene(QPointF(float(self._chart.x.bend(x)), 0)).x())

    def mark(self, x: float | None) -> None:
        """Draw a line through this x value."""
        self._mark.setVisible(x is not None)
        if x is not None and self._chart is not None:
            low, high = self._ends()[0]
            self._mark.setValue(min(max(float(self._chart.x.bend(x)), low), high))

    def show_places(self, spots: Sequence[tuple[float, float, str]], palette: Palette) -> None:
        """Mark points (x, y, colour) on the curves."""
        if self._chart is None:
            return
        self._places.setPen(self._pen(palette.color("text"), 1.5))
        self._scatter(self._places, [(x, y, palette.color(color)) for x, y, color in spots])

    def point_at(self, x: float | None) -> None:
        """Put the cross-hair at this x value, with spots on the curves that are measured."""
        self._cross.setVisible(x is not None)
        self._spots.setVisible(x is not None and self.scaled)
        if x is None or self._chart is None or self._palette is None:
            return
        self._cross.setValue(float(self._chart.x.bend(x)))
        spots = [(one, self._chart.nearest(one, x)) for one in self._chart.measured]
        self._scatter(self._spots, [(one.x[at], one.y[at], color_of(one, self._palette)) for one, at in spots])

    def _scatter(self, item: pyqtgraph.ScatterPlotItem, spots: Sequence[tuple[float, float, QColor]]) -> None:
        assert self._chart is not None
        places = zip(self._chart.axes, np.array([spot[:2] for spot in spots]).reshape(-1, 2).T, strict=True)
        item.setData(*(axis.bend(at) for axis, at in places), brush=[spot[2] for spot in spots])

    # Items

    def _show(self, one: Series, palette: Palette) -> None:
        assert self._chart is not None
        self._hide(one.name)
        across, up = self._chart.axes
        x, y, color = across.bend(one.x), up.bend(one.y), color_of(one, palette, one.alpha)
        if one.kind == "bars":
            bars = self._item(
                "bars", one.name, lambda: pyqtgraph.BarGraphItem(x=[0], height=[0], width=1, pen=pyqtgraph.mkPen(None))
            )
            width, low = 0.92 * float(np.diff(x).mean()), self._ends()[1][0]
            bars.setOpts(x=x, y0=low, height=y - low, width=width, brush=color_of(one, palette, BAR))
            return
        if one.error is not None:
            band = self._item(
                "band", one.name, lambda: pyqtgraph.PlotCurveItem(fillLevel="enclosed", antialias=True, pen=None)
            )
            below, above = up.bend(one.y - one.error), up.bend(one.y + one.error)
            edge = np.concatenate([below, above[::-1]])
            band.setData(np.concatenate([x, x[::-1]]), edge, brush=color_of(one, palette, BAND))
        pen = self._pen(color, one.width)
        if one.kind == "dashed":
            pen.setDashPattern([3, 3])
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        mark, size = mark_of(one)
        rim = None if one.category is None else self._pen(palette.color(self._ground), 0.8)
        spots = {"symbol": mark, "symbolSize": 2 * size, "symbolBrush": color, "symbolPen": rim}
        line = None if one.kind == "dots" else pen
        self._item("line", one.name, _line).setData(x, y, pen=line, **({} if mark is None else spots))
        over = (one.y > up.high) & (one.kind == "points")
        for place, value in zip(x[over].tolist(), one.y[over].tolist(), strict=True):
            beyond = self._item(f"beyond {place}", one.name, lambda: pyqtgraph.TextItem(anchor=(0.1, 0)))
            beyond.setText(f"↑ {number(value)}", color)
            beyond.setFont(self._font)
            beyond.setPos(place, self._ends()[1][1])

    def _hide(self, name: str) -> None:
        for (_, of), item in self._items.items():
            if of == name:
                item.setVisible(False)

    def _item(self, role: str, name: str, make: Callable[[], Any]) -> Any:
        """The item for a part of a series, made at first use."""
        if (role, name) not in self._items:
            self._items[role, name] = self._added(make())
        item = self._items[role, name]
        item.setVisible(True)
        return item

    def _added(self, item: Any) -> Any:
        self.box.addItem(item, ignoreBounds=True)
        return item

    def _upright(self) -> Any:
        line = self._added(pyqtgraph.InfiniteLine(angle=90, movable=False))
        line.setVisible(False)
        return line

    def _color(self, palette: Palette) -> None:
        self.view.setBackground(palette.color(self._ground))
        for axis in self.axes:
            axis.setPen(pyqtgraph.mkPen(None))
            axis.setTickPen(self._pen(palette.color("border")))
            axis.setTextPen(palette.color("muted"))
        self.x_name.setBrush(palette.color("muted"))
        self._cross.setPen(self._pen(palette.color("muted")))
        self._mark.setPen(self._pen(palette.color("particles"), 1.5))

    # Range

    def _ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        assert self._chart is not None
        across, up = (tuple(axis.bend([axis.low, axis.high]).tolist()) for axis in self._chart.axes)
        return across, up

    def _limit(self) -> None:
        """Limit the view: nothing lies beyond the ends of x, but single points may lie beyond those of y."""
        (left, right), (low, high) = self._ends()
        span = high - low
        ends = left, right, low - span, high + span, (right - left) / ZOOM, span / ZOOM
        self.box.setLimits(**dict(zip(LIMITS, ends, strict=True)))

    def _by_hand(self) -> None:
        self.zoomed = True
        self._limit()
        self._label()
        self._moved()

    def _label(self) -> None:
        """Label the part of both axes that is in view."""
        if self._chart is None or not self.scaled:
            return
        up = self._marks(1, self.box.height())
        wide = max([self._metrics.horizontalAdvance(label) for _, label in up], default=0.0) + 6
        if wide != self.axes[1].maximumWidth():
            self.axes[1].setWidth(wide)
            self._layout.layout.activate()  # at once, because the pointer is read by the axes' positions
        length = self.box.width()
        self.x_name.setText(self._metrics.elidedText(self._x_label, Qt.TextElideMode.ElideRight, length / 2))
        (low, high), free = self.box.viewRange()[0], length - self.x_name.boundingRect().width() - 4
        across = []
        for place, label in self._marks(0, length):  # the axis's name ends the row
            share = (place - low) / (high - low)
            middle = length * (1 - share if self.box.xInverted() else share)
            across.append((place, label if middle + self._metrics.horizontalAdvance(label) / 2 < free else ""))
        for axis, old, new, reach in zip(
            self.axes, self.labels, (across, up), (self.box.height(), length), strict=True
        ):
            if new != old:
                axis.setTicks([new])
            if axis.style["tickLength"] != -round(reach):
                axis.setStyle(tickLength=-round(reach))  # a grid; pyqtgraph's own hides the labels at both ends
        self.labels = across, up
        self.x_name.setPos(free + 4, 3)

    def _marks(self, side: int, length: float) -> list[tuple[float, str]]:
        """The positions of the labels on an axis of this length."""
        assert self._chart is not None
        axis = self._chart.axes[side]
        low, high = axis.unbend(self.box.viewRange()[side]).tolist()
        part = dataclasses.replace(axis, low=low, high=high)
        for most in range(max(2, int(length // (TICK_ROOM[side] * self._metrics.height()))), 0, -1):
            marks = [(float(part.bend(value)), _grouped(label)) for value, label in part.marks(most)]
            gaps = np.diff([place for place, _ in marks]) * length / abs(np.diff(self.box.viewRange()[side])[0])
            widest = max([self._metrics.horizontalAdvance(label) for _, label in marks], default=0.0)
            if side or not (gaps < widest + 8).any():
                break
        return marks


def _grouped(label: str) -> str:
    return f"{int(label):,}".replace(",", THIN_SPACE) if label.isdecimal() else label


def _line() -> pyqtgraph.PlotDataItem:
    line = pyqtgraph.PlotDataItem(antialias=True, autoDownsample=True, clipToView=True, downsampleMethod="mean")
    line.opts["autoDownsampleFactor"] = 1.0  # one point per pixel
    line.opts["useCache"] = False  # marks made of pixels would be coarse in files
    return line
