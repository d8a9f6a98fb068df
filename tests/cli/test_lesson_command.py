"""``score-playground lesson`` and ``scenes``: what they ask and claim is measured, and a class's answers become one table."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from playground.cli import lessons as lesson_command
from playground.cli import main
from playground.lab.lessons import COLUMNS, MeasuredStep, Step, bundled

Measuring = Iterator[tuple[float, MeasuredStep]]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    value = [0.5]

    def measure(step: Step, device: str, store: object) -> Measuring:
        yield 0.5, MeasuredStep(step, {})
        yield 1.0, MeasuredStep(step, dict.fromkeys(step.asked, value[0]))

    monkeypatch.setattr(lesson_command, "measure", measure)
    return value


def answer(monkeypatch: pytest.MonkeyPatch, value: float, error: float | None) -> None:
    """Let every figure be measured as this value with this error."""

    def measure(step: Step, device: str, store: object) -> Measuring:
        errors = {} if error is None else {"measured": error}
        yield 1.0, MeasuredStep(step, dict.fromkeys(step.asked, value), errors)

    monkeypatch.setattr(lesson_command, "measure", measure)


def test_each_question_is_printed_with_its_answer(measured: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lesson", "check", "05-langevin-weights"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"What share of the particles ends up there\? +ok  Measured 0.5: on the scale\n", said)
    assert re.search(r"what share ends up in the right mode\? +ok  Measured 0.5: About half, as before\n", said)


def test_a_measured_answer_has_the_digits_that_its_error_supports(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, 0.497912, 0.0123)
    assert main(["lesson", "check", "05-langevin-weights"]) == 0
    assert "Measured 0.498 ± 0.012: on the scale" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "error", "code", "said"),
    [
        (0.47, 0.01, 0, "Measured 0.470 ± 0.010: About half, as before\n"),
        (0.57, 0.02, 1, "Measured 0.570 ± 0.020: About half, as before; undecided, for its error reaches 0.6\n"),
        (0.65, 0.06, 1, "Measured 0.650 ± 0.060: Somewhere between; undecided, for its error reaches 0.6 and 0.75\n"),
        (0.65, None, 0, "Measured 0.65: Somewhere between\n"),
    ],
)
def test_a_bound_within_the_error_leaves_the_answer_undecided(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    value: float,
    error: float | None,
    code: int,
    said: str,
) -> None:
    answer(monkeypatch, value, error)
    assert main(["lesson", "check", "05-langevin-weights"]) == code
    assert said in capsys.readouterr().out


SCALE = "scale = [0.0, 1.0]"
CHOICES = """choices = [
    { text = "Few", below = 0.4 },
    { text = "Half", at_least = 0.4, below = 0.6 },
    { text = "Many", at_least = 0.6 },
]"""
FEWER = 'choices = [{ text = "Less", below = 0.1 }, { text = "More", at_least = 0.1 }]'
OFF = "not on the scale from 0 to 1"


@pytest.mark.parametrize(
    ("asked", "value", "error", "code", "said"),
    [
        (SCALE, 0.5, 0.1, 0, "on the scale"),
        (SCALE, 1.0, None, 0, "on the scale"),
        (SCALE, 0.9, 0.06, 0, "on the scale"),
        (SCALE, 0.1, 0.06, 0, "on the scale"),
        (SCALE, 1.1, None, 1, OFF),
        (SCALE, -0.1, 0.06, 1, OFF),
        (SCALE, 0.5, 0.24, 0, "on the scale"),
        (SCALE, 0.5, 0.25, 1, "on the scale; its error is as large as the scale"),
        (SCALE, 50.0, 100.0, 1, OFF),
        (CHOICES, 0.5, 0.03, 0, "Half"),
        (CHOICES, 0.41, 0.03, 1, "Half; undecided, for its error reaches 0.4"),
        (CHOICES, 0.39, 0.03, 1, "Few; undecided, for its error reaches 0.4"),
        (CHOICES, 0.5, 0.19, 1, "Half; undecided, for its error reaches 0.4 and 0.6"),
        (CHOICES, 0.3, 100.0, 1, "Few; undecided, for its error reaches 0.4 and 0.6"),
        (CHOICES, 0.4, None, 0, "Half"),
        (CHOICES, 50.0, 2.0, 0, "Many"),
        (FEWER, 0.05, 0.01, 0, "Less"),
        (FEWER, 0.05, 10.0, 1, "Less; undecided, for its error reaches 0.1"),
    ],
)
def test_an_error_leaves_an_answer_undecided_on_either_side_of_a_bound(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    asked: str,
    value: float,
    error: float | None,
    code: int,
    said: str,
) -> None:
    answer(monkeypatch, value, error)
    path = tmp_path / "own.lesson.md"
    check = 'check = { key = "mode_weights", index = 0 }'
    head = f'scene = "langevin-weights"\nquestion = "What share?"\n{asked}\n{check}'
    path.write_text(f"+++\ntitle = 'Own'\n+++\n+++\n{head}\n+++\nText.\n\n---\nIt is {{measured}}.\n")
    assert main(["lesson", "check", str(path)]) == code
    assert capsys.readouterr().out.splitlines()[-2].endswith(f": {said}")


@pytest.mark.parametrize(("most", "code"), [(0.6, 0), (0.4, 1)])
@pytest.mark.parametrize("question", ["", 'question = "What?"\nscale = [0.0, 1.0]\ncheck = { key = "nfe_max" }\n'])
def test_the_bounds_of_figures_hold_with_and_without_a_question(
    measured: list[float], tmp_path: Path, capsys: pytest.CaptureFixture[str], question: str, most: float, code: int
) -> None:
    path = tmp_path / "own.lesson.md"
    figure = f'figures.share = {{ key = "mode_weights", index = 0, at_most = {most} }}'
    head = f'scene = "langevin-weights"\n{question}{figure}'
    path.write_text(f"+++\ntitle = 'Own'\n+++\n+++\n{head}\n+++\nText.\n\n---\nIt is {{share}}.\n")
    assert main(["lesson", "check", str(path)]) == code
    assert re.search(rf"share +0.5 +at most {most}{'  FAILED' if code else ''}\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("place", "code", "said"), [((3.0, 3.0), 0, "in view"), ((90.0, 3.0), 1, "outside what is in")]
)
def test_a_place_is_to_be_in_view(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: tuple[float, float],
    code: int,
    said: str,
) -> None:
    def measure(step: Step, device: str, store: object) -> Measuring:
        places = dict(zip(("measured_x", "measured_y"), place, strict=True))
        yield 1.0, MeasuredStep(step, {name: places.get(name, 0.2) for name in step.asked})

    monkeypatch.setattr(lesson_command, "measure", measure)
    assert main(["lesson", "check", "07-annealed-langevin"]) == code
    assert f"Measured ({place[0]:g}, 3): {said}" in capsys.readouterr().out


def test_an_equation_that_cannot_be_drawn_exits_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "own.lesson.md"
    path.write_text("+++\ntitle = 'Own'\n+++\n+++\nequation = '\\frac{'\n+++\nText.\n")
    assert main(["lesson", "check", str(path)]) == 1
    assert "FAILED  \\frac{ cannot be drawn" in capsys.readouterr().out


def test_a_question_without_an_answer_exits_with_1(measured: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    measured[0] = 2.0
    assert main(["lesson", "check", "05-langevin-weights"]) == 1
    assert "not on the scale from 0 to 1" in capsys.readouterr().out


@pytest.mark.claims
@pytest.mark.parametrize(
    ("folder", "name"), [(folder, name) for folder in ("scenes", "lessons") for name in bundled(folder)]
)
def test_every_claim_holds_and_every_question_is_decided(folder: str, name: str) -> None:
    assert lesson_command.check_lessons([name], folder, "cpu")


@pytest.mark.parametrize(
    ("command", "what", "first"), [("lesson check", "lesson", "01-score"), ("scenes", "scene", "langevin-weights")]
)
def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str], command: str, what: str, first: str) -> None:
    assert main([*command.split(), "06-none"]) == 2
    assert f"06-none is no {what}: give a file ending in .lesson.md, or one of {first}" in capsys.readouterr().err


TWO_SOLVERS = """+++
title = "Two step counts"
topic = "Solvers"
+++

