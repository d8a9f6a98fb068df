r"""Flow matching from a set to a set: the path x_t = (1 - t) x_0 + t x_1 ends at points x_1 of a start set in place of noise.

In data coordinates, y = x_0 + sigma x_1 with sigma = t/(1 - t), so the start points take the place of the noise. The velocity

.. math:: u(x, t) = E[x_1 - x_0 \mid x_t = x] = (x - E[x_0 \mid x_t = x])/t

depends on E[x_0 | y] alone, and the flow dx/dt = u takes the start set to the data for every coupling of x_0 and x_1. A network
trained by denoising on the pairs has the minimiser (E[x_0 | y] - y)/sigma^2. It is a score only if x_1 is standard normal and
independent of x_0. Everywhere else it stands for the velocity, and the probability flow of :class:`FlowMatching` follows it.

Sources: Lipman et al. 2023; Liu et al. 2023 (rectified flow); Tong et al. 2024 (minibatch optimal transport).
"""

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from playground.records import record
from playground.theory.densities import ClosedForm, Density, GaussianMixture, Map
from playground.theory.transport import matching_of

Coupling = Literal["independent", "optimal-transport"]

MATCHED, KEPT, USES = 256, 64, 32
"""Points of a batch that are matched at once, as many as in Tong et al. 2024; the newest batches from whose pairs training draws; and
how often it draws a pair in the mean before a further batch is matched. Matching takes 30 to 60 ms a batch on a CPU, and a training
step 1 to 5 ms, so a new matching in each step would make training ten times slower."""

MOST_COMPONENTS = 16_384
"""Most pairs of components for a closed form: 900 arrows of a field then take 0.1 s."""


@record
class Points:
    """Points of which no density is known: each draw is one of them.

    Args:
        start_points: (N, dim).
    """

    start_points: Tensor

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """`count` of the points, drawn with repetition, (count, dim)."""
        rows = torch.randint(len(self.start_points), (count,), generator=generator, device=generator.device)
        return self.start_points[rows]


@record
class StartSet:
    """The start of the flow: a set and the coupling with the data.

    Args:
        density: the density of the start points x_1, or the points themselves, in the coordinates of the data.
        coupling: "independent", or "optimal-transport" within batches.
    """

    density: Density | Points
    coupling: Coupling

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """`count` start points, (count, dim) float32."""
        return self.density.sample(count, generator).float()

    def closed_form(self, data: Density | None) -> "MixturePair | None":
        """The density and field along the path, for independent mixtures of Gaussians that are not too many; else None."""
        if self.coupling != "independent" or not isinstance(data, GaussianMixture):
            return None
        if not isinstance(self.density, GaussianMixture):
            return None
        if len(data.means) * len(self.density.means) > MOST_COMPONENTS:
            return None
        return MixturePair(data, self.density)


class MatchedPairs:
    """Pairs of data and start points by optimal transport within batches. New batches take the place of old ones during training.

    The n-th batch has random numbers of its own. So the pairs depend on the number of draws alone, and not on the time.

    Args:
        start: the start set.
        data: (M, dim), from which the points of the batches are drawn.
        generator: returns the generator of a purpose.

    Attributes:
        x, z: the matched points of the data and of the start set, (N, dim) each, the oldest first.
        batches: the number of batches that were matched.
        drawn: the number of pairs for which they were matched.
    """

    def __init__(self, start: StartSet, data: Tensor, generator: Callable[[str], torch.Generator]) -> None:
        self._start, self._data, self._generator = start, data, generator
        self.x, self.z = data[:0], data[:0]
        self.batches = self.drawn = 0

    def renew(self, count: int) -> None:
        """Match the batches that are due for `count` further draws."""
        self.drawn += count
        while self.batches * MATCHED * USES < self.drawn:
            self._match()

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """`count` pairs, drawn with repetition, (count, dim) each."""
        if not self.batches:
            self._match()
        rows = torch.randint(len(self.x), (count,), generator=generator, device=self.x.device)
        return self.x[rows], self.z[rows]

    def _match(self) -> None:
        generator = self._generator(f"pairs {self.batches}")
        rows = torch.randint(len(self._data), (MATCHED,), generator=generator, device=self._data.device)
        x, z = self._data[rows], self._start.sample(MATCHED, generator).to(self._data)
        self.x, self.z = (torch.cat(parts)[-KEPT * MATCHED :] for parts in ((self.x, x), (self.z, matched(x, z))))
        self.batches += 1


