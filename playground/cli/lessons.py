"""``score-playground lesson`` and ``scenes``: what they claim and ask is measured, and the predictions of a class."""

import csv
import dataclasses
import math
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch

from playground.app.style.number_formats import format_number
from playground.app.widgets.lesson_claims import lesson_claims
from playground.app.widgets.step_equation import numbers_of, page_question
from playground.cli.claims import print_claims
from playground.cli.reporting import say, short, stage
from playground.drawing.class_picture import Question, Reply, save_class_picture
from playground.drawing.render import headless
from playground.lab import experiment as experiments
from playground.lab import lessons
from playground.lab.atomic import write_whole
from playground.lab.claims import measured
from playground.lab.lesson_template import lesson_template
from playground.lab.lessons import COLUMNS, MeasuredStep, Step
from playground.lab.live_equation import LiveEquation
from playground.lab.sampling import step_in_user_units
from playground.lab.settings import Experiment
from playground.lab.step_measuring import StepRun, measure
from playground.lab.store import Store
from playground.lab.table_cells import number_in, uncovered
from playground.user_errors import UserError, cannot_write

FARTHEST = 1e12  # largest number on an axis
LARGEST = 1_000_000  # characters of a file of answers
JUDGED = {"True": True, "False": False}  # cells of the column "right" with a choice or a mark that is measured


def check_lessons(names: Sequence[str], folder: str, device: str, json: bool = False) -> bool:
    """Measure the claims of scenes and the answers of lessons, and print them. A command that is stopped says how the others
    are measured.

    Args:
        names: names of bundled lessons or scenes, or files; if there are none, all bundled ones of the folder.
        folder: "lessons" or "scenes".

    Returns:
        Whether every claim holds, and the answer of every question is one of its choices, and decided.

    Raises:
        UserError: there is no such lesson, or one cannot be read.
    """
    known = lessons.bundled(folder)
    paths = {name: _path(name, folder.removesuffix("s"), known) for name in names or known}
    claims = {name: list(lesson_claims(lessons.load(path), partial(_measured, device))) for name, path in paths.items()}

    def left(done: int) -> str:
        waiting = [name for name, some in claims.items() if (done := done - len(some)) < 0]
        measured_ones = f"{len(claims) - len(waiting)} of {len(claims)} are measured."
        command = "scenes" if folder == lessons.SCENES else "lesson check"
        return f"{measured_ones} For the others: score-playground {command} {shlex.join(waiting)}"

    every = [claim for some in claims.values() for claim in some]
    return all(claim.holds for claim in print_claims(every, measured(every), json, left=left))


def write_page(name: str, number: int, out: Path, device: str) -> None:
    """``score-playground lesson page``: write the page of a lesson's step, whose reader predicts before the run plays.

    Raises:
        UserError: there is no such lesson, the step asks nothing, or its answer is not known.
    """
    from playground.cli.painting import paint_step, run_of

    lesson = lessons.load(_path(name, "lesson", lessons.bundled()))
    asking = [place for place, step in enumerate(lesson.steps, start=1) if step.question]
    if number not in asking:
        raise UserError(f"Step {number} of {name} asks nothing: give one of {', '.join(map(str, asking))}.")
    step, store = lesson.steps[number - 1], Store()
    found = _measured(device, step, store)
    settings = (
        [*map(step.settings_of, step.answers)] if step.compares else [step.answer_settings or step.shown_settings]
    )
    runs = [run_of(StepRun(experiment, device, store, step.weights)) for experiment in settings]
    problem, names = runs[0][0].problem, LiveEquation(step.equation).names
    own_step = step_in_user_units(problem) if "sampling.step" in names else None
    by_default = {} if own_step is None else {"sampling.step": own_step}
    question = page_question(found, by_default | numbers_of(names, problem.resolve()))
    if question is None:
        raise UserError(f"The answer of step {number} of {name} is not known: a figure of it is no finite number.")
    paint_step(lesson.title, step, runs, question, out)
    say(f"The web page is {out}")


def _path(name: str, what: str, known: Mapping[str, Path]) -> Path:
    """The file of a lesson or scene that is given by its name or as a file."""
    path = known.get(name, Path(name))
    if not path.is_file():
        raise UserError(f"{name} is no {what}: give a file ending in {lessons.SUFFIX}, or one of {', '.join(known)}.")
    return path


def _measured(device: str, step: Step, store: Store | None = None) -> MeasuredStep:
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    with stage("Measuring") as update:
        for done, latest in measure(step, device, store):
            update(done, "")
            found = latest
    return found


def write_lesson(path: Path, experiment: Path | None, overwrite: bool) -> None:
    """Write a lesson of one step to start from.

    Raises:
        UserError: the name is not that of a lesson, the file exists or cannot be written, or the experiment does not fit a
            lesson.
    """
    if not path.name.endswith(lessons.SUFFIX):
        raise UserError(f"{path} must end in {lessons.SUFFIX}.")
    if path.exists() and not overwrite:
        raise UserError(f"{path} exists already: give another name, or --overwrite to replace it.")
    settings = Experiment() if experiment is None else experiments.load(experiment)
    text = lesson_template(settings, path.name.removesuffix(lessons.SUFFIX))
    try:
        write_whole(path, text)
    except OSError as error:
        raise UserError(cannot_write(path, error)) from None
    say(f"The lesson is {path}. Change it in a text editor; lesson check measures it.")


