"""Scores that the network is asked for and training never shows it: what rests on them means nothing, and is not measured.

Imports no torch, so that the window can ask before torch is loaded.
"""

from playground.lab.refusals import Conditions
from playground.lab.settings import Experiment


def untrained_classes(experiment: Experiment, conditions: Conditions) -> str | None:
    """That the sampler follows scores of classes although training hid every label, and what helps; None where it does not."""
    sampling = experiment.sampling
    if not conditions.classes or experiment.training.label_dropout < 1:
        return None
    if sampling.labels == "none" or sampling.source != "learned" or sampling.kind == "forward":
        return None
    return (
        "training.label_dropout = 1 hides every label, so no class is learned, and the samples of sampling.labels = "
        f"{sampling.labels} follow scores that were never trained: choose a share below 1, such as 0.3, and train anew, or "
        "sampling.labels = none."
    )


def untrained_whole(experiment: Experiment, conditions: Conditions) -> str | None:
    """That the score of all classes together was never trained, as every label was told, and what rests on it; or None."""
    if not conditions.classes or experiment.training.label_dropout > 0:
        return None
    on_it = "score errors"
    if experiment.likelihood.source == "learned":
        on_it = f"likelihoods, {on_it}"
    if experiment.sampling.source == "learned":
        on_it += ", sampling.guidance and sampling.labels = none"
    return (
        f"training.label_dropout = 0 tells the network every label, so the score without one is never trained, and {on_it} mean "
        "nothing, for they rest on it: choose a share above 0, such as 0.3, and train anew."
    )


def untrained_likelihoods(experiment: Experiment, conditions: Conditions) -> str | None:
    """The same where likelihoods are taken of the learned score, or None."""
    return untrained_whole(experiment, conditions) if experiment.likelihood.source == "learned" else None
