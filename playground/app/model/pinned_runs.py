"""The names of pinned runs, how they differ, and how a session has them."""

import os
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from playground.app.model import figures
from playground.app.model.edit_text import value_text
from playground.app.style.number_formats import THIN_SPACE, format_count
from playground.data.dataset import one_line
from playground.lab import experiment as description
from playground.lab.document import Document
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.figures import sorts_of
from playground.lab.keys import GIVEN, FiguresKey, ModelKey, TrainingKey
from playground.lab.measured import Figures, Measured, missing
from playground.lab.pinned_run import KL, PinnedRun
from playground.lab.session import LONGEST_RUNS
from playground.lab.store import Store
from playground.messages import plain

KnownRun = tuple[PinnedRun, Figures]
"""A run with what is known of its cost and its figures."""
COST = {"nfe_mean": "nfe_mean", "nfe_max": "nfe_max", "seconds": "sampling_seconds"}
"""The figures of a run's cost, by their names in a session."""
WAITING = plain("These samples are being measured.")
STEPS = "sampling.steps"
MOST = 60  # pinned runs at a time
MOST_NAMED = 3  # differences in a name
LONGEST_NAME = 60  # characters
SEPARATOR = " · "  # between the differences in a name
MOST_COUNT = 2**53  # of steps and evaluations; above it JSON's numbers are not exact


def known_runs(document: Document, store: Store, waiting: Container[FiguresKey] = ()) -> tuple[KnownRun, ...]:
    """The runs that a document pins, in the order in which they were pinned, each with what a store has of its figures.

    Args:
        waiting: the keys of figures of samples that are being measured.
    """
    measured_next = missing((*sorts_of("Distances"), *KL), WAITING)
    return tuple(
        (run, Figures.union([measured_next if run.keys["Distances"] in waiting else {}, run.figures(store)]))
        for run in document.pins
    )


def unknown_model(experiment: Experiment) -> ModelKey:
    """The key of a network that no training here has made, with an experiment's settings."""
    name = os.urandom(6).hex()  # of points and of a training that no other run has
    return ModelKey.after(TrainingKey.of(experiment, ((GIVEN, name),), name), 0, experiment)


def is_full(runs: Sequence[PinnedRun]) -> bool:
    """Whether a session could not keep another run."""
    return len(runs) >= MOST or sum(run.length for run in runs) > LONGEST_RUNS // 2


def is_measured(figures: Figures) -> bool:
    """Whether a run's samples were measured, or the reason why they were not is known."""
    return any(figures[name].reason != WAITING for name in figures.keys() & sorts_of("Distances"))


def with_run(runs: Sequence[PinnedRun], run: PinnedRun) -> tuple[PinnedRun, ...]:
    """Runs with one more. If others have the same first name, the names say how they differ."""
    names = {one.number: one.name for one in runs}
    others = [other for other in runs if _first_name(other) == _first_name(run)]
    said = differences([*others, run], named=True) if others else {}
    for other in others:
        if other.name == _first_name(other) and said[other.number]:
            names[other.number] = _unused_name(other, said[other.number], names)
    names[run.number] = _unused_name(run, said.get(run.number, ""), names)
    return tuple(named(one, names[one.number]) for one in (*runs, run))


def named(run: PinnedRun, name: str) -> PinnedRun:
    """A run by another name."""
    return run if run.name == name else msgspec.structs.replace(run, name=name)


def _first_name(run: PinnedRun) -> str:
    """The name before it is told from others: the sampler and its steps."""
    steps, sampler = run.sampler_steps, run.experiment.sampling.short
    return sampler if steps is None else f"{sampler} {format_count(steps)}"


def _unused_name(run: PinnedRun, difference: str, names: Mapping[int, str]) -> str:
    """The first name of a run with its difference; if another run has that name, with a number after it."""
    whole = f"{_first_name(run)}{SEPARATOR}{difference}" if difference else _first_name(run)
    while len(whole) > LONGEST_NAME and SEPARATOR in whole:
        whole = whole.rpartition(SEPARATOR)[0]  # a number that is cut would be another one
    name = clean_name(whole)
    taken, count = {other for number, other in names.items() if number != run.number}, 1
    while (f"{name} ({count})" if count > 1 else name) in taken:
        count += 1
    return f"{name} ({count})" if count > 1 else name


def clean_name(name: str) -> str:
    """The name in one line and with the allowed length, its numbers unbroken; "" if nothing is left."""
    return THIN_SPACE.join(filter(None, map(one_line, name.split(THIN_SPACE))))[:LONGEST_NAME].strip()


def differing_keys(runs: Sequence[PinnedRun]) -> list[str]:
    """The settings that differ among the runs that have them, in the order of the cards; and the steps.

    Values of "auto" are left out, because they follow from other settings in the list.
    """
    found, known = [], [(run, description.fields(run.experiment)) for run in runs]
    sections = {
        name
        for name in Experiment.__struct_fields__
        if any(getattr(run.experiment, name) != getattr(runs[0].experiment, name) for run in runs)
    }
    for key in dict.fromkeys(key for _, fields in known for key in fields):
        if key != STEPS and key.partition(".")[0] not in sections:
            continue
        values = [
            run.setting(key) if key == STEPS else description.value(run.experiment, key)
            for run, fields in known
            if key in fields
        ]
        if any(value != values[0] for value in values):
            found.append(key)
    return sorted(found, key=lambda key: key in description.SEEDS)  # the seeds last


