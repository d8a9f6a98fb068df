"""Measured figures with the weights and settings that they belong to, so that undo and a saved session restore them."""

import dataclasses
import math
import sys
from collections.abc import Container, Mapping
from typing import Any, Protocol

import numpy as np

from playground import messages
from playground.app.model.weights import Weights
from playground.lab import experiment as description
from playground.lab.experiment import Experiment
from playground.lab.score_error_curve import ScoreErrorCurve
from playground.messages import Message

Figures = Mapping[str, Any] | ScoreErrorCurve
"""The result of one measurement: figures by name, or the score's errors along sigma."""
Key = tuple[object, ...]


class Measured(Protocol):
    """Figures, and the weights that they belong to."""

    figures: dict[Key, Figures]
    newest: Weights
    training: str

    @property
    def weights(self) -> Weights:
        """The weights that are measured now: the newest, or those of the chosen training step."""

    @property
    def lasting_versions(self) -> frozenset[int]:
        """The versions of the weights that can be measured again."""


MEASUREMENTS = ("test-set", "quality", "budget", "paths", "fisher")
"""The kept measurements: figures of held-out points, of samples, of the error budget, of paths between sets, and score errors."""

SETTINGS = {
    "test-set": (
        *(
            f"likelihood.{name}"
            for name in ("source", "points", "tolerance", "trace", "trace_probes", "probes", "dequantization_samples")
        ),
    ),
    "quality": ("sampling", "likelihood.points"),
    "budget": ("sampling",),
    "paths": ("sampling",),
    "fisher": ("likelihood.points",),
}
"""By measurement: the settings that its figures depend on, besides those of training."""
TEXTS = ("reference_set", "density")
MESSAGES = ("energy_note",)
POINTS = ("sliced_wasserstein2_points", "wasserstein2_points", "two_sample_points", "budget_points", "path_points")
SHARES = tuple((key, f"{key}_standard_error", f"{key}_true") for key in ("mode_weights", "class_frequencies"))
"""Figures that are not numbers: texts, messages, pairs of counts, and lists of equal length."""


def key(measurement: str, weights: Weights, experiment: Experiment) -> Key:
    """The key of figures of these weights. Only those of the samples depend on the seed of sampling."""
    if measurement != "quality":
        experiment = description.replace(experiment, {"sampling.seed": 0})
    settings = tuple(description.value(experiment, name) for name in SETTINGS[measurement])
    return weights.version, measurement, settings


def keep(workspace: Measured, of: Key, found: Figures) -> None:
    """Keep the figures of a key, and drop those of weights that cannot come back."""
    lasting = {of[0], *workspace.lasting_versions}
    for other in [other for other in workspace.figures if other[0] not in lasting]:
        del workspace.figures[other]
    workspace.figures[of] = found


def keep_saved(workspace: Measured, saved: Mapping[str, Any], experiment: Experiment) -> None:
    """Keep the result of :func:`to_json` for the newest weights and these settings."""
    for name, found in from_json(saved).items():
        keep(workspace, key(name, workspace.newest, experiment), found)


def present(workspace: Measured, weights: Weights, experiment: Experiment) -> dict[str, Figures]:
    """The figures measured with these weights and settings; empty while training changes the weights."""
    if workspace.training == "training":
        return {}
    found = {name: workspace.figures.get(key(name, weights, experiment)) for name in MEASUREMENTS}
    return {name: figures for name, figures in found.items() if figures is not None}


def to_json(found: Mapping[str, Figures]) -> dict[str, Any]:
    """The figures as JSON values, for a session."""
    return {
        name: plain(dataclasses.asdict(figures) if isinstance(figures, ScoreErrorCurve) else figures)
        for name, figures in found.items()
    }


def from_json(saved: Mapping[str, Any]) -> dict[str, Figures]:
    """The valid figures in the result of :func:`to_json`. They are shown and never used for computing."""
    from playground.lab import error_budget, path_energy  # where a session is opened, torch is loaded
    from playground.lab.evaluation import METRICS, OF_SAMPLES

    found: dict[str, Figures] = {}
    for name, keys in (
        ("test-set", {*METRICS, "integral"} - {*OF_SAMPLES}),
        ("quality", {*OF_SAMPLES}),
        ("budget", {*error_budget.METRICS}),
        ("paths", {*path_energy.METRICS}),
    ):
        figures = sound(saved.get(name), keys)
        if figures is not None:
            found[name] = figures
    errors = _errors(saved.get("fisher"))
    return found if errors is None else found | {"fisher": errors}


def sound(saved: object, keys: Container[str]) -> dict[str, Any] | None:
    """The valid figures of these keys in a file, and the reasons for missing ones; None if there are no figures."""
    if not isinstance(saved, dict):
        return None
    reasons = saved.get("reasons", {})
    found = {of: value for of, value in saved.items() if of in keys and _fits(of, value)}
    found |= {of: messages.from_json(found[of]) for of in MESSAGES if of in found}
    for first, *others in SHARES:
        shares = found.get(first)
        if shares and any(len(found.get(of) or ()) != len(shares) for of in others):
            del found[first]
    why = {of: messages.from_json(text) for of, text in reasons.items()} if isinstance(reasons, dict) else {}
    return found | {"reasons": {of: message for of, message in why.items() if message is not None}}


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


def _fits(of: str, value: Any) -> bool:
    """Whether a value has the type of the figure with this name."""
    if value is None:
        return True
    if of in TEXTS:
        return isinstance(value, str)
    if of in MESSAGES:
        return messages.from_json(value) is not None
    if of == "nearest_neighbour_rows":
        return isinstance(value, list) and bool(value) and all(type(part) is int and part >= 0 for part in value)
    if of in POINTS or any(of in shares for shares in SHARES):
        numbers = isinstance(value, list) and bool(value) and all(_is_number(part) and part == part for part in value)
        return numbers and (of not in POINTS or len(value) == 2)
    return _is_number(value)


def _is_number(value: Any) -> bool:
    """Whether it is a finite number that floats can hold, or nan."""
    return type(value) in (int, float) and not abs(value) > sys.float_info.max


def _errors(saved: Any) -> ScoreErrorCurve | None:
    names = {field.name for field in dataclasses.fields(ScoreErrorCurve)}
    if not isinstance(saved, dict) or set(saved) != names or saved["source"] not in ("exact", "empirical"):
        return None
    try:
        arrays = {name: np.array(saved[name], dtype=float) for name in names - {"fraction", "source"}}
    except (TypeError, ValueError, OverflowError):
        return None
    sigmas = arrays["sigmas"]
    if sigmas.ndim != 1 or not len(sigmas) or any(array.shape != sigmas.shape for array in arrays.values()):
        return None
    if not (sigmas > 0).all() or not (np.diff(sigmas) > 0).all():
        return None
    return ScoreErrorCurve(fraction=1.0, source=saved["source"], **arrays)
