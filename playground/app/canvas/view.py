"""The canvas: setters change its scene, user actions become signals. All coordinates are in the user's units."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from PySide6.QtCore import QSize, Signal, Slot
from PySide6.QtWidgets import QWidget

from playground.app.canvas.colorings import class_colors
from playground.app.canvas.layers import Layers
from playground.app.canvas.picking import Picking, nearest
from playground.app.canvas.plot_surface import PlotSurface
from playground.app.canvas.read_out import ReadOut
from playground.app.model.views import ProblemView, WantedOverlays
from playground.app.style import text_size, theme
from playground.app.widgets import layouts
from playground.app.widgets.accessible_roles import announce
from playground.drawing.coloring import Coloring
from playground.drawing.images import ImageGrid, Strip
from playground.drawing.layers import (
    Data,
    InterpolatedPoints,
    Particles,
    Strokes,
    Trails,
)
from playground.drawing.plane import Plane, Viewport, bounds_of, shaped
from playground.drawing.scene import Scene
from playground.lab.document import Place


class CanvasView(QWidget):
    """The picture in the centre of the window.

    Args:
        layers: those of another canvas, which this one shows too.

    Attributes:
        layers: which layers are shown, and how.
        surface: the widget that is painted and gets the mouse events.
        picking: says what is clicked. `brush` paints data.

    Signals:
        viewport_changed(tuple): x0, x1, y0, y1 in view.
        hovered(object): (x, y) under the pointer, or None.
    """

    viewport_changed = Signal(tuple)
    hovered = Signal(object)

    def __init__(self, layers: Layers | None = None) -> None:
        super().__init__()
        self.layers = layers or Layers(self)
        self._always: frozenset[str] = frozenset()
        self._classes: Coloring | None = None
        self._scene = Scene(palette=theme.palette())
        self._strokes: tuple[tuple[np.ndarray, float], ...] = ()
        self.surface = PlotSurface(self, self.shown)
        self.brush = self.surface.brush
        self.picking = Picking(self.surface, lambda: self._scene.images)
        layouts.down(self.surface, within=self, margins=0)
        self.setFocusProxy(self.surface)
        self.readout_label = ReadOut(self)
        self._pointer: tuple[float, float] | None = None

        self.layers.toggled.connect(self.surface.picture.change)
        self.layers.available_changed.connect(self._remove_absent)
        self.layers.option_changed.connect(self._take_option)
        self.surface.viewport_changed.connect(self.viewport_changed)
        self.surface.hovered.connect(self._hover)
        self.brush.stroked.connect(self._show_strokes)

    def sizeHint(self) -> QSize:
        return QSize(800, 700)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 180)

    # --- the scene

    def show_problem(self, problem: ProblemView) -> None:
        """Show the data of a problem: points in its axes with the colours of their classes, or images."""
        self.set_images(ImageGrid(problem.points, problem.limits) if problem.is_image else None)
        if problem.is_image:
            self.set_data(None)
        else:
            self.surface.set_aspect_locked(problem.isotropic)
            self.change(axes=problem.axes)
            self.set_data(problem.points, class_colors(problem))

    def set_data(self, points: np.ndarray | None, classes: Coloring | None = None) -> None:
        """Training points, (N, 2), and the colours of their classes, if they have any."""
        self._classes = classes
        colors = classes if self.layers.options["data", "color"] == "class" else None
        self.change(data=None if points is None else Data(points, colors))

    def with_run(self, scene: Scene) -> Scene:
        """A scene with layers for particles and trails of the chosen size and length."""
        size, length = self.layers.options["particles", "size"], self.layers.options["trails", "length"]
        particles, trails = Particles(np.zeros((0, 2)), size=size), Trails(np.zeros((1, 0, 2)), length)  # type: ignore[arg-type]
        return dataclasses.replace(scene, particles=particles, trails=trails)

    def set_interpolation(self, points: np.ndarray | None) -> None:
        """Points from one to another, (P, 2), or images (P, C, H, W) with the limits of the grid."""
        images = self._scene.images
        shown: InterpolatedPoints | Strip | None = None
        if images is not None:
            self.change(images=dataclasses.replace(images, below=0 if points is None else len(points)))
        if points is not None and points.ndim == 2:
            shown = InterpolatedPoints(points)
        elif points is not None and images is not None:
            shown = Strip(points, images.limits)
        self.change(interpolation=shown)

    def choose_images(self, first: int | None, second: int | None) -> None:
        """Draw a ring around one image of the grid, and a broken ring around another."""
        images = self._scene.images
        if images is not None and (first, second) != (images.selected, images.second):
            self.change(images=dataclasses.replace(images, selected=first, second=second))

    def set_strokes(self, strokes: Iterable[tuple[np.ndarray, float]]) -> None:
        """Brush strokes to show: for each its points (P, 2) and radius."""
        self._strokes = tuple((np.asarray(points, float), float(radius)) for points, radius in strokes)
        self._show_strokes()

    def _show_strokes(self, unfinished: Sequence[tuple[float, float]] = ()) -> None:
        shown = (*self._strokes, (np.array(unfinished), self.brush.radius)) if len(unfinished) else self._strokes
        self.change(strokes=Strokes(shown) if shown else None)

    def set_images(self, images: ImageGrid | None) -> None:
        """Images instead of the plane; None restores the plane."""
        self.picking.keys.let_go()
        self.change(images=images)

    def change_scene(self, change: Callable[[Scene], Scene]) -> None:
        """Change the scene by a function; the scene that it gets has every layer on."""
        self._scene = change(self._scene)
        self.change(**dict.fromkeys(self.layers.absent - self._always))

    def show_always(self, layers: frozenset[str]) -> None:
        """Show these layers whatever is chosen: the score that a column's particles follow."""
        self._always = layers

    def change(self, **parts: object) -> None:
        """Change parts of the scene by name; see :class:`playground.drawing.scene.Scene`."""
        parts = {name: None if name in self.layers.absent else part for name, part in parts.items()}
        if parts:
            self._scene = dataclasses.replace(self._scene, **parts)  # type: ignore[arg-type]
        self.surface.picture.change()

    # --- layers and options

    @Slot(str, bool)
    def _remove_absent(self, name: str, available: bool) -> None:
        if not available:
            self.change(**{name: None})

    @Slot(str, str)
    def _take_option(self, layer: str, option: str) -> None:
        if (layer, option) == ("data", "color") and self._scene.data is not None:
            self.set_data(self._scene.data.positions, self._classes)

    @property
    def wanted(self) -> WantedOverlays:
        """What it shows of a frame besides the positions of its particles."""
        return self.layers.wanted(self.viewport, self.arrow_grid())

    def arrow_grid(self) -> tuple[int, int]:
        """The number of arrows across and down at the chosen spacing."""
        spacing = float(self.layers.options["learned", "spacing"])  # type: ignore[arg-type]
        spacing *= text_size.factor()
        return max(4, round(self.width() / spacing)), max(4, round(self.height() / spacing))

    # --- the view

    @property
    def viewport(self) -> Viewport:
        """The view: x0, x1, y0, y1."""
        return self.surface.range.shown

    def plane(self) -> Plane:
        """The mapping between the user's coordinates and the canvas's."""
        return self.surface.plane()

    def particle_at(self, place: Place) -> int | None:
        """The number of the particle in view nearest to a point, None if none is near; that of an image."""
        if isinstance(place, int):
            return place
        particles = self._scene.particles if self.layers.visible["particles"] else None
        return None if particles is None else nearest(particles.positions, self.plane(), *place)

    def fit(self, bounds: Viewport | None = None) -> None:
        """Fit these bounds into the view; by default all data, or all particles if there are no data."""
        if bounds is None:
            for layer in (self._scene.data, self._scene.particles):
                if bounds is None and layer is not None:
                    bounds = bounds_of(layer.positions)
        self.surface.fit(bounds or (-1.0, 1.0, -1.0, 1.0))

    def scene(self, width: float, height: float) -> Scene:
        """The current scene for a picture of this shape; nothing in view is cut off."""
        return self.still()(width, height)

    def still(self) -> Callable[[float, float], Scene]:
        """The current scene for a picture of any shape, which is given later; see :meth:`scene`."""
        shown = dataclasses.replace(self.shown(), beside=None, images=self._scene.images)
        locked, columns, rows = self.surface.range.locked, self.width(), self.height()

        def scene(width: float, height: float) -> Scene:
            # In the screen's own shape use exactly its viewport, so that the pixels are equal too.
            if not locked or width * rows == height * columns:
                return shown
            return dataclasses.replace(shown, viewport=shaped(shown.viewport, width, height))

        return scene

    @property
    def beside(self) -> tuple[str, ...]:
        """What is said of the frame in view outside of the canvas."""
        return self._scene.beside or ()

    def shown(self) -> Scene:
        hidden = self.layers.hidden - self._always
        if "path" in hidden and self._scene.images is None:
            hidden.add("interpolation")
        images = None if self._scene.images is None else self.surface.framed(self._scene.images)
        shown = dataclasses.replace(self._scene, viewport=self.viewport, images=images)
        return dataclasses.replace(shown, **dict.fromkeys(hidden))  # type: ignore[arg-type]

    def apply_palette(self) -> None:
        """Repaint with other colours."""
        self.change(palette=theme.palette())

    def apply_text_size(self) -> None:
        """Ask for arrows in proportion to the text: there is room for more or fewer."""
        self.viewport_changed.emit(self.viewport)

    def _hover(self, point: tuple[float, float] | None) -> None:
        self._pointer = point
        if point is None:
            self.readout_label.hide()
        elif self.readout_label.isVisible():
            self.readout_label.place(*self.surface.plane().to_painter(np.array(point)).tolist())
        self.hovered.emit(point if self._scene.images is None else None)

    def set_readout(self, lines: Sequence[str]) -> None:
        """Show a text beside the pointer; an empty text hides it."""
        if not lines or self._pointer is None:
            self.readout_label.hide()
            return
        before = self.readout()
        self.readout_label.show_lines(lines, *self.surface.plane().to_painter(np.array(self._pointer)).tolist())
        by_keyboard = not self.surface.underMouse()
        if by_keyboard and before.partition("\n")[0] != lines[0]:  # it came to another place
            announce(self.surface, ", ".join(lines))

    def readout(self) -> str:
        """The text beside the pointer; "" if there is none."""
        return self.readout_label.text() if self.readout_label.isVisible() else ""
