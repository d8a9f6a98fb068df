"""Columns of a comparison: the main experiment with a few settings changed, and what is said of each."""

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from playground.app.model.edit_text import value_text
from playground.app.style.number_formats import format_count
from playground.lab import experiment as description
from playground.lab.columns import SECTIONS
from playground.lab.experiment import Experiment, ExperimentError, Field

LETTERS = "ABCD"
SAME = "as in the cards"


@dataclass(frozen=True)
class Column:
    """What one column changes of the main experiment.

    Attributes:
        edits: settings by their dotted keys.
        step: the training step of its weights; None for those that the main canvas shows.
    """

    edits: Mapping[str, Any] = field(default_factory=dict)
    step: int | None = None


def difference(main: Experiment, column: Column) -> str:
    """What sets a column apart from the main experiment, in words; a choice by its name alone.

    >>> difference(Experiment(), Column({"sampling.kind": "probability-flow", "sampling.steps": 50}, step=100))
    'Probability flow, steps 50, training step 100'
    >>> difference(Experiment(), Column())
    'as in the cards'
    """
    other = applied(main, column)
    before, known = description.fields(main), description.fields(other)
    said = []
    for key, value in column.edits.items():
        if (
            key not in known
            or description.value(other, key) != value
            or (key in before and description.value(main, key) == description.value(other, key))
        ):
            continue
        words = value_text(known[key], value)
        said.append(words if known[key].kind == "choice" else f"{known[key].label} {words}")
    if column.step is not None:
        said.append(f"training step {format_count(column.step)}")
    return ", ".join(said) or SAME


def applied(main: Experiment, column: Column) -> Experiment:
    """The main experiment with the edits that it can take: it may have got another sampler since they were chosen."""
    for key, value in column.edits.items():
        with contextlib.suppress(ExperimentError):
            main = description.replace(main, {key: value})
    return main


def changed(main: Experiment, column: Column, key: str, value: Any) -> Column:
    """The column with one more setting changed; what is as in the main experiment is no difference.

    Raises:
        ExperimentError: the experiment cannot take the value.
    """
    other = description.replace(applied(main, column), {key: value})
    return Column(edits_between(main, other), column.step)


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


def edits_between(main: Experiment, other: Experiment) -> dict[str, Any]:
    """The fewest edits that make one experiment the other, as far as columns may differ; kinds come first."""
    known, sections = description.fields(other), SECTIONS
    kinds = {
        key: description.value(other, key)
        for key in known
        if key.endswith(".kind")
        and key.partition(".")[0] in sections
        and description.value(other, key) != description.value(main, key)
    }
    base = description.replace(main, kinds)
    return kinds | {
        key: description.value(other, key)
        for key in known
        if key.partition(".")[0] in sections
        and key not in kinds
        and description.value(other, key) != description.value(base, key)
    }
