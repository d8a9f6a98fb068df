"""Asks the thread that samples for what is missing: the main run, and frames ahead of the playhead.

Nothing is computed here: one thread samples (:mod:`playground.app.controllers.sampling_worker`), and puts frames into the runs.
"""

import sys
from collections.abc import Callable, Iterator

from PySide6.QtCore import Slot

from playground.app.controllers.building import Building
from playground.app.controllers.controller import Controller
from playground.app.controllers.notification import notify_conflict, notify_stopped
from playground.app.controllers.playing import Playing
from playground.app.controllers.runs import Run
from playground.app.controllers.sampling_worker import SHARE
from playground.app.controllers.video_frames import complete_run
from playground.app.model.live_training import Weights
from playground.app.model.model import LiveModel
from playground.app.model.state import State
from playground.app.workers.jobs import Jobs, without_fraction
from playground.kinds.setting import SEEDS
from playground.lab.conflicts import sampling_conflict
from playground.lab.experiment import reset_key
from playground.lab.trajectory import Trajectory
from playground.messages import Message
from playground.user_errors import UserError, message_of

AHEAD = 40  # frames to record beyond the playhead


def of_a_run(keys: frozenset[str]) -> bool:
    """Whether changes of these settings give another run."""
    return any(key.startswith("sampling.") for key in keys)


