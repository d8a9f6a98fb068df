"""Computes what the current frame shows besides its particles: score field, density, and values under the pointer."""

import dataclasses
import time
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, Signal, Slot

from playground.app.controllers import overlay_timing
from playground.app.controllers.building import Building
from playground.app.controllers.notification import Notification
from playground.app.controllers.overlay_timing import (
    FOLLOWING,
    FrameNoise,
    FrameOverlayTimer,
    LearnedDensities,
    Throttle,
)
from playground.app.controllers.playing import Playing
from playground.app.controllers.replaying import Replaying
from playground.app.controllers.sampling_worker import (
    OverlayRequest,
    ParticlesRequest,
    ReadoutRequest,
    SamplingWorker,
)
from playground.app.controllers.video_frames import VideoFrames, arrows_over, video_frames_over
from playground.app.model.views import COMPUTED_COLORS, Bounds, DensityView, ParticleColors
from playground.app.model.weights import Weights
from playground.app.model.workspace import Model, Workspace
from playground.app.workers.tasks import Tasks
from playground.app.workers.worker import Mailbox
from playground.lab.conflicts import tilted_conflict

FIELD_SECONDS = 0.05  # between two requests for the field: arrows turn slowly
DENSITY_SECONDS = 0.1  # between two requests for the density, which costs several times as much and changes more slowly
PAUSED = "The run is paused for the density map, which stays until you press play."
View = TypeVar("View")


