"""What was measured of the weights, by the keys under which the window's store has it, and as a session has it."""

import itertools
import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta, structs

from playground import messages
from playground.lab.figures import sorts_of
from playground.lab.figures.parts import PARTS
from playground.lab.figures.spec import Sort
from playground.lab.keys import DEFAULT, FiguresKey, ModelKey, TrainingKey
from playground.lab.measured import REASONS, Figures, Measured
from playground.lab.recovery import keep_training
from playground.lab.session import Session
from playground.lab.store import Store
from playground.messages import Message

MEASUREMENTS: dict[str, tuple[str, ...]] = {
    job: tuple(name for name, part in PARTS.items() if part.asked == job)
    for job in dict.fromkeys(part.asked for part in PARTS.values() if part.asked)
}
"""The parts of the figures that a user asks for at a time."""
Finite = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
VALUES: dict[Sort, Any] = {
    "number": Finite,
    "text": str,
    "shares": Annotated[tuple[Finite, ...], Meta(min_length=1)],
    "levels": Annotated[tuple[Finite, ...], Meta(min_length=1)],
    "curve": Annotated[tuple[Finite | None, ...], Meta(min_length=1)],
    "rows": Annotated[tuple[Annotated[int, Meta(ge=0)], ...], Meta(min_length=1)],
    "counts": tuple[Finite, Finite],
}
"""What the value of a figure of each sort is in a file; a message is read by :mod:`playground.messages`."""
OF_BEFORE = {
    "sigmas": "score_sigmas",
    "divergence": "fisher_divergence",
    "divergence_error": "fisher_divergence_standard_error",
    "relative": "relative_score_error",
    "relative_error": "relative_score_error_standard_error",
    "source": "score_reference",
}
"""The names of the score's errors in sessions of earlier versions."""


def key(part: str, model: ModelKey) -> FiguresKey:
    """The key of a part. An error budget and paths have noise of their own, whatever that of the run in view is."""
    if PARTS[part].about == "sampling":
        sampling = structs.replace(model.experiment.sampling, seed=DEFAULT.sampling.seed)
        model = structs.replace(model, experiment=structs.replace(model.experiment, sampling=sampling))
    return FiguresKey.of(part, model)


def known(store: Store, model: ModelKey | None) -> dict[str, Figures]:
    """The parts that were measured of a model; none without a key."""
    if model is None:
        return {}
    found = {part: store.get(key(part, model)) for parts in MEASUREMENTS.values() for part in parts}
    return {part: figures for part, figures in found.items() if figures is not None}


def to_json(found: Mapping[str, Figures]) -> dict[str, Any]:
    """The figures by part as JSON values, for a session."""
    told = {
        measurement: [found[part] for part in parts if part in found] for measurement, parts in MEASUREMENTS.items()
    }
    return {measurement: plain(Figures.union(parts).flat()) for measurement, parts in told.items() if parts}


def keep(store: Store, saved: Mapping[str, Any], model: ModelKey) -> None:
    """Keep the result of :func:`to_json`, or that of an earlier version, as what was measured of a model."""
    for part, figures in from_json(saved).items():
        store.hold(key(part, model), figures)


def keep_session(store: Store, key: TrainingKey, session: Session | None) -> None:
    """Keep what a session has of its training, and what was measured of it, as what came of a training."""
    if session is not None:
        made_for, trained = session.experiment, session.trained
        # As files of before have no others.
        told = {name: getattr(made_for, name) for name in ("objective", "training")}
        course = msgspec.to_builtins(told) | dict(trained.course)
        keep_training(store, key, replace(trained, course=course), session.kept_points)
        held_out = None if session.experiment.data.known_density else len(session.held_out)
        keep(store, session.measurements, ModelKey.after(key, session.step, session.experiment, held_out))


def from_json(saved: Mapping[str, Any]) -> dict[str, Figures]:
    """The valid figures in the result of :func:`to_json`. They are shown and never used for computing."""
    found = {name: sound(saved.get(part.asked), sorts_of(name)) for name, part in PARTS.items() if part.asked}
    return {name: figures for name, figures in found.items() if figures is not None}


def sound(saved: object, sorts: Mapping[str, Sort]) -> Figures | None:
    """The valid figures with these names in a file, and the reasons for missing ones; None if there are none.

    Args:
        sorts: what the value of each is.
    """
    if not isinstance(saved, dict):
        return None
    reasons = saved.get(REASONS)
    why = {name: messages.from_json(text) for name, text in (reasons if isinstance(reasons, dict) else {}).items()}
    told = {name: message for name, message in why.items() if message}
    given = {OF_BEFORE.get(str(name), str(name)): value for name, value in saved.items() if name != REASONS}
    read = Figures.of(dict.fromkeys(told) | given | {REASONS: told})
    found = {name: read[name] for name in read.keys() & sorts if _fits(sorts[name], read[name])}
    lists = {name: figure for name, figure in found.items() if sorts[name] in ("levels", "curve")}
    if len({len(figure.value or ()) for figure in lists.values()}) > 1 or "score_sigmas" not in lists:
        found = {name: figure for name, figure in found.items() if name not in lists}
    return Figures({name: _read(sorts[name], figure) for name, figure in found.items()}) if found else None


def plain(value: Any) -> Any:
    """One figure, or several, as JSON values."""
    if isinstance(value, Message):
        return messages.to_json(value)
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _read(sort: Sort, figure: Measured) -> Measured:
    """A valid figure as it was before it was written."""
    if figure.value is None:
        return Measured(None, reason=figure.reason)
    if sort == "message":
        return replace(figure, value=messages.from_json(figure.value))
    if sort == "curve":
        value, error = (
            tuple(math.nan if one is None else one for one in part) for part in (figure.value, figure.error)
        )
        return replace(figure, value=value, error=error)
    return figure


def _fits(sort: Sort, figure: Measured) -> bool:
    """Whether a figure is what its name says."""
    value, error, floor = figure.value, figure.error, figure.floor
    if value is None:
        return True
    if sort == "message":
        return messages.from_json(value) is not None
    beside = {"shares": (error, floor), "curve": (error,)}.get(sort, ())
    try:
        for part in (value, *beside):
            msgspec.convert(part, VALUES[sort])
        if sort == "number":
            msgspec.convert((error, floor, figure.floor_std), tuple[Finite | None, ...])
            msgspec.convert(figure.points, tuple[Finite, Finite] | None)
    except msgspec.ValidationError:
        return False
    if any(len(part) != len(value) for part in beside):
        return False
    return sort != "levels" or all(low < high for low, high in itertools.pairwise((0.0, *value)))
