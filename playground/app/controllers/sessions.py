"""Packs the workspace into a session, and puts a session on the workspace."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from playground.app.controllers.building import Building
from playground.app.controllers.playing import Playing
from playground.app.model import kept_figures
from playground.app.model.pinned_runs import PinnedRuns, from_json, to_json
from playground.app.model.state import State
from playground.lab.experiment import Experiment, reset_key
from playground.lab.provenance import Provenance
from playground.lab.session import Session, SessionError
from playground.lab.trajectory import Trajectory
from playground.messages import Message


class Sessions:
    """Connects files and controllers: data, weights, runs and figures are saved and restored together."""

    def __init__(self, state: State, building: Building, playing: Playing, pinned: PinnedRuns) -> None:
        self._state, self._building, self._playing, self._pinned = state, building, playing, pinned

    def pack(self, view: Mapping[str, Any]) -> Callable[[], Session]:
        """Returns a function for another thread that makes the session; weights are available only between two blocks
        of training.

        Args:
            view: the view to save, as JSON values.

        Raises:
            SessionError: there are no data, or the settings describe other data.
        """
        experiment, failure = self._state.experiment, self._building.failure
        workspace, opening = self._building.workspace, self._building.opening
        pinned, columns = self._pinned.runs, self._state.document.columns
        if workspace is None:
            if opening is None:
                raise SessionError("Nothing is saved: there are no data yet.")
            self._check_applied(opening.experiment)
            return lambda: dataclasses.replace(
                opening, experiment=experiment, view=view, columns=columns, runs=to_json(pinned)
            )
        self._check_applied(workspace.problem.experiment)
        if failure is not None:
            text = "Nothing is saved: the settings describe other data. {}"
            raise SessionError(Message("other-data", text, (failure,)))
        dataset, trajectory = workspace.problem.dataset, self._playing.newest_finished
        store = self._building.store
        measured = kept_figures.to_json(kept_figures.present(store, workspace, workspace.newest, experiment))
        images = 0 if trajectory is None or dataset.shape == (2,) else trajectory.positions.shape[1]
        clicked = self._state.document.clicked
        clicked = tuple(place for place in clicked if not isinstance(place, int) or place < images)
        return lambda: Session.of_points(
            experiment,
            workspace.points,
            workspace.trained(),
            trajectory=None if trajectory is None else trajectory.arrays(),
            view=view,
            clicked=clicked,
            measurements=measured,
            columns=columns,
            runs=to_json(pinned),
        )

    def provenance(self) -> str:
        """What made the weights."""
        workspace = self._building.workspace
        return str(Provenance.of(self._state.experiment, None if workspace is None else workspace.problem.device))

    def _check_applied(self, built: Experiment) -> None:
        if self._building.failure is None and reset_key(built) != reset_key(self._state.experiment):
            raise SessionError(
                "Nothing is saved yet: the new settings are still being applied. Save again in a moment."
            )

    def size(self) -> int | None:
        """Approximate bytes of the file that :meth:`pack` would give; None while there are no data."""
        workspace = self._building.workspace
        return None if workspace is None else workspace.file_size(self._playing.trajectory)

    def open(self, session: Session) -> None:
        """Put a saved session on the workspace. Its trajectory plays at once; the rest follows when it is built."""
        pins = self._pinned.load(from_json(session.runs, session.experiment))
        parts = {"pins": pins, "columns": session.columns, "clicked": session.clicked}
        self._building.open_experiment(session.experiment, session, **parts)
        self.play(session)

    def play(self, session: Session) -> None:
        """Play the trajectory of a session whose data and network are being built."""
        if session.trajectory:
            self._playing.show_recorded(Trajectory.from_arrays(dict(session.trajectory)))
