"""The common base of Langevin's samplers."""

import math
from typing import Annotated

from playground.kinds.chosen import Given
from playground.kinds.samplers.sampler import FollowsScore
from playground.kinds.setting import Auto, meta

UNKNOWN_DETAIL = 0.1
"""Standard deviation of the narrowest part of unknown data, over that of the data."""


class LangevinDynamics(FollowsScore, frozen=True):
    """A sampler that takes Langevin's steps, whose size is set."""

    step: (
        Annotated[
            float,
            meta(
                "Langevin's step size; with several noise levels that of the finest",
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

    def narrowest(self, given: Given) -> float:
        """Variance of the narrowest part of what the score is of, in internal units."""
        from playground.theory.densities import Boxes, GaussianMixture

        density, sigma = given.density, given.noise.sigma_min
        if self.source == "empirical":
            detail = 0.0  # its parts are points
        elif isinstance(density, GaussianMixture):
            detail = float(density.stds.min())
        elif isinstance(density, Boxes) and density.std + sigma > 0:
            detail = density.std  # a box pulls at its walls only, which are as soft as its noise
        else:
            detail = UNKNOWN_DETAIL
        return detail**2 + sigma**2

    def noise_of_run(self, given: Given) -> float:
        return given.noise.sigma_min
