"""Builds data, problem and network of the experiment, and keeps them so that undo can bring them back."""

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import structs
from PySide6.QtCore import Slot
from PySide6.QtGui import QUndoCommand

from playground.app.controllers.controller import Controller
from playground.app.controllers.notification import notify_held_out, notify_of_settings
from playground.app.controllers.training_loop import TrainingLoop
from playground.app.model.assembling import assemble, bundled_session
from playground.app.model.kept_models import KeptModels
from playground.app.model.model import LiveModel
from playground.app.model.state import State
from playground.app.workers.timers import timer
from playground.lab import experiment as description
from playground.lab.conflicts import training_conflict
from playground.lab.document import Document
from playground.lab.experiment import Experiment
from playground.lab.keys import TrainingKey
from playground.lab.recovery import new_store
from playground.lab.session import Session
from playground.lab.settings import Likelihood
from playground.lab.store import Store
from playground.lab.trained import Trained
from playground.messages import Message
from playground.user_errors import message_of

if TYPE_CHECKING:
    from playground.data import Dataset

SETTLE = 150  # ms without an edit before data and network are built, so that a slider can be dragged
SPLIT = {"likelihood.points": Likelihood().points}  # another number of held-out points needs no other training
READING = "reading"
JOBS = ("problem", READING)  # the jobs that end with another problem
VIEWED = "training_step"  # in a session's view: the step whose weights were shown, if it was not the newest
FIRST = "first"
"""The name of the training of settings with which none was begun by a reset, a scene or a lesson."""


def key_of(document: Document) -> TrainingKey:
    """The training of a document."""
    begun = document.training
    if begun is not None:
        return begun
    return TrainingKey.of(description.replace(document.experiment, SPLIT), document.digests, FIRST)


