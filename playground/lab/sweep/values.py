"""The values of an axis as a line of text: ``5, 10, 20`` or ``5 to 50, 4 values, log``. This module imports no torch."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from playground.lab import experiment as experiments
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.sweep.description import Range
from playground.messages import Message, setting

RANGE = re.compile(r"(\S+)\s+to\s+(\S+?),?\s+(\d+)\s+values?(,?\s+log)?", re.IGNORECASE)

Values = Range | list[Any]


def read_values(key: str, text: str, base: Experiment) -> Values:
    """The values that a text asks for.

    Args:
        key: the setting.
        base: the experiment whose setting is varied.

    Raises:
        ExperimentError: there is no value, or one that the setting cannot have; the sentence says which.
    """
    found = RANGE.fullmatch(text.strip())
    values: Values
    if found is not None:
        first, last = (_number(key, one) for one in found.groups()[:2])
        try:
            values = Range(first, last, int(found[3]), bool(found[4]))
            asked = values.values()
        except ValueError as error:
            raise _refused(key, "{}: {}.", str(error)) from None
        if not 2 <= values.count <= 1000:
            raise _refused(key, "{}: a range has from 2 to 1,000 values.")
    else:
        words = [word.strip() for word in text.split(",")]
        if not all(words):
            raise _refused(key, "{} has no values: write 5, 10, 20 or 5 to 50, 4 values, log.")
        values = asked = [_value(key, word) for word in words]
    for value in asked:
        experiments.replace(base, {key: value})
    return values


def _value(key: str, word: str) -> Any:
    try:
        return experiments.assignment(f"{key}={word}")[1]
    except ExperimentError:  # it speaks of the command line
        text = "{}: {} is no number here: write digits on both sides of the point, as in 0.1 and 3.0."
        raise _refused(key, text, word) from None


def _number(key: str, word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise _refused(key, "{}: {} is no number.", word) from None


def _refused(key: str, text: str, *values: str) -> ExperimentError:
    """The error of a sentence about a setting, which the window calls by its label."""
    return ExperimentError(Message("sweep-values", text, (setting(key), *values), key))


def write_values(values: Values | Sequence[Mapping[str, Any]]) -> str:
    """The text of an axis; of named combinations their names."""
    if isinstance(values, Range):
        return f"{values.first:g} to {values.last:g}, {values.count} values{', log' if values.log else ''}"
    return ", ".join(str(value["name"]) if isinstance(value, dict) else f"{value}" for value in values)


def read_seeds(text: str) -> int | list[int]:
    """The number of seeds, or the seeds themselves.

    Raises:
        ExperimentError: these are no seeds.
    """
    try:
        seeds = [int(word) for word in text.split(",")]
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0 or (len(seeds) == 1 and not 1 <= seeds[0] <= 10_000) or len(set(seeds)) < len(seeds):
        raise ExperimentError("Seeds: write how many, such as 3, or the seeds, such as 0, 7, 12.")
    return seeds[0] if len(seeds) == 1 else seeds
