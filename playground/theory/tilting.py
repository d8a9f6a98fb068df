r"""The tilted density, which classifier-free guidance is often said to sample and does not.

.. math:: q_w(x) = \frac{1}{Z_w}\, p(x \mid c)\, p(c \mid x)^w \propto p(x)\, p(c \mid x)^{1 + w}

At each noise level the guided score of :class:`playground.theory.guidance.GuidedScore` is the gradient of
log p_sigma(x | c) + w log p_sigma(c | x): the tilted density of the smoothed densities. A sampler would need the score of
the smoothed tilted density. Both agree at sigma = 0 and for w = 0, and nowhere else. See docs/theory.md, T17.

In the plane q_w is known, as is Z_w by a sum over a grid, so guided samples can be compared with draws of it.

Source: Du et al. 2023, "Reduce, reuse, recycle", section 3.1; Bradley & Nakkiran 2024, "Classifier-free guidance is a
predictor-corrector".
"""

import torch
from torch import Tensor

from playground.theory.class_densities import ClassDensities
from playground.theory.densities import GaussianMixture

SIDE = 256  # cells along a side of the grid
REACH = 6.0  # standard deviations of a component around its mean that the grid covers: all but 2e-9 of the mass


class TiltedDensity:
    """p(x | c) p(c | x)^w over the plane, normalized by the midpoint rule on a grid.

    p(c | x) is at most one, so the tilted density is nowhere wider than p(x | c), and the grid covers that.

    Args:
        classes: mixtures of Gaussians in the plane.
        label: c.
        scale: w >= 0.

    Raises:
        ValueError: the density of the class is no mixture of Gaussians in the plane.
    """

    def __init__(self, classes: ClassDensities, label: int, scale: float) -> None:
        own = classes.densities[label]
        if not isinstance(own, GaussianMixture) or own.dim != 2:
            raise ValueError("the density of the class must be a mixture of Gaussians in the plane")
        self.classes, self.label, self.scale = classes, label, scale
        reach = REACH * own.stds[:, None]
        self.low, self.high = (own.means - reach).amin(0), (own.means + reach).amax(0)
        self._cell = (self.high - self.low) / SIDE
        steps = torch.arange(SIDE, dtype=own.means.dtype, device=own.means.device) + 0.5
        x, y = (self.low[axis] + steps * self._cell[axis] for axis in (0, 1))
        self._places = torch.cartesian_prod(x, y)
        values = self._unnormalized(self._places)
        self.log_partition = float(torch.logsumexp(values, 0) + self._cell.log().sum())
        """log Z_w, in nats."""
        self._shares = (values - values.max()).exp()

    def _unnormalized(self, x: Tensor) -> Tensor:
        found = self.classes.densities[self.label].log_prob(x)
        return found + self.scale * self.classes.log_posterior(x)[:, self.label] if self.scale else found

    def log_prob(self, x: Tensor) -> Tensor:
        """log q_w at x (N, 2), in nats, (N,)."""
        return self._unnormalized(x) - self.log_partition

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Independent draws, (count, 2): a cell of the grid by its mass, and a point uniformly within it.

        A cell's side h is 1/256 of the grid's, and adds h^2/12 to the variance.
        """
        cells = torch.multinomial(self._shares, count, replacement=True, generator=generator)
        within = torch.rand((count, 2), generator=generator, dtype=self._cell.dtype, device=self._cell.device) - 0.5
        return self._places[cells] + within * self._cell
