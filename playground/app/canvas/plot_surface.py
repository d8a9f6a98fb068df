"""The widget with the picture, in which the mouse moves the view."""

import dataclasses
from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from playground.app.canvas.background_painter import BackgroundPainter
from playground.app.canvas.brush import Brush
from playground.app.canvas.pressed_place import PressedPlace
from playground.app.canvas.view_range import ViewRange
from playground.app.style import text_size
from playground.app.style.text_size import px
from playground.app.widgets.controls import KeyboardRing
from playground.drawing.axes import text_background
from playground.drawing.images import ImageGrid, Tiles
from playground.drawing.palette import Palette
from playground.drawing.plane import Plane, Viewport
from playground.drawing.scene import Scene

DRAG_PIXELS = 5  # px of pointer movement that make a drag of a click
ZOOM_STEP = 1.25  # for one key press, or one notch of the wheel
PAN_STEP = 0.1  # of the view, for one arrow key
FINE = 0.1  # of that, with Shift

PANS = {
    Qt.Key.Key_Left: (-PAN_STEP, 0.0),
    Qt.Key.Key_Right: (PAN_STEP, 0.0),
    Qt.Key.Key_Up: (0.0, PAN_STEP),
    Qt.Key.Key_Down: (0.0, -PAN_STEP),
}
ZOOMS = {
    Qt.Key.Key_Plus: ZOOM_STEP,
    Qt.Key.Key_Equal: ZOOM_STEP,
    Qt.Key.Key_Minus: 1 / ZOOM_STEP,
    Qt.Key.Key_Underscore: 1 / ZOOM_STEP,
}
VIEW_KEYS = {*PANS, *ZOOMS, Qt.Key.Key_0, Qt.Key.Key_Home}
PICK_KEYS = {Qt.Key.Key_Return, Qt.Key.Key_Enter}  # keys that act as a click in the centre of the view
HINT = 46, 30  # px of the line about what a click does from the left and the lower edge, beside the numbers of the axes
CROSS = 7.0  # px from that centre, marked while the keyboard has the focus here
MARK = 6.0  # px around the keyboard's selection, outside the ring of a clicked image
BRUSH_KEYS = {Qt.Key.Key_Escape, Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight}


def modifier_of(modifiers: Qt.KeyboardModifier) -> str:
    """The modifier of a click: "", "shift" or "alt"."""
    if modifiers & Qt.KeyboardModifier.AltModifier:
        return "alt"
    return "shift" if modifiers & Qt.KeyboardModifier.ShiftModifier else ""


