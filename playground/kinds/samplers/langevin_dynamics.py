"""The common base of the Langevin samplers."""

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar

from playground.kinds.chosen import Given
from playground.kinds.samplers.sampler import FollowsScore
from playground.kinds.setting import Auto, meta

UNKNOWN_DETAIL = 0.1
"""The assumed standard deviation of the narrowest part of an unknown density, over that of the data."""


class LangevinDynamics(FollowsScore, frozen=True):
    """A sampler of Langevin steps with a given step size."""

    step_symbol: ClassVar[str] = "ε"

    step: (
        Annotated[
            float,
            meta(
                "Step size of Langevin dynamics; with several noise levels, that of the finest",
                label="step size ε",
                ge=1e-35,
                le=1e35,
                symbol="ε",
                equation=r"\alpha_i = \epsilon\,\sigma_i^2/\sigma_L^2",
                unit="data²",
                log=True,
            ),
        ]
        | Auto
    ) = "auto"

    @property
    def starts_in_box(self) -> bool:
        return True

    def step_of(self, given: Given) -> float:
        """The step in squared internal units."""
        if self.step != "auto":
            return given.units.sigma_to_internal(math.sqrt(self.step)) ** 2
        return self.default_step(given)

    def default_step(self, given: Given) -> float:
        """Return the value of `step` = "auto", in squared internal units."""
        raise NotImplementedError

    def euler_steps(self, given: Given) -> Sequence[tuple[float, float]]:
        """Each noise level with the factor on its score in a step, in internal units.

        A step x + factor * s(x, sigma) is unstable above a length that the score sets.
        """
        return [(given.noise.sigma_min, self.step_of(given))]

    def narrowest(self, given: Given) -> float:
        """The variance of the narrowest part of the density whose score it follows, in internal units."""
        from playground.theory.densities import Boxes, GaussianMixture

        density, sigma = given.density, given.noise.sigma_min
        if self.source == "empirical":
            detail = 0.0  # its parts are points
        elif isinstance(density, GaussianMixture):
            detail = float(density.stds.min())
        elif isinstance(density, Boxes) and density.std + sigma > 0:
            detail = density.std  # the score of a box is not zero only at its edges, which are as wide as its noise
        else:
            detail = UNKNOWN_DETAIL
        return detail**2 + sigma**2

    def noise_of_run(self, given: Given) -> float:
        return given.noise.sigma_min
