"""What was measured of the weights, by the keys under which the window's store has it, and as a session has it."""

import itertools
import math
import sys
from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import structs

from playground import messages
from playground.lab.keys import ABOUT, DEFAULT, FiguresKey, ModelKey
from playground.lab.measured import REASONS, Figures, owners
from playground.lab.store import Store
from playground.messages import Message

MEASUREMENTS = {
    "test-set": ("Likelihoods", "Integral"),
    "quality": ("Distances",),
    "budget": ("Error budget",),
    "paths": ("Path energy",),
    "fisher": ("Score along sigma",),
}
"""The parts of the figures that a user asks for at a time."""
TEXTS = ("reference_set", "density", "score_reference")
MESSAGES = ("energy_note",)
POINTS = ("sliced_wasserstein2_points", "wasserstein2_points", "two_sample_points", "budget_points", "path_points")
CURVES = tuple(
    f"{name}{end}" for name in ("fisher_divergence", "relative_score_error") for end in ("", "_standard_error")
)
LISTS = (
    *((key, f"{key}_standard_error", f"{key}_true") for key in ("mode_weights", "class_frequencies")),
    ("score_sigmas", *CURVES),
)
"""Figures that are not numbers: texts, messages, pairs of counts, and lists of equal length."""
OF_BEFORE: dict[str, str] = dict(
    zip(
        ("sigmas", "divergence", "divergence_error", "relative", "relative_error", "source"),
        ("score_sigmas", *CURVES, "score_reference"),
        strict=True,
    )
)
"""The names of the score's errors in sessions of earlier versions."""


def key(part: str, model: ModelKey) -> FiguresKey:
    """The key of a part. An error budget and paths have noise of their own, whatever that of the run in view is."""
    if ABOUT.get(part) == "sampling":
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


def from_json(saved: Mapping[str, Any]) -> dict[str, Figures]:
    """The valid figures in the result of :func:`to_json`. They are shown and never used for computing."""
    from playground.lab.run_figures import PARTS  # where a session is opened, torch is loaded

    found = {}
    for measurement, parts in MEASUREMENTS.items():
        for part in parts:
            figures = sound(saved.get(measurement), PARTS[part].keys)
            if figures is not None:
                found[part] = figures
    return found


def sound(saved: object, names: Container[str]) -> Figures | None:
    """The valid figures with these names in a file, and the reasons for missing ones; None if there are none."""
    if not isinstance(saved, dict):
        return None
    told: dict[str, Any] = {OF_BEFORE.get(str(name), str(name)): value for name, value in saved.items()}
    asked = {name: value for name, value in told.items() if owners(name, told)[0][0] in names}
    found = {name: _read(name, value) for name, value in asked.items() if _fits(name, value)}
    for lists in LISTS:
        lengths = {len(found.get(name) or ()) for name in lists}
        if len(lengths) > 1 or (lists[0] == "score_sigmas" and not _rises(found.get("score_sigmas") or ())):
            found = {name: value for name, value in found.items() if name not in lists}
    reasons = saved.get(REASONS)
    why = {name: messages.from_json(text) for name, text in (reasons if isinstance(reasons, dict) else {}).items()}
    missing = {name: message for name, message in why.items() if owners(name, told)[0][0] in names and message}
    return Figures.of(dict.fromkeys(missing) | found | {REASONS: missing}) if found or missing else None


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


def _read(name: str, value: Any) -> Any:
    if name in MESSAGES:
        return messages.from_json(value)
    return [math.nan if part is None else part for part in value] if name in CURVES and value is not None else value


def _fits(name: str, value: Any) -> bool:
    """Whether a value has the type of the figure with this name."""
    if value is None:
        return True
    if name in TEXTS:
        return isinstance(value, str)
    if name in MESSAGES:
        return messages.from_json(value) is not None
    if name == "nearest_neighbour_rows":
        return isinstance(value, list) and bool(value) and all(type(part) is int and part >= 0 for part in value)
    if name in POINTS or any(name in lists for lists in LISTS):
        if not isinstance(value, list) or not value:
            return False
        numbers = [part for part in value if part is not None or name not in CURVES]
        return all(map(_is_finite, numbers)) and (name not in POINTS or len(value) == 2)
    return _is_number(value)


def _rises(sigmas: Sequence[float]) -> bool:
    return all(low < high for low, high in itertools.pairwise((0.0, *sigmas)))


def _is_finite(value: Any) -> bool:
    return _is_number(value) and value == value


def _is_number(value: Any) -> bool:
    """Whether it is a finite number that floats can hold, or nan."""
    return type(value) in (int, float) and not abs(value) > sys.float_info.max
