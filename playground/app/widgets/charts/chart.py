"""The base of the charts in cards and dialogs: pyqtgraph in the program's colours and typeface, with keys, a menu and
descriptions for screen readers."""

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, QTimer, Slot
from PySide6.QtGui import (
    QAccessible,
    QContextMenuEvent,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from playground.app.style import theme
from playground.app.style.number_formats import format_number
from playground.app.style.painting import paint_box
from playground.app.style.text_size import px
from playground.app.widgets import layouts
from playground.app.widgets.charts.level_picture import paint_sentence
from playground.app.widgets.charts.library import library
from playground.app.widgets.charts.saving import copy, menu_of
from playground.drawing.legend import Entry, entries_of, laid_out, paint_legend
from playground.lab.chart import Chart, Series

if TYPE_CHECKING:
    from playground.drawing.plot import Plot

HEAD_PIXELS = 11
MARGIN = 2.0  # px around the plot, for the ring of the focus
ZOOM_STEP = 1.25
HOW = "<p>Drag to move, Ctrl and wheel to zoom, double-click to see all. A right click copies and saves.</p>"


class ChartView(QWidget):
    """Shows a chart; a line above the curves names them and says their values under the pointer.

    It draws only while it is visible. Left and Right move the cross-hair, plus and minus zoom, 0 shows all.

    Args:
        name: the name for screen readers and for proposed files.
        about: a description for the tooltip, in HTML.
        height: px of the whole chart.
        lines: number of lines for the entries above the curves in the narrowest column.
        falling: whether x decreases from left to right.
    """

    accessible_role = QAccessible.Role.Chart

    def __init__(self, name: str, about: str, height: int, lines: int = 1, falling: bool = False) -> None:
        super().__init__()
        self.chart: Chart | None = None
        self._given: Chart | None = None
        self._log: dict[int, bool] = {}  # of the x axis (0) and the y axis (1), as the user chose
        self._lines, self._falling = lines, falling
        self._pointed: float | None = None  # the x value under the cross-hair
        self.marked: float | None = None
        self._stale = False
        self._places: Sequence[tuple[float, float, str]] = ()
        self.provenance: Callable[[], str] = str  # what made the values, in the words of lab/provenance.py, for files
        self.empty_text = self._description = ""
        self.plot: Plot | None = None  # made when there is something to show
        self.setAccessibleName(name)
        self.setToolTip(about + HOW)
        self.setFixedHeight(px(height))
        self.setMinimumWidth(px(120))
        layouts.grow_across(self)
        library.loaded.connect(self._begin)

    # Content

    def set_provenance(self, provenance: Callable[[], str]) -> None:
        """Set what says what made the values."""
        self.provenance = provenance

    def show_chart(self, chart: Chart, description: str) -> None:
        """Show a chart. The cross-hair stops at the points of the first listed and measured series; others are read at
        the nearest point.

        Args:
            description: a description for screen readers.
        """
        self._given = chart
        self.chart = chart.with_scales(self._log)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.describe(description)
        self._draw()

    @property
    def series(self) -> tuple[Series, ...]:
        """What is shown."""
        return () if self.chart is None else self.chart.series

    def show_empty(self, sentence: str) -> None:
        """Show only this sentence."""
        if self.series or sentence != self.empty_text or self._description != sentence:
            self.empty_text, self.chart, self._given, self._pointed = sentence, None, None, None
            self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self.describe(sentence)
            self._draw()

    def mark(self, x: float | None) -> None:
        """Mark an x value, with the name :meth:`mark_name`. Moves of less than half a pixel are not painted."""
        before, plot = self.marked, self.plot
        if plot is not None and x and before and self.series and abs(plot.pixels(x) - plot.pixels(before)) < 0.5:
            return
        self.marked = x
        if plot is not None and self.series:
            plot.mark(x)
        if (x is None) != (before is None):
            self.update()

    def show_places(self, places: Sequence[tuple[float, float, str]]) -> None:
        """Mark points on the curves: x, y and colour."""
        self._places = places
        if self.plot is not None and self.series:
            self.plot.show_places(places, theme.palette())

    def describe(self, description: str) -> None:
        """Set the description for screen readers."""
        self._description = description
        if description != self.accessibleDescription():
            self.setAccessibleDescription(description)

    def apply_palette(self) -> None:
        self._draw()

    def apply_text_size(self) -> None:
        if self.plot is not None:
            self._place()
            self.plot.set_font(theme.number_font(HEAD_PIXELS))

    def mark_name(self) -> str:
        """The name of the mark above the curves."""
        return "now"

    def x_label(self) -> str:
        """The text at the end of the numbers below the x axis."""
        return "" if self.chart is None else self.chart.x.name

    def say_x(self, value: float) -> str:
        """An x value under the pointer, in words."""
        names = () if self.chart is None else self.chart.x.names
        return names[round(value)] if names else format_number(value)

    def say_y(self, value: float, error: float = 0.0) -> str:
        """A y value under the pointer in words, with its standard error if known."""
        return format_number(value)

    def entries(self) -> list[Entry]:
        """The entries above the curves."""
        if self.chart is None:
            return []
        if self._pointed is None:
            mark = [Entry(self.mark_name(), "particles", width=1.5)] * (self.marked is not None)
            return entries_of(self.chart) + mark
        found = [Entry(self.say_x(self._pointed))]
        for one in self.chart.listed:
            at = self.chart.nearest(one, self._pointed)
            said = self.say_y(float(one.y[at]), 0.0 if one.error is None else float(one.error[at]))
            found.append(Entry(f"{one.name} {said}", of=one))
        return found

    # Painting

    @Slot()
    def _begin(self) -> None:
        """Create the plot now and fill it after the next event; together they would take as long as three frames."""
        if self.series and self.plot is None and self.isVisible():
            self._make()
        QTimer.singleShot(0, self, self._draw)

    def _make(self) -> None:
        make = library.get()
        if make is not None:
            moved = functools.partial(self.point_at, None)
            self.plot = make(self, theme.number_font(HEAD_PIXELS), "raised", self._falling, moved)
            self.plot.view.viewport().installEventFilter(self)
            self._place()

    def _draw(self) -> None:
        """Pass the series to the plot: now if it is visible, else when it becomes visible."""
        self._stale = not self.isVisible()
        if self._stale:
            return
        self.update(0, 0, self.width(), self._head() if self.series else self.height())
        if self.series and self.plot is None:
            self._make()
        if self.plot is None:
            return
        self.plot.view.setVisible(bool(self.series))
        if self.series:
            self._fill(self.plot)
            self.plot.mark(self.marked)
            self.plot.show_places(self._places, theme.palette())
            self.point_at(self._pointed)

    def _fill(self, plot: "Plot") -> None:
        assert self.chart is not None
        plot.show(self.chart, theme.palette(), self.x_label())

    def _head(self) -> int:
        return round(MARGIN) + self._lines * round(QFontMetricsF(theme.number_font(HEAD_PIXELS)).height())

    def _place(self) -> None:
        if self.plot is not None:
            self.plot.resize(QRectF(self.rect()).adjusted(MARGIN, self._head(), -MARGIN, -MARGIN))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._draw()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            self._paint(painter)
            if self.hasFocus():
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                ring = QRectF(self.rect()).adjusted(0.5, self._head() - MARGIN + 0.5, -0.5, -0.5)
                paint_box(painter, ring, 4, line="accent")

    def _paint(self, painter: QPainter) -> None:
        if not self.series:
            paint_sentence(painter, QRectF(self.rect()), self.empty_text)
            return
        painter.setFont(theme.number_font(HEAD_PIXELS))
        paint_legend(painter, self.laid_out(), theme.palette(), "muted" if self._pointed is None else "text")

    def laid_out(self) -> list[tuple[QRectF, Entry]]:
        """The entries with their positions, in as many lines as they need."""
        return laid_out(self.entries(), QFontMetricsF(theme.number_font(HEAD_PIXELS)), self.width() - MARGIN)

    # The pointer and keys

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Handle mouse events of the plot: what it does not use goes to the column, which scrolls, and to the menu."""
        kind, plot = event.type(), self.plot
        if plot is None or kind == QEvent.Type.Leave:
            self._hover(None)
        elif kind == QEvent.Type.MouseButtonDblClick:
            plot.show_all()
            return True
        elif isinstance(event, QMouseEvent) and kind == QEvent.Type.MouseMove and not event.buttons():
            self._hover(plot.value(plot.view.mapToScene(event.position().toPoint())))
        refused = kind in (QEvent.Type.ContextMenu, QEvent.Type.ToolTip)
        if isinstance(event, QWheelEvent):
            refused = not event.modifiers() & Qt.KeyboardModifier.ControlModifier
        elif isinstance(event, QMouseEvent) and kind == QEvent.Type.MouseButtonPress:
            refused = event.button() != Qt.MouseButton.LeftButton
        if refused:
            event.ignore()  # it continues to the chart and its parents
        return refused

    def _hover(self, x: float | None) -> None:
        if x is None or self.chart is None:
            self.point_at(None)
        else:
            lead = self.chart.measured[0]
            self.point_at(float(lead.x[self.chart.nearest(lead, x)]))

    def point_at(self, x: float | None) -> None:
        """Move the cross-hair to an x value of the first series, or hide it."""
        changed, self._pointed = x != self._pointed, x
        if self.plot is not None and self.chart is not None:
            self.plot.point_at(x)
        if changed:
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, plot = event.key(), self.plot
        if plot is None or not self.series:
            super().keyPressEvent(event)
        elif event.matches(QKeySequence.StandardKey.Copy):
            copy(self)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._step(1 if (key == Qt.Key.Key_Right) != self._falling else -1)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            plot.zoom(1 / ZOOM_STEP if key == Qt.Key.Key_Minus else ZOOM_STEP)
        elif key == Qt.Key.Key_0:
            plot.show_all()
        else:
            super().keyPressEvent(event)

    def _step(self, by: int) -> None:
        """Move the cross-hair from point to point, and announce the values there."""
        assert self.chart is not None
        lead = self.chart.measured[0]
        last = len(lead.x) - 1
        here = (0 if by > 0 else last) if self._pointed is None else self.chart.nearest(lead, self._pointed) + by
        self.point_at(float(lead.x[min(max(here, 0), last)]))
        self.setAccessibleDescription(", ".join(entry.text for entry in self.entries()))

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.point_at(None)
        self.describe(self._description)

    # The menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.plot is None or not self.series:
            return
        menu = menu_of(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def set_log(self, side: int, log: bool) -> None:
        """Make the x axis (0) or the y axis (1) logarithmic or linear, whatever is shown."""
        self._log[side] = log
        self.chart = None if self._given is None else self._given.with_scales(self._log)
        self._draw()

    def paint_still(self, painter: QPainter) -> None:
        """Paint the whole chart without cross-hair or focus."""
        pointed = self._pointed
        self.point_at(None)
        painter.fillRect(self.rect(), theme.color("raised"))
        self._paint(painter)
        assert self.plot is not None
        self.plot.paint(painter, QRectF(self.plot.view.geometry()), painter.deviceTransform().m11())
        self.point_at(pointed)