class Building(Controller):
    """Follows the experiment, and builds the model that its settings describe.

    Args:
        state: the experiment to follow, which takes the model.
        device: "auto", "cpu", "cuda" or "mps".

    Attributes:
        trainings: trains the present model, and those of columns.
    """

    def __init__(self, state: State, device: str = "auto") -> None:
        super().__init__(state)
        self._device = device
        self.device_text = "starting"  # the device and its threads, for the status bar
        self.kept, self.trainings = KeptModels(), TrainingLoop()
        # The trainings that undo has reached; None while other work is put into the state.
        self._begun: tuple[TrainingKey, ...] | None = ()
        # Each reads what takes the place of a training.
        self.given: dict[TrainingKey, Callable[[], Session | None]] = {}
        self._viewed: int | None = None  # the step that was shown when the work was saved that is opened
        self._bundled = False  # whether the next data start from bundled weights, if there are any for their settings
        self._settle = timer(self, self.build, singleShot=True, interval=SETTLE)
        state.changed.connect(self._edited)
        state.history_changed.connect(self._follow_history)  # the stack itself still emits while it is destroyed

    # What the window may read

    @property
    def dataset(self) -> "Dataset | None":
        """The present data; None while there are none."""
        return None if self._state.model is None else self._state.model.problem.dataset

    @property
    def busy(self) -> bool:
        """Whether other data or another network are being built."""
        return self._settle.isActive() or any(self._jobs.running(job) for job in JOBS)

    @property
    def default_step(self) -> float | None:
        """The value of `sampling.step = "auto"` for the current sampler, in squared user units; None while there is no model."""
        if self._state.model is None:
            return None
        from playground.lab.sampling import step_in_user_units

        return step_in_user_units(self._state.model.problem)

    def reset_training(self) -> QUndoCommand | None:
        """Replace the weights by new ones.

        Returns:
            The step of the history; None if nothing was trained with these settings.
        """
        key = self._key(self._state.experiment)
        here = self.kept.get(key)  # which may still be under construction
        if key in self._state.store if here is None else here.training.now.step:
            self._state.push(self._state.document.begun(new_name("reset")))
            return self._state.last_step
        if self._state.model is not None:
            self.trainings.stop()
            self.kept.discard(key)
            if key in self._state.store:  # it has what was learned before, for instance before it diverged
                self._state.store.hold(key, Trained({}))
            self.build()
        return None

    @Slot()
    def _follow_history(self) -> None:
        """Take the trainings, or the contents of the file of data, that undo or redo has reached."""
        if self._begun is None:
            return
        if self._state.document.trainings != self._begun:
            self._begun = self._state.document.trainings
            self.trainings.stop()
            self.build()
        elif self.key is not None and self.key.digests != self._state.document.digests:
            self._settle.start()

    def _key(self, experiment: Experiment) -> TrainingKey:
        """The training of other settings in this document."""
        return key_of(structs.replace(self._state.document, experiment=experiment))

    @property
    def key(self) -> TrainingKey | None:
        """The current training; None if a file has replaced its settings."""
        return None if self._state.model is None or self._state.is_outdated else self._state.model.key

    def models(self) -> dict[TrainingKey, LiveModel]:
        """All models in memory that undo and redo can reach, including the current one."""
        here = {} if self.key is None or self._state.model is None else {self.key: self._state.model}
        return dict(self.kept.items()) | here

    # Files

    def prefer_bundled(self) -> None:
        """Start the data set that is chosen next from bundled weights, if there are any for its settings."""
        self._bundled = True

    def open(self, put: Callable[[], object], session: Session | None = None, store: Store | None = None) -> None:
        """Take other work. Earlier trainings are lost.

        Args:
            put: puts its documents into the state.
            session: the document in view, with what came of its training; None if that is to begin anew.
            store: has what was computed of it; None if that is nothing.
        """
        self.trainings.stop()
        for job in JOBS:
            self._jobs.cancel(job)
        self.kept = KeptModels()
        self._begun = None
        self.given.clear()
        self._viewed = None if session is None else session.view.get(VIEWED)
        self._state.leave(store or new_store())
        put()
        self._begun = self._state.document.trainings
        if session is not None:
            self.given[self._key(session.experiment)] = lambda: session
        self._settle.start()

    # Following the experiment

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        if keys & {"data.kind", "data.path"}:
            self._jobs.cancel(READING)  # other data were chosen meanwhile
        if restarts(keys):
            self.trainings.wait(False)  # it starts again only on request
        if restarts(keys) or "likelihood.points" in keys:
            self._settle.start()
            conflict = training_conflict(self._state.experiment)
            if conflict is not None and conflict.key == "data.strokes":
                self.build()  # at once: a first stroke must not be painted in the view of the old data

    def stop(self) -> None:
        """Build nothing more, when quitting."""
        self._settle.stop()

    @Slot()
    def build(self, dataset: "Dataset | None" = None) -> None:
        """Build what the experiment describes, or take it from the kept models.

        Args:
            dataset: its points, if they were just read.
        """
        self._settle.stop()  # it would build the same
        self._state.forget_failure()
        bundled, self._bundled = self._bundled, False
        experiment = self._state.experiment
        key = self._key(experiment)
        kept = self.models().get(key) if key in self.kept else None
        if kept is not None and kept.problem.experiment.likelihood.points == experiment.likelihood.points:
            self._jobs.cancel("problem")
            self._take(kept)
            return
        conflict = training_conflict(experiment)
        has_points = key in self._state.store or key in self.given
        if conflict is not None and conflict.key.startswith(("data.", "network.")) and not has_points:
            self._fail(conflict, clear=conflict.key == "data.strokes")
            return
        if bundled:
            self.given[key] = lambda: bundled_session(experiment)
        previous = kept
        if kept is not None and kept.status == "untrained" and kept.problem.density is None:
            previous = None  # nothing was learned from these data, so they can be split as the settings say
        shared = None if dataset is not None else self.kept.problem(experiment, key)
        given = self.given.get(key, lambda: None)
        store = self._state.store
        self._jobs.call(
            "problem",
            lambda: assemble(
                experiment, self._device, key, store, dataset=dataset, previous=previous, shared=shared, given=given
            ),
            self._take,
            functools.partial(self._not_assembled, key),
        )

    def _not_assembled(self, key: TrainingKey, error: BaseException) -> None:
        """Report why there is no problem. A session whose weights do not fit is opened without them."""
        trained = self._state.store.get(key) if self._state.is_outdated else None
        if trained is not None and trained.state:
            # No failure: the problem that is built without them would withdraw it.
            notify_of_settings(self._state, message_of(error))
            self._state.store.hold(key, Trained({}, points=trained.points))
            self._settle.start()
        else:
            self._fail(message_of(error))

    def _fail(self, why: Message, clear: bool = False) -> None:
        """Report why there is no problem. The model of a file that was open before goes.

        Args:
            clear: show no model. Without data, for example in an empty drawing, nothing trains, plays or is measured.
        """
        self.trainings.wait(False)
        if clear or self._state.is_outdated:
            self._jobs.cancel("problem")
            self.trainings.put(None)
            self._state.install(None, why)
        else:
            self._state.fail(why)

    def _take(self, model: LiveModel) -> None:
        """Replace the current model, which is kept."""
        before, key, viewed = self._state.model, model.key, self._viewed
        assert key is not None
        self._viewed = None
        self.given.pop(key, None)  # the store has it
        if before is not None and before.training is model.training:
            model = model.at(before.weights.step)
        else:
            model = model if viewed is None else model.at(viewed)
            self.trainings.put(model.training)
        if not model.fits(self._state.experiment) or key != self._key(self._state.experiment):
            self._settle.start()
        self.device_text = model.device_text
        if model.could_hold_out_more:
            notify_held_out(self._state, model)
        if before is not None and before.key is not None and before.key in self.kept:
            self.kept.keep(before)  # its weights have grown
        self.kept.keep(model)
        self._state.install(model)


def restarts(keys: frozenset[str]) -> bool:
    """Whether a change of these settings restarts training."""
    known = description.every_field()
    return any(known[key].resets for key in keys)


def new_name(owner: str) -> str:
    """A name for a training that begins, which no other has."""
    return f"{owner} {os.urandom(6).hex()}"
