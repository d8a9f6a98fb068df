"""The base of the charts in cards and dialogs: pyqtgraph in the program's colours and typeface, with keys, a menu and
descriptions for screen readers."""

import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, QTimer, Slot
from PySide6.QtGui import (
    QAccessible,
    QContextMenuEvent,
    QFocusEvent,
    QFontMetrics,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from playground.app.model.preferences import Preferences
from playground.app.style import theme
from playground.app.style.number_formats import format_number
from playground.app.style.text_size import px
from playground.app.widgets import file_prompts
from playground.app.widgets.charts.library import library
from playground.app.widgets.charts.series import Series
from playground.drawing.charts import Axis, axis_around
from playground.drawing.palette import DARK, Palette
from playground.drawing.render import PROVENANCE
from playground.drawing.vectors import SUFFIXES, drawing
from playground.lab.atomic import atomic_write
from playground.lab.csv_table import write_rows

if TYPE_CHECKING:
    from playground.app.widgets.charts.plot import Plot

HEAD_PIXELS = 11
MARGIN = 2.0  # px around the plot, for the ring of the focus
GAP = 10  # px between two entries above the curves
ZOOM_STEP = 1.25
HOW = "<p>Drag to move, Ctrl and wheel to zoom, double-click to see all. A right click copies and saves.</p>"
SWATCH = 12.0  # px of the line segment beside its name
FILES = {"png": "Pictures", "svg": "Drawings", "pdf": "Documents", "csv": "Comma-separated values"}


class Entry(NamedTuple):
    """Words above the curves, and the swatch beside them: the kind of a series, "upright", or "" for none."""

    color: str
    text: str
    kind: str = ""
    width: float = 2.0


class Chart(QWidget):
    """Curves over two axes; a line above names them and shows their values under the pointer.

    It draws only while it is visible. Left and Right move the cross-hair, plus and minus zoom, 0 shows all.

    Args:
        name: the name for screen readers and for proposed files.
        about: a description for the tooltip, in HTML.
        height: px of the whole chart.
        lines: number of lines for the entries above the curves in the narrowest column.
        falling: whether x decreases from left to right.
    """

    accessible_role = QAccessible.Role.Chart

    def __init__(
        self, name: str, about: str, height: int, lines: int = 1, falling: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.tokens = DARK
        self.series: Sequence[Series] = ()
        self._axes: tuple[Axis, Axis] | None = None  # as they were given
        self._log: dict[int, bool] = {}  # as the user chose them, by the number of the axis
        self._lines, self._falling = lines, falling
        self._pointed: float | None = None  # the x value under the cross-hair
        self.marked: float | None = None
        self._stale = False
        self._told: Callable[[], str] = str
        self.empty_text = self._description = ""
        self.plot: Plot | None = None  # made when there is something to show
        self.setAccessibleName(name)
        self.setToolTip(about + HOW)
        self.setFixedHeight(px(height))
        self.setMinimumWidth(px(120))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        library.loaded.connect(self._begin)

    # Content

    def set_provenance(self, provenance: Callable[[], str]) -> None:
        """Let saved pictures contain what made the values, in the words of :mod:`playground.lab.provenance`."""
        self._told = provenance

    def provenance(self) -> str:
        """What made the values."""
        return self._told()

    def show_series(self, series: Sequence[Series], x: Axis, y: Axis, description: str) -> None:
        """Show these series, the first one at the bottom. The cross-hair stops at the points of the first listed and
        measured series; others are read at the nearest point.

        Args:
            description: a description for screen readers.
        """
        self.series, self._axes = series, (x, y)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.describe(description)
        self._draw()

    @property
    def axes(self) -> tuple[Axis, Axis] | None:
        """Both axes, logarithmic if the user chose so; None before anything was shown."""
        return None if self._axes is None else (self._axis(0), self._axis(1))

    def show_empty(self, sentence: str) -> None:
        """Show only this sentence."""
        if self.series or sentence != self.empty_text or self._description != sentence:
            self.empty_text, self.series, self._pointed = sentence, (), None
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

    def describe(self, description: str) -> None:
        """Set the description for screen readers."""
        self._description = description
        if description != self.accessibleDescription():
            self.setAccessibleDescription(description)

    def apply_palette(self, palette: Palette) -> None:
        self.tokens = palette
        self._draw()

    def apply_text_size(self) -> None:
        if self.plot is not None:
            self._place()
            self.plot.apply_text_size()

    def mark_name(self) -> str:
        """The name of the mark above the curves."""
        return "now"

    def x_label(self) -> str:
        """The text at the end of the numbers below the x axis."""
        assert self._axes is not None
        return self._axes[0].name

    def say_x(self, value: float) -> str:
        """An x value under the pointer, in words."""
        return format_number(value)

    def say_y(self, value: float, error: float = 0.0) -> str:
        """A y value under the pointer in words, with its standard error if known."""
        return format_number(value)

    def entries(self) -> list[Entry]:
        """The entries above the curves."""
        assert self._axes is not None
        if self._pointed is None:
            found = [Entry("muted", self._axes[1].name)]
            found += [Entry(one.color, one.legend or one.name, one.kind, one.width) for one in self._listed()]
            return found + [Entry("particles", self.mark_name(), "upright", 1.5)] * (self.marked is not None)
        found = [Entry("text", self.say_x(self._pointed))]
        for one in self._listed():
            at = self.nearest(one, self._pointed)
            said = self.say_y(float(one.y[at]), 0.0 if one.error is None else float(one.error[at]))
            found.append(Entry(one.color, f"{one.name} {said}", one.kind, one.width))
        return found

    def nearest(self, one: Series, x: float) -> int:
        """The index of the point nearest to an x value in the axis's scale."""
        axis = self._axis(0)
        with np.errstate(divide="ignore"):
            return int(np.abs(axis.bend(one.x) - axis.bend(np.array(x))).argmin())

    def _listed(self) -> list[Series]:
        return [one for one in self.series if one.legend != "" and len(one.x)]

    def _lead(self) -> Series:
        """The series at whose points the cross-hair stops."""
        return next(one for one in self._listed() if one.kind != "dashed")

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
            self.plot = make(self, self._falling, functools.partial(self.point_at, None))
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
        if self.series and self._axes is not None:
            self._fill(self.plot)
            self.plot.mark(self.marked)
            self.point_at(self._pointed)

    def _fill(self, plot: "Plot") -> None:
        plot.show(self.series, self._axis(0), self._axis(1), self.tokens, self.x_label())

    def _axis(self, side: int) -> Axis:
        """An axis as it was given or, if the user chose the other scale, around the shown values."""
        assert self._axes is not None
        given, log = self._axes[side], self._log.get(side)
        if log is None or log == given.log or not self._can_be_log(side):
            return given
        return axis_around([(one.x, one.y)[side] for one in self.series], given.name, log)

    def _can_be_log(self, side: int) -> bool:
        values = np.concatenate([(one.x, one.y)[side] for one in self.series])
        return bool(len(values) and np.nanmin(values) >= 0 and np.nanmax(values) > 0)

    def _head(self) -> int:
        return round(MARGIN) + self._lines * QFontMetrics(theme.number_font(HEAD_PIXELS)).height()

    def _place(self) -> None:
        if self.plot is not None:
            inside = QRectF(self.rect()).adjusted(MARGIN, self._head(), -MARGIN, -MARGIN)
            self.plot.view.setGeometry(inside.toRect())

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
                painter.setPen(QPen(self.tokens.color("accent"), 1))
                ring = QRectF(self.rect()).adjusted(0.5, self._head() - MARGIN + 0.5, -0.5, -0.5)
                painter.drawRoundedRect(ring, 4, 4)

    def _paint(self, painter: QPainter) -> None:
        if not self.series:
            painter.setFont(theme.text_font(theme.CAPTION_PIXELS))
            painter.setPen(self.tokens.color("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(8, 0, -8, 0), flags, self.empty_text)
            return
        painter.setFont(theme.number_font(HEAD_PIXELS))
        for box, entry in self.laid_out():
            painter.setPen(self.tokens.color("muted" if self._pointed is None else "text"))
            painter.drawText(box, Qt.AlignmentFlag.AlignRight, entry.text)
            self._paint_swatch(painter, QRectF(box.left(), box.top(), SWATCH, box.height()), entry)

    def _paint_swatch(self, painter: QPainter, box: QRectF, entry: Entry) -> None:
        """The piece of a line or bar beside an entry, so that series differ without colour."""
        middle = round(box.center().y()) + 0.5
        pen = QPen(self.tokens.color(entry.color), entry.width)
        if entry.kind == "bars":
            painter.fillRect(QRectF(box.left() + 2, middle - 4, 8, 8), pen.color())
        elif entry.kind == "upright":
            painter.setPen(pen)
            painter.drawLine(QPointF(box.center().x(), middle - 5), QPointF(box.center().x(), middle + 5))
        elif entry.kind:
            if entry.kind == "dashed":
                pen.setDashPattern([2, 2])
            painter.setPen(pen)
            painter.drawLine(QPointF(box.left(), middle), QPointF(box.right(), middle))
            if entry.kind == "points":
                painter.setBrush(pen.color())
                painter.drawEllipse(box.center(), 2, 2)

    def laid_out(self) -> list[tuple[QRectF, Entry]]:
        """The entries with their positions, in as many lines as they need."""
        metrics = QFontMetrics(theme.number_font(HEAD_PIXELS))
        left, top, found = 0.0, 0.0, []
        for entry in self.entries():
            width = metrics.horizontalAdvance(entry.text) + (SWATCH + 4 if entry.kind else 0) + 1
            if left and left + width > self.width() - MARGIN:
                left, top = 0.0, top + metrics.height()
            found.append((QRectF(left, top, width, metrics.height()), entry))
            left += width + GAP
        return found

    # The pointer and keys

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Handle mouse events of the plot: what it does not use goes to the column, which scrolls, and to the menu."""
        kind, plot = event.type(), self.plot
        if plot is None or kind == QEvent.Type.Leave:
            self._hover(None)
        elif kind == QEvent.Type.MouseButtonDblClick:
            plot.show_all()
            return True
        elif isinstance(event, QMouseEvent) and kind == QEvent.Type.MouseMove:
            if not event.buttons():
                self._hover(plot.value(plot.view.mapToScene(event.position().toPoint())))
        elif isinstance(event, QWheelEvent):
            return self._refuses(event, not event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        elif isinstance(event, QMouseEvent) and kind == QEvent.Type.MouseButtonPress:
            return self._refuses(event, event.button() != Qt.MouseButton.LeftButton)
        return self._refuses(event, kind in (QEvent.Type.ContextMenu, QEvent.Type.ToolTip))

    def _refuses(self, event: QEvent, refused: bool) -> bool:
        """Let an ignored event continue to the chart and its parents."""
        if refused:
            event.ignore()
        return refused

    def _hover(self, x: float | None) -> None:
        if x is None or not self.series:
            self.point_at(None)
        else:
            lead = self._lead()
            self.point_at(float(lead.x[self.nearest(lead, x)]))

    def point_at(self, x: float | None) -> None:
        """Move the cross-hair to an x value of the first series, or hide it."""
        changed, self._pointed = x != self._pointed, x
        if self.plot is not None and self.series:
            spots = list[tuple[float, float, str]]()
            if x is not None:
                measured = [one for one in self._listed() if one.kind != "dashed"]
                nearest = [self.nearest(one, x) for one in measured]
                spots = [(one.x[at], one.y[at], one.color) for one, at in zip(measured, nearest, strict=True)]
            self.plot.point_at(x, spots, self.tokens)
        if changed:
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, plot = event.key(), self.plot
        if plot is None or not self.series:
            super().keyPressEvent(event)
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
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
        lead = self._lead()
        last = len(lead.x) - 1
        here = (0 if by > 0 else last) if self._pointed is None else self.nearest(lead, self._pointed) + by
        self.point_at(float(lead.x[min(max(here, 0), last)]))
        self.setAccessibleDescription(", ".join(entry.text for entry in self.entries()))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.point_at(None)
        self.describe(self._description)
        self.update()

    # The menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.plot is None or not self.series:
            return
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def menu(self) -> QMenu:
        """The context menu of the chart."""
        plot = self.plot
        assert plot is not None
        assert self._axes is not None
        menu = QMenu(self)
        menu.addAction("Copy picture", self.copy)
        for suffix in FILES:
            menu.addAction(f"Save {suffix.upper()}…", functools.partial(self.ask_and_save, suffix))
        menu.addSeparator()
        for side, given in enumerate(self._axes if plot.scaled else ()):
            action = menu.addAction(f"Logarithmic {given.name}")
            action.setCheckable(True)
            action.setChecked(self._axis(side).log)
            action.setEnabled(self._can_be_log(side))
            action.triggered.connect(lambda log, side=side: self.set_log(side, log))
        menu.addSeparator()
        menu.addAction("Show all", plot.show_all).setEnabled(plot.zoomed)
        return menu

    def set_log(self, side: int, log: bool) -> None:
        """Make the x axis (0) or the y axis (1) logarithmic or linear."""
        self._log[side] = log
        self._draw()

    def picture(self) -> QImage:
        """The whole chart at twice the pixels of the screen, without cross-hair or focus."""
        ratio = 2 * self.devicePixelRatioF()
        image = QImage(self.size() * ratio, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        with QPainter(image) as painter:
            self._paint_still(painter)
        return image

    def copy(self) -> None:
        """Copy the picture."""
        QGuiApplication.clipboard().setImage(self.picture())

    def ask_and_save(self, suffix: str) -> None:
        """Ask for a name, and save in the format of its suffix."""
        name = f"{self.accessibleName().lower().replace(' ', '-')}.{suffix}"
        preferences = Preferences()
        proposed = str(preferences.propose(None, name))
        chosen, _ = file_prompts.save_name(self, "Save chart", proposed, f"{FILES[suffix]} (*.{suffix})")
        path = file_prompts.completed(self, chosen, [f".{suffix}"], f".{suffix}") if chosen else None
        if path is not None:
            self.save(path)
            preferences.remember_folder(path)

    def save(self, path: Path) -> None:
        """Write the picture as PNG, SVG or PDF, or the numbers as CSV. An incomplete file is never left.

        Raises:
            OSError: the folder is not writable or the disk is full.
        """
        with atomic_write(path) as temporary:
            if path.suffix.lower() == ".csv":
                with temporary.open("w", newline="", encoding="utf-8") as file:
                    write_rows(file, self.rows())
            elif path.suffix.lower() in SUFFIXES:
                size = self.width(), self.height()
                name, told = self.accessibleName(), self.provenance()
                temporary.write_bytes(drawing(path.suffix.lower(), self._paint_still, size, size, name, told))
            else:
                picture = self.picture()
                picture.setText(PROVENANCE, self.provenance())
                picture.save(str(temporary))

    def rows(self) -> list[list[object]]:
        """The numbers of all series as rows of a table; the first row names the columns."""
        assert self._axes is not None
        errors = any(one.error is not None for one in self.series)
        rows: list[list[object]] = [["series", *(axis.name for axis in self._axes), *["standard error"] * errors]]
        for one in self.series:
            columns = [one.x, one.y] + [np.full(len(one.x), math.nan) if one.error is None else one.error] * errors
            rows += [[one.name, *row] for row in np.stack(columns, axis=1).tolist()]
        return rows

    def _paint_still(self, painter: QPainter) -> None:
        pointed = self._pointed
        self.point_at(None)
        painter.fillRect(self.rect(), self.tokens.color("raised"))
        self._paint(painter)
        assert self.plot is not None
        view = self.plot.view
        view.render(painter, QRectF(view.geometry()), view.rect())
        self.point_at(pointed)
