"""One run in view on its canvas, the only one or that of a column: its data, its current frame, what was measured of it."""

import dataclasses

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFrame

from playground.app.canvas import readouts
from playground.app.canvas.column_head import ColumnHead
from playground.app.canvas.frame_style import FrameStyle
from playground.app.canvas.frames import show_frame
from playground.app.canvas.layers import Layers
from playground.app.canvas.view import CanvasView
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.overlay_timing import NO_FRAME, CurrentFrame, FrameOverlays, near
from playground.app.controllers.runs import Run
from playground.app.model.columns import LETTERS
from playground.app.model.problem_views import SHOWN_POINTS
from playground.app.model.views import DensityView, ProblemView, plane_bounds
from playground.app.style.labels import worded
from playground.app.widgets import layouts
from playground.drawing.images import ImageGrid
from playground.drawing.layers import Flow, Path
from playground.drawing.marks import Marks
from playground.drawing.scene import Scene
from playground.kinds.datasets.drawing import Drawing
from playground.lab.document import Place
from playground.lab.session import Session

EMPTY_PLANE = (-3.0, 3.0, -3.0, 3.0)  # the view before the first stroke: 15 times the brush
SURVEYED = 2_000  # number of a file's images whose range of values is used until its data are built
NARROWEST = 160, 140  # px, least width and height of a column; four fit beside the cards in a window of 1280
ALONE = (
    "Arrow keys, finer with Shift, move the view under the cross in its middle, whose values are said; plus and minus zoom, 0 shows all. "
    "Click a point for its likelihood, "
    "Shift+click a second one to interpolate; Enter and Shift+Enter take the point in the middle. "
    "Alt+click or Alt+Enter follows a particle. With "
    "images, arrow keys select one, Enter and Shift+Enter take it, Escape clears it."
)
COMPARED = (
    "In the plane arrow keys move all columns, plus and minus zoom, 0 shows all. Alt+click or Alt+Enter follows a "
    "particle in all columns."
)


