"""Maximum likelihood by exact gradient ascent, its most probable states, and samples that follow it."""

import dataclasses
import math
from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from playground.lab.boltzmann.settings import Boltzmann, patterns_of
from playground.lab.experiment import ExperimentError
from playground.records import record
from playground.theory import boltzmann

Array = NDArray[np.float64]

LIKELY = 32  # states listed as the most probable
GROWTH = 1.03
"""Growth from one shown step to the next: learning is fast at first and then slows down like one over the step."""


@record
class Progress:
    """The state of gradient ascent. Gradients are with respect to the d(d - 1)/2 weights, one for each pair.

    Attributes:
        step: steps made.
        entropy: entropy of the patterns.
        optimal_nll: the least NLL of any machine without biases. It exceeds the entropy if negatives of patterns are missing.
        log_partition: log Z.
        weights: (d, d), symmetric, with zeros on the diagonal.
        data, model: (d, d) the correlations of the patterns and of the machine.
        steps, nlls: (C,) the curve so far, in nats per pattern.
        rate: learning rate that the next step tries first.
    """

    step: int
    entropy: float
    optimal_nll: float
    log_partition: float
    weights: Array
    data: Array
    model: Array
    steps: NDArray[np.int64]
    nlls: Array
    rate: float

    @property
    def nll(self) -> float:
        """Negative log-likelihood of a pattern, in nats."""
        return float(self.nlls[-1])

    @property
    def nll_excess(self) -> float:
        """Nats of the NLL above its least value: the Kullback-Leibler divergence from the symmetrised patterns."""
        return self.nll - self.optimal_nll

    @property
    def units(self) -> int:
        """The number of units d."""
        return len(self.weights)

    @property
    def states(self) -> int:
        """The number of terms in Z, 2^d."""
        return 1 << self.units

    @property
    def partition(self) -> Decimal:
        """Z, which can be larger than any float."""
        return Decimal(self.log_partition).exp()

    @property
    def partition_gradient(self) -> float:
        """Norm of the gradient of log Z."""
        return _norm(self.model)

    @property
    def nll_gradient(self) -> float:
        """Norm of the gradient of the NLL, the difference of the correlations."""
        return _norm(self.data - self.model)


def train(settings: Boltzmann, start: Progress | None = None) -> Iterator[Progress]:
    """Gradient ascent on the log-likelihood of the patterns; no step lets the NLL rise.

    The learning rate of the settings is that of the first step. Each later step takes its rate from the curvature along
    the step before. If the NLL would rise, the rate is halved until it does not: log Z is convex, so a short enough
    step never lets it rise. It yields at step 0 and then at ever wider steps, always at the same ones. Stop
    iterating to cancel.

    Args:
        settings: the patterns and how to train.
        start: the state to go on from, of the same patterns; by default W = 0.

    Raises:
        ExperimentError: there are no patterns.
    """
    patterns = torch.from_numpy(patterns_of(settings)).flatten(1).double()
    if not len(patterns):
        raise ExperimentError("There are no patterns to learn: give patterns, or data = bars-and-stripes.")
    data = boltzmann.correlations_of(patterns)
    bounds = boltzmann.entropy(patterns), boltzmann.least_nll(patterns)

    def summed(weights: Tensor) -> tuple[boltzmann.Enumeration, float]:
        """log Z, the correlations, and the NLL of a pattern."""
        found = boltzmann.enumerated(weights)
        return found, float(found.log_partition - boltzmann.log_weight(weights, patterns).mean())

    step, rate, weights = 0, settings.learning_rate, torch.zeros_like(data)
    steps, nlls = np.empty(0, np.int64), np.empty(0)
    if start is not None:
        step, rate, weights = start.step, start.rate, torch.from_numpy(start.weights)
        steps, nlls = start.steps, start.nlls
    shown = step
    found, nll = summed(weights)
    while True:
        if step >= min(shown, settings.steps):
            if step not in steps[-1:]:
                steps, nlls = np.append(steps, step), np.append(nlls, nll)
            matrices = weights.numpy(), data.numpy(), found.correlations.numpy()
            yield Progress(step, *bounds, float(found.log_partition), *matrices, steps, nlls, rate)
            shown = max(step + 1, math.ceil(step * GROWTH))
        if step >= settings.steps:
            return
        while True:
            higher = boltzmann.ascent_step(weights, data, found.correlations, rate)
            then, nll_then = summed(higher)
            if nll_then <= nll:
                break
            rate /= 2  # ends at the latest when the step is too short to change anything
        turned = (then.correlations - found.correlations).fill_diagonal_(0.0)
        rate = boltzmann.curvature_rate(higher - weights, turned) or rate
        weights, found, nll = higher, then, nll_then
        step += 1


def _norm(of_pairs: Array) -> float:
    return float(np.linalg.norm(np.triu(of_pairs, 1)))


@record
class Learned:
    """What a machine has learned after some steps.

    Attributes:
        states: (K, rows, columns) of -1 and +1, its most probable states in falling order of probability: 32, or all if
            there are fewer. Equally probable ones are in the order of their numbers.
        probabilities: (K,).
        known: (K,) whether each is one of the patterns.
        of_patterns: probability of all patterns together, whether or not they are among these states.
        samples: (N, rows, columns) of -1 and +1.
    """

    progress: Progress
    states: NDArray[np.int8]
    probabilities: Array
    known: NDArray[np.bool_]
    of_patterns: float
    samples: NDArray[np.int8]


def learn(settings: Boltzmann, start: Progress | None = None) -> Iterator[Learned]:
    """Train a machine as :func:`train` does, and draw samples at each step that it yields.

    Exact samples use the same random numbers each time, so that they change only with the probabilities. Gibbs chains
    start from noise and make one sweep at each of these steps, and at the end those of the settings, after each of which it
    yields too.
    """
    units, shape = settings.rows * settings.columns, (-1, settings.rows, settings.columns)
    patterns = boltzmann.numbers_of(torch.from_numpy(patterns_of(settings)).flatten(1)).unique()
    generator = torch.Generator().manual_seed(settings.seed)
    uniform = torch.rand(settings.samples, generator=generator, dtype=torch.float64)
    samples = (2 * torch.randint(2, (settings.samples, units), generator=generator) - 1).double()

    def pictures(states: Tensor) -> NDArray[np.int8]:
        return states.numpy().astype(np.int8).reshape(shape)

    for progress in train(settings, start):
        weights = torch.from_numpy(progress.weights)
        log_weights = boltzmann.log_weights(weights)
        if settings.sampler == "exact":
            samples = boltzmann.sample(log_weights, uniform)
        else:
            (samples,) = boltzmann.gibbs(weights, samples, 1, generator)
        probabilities = log_weights.softmax(0)
        # States that are equal up to rounding keep one order. Pictures would change places from step to step otherwise.
        order = torch.sort((-probabilities).float(), stable=True).indices[:LIKELY]
        likely = pictures(boltzmann.states_of(order, units)), probabilities[order].numpy()
        known, of_patterns = torch.isin(order, patterns).numpy(), float(probabilities[patterns].sum())
        learned = Learned(progress, *likely, known, of_patterns, pictures(samples))
        yield learned
    for swept in boltzmann.gibbs(weights, samples, settings.sweeps if settings.sampler == "gibbs" else 0, generator):
        yield dataclasses.replace(learned, samples=pictures(swept))
