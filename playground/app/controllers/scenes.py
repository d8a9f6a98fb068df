"""The scene in view: its experiment is on the workspace, and its claim can be measured."""

from collections.abc import Iterator

from PySide6.QtCore import QObject, Signal, Slot

from playground.app.controllers.building import Building
from playground.app.controllers.workcopy import WorkCopy
from playground.app.workers.tasks import Tasks
from playground.lab.scenes import Measured, SceneFile, bundled_weights

TASK = "scene"


class Scenes(QObject):
    """Shows one scene at a time, as one step of the history, so that undo restores the work.

    Attributes:
        measured: the figures of the scene in view as far as they are measured; None before.

    Signals:
        showing(): a scene is about to be put on the workspace.
        changed(): the scene or its measured figures changed.
    """

    showing = Signal()
    changed = Signal()

    def __init__(self, building: Building, work_copy: WorkCopy, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.work_copy, self.tasks = work_copy, tasks
        self._scene: SceneFile | None = None
        self.measured: Measured | None = None
        building.points_opening.connect(self.leave)
        work_copy.undone.connect(self._end)

    @property
    def scene(self) -> SceneFile | None:
        """The scene in view; None if there is none."""
        return self._scene

    def show(self, scene: SceneFile) -> None:
        """Show a scene. If its particles follow a learned score, train it, or take the weights that the scene names."""
        self.showing.emit()
        weights = bundled_weights()[scene.weights] if scene.weights else None
        self.work_copy.put(scene.settings, scene.title, weights)
        self.tasks.cancel(TASK)
        self._scene, self.measured = scene, None
        self.changed.emit()

    @Slot()
    def leave(self) -> None:
        """Restore the work from before the scene, or before several scenes in a row."""
        if self._scene is not None:
            self.work_copy.discard()
            self._end()

    def measure(self) -> None:
        """Measure the scene's claim with its own settings, whatever has been changed since."""
        scene = self._scene
        if scene is None:
            return

        def work() -> Iterator[tuple[float, Measured]]:
            from playground.lab.scene_figures import measure  # which loads torch

            return measure(scene)

        self.tasks.start(TASK, "the claim of the scene", work, self._take)

    def _take(self, measured: Measured) -> None:
        if measured != self.measured:
            self.measured = measured
            self.changed.emit()

    @Slot()
    def _end(self) -> None:
        """Forget the scene and leave the workspace as it is: it was undone, or another experiment was opened."""
        if self._scene is not None:
            self.work_copy.forget()
            self.tasks.cancel(TASK)
            self._scene = self.measured = None
            self.changed.emit()
