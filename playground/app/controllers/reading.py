"""Reads the files that settings name, before the settings name them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from playground.app.controllers.building import READING, Building
from playground.app.controllers.controller import Controller
from playground.app.controllers.notification import notify_of_settings
from playground.app.model.state import State
from playground.app.workers.worker import interrupted
from playground.lab import experiment as description
from playground.lab.document import DATA_FILE, START_FILE
from playground.lab.provenance import digests
from playground.user_errors import message_of

if TYPE_CHECKING:
    from playground.data import Dataset


class Reading(Controller):
    """Reads files of points in a thread. The settings name a file only if it is sound."""

    def __init__(self, state: State, building: Building) -> None:
        super().__init__(state)
        self._building = building

    def open_points(
        self, path: str, kind: str = "file", when_safe: Callable[[Callable[[], None]], None] = lambda use: use()
    ) -> None:
        """Read a file of points, or of images if `kind` says so.

        Args:
            when_safe: calls what it is given, which uses the points, once the work in the window may be replaced.
        """
        experiment = self._state.experiment
        wanted = self._state.replaced_by({"data.kind": kind, "data.path": path})

        def read() -> "tuple[Dataset, str]":
            dataset = wanted.data.load(experiment.likelihood.points, interrupted)
            return dataset, dict(digests(wanted)).get(DATA_FILE, "")

        def use(dataset: "Dataset", digest: str) -> None:
            self._state.note_read(DATA_FILE, path, digest)
            waits = trainings.waits  # training may have been requested while these points were read
            now = self._state.experiment
            others = {
                key: description.value(now, key)
                for key, known in description.fields(now).items()
                if not (key.startswith("data.") or known.of_data)
            }
            self._state.leave_lesson()  # so that one undo brings the own work back; the settings stay with the points
            self._state.edit({**others, "data.kind": kind, "data.path": path})
            trainings.wait(waits)
            same_split = self._state.experiment.likelihood == experiment.likelihood
            self._building.build(dataset if same_split else None)

        def refuse(error: BaseException) -> None:
            trainings.wait(False)
            self._refuse(error)

        trainings = self._building.trainings
        trainings.wait(False)  # it gives way to the points
        # A job of its own, because a session that is being built comes first and the points follow it.
        self._jobs.call(READING, read, lambda found: when_safe(lambda: use(*found)), refuse)

    def open_start(self, path: str) -> None:
        """Take the start points of a file. A file of the same name with other contents is another start set."""
        wanted = self._state.replaced_by({START_FILE: path})

        def read() -> str:
            return dict(digests(wanted)).get(START_FILE, "")

        def use(digest: str) -> None:
            self._state.note_read(START_FILE, path, digest)
            self._state.edit({START_FILE: path})

        self._jobs.call(READING, read, use, self._refuse)

    def _refuse(self, error: BaseException) -> None:
        notify_of_settings(self._state, message_of(error))
