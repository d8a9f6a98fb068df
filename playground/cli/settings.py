"""Settings of the command line: from a file, then from ``--set``, then from ``--seed``."""

from collections.abc import Sequence
from pathlib import Path

from playground.lab import experiment as experiments
from playground.lab.experiment import Experiment
from playground.lab.model import AFTER_TRAINING
from playground.user_errors import UserError


def read_experiment(path: Path | None, assignments: Sequence[str], seed: int | None) -> Experiment:
    """Read an experiment file, or take the default experiment, and change settings.

    Raises:
        ExperimentError: the file or a change cannot be used.
    """
    return with_settings(Experiment() if path is None else experiments.load(path), assignments, seed)


def with_settings(experiment: Experiment, assignments: Sequence[str], seed: int | None) -> Experiment:
    """The experiment with ``section.key=value`` changes; a changed path is relative to the current folder.

    Raises:
        ExperimentError: a change cannot be used.
    """
    changes = dict(map(experiments.assignment, assignments))
    if seed is not None:
        changes["seed"] = seed
    for key in experiments.FILES:
        if changes.get(key):
            changes[key] = str(Path(changes[key]).resolve())
    return experiments.replace(experiment, changes)


def with_settings_after_training(experiment: Experiment, assignments: Sequence[str], seed: int | None) -> Experiment:
    """Return the changed settings of a trained model, whose data, noise and network can no longer change.

    Raises:
        UserError: the change would need a new training.
        ExperimentError: the change cannot be used.
    """
    for text in assignments:
        key, _ = experiments.assignment(text)
        if not key.startswith(AFTER_TRAINING):
            raise UserError(
                f"--set {key} would need a new training: a trained model takes only sampling, likelihood and seed."
            )
    return with_settings(experiment, assignments, seed)
