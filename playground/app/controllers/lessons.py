"""The lesson or scene in view: its step, the prediction, and what is measured for it."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from PySide6.QtCore import Signal, Slot

from playground.app.controllers.controller import Controller
from playground.app.controllers.notification import notify
from playground.app.controllers.training import Training
from playground.app.model.columns import columns_of
from playground.app.model.lesson_progress import Answer, LessonProgress
from playground.app.model.state import State
from playground.lab.document import LessonPlace
from playground.lab.experiment import Experiment
from playground.lab.lessons import SCENES, Lesson, MeasuredStep, Step, bundled_weights, load_all

JOB = "lesson"
Place = tuple[float, float]


class Lessons(Controller):
    """Goes through one lesson at a time on a copy of the work. Each step is a step of the history, so that undo restores the work.

    Once an answer is measured, the window shows the settings with which it was, unless they need another training.

    Attributes:
        progress: what was done in lessons, in this run of the program and before.
        mark: the clicked place on the canvas, before it becomes the prediction.
        figures: what is measured so far for a step without a question; answers keep what is measured for the others.

    Signals:
        beginning(): a lesson or a scene comes into view.
        changed(): the lesson, its step, or what is measured for it changed.
    """

    beginning = Signal()
    changed = Signal()

    def __init__(self, state: State, training: Training) -> None:
        super().__init__(state)
        self._training = training
        self.lesson: Lesson | None = None
        self._known: dict[str, Lesson] = {}  # those that were begun, by name
        self.place = 0
        self.figures: MeasuredStep | None = None
        self.mark: Place | None = None
        self._waiting: list[Callable[[], None]] = []  # called once the answer that is being measured has its value
        self.progress = LessonProgress(lambda sentence: notify(state, "warning", sentence), self)
        state.document_changed.connect(self._follow)

    @property
    def step(self) -> Step | None:
        return None if self.lesson is None else self.lesson.steps[self.place]

    @property
    def answer(self) -> Answer | None:
        """The answer of the current step; None if there is none."""
        return None if self.lesson is None else self.progress.answer(self.lesson, self.place + 1)

    @property
    def has_answers(self) -> bool:
        """Whether there are answers, in this run of the program or before."""
        return self.progress.has_answers

    @property
    def scene(self) -> Lesson | None:
        """The scene in view; None if there is none, or a lesson."""
        return self.lesson if self.lesson is not None and self.lesson.is_scene else None

    @property
    def measured(self) -> MeasuredStep | None:
        """The figures of the current step as far as they are measured; None before."""
        lesson, step = self.lesson, self.step
        return (
            self.figures if lesson is None or step is None or not step.question else self._measured(lesson, self.place)
        )

    def _measured(self, lesson: Lesson, place: int) -> MeasuredStep | None:
        step, answer = lesson.steps[place], self.progress.answer(lesson, place + 1)
        if answer is None or answer.values is None:
            return None
        return MeasuredStep(step, answer.values, prediction=answer.prediction)

    @property
    def is_at_end(self) -> bool:
        """Whether the last step of a lesson is done."""
        lesson = self.lesson
        return lesson is not None and not lesson.is_scene and self.place + 1 == len(lesson.steps) and self.may_go_on

    @property
    def summary(self) -> dict[int, MeasuredStep]:
        """At the end of a lesson its measured answers, by the number of their step; nothing before."""
        lesson = self.lesson
        if lesson is None or not self.is_at_end:
            return {}
        found = {place + 1: self._measured(lesson, place) for place in range(len(lesson.steps))}
        return {number: one for number, one in found.items() if one is not None}

    @property
    def asks_mark(self) -> bool:
        """Whether a click on the canvas now sets the mark."""
        return self.step is not None and self.step.mark is not None and self.answer is None

    @property
    def marks(self) -> tuple[Place | None, Place | None, Place | None] | None:
        """The point that a step is about, the marked place and the measured one; None if it is about no point."""
        step, answer = self.step, self.answer
        if step is None or step.check is None or step.check.point is None:
            return None
        if step.mark is None:
            return step.check.point, None, None
        you = self.mark if answer is None else (answer.prediction[0], answer.prediction[-1])
        return step.check.point, you, None if self.measured is None else self.measured.place

    @property
    def names_modes(self) -> bool:
        """Whether the step asks for the weights of modes."""
        check = None if self.step is None else self.step.check
        return check is not None and check.key.startswith("mode_weights")

    def set_mark(self, x: float, y: float) -> None:
        """Mark a place, in the user's units. It can be marked again until it becomes the prediction."""
        if self.asks_mark:
            self.mark = x, y
            self.changed.emit()

    @property
    def measuring(self) -> bool:
        return self._jobs.running(JOB)

    @property
    def may_go_on(self) -> bool:
        """Whether the step's question, if any, has been predicted and measured."""
        return self.step is not None and (not self.step.question or self.measured is not None)

    @property
    def hides_values(self) -> bool:
        """Whether the values of points are hidden, because a question that they may answer is open."""
        return self.step is not None and not self.may_go_on

    def keep_progress_in(self, folder: Path) -> None:
        """Read the progress in lessons from a folder, and write every change to it from now on."""
        self.progress.keep_in(folder)

    @Slot()
    def look(self) -> None:
        """Show what other windows have done in lessons."""
        before = self.answer
        self.progress.look()
        if self.answer != before:
            self._answer_changed()
        if self.lesson is not None:
            self.changed.emit()

    def begin(self, lesson: Lesson) -> None:
        """Begin a lesson at the first step that was not done, or show a scene. :meth:`leave` restores the work.

        A scene follows what is in view, so that undo leads back to it.
        """
        if not lesson.is_scene:
            self._state.leave_lesson()
        self._known[lesson.name] = lesson
        done = self.progress.done(lesson)
        self._put(lesson, next((place for place in range(len(lesson.steps)) if place + 1 not in done), 0))

    def start_again(self) -> None:
        """Forget everything done in this lesson, and go to its first step."""
        if self.lesson is not None:
            self._stop()
            self.progress.start_again(self.lesson)
            self.go(0)

    def next(self) -> None:
        """Go to the next step once this one is done; after the last one leave the lesson."""
        lesson = self.lesson
        if lesson is None or not self.may_go_on:
            return
        self.progress.finish(lesson, self.place + 1)
        if self.place + 1 < len(lesson.steps):
            self.go(self.place + 1)
        else:
            self.leave()

    @property
    def following(self) -> Lesson | None:
        """The bundled lesson after this one, once its last step is done; None otherwise."""
        known, lesson = [*load_all().values()], self.lesson
        if lesson is None or lesson not in known[:-1] or not self.is_at_end:
            return None
        return known[known.index(lesson) + 1]

    def go_to_following(self) -> None:
        """End this lesson and begin the one after it."""
        lesson, following = self.lesson, self.following
        if lesson is not None and following is not None:
            self.progress.finish(lesson, self.place + 1)
            self.begin(following)

    def back(self) -> None:
        """Go to the previous step."""
        self.go(self.place - 1)

    def go(self, place: int) -> None:
        """Go to a step and show its settings."""
        if self.lesson is not None and 0 <= place < len(self.lesson.steps):
            self._put(self.lesson, place)

    @Slot()
    def leave(self) -> None:
        """End the lesson and restore the work."""
        if self.lesson is not None:
            self._state.leave_lesson()

    @Slot()
    def _follow(self) -> None:
        """Show the step of the document, as after undo or redo."""
        wanted, lesson, step = self._state.document.lesson, None, 0
        if wanted is not None:  # perhaps of an earlier run of the program
            known = (*self._known.values(), *load_all().values(), *load_all(SCENES).values())
            lesson = next((one for one in known if wanted.name == one.name), None)
            step = wanted.step or 0
        if lesson is None or step >= len(lesson.steps):
            lesson, step = None, 0
        if lesson is self.lesson and step == self.place:
            return
        self._stop()
        before, self.lesson, self.place = self.lesson, lesson, step
        if lesson is not None and lesson is not before:
            self.beginning.emit()
        self.changed.emit()

    def _stop(self) -> None:
        """Stop measuring, and forget the mark and the figures of the step."""
        self._jobs.cancel(JOB)
        self.mark = self.figures = None

    def predict(self, *prediction: float) -> None:
        """Record the prediction, and only then measure.

        Args:
            prediction: the index of a choice, a number on the scale, or the coordinates of a mark.
        """
        lesson, step = self.lesson, self.step
        if lesson is None or step is None or not step.question or self.answer is not None:
            return
        said = step.say(prediction)
        self.progress.take(Answer(lesson.name, self.place + 1, step.question, prediction, said))
        self.measure()

    def measure(self) -> None:
        """Measure the figures of the current step with its own settings, whatever has been changed since."""
        lesson, step, answer = self.lesson, self.step, self.answer
        if lesson is None or step is None or (step.question and answer is None):
            return

        def work() -> Iterator[tuple[float, MeasuredStep]]:
            from playground.lab.step_measuring import measure  # which loads torch

            return measure(step)

        def take(found: MeasuredStep) -> None:
            if found == self.figures or (step.question and not found.complete):
                return
            if answer is None:
                self.figures = found
            else:
                right = dataclasses.replace(found, prediction=answer.prediction).right
                self.progress.take(msgspec.structs.replace(answer, values=dict(found.values), right=right))
                self.progress.finish(lesson, answer.step)
                self._answer_changed()
            self.changed.emit()
            for call in waiting if found.complete else ():
                call()

        waiting = self._waiting = list[Callable[[], None]]()
        self._jobs.start(JOB, work, take)
        self.changed.emit()

    @property
    def given(self) -> Experiment | None:
        """The settings with which the step in view begins, or its measured answer; None outside lessons and scenes."""
        return None if self.lesson is None else self._given(self.lesson, self.place)

    def _given(self, lesson: Lesson, place: int) -> Experiment | None:
        step, answer = lesson.steps[place], self.progress.answer(lesson, place + 1)
        return step.settings if answer is None or answer.values is None else step.answer_settings

    def _put(self, lesson: Lesson, place: int) -> None:
        """Make a step the next one of the history, with the settings of its question or of its measured answer."""
        step, settings = lesson.steps[place], self._given(lesson, place)
        where = LessonPlace(lesson.name, lesson.title, None if lesson.is_scene else place)
        if settings is not None:
            weights = bundled_weights()[step.weights] if step.weights else None
            self._training.teach(settings, where, weights, columns_of(step))
        else:
            self._state.put(lesson=where, columns=())
        self._follow()  # the document stays the same if only the texts or figures of a file were changed
        self.changed.emit()

    def _answer_changed(self) -> None:
        """Put the settings of the current step anew, if those of its question and of its answer differ."""
        if self.lesson is not None and self.step is not None and self.step.settings != self.step.answer_settings:
            self._put(self.lesson, self.place)

    def when_measured(self, call: Callable[[], None]) -> None:
        """Call something once the answer that is being measured has its value; never if none is, or if it gets none."""
        if self.measuring:
            self._waiting.append(call)

    def forget_answer(self) -> None:
        """Forget the answer of the current step, so that it can be answered again."""
        if self.lesson is not None:
            self._stop()
            self.progress.forget(self.lesson, self.place + 1)
            self._answer_changed()
            self.changed.emit()
