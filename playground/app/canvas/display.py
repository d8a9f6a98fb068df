"""What the canvas shows: data, particles, score fields, density, caption, and what was measured at a point."""

import typing
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from playground.app.canvas import readouts
from playground.app.canvas.chips import ChipBar
from playground.app.canvas.layer_choices import LayerChoices
from playground.app.canvas.run_view import RunView
from playground.app.canvas.view import CanvasView
from playground.app.controllers import why_disabled
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.replaying import VIEWED
from playground.app.controllers.runs import Run
from playground.app.model.state import State
from playground.app.model.views import (
    LatentInterpolation,
    PointLikelihood,
    ProblemView,
    plane_bounds,
)
from playground.app.model.workspace import SHOWN_POINTS
from playground.drawing.film import OverlayMaker
from playground.drawing.frames import TrainingStep
from playground.drawing.images import ImageGrid
from playground.drawing.layers import Flow, Path
from playground.drawing.marks import Marks
from playground.drawing.plane import Viewport
from playground.kinds.datasets.drawing import Drawing
from playground.lab.session import Session
from playground.messages import Message

if typing.TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory

EMPTY_PLANE = (-3.0, 3.0, -3.0, 3.0)  # the view before the first stroke: 15 times the brush
SURVEYED = 2_000  # number of a file's images whose range of values is used until its data are built


