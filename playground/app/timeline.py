"""Connects the bar below the canvas with the runs that it plays and with the steps of the training."""

import typing

import numpy as np
from PySide6.QtCore import QObject, Slot

from playground.app.canvas import readouts
from playground.app.controllers import why_disabled
from playground.app.controllers.controllers import Controllers
from playground.app.widgets.transport import Transport

if typing.TYPE_CHECKING:
    from playground.app.actions import Actions
    from playground.lab.trajectory import Trajectory


class Timeline(QObject):
    """Shows the state of playing on the transport, and passes its requests on."""

    def __init__(self, controllers: Controllers, transport: Transport, actions: "Actions", parent: QObject) -> None:
        super().__init__(parent)
        self._controllers, self._transport = controllers, transport
        self._state, self._playing = controllers.state, controllers.playing
        self._replaying = controllers.replaying
        self._comparing = controllers.comparing
        self._trained = False  # whether anything was trained in this window, or an earlier step looked at
        self._shown = 0  # number of frames whose noise levels are shown
        for button, command in (
            (transport.restart, "sample.restart"),
            (transport.back, "sample.step_back"),
            (transport.play, "sample.play"),
            (transport.forward, "sample.step"),
            (transport.new_seed, "sample.restart_new_seed"),
            (transport.loop, "sample.loop"),
            (transport.play_training, "train.replay"),
        ):
            button.follow(actions[command])
        self._playing.playing_changed.connect(transport.play.set_going_on)
        self._replaying.playing_changed.connect(transport.play_training.set_going_on)
        transport.play.set_going_on(self._playing.is_playing)
        play = actions["sample.play"]
        play.changed.connect(lambda: transport.scrubber.setEnabled(play.isEnabled()))
        transport.scrubber.scrubbed.connect(self._playing.seek)
        transport.speed_changed.connect(self._playing.set_speed)
        transport.track.step_chosen.connect(self._choose)
        for signal in (
            self._playing.trajectory_changed,
            self._state.problem_changed,
            self._comparing.changed,
            self._comparing.active_changed,
        ):
            signal.connect(self._show_run)
        self._playing.frame_changed.connect(self._show_frame)
        for signal in (
            self._replaying.steps_changed,
            self._state.weights_chosen,
            self._state.problem_changed,
            controllers.training.changed,
            controllers.training.progress,
        ):
            signal.connect(self._show_steps)
        self._show_steps()

    @Slot(int)
    def _choose(self, place: int) -> None:
        self._replaying.set_playing(False)
        self._replaying.choose(place)

    @Slot()
    def _show_steps(self) -> None:
        training = self._controllers.training
        self._trained |= training.wanted or self._replaying.step is not None
        self._transport.show_training(self._trained)
        self._transport.track.set_steps(self._replaying.steps, self._replaying.place)
        self._transport.track.set_why_disabled(why_disabled.choosing_step(self._controllers))

    @property
    def _run(self) -> "Trajectory | None":
        """The run of the bar; in a comparison the longest."""
        if self._comparing.is_active:
            return self._playing.longest
        (run,) = self._playing.shown
        return None if run is None else run.trajectory

    @Slot()
    def _show_run(self) -> None:
        trajectory = self._run
        problem = self._state.problem if trajectory is None else self._playing.played
        span = None if problem is None or not problem.has_process else (problem.sigma_max, problem.sigma_min)
        self._shown = 0 if trajectory is None else len(trajectory)
        if trajectory is None:
            self._transport.scrubber.set_sigmas(np.zeros(0), span)
            self._transport.scrubber.set_progress(0, 0, 0)
            return
        shown = slice(self._shown)
        self._transport.scrubber.set_sigmas(
            trajectory.sigma[shown],
            span,
            trajectory.step[shown],
            trajectory.steps,
            lambda frame: readouts.evaluations(trajectory, frame),
        )

    @Slot(int)
    def _show_frame(self, frame: int) -> None:
        trajectory = self._run
        if trajectory is not None:
            if len(trajectory) != self._shown:
                self._show_run()
            self._transport.scrubber.set_progress(frame, len(trajectory), trajectory.total)