class RunView(QFrame):
    """Shows a run.

    Args:
        place: the position of the run in view, from 0 at the left.
        layers: which layers all views show.

    Attributes:
        head: says what the run differs in, if runs are compared.
        canvas: shows the run.
    """

    def __init__(self, place: int, controllers: Controllers, layers: Layers) -> None:
        super().__init__()
        self.place, self._controllers = place, controllers
        self._state = controllers.state
        self._playing, self._following = controllers.playing, controllers.following
        self._comparing = controllers.comparing
        self.head, self.canvas = ColumnHead(place, controllers), CanvasView(layers=layers)
        layouts.down(self.head, (self.canvas, 1), within=self, spacing=0, margins=0)
        self._problem: ProblemView | None = None  # whose data are in view
        self._drawing = False  # whether the plane in view is for painting
        self._in_scene: tuple[object, ...] = ()  # what the scene's particles depend on
        self._sigma = 0.0  # of the frame that was shown last
        clicking, inspecting = controllers.clicking, controllers.inspecting
        for signal, slot in (
            (self._state.changed, self._edited),
            (self._state.problem_changed, self._show_problem),
            (controllers.training.changed, self.refresh),
            (self._state.weights_chosen, self.refresh),
            (self._playing.trajectory_changed, self._show_run),
            (self._playing.frame_changed, self.refresh),
            (self._playing.playing_changed, self.refresh),
            (self._following.changed, self._show_overlay),
            (inspecting.changed, self._show_soon),
            (inspecting.changed, self._show_measured),
            (self._state.document_changed, self._show_measured),  # a clicked point is marked before it is measured
            (clicking.likelihood_changed, self._show_measured),
            (clicking.interpolation_changed, self._show_measured),
            (controllers.lessons.changed, self._show_measured),
            (self._comparing.active_changed, self._begin_or_end),
            (self.canvas.viewport_changed, self.want),
            (self.canvas.picking.picked, self._pick),
            (layers.toggled, self._show_layers),
            (layers.option_changed, self._show_layers),
        ):
            signal.connect(slot)
        if self._state.problem is not None:
            self._show_problem()
        self._begin_or_end()

    # What others may read

    @property
    def run(self) -> Run | None:
        """The run that is shown; None if there is none, or if it belongs to other data."""
        return next(iter(self._playing.shown[self.place :]), None)

    @property
    def overlays(self) -> FrameOverlays | None:
        """What is computed for its frame; None before the first run of a column."""
        return next(iter(self._following.in_view[self.place :]), None)

    @property
    def _current(self) -> CurrentFrame:
        """The frame in view, and what is wanted of it."""
        return NO_FRAME if self.overlays is None else self.overlays.current

    @property
    def frame_style(self) -> FrameStyle:
        """How the layers of a frame are shown, with colours that are available; a column has room for short captions only."""
        wanted, style, short = self._current.wanted, self.canvas.layers.style, self._comparing.is_active
        return dataclasses.replace(style, particles=wanted.colors, followed=wanted.followed, short=short)

    @property
    def density(self) -> DensityView | None:
        """The density that is shown."""
        shown = self.overlays if "density" in self._current.wanted.layers else None
        return None if shown is None else shown.density.seen

    @property
    def weights(self) -> str:
        """What the caption says about the weights, if particles or a layer depend on them."""
        model, wanted, run = self._current.model, self._current.wanted, self.run
        learned = "learned" in wanted.layers or ("density" in wanted.layers and wanted.density_source == "learned")
        learned |= (self._state if run is None else run).experiment.sampling.follows == "learned"
        if model is None or not learned:
            return ""
        others = readouts.SAMPLING if self._playing.main.is_replacing else readouts.OTHERS
        lags = self._playing.main.lags and not self._comparing.is_active
        return readouts.weights_in_view(model.weights, others if lags else "")

    # The data

    @Slot()
    def _show_problem(self) -> None:
        """Show the data, which stay if others are refused."""
        canvas, drawn, problem = self.canvas, isinstance(self._state.experiment.data, Drawing), self._state.problem
        if problem is None:
            self._show_empty_plane(drawn)
        if problem is None or self._state.failure is not None:
            return
        canvas.set_strokes([])
        canvas.change(hint="")
        canvas.show_problem(problem)
        self._in_scene = ()
        if not problem.has_data_of(self._problem):
            # Only for other data: a view that the user chose stays when noise or network change.
            self._problem = problem
            canvas.surface.release()
            self._show_run()
            canvas.set_readout([])
            if not (problem.is_image or (self._drawing and drawn)):
                canvas.fit(problem.bounds)  # the view stays while the user paints
            self._forget_overlays()
        self._drawing = drawn
        self._show_measured()

    def _show_empty_plane(self, drawn: bool) -> None:
        """Show an empty plane, for example to paint on; a drawing that was cleared keeps its view."""
        canvas = self.canvas
        self._forget_overlays()
        canvas.set_images(None)
        canvas.set_data(None)
        self._clear()
        canvas.set_readout([])
        if not self._drawing:
            canvas.surface.set_aspect_locked(True)
            canvas.change(axes=("x", "y"))
            canvas.fit(EMPTY_PLANE)
        self._drawing, self._problem = drawn, None
        paint = "Paint here with the brush: the points follow your strokes."
        canvas.change(hint=paint if drawn else "There are no data yet.")

    def show_session(self, session: Session) -> None:
        """Show the data of a file before torch is loaded."""
        # Evenly spaced, because the file may be sorted; the quantiles of a million points would take 80 ms.
        points = session.points[:: -(-len(session.points) // SHOWN_POINTS)]
        self._in_scene = ()
        self.canvas.set_images(None)
        if points.ndim == 2:
            self.canvas.change(axes=session.axes)
            self.canvas.set_data(points)
            self.canvas.fit(plane_bounds(points))
        else:
            some = points[:: -(-len(points) // SURVEYED)]
            self.canvas.set_images(ImageGrid(points, (float(some.min()), float(some.max()))))

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        if keys & {"data.strokes", "data.kind"}:
            data = self._state.experiment.data
            strokes = data.strokes if isinstance(data, Drawing) else ()
            self.canvas.set_strokes((np.array(stroke.points), stroke.radius) for stroke in strokes)
            if strokes:
                self.canvas.change(hint="")

    # The run

    @Slot()
    def _begin_or_end(self) -> None:
        """Become a column, or the only view."""
        compared, canvas = self._comparing.is_active, self.canvas
        self.head.setVisible(compared)
        canvas.setMinimumSize(*(NARROWEST if compared else (0, 0)))
        canvas.surface.setAccessibleName(f"Canvas of column {LETTERS[self.place]}" if compared else "Canvas")
        canvas.surface.setAccessibleDescription(COMPARED if compared else ALONE)
        canvas.set_readout([])
        if not compared and self._state.problem is not None:
            canvas.change(hint="")
        self._clear()
        self._show_measured()
        self._show_layers()

    def renew(self) -> None:
        """Show the run of a column that begins."""
        run, problem = self.run, self._state.problem
        self._clear()
        self.refresh()  # which has nothing yet
        if problem is not None and run is not None:
            self.canvas.show_problem(problem)
            self.canvas.change(hint="" if run.failure is None else worded(run.failure))
        self._show_measured()

    @Slot()
    def _show_run(self) -> None:
        """Show no particles if there is no run; the first frame of another one replaces those of the last."""
        if self.run is None:
            self._clear()

    def _clear(self) -> None:
        """Show nothing of a run."""
        self._in_scene = ()
        self.canvas.change(particles=None, trails=None, followed=None, caption=(), beside=None)
        self.head.cost.setText(" ")

    @Slot()
    def want(self) -> None:
        """Ask for what the canvas shows; the first view asks for all."""
        if not self.place:
            self._following.want(self.canvas.wanted)

    @Slot()
    def _show_layers(self) -> None:
        self.want()
        self.refresh()

    def _forget_overlays(self) -> None:
        """Remove field, density and particle colours: they belong to other data."""
        if self.overlays is not None:
            self.overlays.forget()
        self.refresh()

    @Slot(object, int)
    def _show_overlay(self, _: object, place: int) -> None:
        if place == self.place:
            self._show_soon()

    @Slot()
    def _show_soon(self) -> None:
        """Show what was computed: with the next frame if that is shown soon."""
        if self.run is None or not self._playing.shows_another_soon:
            self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show the frame in view with what was computed for it; see :func:`playground.app.canvas.frames.show_frame`."""
        overlays, playing, canvas = self.overlays, self._playing, self.canvas
        if overlays is None:
            return
        run = self.run if playing.shown_frame >= 0 else None
        trajectory, frame = None, 0
        if run is not None:
            trajectory, frame = run.trajectory, run.frame_at(playing.shown_frame, playing.total)
        if trajectory is not None:
            before, self._sigma = self._sigma, float(trajectory.sigma[frame])
            if not near(self._sigma, before):
                canvas.surface.picture.paint_whole()
        canvas.show_always(self._current.wanted.layers if self._comparing.is_active else frozenset())
        style, values, beside = self.frame_style, overlays.values, None if canvas.layers.captioned else canvas.beside
        if beside is not None and trajectory is not None:
            beside = tuple(readouts.short_caption(trajectory, frame, self.weights, not playing.is_playing))
        computed = overlays.field.seen, self.density, self.weights, style, values, overlays.particle
        shown_by = trajectory, frame, values, style.particles, *canvas.layers.options.values()
        known, self._in_scene = self._in_scene, shown_by
        sampler = (self._state if run is None else run).experiment.sampling

        def in_view(scene: Scene) -> Scene:
            with_run = scene
            if run is not None and scene.images is not None:
                with_run = dataclasses.replace(scene, images=dataclasses.replace(scene.images, known=run.known))
            elif trajectory is not None:
                with_run = canvas.with_run(scene)
            with_run = dataclasses.replace(with_run, beside=beside)
            shown = show_frame(with_run, trajectory, frame, sampler, *computed)
            if trajectory is None or known != self._in_scene:
                return shown
            # What came later for the same frame: its particles stay as they were painted.
            return dataclasses.replace(shown, particles=scene.particles, trails=scene.trails, images=scene.images)

        canvas.change_scene(in_view)
        self.head.set_caption(beside or ())

    # What was measured

    @Slot(object, str)
    def _pick(self, place: Place, modifier: str) -> None:
        """Follow the particle that was clicked with Alt; a click far from all particles follows none."""
        if modifier == "alt":
            self._controllers.inspecting.drop_start()
            self._controllers.inspecting.follow(self.canvas.particle_at(place), self.place)

    @Slot()
    def _show_measured(self) -> None:
        """Show what was measured at clicked points, and ring chosen images; columns show the followed particle alone."""
        clicking, inspecting = self._controllers.clicking, self._controllers.inspecting
        likelihood, interpolation, start = clicking.likelihood, clicking.interpolation, inspecting.flow
        lessons, problem = self._controllers.lessons, self._state.problem
        marks, modes = lessons.marks, problem.modes if lessons.names_modes and problem is not None else None
        if self._comparing.is_active:
            likelihood = interpolation = start = marks = modes = None
        place, way = next(iter(self._state.document.clicked), None), None
        if isinstance(place, tuple) and not self._comparing.is_active:
            measured = likelihood is not None and tuple(likelihood.point.tolist()) == place
            flow = likelihood.flow if likelihood is not None and measured else None
            way = np.array([place]) if flow is None else flow.path
        self.canvas.change(
            path=None if way is None else Path(way),
            flow=None if start is None else Flow(start),
            marks=None if marks is None and modes is None else Marks(*(marks or (None, None, None)), modes=modes),
        )
        self.canvas.set_interpolation(None if interpolation is None else interpolation.points)
        first = inspecting.number if likelihood is None else likelihood.number
        self.canvas.choose_images(first, None if interpolation is None else interpolation.numbers[1])
