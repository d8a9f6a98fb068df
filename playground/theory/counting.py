"""Counts of score evaluations (NFE, number of function evaluations), by which samplers are compared."""

import torch
from torch import Tensor

from playground.theory.guidance import LabelledScore


class CountedScore:
    """A score that counts its evaluations at each particle.

    It is wrapped around the score itself, inside any guidance: what guidance asks twice counts twice. Gradients pass through it.

    Args:
        score: counted at every call.
        particles: N, how many there are; a call without :meth:`for_rows` is one for all of them.
    """

    def __init__(self, score: LabelledScore, particles: int) -> None:
        self._score = score
        self._of_all = 0
        self._of_each = torch.zeros(particles, dtype=torch.int64)

    def __call__(self, x: Tensor, sigma: Tensor, *label: Tensor) -> Tensor:
        """The score at x (N, \\*shape) for sigma 0-d or (N,)."""
        self._of_all += 1
        value: Tensor = self._score(x, sigma, *label)
        return value

    def for_rows(self, rows: Tensor) -> LabelledScore:
        """The score of the particles with these numbers, (n,) int64, each at most once."""

        def score(x: Tensor, sigma: Tensor, *label: Tensor) -> Tensor:
            self._of_each[rows.cpu()] += 1
            value: Tensor = self._score(x, sigma, *label)
            return value

        return score

    @property
    def nfe_mean(self) -> float:
        """The evaluations so far, as the mean over particles; 0 where there are none."""
        return self._of_all + (float(self._of_each.double().mean()) if len(self._of_each) else 0.0)

    @property
    def nfe_max(self) -> int:
        """The evaluations so far of the particle that took most."""
        return self._of_all + (int(self._of_each.max()) if len(self._of_each) else 0)
