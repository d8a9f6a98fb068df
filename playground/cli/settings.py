"""Settings of the command line: from a file, then from ``--set``, then from ``--seed``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playground.lab import experiment as experiments
from playground.lab.document import Document, NeedsTraining
from playground.lab.experiment import Experiment
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
    changes = _changes(assignments, seed)
    paths = {key: str(Path(changes[key]).resolve()) for key in experiments.FILES if changes.get(key)}
    return experiments.replace(experiment, changes | paths)


def with_settings_after_training(document: Document, assignments: Sequence[str], seed: int | None) -> Document:
    """Return the document of a trained model, whose data, noise and network can no longer change, with other settings.

    `seed` is that of sampling.

    Raises:
        UserError: the change would need a new training.
        ExperimentError: the change cannot be used.
    """
    try:
        return document.after_training(_changes(assignments, seed))
    except NeedsTraining as error:
        raise UserError(
            f"--set {error.key} would need a new training: a trained model takes only sampling and likelihood."
        ) from None


def _changes(assignments: Sequence[str], seed: int | None) -> dict[str, Any]:
    return dict(map(experiments.assignment, assignments)) | ({} if seed is None else {experiments.SEED: seed})
