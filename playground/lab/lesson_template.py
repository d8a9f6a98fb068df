"""The template of a lesson: one step that shows an experiment, with a question that can be measured for any."""

from typing import Any

import msgspec
import tomli_w

from playground.lab import experiment as description
from playground.lab.experiment import Experiment, ExperimentError, files
from playground.lab.lessons import LONGEST
from playground.resources import resource


def lesson_template(experiment: Experiment, title: str) -> str:
    """The text of a lesson whose only step shows an experiment.

    Raises:
        ExperimentError: the data are from a file, which a lesson cannot read, or the text is too long.
    """
    if files(experiment):
        raise ExperimentError("A lesson reads no file of points or images: choose a toy, digits, or draw the data.")
    parts: list[dict[str, Any]] = [{"title": title}, {"experiment": _changed(experiment)}]
    text = resource("lessons/template.md").read_text(encoding="utf-8")
    for line, part in zip(("title = TITLE\n", "EXPERIMENT\n"), parts, strict=True):
        text = text.replace(line, tomli_w.dumps(part), 1)
    if len(text) > LONGEST:
        raise ExperimentError("The drawing is too long for a lesson: draw it with fewer strokes.")
    return text


def _changed(experiment: Experiment) -> dict[str, Any]:
    """The settings that are not at their defaults, by section."""
    tree: dict[str, Any] = {}
    for key, field in description.fields(experiment).items():
        value = description.value(experiment, key)
        if value != field.default or key.endswith(".kind"):
            section, _, name = key.rpartition(".")
            tree.setdefault(section, {})[name] = msgspec.to_builtins(value)
    return tree
