"""Plain twins of code that the program has in a faster or a more general form, for scripts that run without it.

A twin has the name and the arguments of what it replaces. The tests run scripts of every kind and compare their losses and samples
with the program's.
"""

import zlib

import numpy as np
import torch
from torch import Tensor

Randomness = torch.Generator
"""The source of a run's random numbers."""
StepRandomness = torch.Generator
"""The source of a step's random numbers."""


class UserError(Exception):
    """Something asked for that cannot be done."""


def stream(seed: int, purpose: str) -> torch.Generator:
    """Random numbers of one purpose, independent of those of the others."""
    mixed = np.random.SeedSequence([seed, zlib.crc32(purpose.encode())])
    return torch.Generator().manual_seed(int(mixed.generate_state(1, np.uint64)[0] >> np.uint64(1)))


def normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers in the shape of `like`."""
    return torch.randn(like.shape, generator=generator, dtype=like.dtype)


def over(source: torch.Generator, start: float, end: float) -> torch.Generator:
    """The source of random numbers for a step from `start` to `end`."""
    return source


def area(source: torch.Generator) -> torch.Generator:
    """The source of a step's Levy area."""
    return source


def others(source: torch.Generator) -> torch.Generator:
    """The source of random numbers for correctors, and for the acceptance of steps."""
    return source


def group_means(x: Tensor, y: Tensor, sigma: Tensor, count: int) -> Tensor:
    """The expected x (N, D) of noisy points y within each group of `count` points, for noise levels sigma (N,)."""
    means = []
    for start in range(0, len(x), count):
        stop = min(start + count, len(x))
        group = x[max(0, stop - count) : stop]  # an incomplete last group is filled with the points before it
        centre = group.mean(0)
        clean = group - centre
        logits = (y[start:stop] - centre) @ clean.T - 0.5 * clean.square().sum(1)
        means.append((logits / sigma[start:stop, None].square()).softmax(1) @ clean + centre)
    return torch.cat(means)


def adam_with_average(
    live: Tensor, gradient: Tensor, first: Tensor, second: Tensor, average: Tensor, rate: float, step: int, ema: float
) -> None:
    """Make Adam's `step`-th step and update the moving average of the weights. All vectors are (P,) and changed in place."""
    first.lerp_(gradient, 0.1)
    second.lerp_(gradient.square(), 0.01)
    spread = (second / (1 - 0.99**step)).sqrt() + 1e-8
    live.sub_(rate / (1 - 0.9**step) * first / spread)
    average.lerp_(live, 1 - min(ema, step / (9 + step)))
