r"""The smoothed training set in closed form: what a perfect minimiser of the denoising loss becomes.

The density that training really sees is N points, and blurred by sigma it is a mixture of N equal Gaussians:

.. math:: p_\sigma(x) = \frac1N \sum_i N(x; x_i, \sigma^2 I), \qquad
          s(x, \sigma) = \frac{m(x, \sigma) - x}{\sigma^2},\quad m = \sum_i w_i x_i,\ w_i \propto e^{-\|x - x_i\|^2 / 2 \sigma^2}

A network with the capacity to fit it exactly would send every sample back to a training point. Points have any shape.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from playground.theory.noise import per_point

CHUNK = {"cpu": 2**20, "cuda": 2**26}
"""Distances held at once: 4 MiB of float32, of which a few copies are alive."""


CELL_POINTS = 2**12
"""Points whose shares of a hundred rows and columns are summed at once, in some milliseconds."""

EXACT = 2**22
"""Numbers that are held in double precision at once: 32 MiB."""


class Empirical:
    """The equal mixture of Gaussians of width sigma around `points`.

    Args:
        points: (N, *shape).
    """

    def __init__(self, points: Tensor) -> None:
        self.points = points
        self._centre = points.flatten(1).mean(0)
        self._flat = points.flatten(1) - self._centre
        self._squares = self._flat.square().sum(1)

    def score(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        """Gradient of log p_sigma at x (N, *shape), in the shape of x; sigma > 0, one number or one for each row."""
        level = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
        return (self.posterior_mean(x, level) - x) / per_point(level.square(), x)

    def posterior_mean(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        """The expected training point given x, which is one of them plus noise of deviation sigma; in the shape of x."""
        parts = [logits.softmax(1) @ self._flat for logits, _, _ in self._logits(x, sigma)]
        return (torch.cat(parts) + self._centre).view(x.shape)

    def log_prob(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        """log p_sigma at x (N, *shape), (N,).

        In double precision where the device has it, for log p is a small difference of |x|^2/sigma^2 and its like: thirty
        deviations out, or with a sigma of a thousandth, single precision is off by half a nat.
        """
        dtype, dim = torch.float32 if x.device.type == "mps" else torch.float64, self._flat.shape[1]
        exact, level = x.to(dtype), torch.as_tensor(sigma, dtype=dtype, device=x.device)
        sums = []
        for some in torch.split(self.points, max(1, EXACT // dim)):
            pieces = Empirical(some.to(dtype))._logits(exact, level)
            sums.append(
                torch.cat([logits.logsumexp(1) - 0.5 * squares / part.square() for logits, squares, part in pieces])
            )
        log_mass = torch.stack(sums).logsumexp(0) - math.log(len(self._flat))
        return (log_mass - dim * (level.log() + 0.5 * math.log(2 * math.pi))).to(x.dtype)

    def cell_means(self, x_edges: Tensor, y_edges: Tensor, sigma: float) -> Tensor:
        r"""Mean of p_sigma over each cell of a grid in the plane, exactly: (rows, columns), rows along y.

        Over a rectangle the Gaussian of each point integrates to a product of two differences of :math:`\Phi`, so a whole grid costs
        one product of two matrices. Where sigma is less than a cell, values at the cells' middles would miss most of the points.

        Args:
            x_edges, y_edges: (columns + 1,), (rows + 1,), rising.
            sigma: > 0.
        """
        total = self.points.new_zeros(len(y_edges) - 1, len(x_edges) - 1)
        for some in torch.split(self.points, CELL_POINTS):
            up, across = (
                torch.special.ndtr((edges[:, None] - some[:, axis]) / sigma).diff(dim=0)
                for edges, axis in ((y_edges, 1), (x_edges, 0))
            )
            total += up @ across.T
        areas = y_edges.diff()[:, None] * x_edges.diff()
        return total / (len(self.points) * areas)

    def _logits(self, x: Tensor, sigma: Tensor | float) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Return the logits of a few rows at a time, (x'x_i - |x_i|^2/2)/sigma^2, (rows, N), with |x|^2 and sigma,
        (rows,).

        The common |x|^2 is left out, for far out it would drown the differences in rounding.
        """
        flat = x.flatten(1) - self._centre
        level = torch.as_tensor(sigma, dtype=x.dtype, device=x.device).expand(len(x))
        rows = max(1, CHUNK.get(x.device.type, CHUNK["cuda"]) // len(self._flat))
        for start in range(0, max(len(flat), 1), rows):
            part, of_part = flat[start : start + rows], level[start : start + rows]
            logits = torch.addmm(-0.5 * self._squares, part, self._flat.T) / of_part.square()[:, None]
            yield logits, part.square().sum(1), of_part
