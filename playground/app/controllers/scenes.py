"""The scene on show: its experiment is on the workspace, and its claim can be measured."""

from collections.abc import Iterator

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoCommand

from playground.app.controllers.building import Building
from playground.app.controllers.training import Training
from playground.app.model.state import State
from playground.app.workers.tasks import Tasks
from playground.lab import experiment as description
from playground.lab.experiment import Experiment
from playground.lab.scenes import Measured, SceneFile

TASK = "scene"


class Scenes(QObject):
    """Shows one scene at a time, as one step of the history, so that undo brings back the work that was there.

    Signals:
        changed(): another scene is on show, or none, or its figures are measured.
    """

    changed = Signal()

    def __init__(
        self, state: State, building: Building, training: Training, tasks: Tasks, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._state, self._building, self._training, self._tasks = state, building, training, tasks
        self._scene: SceneFile | None = None
        self._step: QUndoCommand | None = None  # the first one of the scenes that were shown one after another
        self.measured: Measured | None = None
        state.history_changed.connect(self._look)

    @property
    def scene(self) -> SceneFile | None:
        """The one on show."""
        return self._scene

    def show(self, scene: SceneFile) -> None:
        """Put a scene on the workspace, and train where its particles follow a score that is not learned yet."""
        first = put_on_workspace(scene.settings, self._state, self._building, self._training, self._step)
        if first is None:
            return
        self._tasks.cancel(TASK)
        self._scene, self._step, self.measured = scene, first, None
        self.changed.emit()

    def leave(self) -> None:
        """Bring back what was there before the scene."""
        step = self._step
        self._forget()
        if step is not None:
            self._state.undo_from(step)

    def measure(self) -> None:
        """Measure what the scene on show claims, by its own settings, whatever has been changed since."""
        scene = self._scene
        if scene is None:
            return

        def work() -> Iterator[tuple[float, Measured | None]]:
            from playground.lab.scene_figures import measure  # which loads torch

            return measure(scene)

        self._tasks.start(TASK, "the claim of the scene", work, self._take)

    def _take(self, measured: Measured) -> None:
        self.measured = measured
        self.changed.emit()

    @Slot()
    def _look(self) -> None:
        """Forget the scene once it is undone."""
        if self._scene is not None and self._step is not None and not self._state.is_done(self._step):
            self._forget()

    def _forget(self) -> None:
        self._tasks.cancel(TASK)
        self._scene = self._step = self.measured = None
        self.changed.emit()


def put_on_workspace(
    experiment: Experiment, state: State, building: Building, training: Training, since: QUndoCommand | None
) -> QUndoCommand | None:
    """Take an experiment as a step of the history, with weights of its own; train them where its particles follow them.

    Args:
        since: the first step of what is on show; what was trained before it is left as it is.

    Returns:
        The first step of what is on show now; None where the experiment could not be taken.
    """
    place = state.stack.index()
    changes = {key: description.value(experiment, key) for key in description.fields(experiment)}
    if experiment != state.experiment and not state.edit(changes):
        return None
    building.begin_anew(since if since is not None and state.is_done(since) else None, place)
    if experiment.sampling.follows == "learned":
        training.start()
    return since if since is not None and state.is_done(since) else state.step_at(place)
