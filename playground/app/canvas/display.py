"""What the canvas shows: data, particles, score fields, density, caption, and what was measured at a point."""

import dataclasses
import functools
import typing
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from playground.app.canvas import readouts
from playground.app.canvas.chips import ChipBar
from playground.app.canvas.frame_style import FrameStyle
from playground.app.canvas.frames import frame_makers, frames_of, show_frame
from playground.app.canvas.legend import KEYS
from playground.app.canvas.view import CanvasView
from playground.app.controllers import why_disabled
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.export_size import OverlayMaker
from playground.app.controllers.overlay_timing import near
from playground.app.controllers.playing import Run
from playground.app.controllers.replaying import VIEWED
from playground.app.controllers.training_film import FilmStage
from playground.app.model.state import State
from playground.app.model.views import (
    DensityView,
    LatentInterpolation,
    PointLikelihood,
    ProblemView,
    plane_bounds,
)
from playground.app.model.workspace import SHOWN_POINTS
from playground.app.style.number_formats import format_count
from playground.drawing.images import ImageGrid
from playground.drawing.marks import Marks
from playground.drawing.plane import Viewport
from playground.drawing.scene import Scene
from playground.kinds.datasets.drawing import Drawing
from playground.kinds.samplers import FollowsScore
from playground.lab.session import Session
from playground.messages import Message

if typing.TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory

EMPTY_PLANE = (-3.0, 3.0, -3.0, 3.0)  # the view before the first stroke: 15 times the brush
SURVEYED = 2_000  # number of a file's images whose range of values is used until its data are built
FOLLOWED = "The particles follow this score."
OF_ONE_CLASS = "The particles follow this score, that of class {} with its guidance."
OF_ALL_CLASSES = "These are the arrows of all data. Each particle follows the score of its class."
UNTRAINED = "The network is untrained: these are its random weights."
OF_STEP = "Computed with the weights of training step {}."
FIELD_NAMES = {"exact": "Exact score", "empirical": "Training-set score"}
NO_EXACT_SCORE = "The exact score of these data is not known, so its error cannot be shown."
NO_MODES = "These data have no known modes: two Gaussians, eight Gaussians and the checkerboard have."
NO_CLASSES = "These data have no classes."
NO_TILTED = "Only toys with classes have a tilted density: choose classes in the Data card."
NO_LOG_DENSITY = "The log-density of these data is not known."
NO_SCORE = "Between two sets there is a velocity, but no score and no likelihood."
NO_PATH_DENSITY = "The density along the path is known for independent coupling of two mixtures of Gaussians only."
VELOCITY = "The velocity along which particles move: between two sets there is no score."
NO_DENSITY = "The density of these data is not known, and the training set has none without noise."


