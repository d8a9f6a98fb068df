"""Checks for scores that are used but were never trained: figures that need them mean nothing and are not measured.

The labels that training has hidden so far decide; before its first step, those that it would hide by the settings.

This module imports no torch, so that the window can check before torch is loaded.
"""

from playground.kinds.chosen import Conditions
from playground.lab.settings import Experiment
from playground.messages import Edit, Message, setting

SHARE = "training.label_dropout"


def untrained_conditional_score(experiment: Experiment, conditions: Conditions) -> Message | None:
    """Say that the sampler follows scores of classes although training hid every label, and what helps; None if it does
    not."""
    sampling, share = experiment.sampling, experiment.training.label_dropout
    least, _ = conditions.hidden_labels or (share, share)
    if not conditions.classes or least < 1:
        return None
    if sampling.labels == "none" or sampling.follows != "learned":
        return None
    if share == 1:
        why = Message("hides-all", "{} hides every label", (setting(SHARE, 1),))
        helps = Message("share-below-1", "choose a share below 1, such as 0.3, and train again, or")
    else:
        why = Message("hid-all", "Training has hidden every label so far")
        helps = Message("train-on", "{}, or choose", (_on(share),))
    return Message(
        "untrained-classes",
        "{}, so no class is learned, and the samples of {} follow scores that were never trained: {} {}.",
        (why, setting("sampling.labels", sampling.labels), helps, setting("sampling.labels", "none")),
        SHARE,
        (Edit("Use none", {"sampling.labels": "none"}),),
    )


def untrained_unconditional_score(experiment: Experiment, conditions: Conditions) -> Message | None:
    """Say that the score without a class was never trained, because every label was shown, and what needs that score.

    None if it was trained.
    """
    share = experiment.training.label_dropout
    _, largest = conditions.hidden_labels or (share, share)
    if not conditions.classes or largest > 0:
        return None
    on_it = Message("score-errors", "score errors")
    if experiment.likelihood.source == "learned":
        on_it = Message("likelihoods", "likelihoods, {}", (on_it,))
    if experiment.sampling.follows == "learned":
        samples = (setting("sampling.guidance"), setting("sampling.labels", "none"))
        on_it = Message("samples", "{}, {} and {}", (on_it, *samples))
    if share == 0:
        text = "{} shows the network every label, so the score without a class is never trained"
        why = Message("shows-all", text, (setting(SHARE, 0),))
        helps = Message("share-above-0", "choose a share above 0, such as 0.3, and train again")
    else:
        text = "Training has shown the network every label so far, so the score without a class is untrained"
        why, helps = Message("showed-all", text), _on(share)
    return Message(
        "untrained-without-class", "{}, and {}, which need it, mean nothing: {}.", (why, on_it, helps), SHARE
    )


def _on(share: float) -> Message:
    """Say what helps if the share has been changed since the training."""
    return Message("train-on", "resume or restart training with {}", (setting(SHARE, share),))


def untrained_likelihood_score(experiment: Experiment, conditions: Conditions) -> Message | None:
    """Return :func:`untrained_unconditional_score` if likelihoods use the learned score, otherwise None."""
    return untrained_unconditional_score(experiment, conditions) if experiment.likelihood.source == "learned" else None
