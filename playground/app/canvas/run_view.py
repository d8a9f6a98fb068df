"""The current frame of one run on a canvas: of the single run, or of a column of a comparison."""

import dataclasses
import functools
from collections.abc import Callable

from playground.app.canvas.frame_style import FrameStyle
from playground.app.canvas.frames import frames_of, show_frame
from playground.app.canvas.view import CanvasView
from playground.app.controllers.following import Following
from playground.app.controllers.overlay_timing import FrameOverlays
from playground.app.controllers.runs import Run
from playground.app.controllers.video_frames import VideoFrames
from playground.app.model.views import DensityView
from playground.drawing.film import OverlayMaker
from playground.drawing.plane import Viewport
from playground.drawing.scene import Scene
from playground.kinds.samplers.sampler import Sampler


class RunView:
    """Shows a run's current frame on a canvas, and makes its frames for films and pictures.

    Args:
        narrow: whether the canvas has room for short captions only.
    """

    def __init__(self, canvas: CanvasView, following: Following, narrow: bool = False) -> None:
        self._canvas, self._following, self._narrow = canvas, following, narrow
        self._in_scene: tuple[object, ...] = ()  # what the scene's particles depend on

    @property
    def style(self) -> FrameStyle:
        """How the layers of a frame are shown, with colours that are available."""
        wanted, style = self._following.wanted, self._canvas.layers.style
        return dataclasses.replace(style, particles=wanted.colors, followed=wanted.followed, narrow=self._narrow)

    def density(self, overlays: FrameOverlays) -> DensityView | None:
        """The density that is shown."""
        return overlays.density.seen if self._canvas.layers.shows("density") else None

    def show(
        self,
        overlays: FrameOverlays,
        run: Run | None,
        frame: int,
        sampler: Sampler,
        weights: str = "",
    ) -> None:
        """Show a frame with what was computed for it; see :func:`playground.app.canvas.frames.show_frame`."""
        style, trajectory = self.style, None if run is None else run.trajectory
        computed = overlays.field.seen, self.density(overlays), weights, style, overlays.values, overlays.particle
        before, self._in_scene = self._in_scene, (trajectory, frame, overlays.values, style.particles)

        def in_view(scene: Scene) -> Scene:
            if run is not None and scene.images is not None:
                scene = dataclasses.replace(scene, images=dataclasses.replace(scene.images, known=run.known))
            elif trajectory is not None and scene.particles is None:
                scene = self._canvas.with_run(scene)
            shown = show_frame(scene, trajectory, frame, sampler, *computed)
            if trajectory is None or before != self._in_scene:
                return shown
            # What came later for the same frame: its particles stay as they were painted.
            return dataclasses.replace(shown, particles=scene.particles, trails=scene.trails, images=scene.images)

        self._canvas.change_scene(in_view)

    def renew(self) -> None:
        """Let the next frame be painted anew, because the data or the run are others."""
        self._in_scene = ()

    def clear(self) -> None:
        """Show no run."""
        self.renew()
        self._canvas.change(particles=None, trails=None, caption=())

    def clear_overlays(self) -> None:
        """Show no field and no density."""
        self._canvas.change_scene(
            lambda scene: dataclasses.replace(scene, learned=None, exact=None, error=None, density=None)
        )

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
