"""Computes what the runs in view show besides their particles: score field, density, a followed particle; values at the pointer."""

import dataclasses
import time
from collections.abc import Callable

from PySide6.QtCore import Signal, Slot

from playground.app.controllers.controller import Controller
from playground.app.controllers.notification import notify
from playground.app.controllers.overlay_timing import (
    DENSITY_SECONDS,
    FIELD_SECONDS,
    FOLLOWING,
    CurrentFrame,
    FrameOverlays,
    LearnedDensities,
    Throttle,
    as_known,
)
from playground.app.controllers.playing import Playing
from playground.app.controllers.runs import Run
from playground.app.controllers.sampling_worker import ReadoutRequest
from playground.app.controllers.video_frames import VideoFrames, video_frames_over
from playground.app.model.live_training import Weights
from playground.app.model.state import State
from playground.app.model.views import Bounds, DensityView, WantedOverlays

ARROW_SECONDS = 0.1  # between two requests for a column's arrows: up to four columns share a thread
ARROWS = frozenset({"learned", "exact"})
PAUSED = "The run is paused for the density map, which stays until you press play."


class Following(Controller):
    """What the runs in view show besides their particles; see :class:`FrameOverlays`. Arrays are in the user's units.

    A single run alone has a density map on request, learned densities, and values at the pointer.

    Signals:
        changed(FieldView | DensityView | ParticleValues | InspectedParticle | None, int): the run in view at a place, from 0 at the
            left, shows this from now on; None if something was removed.
        probed(PointReadout)
    """

    changed = Signal(object, int)
    probed = Signal(object)

    def __init__(self, state: State, playing: Playing) -> None:
        super().__init__(state)
        self._playing = playing
        self._wanted = WantedOverlays()
        self._learned = Throttle(DENSITY_SECONDS)
        self._learned_densities = LearnedDensities(self._jobs, self.show_density)
        self._pinned: int | None = None  # the frame whose requested density map is shown
        self._overlays: dict[Run | None, FrameOverlays] = {}  # of each run in view; None: the main one, whichever it is
        state.model_changed.connect(self._take_problem)
        state.weights_chosen.connect(self._take_weights)
        state.ticked.connect(self._show_frame)

    def want(self, wanted: WantedOverlays) -> None:
        """Set what the canvas shows; only that is computed."""
        before, self._wanted = self._wanted, dataclasses.replace(wanted, followed=self._wanted.followed)
        if wanted.density_source != before.density_source:
            self.unpin()
        if wanted.exact_source != before.exact_source:
            for overlays in self.in_view:
                overlays.field.expire()
        self._note_frames()

    def follow(self, number: int | None) -> None:
        """Compute the steps of the particle with this number too, in each run in view."""
        self._wanted = dataclasses.replace(self._wanted, followed=number)
        self._note_frames()

    @property
    def wanted(self) -> WantedOverlays:
        """What the canvas shows, with sources and colours that are known."""
        return as_known(self._wanted, self._state.model)

    def wanted_by(self, run: Run) -> WantedOverlays:
        """What one column shows. If arrows show the score that particles follow, each column shows its own."""
        wanted, model = self.wanted, self._state.model
        main = None if model is None else model.problem.experiment.sampling.follows
        own, layers = run.experiment.sampling.follows, wanted.layers
        exact = "empirical" if own == "empirical" else "exact"
        if (main == "learned") != (own == "learned") and own is not None and layers & ARROWS:
            layers = (layers - ARROWS) | {"learned" if own == "learned" else "exact"}
        if (layers, exact) != (wanted.layers, wanted.exact_source):
            wanted = dataclasses.replace(wanted, layers=layers, exact_source=exact)
        wanted = as_known(wanted, run.model)
        if "density" in layers and wanted.density_source == "learned":  # its maps take seconds
            return dataclasses.replace(wanted, layers=layers - {"density"})
        return wanted

    @property
    def bounds(self) -> Bounds:
        """The part of the plane in view."""
        return self._wanted.bounds

    def _note_frames(self) -> None:
        for overlays, run in zip(self.in_view, self._playing.in_view.runs or (None,), strict=False):
            overlays.follow(self._current(run))

    def _current(self, run: Run | None) -> CurrentFrame:
        """The frame of a run in view; if there is none, what lies under the data."""
        playing, model = self._playing, self._state.model
        if run is None or playing.compared is None:
            main = model, playing.sampled, playing.trajectory
            return CurrentFrame(*main, playing.frame, playing.frame_noise, self.wanted, self.pinned)
        frame = run.frame_at(playing.frame, playing.total)
        return CurrentFrame(run.model, run, run.trajectory, frame, run.noise_at(frame), self.wanted_by(run))

    def probe(self, x: float, y: float) -> None:
        """Compute score and density at a point; `probed` reports them."""
        model, moment = self._state.model, self._playing.frame_noise
        if model is not None and not model.view.is_image and moment is not None:
            self._playing.sampler.readouts.request(ReadoutRequest(model, (x, y), *moment))

    def video_frame_maker(self, still: bool = False, weights: Weights | None = None) -> Callable[[Bounds], VideoFrames]:
        """Returns a function that, for any bounds, makes what computes field and density with the current weights.

        The result may be used in another thread, at any sigma and time.

        Args:
            still: for the current frame only, whose density may be the map that the user requested.
            weights: used in place of the current ones.
        """
        model, wanted = self._state.model, self.wanted
        if model is None:
            return lambda bounds: VideoFrames(None)
        if weights is not None:
            model = dataclasses.replace(model, weights=weights)
        pinned = still and "density" in wanted.layers and self._pinned == self._playing.frame
        return lambda bounds: video_frames_over(model, wanted, bounds, pinned)

    # The requested density map

    @property
    def pinned(self) -> bool:
        """Whether the density layer shows a requested map."""
        return self._pinned is not None

    @property
    def seen_density(self) -> DensityView | None:
        """The density that is shown with the current frame."""
        return next((overlays.density.seen for overlays in self.in_view), None)

    def pin(self) -> None:
        """Keep the density layer for the requested map until the playhead moves."""
        playing, played = self._playing, self._playing.is_playing
        playing.set_playing(False)
        self._jobs.cancel(FOLLOWING)
        self._pinned = playing.frame
        if played:
            notify(self._state, "info", PAUSED, is_current=lambda: self.pinned and not playing.is_playing)

    def unpin(self) -> None:
        self._pinned = None
        self._learned.forget()

    def show_density(self, view: DensityView) -> None:
        """Take a computed density. A requested map is shown at once, others with the frames that they belong to."""
        self._note_frames()
        if self._playing.compared is None:
            self.in_view[0].density.take(view, self._playing.frame_noise)
        if view.asked:
            self.settle()

    # Called by the clock

    @Slot()
    def _take_problem(self) -> None:
        """Forget field and density: they belong to another problem."""
        self._learned_densities.forget()
        self.unpin()
        for overlays in self.in_view:
            overlays.expire()

    @Slot()
    def _take_weights(self) -> None:
        """Remove the learned density of other weights than the chosen ones."""
        seen = self.seen_density
        if seen is not None and seen.source == "learned":
            self._jobs.cancel(FOLLOWING)
            self.in_view[0].density.drop()

    @property
    def in_view(self) -> list[FrameOverlays]:
        """Those of each run in view, from left to right."""
        compared, before = self._playing.compared, self._overlays
        runs = (None,) if compared is None else compared.runs
        self._overlays = {run: before.get(run) or self._new(run) for run in runs}
        return list(self._overlays.values())

    def _new(self, run: Run | None) -> FrameOverlays:
        place, seconds = (0, FIELD_SECONDS) if run is None else (run.place, ARROW_SECONDS)
        return FrameOverlays(self._playing.samplers.of(run), lambda shown: self.changed.emit(shown, place), seconds)

    @property
    def waits(self) -> bool:
        """Whether the current frame, at rest, must wait for a field or density."""
        if self._playing.seeks or self._playing.is_playing:
            return False
        waiting = [overlays.waits for overlays in self.in_view]  # all are asked: each notes since when it waits
        return any(waiting)

    def settle(self) -> None:
        """Show what was computed for the current frame, and remove what belongs to another."""
        for overlays in self.in_view:
            overlays.settle(self._playing.plays_on)

    @Slot()
    def _show_frame(self) -> None:
        """Show the frame at the playhead, at rest once field and density are there."""
        self.look()
        if not self.waits:
            self.settle()
            self._playing.show()

    def look(self) -> None:
        """Take what was computed, and request what the current frame lacks, if it is a new one."""
        model = self._state.model
        readout = self._playing.sampler.readouts.answer(
            lambda request: model is not None and request.model.view is model.view
        )
        if readout is not None:  # else it is of other data or noise
            self.probed.emit(readout)
        playing = self._playing
        if self.pinned and not playing.seeks and playing.frame != self._pinned:
            self.unpin()
        self._note_frames()
        if playing.seeks:
            return  # frames on the way to one that is not sampled need none, and computing them would delay the sampling
        for overlays in self.in_view:
            overlays.look()
        if playing.compared is None:
            self._follow_learned_density()

    def _follow_learned_density(self) -> None:
        model, moment, wanted = self._state.model, self._playing.frame_noise, self.wanted
        if model is None or moment is None or self.pinned or "density" not in wanted.layers:
            return
        view = model.view
        if wanted.density_source != "learned" or view.is_image or not view.shows_learned_density:
            return
        sigma, moving, bounds = moment[0], moment[1] is not None, wanted.bounds
        place = id(model.problem), bounds, *moment, model.weights.version
        due = self._learned.due(place, time.monotonic(), self.in_view[0].density.lags(moment))
        if due and not self._learned_densities.follow(model, bounds, sigma, moving):
            self._learned.forget()
