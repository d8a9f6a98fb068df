"""Measured figures with the weights and settings that they belong to, so that undo and a saved session restore them."""

import dataclasses
import json
import math
import sys
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from msgspec import structs

from playground import messages
from playground.app.model.weights import Weights
from playground.lab.experiment import Experiment
from playground.lab.keys import DEFAULT, Key, TrainingKey, WeightsKey
from playground.lab.score_error_curve import ScoreErrorCurve
from playground.lab.settings import Likelihood
from playground.lab.store import Kept, Store
from playground.messages import Message

Figures = Mapping[str, Any] | ScoreErrorCurve
"""The result of one measurement: figures by name, or the score's errors along sigma."""


class HasWeights(Protocol):
    """What is measured: a training, and the weights of it that are in use.

    Attributes:
        key: the training; None if nothing is kept of it.
        training: its status.
    """

    key: TrainingKey | None
    newest: Weights
    training: str


@dataclass(frozen=True, eq=False)
class Measurement:
    """The result of one measurement as it is kept, see :class:`playground.lab.store.Kept`."""

    measurement: str
    figures: Figures

    def packed(self) -> tuple[dict[str, str], dict[str, np.ndarray]]:
        return {"figures": json.dumps(to_json({self.measurement: self.figures}))}, {}

    @classmethod
    def unpacked(cls, texts: Mapping[str, str], _arrays: Mapping[str, np.ndarray]) -> Self:
        ((measurement, figures),) = from_json(json.loads(texts.get("figures", ""))).items()
        return cls(measurement, figures)


class MeasurementKey(Key, frozen=True, cache_hash=True):
    """A measurement of weights.

    Attributes:
        experiment: has only the settings that the figures depend on besides those of training.
    """

    measurement: str
    weights: WeightsKey
    experiment: Experiment

    kept: ClassVar[type[Kept] | None] = Measurement


MEASUREMENTS = ("test-set", "quality", "budget", "paths", "fisher")
"""The kept measurements: figures of held-out points, of samples, of the error budget, of paths between sets, and score errors."""

SETTINGS = {
    "test-set": ("source", "points", "tolerance", "trace", "trace_probes", "probes", "dequantization_samples"),
    "quality": ("points",),
    "fisher": ("points",),
}
"""By measurement: the settings of likelihoods that its figures depend on."""
OF_SAMPLER = ("quality", "budget", "paths")
"""The measurements that depend on the settings of sampling, the first on their seed too."""
TEXTS = ("reference_set", "density")
MESSAGES = ("energy_note",)
POINTS = ("sliced_wasserstein2_points", "wasserstein2_points", "two_sample_points", "budget_points", "path_points")
SHARES = tuple((key, f"{key}_standard_error", f"{key}_true") for key in ("mode_weights", "class_frequencies"))
"""Figures that are not numbers: texts, messages, pairs of counts, and lists of equal length."""


def key(measurement: str, training: TrainingKey, step: int, experiment: Experiment) -> MeasurementKey:
    """The key of figures of the weights after a step. Only those of the samples depend on the seed of sampling."""
    sampling = experiment.sampling if measurement in OF_SAMPLER else DEFAULT.sampling
    if measurement != "quality":
        sampling = structs.replace(sampling, seed=DEFAULT.sampling.seed)
    given = {name: getattr(experiment.likelihood, name) for name in SETTINGS.get(measurement, ())}
    settings = structs.replace(DEFAULT, sampling=sampling, likelihood=Likelihood(**given))
    return MeasurementKey(measurement, WeightsKey(training, step), settings)


def keep_saved(
    store: Store, saved: Mapping[str, Any], training: TrainingKey, step: int, experiment: Experiment
) -> None:
    """Keep the result of :func:`to_json` for the weights after a step and these settings."""
    for name, found in from_json(saved).items():
        store.hold(key(name, training, step, experiment), Measurement(name, found))


def present(store: Store, of: HasWeights, weights: Weights, experiment: Experiment) -> dict[str, Figures]:
    """The figures measured with these weights and settings; empty while training changes the weights."""
    if of.training == "training" or of.key is None:
        return {}
    found = {name: store.get(key(name, of.key, weights.made, experiment)) for name in MEASUREMENTS}
    return {name: kept.figures for name, kept in found.items() if kept is not None}


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
