"""The identity of a loss: losses of one identity can stand on one curve, beside one optimal loss. No torch, so the
window asks at once."""

import msgspec

from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment
from playground.lab.settings import PROCESSES, Objective


def loss_identity(experiment: Experiment) -> tuple[Objective, str | None, float | None]:
    """The objective, the distribution of ln sigma and how many labels are hidden: where one of them differs, losses are means of other
    things with another floor.

    A reference batch is no larger than a batch; only a continuous process leaves a choice of noise levels; only a U-Net is told
    labels.
    """
    settings = resolve(experiment)
    objective, training = settings.objective, settings.training
    assert objective.target_batch != "auto"
    assert training.batch != "auto"
    if objective.kind == "denoising":
        objective = msgspec.structs.replace(objective, target_batch=min(objective.target_batch, training.batch))
    distribution = training.sigma_distribution if experiment.noise.kind in PROCESSES else None
    return objective, distribution, training.label_dropout if settings.network.kind == "u-net" else None
