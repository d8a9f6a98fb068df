"""Packs the work into a session or into the store of unsaved work, and puts such work into the window."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from playground.app.controllers.building import Building
from playground.app.controllers.sampling import Sampling
from playground.app.model import figures
from playground.app.model.history import History
from playground.app.model.pinned_runs import from_json, to_json
from playground.app.model.state import State
from playground.lab.experiment import Experiment, reset_key
from playground.lab.keys import RunKey
from playground.lab.provenance import Provenance
from playground.lab.recovery import new_store
from playground.lab.session import Session, SessionError
from playground.lab.store import Store
from playground.lab.trajectory import Trajectory
from playground.messages import Message


class Sessions:
    """Connects files and controllers: data, weights, runs and figures are saved and restored together.

    Attributes:
        describe_view: returns the part of the view that is saved, as JSON values; with True that of the user's own work, also
            while a scene or a lesson is shown.
    """

    def __init__(self, state: State, building: Building, sampling: Sampling) -> None:
        self._state, self._building, self._sampling = state, building, sampling
        self.describe_view: Callable[[bool], dict[str, Any]] = lambda own: {}

    @property
    def busy(self) -> bool:
        """Whether data are being read, so that :meth:`pack` may soon be possible."""
        return self._building.busy

    def set_view(self, describe_view: Callable[[bool], dict[str, Any]]) -> None:
        """Set what describes the view, once there is one; see :attr:`describe_view`."""
        self.describe_view = describe_view

    def pack(self, view: Mapping[str, Any]) -> Callable[[], Session]:
        """Returns a function for another thread that makes the session; weights are available only between two blocks
        of training.

        Args:
            view: the view to save, as JSON values.

        Raises:
            SessionError: there are no data, or the settings describe other data.
        """
        experiment, failure = self._state.experiment, self._state.failure
        model, document = self._state.model, self._state.document
        built = experiment if model is None else model.problem.experiment
        if self._state.is_replacing or (failure is None and reset_key(built) != reset_key(experiment)):
            text = "Nothing is saved yet: the new settings are still being applied. Save again in a moment."
            raise SessionError(text)
        if model is None:
            raise SessionError("Nothing is saved: there are no data yet.")
        if failure is not None:
            text = "Nothing is saved: the settings describe other data. {}"
            raise SessionError(Message("other-data", text, (failure,)))
        dataset, trajectory = model.problem.dataset, self._sampling.newest_finished
        measured = figures.to_json(figures.known(self._state.store, model.at(None).model_key))
        images = 0 if trajectory is None or dataset.shape == (2,) else trajectory.positions.shape[1]
        clicked = tuple(place for place in document.clicked if not isinstance(place, int) or place < images)
        runs = to_json(document.pins, self._state.store)
        return lambda: Session.of_points(
            experiment,
            model.points,
            model.training.trained(),
            trajectory=None if trajectory is None else trajectory.arrays(),
            view=view,
            clicked=clicked,
            measurements=measured,
            columns=document.columns,
            runs=runs,
        )

    def provenance(self) -> str:
        """What made the weights."""
        model = self._state.model
        return str(Provenance.of(self._state.experiment, None if model is None else model.problem.device))

    def open(self, session: Session) -> None:
        """Put a saved session into the window. Its trajectory plays at once; the rest follows when it is built."""
        store = new_store()
        pins = from_json(session.runs, store)
        parts = {"pins": pins, "columns": session.columns, "clicked": session.clicked}
        self._building.open(lambda: self._state.load(session.experiment, **parts), session, store)
        self.play(session)

    def begin(self, experiment: Experiment) -> None:
        """Put an experiment into the window, with new weights. Earlier trainings are lost."""
        self._building.open(lambda: self._state.load(experiment))

    @property
    def is_opening(self) -> bool:
        """Whether the data and network of a session are being built."""
        return self._state.is_replacing

    def when_built(self, call: Callable[[], None]) -> None:
        """Call something whenever data and network have been built, or it is known why they cannot be."""
        self._state.problem_changed.connect(call)

    def play(self, session: Session) -> None:
        """Play the trajectory of a session whose data and network are being built."""
        if session.trajectory:
            self._sampling.show_recorded(Trajectory.from_arrays(dict(session.trajectory)))

    # --- unsaved work

    def moment(self) -> Hashable:
        """A key that changes whenever :meth:`keep` has something else to keep."""
        trained = (
            (key, one.training.now.moment, one.problem.experiment) for key, one in self._building.models().items()
        )
        layers = self.describe_view(True).get("layers", {})
        return self._state.store, tuple(trained), self.run, tuple(sorted(layers.items()))

    @property
    def run(self) -> RunKey | None:
        """The key of the finished run in view; None while training changes its weights or if there is none."""
        model = self._state.model
        if model is None or model.key is None or model.is_training:
            return None
        if self._building.key is None or self._sampling.newest_finished is None:
            return None
        return model.run_key(model.newest)

    def keep(self) -> Callable[[], None]:
        """Returns a function for another thread that puts what was trained into the store."""
        building, store = self._building, self._state.store
        changed = [
            model
            for key, model in building.models().items()
            if model.training.now.moment != model.training.stored and (model.training.now.step or key == building.key)
        ]

        def put() -> None:
            for model in changed:
                model.training.keep_in(store, model.points)

        return put

    def restore(self, history: History, session: Session | None, store: Store) -> None:
        """Put unsaved work into the window with its history.

        Args:
            session: what the store has at the history's place; its run plays at once.
            store: has each training that undo or redo reaches, and the figures of its pinned runs.
        """
        self._building.open(lambda: self._state.restore(history.documents, history.place), session, store)
        if session is not None:
            self.play(session)