class Following(QObject):
    """Requests field and density at their own rates, and shows each only with its own frame. Arrays are in the user's
    units.

    Signals:
        field_changed(FieldView)
        density_changed(DensityView)
        overlay_dropped(str): "field" or "density", which belongs to no frame in view any more.
        particles_valued(ParticleValues): computed values that colour the particles in view.
        probed(PointReadout)
        notified(Notification)
    """

    field_changed = Signal(object)
    density_changed = Signal(object)
    overlay_dropped = Signal(str)
    particles_valued = Signal(object)
    probed = Signal(object)
    notified = Signal(object)

    def __init__(
        self,
        building: Building,
        replaying: Replaying,
        playing: Playing,
        sampler: SamplingWorker,
        tasks: Tasks,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._building, self._playing, self._sampler, self._tasks = building, playing, sampler, tasks
        self._bounds: Bounds = (-1.0, 1.0, -1.0, 1.0)
        self._grid = (30, 30)
        self._wanted: frozenset[str] = frozenset({"learned", "density"})
        self._density_source = self._exact_source = "exact"
        self._learned_densities = LearnedDensities(tasks, self.show_density)
        self._pinned: int | None = None  # the frame whose requested density map is shown
        self._colors: ParticleColors = "one"
        self._particles = Throttle(FIELD_SECONDS)
        self._field, self._density = Throttle(FIELD_SECONDS), Throttle(DENSITY_SECONDS)
        shown = self.field_changed.emit, self.density_changed.emit, self.overlay_dropped.emit
        self.overlays = FrameOverlayTimer(*shown, self._suits)
        building.problem_changed.connect(self._take_problem)
        replaying.chosen.connect(self._take_weights)

    # Set by the canvas

    def set_viewport(self, x0: float, x1: float, y0: float, y1: float, columns: int = 30, rows: int = 30) -> None:
        """Set the part of the plane in view, and the number of arrows."""
        self._bounds, self._grid = (x0, x1, y0, y1), (columns, rows)

    def set_wanted(self, layers: frozenset[str]) -> None:
        """Set which of "learned", "exact", "error" and "density" the canvas shows; only those are computed."""
        self._wanted = layers

    def set_density_source(self, source: str) -> None:
        self._density_source = source
        self.unpin()

    def set_exact_source(self, source: str) -> None:
        self._exact_source = source
        self._field.forget()
        self.overlays.field.expire()

    def set_particle_colors(self, colors: ParticleColors) -> None:
        """Set what colours the particles."""
        self._colors = colors
        self._particles.forget()

    @property
    def particle_colors(self) -> ParticleColors:
        """What colours the particles; "one" colour if the chosen values are not known."""
        return overlay_timing.particle_colors(self._colors, self._building.problem)

    @property
    def bounds(self) -> Bounds:
        """The part of the plane in view."""
        return self._bounds

    @property
    def density_source(self) -> str:
        """The source of the density layer."""
        source, workspace = (
            overlay_timing.density_source(self._density_source, self._building.problem),
            self._building.workspace,
        )
        if source != "tilted" or workspace is None:
            return source
        problem = workspace.problem
        return "exact" if tilted_conflict(problem.experiment, problem.conditions) else "tilted"

    @property
    def exact_source(self) -> str:
        """The source of the exact score."""
        return overlay_timing.exact_source(self._exact_source, self._building.problem)

    def probe(self, x: float, y: float) -> None:
        """Compute score and density at a point; `probed` reports them."""
        workspace, moment = self._building.workspace, self._playing.frame_noise
        if workspace is not None and not workspace.view.is_image and moment is not None:
            self._sampler.request_readout(ReadoutRequest(workspace, (x, y), *moment))

    def video_frame_maker(
        self, wanted: frozenset[str], still: bool = False, weights: Weights | None = None
    ) -> Callable[[Bounds], VideoFrames]:
        """Returns a function that, for any bounds, makes what computes field and density with the current weights.

        The result may be used in another thread, at any sigma and time.

        Args:
            still: for the current frame only, whose density may be the map that the user requested.
            weights: used in place of the current ones.
        """
        now = self._building.workspace
        if now is None or now.view.is_image:
            return lambda bounds: VideoFrames(None)
        model, seen, grid = now.model, self._bounds, self._grid
        if weights is not None:
            model = dataclasses.replace(model, weights=weights)
        sources = self.exact_source, self.density_source
        pinned = still and "density" in wanted and self._pinned == self._playing.frame
        return lambda bounds: video_frames_over(
            model, bounds, arrows_over(bounds, seen, grid), wanted, *sources, pinned
        )

    # The requested density map

    @property
    def pinned(self) -> bool:
        """Whether the density layer shows a requested map."""
        return self._pinned is not None

    @property
    def seen_density(self) -> DensityView | None:
        """The density that is shown with the current frame."""
        return self.overlays.density.seen

    def pin(self) -> None:
        """Keep the density layer for the requested map until the playhead moves."""
        playing, played = self._playing, self._playing.is_playing
        playing.set_playing(False)
        self._tasks.cancel(FOLLOWING)
        self._pinned = playing.frame
        if played:
            self.notified.emit(Notification("info", PAUSED, is_current=lambda: self.pinned and not playing.is_playing))

    def unpin(self) -> None:
        self._pinned = None
        self._density.forget()

    def show_density(self, view: DensityView) -> None:
        """Take a computed density. A requested map is shown at once, others with the frames that they belong to."""
        self.overlays.density.take(view, self._playing.frame_noise)
        if view.asked:
            self.settle()

    def _suits(self, density: DensityView) -> bool:
        """Whether a density is of the kind to show: the requested map, or until it is there that of the frame."""
        return self.pinned if density.asked else density.source == self.density_source

    # Called by the clock

    @Slot()
    def _take_problem(self) -> None:
        """Forget field and density: they belong to another problem."""
        self._learned_densities.forget()
        self.unpin()
        self.overlays.expire()

    @Slot()
    def _take_weights(self) -> None:
        """Take the chosen weights: their field comes at once, and the learned density of others is removed."""
        for throttle in (self._field, self._density):
            throttle.forget()
        seen = self.overlays.density.seen
        if seen is not None and seen.source == "learned":
            self._tasks.cancel(FOLLOWING)
            self.overlays.density.drop()
        self.look()
        self.settle()

    def poll(self) -> None:
        """Take computed results, except those for other data or noise."""
        self._show_newest(self._sampler.fields, self.overlays.field.take)
        self._show_newest(self._sampler.densities, self.show_density)
        self._show_newest(self._sampler.readouts, self.probed.emit)
        self._show_newest(self._sampler.particle_values, self.particles_valued.emit)

    def _show_newest(self, mailbox: Mailbox[tuple[Workspace | Model, View]], show: Callable[[View], None]) -> None:
        workspace, view = mailbox.take() or (None, None)
        if view is not None and workspace is self._building.workspace:
            show(view)

    def _value_particles(self, workspace: Workspace, moment: FrameNoise, now: float) -> None:
        """Request the values that colour the particles of the current frame."""
        run, frame, colors = self._playing.trajectory, self._playing.frame, self.particle_colors
        if colors not in COMPUTED_COLORS or run is None or not frame < len(run):
            return
        if self._particles.due((id(run), frame, colors), now):
            request = ParticlesRequest(workspace, colors, run.positions[frame], *moment)
            self._sampler.request_particle_values(request)

    @property
    def waits(self) -> bool:
        """Whether the current frame, at rest, must wait for its field or density."""
        if self._playing.seeks or self._playing.is_playing:
            return False
        closed = "density" in self._wanted and self.density_source != "learned"  # a learned one takes seconds
        arrows = bool(self._wanted - {"density"})
        return self.overlays.waits(self._playing.frame_noise, time.monotonic(), arrows, closed)

    def settle(self) -> None:
        """Show what was computed for the current frame, and remove what belongs to another."""
        self.overlays.settle(self._playing.frame_noise, self._playing.plays_on)

    def look(self) -> None:
        """Request field and density of the current frame, if it is a new one."""
        workspace, moment, now = self._building.workspace, self._playing.frame_noise, time.monotonic()
        if workspace is None or workspace.view.is_image:
            return
        if moment is None or self._playing.seeks:
            return  # frames on the way to one that is not sampled need none, and computing them would delay the sampling
        if self._pinned is not None and self._playing.frame != self._pinned:
            self.unpin()
        self._value_particles(workspace, moment, now)
        place = (id(workspace.problem), self._bounds, *moment)
        arrows = self._wanted - {"density"}
        field = bool(arrows) and self._field.due(
            (*place, self._grid, arrows, workspace.weights.version, self.exact_source),
            now,
            self.overlays.field.lags(moment),
        )
        source = self.density_source
        closed = source != "learned"
        density = (
            "density" in self._wanted
            and not self.pinned
            and self._density.due(
                (*place, source, 0 if closed else workspace.weights.version), now, self.overlays.density.lags(moment)
            )
        )
        if field or (density and closed):
            layers = field and "learned" in arrows, field and "exact" in arrows, density and closed
            self._sampler.request_overlays(
                OverlayRequest(
                    workspace,
                    self._bounds,
                    *self._grid,
                    *moment,
                    *layers,
                    self.exact_source,
                    source,
                    error=field and "error" in arrows,
                )
            )
        following = density and not closed and workspace.view.shows_learned_density
        if following and not self._learned_densities.follow(workspace, self._bounds, moment[0], moment[1] is not None):
            self._density.forget()
