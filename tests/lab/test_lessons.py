"""Lessons: those that ship are valid, and another file is refused with a sentence that says where the error is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from playground.kinds.datasets import Toy
from playground.lab import lessons
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.live_equation import LiveEquation
from playground.lab.problem import Problem
from playground.lab.step_figure import Figure
from playground.lab.step_measuring import measure

LESSON = """+++
title = "Two terms"
+++

+++
scene = "two-terms"
+++
Look.

+++
scene = "two-terms"
experiment.data.points = 500
question = "Which sign has it?"
choices = [{ text = "minus", below = 0.0 }, { text = "plus", at_least = 0.0 }]
check = { key = "trace_term", point = [0.0, 1.0] }
highlight = "likelihood.source"
+++
Think.

---
It is {measured}.
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.lesson.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_lesson_is_read_with_its_steps(tmp_path: Path) -> None:
    lesson = lessons.load(write(tmp_path, LESSON))
    assert (lesson.name, lesson.title, len(lesson.steps)) == ("mine", "Two terms", 2)
    first, second = lesson.steps
    assert (first.text, first.explanation, first.question) == ("Look.", "", "")
    assert (second.text, second.explanation) == ("Think.", "It is {measured}.")
    assert second.settings is not None
    assert isinstance(second.settings.data, Toy)
    assert second.settings.data.points == 500
    assert second.settings.likelihood.source == "exact"  # of the scene
    assert lessons.MeasuredStep(second, {"measured": 6.094}).explained("{:.2f}".format) == "It is 6.09."


def test_a_step_without_scene_leaves_all_as_it_is(tmp_path: Path) -> None:
    lesson = lessons.load(write(tmp_path, LESSON.replace('scene = "two-terms"\n', "", 1)))
    assert lesson.steps[0].settings is None
    assert lessons.load(write(tmp_path, LESSON)).steps[0].settings != Experiment()


def test_a_lesson_takes_a_minute_for_150_words_and_one_for_each_question() -> None:
    steps = lessons.Step(text="a " * 200), lessons.Step(text="b " * 50, question="c " * 10, explanation="d " * 40)
    assert lessons.Lesson("", "", steps).minutes == 3


MARK = """mark = 0.5
check = { key = "denoised", point = [1.0, 1.0], sigma = 1.0 }
figures.log_p = { key = "exact_log_prob", point = [0.0, 1.0] }
"""


def marked(text: str = LESSON) -> str:
    before, _, rest = text.partition("choices =")
    _, _, after = rest.partition("[0.0, 1.0] }\n")
    return before + MARK + after