class Display(QObject):
    """Shows the controllers' results on a canvas, and removes them with the frame or data that they belong to.

    Args:
        place: the index of its run among the played runs.

    Signals:
        run_changed(Trajectory | None): another run is shown, or none.
        frame_changed(int): another frame of it is shown.
    """

    run_changed = Signal(object)
    frame_changed = Signal(int)

    def __init__(
        self,
        state: State,
        controllers: Controllers,
        canvas: CanvasView,
        chips: ChipBar,
        parent: QObject | None = None,
        place: int = 0,
    ) -> None:
        super().__init__(parent)
        self._state, self._canvas, self._chips, self._place = state, canvas, chips, place
        self._controllers = controllers
        self._building, self._training, self._playing = controllers.building, controllers.training, controllers.playing
        self._following, self._measuring = controllers.following, controllers.measuring
        self._replaying, self._inspecting = controllers.replaying, controllers.inspecting
        self._problem: ProblemView | None = None  # whose data are in view
        self._drawing = False  # whether the plane in view is for painting
        self._stale: Trajectory | None = None  # a run of other data, which is not shown
        self._opened: Trajectory | None = None  # the run of a session whose data are not built yet
        self._sigma = 0.0  # of the current frame
        self.frame: int | None = None  # of the run; None before the first
        self._in_scene: tuple[object, ...] = ()  # what the scene's particles depend on
        self._followed = "learned"  # the score whose field is shown by default
        self._building.problem_changed.connect(self._show_problem)
        self._building.problem_failed.connect(self._show_failure)
        self._training.changed.connect(self._show_training)
        controllers.replaying.chosen.connect(self._show_training)
        controllers.replaying.steps_changed.connect(self.name_fields)
        self._playing.trajectory_changed.connect(self._show_run)
        self._playing.frame_changed.connect(self._show_frame)
        self._following.changed.connect(self._show_soon)
        controllers.comparing.active_changed.connect(self._want)
        self._inspecting.changed.connect(self._show_particle)
        self._measuring.likelihood_changed.connect(self._show_likelihood)
        self._measuring.interpolation_changed.connect(self._show_interpolation)
        controllers.lessons.changed.connect(self._show_marks)
        canvas.layer_toggled.connect(self._toggled)
        canvas.option_changed.connect(self._set_option)
        canvas.viewport_changed.connect(self._want)
        state.changed.connect(self._edited)
        self._show_followed()
        self._want()

    # What others may read

    @property
    def run(self) -> "Trajectory | None":
        """The run that is shown; None if there is none, or if it belongs to other data."""
        run = self._recorded
        return None if run is self._stale else run

    @property
    def _run(self) -> Run | None:
        """Its run, among the played runs."""
        runs = self._playing.runs
        return runs[self._place] if self._place < len(runs) else None

    @property
    def _recorded(self) -> "Trajectory | None":
        return None if self._run is None else self._run.trajectory

    @property
    def density(self) -> DensityView | None:
        """The density that is shown."""
        shown = self._canvas.visible["density"] and self._chips.is_available("density")
        return self._following.seen_density if shown else None

    @property
    def frame_style(self) -> FrameStyle:
        """How the layers of a frame are shown, with colours that are available."""
        style, followed = self._canvas.frame_style, self._inspecting.number
        return dataclasses.replace(style, particles=self._following.wanted.colors, followed=followed)

    @property
    def shows_images(self) -> bool:
        problem = self._building.problem
        return problem is not None and problem.is_image

    @property
    def weights_in_view(self) -> str:
        """What the caption says about the weights, if a visible layer depends on them."""
        workspace = self._building.workspace
        follows = self._state.experiment.sampling.follows == "learned"
        density = self._following.wanted.density_source == "learned" and self._canvas.visible["density"]
        if workspace is None or not (follows or density or self._canvas.visible["learned"]):
            return ""
        others = readouts.SAMPLING if self._playing.is_replacing else readouts.OTHERS
        return readouts.weights_in_view(workspace.weights, others if self._playing.lags else "")

    @property
    def why_no_training_film(self) -> Message | None:
        """Why the training cannot be filmed now; None if it can."""
        return why_disabled.choosing_step(self._controllers)

    def training_film(self, viewport: Viewport) -> list[FilmStage]:
        """The stages of a film of the training: the current view with the weights of each step."""
        sampler, stages = self._state.experiment.sampling, []
        for weights, run in self._playing.training_runs():
            views = self._following.video_frame_maker(weights=weights)(viewport)
            said = readouts.weights_in_view(weights)
            stages.append(FilmStage(run, functools.partial(frames_of, views, sampler, said, style=self.frame_style)))
        return stages

    def overlay_makers(self, still: bool = False) -> Callable[[Viewport], OverlayMaker]:
        """See :func:`playground.app.canvas.frames.frame_makers`."""
        sampler = self._state.experiment.sampling
        shown = still, self.weights_in_view, self.frame_style
        return frame_makers(self._playing, self._following, sampler, *shown)

    # The problem

    @Slot(object)
    def _show_problem(self, problem: ProblemView) -> None:
        canvas = self._canvas
        self.show_available(problem)
        canvas.set_strokes([])
        canvas.set_hint("")
        canvas.show_problem(problem)
        self._in_scene = ()
        drawn = isinstance(self._state.experiment.data, Drawing)
        if not self._shows_data_of(problem):
            # Only for other data: a view that the user chose stays when noise or network change.
            self._problem = problem
            run = self._recorded
            self._stale = run if run is not self._opened else None
            if self._stale is not None:
                self._clear_run()
            canvas.set_readout([])
            if not (problem.is_image or (self._drawing and drawn)):
                canvas.fit(problem.bounds)  # the view stays while the user paints
            self._forget_overlays()
        self._opened, self._drawing = None, drawn
        self.run_changed.emit(self.run)
        self.name_fields()

    def _shows_data_of(self, problem: ProblemView) -> bool:
        """Whether the canvas shows the same data; positions from a file in single precision may differ slightly."""
        shown = self._problem
        if shown is None or (shown.name, shown.is_image) != (problem.name, problem.is_image):
            return False
        before, now = np.reshape(shown.bounds, (2, 2)), np.reshape(problem.bounds, (2, 2))
        return bool((abs(now - before) <= 1e-3 * np.diff(before)).all())

    def show_available(self, problem: ProblemView) -> None:
        """Set which layers can be shown, and why the others cannot."""
        closed = problem.known_density or (problem.sigma_min > 0 and problem.has_score)
        density = closed or problem.shows_learned_density
        self._show_plane_layers(not problem.is_image)
        if not problem.is_image:
            unknown = NO_DENSITY if problem.has_score else NO_PATH_DENSITY
            self._chips.set_available("exact", closed, unknown)
            self._chips.set_available("density", density, unknown)
            known = problem.known_density and problem.has_score
            self._chips.set_available("error", known, NO_EXACT_SCORE if problem.has_score else NO_SCORE)
            self._chips.set_choice_available("particles", "color", "mode", problem.modes is not None, NO_MODES)
            self._chips.set_choice_available("particles", "color", "log_p", problem.known_density, NO_LOG_DENSITY)
            self._chips.set_choice_available("data", "color", "class", problem.labels is not None, NO_CLASSES)
            has_classes = bool(problem.conditions.known_classes)
            self._chips.set_choice_available("density", "source", "tilted", has_classes, NO_TILTED)
            likelihood = problem.has_process and problem.has_score
            why = "This noise has no process from data to noise." if problem.has_score else NO_SCORE
            self._chips.set_available("path", likelihood, why)

    def _show_plane_layers(self, plane: bool) -> None:
        for layer in KEYS:
            self._chips.set_available(layer, plane, "Images have no such layer.")

    @Slot()
    def _show_failure(self) -> None:
        """Show an empty plane, for example to paint on; a drawing that was cleared keeps its view."""
        if self._building.problem is not None:
            return
        canvas, drawn = self._canvas, isinstance(self._state.experiment.data, Drawing)
        self._forget_overlays()
        canvas.set_images(None)
        canvas.set_data(None)
        self._clear_run()
        canvas.set_readout([])
        if not self._drawing:
            canvas.lock_aspect(True)
            canvas.set_axes(("x", "y"))
            canvas.fit(EMPTY_PLANE)
        self._drawing, self._problem = drawn, None
        self._show_plane_layers(True)
        paint = "Paint here with the brush: the points follow your strokes."
        canvas.set_hint(paint if drawn else "There are no data yet.")

    def show_session(self, session: Session) -> None:
        """Show as much of a file as is possible before torch is loaded."""
        self._opened = self._recorded if session.trajectory else None
        self._show_plane_layers(session.points.ndim == 2)
        # Evenly spaced, because the file may be sorted; the quantiles of a million points would take 80 ms.
        points = session.points[:: -(-len(session.points) // SHOWN_POINTS)]
        self._in_scene = ()
        self._canvas.set_images(None)
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

    def describe_view(self) -> dict[str, typing.Any]:
        """The part of the view that a session keeps."""
        step = self._replaying.step
        return {"layers": dict(self._canvas.visible)} | ({} if step is None else {VIEWED: step})

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        if keys & {"data.strokes", "data.kind"}:
            data = self._state.experiment.data
            strokes = data.strokes if isinstance(data, Drawing) else ()
            self._canvas.set_strokes((np.array(stroke.points), stroke.radius) for stroke in strokes)
            if strokes:
                self._canvas.set_hint("")
        if "sampling.source" in keys:
            self._show_followed()
        elif keys & {"sampling.labels", "sampling.label"} or "sampling.kind" in keys:
            self.name_fields()

    # The run

    @Slot(object)
    def _show_run(self, trajectory: "Trajectory | None") -> None:
        if trajectory is None:
            self._clear_run()
        else:
            self.frame, self._in_scene = None, ()
            self.run_changed.emit(trajectory)

    def _clear_run(self) -> None:
        self.frame, self._in_scene = None, ()
        self._canvas.set_particles(None)
        self._canvas.set_trails(None)
        self._canvas.set_caption([])
        self.run_changed.emit(None)

    @Slot(int)
    def _show_frame(self, frame: int) -> None:
        trajectory = self.run
        if trajectory is None or not 0 <= frame < len(trajectory):
            return
        sigma = float(trajectory.sigma[frame])
        if not near(sigma, self._sigma):
            self._canvas.leap()
        self._sigma, self.frame = sigma, frame
        if not self._controllers.comparing.is_active:  # the canvas is hidden then
            self._show()
        self.frame_changed.emit(frame)

    @Slot()
    def _show(self) -> None:
        """Show the current frame with everything computed for it."""
        if self._building.problem is None and self._opened is None:
            return
        self._canvas.change_scene(self._in_view)

    @Slot()
    def _show_soon(self) -> None:
        """Show what was computed: with the next frame if that is about to be shown."""
        if self.run is None or not self._playing.shows_next:
            self._show()

    def _in_view(self, scene: Scene) -> Scene:
        run, frame, sampler = self.run, self.frame, self._state.experiment.sampling
        particle = self._inspecting.particles.get(self._place)
        field, values, style = self._following.overlays.field.seen, self._following.overlays.values, self.frame_style
        overlays = field, self.density, self.weights_in_view, style, values, particle
        if run is None or frame is None:
            return show_frame(scene, None, 0, sampler, *overlays)
        if self._run is not None and scene.images is not None:
            scene = dataclasses.replace(scene, images=dataclasses.replace(scene.images, known=self._run.known))
        elif scene.particles is None:
            scene = self._canvas.with_run(scene)
        shown = show_frame(scene, run, frame, sampler, *overlays)
        before, self._in_scene = self._in_scene, (run, frame, values, style.particles)
        if before == self._in_scene:  # its painted layers can be reused
            return dataclasses.replace(shown, particles=scene.particles, trails=scene.trails, images=scene.images)
        return shown

    # Field and density

    def _forget_overlays(self) -> None:
        """Remove field, density and particle colours: they belong to other data."""
        self._following.overlays.forget()
        self._canvas.change_scene(
            lambda scene: dataclasses.replace(scene, learned=None, exact=None, error=None, density=None)
        )

    @Slot()
    def _toggled(self) -> None:
        self._want()
        self._show()

    @Slot()
    def _want(self) -> None:
        if not self._controllers.comparing.is_active:  # the columns say what they show
            self._following.want(self._canvas.wanted)

    @Slot(str, str)
    def _set_option(self, layer: str, option: str) -> None:
        self._want()
        if (layer, option) == ("exact", "source"):
            self.name_fields()
        elif option in ("style", "time") or (layer, option) == ("particles", "color"):
            self._show()

    # The score that particles follow

    @Slot()
    def _show_training(self) -> None:
        self._show()
        self.name_fields()

    def _show_followed(self) -> None:
        """Show the field that particles follow and hide the other one, if the followed score changes."""
        source = self._state.experiment.sampling.follows
        if source not in (None, self._followed):
            self._followed = source
            if source != "learned":
                self._canvas.set_option("exact", "source", source)
            self._canvas.set_layer_visible("learned", source == "learned")
            self._canvas.set_layer_visible("exact", source != "learned")
        self.name_fields()

    def name_fields(self) -> None:
        """Say on the chips of the two fields which score they show, and which one the particles follow."""
        followed, exact = self._state.experiment.sampling.follows, self._following.wanted.exact_source
        velocity = not self._state.experiment.noise.has_score
        for layer, source, title in (
            ("learned", "learned", "Learned velocity" if velocity else "Learned score"),
            ("exact", exact, "Exact velocity" if velocity else FIELD_NAMES[exact]),
        ):
            # The learned score is followed by default, and its chip has no room for more words.
            told = source == followed and source != "learned"
            notes = [*[VELOCITY][:velocity], *([self._said_of_followed()] if source == followed else [])]
            if layer == "learned" and self._building.problem is not None:
                step = self._replaying.step
                notes += [] if step is None else [OF_STEP.format(format_count(step))]
                notes += [UNTRAINED] if self._training.untrained else []
            self._chips.name(layer, f"{title} (followed)" if told else title, notes)

    def _said_of_followed(self) -> str:
        """What the chip of the followed score says: its arrows are those of a class if all particles have that class."""
        sampling, problem = self._state.experiment.sampling, self._building.problem
        if problem is None or not isinstance(sampling, FollowsScore) or sampling.labels == "none":
            return FOLLOWED
        if not problem.conditions.classes_of(sampling.source):
            return FOLLOWED
        return OF_ONE_CLASS.format(sampling.label) if sampling.labels == "one" else OF_ALL_CLASSES

    # What was measured

    @Slot(object)
    def _show_likelihood(self, likelihood: PointLikelihood | None) -> None:
        self._canvas.set_path(None if likelihood is None or likelihood.flow is None else likelihood.flow.path)
        self._ring_images()

    @Slot(object)
    def _show_interpolation(self, interpolation: LatentInterpolation | None) -> None:
        self._canvas.set_interpolation(None if interpolation is None else interpolation.points)
        self._ring_images()

    @Slot()
    def _show_marks(self) -> None:
        lessons = self._controllers.lessons
        marks = lessons.marks
        self._canvas.set_marks(None if marks is None else Marks(*marks))

    @Slot()
    def _show_particle(self) -> None:
        """Show the followed particle, and the path from a dragged start."""
        self._canvas.set_flow(self._inspecting.flow)
        self._ring_images()
        self._show()

    def _ring_images(self) -> None:
        likelihood, interpolation = self._measuring.likelihood, self._measuring.interpolation
        first = self._inspecting.number if likelihood is None else likelihood.number
        self._canvas.choose_images(first, None if interpolation is None else interpolation.numbers[1])
