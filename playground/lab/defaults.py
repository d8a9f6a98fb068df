"""The values of "auto" that follow from other settings alone. They need no data and no torch, so the window shows them
at once.

The other values are in the unit of the data and need the data: :meth:`playground.lab.problem.Problem.resolve` finds
those of the noise, and :func:`playground.lab.sampling.step_in_user_units` the step of Langevin dynamics.
"""

import msgspec

from playground.kinds.networks import Network
from playground.kinds.noise import Noise
from playground.kinds.objectives.denoising import Denoising
from playground.kinds.samplers import FromNoise
from playground.lab.settings import Experiment, Likelihood, Training

SECONDS, IMAGE_SECONDS = 20.0, 120.0
"""Seconds of training if no number of steps is given: a U-Net has then learned the digits without memorizing them."""
BATCH, IMAGE_BATCH = 512, 64
"""Points in a training step. With an MLP, 512 take hardly longer than 64; with convolutions, eight times as long."""


def resolve(experiment: Experiment) -> Experiment:
    """The experiment with each "auto" that the other settings decide replaced by its value."""
    images = experiment.data.images
    if not experiment.noise.has_score:
        experiment = _between_sets(experiment)
    return msgspec.structs.replace(
        experiment,
        data=experiment.data.resolve(),
        network=_network(experiment.network.resolve(images), experiment.noise),
        objective=experiment.objective.resolve(images, experiment.noise),
        training=_training(experiment.training, images),
        sampling=experiment.sampling.resolve(images),
        likelihood=_likelihood(experiment.likelihood, images),
    )


def _between_sets(experiment: Experiment) -> Experiment:
    """The values of a flow that starts at a set: each point has a start of its own, and paths are straight in time."""
    objective, sampling = experiment.objective, experiment.sampling
    if isinstance(objective, Denoising):
        target = 1 if objective.target_batch == "auto" else objective.target_batch
        objective = msgspec.structs.replace(objective, target_batch=target)
    if isinstance(sampling, FromNoise) and sampling.time_grid == "auto":
        sampling = msgspec.structs.replace(sampling, time_grid="time")
    return msgspec.structs.replace(experiment, objective=objective, sampling=sampling)


def _network(network: Network, noise: Noise) -> Network:
    if network.prediction != "auto":
        return network
    return msgspec.structs.replace(network, prediction="velocity" if noise.learns_velocity else "v")


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
