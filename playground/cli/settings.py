"""Settings of the command line: from a file, then from ``--set``, then from ``--seed``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from playground.lab import experiment as experiments
from playground.lab.experiment import Experiment
from playground.lab.model import changes_after_training
from playground.user_errors import UserError


def read_experiment(path: Path | None, assignments: Sequence[str], seed: int | None) -> Experiment:
    """Read an experiment file, or take the default experiment, and change settings.

    Raises:
        ExperimentError: the file or a change cannot be used.
    """
    return with_settings(Experiment() if path is None else experiments.load(path), assignments, seed)


def with_settings(experiment: Experiment, assignments: Sequence[str], seed: int | None) -> Experiment:
    """The experiment with ``section.key=value`` changes; a changed path is relative to the current folder.

    A seed that has a change of its own keeps that; `seed` sets the others.

    Raises:
        ExperimentError: a change cannot be used.
    """
    return _changed(experiment, _changes(assignments, seed))


def with_settings_after_training(experiment: Experiment, assignments: Sequence[str], seed: int | None) -> Experiment:
    """Return the changed settings of a trained model, whose data, noise and network can no longer change.

    `seed` is that of sampling.

    Raises:
        UserError: the change would need a new training.
        ExperimentError: the change cannot be used.
    """
    changes, other = changes_after_training(_changes(assignments, seed))
    if other is not None:
        raise UserError(f"--set {other} would need a new training: a trained model takes only sampling and likelihood.")
    return _changed(experiment, changes)


def _changes(assignments: Sequence[str], seed: int | None) -> dict[str, Any]:
    return dict(map(experiments.assignment, assignments)) | ({} if seed is None else {experiments.SEED: seed})


def _changed(experiment: Experiment, changes: Mapping[str, Any]) -> Experiment:
    paths = {key: str(Path(changes[key]).resolve()) for key in experiments.FILES if changes.get(key)}
    return experiments.replace(experiment, {**changes, **paths})
