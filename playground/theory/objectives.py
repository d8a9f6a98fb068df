r"""The training objectives: exact, sliced and denoising score matching, maximum likelihood, and the weights of noise levels.

At one noise level, and up to a constant that does not depend on the network, the first three are the Fisher divergence
E ||s(x) - grad log p_sigma(x)||^2 / 2:

.. math:: \text{exact} &\quad E_{x \sim p_\sigma}[\tfrac12 \|s\|^2 + \operatorname{tr} \nabla s]
              \quad\text{(Hyvarinen 2005)} \\
          \text{sliced} &\quad E_v E_{x \sim p_\sigma}[\tfrac12 (v^\top s)^2 + v^\top \nabla s\, v],\ E[v v^\top] = I
              \quad\text{(Song et al. 2019)} \\
          \text{denoising} &\quad E_{x_0, z} \|s(x_0 + \sigma z, \sigma) + z/\sigma\|^2
              \quad\text{(Vincent 2011; twice the divergence)}

The trace is *added*: integration by parts gives E<s, grad log p> = -E[tr grad s]. A loss sums over all coordinates of a point, so
it counts the whole image, and is averaged over the batch.

Maximum likelihood minimises E[-log p_sigma(x)] of a model that knows its density. That is the Kullback-Leibler divergence plus
the data's entropy.
"""

import math
import statistics
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from playground.theory.densities import Density
from playground.theory.draws import normal as gaussian
from playground.theory.empirical import group_means
from playground.theory.noise import Noise, ScoreFunction, SigmaDistributionName, per_point
from playground.theory.partition import EnergyFunction, QuadratureGrid, half_side

Weight = Callable[[Tensor, Noise, SigmaDistributionName], Tensor]


def _level(sigma: Tensor) -> Tensor:
    """sigma, or the data's standard deviation 1 without noise: the scale on which a score varies."""
    return torch.where(sigma > 0, sigma, 1.0)


def _sigma2(sigma: Tensor, noise: Noise, distribution: SigmaDistributionName) -> Tensor:
    """sigma^2, with which the denoising target -z/sigma has variance D at every level."""
    return _level(sigma).square()


def _edm(sigma: Tensor, noise: Noise, distribution: SigmaDistributionName) -> Tensor:
    """sigma^2 (sigma^2 + 1): the network's own output F is fitted with weight one (Karras et al. 2022, section 5)."""
    return _level(sigma).square() * (sigma.square() + 1)


def _likelihood(sigma: Tensor, noise: Noise, distribution: SigmaDistributionName) -> Tensor:
    """sigma^2 over the density of ln sigma: the loss bounds the negative log-likelihood (Song et al. 2021b, theorem 1).

    Their weight is g^2 for uniform times, and g^2 dt = d(sigma^2) = 2 sigma^2 d ln sigma for every process.
    """
    return _level(sigma).square() / noise.relative_density(sigma, distribution)


def _sigma4(sigma: Tensor, noise: Noise, distribution: SigmaDistributionName) -> Tensor:
    """sigma^4: the denoised estimate x + sigma^2 s is fitted with weight one."""
    return _level(sigma).square().square()


def _velocity(sigma: Tensor, noise: Noise, distribution: SigmaDistributionName) -> Tensor:
    """sigma^2 (sigma + 1)^2: the velocity -(x + tau s)/(1 - tau) of flow matching is fitted with weight one (Lipman et al. 2023)."""
    return _level(sigma).square() * (sigma + 1).square()


def _constant(sigma: Tensor, noise: Noise, distribution: SigmaDistributionName) -> Tensor:
    """One. The finest levels have the largest scores and dominate the loss."""
    return torch.ones_like(sigma)


WEIGHTS: dict[str, Weight] = {
    "sigma2": _sigma2,
    "edm": _edm,
    "sigma4": _sigma4,
    "velocity": _velocity,
    "likelihood": _likelihood,
    "constant": _constant,
}


def rademacher(like: Tensor, generator: torch.Generator) -> Tensor:
    """Directions with entries -1 and +1, in the shape of `like`."""
    signs = torch.randint(0, 2, like.shape, generator=generator, device=like.device)
    return signs.to(like.dtype).mul_(2).sub_(1)


def sphere(like: Tensor, generator: torch.Generator) -> Tensor:
    """Uniform directions of length sqrt(D). With unit length every trace would be D times too small."""
    v = gaussian(like, generator).flatten(1)
    length: Tensor = v.square().mean(1, keepdim=True).sqrt()
    return (v / length).view(like.shape)


PROBE_DISTRIBUTIONS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "rademacher": rademacher,
    "gaussian": gaussian,
    "sphere": sphere,
}

FEWEST_PARTS = 3  # fewest estimates for a standard error
MOST_PAIRS = 2**27  # most pairs of noisy points and target points, which take about a second


