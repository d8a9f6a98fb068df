"""Pinned sampling runs, kept for comparison: their settings, cost and measured figures."""

import dataclasses
import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from playground.app.model import figures
from playground.app.model.edit_text import value_text
from playground.app.model.state import State
from playground.app.style.number_formats import THIN_SPACE, format_count
from playground.data.dataset import one_line
from playground.kinds.samplers import FollowsScore
from playground.lab import experiment as description
from playground.lab.document import Pin
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.figures import sorts_of
from playground.lab.keys import GIVEN, FiguresKey, ModelKey, TrainingKey
from playground.lab.measured import Figures
from playground.lab.session import LONGEST_RUNS, with_new_noise
from playground.lab.store import Store

KL = ("kl", "kl_of_smoothing")
"""Figures of the model whose score a run follows, measured on the test set."""
STEPS = "sampling.steps"
MOST = 60  # pinned runs at a time
MOST_NAMED = 3  # differences in a name
LONGEST_NAME = 60  # characters
SEPARATOR = " · "  # between the differences in a name
MOST_COUNT = 2**53  # of steps and evaluations; above it JSON's numbers are not exact


@dataclass(frozen=True, eq=False)
class PinnedRun:
    """A finished sampling run with its settings, cost and figures.

    Attributes:
        number: identifies the run.
        experiment: the settings with which it was sampled, including "auto".
        resolved: the value of each "auto", by dotted key.
        sampler_steps: steps of the sampler; None if each particle takes steps of its own.
        nfe_mean, nfe_max: mean and maximum score evaluations of one particle; None if not known.
        seconds: the sampler's time; None if not known.
        trained_steps: the training step of its weights; None for a known score, or if weights changed during sampling.
        trained_from: the training step at its start, if weights changed during sampling; else None.
        model: the network that it was sampled with; by default one that no training here has made.
        distances: the figures of its samples, which the store has; None if they were not measured.
        likelihoods: those of the model whose score it follows, measured on the test set, likewise.
    """

    number: int
    name: str
    experiment: Experiment
    resolved: Mapping[str, Any] = field(default_factory=dict)
    sampler_steps: int | None = None
    nfe_mean: float | None = None
    nfe_max: float | None = None
    seconds: float | None = None
    trained_steps: int | None = None
    trained_from: int | None = None
    model: ModelKey | None = None
    distances: Figures | None = None
    likelihoods: Figures | None = None

    @functools.cached_property
    def keys(self) -> tuple[FiguresKey, FiguresKey | None]:
        """Those of its figures: of its samples, and of its model if the score that it follows is that of the likelihoods."""
        assert self.model is not None
        sampling = self.experiment.sampling
        same = isinstance(sampling, FollowsScore) and sampling.source == self.experiment.likelihood.source
        return FiguresKey.of("Distances", self.model), FiguresKey.of("Likelihoods", self.model) if same else None

    @functools.cached_property
    def figures(self) -> Figures:
        """What was measured of its samples and of its model."""
        of_model = {name: figure for name, figure in (self.likelihoods or {}).items() if name in KL}
        return Figures.union([self.distances or {}, of_model])

    def setting(self, key: str) -> Any:
        """The value of a setting, with "auto" replaced.

        Raises:
            AttributeError: the run's kinds have no such setting.
        """
        return self.resolved[key] if key in self.resolved else description.value(self.experiment, key)

    def figure(self, key: str) -> float | None:
        """A figure that is a number, among them its cost; None if there is none."""
        costs = {"nfe_mean": self.nfe_mean, "nfe_max": self.nfe_max, "sampling_seconds": self.seconds}
        return costs[key] if key in costs else self.figures.number(key)

    @functools.cached_property
    def length(self) -> int:
        """Characters of its settings, which a drawing can make long."""
        return len(description.dump(self.experiment))

    @property
    def first_name(self) -> str:
        """The name before it is told from others: the sampler and its steps."""
        steps, sampler = self.sampler_steps, self.experiment.sampling.short
        return sampler if steps is None else f"{sampler} {format_count(steps)}"

    @property
    def is_measured(self) -> bool:
        """Whether its samples were measured, or the reason why they were not is known."""
        return self.distances is not None

    @property
    def is_at_floor(self) -> bool:
        """Whether its W2 is within the standard deviation of a perfect sampler's."""
        distance, floor, spread = map(self.figure, ("wasserstein2", "wasserstein2_floor", "wasserstein2_floor_std"))
        return distance is not None and floor is not None and spread is not None and distance <= floor + spread