class PlotSurface(KeyboardRing, QWidget):
    """A view of the plane with pan, zoom and fit, and two tools of the left button: point and brush. Its `range` is what it shows.

    Signals carry the user's coordinates:
        viewport_changed(tuple): x0, x1, y0, y1.
        hovered(object): (x, y), or None when the pointer leaves.
        clicked(float, float, str): a click, or Enter in its place, with its modifier: "", "shift" or "alt".
        alt_dragged(float, float): the pointer's position during a drag with Alt.
        menu_requested(object): a right click without a drag, or the Menu key; the position on the screen.
        painted(float): milliseconds that a new image took.
    """

    accessible_role = QAccessible.Role.Canvas

    viewport_changed = Signal(tuple)
    hovered = Signal(object)
    clicked = Signal(float, float, str)
    alt_dragged = Signal(float, float)
    menu_requested = Signal(object)
    painted = Signal(float)

    def __init__(self, parent: QWidget, scene: Callable[[], Scene]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._scene = scene
        self.picture = BackgroundPainter(scene, self.painted.emit, self.update, self)
        self.marks: list[Callable[[], QRectF | None]] = []  # the rectangle of what the keyboard has selected
        self.brush = Brush(self)
        self.range = ViewRange()
        self._pressed = PressedPlace(self)
        self._pointer: QPointF | None = None
        self._button: Qt.MouseButton | None = None  # that is held, and paints nothing
        self._last = QPointF()  # where it was pressed, or a drag was last
        self._drag: Literal["", "pan", "start"] = ""  # what it does since it moved
        self._hint = ""

    def accessible_value(self) -> str:
        """What is said of the frame and what a click does, or the sentence on a canvas with nothing to show."""
        scene = self._scene()
        said = scene.caption if scene.beside is None else scene.beside
        return ", ".join(filter(None, (*said, self._hint))) or scene.hint

    def set_hint(self, hint: str) -> None:
        """Say in a quiet line what a click does; "" for no line."""
        if hint != self._hint:
            self._hint = hint
            self.update()

    # --- the view

    @property
    def wanted(self) -> Viewport:
        """The view that was asked for, whatever the widget's shape; while a place is held, what is shown."""
        return self.range.shown if self._pressed.is_held else self.range.wanted

    def plane(self) -> Plane:
        """The mapping between the user's coordinates and this widget's."""
        return Plane(self.range.shown, max(self.width(), 1), max(self.height(), 1))

    def framed(self, grid: ImageGrid) -> ImageGrid:
        """The same grid, laid out where the view is: its images stay where they are while a place is held."""
        frame, unit = self.range.frame, text_size.factor()
        return dataclasses.replace(grid, frame=QRectF(frame.topLeft().toPointF() / unit, frame.size().toSizeF() / unit))

    def tiles(self, grid: ImageGrid) -> Tiles:
        """The positions of a grid's images in this widget."""
        return self.framed(grid).tiles(self.width(), self.height()).enlarged(text_size.factor())

    @property
    def movable(self) -> bool:
        """Whether the mouse moves the view, which images do not have."""
        return self._scene().images is None

    def set_aspect_locked(self, locked: bool) -> None:
        """Set whether both axes have the same scale."""
        self._look(lambda: self.range.set_locked(locked))

    def fit(self, bounds: Viewport) -> None:
        """Fit these bounds into the view."""
        self._look(lambda: self.range.fit(bounds))

    def look_at(self, viewport: Viewport) -> None:
        """Show this part, without changing what fits the whole."""
        self._look(lambda: self.range.show(viewport))

    def zoom(self, factor: float, centre: tuple[float, float] | None = None) -> None:
        """Enlarge by a factor; the point `centre`, by default the centre of the view, keeps its position."""
        self._look(lambda: self.range.zoom(factor, centre))

    def pan(self, dx: float, dy: float) -> None:
        """Move the view by fractions of its width and height; positive shows what lies right and above."""
        self._look(lambda: self.range.pan(dx, dy))

    def _look(self, change: Callable[[], None]) -> None:
        """Change the view, and show it if it is another one."""
        before = self.range.shown
        self.range.set_shape(self.width(), self.height(), self._pressed.moved())
        change()
        if self.range.shown != before:
            self.picture.change()
            self.viewport_changed.emit(self.range.shown)
            if self._pointer is not None:
                self.hovered.emit(self._at(self._pointer))  # the pointer is over another position now

    def release(self) -> None:
        """Fit the view into the widget, wherever this moves what was pressed."""
        self._pressed.release()
        self._look(lambda: None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._forget_pointer()  # until it moves, its position in the new shape is unknown
        before = self.range.shown
        self._look(lambda: None)
        if self.range.shown == before:  # the same view has room for more or fewer arrows
            self.viewport_changed.emit(before)

    def paintEvent(self, event: QPaintEvent) -> None:
        image = self.picture.image(self.width(), self.height(), self.devicePixelRatioF())
        painter = QPainter(self)
        painter.drawImage(0, 0, image)
        self._paint_over(painter)

    # --- tools

    def take_brush(self, on: bool) -> None:
        """Let the left button paint, or pick points."""
        self.brush.hold(on)
        self._set_cursor()
        self.update()

    def _set_cursor(self) -> None:
        if self._drag == "pan":
            shape = Qt.CursorShape.ClosedHandCursor
        elif not self.movable:
            shape = Qt.CursorShape.PointingHandCursor
        else:
            shape = Qt.CursorShape.BlankCursor if self.brush.is_on else Qt.CursorShape.CrossCursor
        self.setCursor(shape)

    def _at(self, position: QPointF) -> tuple[float, float]:
        return self.plane().to_user(position.x(), position.y())

    def _middle(self) -> QPointF:
        return QPointF(self.width() / 2, self.height() / 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if event.button() == Qt.MouseButton.LeftButton and self.brush.is_on and self.movable:
            self.brush.extend(self.plane(), event.position())
        else:
            self._button, self._last = event.button(), event.position()
            self._pressed.hold(event.position().toPoint())
        self._set_cursor()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.accept()
        position = self._pointer = event.position()
        step = position - self._last
        if self._button is not None and not self._drag and self.movable and step.manhattanLength() > DRAG_PIXELS:
            held = event.modifiers() & Qt.KeyboardModifier.AltModifier
            self._drag = "start" if held and self._button == Qt.MouseButton.LeftButton else "pan"
            self._set_cursor()
        if self._drag == "start":
            self.alt_dragged.emit(*self._at(position))
        elif self._drag == "pan":
            self._last = position
            self.pan(-step.x() / max(self.width(), 1), step.y() / max(self.height(), 1))
        elif self.brush.paints:
            self.brush.extend(self.plane(), position)
        if self.brush.is_on:
            self.update()
        self.hovered.emit(self._at(position))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()
        clicked = self._button == event.button() and not self._drag
        self._button, self._drag = None, ""
        if self.brush.paints and event.button() == Qt.MouseButton.LeftButton:
            self.brush.end()
        elif clicked and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(*self._at(event.position()), modifier_of(event.modifiers()))
        elif clicked and event.button() == Qt.MouseButton.RightButton:
            self.menu_requested.emit(event.globalPosition().toPoint())
        self._set_cursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if self.brush.is_on or not self.movable or event.button() != Qt.MouseButton.LeftButton:
            self.mousePressEvent(event)
        else:
            self.fit(self.range.fitted)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()
        notches = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier):
            self._turn_brush(notches)
        elif self.movable:
            self.zoom(ZOOM_STEP**notches, self._at(event.position()))

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            if self.movable:
                self.zoom(1 + event.value(), self._at(event.position()))
            return True
        if event.type() == QEvent.Type.Leave:
            self._forget_pointer()
            self.release()
        return bool(super().event(event))

    def _forget_pointer(self) -> None:
        self._pointer = None
        self.hovered.emit(None)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if not self.underMouse():
            self._forget_pointer()  # what the keyboard had read out

    def enterEvent(self, event: QEnterEvent) -> None:
        self._set_cursor()

    # --- keys

    def _takes(self, event: QKeyEvent) -> bool:
        alt, picks = Qt.KeyboardModifier.AltModifier, event.key() in PICK_KEYS and not self.brush.is_on
        plain = not event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier | (Qt.KeyboardModifier.NoModifier if picks else alt)
        )
        tool = BRUSH_KEYS if self.brush.is_on else PICK_KEYS if self.movable else set()
        return plain and (event.key() in tool or (self.movable and event.key() in VIEW_KEYS))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key == Qt.Key.Key_Menu:
            self.menu_requested.emit(self.mapToGlobal(self._middle().toPoint()))
        elif not self._takes(event):
            event.ignore()  # the window may use the key
        elif key == Qt.Key.Key_Escape:
            self.brush.cancel()
        elif key in BRUSH_KEYS:
            self._turn_brush(1.0 if key == Qt.Key.Key_BracketRight else -1.0)
        elif key in PICK_KEYS:
            self.clicked.emit(*self._at(self._middle()), modifier_of(event.modifiers()))
        else:
            fine = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
            self._move(Qt.Key(key), fine)

    def _move(self, key: Qt.Key, fine: float) -> None:
        """Move the view by a key; the point in its middle is read out, as that under the pointer is."""
        if not self.brush.is_on:
            self._pointer = self._middle()
        if key in PANS:
            self.pan(*(fine * part for part in PANS[key]))
        elif key in ZOOMS:
            self.zoom(ZOOMS[key])
        else:
            self.fit(self.range.fitted)

    def _turn_brush(self, notches: float) -> None:
        _, _, y0, y1 = self.range.shown
        self.brush.turn(notches, y1 - y0)

    # --- painted over the image, without a new one

    def _paint_over(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        colors = self._scene().palette
        if self.brush.is_on and self._pointer is not None and self.movable:
            self.brush.paint(painter, self.plane(), self._pointer, colors)
        mark = self.marks[-1]() if self.marks and self.hasFocus() else None
        if mark is not None:
            around = mark.adjusted(-MARK, -MARK, MARK, MARK)
            for width, name in ((5.0, "background"), (2.5, "accent")):
                painter.setPen(QPen(colors.color(name), width))
                painter.drawRoundedRect(around, 6, 6)
        _paint_hint(painter, self._hint, self.height(), colors)
        if self.ringed:
            painter.setPen(QPen(colors.color("accent"), 2))
            painter.drawRect(QRectF(1, 1, self.width() - 2, self.height() - 2))
            if self.movable and not self.brush.is_on:
                middle = self._middle()
                for way in (QPointF(CROSS, 0), QPointF(0, CROSS)):
                    painter.drawLine(middle - way, middle + way)


def _paint_hint(painter: QPainter, hint: str, height: int, colors: Palette) -> None:
    """Paint the line about what a click does, if there is one."""
    if hint:
        box = QRectF(painter.fontMetrics().boundingRect(hint))
        box.moveBottomLeft(QPointF(px(HINT[0]), height - px(HINT[1])))
        text_background(painter, colors, box.adjusted(-6, -3, 6, 3), 4)
        painter.setPen(colors.color("muted"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, hint)
