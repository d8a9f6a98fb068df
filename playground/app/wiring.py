"""Who tells whom: what engine, state, canvas and transport have to say to each other."""

import typing
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject

from playground.app.canvas import readouts
from playground.app.canvas.film_overlays import COMPUTED
from playground.app.canvas.legend import KEYS
from playground.app.controllers import why_disabled
from playground.app.controllers.overlay_timing import near
from playground.app.model.views import (
    LatentInterpolation,
    PointLikelihood,
    PointReadout,
    ProblemView,
    conditions_of,
    plane_bounds,
)
from playground.app.model.workspace import SHOWN_POINTS
from playground.app.panels import DataPanel, LikelihoodPanel, TrainingPanel
from playground.app.style.labels import keys_in, spoken
from playground.app.style.number_formats import format_count
from playground.app.widgets.toasts import IsCurrent
from playground.drawing.film import trail
from playground.drawing.images import ImageGrid
from playground.kinds.datasets import Stroke
from playground.kinds.datasets.drawing import Drawing
from playground.lab.conflicts import flow_conflict, likelihood_conflict, sampling_conflict, training_conflict
from playground.lab.experiment import value
from playground.lab.session import Session

if typing.TYPE_CHECKING:
    from playground.app.window import MainWindow
    from playground.lab.trajectory import Trajectory

EMPTY_PLANE = (-3.0, 3.0, -3.0, 3.0)  # what is in view before the first stroke: 15 times the brush
MISSED = "There is no image at that place: click on one for its log-likelihood."
PLAYED = frozenset({"data.kind", "data.path", "sampling.kind"})  # whoever picks others wants to see them move

SURVEYED = 2_000  # images of a file whose darkest and brightest values stand for all, until its data are built


