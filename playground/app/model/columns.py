"""Columns of a comparison: the main experiment with a few settings changed."""

import contextlib
import math
from typing import Any

from playground.kinds.samplers import FromNoise, Sampler
from playground.lab import experiment as description
from playground.lab.columns import Column, Columns, may_differ, with_edits
from playground.lab.conflicts import Conditions, sampling_conflict
from playground.lab.experiment import Experiment, ExperimentError, Field
from playground.lab.lessons import Step

LETTERS = "ABCD"


def applied(main: Experiment, column: Column) -> Experiment:
    """The main experiment with the edits that fit it. Its sampler may have changed since they were chosen."""
    for key, value in column.edits:
        with contextlib.suppress(ExperimentError):
            main = description.replace(main, {key: value})
    return main


def changed(main: Experiment, column: Column, key: str, value: Any) -> Column:
    """The column with one more changed setting; a value equal to the main experiment's is no change.

    Raises:
        ExperimentError: the value does not fit the experiment.
    """
    other = description.replace(applied(main, column), {key: value})
    return Column.of(edits_between(main, other), column.step)


def another(main: Experiment, conditions: Conditions | None, columns: Columns) -> Column:
    """A column with a sampler that fits and that no other has."""
    taken = {value for column in columns for key, value in column.edits if key == "sampling.kind"}
    # Those that follow the process come first, because they can share a Brownian path.
    for kind in sorted(Sampler.kinds().values(), key=lambda kind: not issubclass(kind, FromNoise)):
        if kind.is_generative and kind.name() not in taken | {main.sampling.kind}:
            column = Column.of({"sampling.kind": kind.name()})
            with contextlib.suppress(ExperimentError):
                if sampling_conflict(with_edits(main, column), conditions) is None:
                    return column
    return Column.of({"sampling.steps": 50})


def presets(field: Field, value: float) -> list[float]:
    """Values of a number that are worth comparing with this one, ascending.

    >>> steps = description.fields()["sampling.steps"]
    >>> presets(steps, 500)
    [10, 20, 50, 100, 200, 1000, 2000]
    """
    low, high = field.minimum or 0.0, math.inf if field.maximum is None else field.maximum
    if field.key == "sampling.steps":
        found: list[float] = [10, 20, 50, 100, 200, 500, 1000, 2000]
    elif field.log and value > 0:
        found = [float(f"{value * factor:.3g}") for factor in (0.1, 0.25, 0.5, 2, 4, 10)]
    else:
        end = field.reach[1] if field.reach else min(high, 10.0)
        found = [float(f"{low + (end - low) * share:.3g}") for share in (0.0, 0.1, 0.2, 0.5, 1.0)]
    if field.kind == "int":
        found = [round(each) for each in found]
    return sorted({each for each in found if low <= each <= high and each != value})


def columns_of(step: Step) -> Columns:
    """The columns among which a step of a lesson asks to choose; none if it asks otherwise."""
    main = step.shown_settings
    others = [description.from_file(choice.settings, main) for choice in step.choices] if step.compares else []
    return tuple(Column.of(edits_between(main, other)) for other in others)


def edits_between(main: Experiment, other: Experiment) -> dict[str, Any]:
    """The fewest edits that turn one experiment into the other, as far as columns may differ; kinds come first."""
    found: dict[str, Any] = {}
    for is_kind in (True, False):
        keys = filter(may_differ, description.differing(description.replace(main, found), other))
        found |= {key: description.value(other, key) for key in keys if key.endswith(".kind") or not is_kind}
    return found
