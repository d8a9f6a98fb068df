"""Counts of score evaluations (NFE, number of function evaluations), by which samplers are compared."""

import torch
from torch import Tensor

from playground.records import record
from playground.theory.guidance import LabelledScore, WithWeaker


class CountedScore:
    """A score that counts its evaluations at each particle.

    It wraps the network's score, inside any guidance, so a guided step with two evaluations counts as two. Those of a weaker
    score beside it are counted with its own. Gradients pass through it.

    Args:
        score: the score to count.
        particles: their number N. A call without :meth:`for_rows` counts once for every particle.
    """

    def __init__(self, score: LabelledScore, particles: int) -> None:
        self._score = score
        self._of_all = 0
        self._of_each = torch.zeros(particles, dtype=torch.int64)
        found = score.weaker if isinstance(score, WithWeaker) else None
        self.weaker: LabelledScore | None = None if found is None else _Beside(self, found)

    def __call__(self, x: Tensor, sigma: Tensor, *label: Tensor) -> Tensor:
        """The score at x (N, \\*shape) for sigma 0-d or (N,)."""
        return self.of_all(self._score, x, sigma, *label)

    def of_all(self, score: LabelledScore, *place: Tensor) -> Tensor:
        """Evaluate a score and count it for every particle."""
        self._of_all += 1
        value: Tensor = score(*place)
        return value

    def for_rows(self, rows: Tensor) -> LabelledScore:
        """The score of the particles with these numbers, (n,) int64, each at most once."""
        return self.of_rows(self._score, rows)

    def of_rows(self, counted: LabelledScore, rows: Tensor) -> LabelledScore:
        """A score that is counted for the particles with these numbers, (n,) int64."""

        def score(*place: Tensor) -> Tensor:
            self._of_each[rows.cpu()] += 1
            value: Tensor = counted(*place)
            return value

        return score

    @property
    def nfe_mean(self) -> float:
        """The number of evaluations so far, as a mean over particles; 0 without particles."""
        return self._of_all + (float(self._of_each.double().mean()) if len(self._of_each) else 0.0)

    @property
    def nfe_max(self) -> int:
        """The number of evaluations so far of the particle with the most."""
        return self._of_all + (int(self._of_each.max()) if len(self._of_each) else 0)


@record
class _Beside:
    """A score whose evaluations count with those of another."""

    counted: CountedScore
    score: LabelledScore

    def __call__(self, *place: Tensor) -> Tensor:
        return self.counted.of_all(self.score, *place)

    def for_rows(self, rows: Tensor) -> LabelledScore:
        return self.counted.of_rows(self.score, rows)
