"""The equation of a lesson's step: with its values, and on a web page with the step's question."""

import dataclasses
import re
from collections.abc import Mapping, Set

from playground.app.controllers.building import Building
from playground.app.model.state import State
from playground.app.style.number_formats import format_number, without_typography
from playground.app.widgets.equation import equation_svg
from playground.drawing.web_page import PageEquation, PageQuestion
from playground.lab.experiment import Experiment, fields
from playground.lab.experiment import value as experiment_value
from playground.lab.lessons import MeasuredStep
from playground.lab.live_equation import LiveEquation


def numbers_of(names: Set[str], *experiments: Experiment) -> dict[str, float]:
    """The numbers of some settings, each in the first experiment that has a number and not "auto"."""
    found = dict[str, float]()
    for experiment in experiments:
        for name in fields(experiment).keys() & names - found.keys():
            value = experiment_value(experiment, name)
            if isinstance(value, int | float):
                found[name] = value
    return found


def numbers_in_view(names: Set[str], state: State, building: Building) -> dict[str, float]:
    """The current numbers of some settings; for "auto" its number, if known."""
    view, found = state.problem, numbers_of(names, state.resolved)
    step = building.default_step if "sampling.step" in names - found.keys() else None
    if step is not None:
        found["sampling.step"] = step
    return found if view is None or view.resolved is None else numbers_of(names, view.resolved) | found


def with_values(latex: str, numbers: Mapping[str, float], measured: MeasuredStep | None) -> str:
    """The equation of a step with the numbers of settings, and with what was predicted and measured."""
    named = {} if measured is None else measured.named
    written = {name: without_typography(format_number(value)) for name, value in named.items()}
    return LiveEquation(latex).with_values({**numbers, **written})


def page_question(measured: MeasuredStep, numbers: Mapping[str, float]) -> PageQuestion | None:
    """The question of a step with its equation; None before its figures are measured, or if one of them is not known.

    Args:
        numbers: those of the settings that its equation names.
    """
    step, question = measured.step, PageQuestion.of(measured, format_number)
    if question is None or not step.equation:
        return question
    unpredicted = dataclasses.replace(measured, prediction=())  # the reader's prediction is another
    symbols, valued = LiveEquation(step.equation).symbols, with_values(step.equation, numbers, unpredicted)
    first, *others = map(_drawn, dict.fromkeys((symbols, valued)))
    if step.equation_names_answer:
        return dataclasses.replace(question, valued=(first, *others))
    return dataclasses.replace(question, equations=(first,), valued=tuple(others))


def _drawn(latex: str) -> PageEquation:
    svg = equation_svg(latex, "currentColor").decode()
    return PageEquation(latex, re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg))
