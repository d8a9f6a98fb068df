"""What a window shows: a document with its history, and the model that is built of it."""

from PySide6.QtCore import QObject, Signal

from playground.app.model.edited_document import EditedDocument
from playground.app.model.model import LiveModel
from playground.app.model.views import ProblemView, conditions_of
from playground.app.workers.jobs import Jobs
from playground.lab.conflicts import Conditions
from playground.lab.experiment import Experiment
from playground.lab.recovery import new_store
from playground.lab.store import Store
from playground.messages import Message


class State(EditedDocument):
    """The document, the store of what was computed of it, and the model. Controllers and views hear of changes from its signals.

    Attributes:
        store: what has been computed, by key; other work brings another one.
        jobs: compute what is wanted of the document.
        failure: why the settings give no problem, as far as known.
        is_outdated: whether other work has replaced the settings of the model.

    Signals:
        model_changed(): the model of another training or of other points has come, or none is left.
        problem_changed(): after that, or when it is known why there is no other problem; views show it now.
        weights_chosen(): the weights of another step of the same training are in use.
        ticked(float): so many seconds of the window's clock have passed.
    """

    model_changed = Signal()
    problem_changed = Signal()
    weights_chosen = Signal()
    ticked = Signal(float)

    def __init__(self, experiment: Experiment | None = None, parent: QObject | None = None) -> None:
        super().__init__(experiment, parent)
        self.store, self.jobs = new_store(), Jobs(self)
        self._model: LiveModel | None = None
        self.failure: Message | None = None
        self.is_outdated = False
        self._compared: tuple[Experiment | None, Experiment, bool] = (
            None,
            self.experiment,
            False,
        )  # the last two, and whether they fit

    @property
    def model(self) -> LiveModel | None:
        """The problem with the present settings, and the weights of the chosen training step or the newest; None while there is none.

        It is another object once something else was set, chosen or trained: read it again after a signal was emitted.
        """
        model = self._model
        if model is not None:
            model = self._model = model.at(model.weights.step).told_labels()  # one object until something new comes
            if model.problem.experiment is not self.experiment and self.is_applied:
                self._model = model.under(self.experiment)
        return self._model

    @property
    def problem(self) -> ProblemView | None:
        model = self.model
        return None if model is None else model.view

    @property
    def conditions(self) -> Conditions | None:
        """Properties of the data that kinds need; None while there are no data."""
        return conditions_of(self.problem)

    @property
    def is_applied(self) -> bool:
        """Whether the model has the present settings. If not, another one is being built, or cannot be."""
        if self.is_outdated or self._model is None:
            return False
        built, wanted = self._model.problem.experiment, self.experiment
        if self._compared[0] is not built or self._compared[1] is not wanted:  # asked dozens of times a frame
            self._compared = built, wanted, self._model.fits(wanted)
        return self._compared[2]

    @property
    def is_replacing(self) -> bool:
        """Whether the model of other work is still being built."""
        return self.is_outdated and self.failure is None

    def unsaved_steps(self) -> int:
        """The training steps that a reset would cost now."""
        return 0 if self._model is None else self._model.training.now.step

    def install(self, model: LiveModel | None, failure: Message | None = None) -> None:
        """Replace the model; by None because of a failure."""
        self._model, self.failure = model, failure
        self.is_outdated &= model is None
        self.model_changed.emit()
        self.problem_changed.emit()

    def forget_failure(self) -> None:
        """Note that it is not known whether the settings give a problem."""
        self.failure = None

    def fail(self, why: Message) -> None:
        """Say why the settings give no problem; the model stays."""
        self.failure = why
        self.problem_changed.emit()

    def choose(self, step: int | None) -> None:
        """Use the weights of a kept training step, or the newest; only these while training goes on."""
        before = self.model
        if before is not None:
            self._model = before.at(None if before.is_training else step)
            if self._model is not before:
                self.weights_chosen.emit()

    def leave(self, store: Store) -> None:
        """Prepare for other work with its store, which is about to be put here."""
        self.store, self.is_outdated = store, True