class Wiring(QObject):
    """Connects the parts of one window."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self._state, self._engine, self._canvas = window.state, window.engine, window.canvas
        self._transport = window.transport
        self._shown_problem: ProblemView | None = None
        self._drawing = False  # whether the plane in view is one that is painted on
        self._shown_sigmas = 0
        self._shown_sigma = 0.0  # of the frame in view
        self._overlays = window.overlays
        self._opened: Trajectory | None = None  # the run of a session whose data are not built yet
        self._pointer: tuple[float, float] | None = None
        engine, canvas, transport, state = self._engine, self._canvas, self._transport, self._state

        engine.problem_changed.connect(self._show_problem)
        engine.problem_failed.connect(self._show_failure)
        engine.trajectory_changed.connect(self._show_trajectory)
        engine.frame_changed.connect(self._show_frame)
        engine.likelihood_changed.connect(self._show_likelihood)
        engine.interpolation_changed.connect(self._show_interpolation)
        engine.probed.connect(self._show_probe)
        engine.message.connect(self._tell)
        engine.note.connect(window.notify)
        engine.training_changed.connect(lambda _: self._refresh())
        for signal in (engine.problem_changed, engine.problem_failed, engine.trajectory_changed, state.changed):
            signal.connect(lambda _: self._show_why_disabled())
        engine.playing_changed.connect(transport.set_playing)
        engine.loop_changed.connect(transport.set_loop)
        for signal in (engine.playing_changed, engine.loop_changed):
            signal.connect(lambda _: self._refresh())
        state.changed.connect(self._edited)
        window.documents.opened.connect(self._show_session)
        window.documents.describe_view = self.view

        canvas.viewport_changed.connect(lambda _: self._look())
        canvas.layer_toggled.connect(self._want)
        canvas.option_changed.connect(self._set_option)
        canvas.hovered.connect(self._hover)
        canvas.clicked.connect(lambda x, y: self._pick(engine.inspect, engine.go_to, x, y))
        canvas.shift_clicked.connect(engine.go_to)
        canvas.image_selected.connect(lambda number: self._pick(engine.inspect_image, engine.go_to_image, number))
        canvas.image_shift_selected.connect(engine.go_to_image)
        canvas.image_missed.connect(lambda: window.notify("info", MISSED, is_current=self._shows_images))
        canvas.stroke_drawn.connect(self._add_stroke)

        transport.play_toggled.connect(engine.set_playing)
        transport.stepped.connect(engine.step)
        transport.scrubbed.connect(engine.seek)
        transport.restarted.connect(engine.restart)
        transport.loop_toggled.connect(engine.set_loop)
        transport.speed_changed.connect(engine.set_speed)
        data = window.panel(DataPanel)
        data.open_file_requested.connect(window.documents.ask_open)
        data.open_folder_requested.connect(window.documents.ask_open_folder)
        data.brush_toggled.connect(lambda on: canvas.set_tool("brush" if on else "point"))
        likelihood = window.panel(LikelihoodPanel)
        data.brush_toggled.connect(likelihood.show_brush)
        likelihood.second.toggled.connect(lambda on: on and data.put_brush_down())
        window.documents.opened.connect(data.put_brush_down)
        data.brush_radius_changed.connect(canvas.set_brush_radius)
        canvas.brush_radius_changed.connect(data.radius.show_radius)
        canvas.set_brush_radius(data.radius.radius)
        window.panel(TrainingPanel).reset_requested.connect(window.reset_training)
        self._want()
        self._look()

    def _refresh(self) -> None:
        self._window._show_status()
        self._window.actions_by_key.refresh()
        self._window.toasts.review()

    def _tell(self, level: str, sentence: str, action: str) -> None:
        """Say what the engine has to say, for as long as its cause is there where one can know."""
        state, engine = self._state, self._engine
        conflicts = (
            lambda: training_conflict(state.experiment, conditions_of(engine.problem)),
            lambda: sampling_conflict(state.experiment, conditions_of(engine.problem)),
            lambda: likelihood_conflict(state.experiment),
            lambda: flow_conflict(state.experiment),
        )
        causes: list[IsCurrent] = [
            lambda why=why: (conflict := why()) is not None and str(conflict) == sentence for why in conflicts
        ]
        causes.append(lambda: engine.training == "diverged" and engine.last_progress.diverged == sentence)
        named = {key: value(state.experiment, key) for key in keys_in(sentence)}
        causes.append(lambda: level != "info" and all(value(state.experiment, key) == named[key] for key in named))
        is_current = next((cause for cause in causes if cause()), lambda: True)
        self._window.notify(level, spoken(sentence), action, is_current)

    # --- the problem and its files

    def _show_problem(self, problem: ProblemView) -> None:
        canvas = self._canvas
        self._show_available(problem)
        canvas.set_strokes([])
        canvas.set_hint("")
        canvas.set_images(None)  # forgets the limits of other images
        if problem.is_image:
            canvas.set_images(ImageGrid(problem.points, problem.limits))
        else:
            canvas.aspect_locked = problem.isotropic
            canvas.set_axes(problem.axes)
            canvas.set_data(problem.points)
        drawn = isinstance(self._state.experiment.data, Drawing)
        if not self._shows_data_of(problem):
            # Only for other data: a view that the user chose stays through a change of noise or network.
            self._shown_problem = problem
            run = self._engine.trajectory
            self._overlays.stale = run if run is not self._opened else None
            if self._overlays.stale is not None:
                canvas.set_particles(None)
                canvas.set_trails(None)
                canvas.set_caption([])
                self._transport.set_progress(0, 0, 0)
            canvas.set_readout([])
            if not (problem.is_image or (self._drawing and drawn)):
                canvas.fit(problem.bounds)  # but the plane holds still under the brush
            self._overlays.forget()
        self._opened = None
        self._show_sigmas(None if self._overlays.stale is self._engine.trajectory else self._engine.trajectory)
        self._drawing = drawn
        self._window._show_name()

    def _shows_images(self) -> bool:
        problem = self._engine.problem
        return problem is not None and problem.is_image

    def _shows_data_of(self, problem: ProblemView) -> bool:
        """Whether the canvas shows the same data; a file's points are in single precision, so that places differ by a hair."""
        shown = self._shown_problem
        if shown is None or (shown.name, shown.is_image) != (problem.name, problem.is_image):
            return False
        before, now = np.reshape(shown.bounds, (2, 2)), np.reshape(problem.bounds, (2, 2))
        return bool((abs(now - before) <= 1e-3 * np.diff(before)).all())

    def _show_available(self, problem: ProblemView) -> None:
        """Which layers there can be, and why not the others."""
        closed = problem.known_density or problem.sigma_min > 0
        density = closed or problem.shows_learned_density
        bare = "The density of these data is not known, and the training set has none without noise."
        self._show_plane_layers(not problem.is_image)
        if not problem.is_image:
            chips = self._window.chips
            chips.set_available("exact", closed, bare)
            chips.set_available("density", density, bare)
            chips.set_available("path", problem.has_process, "This noise has no process from data to noise.")
        if problem.is_image or not density:
            self._overlays.density = None

    def _show_plane_layers(self, plane: bool) -> None:
        for layer in KEYS:
            self._window.chips.set_available(layer, plane, "Images have no such layer.")

    def _show_failure(self, sentence: str) -> None:
        if self._engine.problem is None:
            drawn = isinstance(self._state.experiment.data, Drawing)
            self._show_empty_plane(drawn)
            paint = "Paint here with the brush: the points follow your strokes."
            self._canvas.set_hint(paint if drawn else "There are no data yet.")
        self._refresh()

    def _show_empty_plane(self, drawn: bool) -> None:
        """Nothing but the plane, where data are drawn to be painted on; a drawing that was cleared keeps its view."""
        canvas = self._canvas
        self._overlays.forget()
        canvas.set_images(None)
        canvas.set_data(None)
        canvas.set_particles(None)
        canvas.set_trails(None)
        canvas.set_caption([])
        canvas.set_readout([])
        if not self._drawing:
            canvas.aspect_locked = True
            canvas.set_axes(("x", "y"))
            canvas.fit(EMPTY_PLANE)
        self._drawing, self._shown_problem = drawn, None
        self._show_plane_layers(True)
        self._transport.set_progress(0, 0, 0)

    def _edited(self, keys: frozenset[str]) -> None:
        data = self._state.experiment.data
        if any(key.startswith("data.") for key in keys):
            self._window.toasts.settle()  # what was wrong with a file or a drawing is a matter of the past
        if "data.strokes" in keys or "data.kind" in keys:
            strokes = data.strokes if isinstance(data, Drawing) else ()
            self._canvas.set_strokes((np.array(stroke.points), stroke.radius) for stroke in strokes)
            self._canvas.set_hint("")
        self._engine.measure_again(keys)
        if keys & PLAYED:
            self._engine.set_playing(True)
        self._window._show_name()
        self._window.toasts.review()

    def _show_session(self, session: Session) -> None:
        """What can be shown of a file before torch is there."""
        self._window.toasts.settle()
        self._opened = self._engine.trajectory if session.trajectory else None
        self._show_plane_layers(session.points.ndim == 2)
        # Evenly from the whole file, which may be sorted; the quantiles of a million points would take 80 ms.
        points = session.points[:: -(-len(session.points) // SHOWN_POINTS)]
        if points.ndim == 2:
            self._canvas.set_axes(session.axes)
            self._canvas.set_data(points)
            self._canvas.fit(plane_bounds(points))
        else:
            some = points[:: -(-len(points) // SURVEYED)]
            self._canvas.set_images(ImageGrid(points, (float(some.min()), float(some.max()))))
        layers = session.view.get("layers")
        if isinstance(layers, dict):
            for name, on in layers.items():
                if name in self._canvas.visible and isinstance(on, bool):
                    self._canvas.set_layer_visible(name, on)

    def view(self) -> dict[str, typing.Any]:
        """What of the canvas a session keeps."""
        return {"layers": dict(self._canvas.visible)}

    # --- the moment in view

    def _show_trajectory(self, trajectory: "Trajectory | None") -> None:
        self._show_sigmas(trajectory)
        if trajectory is None:
            self._canvas.set_particles(None)
            self._canvas.set_trails(None)
            self._canvas.set_caption([])
            self._transport.set_progress(0, 0, 0)
        self._window.actions_by_key.refresh()

    def _show_why_disabled(self) -> None:
        self._transport.set_why_disabled(
            why_disabled.playing(self._state, self._engine), why_disabled.sampling(self._state, self._engine)
        )

    def _show_sigmas(self, trajectory: "Trajectory | None") -> None:
        problem = self._engine.problem if trajectory is None else self._engine.played
        span = None if problem is None or not problem.has_process else (problem.sigma_max, problem.sigma_min)
        self._shown_sigmas = 0 if trajectory is None else len(trajectory)
        if trajectory is None:
            self._transport.scrubber.set_sigmas(np.zeros(0), span)
        else:
            shown = slice(self._shown_sigmas)
            self._transport.scrubber.set_sigmas(
                trajectory.sigma[shown],
                span,
                trajectory.step[shown],
                trajectory.steps,
                lambda frame: readouts.evaluations(trajectory, frame),
            )

    def _show_frame(self, frame: int) -> None:
        trajectory = self._engine.trajectory
        if trajectory is None or trajectory is self._overlays.stale or not 0 <= frame < len(trajectory):
            return
        positions, sigma = trajectory.positions, float(trajectory.sigma[frame])
        if not near(sigma, self._shown_sigma):
            self._canvas.leap()
        self._shown_sigma = sigma
        if len(trajectory.shape) == 3:
            self._canvas.set_images(positions[frame], self._engine.known)
        else:
            self._canvas.set_particles(positions[frame])
            self._canvas.set_trails(trail(positions, frame))
        self._overlays.show_caption()
        if self._pointer is not None:
            self._engine.probe(*self._pointer)  # the same place at another sigma
        if len(trajectory) != self._shown_sigmas:
            self._show_sigmas(trajectory)
        self._transport.set_progress(frame, len(trajectory), trajectory.total)

    def _show_likelihood(self, likelihood: PointLikelihood | None) -> None:
        self._canvas.set_path(None if likelihood is None or likelihood.flow is None else likelihood.flow.path)
        self._ring_images()

    def _show_interpolation(self, interpolation: LatentInterpolation | None) -> None:
        self._canvas.set_interpolation(None if interpolation is None else interpolation.points)
        self._ring_images()

    def _ring_images(self) -> None:
        likelihood, interpolation = self._engine.likelihood, self._engine.interpolation
        first = None if likelihood is None else likelihood.number
        self._canvas.choose_images(first, None if interpolation is None else interpolation.numbers[1])

    def _pick(self, first: Callable[..., None], second: Callable[..., None], *place: float) -> None:
        """A click inspects a point, or is the second one that the Likelihood card waits for."""
        panel = self._window.panel(LikelihoodPanel)
        (second if panel.takes_second() else first)(*place)

    # --- the pointer

    def _hover(self, point: tuple[float, float] | None) -> None:
        self._pointer = point
        if point is None:
            self._canvas.set_readout([])
        else:
            self._engine.probe(*point)

    def _show_probe(self, probe: PointReadout) -> None:
        problem = self._engine.problem
        if problem is not None and self._pointer is not None:
            self._canvas.set_readout(
                readouts.pointer(probe, problem, self._overlays.density if self._canvas.visible["density"] else None)
            )

    def _add_stroke(self, points: list[tuple[float, float]], radius: float) -> None:
        stroke = Stroke(tuple((float(x), float(y)) for x, y in points), float(radius))
        steps, state, data = self._engine.trained_steps, self._state, self._state.experiment.data
        strokes = data.strokes if isinstance(data, Drawing) else ()
        state.edit({"data.kind": "drawn", "data.strokes": (*strokes, stroke)})
        if steps:
            drawn = state.last_step
            said = f"The stroke restarts training and discards {format_count(steps)} steps. Undo brings them back."
            self._window.notify("warning", said, "edit.undo", lambda: state.last_step == drawn)

    # --- what is wanted

    def _look(self) -> None:
        self._engine.set_viewport(*self._canvas.viewport, *self._canvas.arrow_grid())

    def _want(self) -> None:
        self._engine.set_wanted(frozenset(name for name in COMPUTED if self._canvas.visible[name]))

    def _set_option(self, layer: str, option: str, value: object) -> None:
        if (layer, option) == ("density", "source"):
            self._engine.set_density_source(str(value))
        elif (layer, option) == ("exact", "source"):
            self._engine.set_exact_source(str(value))
            self._overlays.name_fields()
        elif option == "spacing":
            self._look()
