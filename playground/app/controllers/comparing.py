"""Compares runs side by side: two to four columns, each the main experiment with a few changed settings."""

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot

from playground.app.controllers.building import Building, key_of
from playground.app.controllers.column_runs import Equal, awaited, measured, prepare, warnings
from playground.app.controllers.controller import Controller
from playground.app.controllers.playing import Playing
from playground.app.controllers.runs import Run, RunsInView
from playground.app.controllers.training_loop import Fair, column_key, done
from playground.app.model.assembling import assemble
from playground.app.model.model import LiveModel
from playground.app.model.state import State
from playground.app.workers.timers import timer
from playground.lab.columns import SECTIONS, Columns, DistanceCurve
from playground.lab.experiment import Experiment
from playground.messages import Message
from playground.user_errors import message_of

PREPARING, MEASURING = "comparison", "distances of columns"  # names of jobs
SETTLE = 60  # ms without an edit before the columns are sampled again


class Comparing(Controller):
    """Samples the columns on one Brownian path and measures their distance to the data; the main experiment stays.

    Attributes:
        columns: those of the document; empty if nothing is compared, and while there are no data.
        equal: what is the same in all columns.
        fair: what is the same in the trainings of columns and in that of the main experiment.

    Signals:
        active_changed(bool): the comparison began or ended.
        changed(): the columns changed, or their runs began again.
        measured(): the distances of one more column are known, or why they are not.
    """

    active_changed = Signal(bool)
    changed = Signal()
    measured = Signal()

    def __init__(
        self,
        state: State,
        building: Building,
        playing: Playing,
    ) -> None:
        super().__init__(state)
        self._building, self._playing = building, playing
        self.columns: Columns = ()
        self._compared = RunsInView()
        self._compared.begun_by(self._begin_newer)
        self.equal: Equal = "own"
        self.fair: Fair = "steps"
        self._trainings = building.trainings
        self._settle = timer(self, self._begin_runs, singleShot=True, interval=SETTLE)
        state.document_changed.connect(self._follow_document)
        state.changed.connect(self._take_settings)
        state.model_changed.connect(self._take)
        state.weights_chosen.connect(self.sample_again)
        state.ticked.connect(self._poll)

    # What the window may read

    @property
    def is_active(self) -> bool:
        return bool(self.columns)

    @property
    def runs(self) -> tuple[Run, ...]:
        """The columns' runs from left to right; after a change the old ones stay until the new ones are ready."""
        return self._compared.runs

    @property
    def awaited(self) -> Message | None:
        """A message on what a film of all columns waits for; None if all are sampled and measured."""
        if self._settle.isActive() or self._jobs.running(PREPARING) or not self.runs:
            return Message("columns-prepared", "The columns are being prepared.")
        return awaited(self._played, lambda run: self.trained(run) is not None or self._is_behind(run))

    @property
    def _played(self) -> list[Run]:
        """The runs that can be shown."""
        return self._playing.runs if self.is_active else []

    @property
    def trains(self) -> bool:
        """Whether a column needs a training of its own."""
        return any(run.training is not None for run in self.runs)

    def trained(self, run: Run) -> float | None:
        """The share of its training that a column has made; None if it need not go on."""
        training = run.training
        if training is None or not self._trainings.is_behind(training):
            return None
        return done(training, self._trainings.fair) / max(self._trainings.target, 1e-9)

    @property
    def notices(self) -> list[Message]:
        """Warnings about the columns in view."""
        found = [notice for run in self.runs for notice in warnings(run)]
        model = self._state.model
        if self.trains and model is not None and model.weights.step is not None:
            said = "Columns with a training of their own are as far as the newest step, not {:,}."
            found.append(Message("newest-weights", said, (model.weights.step,)))
        return found

    # What the window may ask for

    def set_equal(self, equal: Equal) -> None:
        """Choose what is the same in all columns."""
        if equal != self.equal:
            self.equal = equal
            self.sample_again()

    def set_fair(self, fair: Fair) -> None:
        """Choose what is the same in all trainings."""
        if fair != self.fair:
            self.fair = fair
            self.sample_again()

    def _is_behind(self, run: Run) -> bool:
        """Whether its own training has learned more since."""
        model = self._state.model
        return model is not None and run.training is not None and run.is_outdated(model)

    @Slot()
    def _follow_document(self) -> None:
        """Show the columns of the document, which also undo or a file may have changed."""
        before, columns = self.columns, () if self._state.model is None else self._state.document.columns
        if columns == before:
            return
        self.columns = columns
        if not columns:
            self._end()
            return
        if not before:
            self._trainings.failures.clear()
            self._playing.compare(self._compared)
            self.active_changed.emit(True)
        self._begin_runs()

    def _end(self) -> None:
        """Show the main run again."""
        self._settle.stop()
        for job in (PREPARING, MEASURING):
            self._jobs.cancel(job)
        self._playing.compare(None)  # at the share of the columns that are still there
        self._compared.put(())
        self._playing.samplers.put(())
        self._trainings.put_columns((), self.fair)
        self.active_changed.emit(False)

    @Slot(object)
    def _take_settings(self, keys: frozenset[str]) -> None:
        if any(key.partition(".")[0] in SECTIONS for key in keys) and self._state.is_applied:
            self.sample_again()

    @Slot()
    def _take(self) -> None:
        self.sample_again()
        self._follow_document()

    @Slot()
    def sample_again(self) -> None:
        """Sample all columns anew when no edit has followed for a moment."""
        if self.is_active:
            self._settle.start()

    def _begin_newer(self, after: bool) -> None:
        if not self._jobs.running(PREPARING):
            self._begin_runs(after)

    @Slot()
    def _begin_runs(self, after: bool = False) -> None:
        """Prepare the columns in a thread, then show them, or sample them while those in view play on."""
        self._settle.stop()
        self._compared.let_come(())
        self._playing.samplers.put(self.runs)
        model, key = self._state.model, self._building.key
        if model is None or not self.is_active:
            return
        if key is None or (key != key_of(self._state.document) and self._state.failure is None):
            self._jobs.cancel(PREPARING)
            return  # the model of the document is still to come
        main, runs = model.under(self._state.experiment), self._new_runs()
        equal, fair = self.equal, self.fair
        known, store, digests = self._building.models(), self._state.store, self._state.document.digests

        def training(experiment: Experiment) -> LiveModel:
            own = column_key(experiment, digests, key, fair)
            if own not in known:  # two columns may share one
                known[own] = assemble(experiment, main.problem.device.type, own, store, shared=main.problem)
            return known[own]

        def take(prepared: Sequence[Run]) -> None:
            for run in prepared:
                if run.training is not None and run.training.key is not None:
                    self._building.kept.keep(known[run.training.key])
            if after:
                self._compared.let_come(prepared, after)
                self._playing.samplers.put((*self.runs, *prepared))
            else:
                self._show(prepared)

        self._jobs.call(PREPARING, lambda: prepare(main, runs, equal, training), take, self._fail)

    def _new_runs(self) -> list[Run]:
        """The runs of the columns before they are prepared."""
        model, main = self._state.model, self._state.experiment
        assert model is not None
        return [
            Run(main, weights=model.weights_of_column(column.step), column=column, place=place)
            for place, column in enumerate(self.columns)
        ]

    def _show(self, runs: Sequence[Run]) -> None:
        """Play these runs from the start."""
        self._jobs.cancel(MEASURING)
        self._trainings.put_columns([run.training for run in runs if run.training is not None], self.fair)
        self._playing.samplers.put(runs)
        self._playing.put(self._compared, runs)
        self._compared.new_failures()  # each says why
        self.changed.emit()

    def _fail(self, error: BaseException) -> None:
        runs = self._new_runs()
        for run in runs:
            run.fail(message_of(error))
        self._show(runs)

    @Slot()
    def _poll(self) -> None:
        """Show the runs that come, see how far trainings are, and measure finished runs."""
        if self._state.model is None or not self.is_active:
            return
        if self._compared.coming and not self._compared.comes_after:
            self._show(self._compared.coming)
        if self.trains and not self._settle.isActive() and not self._jobs.running(PREPARING):
            self._poll_trainings()
        if self._compared.new_failures():
            self.changed.emit()
        if not self._jobs.running(MEASURING) and not self._playing.is_held:  # which would answer a lesson's question
            self._measure_next()

    def _poll_trainings(self) -> None:
        """See which trainings have failed, and sample again when all have come as far as the main one."""
        for run in self._played:
            why = None if run.training is None else self._trainings.failures.get(run.training.key)
            if why is not None:
                run.fail(message_of(why))
        if not self._trainings.behind and any(map(self._is_behind, self.runs)):
            self.sample_again()

    def _measure_next(self) -> None:
        """Measure one finished run at a time."""
        run = next((run for run in self._played if run.finished and run.curve is None), None)
        if run is None:
            return

        def take(found: DistanceCurve | Message) -> None:
            run.take_curve(found)
            self.measured.emit()

        self._jobs.start(MEASURING, lambda: measured(run), take, lambda error: take(message_of(error)))
