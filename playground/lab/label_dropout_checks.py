"""Scores that the network is asked for and training never shows it: what rests on them means nothing, and is not measured.

What training has shown so far decides; before its first step, what it would show by the settings.

Imports no torch, so that the window can ask before torch is loaded.
"""

from playground.kinds.chosen import Conditions
from playground.kinds.samplers import FollowsScore
from playground.lab.settings import Experiment


def untrained_conditional_score(experiment: Experiment, conditions: Conditions) -> str | None:
    """Say that the sampler follows scores of classes although training hid every label, and what helps; None where it
    does not."""
    sampling, share = experiment.sampling, experiment.training.label_dropout
    least, _ = conditions.hidden_labels or (share, share)
    if not conditions.classes or least < 1:
        return None
    if not isinstance(sampling, FollowsScore) or sampling.labels == "none" or sampling.source != "learned":
        return None
    why = "training.label_dropout = 1 hides every label" if share == 1 else "Training has hidden every label so far"
    helps = "choose a share below 1, such as 0.3, and train again, or" if share == 1 else f"{_on(share)}, or choose"
    return (
        f"{why}, so no class is learned, and the samples of sampling.labels = {sampling.labels} follow scores that were never "
        f"trained: {helps} sampling.labels = none."
    )


def untrained_unconditional_score(experiment: Experiment, conditions: Conditions) -> str | None:
    """Say that the score of all classes together was never trained, as every label was shown, and what rests on it;
    None where it was."""
    share = experiment.training.label_dropout
    _, largest = conditions.hidden_labels or (share, share)
    if not conditions.classes or largest > 0:
        return None
    on_it = "score errors"
    if experiment.likelihood.source == "learned":
        on_it = f"likelihoods, {on_it}"
    if experiment.sampling.follows == "learned":
        on_it += ", sampling.guidance and sampling.labels = none"
    if share == 0:
        why = "training.label_dropout = 0 shows the network every label, so the score without a class is never trained"
        helps = "choose a share above 0, such as 0.3, and train again"
    else:
        why = "Training has shown the network every label so far, so the score without a class is untrained"
        helps = _on(share)
    return f"{why}, and {on_it}, which need it, mean nothing: {helps}."


def _on(share: float) -> str:
    """Say what helps where the share has been changed since the training."""
    return f"resume or restart training with training.label_dropout = {share:g}"


def untrained_likelihood_score(experiment: Experiment, conditions: Conditions) -> str | None:
    """Return :func:`untrained_unconditional_score` where likelihoods are of the learned score, else None."""
    return untrained_unconditional_score(experiment, conditions) if experiment.likelihood.source == "learned" else None
