"""Experiments, and changes and differences of settings, in plain words, for the Edit menu, the history and the heads of columns."""

from collections.abc import Sequence
from typing import Any

from playground.app.model.columns import LETTERS, applied
from playground.app.style.labels import capital
from playground.app.style.number_formats import format_count, format_exactly, format_number
from playground.lab import experiment as description
from playground.lab.columns import Column, Columns
from playground.lab.document import Document
from playground.lab.experiment import Experiment, Field

LONGEST_NAME = 32  # characters
MOST_NAMED = 2  # settings that the text of one step names
SAME = "main settings"


def summary(experiment: Experiment) -> str:
    """The experiment in one line, as "two moons · denoising · 10 noise levels"."""
    noise, data = experiment.noise.phrase, experiment.data
    name = data.file.replace("\\", "/").rsplit("/", 1)[-1] if data.file else data.title
    objective = experiment.objective.kind.replace("-", " ")
    return f"{name} · {objective} · {noise}"


def edit_text(before: Experiment, after: Experiment) -> str:
    """The old and new values, for :meth:`QUndoCommand.setText`: the history's text, and on a second line the text
    after "Undo".

    After a choice, changes that follow from it are not named.

    >>> edit_text(Experiment(), description.replace(Experiment(), {"data.kind": "rings", "seed": 3}))
    'Data: Two moons → Rings\\ndata: Two moons → Rings'
    """
    known, now = description.fields(before), description.fields(after)
    changed = [key for key in description.differing(before, after) if key in known and key in now]
    opened = _opened(before, after)
    if opened:
        return f"Open {opened}\nopening of {opened}"
    named = [key for key in changed if key.endswith(".kind")] or changed
    if len(named) > MOST_NAMED:
        return f"{len(named)} settings\nchange of {len(named)} settings"
    said = ", ".join(
        f"{known[key].label}: {_became(known[key], description.value(before, key), description.value(after, key))}"
        for key in named
    )
    return f"{capital(said) if said[:1].isascii() else said}\n{said}"


def document_text(before: Document, after: Document) -> str:
    """A change of the document in plain words, as :func:`edit_text`."""
    lesson = after.lesson
    if lesson is not None and lesson != before.lesson:
        if lesson.step is None:
            return f"Scene: {lesson.title}\nscene: {lesson.title}"
        return f"{lesson.title}, step {lesson.step + 1}\nstep {lesson.step + 1} of {lesson.title}"
    if before.experiment != after.experiment or before == after:
        return edit_text(before.experiment, after.experiment)
    if before.digests != after.digests:
        return f"Open {_short(after.experiment.data.file)} again\nopening of its other contents"
    if before.pins != after.pins:
        old, new = ({pin.number: pin.name for pin in document.pins} for document in (before, after))
        for said, names in (
            ("Delete run {}\ndeletion of {}", [name for number, name in old.items() if number not in new]),
            ("Pin run {}\npinning of {}", [name for number, name in new.items() if number not in old]),
            ("Rename run {}\nrenaming of {}", [name for number, name in new.items() if old.get(number) != name]),
        ):
            if names:
                return said.format(names[-1], names[-1])
    if before.trainings != after.trainings:
        return "Reset training\nreset of training"
    if before.columns != after.columns:
        return _columns_text(after.experiment, before.columns, after.columns)
    return "Click a point\nclick on a point" if after.clicked else "Clear the clicked point\nclearing of the point"


def _columns_text(main: Experiment, before: Columns, after: Columns) -> str:
    """What happened to the columns of a comparison."""
    if not after:
        return "Leave the comparison\nleaving the comparison"
    changed = [place for place, (old, new) in enumerate(zip(before, after, strict=False)) if old != new]
    if len(before) == len(after) and len(changed) == 1:
        said = f"column {LETTERS[changed[0]]}: {difference(main, after[changed[0]], short=True)}"
        return f"{capital(said)}\n{said}"
    if after[:-1] == before:
        return "Add a column\nadding a column"
    if any(after == (*before[:place], *before[place + 1 :]) for place in range(len(before))):
        return "Remove a column\nremoving a column"
    return "Compare\ncomparison"


def difference(main: Experiment, column: Column, others: Sequence[Column] = (), short: bool = False) -> str:
    """The difference between a column and the main experiment, in words; a choice is named by its title alone.

    Args:
        others: a column without a difference has those values that these change.
        short: a sampler is named by its short name.

    >>> difference(Experiment(), Column.of({"sampling.kind": "probability-flow", "sampling.steps": 50}, step=100))
    'Probability flow, steps 50, training step 100'
    >>> difference(Experiment(), Column())
    'main settings'
    >>> difference(Experiment(), Column(), [Column.of({"sampling.kind": "edm"})])
    'Reverse SDE'
    >>> difference(Experiment(), Column.of({"sampling.kind": "edm"}), short=True)
    'EDM'
    """
    other = applied(main, column)
    before, known = description.fields(main), description.fields(other)
    changed = [
        key
        for key, value in column.edits
        if key in known
        and description.value(other, key) == value
        and (key not in before or description.value(main, key) != value)
    ]
    if not changed and column.step is None:
        changed = [key for key in dict.fromkeys(key for one in others for key, _ in one.edits) if key in known]
    said = []
    for key in changed:
        named = short and key == "sampling.kind"
        words = other.sampling.short if named else value_text(known[key], description.value(other, key))
        said.append(words if known[key].kind == "choice" else f"{known[key].label} {words}")
    if column.step is not None:
        said.append(f"training step {format_count(column.step)}")
    return ", ".join(said) or SAME


def _opened(before: Experiment, after: Experiment) -> str:
    """The name of the file or folder of the data, if it changed."""
    path = after.data.file if isinstance(after, Experiment) else ""
    return _short(path) if path and path != before.data.file else ""


def _became(field: Field, old: Any, new: Any) -> str:
    if field.kind == "list" and len(old) == len(new):
        different = [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]
        if len(different) != 1 or not isinstance(different[0][0], float):
            return f"{format_count(len(different))} of {format_count(len(new))} changed"
        ((old, new),) = different
    said = value_text(field, old), value_text(field, new)
    if said[0] == said[1]:  # equal in the few digits of a row
        said = format_exactly(old), format_exactly(new)
    return f"{said[0]} → {said[1]}"


def value_text(field: Field, value: Any) -> str:
    """A value as the window writes it; a list by its length."""
    if isinstance(value, tuple):
        return format_count(len(value)) if value else "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return field.title_of(value) if value in field.choices else _short(value) or "none"
    return format_number(value)


def _short(path: str) -> str:
    """A file's name, shortened in the middle if it is too wide for a menu."""
    name = path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME // 2]}…{name[-LONGEST_NAME // 2 :]}"
