"""Plays sampling runs: the playhead, and the frames that are sampled ahead of it.

Nothing is computed here: one thread samples (:mod:`playground.app.controllers.sampling_worker`), and a 60 Hz timer takes its newest result.
"""

import dataclasses
import itertools
import sys
from collections.abc import Callable, Iterator
from typing import Protocol

from PySide6.QtCore import QObject, Signal, Slot

from playground.app.controllers.building import Building
from playground.app.controllers.notification import conflict, stopped
from playground.app.controllers.overlay_timing import FrameNoise, noise_at
from playground.app.controllers.playback_clock import FRAMES_A_SECOND, PlaybackClock
from playground.app.controllers.replaying import Replaying
from playground.app.controllers.runs import KeptRuns, Run
from playground.app.controllers.sampling_worker import SHARE, SamplingRun, SamplingWorker
from playground.app.controllers.video_frames import complete_run
from playground.app.model.state import State
from playground.app.model.views import ProblemView
from playground.app.model.weights import Weights
from playground.app.model.workspace import Workspace
from playground.app.workers.worker import Worker
from playground.kinds.setting import SEEDS
from playground.lab.conflicts import sampling_conflict
from playground.lab.experiment import reset_key
from playground.lab.trajectory import Trajectory
from playground.messages import Message


class Lockstep(Protocol):
    """Runs that play instead of the one in view, all at the same share of their length."""

    @property
    def recorded(self) -> int:
        """The number of frames of the common timeline that all of them have."""

    @property
    def total(self) -> int:
        """The number of frames of that timeline."""

    def again(self) -> None:
        """Start again, because they have ended."""


AHEAD = 40  # frames to record beyond the playhead


def of_a_run(keys: frozenset[str]) -> bool:
    """Whether changes of these settings give another run."""
    return any(key.startswith("sampling.") for key in keys)


