"""The tilted density of guided samples, and how far the samples are from it: see :mod:`playground.theory.tilting`."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from playground.lab.conflicts import LEAST_SAMPLES, tilted_conflict, why_too_few_samples
from playground.lab.fields import grid_over
from playground.lab.figures import needing
from playground.lab.measured import Measured, mean_floor, missing
from playground.lab.problem import Problem
from playground.lab.sample_metrics import DISTANCE_POINTS, FLOOR_PAIRS, NO_SAMPLES, PROJECTIONS
from playground.theory import metrics
from playground.theory.class_densities import ClassDensities
from playground.theory.densities import GaussianMixture
from playground.theory.tilting import TiltedDensity

KL_POINTS, KL_PAIRS = 2_000, 5
"""Draws of the tilted density for the KL, and pairs of clouds for its floor: a tenth of a second each."""

Array = NDArray[np.floating]


class Tilted:
    """The tilted density of the classes that an experiment samples, in the user's units.

    One class has the density p(x | c) p(c | x)^w. All classes have the mixture of theirs, with the classes' frequencies.
    Autoguidance does not aim at it: w is then 0, and the density is that of the classes themselves.

    Args:
        classes: the known densities, in the user's units and double precision.
        label: the class, or None for all.
        scale: w.
    """

    def __init__(self, classes: ClassDensities, label: int | None, scale: float) -> None:
        labels = range(classes.count) if label is None else [label]
        self._densities = [TiltedDensity(classes, number, scale) for number in labels]
        self._shares = torch.ones(1).double() if label is not None else classes.frequencies.double()

    def prob(self, x: Tensor) -> Tensor:
        """The density at x (N, 2) in the user's units, (N,)."""
        parts = [
            share * density.log_prob(x).exp() for share, density in zip(self._shares, self._densities, strict=True)
        ]
        return torch.stack(parts).sum(0)

    def kl_to(self, samples: Tensor, generator: torch.Generator) -> float:
        """KL(tilted || samples) in nats, over KL_POINTS draws of the tilted density.

        Its own density is exact, and that of the samples is told by the distance to the fifth nearest of them.

        Args:
            samples: (N, 2) in the user's units.
        """
        x = self.sample(KL_POINTS, generator)
        return metrics.kl_to_known(self.prob(x).log(), metrics.neighbour_log_density(x, samples))[0]

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Independent draws, (count, 2) in the user's units."""
        chosen = torch.multinomial(self._shares, count, replacement=True, generator=generator)
        found = torch.empty((count, 2), dtype=torch.float64)
        for number, density in enumerate(self._densities):
            rows = chosen == number
            if rows.any():
                found[rows] = density.sample(int(rows.sum()), generator)
        return found


def tilted(problem: Problem) -> Tilted | None:
    """The tilted density of an experiment's samples, or None: see :func:`playground.lab.conflicts.tilted_conflict`."""
    sampling, known = problem.experiment.sampling, problem.dataset.density
    if tilted_conflict(problem.experiment, problem.conditions) is not None:
        return None
    assert isinstance(known, GaussianMixture)
    classes = ClassDensities.of(known.to("cpu", torch.float64))
    label = sampling.label if sampling.labels == "one" else None
    return Tilted(classes, label, 0.0 if sampling.guide == "checkpoint" else sampling.guidance)


def tilted_over(problem: Problem, density: Tilted, bounds: tuple[float, float, float, float]) -> Array:
    """A tilted density at the middles of about `CELLS` cells of a rectangle, per squared user unit: (rows, columns)."""
    grid = grid_over(problem, bounds)
    found: Array = density.prob(torch.from_numpy(grid.reshape(-1, 2))).reshape(grid.shape[:2]).numpy()
    return found


def add_tilted(problem: Problem, samples: Array | None, found: dict[str, Measured]) -> Iterator[float]:
    """Write the figures of the tilted density into `found`, or why they are missing; yields the fraction done.

    - tilted_sliced_wasserstein2: sliced Wasserstein-2 distance between the samples and as many draws of the tilted density,
      in the user's units, at most DISTANCE_POINTS. Its floor is the distance between two such draws, over FLOOR_PAIRS pairs.
    - tilted_kl: KL(tilted || samples) in nats, see :meth:`Tilted.kl_to`. Its floor is that of as many draws of the tilted density
      in place of the samples, over KL_PAIRS clouds. Its points: the samples, and the draws.
    """
    density = tilted(problem)
    if density is None or samples is None or len(samples) < LEAST_SAMPLES:
        few = NO_SAMPLES if samples is None else why_too_few_samples(len(samples))
        why = tilted_conflict(problem.experiment, problem.conditions) or few
        assert why is not None
        found |= missing(needing("known classes"), why)
        return
    generator, count = problem.generator("tilted density", "cpu"), min(len(samples), DISTANCE_POINTS)
    own = torch.from_numpy(np.ascontiguousarray(samples[:count], dtype=np.float64))

    def distance(points: Tensor) -> float:
        return metrics.sliced_wasserstein2(points, density.sample(count, generator), PROJECTIONS, generator)

    far = distance(own)
    floors = []
    for made in range(FLOOR_PAIRS):
        yield made / FLOOR_PAIRS
        floors.append(distance(density.sample(count, generator)))
    found["tilted_sliced_wasserstein2"] = Measured(far, None, *mean_floor(floors), (count, count))
    kl = density.kl_to(own, generator)
    draws = (density.sample(count, generator) for _ in range(KL_PAIRS))
    floor = mean_floor([density.kl_to(draw, generator) for draw in draws])
    found["tilted_kl"] = Measured(kl, None, *floor, (count, KL_POINTS))
