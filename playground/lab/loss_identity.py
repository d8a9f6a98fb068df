"""The identity of a loss: losses of one identity belong on one curve, with one optimal loss.

This module imports no torch, so that the window can ask at once.
"""

from playground.kinds.objectives import Objective
from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment


def loss_identity(experiment: Experiment) -> tuple[Objective, str | None, float | None]:
    """The objective, the distribution of ln sigma and the label dropout: a loss with other ones is a mean of other terms
    and has another minimum.

    The stable-target batch is at most the training batch. Only a continuous process leaves a choice of noise levels, and
    not every network is given labels; otherwise these parts are None.
    """
    settings = resolve(experiment)
    training = settings.training
    assert training.batch != "auto"
    objective = settings.objective.loss_identity(training.batch)
    distribution = training.sigma_distribution if experiment.noise.is_continuous else None
    told = settings.network.is_told_classes(settings, None) is not False
    return objective, distribution, training.label_dropout if told else None
