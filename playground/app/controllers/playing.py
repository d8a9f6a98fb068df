"""Plays sampling runs: the playhead over the runs in view, which play in lockstep."""

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot

from playground.app.controllers.controller import Controller
from playground.app.controllers.playback_clock import FRAMES_A_SECOND, PlaybackClock
from playground.app.controllers.replaying import Replaying
from playground.app.controllers.runs import FrameNoise, Run, RunsInView
from playground.app.controllers.sampling_worker import Samplers, SamplingWorker
from playground.app.model.state import State
from playground.app.model.views import ProblemView
from playground.lab.trajectory import Trajectory


class Playing(Controller):
    """The timeline of the runs in view, all at the same share of their length. Arrays are in the user's units.

    Attributes:
        main: the main run, if there is one, and the one that comes after it.
        compared: the columns, which are in view instead of the main run; None if nothing is compared.
        samplers: sample the runs, and compute what their frames show besides particles.
        shown_frame: the frame in view; -1 before the first of other runs.
        first: the frame at which the run that comes is shown: one may be asked for before it is there.
        is_held: whether it stands at the first frame.

    Signals:
        trajectory_changed(Trajectory | None): another main run is in view; it may be incomplete.
        frame_changed(int)
        playing_changed(bool)
        loop_changed(bool)
    """

    trajectory_changed = Signal(object)
    frame_changed = Signal(int)
    playing_changed = Signal(bool)
    loop_changed = Signal(bool)

    def __init__(
        self,
        state: State,
        replaying: Replaying,
        samplers: Samplers,
    ) -> None:
        super().__init__(state)
        self._replaying, self.samplers = replaying, samplers
        self._playback = PlaybackClock()
        self.main = RunsInView()
        self.compared: RunsInView | None = None
        self.shown_frame = -1
        self.first = 0
        self.is_held = False
        self._resumes = False  # whether it plays once it is no longer held
        state.ticked.connect(self._advance)

    # What the window may read

    @property
    def sampler(self) -> SamplingWorker:
        """The one of the main run."""
        return self.samplers.main

    @property
    def in_view(self) -> RunsInView:
        """What plays."""
        return self.compared or self.main

    @property
    def run(self) -> Run | None:
        """The main run; None if there is nothing to play."""
        return next(iter(self.main.runs), None)

    @property
    def trajectory(self) -> Trajectory | None:
        """The main run's frames."""
        return None if self.run is None else self.run.trajectory

    @property
    def played(self) -> ProblemView | None:
        """The problem of the main run; None while that of an opened session is being built."""
        return None if self.run is None or self.run.model is None else self.run.model.view

    @property
    def runs(self) -> list[Run]:
        """The runs in view that can be shown."""
        return [run for run in self.in_view.runs if run.failure is None or self.compared is None]

    @property
    def shown(self) -> tuple[Run | None, ...]:
        """The runs in view from left to right; no main run of other data than those in view. A session's comes before its data."""
        if self.compared is not None:
            return self.compared.runs
        played = self.played
        return (self.run if played is None or played.has_data_of(self._state.problem) else None,)

    @property
    def longest(self) -> Trajectory | None:
        """The run in view with the most frames when complete."""
        found = (run.trajectory for run in self.runs if run.trajectory is not None)
        return max(found, key=lambda trajectory: trajectory.total, default=None)

    @property
    def total(self) -> int:
        """The number of frames of the common timeline, which are those of the longest run when complete."""
        longest = self.longest
        return 0 if longest is None else longest.total

    @property
    def recorded(self) -> int:
        """The number of frames that all runs in view have."""
        total = self.total
        return min((run.recorded(total) for run in self.runs), default=0)

    @property
    def is_here(self) -> bool:
        """Whether the main run belongs to the current model."""
        return self.run is not None and self.run.is_of(self._state.model)

    @property
    def frame(self) -> int:
        return self._playback.frame

    @property
    def is_playing(self) -> bool:
        return self._playback.playing

    @property
    def loop(self) -> bool:
        return self._playback.loop

    @property
    def speed(self) -> float:
        return self._playback.speed

    @property
    def seeks(self) -> bool:
        """Whether the playhead is moving to a frame that is not sampled yet."""
        return self._playback.target is not None

    @property
    def plays_on(self) -> bool:
        """Whether the current frame follows the one that was shown last, as it does while a run plays."""
        return self._playback.playing and 0 <= self.shown_frame <= self.frame

    @property
    def shows_next(self) -> bool:
        """Whether another frame than the one in view is about to be shown."""
        return self.frame != self.shown_frame and self.recorded > 0

    @property
    def shows_another_soon(self) -> bool:
        """Whether what was computed for the frame in view can wait for the next frame, which spares a paint."""
        moves_on = self._playback.playing and self.speed >= 1 and self.frame + 1 < self.recorded
        return self.shows_next or (moves_on and self.shown_frame >= 0)

    @property
    def share(self) -> float:
        """The position of the playhead in the runs in view, from 0 to 1."""
        return min(self.frame / max(self.total - 1, 1), 1.0)

    def same_frame(self, trajectory: Trajectory) -> int:
        """The playhead's frame, or its target, in another run: at the same share of the length if the runs differ."""
        target = self._playback.target
        frame, last = self.frame if target is None else target, max(self.total - 1, 1)
        return round(min(frame / last, 1.0) * (trajectory.total - 1))

    @property
    def sigma(self) -> float:
        """The noise level of the canvas, in the user's units."""
        moment, problem = self._moment, self._state.problem
        if moment is not None:
            return moment[0]
        return 0.0 if problem is None else problem.sigma_min

    @property
    def frame_noise(self) -> FrameNoise | None:
        """Sigma and, if the particles are not in data coordinates, the process's time at the playhead.

        None while the main run belongs to another problem.
        """
        moment = self._moment
        if moment is None:
            return self.sigma, None
        return moment if self.is_here else None

    @property
    def _moment(self) -> FrameNoise | None:
        return None if self.run is None else self.run.noise_at(self.frame)

    @property
    def sampled(self) -> Run | None:
        """The main run; None if its settings, weights and seed are not known."""
        return self.run if self.is_here else None

    @property
    def is_of_now(self) -> bool:
        """Whether the main run has the current model, sampler and seed."""
        run = self.sampled
        return run is not None and run.experiment.sampling == self._state.experiment.sampling

    # What the window may ask for

    def hold(self, held: bool) -> None:
        """Stand at the first frame, whatever is requested, while the run would tell the answer to a lesson's question."""
        if held == self.is_held:
            return
        if held:
            resumes = self._playback.playing
            self._replaying.set_playing(False)
            self.set_playing(False)
            self.seek(0)
            self.is_held, self._resumes = True, resumes
        else:
            self.is_held = False
            self.set_playing(self._resumes)
        self.playing_changed.emit(self._playback.playing)

    @Slot(bool)
    def set_playing(self, playing: bool) -> None:
        if self.is_held:
            self._resumes = playing
            return
        if playing:
            self._replaying.set_playing(False)
        changed, self.first = playing != self._playback.playing, 0
        self._playback.play(playing)
        if playing and self.run is not None and self.frame >= self.total - 1:
            self._playback.seek(0, self.recorded)
        if changed:
            self.playing_changed.emit(playing)

    @Slot(int)
    def step(self, frames: int) -> None:
        """Move the playhead by some frames and pause."""
        if self.is_held:
            return
        self.set_playing(False)
        self.seek(self.frame + frames)

    @Slot(int)
    def seek(self, frame: int) -> None:
        """Go to a frame, or to the last one; missing frames are sampled first, and the playhead follows them.

        If the run is not there yet, it is shown at that frame.
        """
        if not self.is_held:
            self.first = frame
            self._playback.seek(min(frame, max(self.total - 1, 0)), self.recorded)

    @Slot(bool)
    def set_loop(self, loop: bool) -> None:
        self._playback.set_loop(loop)
        self.loop_changed.emit(loop)

    @Slot(float)
    def set_speed(self, speed: float) -> None:
        self._playback.set_speed(speed)

    # The runs in view

    def compare(self, columns: RunsInView | None) -> None:
        """Show the runs that are compared, or with None the main one, at the same share of their length."""
        share = self.share
        self.compared = columns
        self.shown_frame = -1
        self._playback.seek(round(share * max(self.total - 1, 0)), self.recorded)

    def put(self, where: RunsInView, runs: Sequence[Run], frame: int = 0) -> None:
        """Show other runs at a frame; none if the main one belongs to data or noise that are gone."""
        where.put(runs)
        self.first, self.shown_frame = 0, -1
        if where is self.in_view and runs:
            self._playback.seek(frame, self.recorded)
        if where is self.main:
            self.trajectory_changed.emit(self.trajectory)

    def rewind(self, first: int = 0) -> None:
        """Go to the start, because another run comes, which is shown at a frame."""
        self.first = first
        self._playback.seek(0, 0)
        self.shown_frame = -1

    def show_again(self) -> None:
        """Show the frame at the playhead again."""
        self.shown_frame = -1

    # Called by the clock

    @Slot(float)
    def _advance(self, passed: float) -> None:
        """Move the playhead by the seconds passed, unless the training is played. At the end of a loop start again."""
        self._replaying.advance(passed, not self.main.is_replacing)
        if self._replaying.is_playing and (self.is_playing or self.is_held):
            self.set_playing(False)
        playing = self._playback.playing
        if self._playback.advance(passed, self.recorded, self.total):
            self.again()
        if playing != self._playback.playing:
            self.playing_changed.emit(self._playback.playing)

    def again(self) -> None:
        """Play the recorded frames again, unless newer ones are there or can be sampled as fast as they play."""
        rate = FRAMES_A_SECOND * self.speed * len(self.runs)  # they share a thread
        self.in_view.end(self._state.model, all(self.samplers.of(run).keeps_up(rate) for run in self.runs))
        self.seek(0)

    def show(self) -> None:
        """Emit the frame at the playhead, if it is a new one."""
        if self.shows_next:
            self.shown_frame = self.frame
            self.frame_changed.emit(self.frame)
