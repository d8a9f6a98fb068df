"""The audit of a data set: its density, its score, its samples, and how it is read."""

import functools
import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from playground.data.dataset import Dataset
from playground.lab.audit.chart import chart, line
from playground.lab.audit.deviations import (
    KOLMOGOROV,
    STANDARD_ERRORS,
    doubles,
    gap,
    gradient_of,
    kolmogorov,
    normals,
    pearson,
    share_gap,
    spaced,
    standard_errors,
)
from playground.lab.audit.stated import Auditing, claim
from playground.lab.chart import Chart
from playground.lab.experiment import Experiment, ExperimentError, replace
from playground.theory.class_densities import ClassDensities
from playground.theory.densities import Density, GaussianMixture
from playground.theory.guidance import GuidedScore
from playground.theory.metrics import mode_weights

POINTS = 20_000
SEED = 17
NEAR = 0.1
LEVELS = (0.0, NEAR, 0.5, 2.0)
"""Noise levels in standard deviations of the data."""
CELLS = (220, 800)
"""The least and the most cells of quadrature along each side; between them they are as wide as the narrowest part."""
REACH = 5.5
"""Half the side of the square of quadrature, in standard deviations of the data. Heavy tails have mass outside."""
TAIL = 25.0
"""How far tails are followed, in natural logarithms of half the square's side."""
SHARES = 8
"""Cells along each side in which samples are counted, of equal marginal probability."""


INTEGRAL = "integrates to 1"


