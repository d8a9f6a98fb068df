"""Experiments of many kinds with a few settings in common, which not every kind has."""

from collections.abc import Mapping
from typing import Any

from playground.kinds.datasets import DataSource
from playground.kinds.noise import Noise
from playground.lab.experiment import Experiment, fields, replace

LOCAL = ("langevin", "mala")  # at one noise level
SAMPLERS = (*LOCAL, "annealed-langevin", "reverse-sde", "probability-flow", "edm")
CONTINUOUS = [name for name, kind in Noise.kinds().items() if kind.is_continuous]


def dotted(changes: Mapping[str, object]) -> dict[str, object]:
    """Keyword arguments such as data__kind by their settings' keys."""
    return {key.replace("__", "."): to for key, to in changes.items()}


def fitting(common: Mapping[str, object], given: Mapping[str, object] | None = None) -> Experiment:
    """The experiment of the given settings, and of the common ones those that its kinds have."""
    every = {**common, **(given or {})}
    chosen = replace(Experiment(), {key: kind for key, kind in every.items() if key.endswith(".kind")})
    known = fields(chosen)
    return replace(chosen, {key: to for key, to in every.items() if key in known or key in (given or {})})


def fitting_source(kind: str, common: Mapping[str, object]) -> DataSource:
    """The data source of a kind, with those of the common settings that it has."""
    source = DataSource.kinds()[kind]
    known: dict[str, Any] = {name: to for name, to in common.items() if name in source.__struct_fields__}
    return source(**known)