class PinnedRuns(QObject):
    """The runs that the document pins, in the order in which they were pinned, with what is known of each.

    Args:
        store: returns the store that has their figures.

    Attributes:
        runs: they, with their present names and figures.

    Signals:
        changed(): the runs, a name or the figures changed.
    """

    changed = Signal()

    def __init__(self, state: State, store: Callable[[], Store], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._store = state, store
        self._all: dict[int, PinnedRun] = {}  # also those that undo or redo can bring back
        self.runs: tuple[PinnedRun, ...] = ()  # those that are pinned, with their present names
        state.document_changed.connect(self.look_up)

    @Slot()
    def look_up(self) -> None:
        """Take their names from the document and their figures from the store."""
        before, self.runs = self.runs, self.of(self._state.document.pins)
        self._all |= {run.number: run for run in self.runs}
        if self.runs != before:
            self.changed.emit()

    def of(self, pins: Iterable[Pin]) -> tuple[PinnedRun, ...]:
        """The runs of pins, with their names and figures."""
        return tuple(self._known(self._all[pin.number], pin.name) for pin in pins if pin.number in self._all)

    def _known(self, run: PinnedRun, name: str) -> PinnedRun:
        distances, likelihoods = (None if key is None else self._store().get(key) for key in run.keys)
        if name == run.name and distances is run.distances and likelihoods is run.likelihoods:
            return run
        return dataclasses.replace(run, name=name, distances=distances, likelihoods=likelihoods)

    @property
    def next_number(self) -> int:
        """A number that no run has, not even one that is pinned no longer."""
        return max(self._all, default=0) + 1

    @property
    def is_full(self) -> bool:
        """Whether a session could not keep another run."""
        runs = self.runs
        return len(runs) >= MOST or sum(run.length for run in runs) > LONGEST_RUNS // 2

    def get(self, number: int) -> PinnedRun | None:
        """The run with a number, pinned or not."""
        run = self._all.get(number)
        return run and self._known(run, run.name)

    def put(self, run: PinnedRun) -> None:
        """Take what is known of a run: its settings and its cost, and its figures if it comes with some."""
        self._all[run.number] = _kept(run, self._store())
        self.look_up()

    def load(self, runs: Sequence[PinnedRun], store: Store) -> tuple[Pin, ...]:
        """Take the runs of a file in place of all.

        Args:
            store: takes their figures; that of the work that comes.

        Returns:
            The pins of its document.
        """
        self._all = {run.number: _kept(run, store) for run in runs}
        self.look_up()
        return tuple(Pin(run.number, run.name) for run in runs)

    def pin(self, run: PinnedRun) -> None:
        """Pin a run by a step of the history. If others have the same first name, the names say how they differ."""
        self.put(run)
        names = {pin.number: pin.name for pin in self._state.document.pins}
        others = [other for other in self.runs if other.first_name == run.first_name]
        said = differences([*others, run], named=True) if others else {}
        for other in others:
            if other.name == other.first_name and said[other.number]:
                names[other.number] = _unused_name(other, said[other.number], names)
        names[run.number] = _unused_name(run, said.get(run.number, ""), names)
        self._state.put(pins=tuple(Pin(*named) for named in names.items()))

    def rename(self, number: int, name: str) -> None:
        """Name a run by a step of the history; an empty name changes nothing."""
        name, pins = clean_name(name), self._state.document.pins
        if name and any(pin.number == number and pin.name != name for pin in pins):
            self._state.put(pins=tuple(Pin(number, name) if pin.number == number else pin for pin in pins))

    def delete(self, number: int) -> None:
        """Take a run out of the list by a step of the history."""
        self._state.put(pins=tuple(pin for pin in self._state.document.pins if pin.number != number))


def _kept(run: PinnedRun, store: Store) -> PinnedRun:
    """A run whose figures, if it comes with some, are in a store."""
    if run.model is None:
        unknown = os.urandom(6).hex()  # the name of points and of a training that no other run has
        training = TrainingKey.of(run.experiment, ((GIVEN, unknown),), unknown)
        run = dataclasses.replace(run, model=ModelKey.after(training, 0, run.experiment))
    for key, found in zip(run.keys, (run.distances, run.likelihoods), strict=True):
        if key is not None and found is not None:
            store.hold(key, found)
    return run


def _unused_name(run: PinnedRun, difference: str, names: Mapping[int, str]) -> str:
    """The first name of a run with its difference; if another run has that name, with a number after it."""
    whole = f"{run.first_name}{SEPARATOR}{difference}" if difference else run.first_name
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
    for key in dict.fromkeys(key for _, fields in known for key in fields):
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


def to_json(runs: Sequence[PinnedRun]) -> list[dict[str, Any]]:
    """Runs as JSON values, for a session."""
    counts = ("sampler_steps", "nfe_mean", "nfe_max", "seconds", "trained_steps", "trained_from")
    return [
        {"experiment": description.dump(description.without_places(run.experiment))}
        | {name: figures.plain(getattr(run, name)) for name in ("name", "resolved", *counts)}
        | {"figures": figures.plain(run.figures.flat())}
        for run in runs
    ]


def from_json(saved: object, owner: Experiment, most: int | None = MOST) -> list[PinnedRun]:
    """The runs from the result of :func:`to_json`, as far as they are valid; the file may come from anyone.

    Args:
        owner: the experiment of the session or history that has the runs, see :func:`playground.lab.experiment.from_tree`.
        most: largest number of runs; None takes all, as for restored work with those that undo can bring back.
    """
    entries = saved[:most] if isinstance(saved, list | tuple) else ()
    found: dict[int, PinnedRun] = {}
    for place, entry in enumerate(entries, 1):
        number = _count(entry.get("number", place)) if isinstance(entry, dict) else None
        run = None if number is None or number in found else _run(entry, owner, number)
        if run is not None:
            found[run.number] = run
    return list(found.values())


def _run(saved: Mapping[str, Any], owner: Experiment, number: int) -> PinnedRun | None:
    if not isinstance(saved.get("experiment"), str):
        return None
    try:
        experiment = with_new_noise(description.parse(saved["experiment"], "a pinned run", owner), saved.get("noise"))
    except ExperimentError:
        return None
    known, resolved = description.fields(experiment), saved.get("resolved")
    name = saved.get("name")
    return PinnedRun(
        number=number,
        name=(clean_name(name) if isinstance(name, str) else "") or f"run {number}",
        experiment=experiment,
        resolved={
            key: value
            for key, value in (resolved.items() if isinstance(resolved, dict) else ())
            if key in known and description.value(experiment, key) == "auto" and _is_plain(value)
        },
        sampler_steps=_count(saved.get("sampler_steps")),
        nfe_mean=_size(saved.get("nfe_mean")),
        nfe_max=_size(saved.get("nfe_max")),
        seconds=_size(saved.get("seconds")),
        trained_steps=_count(saved.get("trained_steps")),
        trained_from=_count(saved.get("trained_from")),
        distances=figures.sound(saved.get("figures"), sorts_of("Distances")),
        likelihoods=figures.sound(saved.get("figures"), dict.fromkeys(KL, "number")),
    )


def _is_plain(value: object) -> bool:
    """Whether it is a possible value of a setting: a number or a short word."""
    return (isinstance(value, str) and len(value) <= LONGEST_NAME) or isinstance(value, bool) or _is_finite(value)


def _is_finite(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < MOST_COUNT  # type: ignore[arg-type]  # nan is not


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < MOST_COUNT else None


def _size(value: object) -> float | None:
    return float(value) if _is_finite(value) and value >= 0 else None  # type: ignore[arg-type,operator]