def test_a_mark_is_judged_by_its_distance_to_a_place_that_is_measured(tmp_path: Path) -> None:
    text = marked().replace("{measured}", "({measured_x}, {measured_y}), {distance} away, {log_p}")
    step = lessons.load(write(tmp_path, text)).steps[1]
    assert step.names == {"you_x", "you_y", "distance", "measured_x", "measured_y", "log_p"}
    *_, (_, measured) = measure(step)
    # The posterior mean by its definition: the mean of the data points, weighted by the density of their noise at (1, 1).
    assert step.settings is not None
    points = Problem.build(step.settings).dataset.points
    weights = np.exp(-((points - 1.0) ** 2).sum(1) / 2)
    mean = (weights[:, None] * points).sum(0) / weights.sum()
    assert measured.place == pytest.approx(tuple(mean), abs=0.1)  # of 500 points, not of their density
    x, y = measured.place
    assert replace(measured, prediction=(x + 0.3, y - 0.3)).right
    assert not replace(measured, prediction=(x + 0.4, y - 0.4)).right
    values = {"measured_x": 1.0, "measured_y": 2.0, "log_p": -1.0}
    marked_there = lessons.MeasuredStep(step, values, prediction=(4.0, 6.0))
    assert marked_there.explained("{:.1f}".format) == "It is (1.0, 2.0), 5.0 away, −1.0."
    assert step.say((4.0, -6.0)) == "(4, -6)"
    assert lessons.measured_cell(values) == "(1, 2)"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("mark = 0.5", "mark = 0.0", "step 2: mark is the distance that counts as right"),
        ("mark = 0.5", "scale = [0.0, 1.0]", "step 2: a mark needs a check of a place"),
        ("mark = 0.5", "mark = 0.5\nscale = [0.0, 1.0]", "either choices, a scale or a mark"),
        ('"denoised"', '"log_prob"', "step 2: a mark needs a check of a place, denoised or flow_to_data"),
        (", sigma = 1.0", "", "figures.measured_x needs sigma"),
        ("[1.0, 1.0]", "[1.0, nan]", "figures.measured_x.point is too far away"),
        ("figures.log_p", "figures.distance", "step 2: its figures need names of their own"),
        ("figures.log_p", "figures.'log p'", "figures.log p: the name of a figure is of letters"),
        ("{measured}", "{measured}", "step 2: its explanation names measured;"),
    ],
)
def test_a_mark_that_cannot_be_measured_is_refused_with_a_sentence(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = marked()
    if old != "{measured}":
        text = text.replace("{measured}", "{measured_x}")
    assert old in text
    with pytest.raises(ExperimentError) as refused:
        lessons.load(write(tmp_path, text.replace(old, new, 1)))
    assert said in str(refused.value)


def test_the_flow_carries_a_point_to_the_noise_and_back() -> None:
    experiment = {"data": {"kind": "two-moons"}, "likelihood": {"source": "exact"}, "sampling": {"source": "exact"}}

    def place(key: str, point: tuple[float, float]) -> tuple[float, float]:
        axes = {axis: Figure(key, point=point, index=number) for number, axis in enumerate("xy")}
        *_, (_, measured) = measure(lessons.Step(experiment=experiment, figures=axes))
        return measured.values["x"], measured.values["y"]

    there = place("flow_to_noise", (0.0, 1.0))
    assert there != pytest.approx((0.0, 1.0), abs=1.0)
    assert place("flow_to_data", there) == pytest.approx((0.0, 1.0), abs=1e-3)


def test_the_check_is_of_the_step_s_own_settings(tmp_path: Path) -> None:
    step = lessons.load(write(tmp_path, LESSON)).steps[1]
    assert step.shown_settings == step.settings
    *_, (_, measured) = measure(step)
    value = measured.values[lessons.ANSWER]
    assert value > 1
    assert step.right_choice(value) == 1
    assert step.right_choice(-value) == 0


@pytest.mark.parametrize("name", lessons.bundled())
def test_each_bundled_lesson_asks_and_says_what_is_measured(name: str) -> None:
    asked = [step for step in lessons.load(lessons.bundled()[name]).steps if step.question]
    assert len(asked) >= 2
    for step in asked:
        assert ("{measured_x" if step.mark is not None else "{measured}") in step.explanation


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (LESSON, "Hello", "mine.lesson.md is no lesson: it begins with a head"),
        ("+++\nLook.", "Look.", "is no lesson"),
        ('title = "Two terms"', "", "its first head: Object missing required field `title`"),
        ('scene = "two-terms"', 'scene = "three-terms"', "step 1: there is no scene three-terms"),
        ("data.points = 500", "data.points = 5", "step 2: data.points"),
        ('"plus", at_least', '"plus", above', "step 2"),
        (
            'choices = [{ text = "minus", below = 0.0 }, { text = "plus", at_least = 0.0 }]\n',
            "",
            "either choices, a scale or a mark",
        ),
        ('check = { key = "trace_term", point = [0.0, 1.0] }\n', "", "step 2: a question needs a check"),
        ("likelihood.source", "likelihood.sauce", "step 2: there is no setting likelihood.sauce"),
        ("{measured}", "{secret}", "step 2: its explanation names secret"),
        ("{measured}", "{measured.__class__}", "step 2: its explanation names measured.__class__"),
        ("{measured}", "{measured:.2f}", "step 2: a result is written as {measured}, without a format"),
        ("{measured}", "{you:{measured.real}}", "step 2: a result"),
        ("{measured}", "{you:2000000000}", "step 2: a result is written as {measured}, without"),
        (
            '"Which sign has it?"',
            '"Which?"\nequation = "[[a|noise.sauce]]"',
            "its equation names noise.sauce, which is no setting",
        ),
        ('"Which sign has it?"', '"Which?"\nequation = "[[a|noise.kind]]"', "step 2: its equation names noise.kind"),
        ('"Which sign has it?"', '"Which?"\nequation = "[[a|you.__class__]]"', "its equation names you.__class__"),
        (
            '"Which sign has it?"',
            '"Which?"\nequation = "[[a|you:.2f]]"',
            "step 2: a result is written as {measured}, without a format",
        ),
        ('"Which sign has it?"', '"Which?"\nequation = "[[a|you:999f]]"', "has a value that is not written as"),
        ('"Which sign has it?"', f'"Which?"\nequation = "{"x" * 401}"', "step 2: its equation is too long"),
        ("Think.", "![x](/any/local.png)", "step 2: a lesson is text, without pictures and HTML"),
        ("Think.", "<img src=x>", "step 2: a lesson is text, without pictures and HTML"),
        ("Which sign", "<a href='x'>Which", "step 2: a lesson is text, without pictures and HTML"),
        (
            "data.points = 500",
            "data.kind = 'file'\nexperiment.data.path = '/etc/x.csv'",
            "step 2: a lesson reads no file",
        ),
        ('"trace_term", point = [0.0, 1.0]', '"trace_term"', "step 2: figures.measured needs a point"),
        ("point = [0.0, 1.0] }", 'point = [0.0, 1.0], ratio_to = "x" }', "step 2: figures.measured names x"),
        ("Think.", "Think. " * 81, "step 2: it says more than 80 words at once"),
    ],
)
def test_a_file_that_is_no_lesson_is_refused_with_a_sentence(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in LESSON
    with pytest.raises(ExperimentError) as refused:
        lessons.load(write(tmp_path, LESSON.replace(old, new, 1)))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_equation_shows_settings_and_what_is_measured(tmp_path: Path) -> None:
    source = r"[[\\log p|measured]] = [[\\sigma|noise.sigma_min:.1g]] [[v|you]]"
    text = LESSON.replace('question = "W', f'equation = "{source}"\nquestion = "W')
    step = lessons.load(write(tmp_path, text)).steps[1]
    equation = LiveEquation(step.equation)
    assert equation.symbols == r"{\log p} = {\sigma} {v}"
    values = {"noise.sigma_min": 0.000012, **lessons.MeasuredStep(step, {"measured": -2.04}, prediction=(1.0,)).named}
    assert equation.with_values(values) == r"{-2.04} = {1 \cdot 10^{-5}} {1}"
    assert equation.with_values({"measured": "-2e-7"}) == r"{-2 \cdot 10^{-7}} = {\sigma} {v}"  # written already


def test_six_bundled_lessons_have_equations_with_values() -> None:
    every = lessons.load_all().values()
    live = [one for one in every if any(LiveEquation(step.equation).names for step in one.steps)]
    assert len(live) >= 6


@pytest.mark.parametrize("ends", ["[1.0, 1.0]", "[-inf, inf]", "[-1e308, 1e308]", "[0.0, nan]"])
def test_a_scale_goes_upwards_between_ends_that_can_be_drawn(tmp_path: Path, ends: str) -> None:
    choices = 'choices = [{ text = "minus", below = 0.0 }, { text = "plus", at_least = 0.0 }]'
    assert choices in LESSON
    with pytest.raises(ExperimentError, match="from a smaller to a larger number"):
        lessons.load(write(tmp_path, LESSON.replace(choices, f"scale = {ends}")))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.lesson.md"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ExperimentError, match=r"mine\.lesson\.md is not a text file"):
        lessons.load(path)
    with pytest.raises(ExperimentError, match="cannot be read"):
        lessons.load(tmp_path / "none.lesson.md")


def test_a_step_may_change_other_things_than_settings_of_its_scene(tmp_path: Path) -> None:
    """It may change the seed and the sampler; its figure is then measured with the shown settings."""
    changed = "experiment.seed = 3\nexperiment.sampling.kind = 'langevin'"
    text = LESSON.replace("experiment.data.points = 500", changed)
    step = lessons.load(write(tmp_path, text)).steps[1]
    assert step.settings is not None
    assert (step.settings.training.seed, step.settings.sampling.kind) == (3, "langevin")
    assert step.shown_settings == step.settings


@pytest.mark.parametrize(
    ("value", "error", "advice"), [(1.0, 0.3, True), (1.0, 0.1, False), (1.4, 0.3, True), (1.0, None, False)]
)
def test_a_bound_that_is_kept_by_less_than_a_standard_error_says_so(
    value: float, error: float | None, advice: bool
) -> None:
    figure = Figure("sliced_wasserstein2", at_most=1.2)
    step = lessons.Step("Look.", figures={"distance": figure})
    errors = {} if error is None else {"distance": error}
    (claim,) = step.claims("", lambda: lessons.MeasuredStep(step, {"distance": value}, errors))
    found = claim.checked()
    assert found.holds == (value <= 1.2)
    assert bool(found.advice) == advice
    assert (found.verdict == "warning") == (advice and found.holds)


COLUMNS = """+++
title = "Columns"
+++

+++
scene = "langevin-weights"
experiment.data.points = 500
experiment.sampling.particles = 200
experiment.sampling.steps = 20
question = "Which of these has most particles in the right mode?"
right = "greatest"
choices = [
    { text = "Langevin" },
    { text = "Reverse SDE", settings.sampling.kind = "reverse-sde" },
]
check = { key = "mode_weights", index = 0 }
+++
Look.

---
It is {measured}: {measured_1} and {measured_2}.
"""


def test_the_answer_may_be_a_column(tmp_path: Path) -> None:
    (step,) = lessons.load(write(tmp_path, COLUMNS)).steps
    assert step.compares
    *_, (_, measured) = measure(step)
    first, second = measured.columns
    assert second > first + 0.1  # the prior knows the weights, a box does not
    assert measured.right_choice == 1
    assert measured.values["measured"] == second
    assert replace(measured, prediction=(1.0,)).right
    assert not replace(measured, prediction=(0.0,)).right
    assert lessons.judge(measured) == ("Reverse SDE", True)
    assert measured.explained("{:.3f}".format) == f"It is {second:.3f}: {first:.3f} and {second:.3f}."


@pytest.mark.parametrize(
    ("right", "values", "error", "said"),
    [
        ("least", (1.0, 2.0, 3.0), 0.4, ("A", False)),
        ("least", (1.0, 2.0, 3.0), 0.3, ("A", True)),
        ("greatest", (1.0, 2.0, 3.0), 0.3, ("C", True)),
        ("greatest", (1.0, 2.0, 3.0), 0.4, ("C", False)),
        ("greatest", (1.0, 2.0, np.nan), 0.1, ("the figure of a column is not known", False)),
    ],
)
def test_a_column_is_right_if_no_other_may_be_it(
    right: str, values: tuple[float, ...], error: float, said: tuple[str, bool]
) -> None:
    choices = tuple(lessons.Choice(name, {"sampling": {"steps": 5}}) for name in "ABC")
    step = lessons.Step(question="Which?", choices=choices, right=right, check=Figure("nfe_max"))  # type: ignore[arg-type]
    names = [f"measured_{number}" for number in (1, 2, 3)]
    found = lessons.MeasuredStep(step, dict(zip(names, values, strict=True)), dict.fromkeys(names, error))
    answer, holds = lessons.judge(found)
    assert (answer.partition(";")[0], holds) == said
    assert ("B may be it too" in answer) == (not holds and values[2] == 3.0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"Langevin" }', '"Langevin", below = 1.0 }', "a column has no bounds"),
        ('{ text = "Langevin" },', "", "there are 2 to 4 columns, not 1"),
        ("settings.sampling.kind", "settings.sampling.sort", "sort"),
        ('sampling.kind = "reverse-sde"', "data.points = 600", "data.points cannot differ between columns"),
        ('sampling.kind = "reverse-sde"', 'sampling.source = "learned"', "would need a training of its own"),
        ("index = 0 }", "index = 0, settings.sampling.steps = 3 }", "and its check none"),
        ('"greatest"', '"best"', "right"),
    ],
)
def test_columns_that_cannot_be_shown_at_once_are_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in COLUMNS
    with pytest.raises(ExperimentError) as refused:
        lessons.load(write(tmp_path, COLUMNS.replace(old, new, 1)))
    assert said in str(refused.value)