def matched(x: Tensor, start: Tensor) -> Tensor:
    """The points of `start`, (N, dim), in the order that makes the mean of |x_i - start_i|^2 least."""
    work = matching_of(x, start)
    while True:
        try:
            next(work)
        except StopIteration as stop:
            return start[torch.from_numpy(stop.value).to(start.device)]


class MixturePair(ClosedForm):
    r"""The path between two independent mixtures of Gaussians, in data coordinates y = x_0 + sigma x_1.

    With components N(m_i, s_i^2 I) of the data and N(n_j, r_j^2 I) of the start set,

    .. math:: p_\sigma(y) = \sum_{ij} w_i u_j N(y; m_i + \sigma n_j, v_{ij} I),\quad v_{ij} = s_i^2 + \sigma^2 r_j^2,\\
              E[x_0 \mid y] = \sum_{ij} r_{ij}(y) \left(m_i + \tfrac{s_i^2}{v_{ij}} (y - m_i - \sigma n_j)\right)

    `score` is (E[x_0|y] - y)/sigma^2, which stands for the velocity and is not the gradient of `log_prob`.

    Args:
        data, start: the two mixtures.
    """

    def __init__(self, data: GaussianMixture, start: GaussianMixture) -> None:
        self.data, self.start = data, start
        self.dim, self.mean, self.variance = data.dim, data.mean, data.variance
        self.modes, self.mode_weights = data.modes, data.mode_weights
        self._log_weights = (data.weights.log()[:, None] + start.weights.log()).flatten()

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """`count` points of the data, (count, dim)."""
        return self.data.sample(count, generator)

    def mapped(self, place: Map, other: Map, scale: float) -> "MixturePair":
        return MixturePair(self.data.mapped(place, other, scale), self.start.mapped(place, other, scale))

    def entropy(self) -> float:
        """The entropy of the data, in nats."""
        return self.data.entropy()

    def marginal(self, axis: int) -> "MixturePair":
        return MixturePair(self.data.marginal(axis), self.start.marginal(axis))

    def cdf(self, x: Tensor) -> Tensor:
        return self.data.cdf(x)

    @property
    def _components(self) -> int:
        return len(self.data.means) * len(self.start.means)

    def _parts(self, x: Tensor, sigma: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        """y - m_ij along each axis, (N, K) each, v_ij and the log of the weighted densities without constants, (N, K)."""
        data, start = self.data, self.start
        variance = (data.stds.square()[:, None] + (sigma[..., None] * start.stds).square()).flatten(-2)
        away = [
            x[:, axis : axis + 1] - (data.means[:, axis, None] + sigma[..., None] * start.means[:, axis]).flatten(-2)
            for axis in range(self.dim)
        ]
        squares = sum(part.square() for part in away)
        return away, variance, self._log_weights - 0.5 * squares / variance - 0.5 * self.dim * variance.log()

    def _log_prob(self, x: Tensor, sigma: Tensor) -> Tensor:
        *_, logits = self._parts(x, sigma)
        return logits.logsumexp(1) - 0.5 * self.dim * math.log(2 * math.pi)

    def _score(self, x: Tensor, sigma: Tensor) -> Tensor:
        away, variance, logits = self._parts(x, sigma)
        weights = logits.softmax(1)
        count = len(self.start.means)
        shares = self.data.stds.square().repeat_interleave(count) / variance
        mean = [
            (weights * (self.data.means[:, axis].repeat_interleave(count) + shares * part)).sum(1)
            for axis, part in enumerate(away)
        ]
        return (torch.stack(mean, 1) - x) / sigma.square()