class Objective(ABC):
    """A loss per point, weighted by its noise level.

    Args:
        noise: the noise levels and how they are drawn, on which some weights depend.
        distribution: the distribution of a continuous process's levels.
        weight: a name from :data:`WEIGHTS`.
    """

    target_batch = 1
    """The number of points whose loss is computed together. With fewer the loss and its optimum are different."""

    def __init__(
        self, noise: Noise, distribution: SigmaDistributionName = "log-normal", weight: str = "sigma2"
    ) -> None:
        self.noise, self.distribution, self._weight = noise, distribution, weight

    def weight(self, sigma: Tensor) -> Tensor:
        """lambda(sigma), in the shape of sigma."""
        return WEIGHTS[self._weight](sigma, self.noise, self.distribution)

    @abstractmethod
    def loss(self, score: ScoreFunction, x: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
        """Weighted loss of each point, (N,).

        Args:
            score: the score function to evaluate.
            x: *clean* data (N, \\*shape); the noise is added here.
            sigma: noise levels (N,).
            generator: on the device of x; draws noise and directions.
        """

    def _noisy_sample(self, density: Density, generator: torch.Generator, count: int) -> tuple[Tensor, Tensor]:
        """Samples of a density with noise, (count, dim), and their noise levels, drawn as in training."""
        x = density.sample(count, generator)
        sigma = self.noise.training_sigmas(count, generator, self.distribution).to(x)
        return x + per_point(sigma, x) * gaussian(x, generator), sigma

    @abstractmethod
    def optimal_loss(self, density: Density, generator: torch.Generator, count: int = 40_000) -> float | None:
        """Estimate the loss of the true model of `density`, by Monte Carlo over `count` points; None if it has none."""

    def optimal_loss_with_error(
        self, density: Density, generator: torch.Generator, parts: int = 20, count: int = 4096
    ) -> tuple[float, float] | None:
        """The mean of `parts` estimates of the optimal loss from `count` points each, and its standard error.

        The standard error comes from the spread of the estimates. Points of one estimate share target batches and levels, so only
        whole estimates are independent. There are fewer estimates if a large target batch would take more than MOST_PAIRS pairs,
        but at least FEWEST_PARTS.
        """
        pairs = max(count, self.target_batch) * self.target_batch
        parts = min(parts, max(FEWEST_PARTS, MOST_PAIRS // pairs))
        losses = [loss for _ in range(parts) if (loss := self.optimal_loss(density, generator, count)) is not None]
        if not losses or not all(map(math.isfinite, losses)):  # single precision may overflow if sigma is far from 1
            return None
        return statistics.fmean(losses), statistics.stdev(losses) / math.sqrt(parts)


class ScoreMatching(Objective):
    """A loss of the score alone, which does not depend on the constant Z of a density."""

    def loss(self, score: ScoreFunction, x: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
        return self.loss_of(score, sigma, *self.draw(x, sigma, generator))

    @abstractmethod
    def draw(self, x: Tensor, sigma: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """The random numbers of a loss, one row for each point: noisy points, or clean ones and noises, and directions."""

    @abstractmethod
    def loss_of(self, score: ScoreFunction, sigma: Tensor, *drawn: Tensor) -> Tensor:
        """Weighted loss of each point, (N,), for what :meth:`draw` returned, or for the same rows of all its parts."""

    def _optimal_loss(self, distance: Tensor, sigma: Tensor, dim: int, variance: float) -> Tensor:
        """Unweighted loss of the true score s, from ||s - g||^2 with g the score of a Gaussian with the data's moments."""
        return -0.5 * (distance + dim / (sigma.square() + variance))

    def optimal_loss(self, density: Density, generator: torch.Generator, count: int = 40_000) -> float | None:
        """Estimate the loss of the true score of `density`, by Monte Carlo over `count` points; None if it has none.

        By integration by parts, the optimal loss of exact and sliced score matching is -E||s||^2/2, and that of denoising is
        D/sigma^2 - E||s||^2. At large sigma the latter is a small difference of two noisy numbers. With the Gaussian's score
        g = -(x - mean)/(sigma^2 + variance), E[s'g] = E||g||^2 = D/(sigma^2 + variance). Hence
        E||s||^2 = E||s - g||^2 + D/(sigma^2 + variance), and only the first term, which vanishes at large sigma, is estimated.

        A density with sharp edges and no noise has no score at its edges, so there is no optimal loss.
        """
        if density.sharp and self.noise.sigma_min == 0:
            return None
        x, sigma = self._noisy_sample(density, generator, count)
        gaussian_score = (density.mean - x) / per_point(sigma.square() + density.variance, x)
        distance = (density.score(x, sigma) - gaussian_score).square().flatten(1).sum(1)
        losses = self._optimal_loss(distance, sigma, x[0].numel(), density.variance)
        return float((self.weight(sigma) * losses).mean())


class Exact(ScoreMatching):
    """1/2 ||s||^2 + tr grad s with the exact trace: one more backward pass for each of D axes."""

    def directions(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, float, bool]:
        """See :meth:`Sliced.directions`: the axes."""
        axes = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
        return axes[:, None].expand(-1, *x.shape), 1.0, False

    def draw(self, x: Tensor, sigma: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        return (_noised(x, sigma, generator),)

    def loss_of(self, score: ScoreFunction, sigma: Tensor, *drawn: Tensor) -> Tensor:
        (x,) = drawn
        with torch.enable_grad():
            s = score(x, sigma).flatten(1)
            trace = torch.zeros_like(s[:, 0])
            for axis in range(s.shape[1]):
                trace = trace + _gradient(s[:, axis], x).flatten(1)[:, axis]
        return self.weight(sigma) * (0.5 * s.square().sum(1) + trace)


class Sliced(ScoreMatching):
    """Score matching along k random directions per point: one more backward pass for each direction, for any D.

    Args:
        projections: k.
        probes: the distribution of the directions, a name from :data:`PROBE_DISTRIBUTIONS`.
        variance_reduced: use 1/2 ||s||^2 instead of 1/2 (v's)^2, which has the same mean.
    """

    def __init__(
        self,
        noise: Noise,
        distribution: SigmaDistributionName = "log-normal",
        weight: str = "sigma2",
        projections: int = 1,
        probes: str = "rademacher",
        variance_reduced: bool = True,
    ) -> None:
        super().__init__(noise, distribution, weight)
        self.projections, self.probes, self.variance_reduced = projections, probes, variance_reduced
        self.direction = PROBE_DISTRIBUTIONS[probes]

    def directions(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, float, bool]:
        """The directions along which the score at x (N, D) is differentiated.

        Returns:
            The directions v (K, N, D), the factor of their sum, and whether s is projected on v in its norm.
        """
        drawn = [self.direction(x, generator) for _ in range(self.projections)]
        return torch.stack(drawn), 1 / self.projections, not self.variance_reduced

    def draw(self, x: Tensor, sigma: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        x = _noised(x, sigma, generator)
        return x, *(self.direction(x, generator) for _ in range(self.projections))

    def loss_of(self, score: ScoreFunction, sigma: Tensor, *drawn: Tensor) -> Tensor:
        x, *directions = drawn
        with torch.enable_grad():
            s = score(x, sigma)
            total = 0.5 * self.projections * _inner(s, s) if self.variance_reduced else torch.zeros_like(sigma)
            for v in directions:
                along = _inner(v, s)
                total = total + _inner(v, _gradient(along, x))
                if not self.variance_reduced:
                    total = total + 0.5 * along.square()
        return self.weight(sigma) * total / self.projections


class Denoising(ScoreMatching):
    r"""||s(x + sigma z, sigma) + z/sigma||^2: the score must point back along the noise. Needs sigma > 0.

    With a target batch of n > 1 points, the score must point to the mean m of all points from which the noisy point y may have
    come. That target has the same mean given y, and less variance. The n points are independent and equally likely a priori, so

    .. math:: m(y) = \sum_j w_j x_j,\quad w_j \propto e^{-\|y - x_j\|^2/2\sigma^2}, \qquad \|s(y, \sigma) + (y - m)/\sigma^2\|^2

    (Xu et al. 2023, "Stable target field"). The minimiser is the same. The part of the loss that no network can reduce becomes
    smaller, and nearly vanishes at coarse levels.

    Args:
        target_batch: n. A batch is divided into groups of n points. An incomplete last group is filled with points before it, as
            a mean over fewer points would have another optimal loss. 1 means each point's own noise.
    """

    def __init__(
        self,
        noise: Noise,
        distribution: SigmaDistributionName = "log-normal",
        weight: str = "sigma2",
        target_batch: int = 1,
    ) -> None:
        super().__init__(noise, distribution, weight)
        if target_batch < 1:
            raise ValueError(f"A target batch needs at least one point, not {target_batch}.")
        self.target_batch = target_batch

    def draw(self, x: Tensor, sigma: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        return self.pairs(x, gaussian(x, generator), sigma)

    def loss_of(self, score: ScoreFunction, sigma: Tensor, *drawn: Tensor) -> Tensor:
        """Weighted loss of each point, (N,), of clean points and their noises or start points, (N, \\*shape) each."""
        x, z = drawn
        level = per_point(sigma, x)
        residual = (score(x + level * z, sigma) + z / level).flatten(1)
        return self.weight(sigma) * residual.square().sum(1)

    def _optimal_loss(self, distance: Tensor, sigma: Tensor, dim: int, variance: float) -> Tensor:
        return dim * variance / (sigma.square() * (sigma.square() + variance)) - distance

    def pairs(self, x: Tensor, z: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """Means m and noises (y - m)/sigma of the same noisy points y = x + sigma z, each in the shape of x (N, \\*shape)."""
        if self.target_batch == 1:
            return x, z
        y = x + per_point(sigma, x) * z
        mean = group_means(x, y, sigma, self.target_batch)
        return mean, (y - mean) / per_point(sigma, x)

    def optimal_loss(self, density: Density, generator: torch.Generator, count: int = 40_000) -> float | None:
        """Estimate the loss of the true score of `density`; None if it has none.

        With a target batch it is the mean of the loss itself, whose only noise is that of the means m.
        """
        if self.target_batch == 1:
            return super().optimal_loss(density, generator, count)
        x = density.sample(max(count, self.target_batch), generator)
        sigma = self.noise.training_sigmas(len(x), generator, self.distribution).to(x)
        return float(self.loss(density.score, x, sigma, generator).mean())


class MaximumLikelihood(Objective):
    r"""The negative log-likelihood -log p_sigma(x + sigma z) = f + ln Z of an energy in the plane.

    .. math:: \nabla_\theta E[f + \ln Z] = E_{x \sim data}[\nabla_\theta f] - E_{x \sim p_\theta}[\nabla_\theta f]

    Z is a sum over nodes that are shifted at random in each step, and the gradient is that of this sum. Each noise level needs a
    sum of its own. So a batch with many levels is trained at `levels` of them, one drawn from each of as many equal parts.

    Args:
        reach: the largest coordinate of the data.
        normalizer_grid: the number of quadrature cells along each side.
        levels: the most noise levels of a batch.
    """

    def __init__(
        self,
        noise: Noise,
        distribution: SigmaDistributionName = "log-normal",
        weight: str = "constant",
        reach: float = 4.0,
        normalizer_grid: int = 64,
        levels: int = 2,
    ) -> None:
        super().__init__(noise, distribution, weight)
        self.reach, self.normalizer_grid, self.levels = reach, normalizer_grid, levels

    def loss(self, score: ScoreFunction, x: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
        if not isinstance(score, EnergyFunction):
            raise TypeError(
                "Maximum likelihood needs an energy, whose log-density is known up to Z; this score has none."
            )
        energy = score
        sigma = self._few_levels(sigma, generator)
        x = x + per_point(sigma, x) * gaussian(x, generator)
        constants = torch.zeros_like(sigma)
        for level in torch.unique(sigma):
            square = QuadratureGrid(half_side(self.reach, float(level)), self.normalizer_grid)
            shift = torch.rand(2, generator=generator, device=generator.device)
            nodes = square.contributing_nodes(energy, level, x, shift)
            constants = torch.where(sigma == level, square.log_sum(energy.log_density(nodes, level)), constants)
        return self.weight(sigma) * (constants - energy.log_density(x, sigma))

    def _few_levels(self, sigma: Tensor, generator: torch.Generator) -> Tensor:
        """Draw levels (N,) with at most `levels` different values. Each point's level keeps its distribution."""
        if len(torch.unique(sigma)) <= self.levels:
            return sigma
        parts = torch.tensor_split(sigma.sort().values, self.levels)
        drawn = [
            part[torch.randint(len(part), (1,), generator=generator, device=generator.device).to(part.device)]
            for part in parts
        ]
        return torch.cat([one.expand(len(part)) for one, part in zip(drawn, parts, strict=True)])

    def optimal_loss(self, density: Density, generator: torch.Generator, count: int = 40_000) -> float | None:
        """The mean entropy of the smoothed data, as E log(g/p) plus the entropy of the Gaussian g with their moments."""
        x, sigma = self._noisy_sample(density, generator, count)
        variance = sigma.square() + density.variance
        distance = (x - density.mean).flatten(1).square().sum(1) / variance
        dim = x[0].numel()
        normal = -0.5 * (distance + dim * torch.log(2 * math.pi * variance))
        entropy = 0.5 * dim * torch.log(2 * math.pi * math.e * variance)
        return float((self.weight(sigma) * (normal - density.log_prob(x, sigma) + entropy)).mean())


def _noised(x: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
    return (x + per_point(sigma, x) * gaussian(x, generator)).detach().requires_grad_()


def _inner(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).flatten(1).sum(1)


def _gradient(values: Tensor, x: Tensor) -> Tensor:
    """Gradient of each of `values` (N,) with respect to its own row of x, differentiable; zero if it does not depend on x."""
    (gradient,) = torch.autograd.grad(values.sum(), x, create_graph=True, materialize_grads=True)
    return gradient
