"""A lesson's question on a web page, with its equation: it tells no answer before the prediction."""

from playground.app.widgets.step_equation import page_question
from playground.lab.lessons import Choice, MeasuredStep, Step
from playground.lab.step_figure import Figure

CHECK = Figure("sliced_wasserstein2")
TWO = (Choice("A"), Choice("B", settings={"sampling": {"steps": 20}}))


def question(equation: str, **told):
    asked = {"scale": (0.0, 1.0)} | told
    step = Step(question="How much?", check=CHECK, equation=equation, **asked)
    values = {"measured": 0.25, "measured_1": 0.5, "measured_2": 0.25} if step.compares else {"measured": 0.25}
    return page_question(MeasuredStep(step, values, prediction=(1.0,)), {"sampling.steps": 40})


def test_an_equation_that_names_the_answer_comes_after_the_prediction():
    found = question("d = [[d|measured]] > [[p|you]]")
    assert found.equations == ()
    assert [one.latex for one in found.valued] == [
        "d = {d} > {p}",
        "d = {0.25} > {p}",
    ]  # the window's prediction is not the reader's
    assert all("currentColor" in one.svg and "://" not in one.svg for one in found.valued)


def test_another_equation_stands_beside_the_question_and_has_its_values_after_it():
    found = question("1/[[N|sampling.steps]]")
    assert [one.latex for one in found.equations] == ["1/{N}"]
    assert [one.latex for one in found.valued] == ["1/{40}"]
    assert question("a = b").valued == ()
    assert question("").equations == ()


def test_what_is_measured_of_each_column_is_told():
    found = question("", scale=None, choices=TWO)
    assert (found.columns, found.choices, found.right) == (("0.5", "0.25"), ("A", "B"), 1)
