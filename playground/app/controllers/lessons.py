"""The lesson that is taught: its step, what was predicted, and what is measured of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal, Slot

from playground.app.controllers.building import Building
from playground.app.controllers.workcopy import WorkCopy
from playground.app.model.state import State
from playground.app.workers.tasks import Tasks
from playground.lab.lessons import ANSWER, Lesson, Step
from playground.lab.scenes import Measured

TASK = "lesson"


@dataclass(frozen=True)
class Answer:
    """What was predicted in a step, and what was measured then.

    Attributes:
        prediction: a number on the step's scale, or the place of a choice.
        said: the same in words.
        measured: the figure; None until it is there.
        right: whether the choice was the right one; None on a scale.
    """

    lesson: str
    step: int
    question: str
    prediction: float
    said: str
    measured: float | None = None
    right: bool | None = None


class Lessons(QObject):
    """Teaches one lesson at a time on a copy of the work: each step that sets a scene is a step of the history.

    Signals:
        changed(): the lesson, its step, or what is known of it.
    """

    changed = Signal()

    def __init__(
        self, state: State, building: Building, work_copy: WorkCopy, tasks: Tasks, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._copy, self._tasks = work_copy, tasks
        self.lesson: Lesson | None = None
        self.place = 0
        self._answers: dict[tuple[str, int], Answer] = {}  # of this run of the program
        building.opened.connect(self._end)
        state.history_changed.connect(self._follow_history)

    @property
    def step(self) -> Step | None:
        return None if self.lesson is None else self.lesson.steps[self.place]

    @property
    def answer(self) -> Answer | None:
        """Of the present step; none of another lesson of the same name."""
        step = self.step
        found = None if self.lesson is None else self._answers.get((self.lesson.name, self.place))
        return found if found is not None and step is not None and found.question == step.head.question else None

    @property
    def has_answers(self) -> bool:
        """Whether anything was answered since the program began."""
        return bool(self._answers)

    @property
    def measuring(self) -> bool:
        return self._tasks.running(TASK)

    @property
    def may_go_on(self) -> bool:
        """Whether what was asked has been predicted and measured."""
        step, answer = self.step, self.answer
        if step is None or not step.head.question:
            return step is not None
        return answer is not None and answer.measured is not None

    def begin(self, lesson: Lesson) -> None:
        """Teach a lesson from its first step; the work that is there comes back with :meth:`leave`."""
        if self.lesson is not None:
            self.leave()
        self.lesson = lesson
        self.go(0)

    def go(self, place: int) -> None:
        """Go to a step and set its scene."""
        lesson = self.lesson
        if lesson is None or not 0 <= place < len(lesson.steps):
            return
        self._tasks.cancel(TASK)
        self.place = place
        settings = lesson.steps[place].settings
        if settings is not None:
            self._copy.put(settings)
        self.changed.emit()

    def leave(self) -> None:
        """End the lesson: the own work is as it was before."""
        self._copy.discard()
        self._end()

    @Slot()
    def _end(self) -> None:
        """End the lesson and leave all as it is, as where a file was opened."""
        if self.lesson is not None:
            self.lesson = None
            self._copy.forget()
            self._tasks.cancel(TASK)
            self.changed.emit()

    @Slot()
    def _follow_history(self) -> None:
        """End the lesson once its first step is undone: the own work is there again."""
        if self._copy.is_undone:
            self._end()

    def predict(self, prediction: float) -> None:
        """Commit to an answer, and only then measure."""
        lesson, step = self.lesson, self.step
        if lesson is None or step is None or not step.head.question or self.answer is not None:
            return
        place = self.place
        said = f"{prediction:g}" if step.head.scale else step.head.choices[int(prediction)].text
        self._answers[lesson.name, place] = Answer(lesson.name, place + 1, step.head.question, prediction, said)
        self.measure()

    def measure(self) -> None:
        """Measure what the present step asks for."""
        lesson, step, place = self.lesson, self.step, self.place
        if lesson is None or step is None or self.answer is None:
            return

        def work() -> Iterator[tuple[float, Measured | None]]:
            from playground.lab.scene_figures import measure  # which loads torch

            return measure(step.scene)

        def take(found: Measured) -> None:
            value, answer = found.values[ANSWER], self._answers[lesson.name, place]
            right = None if step.head.scale else step.right(value) == int(answer.prediction)
            self._answers[lesson.name, place] = replace(answer, measured=value, right=right)
            self.changed.emit()

        self._tasks.start(TASK, "what the lesson asks", work, take)
        self.changed.emit()

    def rows(self) -> list[tuple[object, ...]]:
        """The answers as a table with :data:`playground.lab.lessons.COLUMNS`."""
        return [
            (one.lesson, one.step, one.question, one.said, one.measured, one.right)
            for one in sorted(self._answers.values(), key=lambda one: (one.lesson, one.step))
        ]

    def forget_answer(self) -> None:
        """Let the present step be answered again."""
        if self.lesson is not None:
            self._tasks.cancel(TASK)
            self._answers.pop((self.lesson.name, self.place), None)
            self.changed.emit()
