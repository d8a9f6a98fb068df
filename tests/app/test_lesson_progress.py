"""Progress in lessons in the folder that all windows share."""

import errno
import shutil
from pathlib import Path

import msgspec
import pytest
from own_process import at_work

from playground.app.model import lesson_progress
from playground.app.model.lesson_progress import Answer, LessonProgress
from playground.lab.atomic import write_whole
from playground.lab.lessons import Lesson, load_all
from tests.app.conftest import wait

BEFORE = Path(__file__).parents[1] / "golden" / "sessions" / "lessons.json"
"""Written when all answers were in one file: three answers to a lesson of four steps, which are done."""
KILLED = """
import sys, time
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from playground.app.model.lesson_progress import Answer, LessonProgress
from playground.lab import atomic
application = QCoreApplication([])

def stand(source, target):
    print("half", flush=True)
    time.sleep(600)

atomic.replace = stand
progress = LessonProgress(print)
progress.keep_in(Path(sys.argv[1]))
progress.take(Answer("01-score", 1, "why?", (1.0,), "half"))
progress.shutdown(10)
"""
"""A process that stands when all of an answer is in the temporary file, before that gets its name."""


def progress(folder: Path, said: list[str] | None = None) -> LessonProgress:
    found = LessonProgress([].append if said is None else said.append)
    found.keep_in(folder)
    return found


def answered(lesson: Lesson, step: int, said: str) -> Answer:
    return Answer(lesson.name, step, "why?", (1.0,), said)


def said_in(folder: Path) -> list[tuple[str, int, str]]:
    found = progress(folder)
    assert found.shutdown(10)  # it may move the file of an earlier version
    return [(answer.lesson, answer.step, answer.said) for answer in found.answers()]


def keep_two_answers(folder: Path, lesson: Lesson) -> None:
    """As a window does that was open before."""
    before = progress(folder)
    before.take(answered(lesson, 1, "before"))
    before.take(answered(lesson, 2, "before"))
    assert before.shutdown(10)


def test_two_windows_keep_the_answers_of_both(qtbot, tmp_path) -> None:
    folder, (first, second, *_) = tmp_path / "lessons", load_all().values()
    before = progress(folder)
    before.take(answered(first, 1, "before"))
    before.finish(first, 1)
    assert before.shutdown(10)
    one, other = progress(folder), progress(folder)
    one.take(answered(first, 2, "one"))
    one.finish(first, 2)
    assert one.shutdown(10)
    other.take(answered(second, 1, "other"))
    other.forget(first, 1)
    assert other.shutdown(10)
    wait(milliseconds=10)
    after = progress(folder)
    assert [(answer.lesson, answer.said) for answer in after.answers()] == [(first.name, "one"), (second.name, "other")]
    assert [after._step(first.name, step).done for step in (1, 2)] == [False, True]


def test_two_windows_that_answer_at_once_write_different_files_and_see_each_other_at_the_next_look(
    qtbot, tmp_path
) -> None:
    folder, lesson = tmp_path / "lessons", next(iter(load_all().values()))
    one, other = progress(folder), progress(folder)
    one.take(answered(lesson, 1, "one"))
    other.take(answered(lesson, 2, "other"))
    one.take(answered(lesson, 3, "one"))
    assert [answer.step for answer in other.answers()] == [2]
    other.look()  # its own answer may not be written yet
    assert 2 in [answer.step for answer in other.answers()]
    assert one.shutdown(10)
    assert other.shutdown(10)
    written = {path: path.stat().st_ino for path in folder.iterdir()}
    assert len(written) == 3
    other.take(answered(lesson, 2, "again"))
    assert other.shutdown(10)
    assert [path.name[-7:] for path, node in written.items() if path.stat().st_ino != node] == ["-2.json"]
    for window in (one, other):
        window.look()
        assert [answer.said for answer in window.answers()] == ["one", "again", "one"]


def test_a_lesson_that_is_started_again_loses_its_answers_of_all_windows(qtbot, tmp_path) -> None:
    folder, lesson = tmp_path / "lessons", next(iter(load_all().values()))
    one, other = progress(folder), progress(folder)
    one.take(answered(lesson, 1, "one"))
    assert one.shutdown(10)
    other.start_again(lesson)
    assert other.shutdown(10)
    assert not progress(folder).has_answers
    one.look()
    assert not one.has_answers


@pytest.mark.claims  # kills a process
def test_a_window_killed_while_it_writes_loses_no_answer_that_was_written(qtbot, tmp_path) -> None:
    folder, lesson, said = tmp_path / "lessons", load_all()["01-score"], list[str]()
    keep_two_answers(folder, lesson)
    with at_work(KILLED, folder):
        pass
    (left,) = (path for path in folder.iterdir() if path.name.startswith("."))
    assert b"half" in left.read_bytes()
    after = progress(folder, said)
    assert [answer.said for answer in after.answers()] == ["before", "before"]
    after.take(answered(lesson, 1, "after"))
    assert after.shutdown(10)
    assert [answer.said for answer in progress(folder, said).answers()] == ["after", "before"]
    assert not left.exists()
    assert not said


