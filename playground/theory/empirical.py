r"""The smoothed training set in closed form. Its score is the exact minimiser of the denoising loss.

Training sees N points, and smoothed by sigma they are a mixture of N equal Gaussians:

.. math:: p_\sigma(x) = \frac1N \sum_i N(x; x_i, \sigma^2 I), \qquad
          s(x, \sigma) = \frac{m(x, \sigma) - x}{\sigma^2},\quad m = \sum_i w_i x_i,\ w_i \propto e^{-\|x - x_i\|^2 / 2 \sigma^2}

Samples of a network that fits this score exactly are the training points themselves. Points have any shape.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from playground.theory.noise import like, per_point

CHUNK = {"cpu": 2**20, "cuda": 2**26}
"""The number of distances held at once. On a CPU they take 4 MiB of float32, and a few copies exist."""


CELL_POINTS = 2**12
"""The number of points summed at once in :meth:`Empirical.cell_means`: a few milliseconds for a grid of 100 x 100."""

EXACT = 2**22
"""The number of coordinates held at once in double precision: 32 MiB."""


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
        level = like(sigma, x)
        return (self.posterior_mean(x, level) - x) / per_point(level.square(), x)

    def posterior_mean(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        """The expected training point given x (N, *shape), a training point plus noise sigma; in the shape of x."""
        parts = [logits.softmax(1) @ self._flat for logits, _, _ in self._logits(x, sigma)]
        return (torch.cat(parts) + self._centre).view(x.shape)

    def log_prob(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        """log p_sigma at x (N, *shape), (N,).

        It is computed in double precision if the device has it, as log p is a small difference of large terms such as
        |x|^2/sigma^2. At thirty standard deviations, or at sigma = 0.001, single precision is off by half a nat.
        """
        dtype, dim = torch.float32 if x.device.type == "mps" else torch.float64, self._flat.shape[1]
        exact = x.to(dtype)
        level = like(sigma, exact)
        sums = []
        for some in torch.split(self.points, max(1, EXACT // dim)):
            pieces = Empirical(some.to(dtype))._logits(exact, level)
            sums.append(
                torch.cat([logits.logsumexp(1) - 0.5 * squares / part.square() for logits, squares, part in pieces])
            )
        log_mass = torch.stack(sums).logsumexp(0) - math.log(len(self._flat))
        return (log_mass - dim * (level.log() + 0.5 * math.log(2 * math.pi))).to(x.dtype)

    def cell_means(self, x_edges: Tensor, y_edges: Tensor, sigma: float) -> Tensor:
        r"""The exact mean of p_sigma over each cell of a grid in the plane: (rows, columns), rows along y.

        A Gaussian's integral over a rectangle is a product of two differences of :math:`\Phi`, so a whole grid costs one
        matrix product. If sigma is smaller than a cell, values at the cells' centres would miss most points.

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
        """Yield, for a few rows at a time, the logits (x'x_i - |x_i|^2/2)/sigma^2, (rows, N), and |x|^2 and sigma, (rows,).

        The logits leave out the common |x|^2: far from the data its rounding error would exceed their differences.
        """
        flat = x.flatten(1) - self._centre
        level = like(sigma, x).expand(len(x))
        rows = max(1, CHUNK.get(x.device.type, CHUNK["cuda"]) // len(self._flat))
        for start in range(0, max(len(flat), 1), rows):
            part, of_part = flat[start : start + rows], level[start : start + rows]
            logits = torch.addmm(-0.5 * self._squares, part, self._flat.T) / of_part.square()[:, None]
            yield logits, part.square().sum(1), of_part


def group_means(x: Tensor, y: Tensor, sigma: Tensor, count: int) -> Tensor:
    """The :meth:`Empirical.posterior_mean` of each of y among the points of its own group, in the shape of x.

    Args:
        x, y: clean and noisy points, (N, *shape), in groups of `count`. An incomplete last group is filled with the points
            before it, so every mean is over `count` points, or over all if there are fewer.
        sigma: noise levels of y, (N,).
    """
    ends = [min(start + count, len(x)) for start in range(0, len(x), count)]
    groups = zip(ends, torch.split(y, count), torch.split(sigma, count), strict=True)
    return torch.cat([Empirical(x[max(0, end - count) : end]).posterior_mean(*noisy) for end, *noisy in groups])
