"""The data and the particles along one axis."""

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QWidget

from playground.app.canvas import readouts
from playground.app.controllers.controllers import Controllers
from playground.app.model.views import ProblemView
from playground.app.style import theme
from playground.app.style.text_size import px
from playground.app.widgets import layouts
from playground.app.widgets.captions import named, text_line
from playground.app.widgets.charts.histogram import MarginalHistogram
from playground.app.widgets.collapsible_panel import ROW_GAP
from playground.app.widgets.controls import SegmentedControl

AXIS_WIDTH = 52  # px of an axis's name beside the legend; below the legend it may have twice as much


class Marginals(QWidget):
    """A histogram of the data and of the particles on the canvas, its legend, and the choice of the axis."""

    def __init__(self, controllers: Controllers) -> None:
        super().__init__()
        self._state, self._playing = controllers.state, controllers.playing
        self._axis = 0
        self.histogram = MarginalHistogram()
        self.axes = SegmentedControl((("0", "x"), ("1", "y")), self)
        self.axes.chosen.connect(self._choose_axis)
        self.axes.set_value("0")
        self.caption = text_line("Marginal along")
        self._row = layouts.across((self.caption, 1), self.axes)
        layouts.down(self._row, self.histogram, within=self, spacing=ROW_GAP, margins=0)
        self._name_axes("x", "y")

    def show_data(self, view: ProblemView) -> None:
        """Draw the data of this problem, and offer its axes; for images the mean brightness."""
        for part in (self.caption, self.axes):
            part.setVisible(not view.is_image)
        self._name_axes(*view.axes)
        if view.is_image:
            self._axis = 0
        values = self._along(view.points) if view.brightness is None else view.brightness
        below = None if view.marginals is None else view.marginals[self._axis]
        self.histogram.show_data(values, "mean brightness" if view.is_image else view.axes[self._axis], below)

    def clear(self) -> None:
        """Draw no data."""
        self.histogram.show_data(np.zeros(0), "")

    def show_samples(self) -> None:
        """Draw the particles of the canvas's current frame."""
        trajectory, view = self._playing.trajectory, self._state.problem
        if trajectory is None or view is None or not len(trajectory):
            self.histogram.show_samples(None)
            return
        frame = min(self._playing.frame, len(trajectory) - 1)
        positions = trajectory.positions[frame]
        if (positions.ndim > 2) == view.is_image:
            moment = "" if frame == trajectory.total - 1 else ", ".join(readouts.short_caption(trajectory, frame))
            self.histogram.show_samples(self._along(positions), moment)

    @Slot(str)
    def _choose_axis(self, axis: str) -> None:
        self._axis = int(axis)
        view = self._state.problem
        if view is not None:
            self.show_data(view)
            self.show_samples()

    def _name_axes(self, *names: str) -> None:
        metrics = QFontMetrics(theme.text_font(theme.CAPTION_PIXELS))
        beside = max(map(metrics.horizontalAdvance, names)) <= px(AXIS_WIDTH)
        layouts.turn(self._row, beside)  # longer names get a row of their own
        self.axes.setMaximumWidth(2 * px(AXIS_WIDTH + 14) if beside else 16777215)
        self.axes.setMinimumWidth(self.axes.maximumWidth() if beside else 0)
        for button, name in zip(self.axes.buttons.values(), names, strict=True):
            button.setText(metrics.elidedText(name, Qt.TextElideMode.ElideRight, 2 * px(AXIS_WIDTH)).replace("&", "&&"))
            named(button, f"Histogram along {name}", f"Histogram along {name}.")

    def _along(self, points: np.ndarray) -> np.ndarray:
        """(N,) the values of the histogram: a coordinate, or an image's mean brightness."""
        if points.ndim > 2:
            brightness: np.ndarray = points.reshape(len(points), -1).mean(axis=1)
            return brightness
        along: np.ndarray = points[:, self._axis]
        return along