class Sampling(Controller):
    """Begins runs of the main experiment, and shows each when it has a frame.

    Attributes:
        playing: shows them.
        threads: has the thread that samples; quitting waits for it.
    """

    def __init__(self, state: State, building: Building, playing: Playing) -> None:
        super().__init__(state)
        self._building, self.playing = building, playing
        self.threads = Jobs(self)
        self._main = playing.main
        self._main.begun_by(self._begin_newer)
        self._told: Message | None = None
        self._rested: Weights | None = None  # the newest weights when training was at rest last
        state.changed.connect(self._take_settings)
        state.model_changed.connect(self._take)
        state.weights_chosen.connect(self._take_weights)
        state.ticked.connect(self.poll)

    # What the window may read

    @property
    def seed(self) -> int:
        """The seed of the noise of the next runs."""
        return self._state.experiment.sampling.seed

    @property
    def _comes(self) -> Run | None:
        """The run that is being recorded, before it is shown."""
        return None if self._main.comes_after else next(iter(self._main.coming), None)

    @property
    def newest_finished(self) -> Trajectory | None:
        """The finished run with the newest weights and the current settings; None if there is none."""
        model = self._state.model
        return None if model is None else self._kept(model, model.newest)

    def trajectory_iterator(self, weights: Weights | None = None) -> Callable[[], Iterator[Trajectory]]:
        """Makes an iterator, for another thread, that ends with the complete run of the present settings.

        Args:
            weights: those of the run; by default the present ones.
        """
        model, trajectory = self._state.model, self.playing.trajectory
        if model is None:
            finished = [] if trajectory is None else [trajectory]
            return lambda: iter(finished)
        weights = weights or model.weights
        return complete_run(model.problem, weights, self.seed, self._kept(model, weights))

    # What the window may ask for

    def start(self) -> None:
        """Start the thread that samples."""
        loop = without_fraction(self.playing.samplers.loop)
        self.threads.start("sampling", loop, lambda _: None, self._ended, watched=True)

    @Slot(bool)
    def restart(self, new_seed: bool = False) -> None:
        """Start the run again, with the same noise or with new noise."""
        if new_seed:
            self._state.edit({"sampling.seed": (self.seed + 1) % SEEDS})  # as an edit it begins a run
        elif self.playing.compared is not None:
            self.playing.seek(0)
        else:
            self._begin()
        self.playing.set_playing(True)

    def show_recorded(
        self, trajectory: Trajectory, model: LiveModel | None = None, weights: Weights | None = None
    ) -> Run:
        """Play a finished run that was recorded earlier, instead of the one that is being recorded, until the loop starts a
        new one.

        Args:
            model: that of the run; None while it is being built.
            weights: those with which it was sampled, if they are known.
        """
        run = Run(self._state.experiment, model, weights, trajectory=trajectory)
        self._show(run)
        return run

    # How it proceeds

    @Slot()
    def _take(self) -> None:
        """Start a run of the new model, unless one was recorded of it."""
        run, model = self.playing.run, self._state.model
        if model is None:
            self._drop()
            return
        self._rested = model.newest
        if run is not None and run.model is None and run.trajectory is not None:
            built = model.problem
            if run.trajectory.shape == built.shape and reset_key(run.experiment) == reset_key(built.experiment):
                own = model.under(run.experiment)
                run.take(run.experiment, own)
                self._hold(own, model.newest, run.trajectory)
                if model.weights.step is not None:  # the one that was shown when the run was saved
                    self._take_weights()
        if run is None or run.weights is not None or not self.playing.is_of_now:
            self._begin(self.playing.first if run is None else 0)

    @Slot(object)
    def _take_settings(self, keys: frozenset[str]) -> None:
        if of_a_run(keys) and self._state.is_applied:
            self._begin()

    def _conflict(self) -> Message | None:
        """Why no run can start with the current settings."""
        return sampling_conflict(self._state.experiment, self._state.conditions)

    def _begin(self, first: int = 0) -> None:
        """Start a run with the current settings, if they fit, and show it at a frame."""
        model = self._state.model
        if model is None:
            return
        told, self._told = self._told, self._conflict()
        if self._told is not None:
            if self._told != told:
                notify_conflict(self._state, self._conflict)
            if self.playing.trajectory is None or not self.playing.is_here:
                self._drop()  # the run of the previous noise may still come
            return
        self._record(model)
        self.playing.rewind(first)

    def _begin_newer(self, after: bool) -> None:
        """Start a run with the newest weights, and show it at once, or after the one in view."""
        model = self._state.model
        if model is None or self._conflict() is not None:
            return
        if after:
            self._record(model, after=True)
        else:
            self._begin()

    def _record(self, model: LiveModel, replaces: bool = False, after: bool = False) -> None:
        """Start to record a run with the current settings and weights."""
        run = Run(model.problem.experiment, model, model.weights, replaces)
        self._main.let_come([run], after)
        self.playing.sampler.begin(run)
        self.playing.sampler.record(sys.maxsize if replaces or after else AHEAD)

    def _kept(self, model: LiveModel, weights: Weights) -> Trajectory | None:
        """A finished run with these weights and the current settings; None if none is kept."""
        self._keep()
        found: Trajectory | None = self._state.store.in_memory(model.run_key(weights))
        return found

    @Slot()
    def _take_weights(self) -> None:
        """Sample the run in view again with the chosen weights and the same noise; the playhead stays."""
        model, experiment = self._state.model, self._state.experiment
        if model is None or experiment.sampling.follows != "learned":
            return
        begins = self.playing.run is None or (self._comes is not None and not self._comes.replaces)
        if begins or not self.playing.is_of_now or self._conflict() is not None:
            self._begin()
            return
        kept = self._kept(model, model.weights)
        if kept is None:
            self._record(model, replaces=True)
        else:
            run = Run(model.problem.experiment, model, model.weights, trajectory=kept)
            self._show(run, self.playing.same_frame(kept))

    def _take_last_weights(self) -> None:
        """Sample the run in view again when training has ended, unless it was sampled with the last weights."""
        run, model = self._comes or self.playing.run, self._state.model
        if model is None or model.is_training or model.newest is self._rested or self._building.busy:
            return  # a training that another one replaces has not ended
        self._rested = model.newest
        if run is None or model.weights.step is not None or run.is_of_its_weights or not run.is_of(model):
            return
        kept = self._kept(model, model.weights)
        if kept is None or kept is not run.trajectory:
            self._take_weights()

    def _show(self, run: Run, frame: int = 0) -> None:
        self._keep()
        self.playing.put(self._main, [run], frame)

    def _keep(self) -> None:
        """Keep the run in view if it is finished, which it may be since the last look, and if no newer weights have come.

        A run of work that was replaced is not of this store, where its key may name another one.
        """
        run = self.playing.run
        if run is None or run.trajectory is None or not run.finished or not isinstance(run.model, LiveModel):
            return
        if run.model.key is None or not run.is_of(self._building.kept.get(run.model.key)):
            return
        if run.weights is not None and (run.is_of_its_weights or run.experiment.sampling.follows != "learned"):
            self._hold(run.model, run.weights, run.trajectory)

    def _hold(self, model: LiveModel, weights: Weights, trajectory: Trajectory) -> None:
        """Keep a finished run."""
        key, store = model.run_key(weights), self._state.store
        if store.in_memory(key) is not trajectory:
            store.hold(key, trajectory)

    def _drop(self) -> None:
        """Show no run: the one in view belongs to data or noise that are gone."""
        self.playing.put(self._main, [])

    # Called by the clock

    @Slot()
    def poll(self) -> None:
        """Show a run when it has a frame, and begin one with the last weights when training has ended."""
        self._take_last_weights()
        run = self._comes
        if run is not None and run.trajectory is not None:
            frame = self.playing.same_frame(run.trajectory)
            if not run.replaces:
                self._show(run, min(self.playing.first, run.trajectory.total - 1))
            elif run.finished or len(run.trajectory) > frame:
                self._show(run, frame)
        for why in self._main.new_failures():
            self._tell(UserError(why))
        self._record_ahead()

    def _ended(self, error: BaseException) -> None:
        """Go on with other runs after an error of the program has ended the thread."""
        ended = self.playing.samplers.ended_at
        if ended is not None:
            ended.fail(message_of(error))
            self._main.new_failures()  # which is told now
        self.start()
        self._tell(error)

    def _tell(self, error: BaseException) -> None:
        self.playing.show_again()
        notify_stopped(self._state, "Sampling", error)

    def _record_ahead(self) -> None:
        """Request frames ahead of the playhead. During training sampling gets a share of a core."""
        model, playing = self._state.model, self.playing
        trains = model is not None and (model.is_training or bool(self._building.trainings.behind))
        playing.samplers.set_share(SHARE if trains else 1.0, playing.in_view.coming)
        if playing.compared is None:
            playing.sampler.record(playing.frame + AHEAD)
