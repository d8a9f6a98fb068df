"""What the canvas shows and when: the sampling run, the playhead, the score field and the density that follow it.

Nothing is computed here: one thread samples and evaluates (:mod:`playground.app.controllers.sampling_worker`), and a 60 Hz timer takes its
newest result.
"""

import dataclasses
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from playground.app.controllers import overlay_timing
from playground.app.controllers.overlay_timing import (
    FOLLOWING,
    FrameNoise,
    FrameOverlayTimer,
    LearnedDensities,
    Throttle,
)
from playground.app.controllers.playback_clock import FRAMES_A_SECOND, PlaybackClock
from playground.app.controllers.sampling_worker import (
    SHARE,
    OverlayRequest,
    ReadoutRequest,
    SamplingRun,
    SamplingWorker,
)
from playground.app.controllers.video_frames import VideoFrames, arrows_over, complete_run, video_frames_over
from playground.app.model.state import State
from playground.app.model.views import Bounds, DensityView, ProblemView
from playground.app.model.workspace import Workspace
from playground.app.workers.tasks import Tasks
from playground.app.workers.worker import Mailbox, Worker
from playground.lab.conflicts import sampling_conflict
from playground.lab.trajectory import Trajectory
from playground.messages import Message
from playground.user_errors import user_error_message

AHEAD = 40  # frames recorded beyond the playhead
FIELD_SECONDS = 0.05  # how often the field follows playhead and weights: arrows turn slowly...
PAUSED = "The run is paused for the density map, which stays until you press play."
DENSITY_SECONDS = 0.1  # ...and the density below them, which costs several times as much, changes more slowly still


