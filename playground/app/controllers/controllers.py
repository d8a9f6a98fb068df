"""Creates the controllers of one window, connects them, and drives them by a clock."""

import time

from PySide6.QtCore import QObject, Qt, Slot

from playground.app.controllers.building import Building
from playground.app.controllers.clicking import Clicking
from playground.app.controllers.column_edits import ColumnEdits
from playground.app.controllers.comparing import Comparing
from playground.app.controllers.following import Following
from playground.app.controllers.inspecting import Inspecting
from playground.app.controllers.lessons import Lessons
from playground.app.controllers.mapping import Mapping
from playground.app.controllers.measuring import Measuring
from playground.app.controllers.notification import notify_cleared, notify_stopped
from playground.app.controllers.pinning import Pinning
from playground.app.controllers.playback_clock import TICK
from playground.app.controllers.playing import Playing
from playground.app.controllers.reading import Reading
from playground.app.controllers.remeasuring import Remeasuring
from playground.app.controllers.replaying import Replaying
from playground.app.controllers.sampling import Sampling
from playground.app.controllers.sampling_worker import Samplers, SamplingWorker
from playground.app.controllers.sessions import Sessions
from playground.app.controllers.training import Training
from playground.app.model.state import State
from playground.app.model.training_process import TrainingProcess
from playground.app.workers.timers import timer


class Controllers(QObject):
    """All controllers of one window. None of them blocks the window.

    They live in the GUI thread and compute nothing themselves. Threads drive iterators and put their newest result in a
    mailbox; from there each controller takes it when the state has ticked, 60 times a second. Each knows only those that are
    created before it; they hear of what changes from the state, in the same order, and from the jobs.

    Args:
        device: "auto", "cpu", "cuda" or "mps".
    """

    def __init__(self, state: State, device: str = "auto") -> None:
        super().__init__(state)
        self.state, self.jobs = state, state.jobs
        self.building = Building(state, device)
        self.reading = Reading(state, self.building)
        self.training = Training(state, self.building)
        self.replaying = Replaying(state)
        self.playing = Playing(state, self.replaying, Samplers(SamplingWorker()))
        self.sampling = Sampling(state, self.building, self.playing)
        self.comparing = Comparing(state, self.building, self.playing)
        self.column_edits = ColumnEdits(state, self.playing)
        self.following = Following(state, self.playing)
        self.inspecting = Inspecting(state, self.playing, self.following)
        self.clicking = Clicking(state, self.playing)
        self.mapping = Mapping(state, self.following)
        self.measuring = Measuring(state, self.sampling)
        for measures in (self.measuring, self.clicking, self.mapping):
            Remeasuring(state, self.replaying, measures, measures is self.clicking)
        self.pinning = Pinning(state, self.building, self.sampling)
        self.sessions = Sessions(state, self.building, self.sampling)
        self.lessons = Lessons(state, self.training)
        self.jobs.failed.connect(self._stopped)
        state.cleared.connect(lambda keys: notify_cleared(state, keys))
        self._last_tick = time.monotonic()
        self._clock = timer(self, self._tick, interval=TICK, timerType=Qt.TimerType.PreciseTimer)

    def train_in_process(self) -> None:
        """Train in a process of its own from now on, once it is ready: beside a busy window that is twice as fast."""
        self.building.trainings.train_in(TrainingProcess())

    def start(self) -> None:
        """Load torch, build the first problem and begin to sample. Call it after the first paint."""
        self.sampling.start()
        self._clock.start()
        self.building.build()

    def shutdown(self, seconds: float = 2.0) -> bool:
        """Stop every thread and forget the history; True if all threads ended in time."""
        self._clock.stop()
        self.building.stop()
        ended = self.jobs.shutdown(seconds) & self.sampling.threads.shutdown(seconds)
        ended &= self.lessons.progress.shutdown(seconds)
        process = self.building.trainings.process
        if process is not None:
            process.end()
        self.state.close()
        return ended

    @Slot()
    def _tick(self) -> None:
        now = time.monotonic()
        # Count whole ticks, so that at speed 1 each tick shows the next frame. Sixty frames in 62.5 ticks would stutter.
        ticks = max(1, round(1000 * (now - self._last_tick) / TICK))
        self._last_tick = now
        self._hide_answer()
        self.state.ticked.emit(ticks * TICK / 1000)

    def _hide_answer(self) -> None:
        """Hold what is played at its first frame, and show no figures, while a question is open."""
        hides = self.lessons.hides_values
        self.playing.hold(hides)
        self.measuring.hide(hides)

    @Slot(str, object)
    def _stopped(self, job: str, error: BaseException) -> None:
        notify_stopped(self.state, job.capitalize(), error)