def test_the_one_file_of_earlier_versions_moves_into_the_folder(qtbot, tmp_path) -> None:
    folder, lesson, kept = tmp_path / "lessons", load_all()["01-score"], msgspec.json.decode(BEFORE.read_bytes())
    shutil.copy(BEFORE, tmp_path)
    first = progress(folder)
    found = [(lesson.name, answer["step"], answer["said"]) for answer in kept["answers"]]
    assert len(found) == 3
    assert [(answer.lesson, answer.step, answer.said) for answer in first.answers()] == found
    assert first.shutdown(10)
    assert not (tmp_path / "lessons.json").exists()
    assert len(list(folder.iterdir())) == 4  # one of them only done
    assert said_in(folder) == found
    assert progress(folder)._step(lesson.name, 1).done
    assert progress(folder).done(lesson) == first.done(lesson)
    first.forget(lesson, 2)
    assert first.shutdown(10)
    assert said_in(folder) == found[1:]


def test_the_file_of_earlier_versions_stays_until_all_of_it_is_written(qtbot, tmp_path, monkeypatch) -> None:
    folder, lesson, said, written = tmp_path / "lessons", load_all()["01-score"], list[str](), list[Path]()
    shutil.copy(BEFORE, tmp_path)

    def full(path: Path, contents: bytes) -> None:
        written.append(path)
        if len(written) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        write_whole(path, contents)

    with monkeypatch.context() as patch:
        patch.setattr(lesson_progress, "write_whole", full)
        first = progress(folder, said)
        assert first.shutdown(10)
    assert said == [f"{folder} cannot be written (no space left on device): free some space or choose another folder."]
    assert (tmp_path / "lessons.json").exists()
    first.look()
    assert len(list(first.answers())) == 3  # what could not be written is not forgotten
    assert len(list(folder.iterdir())) == 2
    first.take(answered(lesson, 3, "newer"))  # which tries again
    assert first.shutdown(10)
    assert not (tmp_path / "lessons.json").exists()
    shutil.copy(BEFORE, tmp_path)  # as if it could not be removed
    assert [step for _, step, text in said_in(folder) if text == "newer"] == [3]
    assert len(said_in(folder)) == 3


@pytest.mark.parametrize("text", ["{", "[]", '{"done": 3}', '{"answer": {"lesson": 1}}', "[" * 100_000, "\x00\xff"])
def test_a_damaged_file_costs_one_answer_and_is_told(qtbot, tmp_path, text: str) -> None:
    folder, lesson, said = tmp_path / "lessons", load_all()["01-score"], list[str]()
    before = progress(folder)
    for step in (1, 2, 3):
        before.take(answered(lesson, step, "before"))
    assert before.shutdown(10)
    (damaged,) = folder.glob("*-2.json")
    damaged.write_text(text, encoding="latin-1")
    after = progress(folder, said)
    assert [answer.step for answer in after.answers()] == [1, 3]
    aside = damaged.with_name(f"{damaged.stem}-unreadable.json")
    assert said == [
        f"Your progress in {damaged.stem} could not be read, and starts again. The old file is kept as {aside.name}."
    ]
    assert aside.read_text(encoding="latin-1") == text
    after.look()
    assert len(said) == 1
    after.take(answered(lesson, 2, "after"))
    assert after.shutdown(10)
    assert [text for *_, text in said_in(folder)] == ["before", "after", "before"]


def test_a_file_that_cannot_be_opened_is_told_once_and_stays(qtbot, tmp_path) -> None:
    folder, lesson, said = tmp_path / "lessons", load_all()["01-score"], list[str]()
    keep_two_answers(folder, lesson)
    (path,) = folder.glob("*-2.json")
    path.unlink()
    path.mkdir()
    after = progress(folder, said)
    after.look()
    assert [answer.step for answer in after.answers()] == [1]
    (sentence,) = said
    assert sentence.startswith(f"{path} cannot be read: ")
    assert path.is_dir()


def test_every_lesson_has_its_own_files_whatever_its_name(qtbot, tmp_path) -> None:
    folder, names = tmp_path / "lessons", ["a", "A", "../a", "a/b", "a b", ".a", "", "ä", "x" * 240, "con"]
    one = progress(folder)
    for name in names:
        one.take(Answer(name, 10, "why?", (1.0,), name))
        one.take(Answer(name, 9, "why?", (1.0,), name))
    assert one.shutdown(10)
    assert said_in(folder) == [(name, step, name) for name in sorted(names) for step in (9, 10)]
    files = [path.name.lower() for path in folder.iterdir()]
    assert len(set(files)) == 2 * len(names)
    assert [path.name for path in tmp_path.iterdir()] == ["lessons"]


def test_a_lesson_whose_file_name_is_no_text_is_taught(qtbot, tmp_path) -> None:
    lesson = msgspec.structs.replace(next(iter(load_all().values())), name="m\udce4rz")  # as Linux may have it
    one = progress(tmp_path / "lessons")
    assert one.answer(lesson, 1) is None
    one.finish(lesson, 1)
    assert one.shutdown(10)
    assert progress(tmp_path / "lessons")._step(lesson.name, 1).done
