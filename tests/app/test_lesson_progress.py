"""Progress in lessons in the file that all windows share."""

from pathlib import Path

from playground.app.model.lesson_progress import Answer, LessonProgress
from playground.lab.lessons import Lesson, load_all
from tests.app.conftest import wait


def progress(path: Path) -> LessonProgress:
    found = LessonProgress()
    found.keep_in(path)
    return found


def answered(lesson: Lesson, step: int, said: str) -> Answer:
    return Answer(lesson.name, step, "why?", (1.0,), said)


def test_two_windows_keep_the_answers_of_both(qtbot, tmp_path) -> None:
    path, (first, second, *_) = tmp_path / "lessons.json", load_all().values()
    before = progress(path)
    before.take(answered(first, 1, "before"))
    before.finish(first, 1)
    assert before.shutdown(10)
    one, other = progress(path), progress(path)
    one.take(answered(first, 2, "one"))
    one.finish(first, 2)
    assert one.shutdown(10)
    other.take(answered(second, 1, "other"))
    other.forget(first, 1)
    assert other.shutdown(10)
    wait(milliseconds=10)
    after = progress(path)
    assert [(answer.lesson, answer.said) for answer in after.answers()] == [(first.name, "one"), (second.name, "other")]
    assert after._done == {first.name: {2}}


def test_a_lesson_that_is_started_again_loses_its_answers_of_all_windows(qtbot, tmp_path) -> None:
    path, lesson = tmp_path / "lessons.json", next(iter(load_all().values()))
    one, other = progress(path), progress(path)
    one.take(answered(lesson, 1, "one"))
    assert one.shutdown(10)
    other.start_again(lesson)
    assert other.shutdown(10)
    assert not progress(path).has_answers
