"""Figures on request: of the test set, the samples, the error budget, the paths and the score."""

from collections.abc import Collection, Iterable, Mapping

from PySide6.QtCore import Signal, Slot

from playground.app.controllers.controller import Controller
from playground.app.controllers.measurements import ways
from playground.app.controllers.notification import notify_of_last_step, refused
from playground.app.controllers.sampling import Sampling, of_a_run
from playground.app.model import figures
from playground.app.model.state import State
from playground.app.workers.jobs import Wanted
from playground.lab.conflicts import flow_conflict, likelihood_conflict
from playground.lab.figures import needing
from playground.lab.keys import FiguresKey, Key
from playground.lab.measured import Figures, Measured
from playground.messages import Message

POINT_KEYS = frozenset(
    f"likelihood.{name}" for name in ("tolerance", "trace", "trace_probes", "probes")
)  # the settings that log p depends on
TEST_SET_KEYS = POINT_KEYS | {"likelihood.dequantization_samples"}
BY_FLOW = {*needing("flow"), *needing("estimated trace"), "bits_per_dim", "kl"}
"""The figures that these settings change."""
MEASURED = {
    "test-set": "the test set",
    "quality": "the samples",
    "fisher": "the score",
    "budget": "the error budget",
    "paths": "the paths",
}
"""What each measurement is of."""
STALE = Message("stale", "Measured with other settings than the present ones: measure again.")
STALE_FIGURE = Measured(None, reason=STALE)


class Measuring(Controller):
    """Measures figures as jobs with progress that can be cancelled, with the weights at their start, and looks up known ones.

    Signals:
        evaluation_changed(Figures): those so far.
    """

    evaluation_changed = Signal(object)

    def __init__(self, state: State, sampling: Sampling) -> None:
        super().__init__(state)
        self._sampling = sampling
        self._shown: dict[str, Figures] = {}  # by part: those known now, or measured last
        self._hidden = False
        state.model_changed.connect(self._follow_model)
        state.changed.connect(self._take_settings)
        state.changed.connect(self._measure_again)
        self._jobs.arrived.connect(self._arrived)

    @property
    def evaluation(self) -> Figures:
        """The figures so far; none while they are hidden."""
        return Figures.union(() if self._hidden else self._shown.values())

    def hide(self, on: bool) -> None:
        """Hide the figures, or show them again."""
        if on != self._hidden:
            self._hidden = on
            self.evaluation_changed.emit(self.evaluation)

    @Slot(object)
    def _take_settings(self, keys: frozenset[str]) -> None:
        if of_a_run(keys) and self._state.is_applied:
            jobs = ("quality", "budget", "paths")
            self._stop(jobs)
            for job in jobs:
                self._outdate(figures.MEASUREMENTS[job])
            self.look_up()

    @Slot(object)
    def _measure_again(self, keys: frozenset[str]) -> None:
        """Drop what depends on the changed settings of the probability flow; measure it again if it is being measured."""
        if not keys & TEST_SET_KEYS or flow_conflict(self._state.experiment) is not None:
            return
        if not self._shown.keys().isdisjoint(figures.MEASUREMENTS["test-set"]):
            self._outdate(figures.MEASUREMENTS["test-set"], BY_FLOW)
        self.look_up()
        if self._jobs.running("test-set"):
            self.measure("test-set")

    def measure(self, job: str) -> None:
        """Measure figures of the settings and weights in view: one of :data:`playground.app.model.figures.MEASUREMENTS`."""
        model, trajectory = self._state.model, self._sampling.playing.trajectory
        if model is None:
            return
        if job == "test-set" and refused(self._state, likelihood_conflict):
            return
        if job == "fisher" and model.problem.reference is None:
            return
        if job == "quality" and (trajectory is None or not len(trajectory)):
            return
        key = model.key_after(model.weights.made)
        assert key is not None
        keys = tuple(figures.key(part, key) for part in figures.MEASUREMENTS[job])
        run = self._sampling.trajectory_iterator()  # one that has not ended is completed first
        wanted = Wanted(keys, self._state.store, ways(model.problem, model.weights, run))
        self._jobs.want(job, wanted, self._show)

    def _show(self, key: Key, found: Mapping[str, Measured]) -> None:
        assert isinstance(key, FiguresKey)
        self._show_figures({key.part: Figures(found)})

    def _show_figures(self, found: Mapping[str, Figures]) -> None:
        self._shown |= found
        self.evaluation_changed.emit(self.evaluation)

    @Slot(object)
    def _arrived(self, key: Key) -> None:
        """Show what was measured of the run in view because it is pinned."""
        if isinstance(key, FiguresKey):
            self.look_up()

    def look_up(self) -> None:
        """Show what is known of the weights and settings in view."""
        known = self._known()
        if known or self._shown:
            self._show_figures(known)

    def _known(self) -> dict[str, Figures]:
        """What was measured with the weights in view and the current settings; nothing while training changes the weights."""
        model = self._state.model
        return figures.known(self._state.store, None if model is None else model.model_key)

    def _outdate(self, parts: Iterable[str], names: Collection[str] | None = None) -> None:
        """Show in place of figures that they belong to other settings.

        Args:
            names: those that do; by default all.
        """
        for part in self._shown.keys() & parts:
            shown = self._shown[part].items()
            self._shown[part] = Figures(
                {name: STALE_FIGURE if names is None or name in names else figure for name, figure in shown}
            )

    @Slot()
    def _follow_model(self) -> None:
        """Show what is known of another model."""
        self._stop(figures.MEASUREMENTS)
        self.remove()

    def _stop(self, jobs: Iterable[str]) -> None:
        """Stop measurements of what is no longer in view, and tell it."""
        running = [job for job in jobs if self._jobs.running(job)]
        for job in running:
            self._jobs.cancel(job)
        if running:
            text = "Measuring {} was stopped: other settings or weights are in view now."
            what = " and ".join(MEASURED[job] for job in running)
            notify_of_last_step(self._state, Message("measuring-stopped", text, (what,)))

    def remove(self) -> tuple[set[str], set[str]]:
        """Remove all figures, which belong to another model, and show those known of the current one.

        Returns:
            The measurements that were in progress, and those that were in view.
        """
        running = {job for job in figures.MEASUREMENTS if self._jobs.running(job)}
        shown = {job for job, parts in figures.MEASUREMENTS.items() if not self._shown.keys().isdisjoint(parts)}
        for job in running:
            self._jobs.cancel(job)
        self._shown = {}
        self.evaluation_changed.emit(self.evaluation)
        self.look_up()
        return running, shown
