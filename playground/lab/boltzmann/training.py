"""Maximum likelihood by exact gradient ascent: iterate the trainer, get progress; and samples that follow it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from playground.lab.boltzmann.settings import Boltzmann, patterns_of
from playground.lab.experiment import ExperimentError
from playground.theory import boltzmann
from playground.theory.boltzmann import Enumerator

Array = NDArray[np.float64]

GROWTH = 1.03
"""Growth from one shown step to the next: learning is fast at first and then slows down like one over the step."""


@dataclass(frozen=True, eq=False)
class Progress:
    """The state of gradient ascent. Gradients are with respect to the d(d - 1)/2 weights, one for each pair.

    Attributes:
        step: steps made.
        nll: negative log-likelihood of a pattern, in nats.
        entropy: entropy of the patterns.
        least: the least NLL of any machine without biases. It exceeds the entropy if negatives of patterns are missing.
        log_partition: log Z.
        partition_gradient: norm of the gradient of log Z.
        gradient: norm of the gradient of the NLL, the difference of the correlations.
        weights: (d, d), symmetric, with zeros on the diagonal.
        data, model: (d, d) the correlations of the patterns and of the machine.
        steps, nlls: (C,) the curve so far.
        rate: learning rate that the next step tries first.
        fraction: fraction of the steps that are to be made.
    """

    step: int
    nll: float
    entropy: float
    least: float
    log_partition: float
    partition_gradient: float
    gradient: float
    weights: Array
    data: Array
    model: Array
    steps: NDArray[np.int64]
    nlls: Array
    rate: float
    fraction: float

    @property
    def excess(self) -> float:
        """Nats of the NLL above its least value: the Kullback-Leibler divergence from the symmetrised patterns."""
        return self.nll - self.least


class Trainer:
    """Gradient ascent on the log-likelihood of the patterns; no step lets the NLL rise.

    The learning rate of the settings is that of the first step. Each later step takes its rate from the curvature along
    the step before. If the NLL would rise, the rate is halved until it does not: log Z is convex, so a short enough
    step never lets it rise. Iterating yields at step 0 and then at ever wider steps, always at the same ones. Stop
    iterating to cancel.

    Args:
        settings: the patterns and how to train.
        start: the state to go on from, of the same patterns; by default W = 0.

    Raises:
        ExperimentError: there are no patterns.
    """

    def __init__(self, settings: Boltzmann, start: Progress | None = None) -> None:
        patterns = patterns_of(settings)
        if not len(patterns):
            raise ExperimentError("There are no patterns to learn: give patterns, or data = bars-and-stripes.")
        self.settings = settings
        self.patterns = torch.from_numpy(patterns.reshape(len(patterns), -1)).double()
        self.enumerator = Enumerator(self.patterns.shape[1])
        self._data = boltzmann.correlations_of(self.patterns)
        self._entropy, self._least = boltzmann.entropy(self.patterns), boltzmann.least_nll(self.patterns)
        self._start = start

    def __iter__(self) -> Iterator[Progress]:
        start, total = self._start, self.settings.steps
        rate = self.settings.learning_rate if start is None else start.rate
        step = 0 if start is None else start.step
        weights = torch.zeros_like(self._data) if start is None else torch.from_numpy(start.weights)
        curve = [] if start is None else list(zip(start.steps.tolist(), start.nlls.tolist(), strict=True))
        shown = 0 if start is None else _next_shown(step)
        found, nll = self._enumerated(weights)
        while True:
            if step >= shown or step >= total:
                if not curve or curve[-1][0] < step:
                    curve.append((step, nll))
                yield self._progress(step, nll, weights, found, rate, curve)
                shown = _next_shown(step)
            if step >= total:
                return
            while True:
                higher = boltzmann.ascent_step(weights, self._data, found.correlations, rate)
                then, nll_then = self._enumerated(higher)
                if nll_then <= nll:
                    break
                rate /= 2  # ends at the latest when the step is too short to change anything
            turned = (then.correlations - found.correlations).fill_diagonal_(0.0)
            rate = boltzmann.curvature_rate(higher - weights, turned) or rate
            weights, found, nll = higher, then, nll_then
            step += 1

    def _enumerated(self, weights: Tensor) -> tuple[boltzmann.Enumeration, float]:
        """log Z, the correlations, and the NLL of a pattern."""
        found = self.enumerator(weights)
        return found, float(found.log_partition - boltzmann.log_weight(weights, self.patterns).mean())

    def _progress(
        self,
        step: int,
        nll: float,
        weights: Tensor,
        found: boltzmann.Enumeration,
        rate: float,
        curve: list[tuple[int, float]],
    ) -> Progress:
        model = found.correlations
        steps, nlls = zip(*curve, strict=True)
        return Progress(
            step=step,
            nll=nll,
            entropy=self._entropy,
            least=self._least,
            log_partition=float(found.log_partition),
            partition_gradient=_norm(model),
            gradient=_norm(self._data - model),
            weights=weights.numpy().copy(),
            data=self._data.numpy().copy(),
            model=model.numpy().copy(),
            steps=np.array(steps, np.int64),
            nlls=np.array(nlls),
            rate=rate,
            fraction=min(step / self.settings.steps, 1.0),
        )


def _next_shown(step: int) -> int:
    return max(step + 1, math.ceil(step * GROWTH))


def _norm(of_pairs: Tensor) -> float:
    return float(torch.triu(of_pairs, 1).norm())


@dataclass(frozen=True, eq=False)
class MostProbable:
    """The most probable states, in falling order of probability.

    Attributes:
        states: (K, rows, columns) of -1 and +1.
        probabilities: (K,).
        learned: (K,) whether each is one of the patterns.
        of_patterns: probability of all patterns together, whether or not they are among these states.
    """

    states: NDArray[np.int8]
    probabilities: Array
    learned: NDArray[np.bool_]
    of_patterns: float


def most_probable(settings: Boltzmann, weights: Array, count: int) -> MostProbable:
    """The `count` most probable states, or all if there are fewer; equally probable ones in the order of their numbers."""
    units = settings.rows * settings.columns
    probabilities = Enumerator(units).log_weights(torch.from_numpy(weights)).softmax(0)
    # States that are equal up to rounding keep one order. Pictures would change places from step to step otherwise.
    order = torch.sort((-probabilities).float(), stable=True).indices[:count]
    found = boltzmann.states_of(order, units)
    pictures = found.numpy().astype(np.int8).reshape(-1, settings.rows, settings.columns)
    patterns = torch.from_numpy(patterns_of(settings).reshape(-1, units))
    numbers = np.unique(boltzmann.numbers_of(patterns).numpy())
    of_patterns = float(probabilities.numpy()[numbers].sum())
    return MostProbable(pictures, probabilities[order].numpy(), are_patterns(settings, pictures), of_patterns)


def are_patterns(settings: Boltzmann, pictures: NDArray[np.int8]) -> NDArray[np.bool_]:
    """(N,) whether each picture (N, rows, columns) is one of the patterns."""
    known = {pattern.tobytes() for pattern in patterns_of(settings)}
    return np.array([picture.tobytes() in known for picture in pictures], bool)


class Samples:
    """N samples of a machine, updated while it learns, by the sampler of the settings.

    Exact samples use the same random numbers each time, so that they change only with the probabilities. Gibbs chains
    start from noise and go on from their last states.
    """

    def __init__(self, settings: Boltzmann) -> None:
        self._settings = settings
        self._generator = torch.Generator().manual_seed(settings.seed)
        units = settings.rows * settings.columns
        self._enumerator = Enumerator(units)
        self._uniform = torch.rand(settings.samples, generator=self._generator, dtype=torch.float64)
        start = torch.randint(2, (settings.samples, units), generator=self._generator)
        self._chains = (2 * start - 1).double()

    def follow(self, weights: Array, sweeps: int = 1) -> NDArray[np.int8]:
        """The samples under these weights, (N, rows, columns); Gibbs chains make so many sweeps first."""
        matrix = torch.from_numpy(weights)
        if self._settings.sampler == "gibbs":
            *_, found = boltzmann.gibbs(matrix, self._chains, sweeps, self._generator)
            self._chains = found
        else:
            found = boltzmann.sample(self._enumerator.log_weights(matrix), self._uniform)
        return found.numpy().astype(np.int8).reshape(-1, self._settings.rows, self._settings.columns)