def differences(runs: Sequence[PinnedRun], beside_names: bool = False, named: bool = False) -> dict[int, str]:
    """The differences between each run and the others, in words, by the run's number.

    Args:
        beside_names: leave out what the run's name already says.
        named: for a name: only the first ones, and a choice by its title alone.
    """
    keys, found = differing_keys(runs), {}
    trainings = {_trained(run) for run in runs} - {""}
    for run in runs:
        known = description.fields(run.experiment)
        said = []
        for key in keys:
            if key not in known or (key == STEPS and run.sampler_steps is None):
                continue
            value = value_text(known[key], run.setting(key))
            if not (beside_names and _has_word(run.name, value)):
                said.append(value if named and known[key].kind == "choice" else f"{known[key].label} {value}")
        trained = _trained(run)
        tells = len(trainings) > 1 or (run.trained_from is not None and not named)
        if trained and tells and not (beside_names and _has_word(run.name, trained)):
            said.append(trained)
        found[run.number] = SEPARATOR.join(said[:MOST_NAMED]) if named else ", ".join(said)
    return found


def _trained(run: PinnedRun) -> str:
    """The training steps of a run's weights in words; "" if they are not known."""
    if run.trained_from is not None:
        return f"while training from step {format_count(run.trained_from)}"
    return "" if run.trained_steps is None else f"{format_count(run.trained_steps)} training steps"


def _has_word(name: str, value: str) -> bool:
    """Whether a name contains a value as a separate word."""
    return f" {value.casefold()} " in f" {name.casefold()} "


def to_json(runs: Iterable[PinnedRun], store: Store) -> list[dict[str, Any]]:
    """Runs as JSON values, for a session, with what a store has of their figures."""
    return [
        {"experiment": description.dump(description.without_places(run.experiment)), "resolved": dict(run.resolved)}
        | {name: getattr(run, name) for name in ("name", "sampler_steps", "trained_steps", "trained_from")}
        | {name: found.number(key) for name, key in COST.items()}
        | {"figures": figures.plain(Figures({key: found[key] for key in found.keys() - {*COST.values()}}).flat())}
        for run in runs
        for found in [run.figures(store)]
    ]


def from_json(saved: object, store: Store, most: int | None = MOST) -> tuple[PinnedRun, ...]:
    """The runs from the result of :func:`to_json`, as far as they are valid; the file may come from anyone.

    Args:
        store: takes their figures.
        most: largest number of runs; None takes all, as for restored work with those that undo can bring back.
    """
    entries = saved[:most] if isinstance(saved, list | tuple) else ()
    found: dict[int, PinnedRun] = {}
    for place, entry in enumerate(entries, 1):
        number = _count(entry.get("number", place)) if isinstance(entry, dict) else None
        run = None if number is None or number in found else _run(entry, number, store)
        if run is not None:
            found[run.number] = run
    return tuple(found.values())


def _run(saved: Mapping[str, Any], number: int, store: Store) -> PinnedRun | None:
    if not isinstance(saved.get("experiment"), str):
        return None
    try:
        experiment = description.parse(saved["experiment"], "a pinned run")
    except ExperimentError:
        return None
    known, resolved = description.fields(experiment), saved.get("resolved")
    name = saved.get("name")
    run = PinnedRun(
        number=number,
        name=(clean_name(name) if isinstance(name, str) else "") or f"run {number}",
        experiment=experiment,
        model=unknown_model(experiment),
        resolved=tuple(
            (key, value)
            for key, value in (resolved.items() if isinstance(resolved, dict) else ())
            if key in known and description.value(experiment, key) == "auto" and _is_plain(value)
        ),
        sampler_steps=_count(saved.get("sampler_steps")),
        trained_steps=_count(saved.get("trained_steps")),
        trained_from=_count(saved.get("trained_from")),
    )
    told = saved.get("figures")
    hold(
        run,
        store,
        Sampling=Figures({key: Measured(_size(saved.get(name))) for name, key in COST.items()}),
        Distances=figures.sound(told, sorts_of("Distances")),
        Likelihoods=figures.sound(told, dict.fromkeys(KL, "number")),
    )
    return run


def hold(run: PinnedRun, store: Store, **parts: Figures | None) -> None:
    """Put figures of a run into a store, by part, as far as there are some."""
    for part, key in run.keys.items():
        found = parts.get(part)
        if found is not None:
            store.hold(key, found)


def _is_plain(value: object) -> bool:
    """Whether it is a possible value of a setting: a number or a short word."""
    return (isinstance(value, str) and len(value) <= LONGEST_NAME) or isinstance(value, bool) or _is_finite(value)


def _is_finite(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < MOST_COUNT  # type: ignore[arg-type]  # nan is not


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < MOST_COUNT else None


def _size(value: object) -> float | None:
    return float(value) if _is_finite(value) and value >= 0 else None  # type: ignore[arg-type,operator]
