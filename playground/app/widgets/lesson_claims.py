"""What a lesson claims, for the command line and for Learn > Check lesson."""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from functools import partial

from playground.app.model.views import plane_bounds
from playground.app.style.number_formats import format_measured, format_number, without_typography
from playground.app.widgets.equation import equation_svg
from playground.lab import lessons
from playground.lab.claims import Claim, Found
from playground.lab.lessons import ANSWER, Lesson, MeasuredStep, Step, said_place
from playground.lab.live_equation import LiveEquation


def lesson_claims(lesson: Lesson, measured: Callable[[Step], MeasuredStep]) -> Iterator[Claim]:
    """The claims of a lesson: its equations can be drawn, its questions have an answer, and figures keep their bounds. The first
    two count what is wrong.

    Args:
        measured: measures the figures of a step; called at most once for each, when the first of its claims is measured.
    """
    for place, step in enumerate(lesson.steps, start=1):
        found = functools.cache(partial(measured, step))
        if step.equation:
            yield Claim(lesson.title, f"{place}. Its equation", partial(_drawn, step.equation), 0)
        if step.question:
            yield Claim(lesson.title, f"{place}. {step.question}", partial(_answer, step, found), 0)
            bounded = [claim for claim in step.claims(lesson.title, found) if claim.is_bounded]
            yield from (dataclasses.replace(claim, what=f"{place}. {claim.what}") for claim in bounded)
        else:
            yield from step.claims(f"{lesson.title}. {step.text}", found)


def _drawn(equation: str) -> Found:
    try:
        equation_svg(LiveEquation(equation).symbols, "#000000")
    except ValueError as error:
        return Found(1, str(error))
    return Found(0, "can be drawn")


def _answer(step: Step, found: Callable[[], MeasuredStep]) -> Found:
    if step.mark is None:
        names = [name for name in step.asked if name.startswith(ANSWER)]  # one, or one for each column
        said = ", ".join(_value(found(), name) for name in names)
        answer, holds = lessons.judge(found())
    else:
        said, (answer, holds) = said_place(found().place), _place(step, found().place)
    return Found(not holds, f"Measured {said}: {answer}")


def _value(found: MeasuredStep, name: str) -> str:
    value, error = found.values[name], found.errors.get(name, 0.0)
    return without_typography(format_measured(value, error, 2) if error else format_number(value))


def _place(step: Step, place: tuple[float, float]) -> tuple[str, bool]:
    """A measured place in words, and whether it can be marked on the canvas as it opens."""
    from playground.lab.problem import Problem

    x0, x1, y0, y1 = plane_bounds(Problem.build(step.shown_settings).dataset.points)
    inside = x0 <= place[0] <= x1 and y0 <= place[1] <= y1
    return ("in view" if inside else f"outside what is in view, {x0:.3g} to {x1:.3g} and {y0:.3g} to {y1:.3g}"), inside
