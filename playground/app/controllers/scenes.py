"""The scene in view: its experiment is on the workspace, and its claim can be measured."""

from collections.abc import Iterator

from PySide6.QtCore import QObject, Signal, Slot

from playground.app.controllers.training import Training
from playground.app.model.state import State
from playground.app.workers.tasks import Tasks
from playground.lab.document import LessonPlace
from playground.lab.scenes import MeasuredScene, SceneFile, bundled_weights, load_bundled

TASK = "scene"


class Scenes(QObject):
    """Shows one scene at a time, as one step of the history, so that undo restores the work.

    Attributes:
        measured: the figures of the scene in view as far as they are measured; None before.

    Signals:
        showing(): a scene comes into view.
        changed(): the scene or its measured figures changed.
    """

    showing = Signal()
    changed = Signal()

    def __init__(self, state: State, training: Training, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._training, self.tasks = state, training, tasks
        self._known: dict[str, SceneFile] = {}  # those that were shown, by title
        self._shown: LessonPlace | None = None
        self.measured: MeasuredScene | None = None
        state.document_changed.connect(self._follow)

    @property
    def scene(self) -> SceneFile | None:
        """The scene in view; None if there is none."""
        return None if self._shown is None else self._known.get(self._shown.name)

    def show(self, scene: SceneFile) -> None:
        """Show a scene. If its particles follow a learned score, train it, or take the weights that the scene names."""
        if self.scene is None:
            self._state.leave_lesson()
        weights = bundled_weights()[scene.weights] if scene.weights else None
        self._known[scene.title] = scene
        place = LessonPlace(scene.title, scene.title)
        self._become(place)
        self._training.teach(scene.settings, place, weights)
        self.changed.emit()

    @Slot()
    def leave(self) -> None:
        """Restore the work from before the scene, or before several scenes in a row."""
        if self.scene is not None:
            self._state.leave_lesson()

    def measure(self) -> None:
        """Measure the scene's claim with its own settings, whatever has been changed since."""
        scene = self.scene
        if scene is None:
            return

        def work() -> Iterator[tuple[float, MeasuredScene]]:
            from playground.lab.scene_figures import measure  # which loads torch

            return measure(scene)

        self.tasks.start(TASK, "the claim of the scene", work, self._take)

    def _take(self, measured: MeasuredScene) -> None:
        if measured != self.measured:
            self.measured = measured
            self.changed.emit()

    @Slot()
    def _follow(self) -> None:
        """Show the scene of the document, as after undo or redo."""
        lesson = self._state.document.lesson
        wanted = lesson if lesson is not None and lesson.step is None else None
        if wanted != self._shown:
            self._become(wanted)
            self.changed.emit()

    def _become(self, shown: LessonPlace | None) -> None:
        self.tasks.cancel(TASK)
        self._shown, self.measured = shown, None
        if shown is not None and shown.name not in self._known:  # of an earlier run of the program
            self._known = {scene.title: scene for scene in load_bundled().values()} | self._known
        if shown is not None:
            self.showing.emit()