class Playing(QObject):
    """The timeline of the runs in view, which play in lockstep. Arrays are in the user's units.

    Attributes:
        run: the run in view; None if there is nothing to play.

    Signals:
        trajectory_changed(Trajectory | None): another run is in view; it may be incomplete.
        frame_changed(int)
        playing_changed(bool)
        loop_changed(bool)
        notified(Notification)
    """

    trajectory_changed = Signal(object)
    frame_changed = Signal(int)
    playing_changed = Signal(bool)
    loop_changed = Signal(bool)
    notified = Signal(object)

    def __init__(
        self,
        state: State,
        building: Building,
        replaying: Replaying,
        sampler: SamplingWorker,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._building, self._replaying, self.sampler = state, building, replaying, sampler
        self.worker: Worker[None] | None = None  # the thread that samples; quitting waits for it
        self._playback = PlaybackClock()
        self.run: Run | None = None
        self._numbers = itertools.count(1)
        self._recording: Run | None = None  # shown from its first frame on
        self._next: Run | None = None  # recorded while another run plays, and shown after it
        self.kept = KeptRuns()
        self._failed: Run | None = None  # the run whose sampling ended with an error
        self._shown_frame = -1
        self._first = 0  # the frame at which the run that comes is shown: one may be asked for before it is there
        self._told: Message | None = None
        self._lockstep: Lockstep | None = None
        self.is_held = False  # whether it stands at the first frame
        self._resumes = False  # whether it plays once it is no longer held
        building.opened.connect(self._forget)
        building.leaving.connect(self._leave)
        building.taken.connect(self._take)
        building.settings_changed.connect(self._take_settings)
        replaying.chosen.connect(self._take_weights)
        replaying.playing_changed.connect(self._make_way)

    # What the window may read

    @property
    def trajectory(self) -> Trajectory | None:
        return None if self.run is None else self.run.trajectory

    @property
    def played(self) -> ProblemView | None:
        """The problem of the run in view; None while that of an opened session is being built."""
        return None if self.run is None or self.run.workspace is None else self.run.workspace.view

    @property
    def recorded(self) -> int:
        """The number of frames that all runs in view have."""
        if self._lockstep is not None:
            return self._lockstep.recorded
        return 0 if self.trajectory is None else len(self.trajectory)

    @property
    def total(self) -> int:
        """The number of frames of the longest run in view when complete."""
        if self._lockstep is not None:
            return self._lockstep.total
        return 0 if self.trajectory is None else self.trajectory.total

    @property
    def _is_here(self) -> bool:
        """Whether the run in view belongs to the current workspace."""
        return self.run is not None and self.run.workspace is self._building.workspace

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
        return self._playback.playing and 0 <= self._shown_frame <= self.frame

    @property
    def shows_next(self) -> bool:
        """Whether another frame than the one in view is about to be shown."""
        return self.frame != self._shown_frame and self.recorded > 0

    @property
    def shows_another_soon(self) -> bool:
        """Whether what was computed for the frame in view can wait for the next frame, which spares a paint."""
        moves_on = self._playback.playing and self.speed >= 1 and self.frame + 1 < self.recorded
        return self.shows_next or (moves_on and self._shown_frame >= 0)

    @property
    def sigma(self) -> float:
        """The noise level of the canvas, in the user's units."""
        moment, problem = noise_at(self.trajectory, self.frame), self._building.problem
        if moment is not None:
            return moment[0]
        return 0.0 if problem is None else problem.sigma_min

    @property
    def frame_noise(self) -> FrameNoise | None:
        """Sigma and, if the particles are not in data coordinates, the process's time at the playhead.

        None while the run in view belongs to another problem.
        """
        moment = noise_at(self.trajectory, self.frame)
        if moment is None:
            return self.sigma, None
        return moment if self._is_here else None

    @property
    def sampled(self) -> SamplingRun | None:
        """Settings, weights and seed with which the run in view was sampled; None if they are not known."""
        return self.run.sampled if self.run is not None and self._is_here else None

    @property
    def is_of_now(self) -> bool:
        """Whether the run in view has the current workspace, sampler and seed."""
        run = self.run
        return run is not None and self._is_here and run.experiment.sampling == self._state.experiment.sampling

    @property
    def is_replacing(self) -> bool:
        """Whether a run with the chosen weights is being sampled and will replace the one in view."""
        return self.lags and self._comes is not self._failed

    @property
    def lags(self) -> bool:
        """Whether the particles in view belong to other weights than the chosen ones."""
        return self._comes is not None and self._comes.replaces

    @property
    def _comes(self) -> Run | None:
        """The run that is being recorded, before it is shown."""
        recording = self._recording
        shown = recording is not None and self.run is not None and self.run.number == recording.number
        return None if shown else recording

    @property
    def _begins(self) -> bool:
        """Whether the next run in view is one that starts from its first frame."""
        return self.run is None or (self._comes is not None and not self._comes.replaces)

    @property
    def newest_finished(self) -> Trajectory | None:
        """The finished run with the newest weights and the current settings, in view or kept; None if there is none."""
        run, workspace = self.run, self._building.workspace
        if run is None or workspace is None or not self.is_of_now:
            return None
        followed = self._state.experiment.sampling.follows == "learned"
        if not followed or run.weights is workspace.newest:
            return run.trajectory if run.trajectory is not None and run.trajectory.finished else None
        kept = self._kept_run(workspace, workspace.newest)
        return None if kept is None else kept.trajectory

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
        changed, self._first = playing != self._playback.playing, 0
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
        if self.is_held:
            return
        if self._begins:
            self._first = frame
        self._playback.seek(min(frame, max(self.total - 1, 0)), self.recorded)

    @Slot(bool)
    def restart(self, new_seed: bool = False) -> None:
        """Start the run again, with the same noise or with new noise."""
        if new_seed:
            self._state.edit({"sampling.seed": (self.seed + 1) % SEEDS})  # as an edit it begins a run
        elif self._lockstep is not None:
            self.seek(0)
        else:
            self._begin()
        self.set_playing(True)

    @Slot(bool)
    def set_loop(self, loop: bool) -> None:
        self._playback.set_loop(loop)
        self.loop_changed.emit(loop)

    @Slot(float)
    def set_speed(self, speed: float) -> None:
        self._playback.set_speed(speed)

    def set_lockstep(self, runs: Lockstep | None) -> None:
        """Let the playhead control these runs, or with None the one in view, at the same share of their length."""
        share = self.share
        self._lockstep = runs
        self._shown_frame = -1
        self._playback.seek(round(share * max(self.total - 1, 0)), self.recorded)

    def show_recorded(self, trajectory: Trajectory) -> None:
        """Play a run that was recorded earlier, while its data are being built, until the loop starts a new one."""
        self._recording, self._next = Run(next(self._numbers), self._state.experiment, None), None
        self._show(dataclasses.replace(self._recording, trajectory=trajectory))

    def show_finished(self, run: Run) -> Run:
        """Play a finished run of the current workspace again, instead of the one that is being recorded; returns it, numbered."""
        self._recording, self._next = dataclasses.replace(run, number=next(self._numbers)), None
        self._show(self._recording)
        return self._recording

    def trajectory_iterator(self) -> "Callable[[], Iterator[Trajectory]]":
        """Makes an iterator, for another thread, that ends with the complete run in view."""
        workspace, trajectory = self._building.workspace, self.trajectory
        if workspace is None or trajectory is None:
            finished = [] if trajectory is None else [trajectory]
            return lambda: iter(finished)
        recorded = None if self.lags else trajectory
        return complete_run(workspace.problem, workspace.weights, self.seed, recorded)

    @property
    def share(self) -> float:
        """The position of the playhead in the run in view, from 0 to 1."""
        return min(self.frame / max(self.total - 1, 1), 1.0)

    def run_with(self, weights: Weights) -> "Callable[[], Iterator[Trajectory]]":
        """Makes an iterator, for another thread, that ends with a complete run with other weights and the noise of that in view."""
        workspace = self._building.workspace
        assert workspace is not None
        kept = self._kept_run(workspace, weights)
        return complete_run(workspace.problem, weights, self.seed, None if kept is None else kept.trajectory)

    # Sampling

    def start(self) -> None:
        """Start the thread that samples."""
        self.worker = Worker(self.sampler.loop, "sampling", watched=True)
        self.worker.start()

    @property
    def seed(self) -> int:
        """The seed of the noise of the next runs."""
        return self._state.experiment.sampling.seed

    @Slot()
    def _forget(self) -> None:
        """Forget kept runs when other work comes: nothing leads back to them."""
        self.kept = KeptRuns()

    @Slot(object)
    def _leave(self, workspace: Workspace | None) -> None:
        """Assign a recorded run to the workspace of its settings that comes."""
        run = self.run
        if workspace is None or run is None or run.workspace is not None or run.trajectory is None:
            return
        built = workspace.problem
        if run.trajectory.shape == built.shape and reset_key(run.experiment) == reset_key(built.experiment):
            self.run = dataclasses.replace(run, workspace=workspace)
            self.kept.open(self.run, workspace.newest)

    @Slot()
    def _take(self) -> None:
        """Start a run on the new workspace, unless one was recorded of it."""
        if self._building.workspace is None:
            self._drop()
        elif self.run is None or self.run.weights is not None or not self.is_of_now:
            self._begin(self._first if self.run is None else 0)

    @Slot(object)
    def _take_settings(self, keys: frozenset[str]) -> None:
        if of_a_run(keys):
            self._begin()

    def _conflict(self) -> Message | None:
        """Why no run can start with the current settings."""
        return sampling_conflict(self._state.experiment, self._building.conditions)

    def _begin(self, first: int = 0) -> None:
        """Start a run with the current settings, if they fit, and show it at a frame."""
        workspace = self._building.workspace
        if workspace is None:
            return
        told, self._told = self._told, self._conflict()
        if self._told is not None:
            if self._told != told:
                self.notified.emit(conflict(self._conflict))
            if self.trajectory is None or not self._is_here:
                self._drop()  # the run of the previous noise may still come
            return
        self._recording, self._next, self._first = self._record(workspace, AHEAD), None, first
        self._playback.seek(0, 0)
        self._shown_frame = -1

    def _record(self, workspace: Workspace, frames: int, replaces: bool = False) -> Run:
        """Start to record a run."""
        run = self._run(workspace, replaces)
        self.sampler.begin(SamplingRun(workspace, workspace.problem, run.seed, run.number, workspace.chosen))
        self.sampler.record(frames)
        return run

    def _run(self, workspace: Workspace, replaces: bool) -> Run:
        """A run with the current settings and weights, before its first frame."""
        return Run(next(self._numbers), self._state.experiment, workspace, workspace.weights, replaces)

    @Slot()
    def _take_weights(self) -> None:
        """Sample the run in view again with the chosen weights and the same noise; the playhead stays."""
        workspace, experiment = self._building.workspace, self._state.experiment
        if workspace is None or experiment.sampling.follows != "learned":
            return
        if self._begins or not self.is_of_now or self._conflict() is not None:
            self._begin()
            return
        self._next, kept = None, self._kept_run(workspace, workspace.weights)
        self._recording = kept or self._record(workspace, sys.maxsize, True)
        if kept is not None and kept.trajectory is not None:
            self._show(kept, self._same_frame(kept.trajectory))

    @Slot(str)
    def take_last_weights(self, training: str) -> None:
        """Sample the run in view again when training has ended, unless it was sampled with the last weights.

        Args:
            training: the status of training.
        """
        run, workspace = self._recording, self._building.workspace
        if training in ("training", "waiting") or run is None or workspace is None or workspace.chosen is not None:
            return
        if run.workspace is workspace and run.weights is not None and not run.is_of_its_weights:
            self._take_weights()

    def _kept_run(self, workspace: Workspace, weights: Weights) -> Run | None:
        """A finished run with these weights and the current settings; None if none is kept."""
        return self.kept.find(dataclasses.replace(self._run(workspace, True), weights=weights))

    def _same_frame(self, trajectory: Trajectory) -> int:
        """The playhead's frame, or its target, in another run: at the same share of the length if the runs differ."""
        target = self._playback.target
        frame, last = self.frame if target is None else target, max(self.total - 1, 1)
        return round(min(frame / last, 1.0) * (trajectory.total - 1))

    @Slot(bool)
    def _make_way(self, replayed: bool) -> None:
        """Pause the run while the training is played."""
        if replayed:
            self.set_playing(False)

    def _show(self, run: Run, frame: int = 0) -> None:
        assert run.trajectory is not None
        self._keep()
        self.run, self._first = run, 0
        if self._lockstep is None:
            self._playback.seek(frame, len(run.trajectory))
        self._shown_frame = -1
        self.trajectory_changed.emit(run.trajectory)

    def _keep(self) -> None:
        """Keep the run in view if it is finished: it may have ended since the last look."""
        if self.run is not None:
            self.kept.keep(self.run)

    def _drop(self) -> None:
        """Show no run: the one in view belongs to data or noise that are gone."""
        self._recording = self._next = self.run = None
        self.trajectory_changed.emit(None)

    # Called by the clock

    def poll(self) -> None:
        """Show a run when it has a frame."""
        run, trajectory = self.sampler.recorded
        recording = self._recording
        if (
            (run is not None and recording is not None and run.number == recording.number)
            and trajectory is not None
            and trajectory is not self.trajectory
        ):
            found = dataclasses.replace(recording, experiment=run.problem.experiment, trajectory=trajectory)
            if not recording.replaces:
                self._show(found, min(self._first, trajectory.total - 1))
            elif trajectory.finished or len(trajectory) > self._same_frame(trajectory):
                self._show(found, self._same_frame(trajectory))
        self._keep()
        thread = self.worker
        if thread is not None and thread.isFinished() and thread.error is not None:
            self._failed, self._shown_frame = self._recording, -1
            self.notified.emit(stopped(self._state, "Sampling", thread.error))
            self.start()

    def advance(self, passed: float) -> None:
        """Move the playhead by the seconds passed."""
        playing = self._playback.playing
        again = self._playback.advance(passed, self.recorded, self.total)
        if playing != self._playback.playing:
            self.playing_changed.emit(self._playback.playing)
        if again:
            self._again()

    def record_ahead(self) -> None:
        """Request frames ahead of the playhead. During training sampling gets a share of a core."""
        workspace = self._building.workspace
        training = workspace is not None and workspace.training == "training"
        self.sampler.set_share(SHARE if training else 1.0)
        if self._lockstep is None:
            self.sampler.record(self.frame + AHEAD)

    def show(self) -> None:
        """Emit the frame at the playhead, if it is a new one."""
        if self.shows_next:
            self._shown_frame = self.frame
            self.frame_changed.emit(self.frame)

    def _again(self) -> None:
        """At the end of a loop play the recorded frames again, or sample again if there are newer weights.

        If a run cannot be recorded as fast as it plays, it is recorded while the last one plays.
        """
        if self._lockstep is not None:
            self._lockstep.again()
            return
        workspace, recording = self._building.workspace, self._recording
        version = -1 if recording is None else recording.version
        if workspace is not None and workspace.weights.version != version and self._conflict() is None:
            if self.sampler.keeps_up(FRAMES_A_SECOND * self.speed):
                self._begin()
                return
            if self._next is None:
                self._next = self._record(workspace, sys.maxsize)
            elif self.sampler.finished(self._next.number):
                self._recording, self._next = self._next, None
        self._playback.seek(0, self.recorded)
