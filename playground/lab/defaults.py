"""The values of "auto" that follow from other settings alone. They need no data and no torch, so the window shows them
at once.

The other values are in the unit of the data and need the data: :meth:`playground.lab.problem.Problem.resolve` finds
those of the noise, and :func:`playground.lab.sampling.step_in_user_units` the step of Langevin dynamics.
"""

import msgspec

from playground.lab.settings import Experiment, Likelihood, Training

SECONDS, IMAGE_SECONDS = 20.0, 120.0
"""Seconds of training if no number of steps is given: a U-Net has then learned the digits without memorizing them."""
BATCH, IMAGE_BATCH = 512, 64
"""Points in a training step. With an MLP, 512 take hardly longer than 64; with convolutions, eight times as long."""


def resolve(experiment: Experiment) -> Experiment:
    """The experiment with each "auto" that the other settings decide replaced by its value."""
    images, sampling = experiment.data.images, experiment.sampling
    if not experiment.noise.has_score:
        sampling = sampling.between_sets()
    return msgspec.structs.replace(
        experiment,
        data=experiment.data.resolve(),
        network=experiment.network.resolve(images, experiment.noise),
        objective=experiment.objective.resolve(images, experiment.noise),
        training=_training(experiment.training, images),
        sampling=sampling.resolve(images),
        likelihood=_likelihood(experiment.likelihood, images),
    )


def _training(training: Training, images: bool) -> Training:
    seconds = training.seconds
    if seconds == "auto" and training.steps == "auto":
        seconds = IMAGE_SECONDS if images else SECONDS
    batch = (IMAGE_BATCH if images else BATCH) if training.batch == "auto" else training.batch
    return msgspec.structs.replace(training, seconds=seconds, batch=batch)


def _likelihood(likelihood: Likelihood, images: bool) -> Likelihood:
    if likelihood.trace != "auto":
        return likelihood
    return msgspec.structs.replace(likelihood, trace="hutchinson" if images else "exact")


EVALUATION_PASSES = 4096
"""Most points whose loss is computed at once, times the axes along which each is differentiated."""