+++
question = "Which ends farther from the data?"
right = "greatest"
equation = 'N = [[N|sampling.steps]]'
choices = [{ text = "A" }, { text = "B", settings = { sampling = { steps = 2 } } }]
check = { key = "sliced_wasserstein2" }
[experiment]
data = { kind = "two-moons", points = 400 }
sampling = { kind = "probability-flow", source = "exact", particles = 200, steps = 20 }
+++
Both begin with the same noise.

---
B ends at {measured_2}.

+++
+++
Nothing is asked here.
"""


def test_a_step_becomes_a_page_with_its_question_and_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("playground.lab.training.Trainer.__init__")  # the exact score needs no training
    lesson, page = tmp_path / "own.lesson.md", tmp_path / "page.html"
    lesson.write_text(TWO_SOLVERS)
    assert main(["lesson", "page", str(lesson), "1", "--out", str(page)]) == 0
    text = page.read_text("utf-8")
    shown = json.loads(text.partition('id="shown">')[2].partition("</script>")[0])
    question, columns = shown["question"], shown["columns"]
    assert (question["choices"], question["right"]) == (["A", "B"], 1)
    assert question["explanation"] == f"B ends at {question['columns'][1]}."
    assert [latex for latex, _ in question["equations"] + question["valued"]] == ["N = {N}", "N = {20}"]
    assert [(one["letter"], one["title"]) for one in columns] == [("A", "steps 20"), ("B", "steps 2")]
    assert [len(one["runs"][0]["frames"]) for one in columns] == [21, 3]
    end = columns[1]["runs"][0]["places"][-1]
    assert 0 < end[0] < 1
    assert all(f">{letter} 0." in text for letter in "AB")  # the names of the curves of its chart
    assert "Two step counts" in text


def test_a_page_needs_a_step_that_asks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lesson, page = tmp_path / "own.lesson.md", tmp_path / "page.html"
    lesson.write_text(TWO_SOLVERS)
    assert main(["lesson", "page", str(lesson), "2", "--out", str(page)]) == 2
    assert "asks nothing: give one of 1." in capsys.readouterr().err
    assert main(["lesson", "page", "06-none", "1", "--out", str(page)]) == 2
    assert "06-none is no lesson: give a file ending in .lesson.md, or one of 01-score" in capsys.readouterr().err
    assert not page.exists()


def test_a_claim_is_printed_with_its_figures(measured: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenes", "langevin-weights"]) == 0
    said = capsys.readouterr().out
    assert "Langevin gets the weights wrong. Four of five data points" in said
    lines = [line.split() for line in said.splitlines()]
    assert lines[2:4] == [["langevin", "0.5", "at", "most", "0.7"], ["data", "0.5", "none"]]
    assert "1 of 1 claims hold" in said


def test_a_claim_that_does_not_hold_is_named_and_exits_with_1(
    measured: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    measured[0] = 0.9
    assert main(["scenes", "langevin-weights", "adaptive"]) == 1
    said = capsys.readouterr().out
    lines = [line.split() for line in said.splitlines()]
    assert ["langevin", "0.9", "at", "most", "0.7", "FAILED"] in lines
    assert [line[0] for line in lines if line[-1] == "FAILED"] == ["langevin", "most"]


def test_a_file_of_ones_own_is_measured(
    measured: list[float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.lesson.md"
    path.write_text(bundled("scenes")["langevin-weights"].read_text("utf-8"), "utf-8")
    assert main(["scenes", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"]


def test_a_new_lesson_can_be_checked_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, settings = tmp_path / "own.lesson.md", tmp_path / "small.toml"
    settings.write_text(
        "data.kind = 'two-moons'\ndata.points = 500\nsampling.source = 'exact'\nsampling.particles = 500\nsampling.steps = 50\n"
    )
    assert main(["lesson", "new", str(path), "--experiment", str(settings)]) == 0
    assert main(["lesson", "check", str(path)]) == 0
    assert "own\n  1. How far" in capsys.readouterr().out
    assert main(["lesson", "new", str(path)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["lesson", "new", str(path), "--overwrite"]) == 0
    assert main(["lesson", "new", str(tmp_path / "own.md")]) == 2
    assert "must end in .lesson.md" in capsys.readouterr().err
    assert main(["lesson", "new", str(tmp_path / "none" / "own.lesson.md")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def answers(path: Path, *rows: list[str], student: str = "") -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *([student or path.stem, *row] for row in rows)])


def test_a_class_becomes_one_table_of_predictions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers(tmp_path / "ada.csv", ["mine", "2", "Which?", "few", "0.75", "False"])
    answers(tmp_path / "emmy.csv", ["mine", "2", "Which?", "many", "0.7", "True"], ["mine", "3", "And?", "0.2", "", ""])
    out = tmp_path / "class.csv"
    assert main(["lesson", "report", str(tmp_path), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert (
        "mine, step 2: Which?\n  1 of 2 said few\n  1 of 2 said many\n  measured: 0.7 to 0.75\n  1 of 2 answered right\n"
        in said
    )
    assert said.count("answered right") == 1  # of the other question none is measured
    with out.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == [*COLUMNS]
    assert [row[0] for row in rows[1:]] == ["ada", "emmy", "emmy"]
    assert main(["lesson", "report", str(tmp_path), "--out", str(out)]) == 0  # the table itself is not a student's file


def test_what_all_have_measured_alike_is_one_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, measured in (("ada", "-6.56"), ("emmy", "-6.5600001")):
        answers(tmp_path / f"{name}.csv", ["mine", "2", "How much?", "-5", measured, ""])
    assert main(["lesson", "report", str(tmp_path), "--out", str(tmp_path / "class.csv")]) == 0
    said = capsys.readouterr().out
    assert "  measured: -6.56\n" in said
    assert "answered right" not in said  # on a scale one is only nearer or farther


def test_a_class_becomes_one_picture_beside_the_table_or_where_it_is_wanted(tmp_path: Path) -> None:
    folder, out, svg = tmp_path / "class", tmp_path / "class.csv", tmp_path / "picture.svg"
    folder.mkdir()
    answers(folder / "ada.csv", ["mine", "10", "Where?", "(1, 2)", "(1.5, -2)", "True"])
    answers(folder / "<b>.csv", ["mine", "9", "Which <i>?", "few", "0.75", ""], ["mine", "2", "How?", "0.5", "nan", ""])
    answers(folder / "eve.csv", ["mine", "2", "How?", "1e300", "inf", ""])
    assert main(["lesson", "report", str(folder), "--out", str(out)]) == 0
    assert QImage(str(out.with_suffix(".png"))).width() == 1920
    assert main(["lesson", "report", str(folder), "--out", str(out), "--picture", str(svg)]) == 0
    text = svg.read_text(encoding="utf-8")
    assert text.index("How?") < text.index("Which &lt;i") < text.index("Where?")  # in the order of the steps
    assert "<b>" not in text
    assert "&lt;b" in text
    assert main(["lesson", "report", str(folder), "--out", str(out), "--picture", str(tmp_path / "a.jpg")]) == 2


def test_the_picture_has_the_scale_of_the_question_bundled_or_beside_the_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    monkeypatch.setattr(lesson_command, "save_class_picture", lambda questions, path: drawn.extend(questions))
    bundled = "Four of five data points lie in the right mode. What share of the particles ends up there?"
    own = tmp_path / "own.lesson.md"
    own.write_text(
        "+++\ntitle = 'Own'\n+++\n+++\nquestion = 'How?'\nscale = [0, 7]\ncheck = { key = 'nfe_max' }\n+++\nText.\n"
    )
    rows = (
        ["05-langevin-weights", "2", bundled],
        ["own", "1", "How?"],
        ["own", "1", "Changed?"],
        ["mine", "1", "How?"],
    )
    answers(tmp_path / "ada.csv", *([*row, "0.5", "", ""] for row in rows))
    assert main(["lesson", "report", str(tmp_path), "--out", str(tmp_path / "class.csv")]) == 0
    scales = {(one.title, one.question): one.scale for one in drawn}
    assert scales == {
        ("05-langevin-weights, step 2", bundled): (0.0, 1.0),
        ("own, step 1", "How?"): (0.0, 7.0),
        ("own, step 1", "Changed?"): None,
        ("mine, step 1", "How?"): None,
    }


def test_no_cell_of_the_class_s_table_is_a_formula(tmp_path: Path) -> None:
    answers(tmp_path / "ada.csv", ["mine", "2", "'=Which?", "@few", "-0.75", "False"], student="=cmd")
    out = tmp_path / "class.csv"
    assert main(["lesson", "report", str(tmp_path), "--out", str(out)]) == 0
    with out.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1] == ["'=cmd", "mine", "2", "'=Which?", "'@few", "-0.75", "False"]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", ",".join(COLUMNS) + "\n1,2\n"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (tmp_path / "ada.csv").write_text(text)
    assert main(["lesson", "report", str(tmp_path), "--out", str(tmp_path / "class.csv")]) == 2
    assert "ada.csv holds no answers" in capsys.readouterr().err


def test_a_folder_without_answers_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lesson", "report", str(tmp_path), "--out", str(tmp_path / "class.csv")]) == 2
    assert "holds no answers" in capsys.readouterr().err
