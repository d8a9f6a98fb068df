"""The menu for the settings that a column changes, made from the settings' own descriptions."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from playground.app.model.columns import applied, changed, presets
from playground.app.model.edit_text import value_text
from playground.app.style.labels import capital
from playground.app.style.number_formats import format_count
from playground.kinds.kind import Kind
from playground.lab import experiment as description
from playground.lab.columns import Column
from playground.lab.experiment import Experiment, ExperimentError, Field

# The columns share start and points, and their noise.
LEFT_OUT = frozenset({"sampling.particles", "sampling.inpainting_image", "sampling.label", "sampling.seed"})
KINDS = {"sampling": "Sampler", "noise": "Noise", "objective": "Objective", "network": "Network"}
MOST_STEPS = 12  # most training steps in the menu

Choose = Callable[[Column], None]


def fill(
    menu: QMenu, main: Experiment, resolved: Experiment | None, column: Column, steps: Sequence[int], choose: Choose
) -> None:
    """Fill a menu with everything that the column may change; current values are checked.

    Args:
        resolved: the main experiment with every "auto" replaced by its number, if known.
        steps: the training steps whose weights a column can use.
        choose: called with the changed column.
    """
    menu.clear()
    experiment = applied(main, column)
    known = description.fields(experiment)

    def take(key: str, value: Any) -> None:
        try:
            choose(changed(main, column, key, value))
        except ExperimentError:
            return  # the menu offers only values that fit the experiment

    for section, title in KINDS.items():
        if section == "noise":
            for field in known.values():
                if field.key.startswith("sampling.") and _is_offered(field, experiment):
                    _add_field(menu, field, experiment, resolved, take)
            menu.addSeparator()
        kinds: dict[str, type[Kind]] = dict(type(getattr(experiment, section)).kinds())
        options = [(tag, kind.title) for tag, kind in kinds.items()]
        _add_values(menu, title, options, getattr(experiment, section).kind, partial(take, f"{section}.kind"))
    if steps:
        every = max(1, -(-len(steps) // MOST_STEPS))
        some = steps[::-1][::every][::-1]
        shown = [(None, "As in view"), *((step, format_count(step)) for step in some)]
        _add_values(menu, "Training step", shown, column.step, lambda step: choose(Column(column.edits, step)))


def _is_offered(field: Field, experiment: Experiment) -> bool:
    applies = field.when is None or field.when(experiment)
    return (
        applies and field.key not in LEFT_OUT and not field.key.endswith(".kind") and field.kind not in ("list", "text")
    )


def _add_field(
    menu: QMenu,
    field: Field,
    experiment: Experiment,
    resolved: Experiment | None,
    take: Callable[[str, Any], None],
) -> None:
    value = description.value(experiment, field.key)
    if field.kind == "choice":
        values: list[Any] = list(field.choices)
    elif field.kind == "bool":
        values = [True, False]
    else:
        number = value if value != "auto" else _number(resolved, field.key)
        values = [*(["auto"] if field.auto else []), *([value] if value != "auto" else [])]
        values += presets(field, float(number)) if number is not None else []
        values = sorted(values, key=lambda each: (each != "auto", 0 if each == "auto" else each))
    options = [
        (each, "Auto" if each == "auto" and field.kind != "choice" else value_text(field, each)) for each in values
    ]
    _add_values(menu, capital(field.label), options, value, partial(take, field.key))


def _number(resolved: Experiment | None, key: str) -> float | None:
    """The number for "auto"; None if it is not known."""
    if resolved is None or key not in description.fields(resolved):
        return None
    found = description.value(resolved, key)
    return float(found) if isinstance(found, int | float) else None


def _add_values(
    menu: QMenu,
    title: str,
    options: list[tuple[Any, str]],
    present: Any,
    take: Callable[[Any], None],
) -> None:
    part = menu.addMenu(title.replace("&", "&&"))
    group = QActionGroup(part)
    for value, words in options:
        action = part.addAction(words.replace("&", "&&"))
        action.setCheckable(True)
        action.setChecked(value == present)
        group.addAction(action)
        action.triggered.connect(lambda _=False, value=value: take(value))
