"""The current frame of one run in view on a canvas: of the single run, or of a column of a comparison."""

import dataclasses
import functools
from collections.abc import Callable

from PySide6.QtCore import QObject, Slot

from playground.app.canvas import readouts
from playground.app.canvas.frame_style import FrameStyle
from playground.app.canvas.frames import frames_of, show_frame
from playground.app.canvas.view import CanvasView
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.overlay_timing import NO_FRAME, CurrentFrame, FrameOverlays, near
from playground.app.controllers.runs import Run
from playground.app.controllers.video_frames import VideoFrames
from playground.app.model.views import DensityView
from playground.drawing.film import OverlayMaker
from playground.drawing.plane import Viewport
from playground.drawing.scene import Scene
from playground.kinds.samplers.sampler import Sampler


class RunView(QObject):
    """Shows a run's current frame on a canvas, and makes its frames for films and pictures.

    Args:
        run: returns the run that is shown; None if there is none.
        column: the place of a column, whose canvas has room for short captions only; None for the single run.
    """

    def __init__(
        self, controllers: Controllers, canvas: CanvasView, run: Callable[[], Run | None], column: int | None = None
    ) -> None:
        super().__init__(canvas)
        self._canvas, self._run, self._column, self._sampling = canvas, run, column, controllers.sampling
        self._state, self._playing, self._following = controllers.state, controllers.playing, controllers.following
        self._in_scene: tuple[object, ...] = ()  # what the scene's particles depend on
        self._sigma = 0.0  # of the frame that was shown last
        self._playing.frame_changed.connect(self.show)
        self._playing.playing_changed.connect(self.show)
        self._following.changed.connect(self._show_overlay)
        controllers.inspecting.changed.connect(self._show_soon)
        controllers.comparing.active_changed.connect(self._show_layers)
        canvas.viewport_changed.connect(self.want)
        for changed in (canvas.layers.toggled, canvas.layers.option_changed):
            changed.connect(self._show_layers)
        self.want()

    @property
    def _is_in_view(self) -> bool:
        """Whether its canvas is not hidden: that of the single run is during a comparison."""
        return (self._playing.columns is None) == (self._column is None)

    @property
    def overlays(self) -> FrameOverlays | None:
        """What is computed for its frame; None while it is not in view."""
        return next(iter(self._following.in_view[self._column or 0 :]), None) if self._is_in_view else None

    @property
    def _current(self) -> CurrentFrame:
        """The frame in view, and what is wanted of it."""
        return NO_FRAME if self.overlays is None else self.overlays.current

    @property
    def style(self) -> FrameStyle:
        """How the layers of a frame are shown, with colours that are available."""
        wanted, style, narrow = self._current.wanted, self._canvas.layers.style, self._column is not None
        return dataclasses.replace(style, particles=wanted.colors, followed=wanted.followed, narrow=narrow)

    @property
    def density(self) -> DensityView | None:
        """The density that is shown."""
        shown = self.overlays if "density" in self._current.wanted.layers else None
        return None if shown is None else shown.density.seen

    @property
    def weights(self) -> str:
        """What the caption says about the weights, if particles or a layer depend on them."""
        model, wanted, run = self._current.model, self._current.wanted, self._run()
        learned = "learned" in wanted.layers or ("density" in wanted.layers and wanted.density_source == "learned")
        learned |= (self._state if run is None else run).experiment.sampling.follows == "learned"
        if model is None or not learned:
            return ""
        others = readouts.SAMPLING if self._sampling.is_replacing else readouts.OTHERS
        return readouts.weights_in_view(model.weights, others if self._sampling.lags and self._column is None else "")

    @Slot()
    def want(self) -> None:
        """Ask for what the canvas shows; the first column asks for all."""
        if self._is_in_view and not self._column:
            self._following.want(self._canvas.wanted)

    @Slot()
    def _show_layers(self) -> None:
        self.want()
        self.show()

    @Slot(object, int)
    def _show_overlay(self, _: object, place: int) -> None:
        if place == (self._column or 0):
            self._show_soon()

    @Slot()
    def _show_soon(self) -> None:
        """Show what was computed: with the next frame if that is shown soon."""
        if self._run() is None or not self._playing.shows_another_soon:
            self.show()

    @Slot()
    def show(self) -> None:
        """Show the frame in view with what was computed for it; see :func:`playground.app.canvas.frames.show_frame`."""
        overlays, playing, canvas = self.overlays, self._playing, self._canvas
        if overlays is None:
            return
        run = self._run() if playing.shown_frame >= 0 else None
        trajectory, frame = None, 0
        if run is not None:
            trajectory, frame = run.trajectory, run.frame_at(playing.shown_frame, playing.total)
        if trajectory is not None:
            before, self._sigma = self._sigma, float(trajectory.sigma[frame])
            if not near(self._sigma, before):
                canvas.leap()
        if self._column is not None:
            canvas.show_always(self._current.wanted.layers)
        style, values = self.style, overlays.values
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
            shown = show_frame(with_run, trajectory, frame, sampler, *computed)
            if trajectory is None or known != self._in_scene:
                return shown
            # What came later for the same frame: its particles stay as they were painted.
            return dataclasses.replace(shown, particles=scene.particles, trails=scene.trails, images=scene.images)

        canvas.change_scene(in_view)

    def renew(self) -> None:
        """Let the next frame be painted anew, because the data or the run are others."""
        self._in_scene = ()

    def clear(self) -> None:
        """Show no run."""
        self.renew()
        self._canvas.change(particles=None, trails=None, caption=())

    def maker(
        self, views: Callable[[Viewport], VideoFrames], sampler: Sampler, weights: str = "", sigma: float = 0.0
    ) -> Callable[[Viewport], OverlayMaker]:
        """Makes the frames of a film or a picture as they are shown now; see :func:`playground.app.canvas.frames.frames_of`.

        The result takes a viewport, now or later, and returns a function for the export's thread.

        Args:
            views: computes field and density over any viewport.
        """
        style = self.style

        def make(viewport: Viewport) -> OverlayMaker:
            return functools.partial(frames_of, views(viewport), sampler, weights, sigma=sigma, style=style)

        return make
