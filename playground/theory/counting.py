"""Counts of score evaluations (NFE, number of function evaluations), by which samplers are compared."""

import torch
from torch import Tensor

from playground.theory.guidance import LabelledScore, WithWeaker


class CountedScore:
    """A score that counts its evaluations at each particle.

    It wraps the network's score, inside any guidance, so a guided step with two evaluations counts as two. Those of a weaker
    score beside it are counted with its own. Gradients pass through it.

    Args:
        score: the score to count.
        particles: their number N. A call without :meth:`for_rows` counts once for every particle.

    Attributes:
        counts: the evaluations at each particle, (N,) int64.
    """

    def __init__(self, score: LabelledScore, particles: int) -> None:
        self._score = score
        self.counts = torch.zeros(particles, dtype=torch.int64)
        self.weaker: CountedScore | None = None
        if isinstance(score, WithWeaker) and score.weaker is not None:
            self.weaker = CountedScore(score.weaker, particles)
            self.weaker.counts = self.counts

    def __call__(self, x: Tensor, sigma: Tensor, *label: Tensor) -> Tensor:
        """The score at x (N, \\*shape) for sigma 0-d or (N,)."""
        self.counts += 1
        value: Tensor = self._score(x, sigma, *label)
        return value

    def for_rows(self, rows: Tensor) -> LabelledScore:
        """The score of the particles with these numbers, (n,) int64, each at most once."""

        def score(*place: Tensor) -> Tensor:
            self.counts[rows.cpu()] += 1
            value: Tensor = self._score(*place)
            return value

        return score

    @property
    def nfe_mean(self) -> float:
        """The number of evaluations so far, as a mean over particles; 0 without particles."""
        return float(self.counts.double().mean()) if len(self.counts) else 0.0

    @property
    def nfe_max(self) -> int:
        """The number of evaluations so far of the particle with the most."""
        return int(self.counts.max()) if len(self.counts) else 0
