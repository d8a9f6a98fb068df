"""Mouse actions on the canvas: read values, pick points and images, and paint data."""

from PySide6.QtCore import QObject, Signal, Slot

from playground.app.canvas import readouts
from playground.app.canvas.run_view import RunView
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.notification import notify
from playground.app.model.views import PointReadout
from playground.app.style.number_formats import format_count
from playground.kinds.datasets import Stroke
from playground.kinds.datasets.drawing import Drawing
from playground.lab.document import Place

HIDDEN = "Values at a point are shown once the answer to the lesson's question is measured."
MISSED = "There is no image at that place: click on one for its log-likelihood."


class Tools(QObject):
    """Turns mouse actions into intents, while nothing is compared.

    Args:
        view: the only view of a run.

    Signals:
        second_taken(): the second point of an interpolation was clicked.
    """

    second_taken = Signal()

    def __init__(self, controllers: Controllers, view: RunView, parent: QObject) -> None:
        super().__init__(parent)
        self._state, self._view, self._canvas = controllers.state, view, view.canvas
        self._second = False  # whether the next click is the second point of an interpolation
        self._training = controllers.training
        self._following, self._clicking = controllers.following, controllers.clicking
        self._inspecting, self._comparing = controllers.inspecting, controllers.comparing
        self._lessons, canvas = controllers.lessons, view.canvas
        self._pointer: tuple[float, float] | None = None
        canvas.hovered.connect(self._hover)
        canvas.picking.picked.connect(self._pick)
        canvas.surface.alt_dragged.connect(self._drag_start)
        canvas.picking.missed.connect(self._miss)
        canvas.brush.ended.connect(self._add_stroke)
        self._following.probed.connect(self._show_readout)
        controllers.playing.frame_changed.connect(self._probe)
        self._state.weights_chosen.connect(self._probe)
        controllers.lessons.changed.connect(self._probe)

    @Slot(object, str)
    def _pick(self, place: Place, modifier: str) -> None:
        """Handle a click on a point or an image: mark an answer, measure it, or interpolate to it.

        While a lesson's question is open, nothing is measured.
        """
        if modifier == "alt" or self._comparing.is_active:
            return
        if self._lessons.asks_mark and not modifier and not isinstance(place, int):
            self._lessons.set_mark(*place)
        elif self._shows_values():
            second = modifier == "shift" or self._takes_second()
            (self._clicking.go_to if second else self._clicking.inspect)(place)
            if isinstance(place, int) and not second:
                self._inspecting.follow(place)

    @Slot(bool)
    def await_second(self, waits: bool) -> None:
        """Set whether the next click is the second point of an interpolation."""
        self._second = waits

    def _takes_second(self) -> bool:
        second = self._second
        if second:
            self.second_taken.emit()
        return second

    def _shows_values(self) -> bool:
        """Whether no lesson's question is open; a message says if one is."""
        hidden = self._lessons.hides_values
        if hidden:
            notify(self._state, "info", HIDDEN, is_current=lambda: self._lessons.hides_values)
        return not hidden

    @Slot(float, float)
    def _drag_start(self, x: float, y: float) -> None:
        """Show the path of a particle that starts at the pointer, during a drag with Alt."""
        if self._comparing.is_active:
            return
        why = self._inspecting.why_no_flow
        if why:
            notify(self._state, "info", why, is_current=lambda: bool(self._inspecting.why_no_flow))
        self._inspecting.drag_start(x, y)

    @Slot()
    def _miss(self) -> None:
        if not self._comparing.is_active:
            notify(self._state, "info", MISSED, is_current=lambda: not self._canvas.surface.movable)

    @Slot(object)
    def _hover(self, point: tuple[float, float] | None) -> None:
        self._pointer = point
        if point is None:
            self._canvas.set_readout([])
        self._probe()

    @Slot()
    def _probe(self) -> None:
        """Request the values under the pointer at the noise level of the current frame.

        While a lesson's question is open, only the position is shown, because the values may be the answer.
        """
        problem = self._state.problem
        if self._pointer is None or self._comparing.is_active:
            return
        if not self._lessons.hides_values:
            self._following.probe(*self._pointer)
        elif problem is not None:
            self._canvas.set_readout(readouts.position(*self._pointer, problem))

    @Slot(object)
    def _show_readout(self, readout: PointReadout) -> None:
        problem = self._state.problem
        hidden = self._lessons.hides_values or self._comparing.is_active
        if problem is not None and self._pointer is not None and not hidden:
            self._canvas.set_readout(readouts.pointer(readout, problem, self._view.density))

    @Slot(object, float)
    def _add_stroke(self, points: list[tuple[float, float]], radius: float) -> None:
        stroke = Stroke(tuple((float(x), float(y)) for x, y in points), float(radius))
        steps, state, data = self._training.trained_steps, self._state, self._state.experiment.data
        strokes = data.strokes if isinstance(data, Drawing) else ()
        state.edit({"data.kind": "drawn", "data.strokes": (*strokes, stroke)})
        if steps:
            drawn = state.last_step
            said = f"The stroke discards {format_count(steps)} training steps. Undo brings them back."
            notify(self._state, "warning", said, "edit.undo", lambda: state.last_step == drawn)
