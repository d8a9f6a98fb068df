"""Columns of a comparison: the main experiment with a few settings changed, and the words for the difference."""

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from playground.app.model.edit_text import value_text
from playground.app.style.number_formats import format_count
from playground.lab import experiment as description
from playground.lab.columns import may_differ
from playground.lab.experiment import Experiment, ExperimentError, Field

LETTERS = "ABCD"
SAME = "as in the cards"


@dataclass(frozen=True)
class Column:
    """The settings that one column changes in the main experiment.

    Attributes:
        edits: new values by dotted key.
        step: the training step of its weights; None for the weights in view on the main canvas.
    """

    edits: Mapping[str, Any] = field(default_factory=dict)
    step: int | None = None


def difference(main: Experiment, column: Column, short: bool = False) -> str:
    """The difference between a column and the main experiment, in words; a choice is named by its title alone.

    Args:
        short: a sampler is named by its short name.

    >>> difference(Experiment(), Column({"sampling.kind": "probability-flow", "sampling.steps": 50}, step=100))
    'Probability flow, steps 50, training step 100'
    >>> difference(Experiment(), Column())
    'as in the cards'
    >>> difference(Experiment(), Column({"sampling.kind": "edm"}), short=True)
    'EDM'
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
        words = other.sampling.short if short and key == "sampling.kind" else value_text(known[key], value)
        said.append(words if known[key].kind == "choice" else f"{known[key].label} {words}")
    if column.step is not None:
        said.append(f"training step {format_count(column.step)}")
    return ", ".join(said) or SAME


def applied(main: Experiment, column: Column) -> Experiment:
    """The main experiment with the edits that fit it. Its sampler may have changed since they were chosen."""
    for key, value in column.edits.items():
        with contextlib.suppress(ExperimentError):
            main = description.replace(main, {key: value})
    return main


def changed(main: Experiment, column: Column, key: str, value: Any) -> Column:
    """The column with one more changed setting; a value equal to the main experiment's is no change.

    Raises:
        ExperimentError: the value does not fit the experiment.
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
    """The fewest edits that turn one experiment into the other, as far as columns may differ; kinds come first."""
    known = description.fields(other)
    kinds = {
        key: description.value(other, key)
        for key in known
        if key.endswith(".kind") and may_differ(key) and description.value(other, key) != description.value(main, key)
    }
    base = description.replace(main, kinds)
    return kinds | {
        key: description.value(other, key)
        for key in known
        if may_differ(key) and key not in kinds and description.value(other, key) != description.value(base, key)
    }