def report_answers(folder: Path, out: Path, picture: Path | None = None) -> None:
    """Put the answers that students have saved into one table, and into one picture.

    Args:
        folder: the folder of their CSV files. With the lesson's own file beside them the picture has its scales.
        out: the table, a row for each question of each student.
        picture: PNG, SVG or PDF; by default a PNG beside the table.

    Raises:
        UserError: the folder holds no answers, or a file holds something else.
    """
    from playground.cli.results import write_csv

    files = sorted(folder.glob("*.csv")) if folder.is_dir() else []
    files = [path for path in files if path.resolve() != out.resolve()]
    if not files:
        raise UserError(f"{folder} holds no answers: give a folder of the CSV files that Learn > Save answers writes.")
    rows = [row for path in files for row in _rows(path)]
    write_csv(out, COLUMNS, (row.values() for row in rows))
    asked: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for row in rows:
        asked.setdefault((row["lesson"], row["step"], row["question"]), []).append(row)
    picture = picture or out.with_suffix(".png")
    application = headless()
    scales = _scales(folder)
    questions = [_asked(key, answers, scales) for key, answers in sorted(asked.items(), key=_in_order)]
    for one in questions:
        say(f"{one.title}: {one.question}")
        for said, replies in one.groups():
            say(f"  {len(replies)} of {len(one.replies)} said {said}")
        if one.values and one.numbers < 2:  # places are in the picture
            ends = dict.fromkeys((short(min(one.values)), short(max(one.values))))  # one if they agree
            say(f"  measured: {' to '.join(ends)}")
        judged = [reply.right for reply in one.replies if reply.right is not None]
        if judged:
            say(f"  {sum(judged)} of {len(judged)} answered right")
    save_class_picture(questions, picture)
    del application
    say(f"The table is {out}, and the picture {picture}")


def _in_order(one: tuple[tuple[str, str, str], object]) -> tuple[str, float, str, str]:
    lesson, step, question = one[0]
    return lesson, float(step) if _is_number(step) else 0.0, step, question


Asked = tuple[str, str, str]  # the name of a lesson, the number of a step, and its question


def _scales(folder: Path) -> dict[Asked, tuple[float, float]]:
    """The scales of the questions of the bundled lessons and of those in a folder."""
    found = {**lessons.load_all(), **{one.name: one for one in map(lessons.read, folder.glob(f"*{lessons.SUFFIX}"))}}
    return {
        (name, str(number), step.question): step.scale
        for name, lesson in found.items()
        for number, step in enumerate(lesson.steps, start=1)
        if step.scale is not None
    }


def _asked(key: Asked, answers: Sequence[Mapping[str, str]], scales: Mapping[Asked, tuple[float, float]]) -> Question:
    """A question for the picture."""
    lesson, step, question = key
    replies = tuple(
        Reply(row["student"], _said(row["answer"]), _numbers(row["answer"]), JUDGED.get(row["right"]))
        for row in answers
    )
    found = Question(f"{lesson}, step {step}", question, replies, scale=scales.get(key))
    measured = tuple(filter(None, (_numbers(row["measured"]) for row in answers)))
    wanted = max(found.numbers, 1)
    return dataclasses.replace(found, measured=tuple(one for one in measured if len(one) == wanted))


def _said(text: str) -> str:
    """An answer as the window writes it: a number has three digits, as what is measured."""
    return format_number(float(text)) if _is_number(text) else text


def _numbers(text: str) -> tuple[float, ...]:
    """The number or the place in a cell; empty if the cell has words."""
    parts = text[1:-1].split(",") if text.startswith("(") and text.endswith(")") else [text]
    if len(parts) > 2 or not all(map(_is_number, parts)) or not all(abs(float(part)) < FARTHEST for part in parts):
        return ()
    return tuple(map(float, parts))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """The answers of one file."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            text = file.read(LARGEST + 1)
    except (OSError, UnicodeDecodeError):
        raise UserError(f"{path} cannot be read: give files that Learn > Save answers writes.") from None
    reader = csv.DictReader(text.splitlines())
    if len(text) > LARGEST or list(reader.fieldnames or ()) != list(COLUMNS):
        raise UserError(f"{path} holds no answers: its columns are to be {', '.join(COLUMNS)}.")
    for row in reader:
        if None in row.values() or None in row:
            raise UserError(f"{path} holds no answers: line {reader.line_num} has not {len(COLUMNS)} cells.")
        yield {name: uncovered(row[name]) for name in COLUMNS}


def _is_number(text: str) -> bool:
    return math.isfinite(number_in(text))