class DataAudit(Auditing):
    """The claims of an experiment's data.

    Raises:
        ExperimentError, DataError: there are no data with these settings.
    """

    def __init__(self, experiment: Experiment) -> None:
        for conflict in experiment.data.conflicts():
            raise ExperimentError(conflict)
        wanted = {"points": POINTS, "classes": "on"} if experiment.data.known_density else {}  # classes move no point
        has = experiment.data.__struct_fields__
        self.experiment = replace(experiment, {f"data.{key}": value for key, value in wanted.items() if key in has})
        self.kind = self.experiment.data
        self.data = self._load(SEED)

    def _load(self, seed: int) -> Dataset:
        return replace(self.experiment, {"data.seed": seed}).data.load(1_000)

    @property
    def density(self) -> Density:
        assert self.data.density is not None
        return self.data.density

    @functools.cached_property
    def points(self) -> Tensor:
        return doubles(self.data.points)

    @property
    def unit(self) -> float:
        """The data's standard deviation."""
        return math.sqrt(self.density.variance)

    # --- what it has

    def has_density(self) -> bool:
        """Whether its density is known."""
        return self.data.density is not None

    def is_smooth(self) -> bool:
        """Whether its density is known and has no sharp edges."""
        return self.has_density() and not self.density.sharp

    def has_modes(self) -> bool:
        """Whether it has several modes of known weights."""
        known = self.data.density
        return known is not None and known.mode_weights is not None and known.modes is not None and len(known.modes) > 1

    def has_class_densities(self) -> bool:
        """Whether the points have classes whose densities are known."""
        known = self.data.density
        return isinstance(known, GaussianMixture) and known.classes is not None and self.data.labels is not None

    def has_other_classes(self) -> bool:
        """Whether the points have classes whose densities are not known."""
        return self.data.labels is not None and not self.has_class_densities()

    # --- as it is read

    @claim("as it is read", "shapes, finite numbers, seeds and classes: rules that it breaks", 0.0, 0.0)
    def faults(self) -> float:
        """How many rules of a data set it breaks."""
        data, again, other = self.data, self._load(SEED), self._load(SEED + 1)
        split = data.points if self.kind.known_density else data.held_out
        others = other.points if self.kind.known_density else other.held_out
        wrong = [
            data.points.shape[1:] != data.shape or data.held_out.shape[1:] != data.shape,
            not np.isfinite(data.points).all() or not np.isfinite(data.held_out).all(),
            not np.array_equal(data.points, again.points) or not np.array_equal(data.held_out, again.held_out),
            split.shape == others.shape and np.array_equal(split, others),
            not len(data.points) or not len(data.held_out),
            data.density is None and self.kind.known_density,
            data.labels is not None and (len(data.labels) != len(data.points) or int(data.labels.min()) < 0),
            bool(self.kind.labelled) and data.labels is None,
            not self.kind.fits_shape(data.shape),
        ]
        return float(sum(map(bool, wrong)))

    @claim("as it is read", "standard deviation of the points, in their unit", low=1e-30)
    def spread(self) -> float:
        """The standard deviation over all coordinates, which must not be 0."""
        return float(self.points.flatten(1).var(0).mean().sqrt())

    @claim("as it is read", "share of held-out points that are training points too", 0.01)
    def shared(self) -> float:
        """The share of held-out points that are in the training set too."""
        flat = {row.tobytes() for row in np.ascontiguousarray(self.data.points.reshape(len(self.data.points), -1))}
        held = np.ascontiguousarray(self.data.held_out.reshape(len(self.data.held_out), -1))
        return sum(row.tobytes() in flat for row in held) / len(held)

    @claim("as it is read", "share of a class: largest difference from an equal one", when=has_other_classes)
    def class_errors(self) -> float:
        """The largest difference of a class's share from an equal one, in shares."""
        assert self.data.labels is not None
        shares = np.bincount(self.data.labels) / len(self.data.labels)
        return float(np.abs(shares - 1 / len(shares)).max())

    # --- its density

    def quadrature(self, level: float) -> tuple[Tensor, Tensor, float]:
        """Nodes of quadrature (N, 2), log p there of the density smoothed by a level, and the side of a cell."""
        half = REACH * self.unit
        narrow = float(self.density.stds.min()) if isinstance(self.density, GaussianMixture) else 0.0
        width = math.hypot(narrow, level * self.unit)
        count = math.ceil(2 * half / width) if width else CELLS[1]
        count = min(max(count, CELLS[0]), CELLS[1])
        steps = (torch.arange(count, dtype=torch.float64) + 0.5) / count * 2 - 1
        nodes = self.density.mean + half * torch.cartesian_prod(steps, steps)
        return nodes, self.density.log_prob(nodes, level * self.unit), 2 * half / count

    @claim("density", "mass outside the square of the integrals, at most", when=has_density)
    def most_outside(self) -> float:
        return sum(self.outside())

    @claim(
        "density", INTEGRAL + ", smoothed by {1:g} of its deviation: error", 1e-4, each=LEVELS[1:3], when=has_density
    )
    @claim("density", INTEGRAL + ": error", 1e-3, each=LEVELS[:1], when=is_smooth)
    def integral_error(self, level: float) -> float:
        """How far the integral over the square is from 1 less the mass outside, which two bounds enclose."""
        _, log_p, side = self.near if level == NEAR else self.quadrature(level)
        found, outside = float(log_p.exp().sum()) * side**2, self.outside(level)
        return max(1 - sum(outside) - found, found - (1 - max(outside)), 0.0)

    def outside(self, level: float = 0.0) -> tuple[float, float]:
        """The mass of each coordinate outside the square of quadrature, by the marginals' cdf smoothed by a level.

        The mass outside the square is at least the larger one, and at most the sum.
        """
        below, above = self.tails(REACH * self.unit * torch.ones(1, dtype=torch.float64), level)
        first, second = (below + above)[0].tolist()
        return first, second

    def tails(self, reach: Tensor, level: float = 0.0) -> tuple[Tensor, Tensor]:
        """The mass of each coordinate below mean - reach and above mean + reach, (N, 2) each, for reach (N,)."""
        z = spaced(-8, 8, 129) if level else torch.zeros(1, dtype=torch.float64)
        weights = torch.exp(-0.5 * z.square())
        weights, reach = weights / weights.sum(), torch.cat([reach, self.unit * math.exp(TAIL) * torch.ones(1)])
        below, above = [], []
        for axis in range(2):
            cdf, mean = self.density.marginal(axis).cdf, float(self.density.mean[axis])
            at = torch.stack([mean - reach, mean + reach])[:, :, None] + level * self.unit * z
            low, high = cdf(at.reshape(-1, 1)).view(at.shape) @ weights
            below.append(low[:-1])
            above.append((high[-1] - high[:-1]).clamp(min=0.0))
        return torch.stack(below, 1), torch.stack(above, 1)

    @functools.cached_property
    def near(self) -> tuple[Tensor, Tensor, float]:
        """The :meth:`quadrature` of the level NEAR."""
        return self.quadrature(NEAR)

    def smoothed(self, seed: int) -> Tensor:
        """The points with noise of the level NEAR."""
        return self.points + NEAR * self.unit * normals(*self.points.shape, seed=seed)

    def noisy(self, levels: Sequence[float], count: int = 300) -> Iterator[tuple[float, Tensor]]:
        """Each of the noise levels, in the data's unit, and some points with noise of it and a little more."""
        for level in levels:
            sigma = level * self.unit
            yield sigma, self.points[:count] + (sigma + 0.05 * self.unit) * normals(count, 2)

    @claim("density", "score is the gradient of log p at every level: relative error", 1e-7, when=has_density)
    def score_error(self) -> float:
        """The score against autograd of the log-density, relative to 1 over the unit plus its size, at all levels."""
        worst = 0.0
        for sigma, x in self.noisy(LEVELS[1:] if self.density.sharp else LEVELS):
            gradient = gradient_of(self.density.log_prob(x.requires_grad_(), sigma), x)
            worst = max(worst, gap(self.unit * self.density.score(x.detach(), sigma), self.unit * gradient))
        return worst

    @claim("density", "smoothing twice is smoothing once by the sum: relative error", 1e-3, when=has_density)
    def smoothing_error(self) -> float:
        """p_sigma(x) against the mean of p_s over x + noise, s^2 + noise^2 = sigma^2, by quadrature: relative to the highest."""
        first, second = 0.5 * self.unit, 0.8 * self.unit
        line_of = spaced(-6, 6, 41)
        weights = torch.exp(-0.5 * line_of.square())
        weights = torch.outer(weights, weights).flatten()
        offsets = second * torch.cartesian_prod(line_of, line_of)
        x = self.points[:12]
        values = self.density.log_prob((x[:, None] + offsets).flatten(0, 1), first).exp().view(len(x), -1)
        found = values @ (weights / weights.sum())
        right = self.density.log_prob(x, math.hypot(first, second)).exp()
        return float((found - right).abs().max() / right.max())

    @claim("density", "log p in standardized units differs by the Jacobian", 1e-9, when=has_density)
    def standardized_error(self) -> float:
        """log p of the standardized density against the change of variables."""
        moved = self.density.standardized(self.density.mean, self.unit)
        x = self.points[:300]
        expected = self.density.log_prob(x, 0.3 * self.unit) + 2 * math.log(self.unit)
        return gap(moved.log_prob((x - self.density.mean) / self.unit, 0.3), expected)

    # --- its samples

    @claim("samples", "mean and mean square, in standard errors", STANDARD_ERRORS, when=has_density)
    def moment_errors(self) -> float:
        """Mean of the samples, and their mean square, in standard errors; both with distances cut at the edge of the square.

        Without the cut, the mean square of heavy tails would have no standard error. What the cut takes from the stated
        moments is the integral of the tails: of P(x > t) - P(x < -t), and of 2 t P(|x| > t).
        """
        half = REACH * self.unit
        x = (self.points - self.density.mean).clamp(-half, half)
        growth = spaced(0, TAIL, 4_001)
        far = half * growth.exp()
        below, above = self.tails(far)
        cut = torch.trapezoid((above - below) * far[:, None], growth, dim=0)
        square = self.density.variance - float(
            torch.trapezoid((above + below) * 2 * far[:, None] ** 2, growth, dim=0).mean()
        )
        means = max(standard_errors(x[:, axis], -float(cut[axis])) for axis in range(2))
        return max(means, standard_errors(x.square().mean(1), square))

    @claim("samples", "Kolmogorov–Smirnov distance of a coordinate, times √n", KOLMOGOROV, when=has_density)
    def marginal_errors(self) -> float:
        """The larger Kolmogorov-Smirnov distance of a coordinate, times the root of the number of points."""
        axes = enumerate(self.points.sort(0).values.T)
        return max(kolmogorov(self.density.marginal(axis).cdf(x[:, None])) for axis, x in axes)

    @claim("samples", "mean of log p, in standard errors", STANDARD_ERRORS, when=has_density)
    def surprise_errors(self) -> float:
        """The mean of log p over the samples against that over the density, by quadrature, in standard errors.

        Both are taken over the square, and count 0 outside: log p of heavy tails has much of its mean there.
        """
        _, log_p, side = self.near
        kept = log_p > -500
        expected = float((log_p[kept].exp() * log_p[kept]).sum()) * side**2
        x = self.smoothed(SEED)
        inside = ((x - self.density.mean).abs() < REACH * self.unit).all(1)
        return standard_errors(torch.where(inside, self.density.log_prob(x, NEAR * self.unit), 0.0), expected)

    @claim("samples", "counts in cells of the plane: Pearson's statistic, standardized", 5.0, when=has_density)
    def cell_errors(self) -> float:
        """Pearson's statistic of the samples in cells of the square, and outside, in standard deviations of its law."""
        nodes, log_p, side = self.near
        smoothed, half, edges = self.smoothed(SEED + 1), REACH * self.unit, []
        for middle, x in zip(self.density.mean, smoothed.T, strict=True):
            low = middle - half
            inner = torch.quantile(x, spaced(0, 1, SHARES + 1)[1:-1]).clamp(low, middle + half)
            whole = low + side * ((inner - low) / side).round()  # so that no cell of quadrature is cut
            edges.append([float(low), *whole.tolist(), float(middle + half)])

        def cells(x: Tensor, weights: Tensor | None = None) -> Tensor:
            """What lies in each cell of the square, and outside, of a sum of all."""
            heavy = None if weights is None else weights.numpy()
            found, _ = np.histogramdd(x.numpy(), edges, weights=heavy)
            inside = torch.from_numpy(found).flatten()
            return torch.cat([inside, (len(smoothed) - inside.sum()).clamp(min=0.0)[None]])

        counts, expected = cells(smoothed), cells(nodes, len(smoothed) * side**2 * log_p.exp())
        few = expected < 10
        counts, expected = (torch.cat([part[~few], part[few].sum()[None]]) for part in (counts, expected))
        used = expected > 1
        return pearson(counts[used], expected[used])

    @claim("samples", "shares of the modes, in standard errors", STANDARD_ERRORS, when=has_modes)
    def mode_errors(self) -> float:
        """The largest difference of a mode's share of the samples from the stated one, in standard errors."""
        modes, weights = self.density.modes, self.density.mode_weights
        assert modes is not None
        assert weights is not None
        shares, _ = mode_weights(self.points, modes)
        return share_gap(shares, weights, len(self.points))

    # --- its classes

    @functools.cached_property
    def classes(self) -> ClassDensities:
        """The densities of the classes.

        Raises:
            ValueError: one of the classes has no component.
        """
        assert isinstance(self.density, GaussianMixture)
        return ClassDensities.of(self.density)

    @property
    def labels(self) -> Tensor:
        assert self.data.labels is not None
        return torch.tensor(self.data.labels)

    def posteriors(self, x: Tensor, sigma: float) -> Tensor:
        """p(c | x) = pi_c p(x | c) / p(x) by the stated density p, (N, C), for x (N, dim)."""
        every = zip(self.classes.densities, self.classes.frequencies, strict=True)
        joint = torch.stack([density.log_prob(x, sigma) + share.log() for density, share in every], 1)
        return (joint - self.density.log_prob(x, sigma)[:, None]).exp()

    @claim("classes", "weights of the classes add up to 1: error", 1e-9, when=has_class_densities)
    def weights_error(self) -> float:
        """How far the weights of the classes are from adding up to 1; 1 if one is not above 0."""
        assert isinstance(self.density, GaussianMixture)
        assert self.density.classes is not None
        shares = torch.bincount(self.density.classes, self.density.weights)
        return max(abs(float(shares.sum()) - 1), float(shares.min() <= 0))

    @claim("classes", "p(c | x) are probabilities at every level: error", 1e-9, when=has_class_densities)
    def posterior_error(self) -> float:
        """How far p(c | x) is from adding up to 1 at points of all levels, or from lying between 0 and 1."""
        worst = 0.0
        for sigma, x in self.noisy(LEVELS):
            found = self.posteriors(x, sigma)
            worst = max(worst, gap(found.sum(1), torch.ones(len(x))), float((-found).max()), float(found.max()) - 1)
        return worst

    @claim("classes", "shares of the classes, in standard errors", STANDARD_ERRORS, when=has_class_densities)
    def share_errors(self) -> float:
        """The largest difference of a class's share of the points from its weight, in standard errors."""
        shares = torch.bincount(self.labels, minlength=self.classes.count).double() / len(self.labels)
        return share_gap(shares, self.classes.frequencies, len(self.labels))

    @claim("classes", "classes of points with noise by p(c | x), in standard errors", 5.0, when=has_class_densities)
    def label_errors(self) -> float:
        """The labels against p(c | x) at points with noise, over the plane and by each coordinate, in standard errors."""
        sigma = 0.5 * self.unit  # so that the classes overlap
        x = self.points + sigma * normals(*self.points.shape, seed=SEED + 2)
        left = torch.nn.functional.one_hot(self.labels, self.classes.count) - self.posteriors(x, sigma)
        places = ((x - self.density.mean) / self.unit).clamp(-REACH, REACH)  # for heavy tails too
        weights = torch.cat([torch.ones_like(x[:, :1]), places], 1)
        found = (left[:, :, None] * weights[:, None]).flatten(1)
        return max(standard_errors(column, 0.0) for column in found.T)

    @claim(
        "classes", "score guided by w = 1 is that of p(x | c) p(c | x): relative error", 1e-7, when=has_class_densities
    )
    def guided_error(self) -> float:
        """The score guided by w = 1 against the gradient of log p(x | c) + w log p(c | x), at all levels, relative as :meth:`score_error`."""
        worst = 0.0
        for level, x in self.noisy(LEVELS[1:], 100):
            sigma = doubles(level)
            for number, density in enumerate(self.classes.densities):
                tilted = density.log_prob(x.requires_grad_(), sigma) + self.classes.log_posterior(x, sigma)[:, number]
                found = GuidedScore(self.classes.score, torch.tensor(number), 1.0)(x.detach(), sigma)
                worst = max(worst, gap(self.unit * found, self.unit * gradient_of(tilted, x)))
        return worst

    def charts(self) -> list[Chart]:
        """The samples' distribution functions beside those of the density."""
        if not self.has_density():
            return []
        lines = []
        for axis, name in enumerate(self.data.axes):
            x = self.points[:, axis].sort().values
            at = x[:: max(1, len(x) // 120)]
            share = torch.searchsorted(x, at.contiguous()) / len(x)
            lines.append(line(name, at, share))
            exact = self.density.marginal(axis).cdf(at[:, None])
            lines.append(line(f"{name}, closed form", at, exact, own=False, dashed=True))
        return [chart("Distribution of the samples", "coordinate", "share below", lines)]
