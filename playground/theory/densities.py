r"""Densities that are known exactly, before and after Gaussian smoothing.

Noise turns a density p into

.. math:: p_\sigma = p * N(0, \sigma^2 I), \qquad s(x, \sigma) = \nabla_x \log p_\sigma(x).

For mixtures of isotropic Gaussians and of uniform boxes both are closed forms, so what is learned or sampled can be
compared with the truth. Sums over components run in log space, so the score is right even thousands of standard deviations
away. Everything works in any dtype, on any device, and with autograd.

Source: the score of a smoothed mixture is the posterior mean of its components' scores (Vincent 2011, section 4).
"""

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor

from playground.theory.log_sums import log_sum_exp
from playground.theory.noise.process import like

Map = Callable[[Tensor], Tensor]

_LOG_TWO_PI = math.log(2 * math.pi)


class Density(ABC):
    """A probability density over R^dim that is known together with all its smoothed versions.

    Attributes:
        dim: number of coordinates.
        mean: (dim,).
        variance: the variance, averaged over the axes; finite.
        modes: centres whose share of the mass is reported, (K, dim), or None. A point belongs to the nearest mode.
        mode_weights: the true shares, (K,), or None.
        classes: the class of each component of a mixture, (K,) int64, or None. See
            :class:`playground.theory.class_densities.ClassDensities`.
        sharp: whether it jumps at edges, where it has no score.
    """

    dim: int
    mean: Tensor
    variance: float
    modes: Tensor | None = None
    mode_weights: Tensor | None = None
    classes: Tensor | None = None
    sharp: bool = False

    @abstractmethod
    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Independent samples, (count, dim), of the density without smoothing."""

    @abstractmethod
    def standardized(self, offset: Tensor, scale: float) -> "Density":
        """The density of (x - offset) / scale, for offset (dim,) and scale > 0."""

    @abstractmethod
    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> "Density":
        """Return the same density on another device or in another precision."""

    @abstractmethod
    def entropy(self) -> float:
        """-E[log p(x)] in nats, by quadrature, to about 1e-4. It is the optimal test NLL without smoothing.

        Raises:
            ValueError: dim is above 2, where a quadrature grid is too large.
        """

    @abstractmethod
    def _log_prob(self, x: Tensor, sigma: Tensor) -> Tensor:
        """log p_sigma at x, (N,), for x (N, dim) and sigma (N, 1) or (1, 1)."""

    @abstractmethod
    def _score(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Gradient of log p_sigma at x, (N, dim), for x (N, dim) and sigma (N, 1) or (1, 1)."""

    @property
    @abstractmethod
    def _components(self) -> int:
        """About how many numbers a row of x takes in :meth:`_log_prob`; of many rows a few at a time are computed."""

    @abstractmethod
    def marginal(self, axis: int) -> "Density":
        """The density of one coordinate, over R^1, without modes. Smoothing commutes with it, as noise is isotropic."""

    @abstractmethod
    def cdf(self, x: Tensor) -> Tensor:
        """The cumulative distribution function at x (N, 1), (N,), of a density over R^1 without smoothing."""

    def log_prob(self, x: Tensor, sigma: Tensor | float = 0.0) -> Tensor:
        """log p_sigma at x, (N,), for x (N, dim) and sigma >= 0, one number or one for each row (N,)."""
        return self._by_chunks(self._log_prob, x, sigma)

    def score(self, x: Tensor, sigma: Tensor | float = 0.0) -> Tensor:
        """Gradient of log p_sigma at x, (N, dim), for x (N, dim) and sigma >= 0, one number or one for each row."""
        return self._by_chunks(self._score, x, sigma)

    def _by_chunks(self, function: Callable[[Tensor, Tensor], Tensor], x: Tensor, sigma: Tensor | float) -> Tensor:
        """Apply `function` to a few rows at a time, with sigma as (rows, 1) or (1, 1).

        On a CPU, 2^17 numbers fit into the second-level cache. That is twice as fast as all rows at once, and 40,000 points
        with 512 components do not take gigabytes.
        """
        sigma = like(sigma, x).reshape(-1, 1)
        if len(sigma) not in (1, len(x)):
            raise ValueError(f"sigma must be one number or one for each of the {len(x)} rows, not {len(sigma)}")
        rows = max(1, (2**17 if x.device.type == "cpu" else 2**23) // self._components)
        if len(x) <= rows:
            return function(x, sigma)
        sigmas = torch.split(sigma, rows) if len(sigma) > 1 else itertools.repeat(sigma)
        return torch.cat([function(part, level) for part, level in zip(torch.split(x, rows), sigmas, strict=False)])


class ClosedForm(Density):
    """A density that is made of tensors: places, lengths, and shares of the mass."""

    def standardized(self, offset: Tensor, scale: float) -> Self:
        return self.mapped(lambda place: (place - offset) / scale, lambda part: part, scale)

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        def moved(part: Tensor) -> Tensor:
            return part.to(device=device, dtype=dtype)

        return self.mapped(moved, moved, 1.0)

    @abstractmethod
    def mapped(self, place: Map, other: Map, scale: float) -> Self:
        """The density with its places and its other tensors mapped, and its lengths divided by `scale`."""


class GaussianMixture(ClosedForm):
    r"""Isotropic Gaussians with weights.

    .. math:: p_\sigma(x) = \sum_k w_k N(x; m_k, v_k I),\quad v_k = s_k^2 + \sigma^2,\qquad
              s(x, \sigma) = \sum_k r_k(x) (m_k - x) / v_k,\quad r_k \propto w_k N(x; m_k, v_k I)

    Args:
        means: (K, dim).
        stds: (K,), all > 0.
        weights: (K,), >= 0, normalised here; equal if None.
        modes: centres whose share of the mass is reported, (M, dim), if any.
        mode_weights: their true shares, (M,).
        classes: the class of each component, (K,) int64, if they have classes.

    Raises:
        ValueError: shapes do not match, or a standard deviation or weight is out of range.
    """

    def __init__(
        self,
        means: Tensor,
        stds: Tensor,
        weights: Tensor | None = None,
        modes: Tensor | None = None,
        mode_weights: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> None:
        weights = _normalised(weights, stds)
        if means.ndim != 2 or stds.shape != means.shape[:1] or weights.shape != stds.shape:
            raise ValueError(f"means {tuple(means.shape)} must be (K, dim), stds and weights (K,)")
        if not bool((stds > 0).all()):
            raise ValueError("standard deviations must be above 0")
        self.means, self.stds, self.weights = means, stds, weights
        self.modes, self.mode_weights, self.classes = modes, mode_weights, classes
        self.dim = means.shape[1]
        self.mean = self.weights @ means
        centred = means - self.mean
        self.variance = float(self.weights @ (stds**2 + (centred**2).mean(1)))

        self._centred = centred
        self._log_weights = self.weights.log()
        squares = (centred**2).sum(1)
        self._lifted = torch.cat([centred, squares[:, None]], 1).T.contiguous()
        self._shared = bool((stds == stds[0]).all())
        # |x - m|^2 as a matrix product is a third faster. Far from the data it is also more accurate, as the common |x|^2
        # cancels. But its rounding error in the exponent is eps |m|^2 / v, so narrow components use the differences.
        rounding = torch.finfo(means.dtype).eps * float(squares.max()) / float(stds.min()) ** 2
        self._expanded = self._shared and rounding < 1e-3

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        return self.sample_with_components(count, generator)[0]

    def sample_with_components(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The points of :meth:`sample`, (count, dim), and the component that each comes from, (count,) int64."""
        chosen = torch.multinomial(self.weights, count, replacement=True, generator=generator)
        dtype, device = self.means.dtype, self.means.device
        noise = torch.randn(count, self.dim, generator=generator, dtype=dtype, device=device)
        return self.means[chosen] + self.stds[chosen, None] * noise, chosen

    def mapped(self, place: Map, other: Map, scale: float) -> Self:
        means = place(self.means)
        return type(self)(
            means,
            other(self.stds) / scale,
            other(self.weights),
            _if_any(place, self.modes),
            _if_any(other, self.mode_weights),
            None if self.classes is None else self.classes.to(means.device),
        )

    def entropy(self) -> float:
        """Compute the entropy by Gauss-Hermite quadrature around each component, so the nodes lie where the mass is."""
        _check_dim(self.dim)
        budget = 2**26 / len(self.means) ** 2  # evaluations of a component
        nodes, node_weights = _gauss_hermite(int(min(32, max(6, budget ** (1 / self.dim)))), self.dim)
        exact = self.to("cpu", torch.float64)
        points = exact.means[:, None] + exact.stds[:, None, None] * nodes
        log_prob = exact.log_prob(points.flatten(0, 1)).reshape(len(exact.means), -1)
        return -float(exact.weights @ log_prob @ node_weights)

    def marginal(self, axis: int) -> "GaussianMixture":
        return GaussianMixture(self.means[:, axis : axis + 1], self.stds, self.weights)

    def cdf(self, x: Tensor) -> Tensor:
        below: Tensor = torch.special.ndtr((x - self.means[:, 0]) / self.stds)
        return below @ self.weights

    @property
    def _components(self) -> int:
        return len(self.means)

    def _variance(self, sigma: Tensor) -> Tensor:
        """v_k, (N or 1, K), or (N or 1, 1) if all components have the same width."""
        return (self.stds[:1] if self._shared else self.stds) ** 2 + sigma**2

    def _logits(self, x: Tensor, variance: Tensor) -> Tensor:
        """log(w_k N(x; m_k, v_k I)), (N, K), for centred x. If the widths are equal, terms that do not depend on k are left out."""
        if self._expanded:
            precision = 1 / variance
            lifted = torch.cat([x * precision, (-0.5 * precision).expand(len(x), 1)], 1)
            return torch.addmm(self._log_weights, lifted, self._lifted)
        distances = sum((x[:, axis : axis + 1] - self._centred[:, axis]) ** 2 for axis in range(self.dim))
        logits = self._log_weights - 0.5 * distances / variance
        return logits if self._shared else logits - 0.5 * self.dim * variance.log()

    def _log_prob(self, x: Tensor, sigma: Tensor) -> Tensor:
        variance, x = self._variance(sigma), x - self.mean
        result = log_sum_exp(self._logits(x, variance)) - 0.5 * self.dim * _LOG_TWO_PI
        if self._shared:
            result = result - 0.5 * self.dim * variance.log()[:, 0]
        if self._expanded:
            result = result - 0.5 * (x**2).sum(1) / variance[:, 0]
        return result

    def _score(self, x: Tensor, sigma: Tensor) -> Tensor:
        variance, x = self._variance(sigma), x - self.mean
        responsibilities = self._logits(x, variance).softmax(1)
        if self._shared:
            return (responsibilities @ self._centred - x) / variance
        pull = responsibilities / variance
        return pull @ self._centred - x * pull.sum(1, keepdim=True)


class Boxes(ClosedForm):
    r"""Uniform boxes with weights, blurred by a Gaussian of standard deviation `std`.

    .. math:: p_\sigma(x) = \sum_k w_k \prod_d \frac{\Phi((x_d - a_{kd})/s) - \Phi((x_d - b_{kd})/s)}{b_{kd} - a_{kd}},
              \quad s^2 = \mathrm{std}^2 + \sigma^2

    If s = 0 the edges are sharp: log p is -inf outside the boxes, and the score is set to 0, its value almost everywhere.

    Args:
        lows, highs: (K, dim) corners, lows < highs; boxes are half open, [low, high).
        weights: (K,), >= 0, normalised here; equal if None.
        std: the density's own blur, >= 0.
        modes: centres whose share of the mass is reported, (M, dim), if any.
        mode_weights: their true shares, (M,).

    Raises:
        ValueError: shapes do not match, a box is empty, or a weight or `std` is out of range.
    """

    def __init__(
        self,
        lows: Tensor,
        highs: Tensor,
        weights: Tensor | None = None,
        std: float = 0.0,
        modes: Tensor | None = None,
        mode_weights: Tensor | None = None,
    ) -> None:
        weights = _normalised(weights, lows[:, 0])
        if lows.ndim != 2 or lows.shape != highs.shape or weights.shape != lows.shape[:1]:
            raise ValueError(f"lows {tuple(lows.shape)} and highs must be (K, dim), weights (K,)")
        if not bool((lows < highs).all()):
            raise ValueError("each box must have its low corner below its high one")
        if not 0 <= std < math.inf:
            raise ValueError(f"std = {std} must be at least 0")
        self.lows, self.highs, self.weights, self.std = lows, highs, weights, float(std)
        self.modes, self.mode_weights, self.sharp = modes, mode_weights, self.std == 0
        self.dim = lows.shape[1]
        self._centres, self._halves = (lows + highs) / 2, (highs - lows) / 2
        self.mean = self.weights @ self._centres
        spread = ((self._centres - self.mean) ** 2 + self._halves**2 / 3).mean(1)
        self.variance = float(self.weights @ spread) + self.std**2
        self._log_heights = self.weights.log() - (highs - lows).log().sum(1)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        dtype, device = self.lows.dtype, self.lows.device
        chosen = torch.multinomial(self.weights, count, replacement=True, generator=generator)
        uniform = torch.rand(count, self.dim, generator=generator, dtype=dtype, device=device)
        noise = torch.randn(count, self.dim, generator=generator, dtype=dtype, device=device)
        return self.lows[chosen] + uniform * (self.highs - self.lows)[chosen] + self.std * noise

    def mapped(self, place: Map, other: Map, scale: float) -> Self:
        return type(self)(
            place(self.lows),
            place(self.highs),
            other(self.weights),
            self.std / scale,
            _if_any(place, self.modes),
            _if_any(other, self.mode_weights),
        )

    def entropy(self) -> float:
        """Compute the entropy by Gauss-Legendre quadrature. The panels are cut at every edge, and finely around it."""
        _check_dim(self.dim)
        exact = self.to("cpu", torch.float64)
        cuts = self.std * torch.tensor([-8, -5, -3, -2, -1, 0, 1, 2, 3, 5, 8], dtype=torch.float64)
        axes = [
            _gauss_legendre((torch.cat([exact.lows[:, axis], exact.highs[:, axis]])[:, None] + cuts).flatten(), order=6)
            for axis in range(self.dim)
        ]
        points = torch.cartesian_prod(*(nodes for nodes, _ in axes)).reshape(-1, self.dim)
        weights = torch.cartesian_prod(*(weight for _, weight in axes)).reshape(-1, self.dim).prod(1)
        log_prob = exact.log_prob(points)
        return float(-(weights * torch.where(log_prob.isinf(), 0.0, log_prob.exp() * log_prob)).sum())

    def marginal(self, axis: int) -> "Boxes":
        return Boxes(self.lows[:, axis : axis + 1], self.highs[:, axis : axis + 1], self.weights, self.std)

    def cdf(self, x: Tensor) -> Tensor:
        """Compute the cdf by the integral of Phi(y/s), which is y Phi(y/s) + s phi(y/s), or max(y, 0) if s = 0."""
        low, high = self.lows[:, 0], self.highs[:, 0]
        below = [
            y * torch.special.ndtr(y / self.std) + self.std * torch.exp(-0.5 * ((y / self.std) ** 2 + _LOG_TWO_PI))
            if self.std
            else y.relu()
            for y in (x - low, x - high)
        ]
        return ((below[0] - below[1]) / (high - low)) @ self.weights

    @property
    def _components(self) -> int:
        return len(self.lows) * self.dim * 4  # each box needs about four temporaries

    def _blurred(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return log(w_k p_k(x)), (N, K), its gradient, (N, K, dim), and whether there is any blur, (N or 1, 1).

        With y = -|x - centre| <= 0 and half width h, u = (y + h)/s and l = (y - h)/s, the interval's mass is
        Phi(u) - Phi(l).

        - Outside the box (u <= 0) both terms are tails. With erfcx, which does not underflow, the mass is
          exp(-u^2/2) [erfcx(-u/sqrt 2) - erfcx(-l/sqrt 2) exp(-e)]/2 with e = (l^2 - u^2)/2 = 2 h |y|/s^2 >= 0.
        - Inside the box it is [erf(u/sqrt 2) + erf(-l/sqrt 2)]/2, without cancellation.
        - If a = h/s is so small that Phi(u) and Phi(l) agree in most digits, it is 2 a phi(w) [1 + a^2 (w^2 - 1)/6]
          with w = |y|/s, up to the fourth order in a and a w.

        The gradient's numerator is phi(u) - phi(l) = exp(-u^2/2) (1 - exp(-e))/sqrt(2 pi), inside and outside.
        """
        squared = self.std**2 + sigma**2
        blurred = squared > 0
        s = torch.where(blurred, squared, 1.0).sqrt()[:, :, None]
        tiny = torch.finfo(x.dtype).tiny
        side = x[:, None, :] - self._centres
        y = side.abs()
        a, w = self._halves / s, y / s
        upper, lower, apart = a - w, -(a + w), 2 * a * w
        outside = upper <= 0
        # Clamping keeps the unused branch and its gradient finite.
        tail, body = upper.clamp(max=0), upper.clamp(min=0)
        root = math.sqrt(0.5)
        tails = torch.special.erfcx(-root * tail) - torch.special.erfcx(-root * lower) * torch.exp(-apart)
        mass = torch.where(outside, tails, torch.erf(root * body) + torch.erf(-root * lower)).clamp(min=tiny)
        log_mass = (0.5 * mass).log() - 0.5 * tail**2
        slope = math.sqrt(2 / math.pi) * torch.exp(-0.5 * body**2) * -torch.expm1(-apart) / mass / s
        narrow = a * (1 + w) < torch.finfo(x.dtype).eps ** 0.2  # here rounding errors exceed the fourth order
        few = math.sqrt(2 / math.pi) * a
        log_mass = torch.where(narrow, few.log() - 0.5 * w**2 + a**2 * (w**2 - 1) / 6, log_mass)
        slope = torch.where(narrow, w / s * (1 - a**2 / 3), slope)
        gradient = -torch.sign(side) * slope
        return self._log_heights + log_mass.sum(2), gradient, blurred

    def _log_prob(self, x: Tensor, sigma: Tensor) -> Tensor:
        terms, _, blurred = self._blurred(x, sigma)
        inside = ((x[:, None, :] >= self.lows) & (x[:, None, :] < self.highs)).all(2)
        sharp = torch.where(inside, self._log_heights.exp(), 0.0).sum(1).log()
        return torch.where(blurred[:, 0], log_sum_exp(terms), sharp)

    def _score(self, x: Tensor, sigma: Tensor) -> Tensor:
        terms, gradient, blurred = self._blurred(x, sigma)
        return torch.where(blurred, (terms.softmax(1)[:, :, None] * gradient).sum(1), 0.0)


def _if_any(change: Map, part: Tensor | None) -> Tensor | None:
    return None if part is None else change(part)


def _normalised(weights: Tensor | None, like: Tensor) -> Tensor:
    """Weights that sum to 1; equal ones if there are none."""
    weights = torch.ones_like(like) if weights is None else weights
    if not bool((weights >= 0).all()) or not 0 < float(weights.sum()) < math.inf:
        raise ValueError("weights must be at least 0 and their sum above 0")
    return weights / weights.sum()


def _check_dim(dim: int) -> None:
    if dim > 2:
        raise ValueError(f"the entropy is computed on a grid, which {dim} dimensions do not allow; at most 2 do")


def _gauss_hermite(order: int, dim: int) -> tuple[Tensor, Tensor]:
    """Nodes (order^dim, dim) and weights (order^dim,) for the mean of a function of N(0, I).

    The nodes are the eigenvalues of the Jacobi matrix of the Hermite polynomials (Golub and Welsch 1969).
    """
    off = torch.arange(1, order, dtype=torch.float64).sqrt()
    nodes, vectors = torch.linalg.eigh(torch.diag(off, 1) + torch.diag(off, -1))
    return _product(nodes, vectors[0] ** 2, dim)


def _gauss_legendre(cuts: Tensor, order: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights of an integral, with `order` nodes in each panel between two of the cuts. The cuts are sorted here."""
    cuts = torch.unique(cuts)
    index = torch.arange(1, order, dtype=torch.float64)
    off = index / (4 * index**2 - 1).sqrt()
    nodes, vectors = torch.linalg.eigh(torch.diag(off, 1) + torch.diag(off, -1))
    middle, half = (cuts[1:] + cuts[:-1]) / 2, (cuts[1:] - cuts[:-1]) / 2
    weights = 2 * vectors[0] ** 2
    return (middle[:, None] + half[:, None] * nodes).flatten(), (half[:, None] * weights).flatten()


def _product(nodes: Tensor, weights: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    grid = torch.cartesian_prod(*[nodes] * dim).reshape(-1, dim)
    return grid, torch.cartesian_prod(*[weights] * dim).reshape(-1, dim).prod(1)
