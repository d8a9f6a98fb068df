"""The progress in lessons: finished steps and answers, kept between runs of the program in one file a step."""

import contextlib
import hashlib
import math
import os
import re
from collections.abc import Callable, Collection
from operator import attrgetter
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta
from PySide6.QtCore import QObject

from playground.app.workers.jobs import Jobs
from playground.lab.atomic import write_whole
from playground.lab.lessons import Lesson, measured_cell
from playground.user_errors import cannot_write

LARGEST = 4_000_000
"""Largest size of a file in bytes; in earlier versions one file held about 10,000 answers."""
UNREADABLE = "Your progress in {} could not be read, and starts again. The old file is kept as {}."
NAME = re.compile(r".*-[0-9a-f]{16}-\d+\.json")  # of a step's file; temporary and unreadable files have other names

Content = TypeVar("Content")


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


class Kept(msgspec.Struct, frozen=True):
    """What the file of a step holds; a step without an answer that is not done has no file."""

    answer: Answer | None = None
    done: bool = False


class Before(msgspec.Struct):
    """What the one file of earlier versions holds.

    Attributes:
        done: the finished steps, counted from 1, by the lesson's name.
    """

    answers: list[Answer] = []
    done: dict[str, list[int]] = {}


class LessonProgress(QObject):
    """Remembers answers and finished steps, and writes each change to the file of its step, in a thread.

    Windows that are open at once write different files, unless they answer the same step: then the later answer stays.

    Args:
        fail: takes the sentence that a file cannot be read or written; no sentence comes twice.
    """

    def __init__(self, fail: Callable[[str], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._fail = fail
        self._folder: Path | None = None
        self._kept = dict[str, Kept]()  # by the name of the file
        self._unwritten = dict[str, Kept]()  # in the order in which they are written
        self._job = Jobs(self)
        self._said = set[str]()

    def keep_in(self, folder: Path) -> None:
        """Read a folder, and write every change to it from now on.

        What an earlier version left beside it, in a file of the same name with .json, moves into the folder.
        """
        self._folder = folder
        self.look()
        path = folder.with_suffix(".json").absolute()
        before = self._read(path, Before)
        if before is not None:
            answers = {_file_name(one.lesson, one.step): one for one in before.answers}
            done = {_file_name(lesson, step) for lesson, steps in before.done.items() for step in steps}
            for name in (answers.keys() | done) - self._kept.keys():
                self._keep(name, Kept(answers.get(name), name in done))
            self._keep(str(path), Kept())  # removes it, once all of it is written

    def look(self) -> None:
        """Read what all windows have written."""
        if self._folder is not None:
            with contextlib.suppress(OSError):  # there is none yet, or it cannot be written either, which is then said
                names = filter(NAME.fullmatch, os.listdir(self._folder))
                found = {name: self._read(self._folder / name, Kept) for name in names}
                self._kept = {name: kept for name, kept in found.items() if kept is not None} | self._unwritten

    # --- answers

    def answer(self, lesson: Lesson, step: int) -> Answer | None:
        """The answer of a step. Answers of another lesson with the same name, or of a changed question, do not count."""
        found, asked = self._step(lesson.name, step).answer, lesson.steps[step - 1]
        if (
            found is None
            or found.question != asked.question
            or len(found.prediction) != (1 if asked.mark is None else 2)
        ):
            return None
        if found.values is not None and not asked.asked.keys() <= found.values.keys():
            return msgspec.structs.replace(found, values=None)  # the step has other figures than when it was answered
        return found

    def rows(self, student: str, lessons: Collection[str]) -> list[tuple[object, ...]]:
        """The student's answers to some lessons as a table with :data:`playground.lab.lessons.COLUMNS`."""
        return [
            (student, one.lesson, one.step, one.question, one.said, one.measured, one.right)
            for one in self.answers()
            if one.lesson in lessons
        ]

    def answers(self) -> list[Answer]:
        """All answers, by lesson and step."""
        return sorted(filter(None, (kept.answer for kept in self._kept.values())), key=attrgetter("lesson", "step"))

    @property
    def has_answers(self) -> bool:
        return bool(self.answers())

    def take(self, answer: Answer) -> None:
        """Remember an answer and replace an earlier one. Figures that are not finite are dropped."""
        if not all(map(math.isfinite, (answer.values or {}).values())):
            answer = msgspec.structs.replace(answer, values=None)
        self._keep(_file_name(answer.lesson, answer.step), Kept(answer, self._step(answer.lesson, answer.step).done))

    def forget(self, lesson: Lesson, step: int) -> None:
        """Forget the answer to a step."""
        if self._step(lesson.name, step).answer is not None:
            self._keep(_file_name(lesson.name, step), Kept())

    # --- steps

    def finish(self, lesson: Lesson, step: int) -> None:
        """Remember that a step is finished."""
        kept = self._step(lesson.name, step)
        if not kept.done:
            self._keep(_file_name(lesson.name, step), Kept(kept.answer, True))

    def done(self, lesson: Lesson) -> frozenset[int]:
        """The finished steps; a step with a question counts only while it has an answer."""
        return frozenset(
            number
            for number, step in enumerate(lesson.steps, start=1)
            if self._step(lesson.name, number).done and (not step.question or self.answer(lesson, number) is not None)
        )

    def start_again(self, lesson: Lesson) -> None:
        """Forget everything about one lesson, of all windows."""
        for step in range(1, len(lesson.steps) + 1):
            self._keep(_file_name(lesson.name, step), Kept())

    # --- the files

    def shutdown(self, seconds: float) -> bool:
        """Wait for a write in progress, when quitting.

        Returns:
            Whether it ended in time.
        """
        return self._job.wait(seconds)

    def _step(self, lesson: str, step: int) -> Kept:
        return self._kept.get(_file_name(lesson, step), Kept())

    def _keep(self, name: str, kept: Kept) -> None:
        self._kept[name] = self._unwritten[name] = kept
        self._write()

    def _write(self) -> None:
        if self._folder is None or self._job.busy or not self._unwritten:
            return
        name, kept = next(iter(self._unwritten.items()))
        path = self._folder / name

        def write() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            if kept == Kept():
                path.unlink(missing_ok=True)
                return
            write_whole(path, msgspec.json.encode(kept))

        def written(_: object) -> None:
            if self._unwritten[name] is kept:
                del self._unwritten[name]
            self._write()

        self._job.call("lesson progress", write, written, self._not_written)

    def _not_written(self, error: BaseException) -> None:
        if not isinstance(error, OSError):
            raise error
        self._say(cannot_write(self._folder, error))

    def _read(self, path: Path, kind: type[Content]) -> Content | None:
        """Read a file; None if there is none. A damaged one is renamed."""
        try:
            with path.open("rb") as file:
                return msgspec.json.decode(file.read(LARGEST + 1), type=kind)
        except FileNotFoundError:
            pass
        except OSError as error:  # on Windows perhaps only while another window writes it
            self._say(f"{path} cannot be read: {error.strerror}.")
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            aside = path.with_name(f"{path.stem}-unreadable{path.suffix}")
            with contextlib.suppress(OSError):
                os.replace(path, aside)
            self._say(UNREADABLE.format(path.stem, aside.name))
        return None

    def _say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._fail(sentence)


def _file_name(lesson: str, step: int) -> str:
    """The name of the file of a step. The digest tells "A" from "a" where the system does not.

    >>> _file_name("01-score", 2)
    '01-score-7cd7e0d6a22e748c-2.json'
    """
    digest = hashlib.sha256(lesson.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{re.sub('[^A-Za-z0-9]+', '-', lesson)[:40]}-{digest}-{step}.json"
