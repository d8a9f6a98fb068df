"""The progress in lessons: finished steps and answers, kept between runs of the program."""

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta
from PySide6.QtCore import QObject, Signal

from playground.app.workers.background_task import BackgroundTask
from playground.lab.atomic import atomic_write
from playground.lab.lessons import Lesson, measured_cell
from playground.user_errors import cannot_write

LARGEST = 4_000_000
"""Largest size of the file in bytes, enough for about 10,000 answers."""
UNREADABLE = "Your progress in lessons could not be read, and starts again. The old file is kept as {}."


class Answer(msgspec.Struct, frozen=True):
    """The prediction in a step, and what was measured for it.

    Attributes:
        step: counted from 1.
        prediction: the index of a choice, a number on a scale, or the two coordinates of a mark.
        said: the prediction in words.
        values: the figures by name; None until they are measured.
        right: whether the choice was right, or the mark near enough; None on a scale.
    """

    lesson: str
    step: int
    question: str
    prediction: Annotated[tuple[float, ...], Meta(min_length=1, max_length=2)]
    said: str
    values: dict[str, float] | None = None
    right: bool | None = None

    @property
    def measured(self) -> float | str | None:
        """The measured values as text, for one cell of a table."""
        return None if self.values is None else measured_cell(self.values)


class Kept(msgspec.Struct):
    """The content of the file.

    Attributes:
        done: the finished steps, counted from 1, by the lesson's name.
    """

    answers: list[Answer] = []
    done: dict[str, list[int]] = {}


NOT_READ = OSError, msgspec.DecodeError, UnicodeError, RecursionError


class LessonProgress(QObject):
    """Remembers answers and finished steps, and writes each change to a file in a thread.

    What another window has written there meanwhile stays, except for steps that were changed here.

    Signals:
        failed(str): the file cannot be read or written; emitted once.
    """

    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path: Path | None = None
        self._answers: dict[tuple[str, int], Answer] = {}
        self._done: dict[str, set[int]] = {}
        self._changed: set[tuple[str, int]] = set()  # lessons and steps, since the file was read
        self._task = BackgroundTask(self)
        self._stale = self._said = False

    def keep_in(self, path: Path) -> None:
        """Read a file, and write every change to it from now on. A file that cannot be read is renamed."""
        self._path = path
        try:
            kept = _read(path)
        except FileNotFoundError:
            return
        except NOT_READ:
            aside = path.with_name(f"{path.stem}-unreadable{path.suffix}")
            with contextlib.suppress(OSError):
                os.replace(path, aside)
            self.failed.emit(UNREADABLE.format(aside.name))
            return
        self._answers = {(one.lesson, one.step): one for one in kept.answers}
        self._done = {name: set(steps) for name, steps in kept.done.items()}

    # --- answers

    def answer(self, lesson: Lesson, step: int) -> Answer | None:
        """The answer of a step. Answers of another lesson with the same name, or of a changed question, do not count."""
        found, head = self._answers.get((lesson.name, step)), lesson.steps[step - 1].head
        numbers = 1 if head.mark is None else 2
        fits = found is not None and found.question == head.question and len(found.prediction) == numbers
        return found if fits else None

    def answers(self) -> Iterator[Answer]:
        """All answers, by lesson and step."""
        for key in sorted(self._answers):
            yield self._answers[key]

    @property
    def has_answers(self) -> bool:
        return bool(self._answers)

    def take(self, answer: Answer) -> None:
        """Remember an answer and replace an earlier one. Figures that are not finite are dropped."""
        values = answer.values
        if values is not None and not all(map(math.isfinite, values.values())):
            values = None
        self._changed.add((answer.lesson, answer.step))
        self._answers[answer.lesson, answer.step] = msgspec.structs.replace(answer, values=values)
        self._write()

    def forget(self, lesson: Lesson, step: int) -> None:
        """Forget the answer to a step."""
        if self._answers.pop((lesson.name, step), None) is not None:
            self._done.get(lesson.name, set()).discard(step)
            self._changed.add((lesson.name, step))
            self._write()

    # --- steps

    def finish(self, lesson: Lesson, step: int) -> None:
        """Remember that a step is finished."""
        done = self._done.setdefault(lesson.name, set())
        if step not in done:
            done.add(step)
            self._changed.add((lesson.name, step))
            self._write()

    def done(self, lesson: Lesson) -> frozenset[int]:
        """The finished steps; a step with a question counts only while it has an answer."""
        steps = self._done.get(lesson.name, set())
        return frozenset(
            number
            for number, step in enumerate(lesson.steps, start=1)
            if number in steps and (not step.head.question or self.answer(lesson, number) is not None)
        )

    def start_again(self, lesson: Lesson) -> None:
        """Forget everything about one lesson."""
        self._answers = {key: one for key, one in self._answers.items() if key[0] != lesson.name}
        self._done.pop(lesson.name, None)
        self._changed |= {(lesson.name, step) for step in range(1, len(lesson.steps) + 1)}
        self._write()

    # --- the file

    def shutdown(self, seconds: float) -> bool:
        """Wait for a write in progress, when quitting.

        Returns:
            Whether it ended in time.
        """
        while self._task.busy:
            if not self._task.wait(seconds):
                return False
        return True

    def _write(self) -> None:
        path = self._path
        if path is None:
            return
        if self._task.busy:
            self._stale = True
            return
        self._stale = False
        done = {name: sorted(steps) for name, steps in self._done.items() if steps}
        own, changed = Kept(list(self.answers()), done), frozenset(self._changed)

        def write() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                kept = _merged(own, _read(path), changed)
            except NOT_READ:
                kept = own
            with atomic_write(path) as temporary:
                temporary.write_bytes(msgspec.json.encode(kept))

        self._task.run("lesson progress", write, self._written, self._not_written)

    def _written(self, _: object) -> None:
        if self._stale:
            self._write()

    def _not_written(self, error: BaseException) -> None:
        if not isinstance(error, OSError) or self._path is None:
            raise error
        if not self._said:
            self._said = True
            self.failed.emit(cannot_write(self._path, error))


def _read(path: Path) -> Kept:
    """Read a file; raises one of :data:`NOT_READ`."""
    with path.open("rb") as file:
        return msgspec.json.decode(file.read(LARGEST + 1), type=Kept)


def _merged(own: Kept, theirs: Kept, changed: frozenset[tuple[str, int]]) -> Kept:
    """What is in the file, with the own state of the changed steps."""
    answers = {(one.lesson, one.step): one for one in theirs.answers if (one.lesson, one.step) not in changed}
    answers |= {(one.lesson, one.step): one for one in own.answers if (one.lesson, one.step) in changed}
    steps = {(name, step) for name, done in theirs.done.items() for step in done} - changed
    steps |= {(name, step) for name, done in own.done.items() for step in done} & changed
    done: dict[str, list[int]] = {}
    for name, step in sorted(steps):
        done.setdefault(name, []).append(step)
    return Kept([answers[key] for key in sorted(answers)], done)
