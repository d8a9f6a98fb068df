"""Measured figures, each kept by the weights and settings that it is of, so that undo and a saved session bring it back."""

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from playground.lab import experiment as description
from playground.lab.along_sigma import ScoreErrors
from playground.lab.experiment import Experiment

if TYPE_CHECKING:
    from playground.app.bench import Bench

MEASUREMENTS = ("test-set", "quality", "fisher")
"""What is kept: figures of the held-out points, of the samples, and the score's errors along sigma."""

SETTINGS = {
    "test-set": (
        *(f"likelihood.{name}" for name in ("source", "points", "tolerance", "trace", "vectors", "probe", "draws")),
    ),
    "quality": ("sampling", "seed", "likelihood.points"),
    "fisher": ("likelihood.points",),
}
"""Of each measurement the settings that its figures are of, beside those that training depends on."""


def key(measurement: str, bench: "Bench", experiment: Experiment) -> tuple[Any, ...]:
    """What figures of the bench's present weights are kept by."""
    settings = tuple(description.value(experiment, name) for name in SETTINGS[measurement])
    return bench.weights.version, measurement, settings


def keep(bench: "Bench", of: tuple[Any, ...], found: Any) -> None:
    """Keep what was found for a key; what is of other weights goes, for they do not come back."""
    for other in [other for other in bench.figures if other[0] != of[0]]:
        del bench.figures[other]
    bench.figures[of] = found


def present(bench: "Bench", experiment: Experiment) -> dict[str, Any]:
    """What was measured of the bench's weights by these settings; nothing while the weights change."""
    if bench.training == "training":
        return {}
    found = {name: bench.figures.get(key(name, bench, experiment)) for name in MEASUREMENTS}
    return {name: figures for name, figures in found.items() if figures is not None}


def to_json(found: Mapping[str, Any]) -> dict[str, Any]:
    """The same as JSON values, for a session."""
    return {
        name: _plain(dataclasses.asdict(figures) if isinstance(figures, ScoreErrors) else figures)
        for name, figures in found.items()
    }


def from_json(saved: Mapping[str, Any]) -> dict[str, Any]:
    """What :func:`to_json` gave, as far as it is sound: it is shown, never computed with."""
    found: dict[str, Any] = {}
    for name in ("test-set", "quality"):
        figures = saved.get(name)
        if isinstance(figures, dict):
            reasons = figures.get("reasons", {})
            sound = {of: value for of, value in figures.items() if of != "reasons" and _is_figure(value)}
            why = reasons.items() if isinstance(reasons, dict) else ()
            found[name] = sound | {"reasons": {of: sentence for of, sentence in why if isinstance(sentence, str)}}
    errors = _errors(saved.get("fisher"))
    return found if errors is None else found | {"fisher": errors}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _is_figure(value: Any) -> bool:
    return (
        value is None
        or isinstance(value, int | float | str)
        or (isinstance(value, list) and all(isinstance(part, int | float) for part in value))
    )


def _errors(saved: Any) -> ScoreErrors | None:
    names = {field.name for field in dataclasses.fields(ScoreErrors)}
    if not isinstance(saved, dict) or set(saved) != names or saved["source"] not in ("exact", "empirical"):
        return None
    try:
        arrays = {name: np.array(saved[name], dtype=float) for name in names - {"fraction", "source"}}
    except (TypeError, ValueError):
        return None
    sigmas = arrays["sigmas"]
    if sigmas.ndim != 1 or not len(sigmas) or any(array.shape != sigmas.shape for array in arrays.values()):
        return None
    if not (sigmas > 0).all() or not (np.diff(sigmas) > 0).all():
        return None
    return ScoreErrors(fraction=1.0, source=saved["source"], **arrays)