class Player(QObject):
    """The timeline of one sampling run, and the pictures that belong to the moment in view.

    Arrays are in the user's units.
    """

    trajectory_changed = Signal(object)  # Trajectory, growing; or None
    frame_changed = Signal(int)
    playing_changed = Signal(bool)
    loop_changed = Signal(bool)
    field_changed = Signal(object)  # FieldView
    density_changed = Signal(object)  # DensityView
    overlay_dropped = Signal(str)  # "field" or "density": what was shown belongs to no frame in view
    probed = Signal(object)  # PointReadout
    task_changed = Signal(str, object)  # name, TaskStatus
    message = Signal(str, str, str)  # level "info", "warning" or "error"; sentence; action key or ""

    def __init__(self, state: State, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._workspace: Workspace | None = None
        self._tasks = Tasks(self)
        self._tasks.changed.connect(self.task_changed)
        self._tasks.failed.connect(self._task_failed)
        self._sampling_worker = SamplingWorker()
        self._sampling_thread: Worker | None = None
        self._playback = PlaybackClock()
        self._trajectory: Trajectory | None = None
        self._played: Workspace | None = None  # on which the run in view was made
        self._played_as = state.experiment  # its settings
        self._runs = itertools.count(1)
        self._run = 0  # the number of the one in view
        self._next: tuple[int, int] | None = None  # number and weights of a run that is recorded while another plays
        self._run_seed = 0
        self._run_version = -1  # of the weights that the present run began with
        self._shown_frame = -1
        self._bounds: Bounds = (-1.0, 1.0, -1.0, 1.0)
        self._grid = (30, 30)
        self._wanted: frozenset[str] = frozenset({"learned", "density"})
        self._density_source = self._exact_source = "exact"
        self._learned_densities = LearnedDensities(self._tasks, self._show_density)
        self._pinned: int | None = None  # the frame at which the user's own density map lies on the canvas
        self._field, self._density = Throttle(FIELD_SECONDS), Throttle(DENSITY_SECONDS)
        shown = self.field_changed.emit, self.density_changed.emit, self.overlay_dropped.emit
        self._overlays = FrameOverlayTimer(*shown, self._suits)
        self._told = ""

    # What the window may read

    @property
    def problem(self) -> ProblemView | None:
        return None if self._workspace is None else self._workspace.view

    @property
    def trajectory(self) -> Trajectory | None:
        return self._trajectory

    @property
    def played(self) -> ProblemView | None:
        """The problem of the run in view; None while that of an opened session is not built."""
        return None if self._played is None else self._played.view

    @property
    def recorded(self) -> int:
        return 0 if self._trajectory is None else len(self._trajectory)

    @property
    def frame(self) -> int:
        return self._playback.frame

    @property
    def playing(self) -> bool:
        return self._playback.playing

    @property
    def loop(self) -> bool:
        return self._playback.loop

    @property
    def speed(self) -> float:
        return self._playback.speed

    @property
    def sigma(self) -> float:
        """The noise level that the canvas shows, in the user's units."""
        if self._trajectory is not None and len(self._trajectory):
            return float(self._trajectory.sigma[min(self.frame, len(self._trajectory) - 1)])
        return 0.0 if self._workspace is None else self._workspace.view.sigma_min

    # Sampling

    @Slot(bool)
    def set_playing(self, playing: bool) -> None:
        self._playback.target = None
        if playing and self._trajectory is not None and self.frame >= self._trajectory.total - 1:
            self._playback.seek(0, self.recorded)
        if playing != self._playback.playing:
            self._playback.playing = playing
            self.playing_changed.emit(playing)

    @Slot(int)
    def step(self, frames: int) -> None:
        """Move the playhead by some frames and rest there."""
        self.set_playing(False)
        self.seek(self.frame + frames)

    @Slot(int)
    def seek(self, frame: int) -> None:
        """Go to a frame, or beyond all to the last; what is missing is sampled first, while the playhead goes along."""
        self._playback.seek(min(frame, self._trajectory.total - 1 if self._trajectory else 0), self.recorded)

    @Slot(bool)
    def restart(self, new_seed: bool = False) -> None:
        """Begin the run again, with the same noise or with new."""
        self._run_seed = self._run_seed + 1 if new_seed else self._run_seed
        self._begin()
        self.set_playing(True)

    @Slot(bool)
    def set_loop(self, loop: bool) -> None:
        self._playback.loop = loop
        self.loop_changed.emit(loop)

    @Slot(float)
    def set_speed(self, speed: float) -> None:
        self._playback.speed = speed

    def _start_sampling(self) -> None:
        self._sampling_thread = Worker(self._sampling_worker.loop, "sampling", watched=True)
        self._sampling_thread.start()

    def _begin(self) -> None:
        """Start a run with the present settings, if they make sense."""
        workspace = self._workspace
        if workspace is None:
            return
        conflict = self._conflict(workspace)
        if conflict is not None:
            if str(conflict) != self._told:
                self._told = str(conflict)
                self.message.emit("warning", str(conflict), "")
            if (
                self._trajectory is None or self._played is not workspace
            ):  # that of the last noise may be on its way still
                self._drop_run()
            return
        self._told = ""
        (self._run, self._run_version), self._next = self._record(workspace, AHEAD), None
        self._playback.seek(0, 0)
        self._shown_frame = -1

    def _conflict(self, workspace: Workspace) -> Message | None:
        """Why no run can begin with the present settings."""
        return sampling_conflict(self._state.experiment, workspace.view.conditions)

    def _record(self, workspace: Workspace, frames: int) -> tuple[int, int]:
        """Begin to record a run; its number, and the weights it begins with."""
        number = next(self._runs)
        self._sampling_worker.begin(
            SamplingRun(workspace, workspace.problem, self._state.experiment.seed + self._run_seed, number)
        )
        self._sampling_worker.record(frames)
        return number, workspace.weights.version

    # The canvas

    def set_viewport(self, x0: float, x1: float, y0: float, y1: float, columns: int = 30, rows: int = 30) -> None:
        """Which part of the plane is in view, and how many arrows fit."""
        self._bounds, self._grid = (x0, x1, y0, y1), (columns, rows)

    def set_wanted(self, layers: frozenset[str]) -> None:
        """Which of "learned", "exact" and "density" the canvas shows: only those are computed."""
        self._wanted = layers

    def set_density_source(self, source: str) -> None:
        self._density_source = source
        self._unpin()

    def set_exact_source(self, source: str) -> None:
        self._exact_source = source
        self._field.forget()
        self._overlays.field.expire()

    @property
    def density_source(self) -> str:
        """Where the density layer comes from."""
        return overlay_timing.density_source(self._density_source, self.problem)

    @property
    def exact_source(self) -> str:
        """Where the exact score comes from."""
        return overlay_timing.exact_source(self._exact_source, self.problem)

    def probe(self, x: float, y: float) -> None:
        """Read out the score and density at a point; `probed` answers."""
        if self._workspace is not None and not self._workspace.view.is_image:
            moment = self._frame_noise()
            if moment is not None:
                self._sampling_worker.request_readout(ReadoutRequest(self._workspace, (x, y), *moment))

    def _frame_noise(self) -> FrameNoise | None:
        """Sigma and, where the particles are not in data coordinates, the process's time at the playhead.

        None while the run in view is still that of another problem, which these numbers would mean nothing to.
        """
        if self._trajectory is None or not len(self._trajectory):
            return self.sigma, None
        if self._played is not self._workspace:
            return None
        time = float(self._trajectory.time[min(self.frame, len(self._trajectory) - 1)])
        return self.sigma, None if np.isnan(time) else time

    def _pin(self) -> None:
        """Leave the density layer to the map that comes, until the playhead moves on."""
        if self.playing:
            self.message.emit("info", PAUSED, "")
        self.set_playing(False)
        self._tasks.cancel(FOLLOWING)
        self._pinned = self.frame

    def _unpin(self) -> None:
        self._pinned = None
        self._density.forget()

    def _suits(self, density: DensityView) -> bool:
        """Whether it is what is wanted: the user's own map, and until that is there, as without one, the moment's."""
        return self._pinned is not None if density.asked else density.source == self.density_source

    # Exports

    def trajectory_iterator(self) -> "Callable[[], Iterator[Trajectory]]":
        """Makes an iterator, for another thread, that ends with the complete run on the stage."""
        workspace, trajectory = self._workspace, self._trajectory
        if workspace is None or trajectory is None:
            finished = [] if trajectory is None else [trajectory]
            return lambda: iter(finished)
        seed = self._state.experiment.seed + self._run_seed
        return complete_run(workspace.problem, workspace.weights, seed, trajectory)

    def video_frame_maker(self, wanted: frozenset[str], still: bool = False) -> Callable[[Bounds], VideoFrames]:
        """Makes, for any bounds and whenever it is called, what computes field and density by the weights of now.

        It computes in another thread, at any sigma and time; see :meth:`set_wanted`.

        Args:
            still: only at the present moment, where the density may be the map that the user asked for.
        """
        if self._workspace is None or self._workspace.view.is_image:
            return lambda bounds: VideoFrames(None)
        workspace, seen, grid = dataclasses.replace(self._workspace), self._bounds, self._grid
        sources = self.exact_source, self.density_source
        pinned = still and "density" in wanted and self._pinned == self.frame
        return lambda bounds: video_frames_over(
            workspace, bounds, arrows_over(bounds, seen, grid), wanted, *sources, pinned
        )

    # The clock's part

    def _advance(self, passed: float) -> None:
        """Move the playhead by the seconds that passed and show what is there."""
        self._poll_sampling()
        now = time.monotonic()
        total = 0 if self._trajectory is None else self._trajectory.total
        playing = self._playback.playing
        again = not self._waits(now) and self._playback.advance(passed, self.recorded, total)
        if playing != self._playback.playing:
            self.playing_changed.emit(self._playback.playing)
        if again:
            self._again()
        training = self._workspace is not None and self._workspace.training == "training"
        self._sampling_worker.share = SHARE if training else 1.0
        self._sampling_worker.record(self.frame + AHEAD)
        self._look(now)
        if self._waits(now):
            return
        self._overlays.settle(self._frame_noise())
        if self._trajectory is not None and self.frame != self._shown_frame and self.recorded:
            self._shown_frame = self.frame
            self.frame_changed.emit(self.frame)

    def _waits(self, now: float) -> bool:
        """Whether the frame in view has to wait for what lies under it, which would else be that of another frame."""
        if self._playback.target is not None:
            return False
        closed = "density" in self._wanted and self.density_source != "learned"  # a learned one takes seconds
        return self._overlays.waits(self._frame_noise(), now, bool(self._wanted - {"density"}), closed)

    def _again(self) -> None:
        """Loop: play the recorded frames again, or sample anew where the weights are newer.

        A run that cannot be recorded as fast as it is played is recorded while the last one plays.
        """
        workspace, worker = self._workspace, self._sampling_worker
        if (
            workspace is not None
            and workspace.weights.version != self._run_version
            and self._conflict(workspace) is None
        ):
            if worker.keeps_up(FRAMES_A_SECOND * self.speed):
                self._begin()
                return
            if self._next is None:
                self._next = self._record(workspace, sys.maxsize)
            elif worker.finished(self._next[0]):
                (self._run, self._run_version), self._next = self._next, None
        self._playback.seek(0, self.recorded)

    def _show_recorded(self, trajectory: Trajectory) -> None:
        """Play a run that was recorded earlier, on data that are not built yet, until the loop begins a new one."""
        self._run, self._run_version, self._next, self._played = next(self._runs), -1, None, None
        self._played_as = self._state.experiment
        self._show_run(trajectory)

    def _show_run(self, trajectory: Trajectory) -> None:
        self._trajectory = trajectory
        self._playback.seek(0, len(trajectory))
        self._shown_frame = -1
        self.trajectory_changed.emit(trajectory)

    def _drop_run(self) -> None:
        """Show none: the one in view is of data or noise that are gone."""
        self._run, self._next, self._trajectory = next(self._runs), None, None
        self.trajectory_changed.emit(None)

    def _poll_sampling(self) -> None:
        sampling = self._sampling_worker
        run, trajectory = sampling.recorded
        if (
            run is not None
            and run.number == self._run
            and trajectory is not None
            and trajectory is not self._trajectory
        ):
            self._played, self._played_as = self._workspace, run.problem.experiment
            self._show_run(trajectory)
        shown: tuple[tuple[Mailbox[Any], Callable[[Any], None]], ...] = (
            (sampling.fields, self._overlays.field.take),
            (sampling.densities, self._show_density),
            (sampling.readouts, self.probed.emit),
        )
        for mailbox, show in shown:
            workspace, view = mailbox.take() or (None, None)
            if view is not None and workspace is self._workspace:  # else computed for data or noise that are gone
                show(view)
        thread = self._sampling_thread
        if thread is not None and thread.isFinished() and thread.error is not None:
            self._say_stopped("Sampling", thread.error)
            self._start_sampling()

    def _show_density(self, view: DensityView) -> None:
        """Take a density that was computed: it is seen under the frames that it belongs to, one that was asked for at once."""
        self._overlays.density.take(view, self._frame_noise())
        if view.asked:
            self._overlays.settle(self._frame_noise())

    def _look(self, now: float) -> None:
        """Ask for the field and density of the present moment, if it is a new one."""
        workspace = self._workspace
        if workspace is None or workspace.view.is_image:
            return
        moment = self._frame_noise()
        if moment is None or self._playback.target is not None:
            return  # frames on the way to one that is not sampled yet need none: it would hold up the sampling
        if self._pinned is not None and self.frame != self._pinned:
            self._unpin()
        place = (id(workspace.problem), self._bounds, *moment)
        arrows = self._wanted - {"density"}
        field = bool(arrows) and self._field.due(
            (*place, self._grid, arrows, workspace.weights.version, self.exact_source),
            now,
            self._overlays.field.lags(moment),
        )
        source = self.density_source
        closed = source != "learned"
        density = (
            "density" in self._wanted
            and self._pinned is None
            and self._density.due(
                (*place, source, 0 if closed else workspace.weights.version), now, self._overlays.density.lags(moment)
            )
        )
        if field or (density and closed):
            layers = field and "learned" in arrows, field and "exact" in arrows, density and closed
            self._sampling_worker.request_overlays(
                OverlayRequest(workspace, self._bounds, *self._grid, *moment, *layers, self.exact_source, source)
            )
        following = density and not closed and workspace.view.shows_learned_density
        if following and not self._learned_densities.follow(workspace, self._bounds, moment[0], moment[1] is not None):
            self._density.forget()

    @Slot(str, object)
    def _task_failed(self, name: str, error: BaseException) -> None:
        self._say_stopped(name.capitalize(), error)

    def _say_stopped(self, what: str, error: BaseException) -> None:
        """ToastAction the log only where the program is to blame: of a mistake it says no more than the sentence."""
        mistake = user_error_message(error)
        self.message.emit("error", f"{what} stopped: {mistake or error}", "" if mistake else "help.log")
