"""The identity of a loss: losses of one identity can stand on one curve, beside one optimal loss. No torch, so the
window asks at once."""

from playground.kinds.objectives import Objective
from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment


def loss_identity(experiment: Experiment) -> tuple[Objective, str | None, float | None]:
    """The objective, the distribution of ln sigma and how many labels are hidden: where one of them differs, losses are means of other
    things with another floor.

    A reference batch is no larger than a batch; only a continuous process leaves a choice of noise levels; only a U-Net is told
    labels.
    """
    settings = resolve(experiment)
    training = settings.training
    assert training.batch != "auto"
    objective = settings.objective.loss_identity(training.batch)
    distribution = training.sigma_distribution if experiment.noise.is_continuous else None
    return objective, distribution, training.label_dropout if settings.network.takes_labels else None