class Display(QObject):
    """Shows the controllers' results on a canvas, and removes them with the frame or data that they belong to.

    Attributes:
        canvas: shows them.
        view: shows the frames of the run.
        layers: which layers the chips offer.

    Signals:
        run_changed(): another run is shown, or none.
    """

    run_changed = Signal()

    def __init__(
        self,
        state: State,
        controllers: Controllers,
        canvas: CanvasView,
        chips: ChipBar,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._controllers, self.canvas = state, controllers, canvas
        self._building, self._training, self._playing = controllers.building, controllers.training, controllers.playing
        self._sampling = controllers.sampling
        self._following, self._clicking = controllers.following, controllers.clicking
        self._replaying, self._inspecting = controllers.replaying, controllers.inspecting
        self._problem: ProblemView | None = None  # whose data are in view
        self._drawing = False  # whether the plane in view is for painting
        self.view = RunView(controllers, canvas, lambda: self.run)
        self._building.problem_changed.connect(self._show_problem)
        self._building.problem_failed.connect(self._show_failure)
        self._training.changed.connect(self._show_training)
        controllers.replaying.chosen.connect(self._show_training)
        self._playing.trajectory_changed.connect(self._show_run)
        self._inspecting.changed.connect(self._show_particle)
        self._clicking.likelihood_changed.connect(self._show_likelihood)
        self._clicking.interpolation_changed.connect(self._show_interpolation)
        controllers.lessons.changed.connect(self._show_marks)
        canvas.layers.option_changed.connect(self._set_option)
        state.changed.connect(self._edited)
        self.layers = LayerChoices(state, controllers, canvas.layers, chips, self)

    # What others may read

    @property
    def run(self) -> Run | None:
        """The run that is shown; None if there is none, or if it belongs to other data. That of a session comes before its data."""
        played = self._playing.played
        return self._playing.run if played is None or _same_data(played, self._building.problem) else None

    @property
    def why_no_training_film(self) -> Message | None:
        """Why the training cannot be filmed now; None if it can."""
        return why_disabled.choosing_step(self._controllers)

    def training_film(self, viewport: Viewport) -> list[TrainingStep]:
        """The steps of a film of the training: the current view with the weights of each."""
        sampler, workspace, steps = self._state.experiment.sampling, self._building.workspace, []
        for weights in () if workspace is None else workspace.weights_of_steps:
            views, said = self._following.video_frame_maker(weights=weights), readouts.weights_in_view(weights)
            run = self._sampling.trajectory_iterator(weights)
            steps.append(TrainingStep(run, self.view.maker(views, sampler, said)(viewport)))
        return steps

    def overlay_makers(self, still: bool = False) -> Callable[[Viewport], OverlayMaker]:
        """See :meth:`RunView.maker`; `still` if only the current frame will be requested."""
        run = self.run if still else None  # a film's run is of the present settings
        views, sampler = self._following.video_frame_maker(still), (run or self._state).experiment.sampling
        return self.view.maker(views, sampler, self.view.weights, self._playing.sigma)

    # The problem

    @Slot(object)
    def _show_problem(self, problem: ProblemView) -> None:
        canvas = self.canvas
        self.layers.show_available(problem)
        canvas.set_strokes([])
        canvas.change(hint="")
        canvas.show_problem(problem)
        self.view.renew()
        drawn = isinstance(self._state.experiment.data, Drawing)
        if not _same_data(problem, self._problem):
            # Only for other data: a view that the user chose stays when noise or network change.
            self._problem = problem
            if self.run is None:
                self._clear_run()
            canvas.set_readout([])
            if not (problem.is_image or (self._drawing and drawn)):
                canvas.fit(problem.bounds)  # the view stays while the user paints
            self._forget_overlays()
        self._drawing = drawn
        self.run_changed.emit()
        self.layers.name_fields()

    @Slot()
    def _show_failure(self) -> None:
        """Show an empty plane, for example to paint on; a drawing that was cleared keeps its view."""
        if self._building.problem is not None:
            return
        canvas, drawn = self.canvas, isinstance(self._state.experiment.data, Drawing)
        self._forget_overlays()
        canvas.set_images(None)
        canvas.set_data(None)
        self._clear_run()
        canvas.set_readout([])
        if not self._drawing:
            canvas.surface.set_aspect_locked(True)
            canvas.change(axes=("x", "y"))
            canvas.fit(EMPTY_PLANE)
        self._drawing, self._problem = drawn, None
        self.layers.show_plane_layers(True)
        paint = "Paint here with the brush: the points follow your strokes."
        canvas.change(hint=paint if drawn else "There are no data yet.")

    def show_session(self, session: Session) -> None:
        """Show as much of a file as is possible before torch is loaded."""
        self.layers.show_plane_layers(session.points.ndim == 2)
        # Evenly spaced, because the file may be sorted; the quantiles of a million points would take 80 ms.
        points = session.points[:: -(-len(session.points) // SHOWN_POINTS)]
        self.view.renew()
        self.canvas.set_images(None)
        if points.ndim == 2:
            self.canvas.change(axes=session.axes)
            self.canvas.set_data(points)
            self.canvas.fit(plane_bounds(points))
        else:
            some = points[:: -(-len(points) // SURVEYED)]
            self.canvas.set_images(ImageGrid(points, (float(some.min()), float(some.max()))))
        layers = session.view.get("layers")
        if isinstance(layers, dict):
            for name, on in layers.items():
                if name in self.canvas.layers.visible and isinstance(on, bool):
                    self.canvas.layers.set_visible(name, on)

    def describe_view(self) -> dict[str, typing.Any]:
        """The part of the view that a session keeps."""
        step = self._replaying.step
        return {"layers": dict(self.canvas.layers.visible)} | ({} if step is None else {VIEWED: step})

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        if keys & {"data.strokes", "data.kind"}:
            data = self._state.experiment.data
            strokes = data.strokes if isinstance(data, Drawing) else ()
            self.canvas.set_strokes((np.array(stroke.points), stroke.radius) for stroke in strokes)
            if strokes:
                self.canvas.change(hint="")
        if "sampling.source" in keys:
            self.layers.show_followed()
        elif keys & {"sampling.labels", "sampling.label"} or "sampling.kind" in keys:
            self.layers.name_fields()

    # The run

    @Slot(object)
    def _show_run(self, trajectory: "Trajectory | None") -> None:
        if trajectory is None:
            self._clear_run()
        else:
            self.run_changed.emit()

    def _clear_run(self) -> None:
        self.view.clear()
        self.run_changed.emit()

    # Field and density

    def _forget_overlays(self) -> None:
        """Remove field, density and particle colours: they belong to other data."""
        if self.view.overlays is not None:
            self.view.overlays.forget()
        self.view.show()

    @Slot(str, str)
    def _set_option(self, layer: str, option: str) -> None:
        if (layer, option) == ("exact", "source"):
            self.layers.name_fields()

    @Slot()
    def _show_training(self) -> None:
        self.view.show()
        self.layers.name_fields()

    # What was measured

    @Slot(object)
    def _show_likelihood(self, likelihood: PointLikelihood | None) -> None:
        way = None if likelihood is None or likelihood.flow is None else likelihood.flow.path
        self.canvas.change(path=None if way is None else Path(way))
        self._ring_images()

    @Slot(object)
    def _show_interpolation(self, interpolation: LatentInterpolation | None) -> None:
        self.canvas.set_interpolation(None if interpolation is None else interpolation.points)
        self._ring_images()

    @Slot()
    def _show_marks(self) -> None:
        marks = self._controllers.lessons.marks
        self.canvas.change(marks=None if marks is None else Marks(*marks))

    @Slot()
    def _show_particle(self) -> None:
        """Show the path from a dragged start, and ring a followed image."""
        flow = self._inspecting.flow
        self.canvas.change(flow=None if flow is None else Flow(flow))
        self._ring_images()

    def _ring_images(self) -> None:
        likelihood, interpolation = self._clicking.likelihood, self._clicking.interpolation
        first = self._inspecting.number if likelihood is None else likelihood.number
        self.canvas.choose_images(first, None if interpolation is None else interpolation.numbers[1])


def _same_data(one: ProblemView, other: ProblemView | None) -> bool:
    """Whether both have the same data; positions from a file in single precision may differ slightly."""
    if one is other or other is None:
        return one is other
    if (one.name, one.is_image) != (other.name, other.is_image):
        return False
    before, now = np.reshape(other.bounds, (2, 2)), np.reshape(one.bounds, (2, 2))
    return bool((abs(now - before) <= 1e-3 * np.diff(before)).all())
