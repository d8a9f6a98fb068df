"""The audit of noise: drift and diffusion, marginals, ends, terminal Gaussianity, and the levels that training draws."""

import functools
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from playground.lab.audit.chart import chart, line
from playground.lab.audit.deviations import KOLMOGOROV, doubles, gap, kolmogorov, pearson, seeded, spaced
from playground.lab.audit.stated import Auditing, claim
from playground.lab.chart import Chart
from playground.lab.compute import result
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.theory.likelihood import log_likelihood
from playground.theory.noise import SIGMA_DISTRIBUTIONS, Process
from playground.theory.smoothing import gaussianity

TIMES = 60
SHORT = 1e-5
"""Half the step of a difference quotient in t."""
DRAWS = 2_000
GAUSSIAN_NATS = 0.02
SEEN, LEAST_NATS = 0.2, 1e-9  # of sigma and of the divergence, on the chart: below them its quadrature has errors
POINTS = 40


class NoiseAudit(Auditing):
    """The claims of an experiment's noise on its data."""

    def __init__(self, experiment: Experiment) -> None:
        small = {"data.points": 2_000, "likelihood.points": 200} if experiment.data.known_density else {}
        self.problem = Problem.build(replace(experiment, small))
        self.kind = experiment.noise

    @functools.cached_property
    def process(self) -> Process:
        return self.problem.process()

    @property
    def times(self) -> Tensor:
        """Times strictly between the ends, (TIMES,) float64."""
        start = self.process.t_min
        return start + (1 - start) * (torch.arange(TIMES, dtype=torch.float64) + 0.5) / TIMES

    # --- what it has

    def has_path(self) -> bool:
        """Whether it has a process from data to noise, or levels in its place."""
        return self.kind.has_path

    def has_known_path(self) -> bool:
        """Whether the density along its path is known."""
        return self.kind.has_path and self.problem.density is not None

    def is_continuous(self) -> bool:
        """Whether training draws any level."""
        return self.kind.is_continuous

    def has_few_levels(self) -> bool:
        """Whether training draws from the levels of a path alone."""
        return self.kind.has_path and not self.kind.is_continuous

    # --- the process

    def _slope(self, values: Callable[[Tensor], Tensor]) -> Tensor:
        """The derivative of values in t."""
        return slope(values, self.times, SHORT * (1 - self.process.t_min))

    @claim("process", "α′ is (f/x) α: relative error", 1e-5, when=has_path)
    def drift_error(self) -> float:
        """alpha' = (f/x) alpha, relative to the rates."""
        scale, rate = self.process.scale(self.times), self.process.rate(self.times)
        found = self._slope(lambda t: self.process.scale(t) + 0 * t)
        return float(((found - rate * scale).abs() / (1e-3 + (rate * scale).abs())).max())

    @claim("process", "v′ is 2 (f/x) v + g² for the noise's variance v: relative error", 1e-5, when=has_path)
    def diffusion_error(self) -> float:
        """v' = 2 (f/x) v + g^2 for the variance v of the noise, relative to g^2."""
        process, t = self.process, self.times
        found = self._slope(lambda at: process.std(at).square())
        expected = 2 * process.rate(t) * process.std(t).square() + process.diffusion(t).square()
        return float(((found - expected).abs() / (expected.abs() + process.diffusion(t).square())).max())

    @claim("process", "t(σ) is the inverse of σ(t)", 1e-8, when=has_path)
    def inverse_error(self) -> float:
        return gap(self.process.time(self.process.sigma(self.times)), self.times)

    @claim("process", "σ at both ends: relative error", 1e-9, when=has_path)
    def end_error(self) -> float:
        """sigma at both ends, relative to those that it states."""
        ends = self.process.sigma(doubles([self.process.t_min, 1.0]))
        stated = doubles([self.process.sigma_min, self.process.sigma_max])
        return float((ends / stated - 1).abs().max())

    @claim("process", "σ rises and α does not: times at which it is otherwise", 0.0, 0.0, when=has_path)
    def falls(self) -> float:
        """At how many times sigma does not rise, or alpha rises."""
        sigma, scale = self.process.sigma(self.times), self.process.scale(self.times) + 0 * self.times
        return float((sigma.diff() <= 0).sum() + (scale.diff() > 1e-12).sum())

    @claim("process", "log p of its prior, a Gaussian with the moments of x(1)", 1e-9, when=has_path)
    def prior_error(self) -> float:
        """log p of the prior against N(alpha m, alpha^2 (C + sigma^2 I)), for data of mean m and covariance C."""
        mean = doubles([0.4, -1.0])
        covariance = doubles([[1.5, -0.4], [-0.4, 0.5]])
        scale, std = float(self.process.scale(1.0)), float(self.process.std(1.0))
        end = scale**2 * covariance + std**2 * torch.eye(2, dtype=torch.float64)
        x = torch.cartesian_prod(*2 * [spaced(-20, 20, 9)])
        expected = MultivariateNormal(scale * mean, end).log_prob(x)
        return gap(self.process.prior(mean, covariance).log_prob(x), expected)

    # --- from data to noise

    @claim("from data to noise", "x(1) from a Gaussian: divergence in nats", GAUSSIAN_NATS, when=has_path)
    def divergence(self, t: float = 1.0) -> float:
        """Kullback-Leibler divergence of x(t) from the Gaussian with its moments, in nats."""
        return gaussianity(self.problem.train, float(self.process.sigma(t)))

    @claim(
        "from data to noise",
        f"log p of {POINTS} points by the flow, exact score: largest error in nats",
        0.05,
        when=has_known_path,
    )
    def likelihood_error(self) -> float:
        """The largest error of log p of held-out points, by the flow with the exact score, in nats."""
        problem = self.problem
        assert problem.density is not None
        density = problem.density.to("cpu", torch.float64)
        x = density.sample(POINTS, seeded(4))
        covariance = torch.cov(density.sample(20_000, seeded(5)).T)
        prior = self.process.prior(torch.zeros(2, dtype=torch.float64), covariance)
        end = result(log_likelihood(density.score, self.process, prior, x, 1e-5))
        return float((end.log_prob - density.log_prob(x, self.process.sigma_min)).abs().max())

    # --- the levels of training

    @functools.cached_property
    def drawn(self) -> Tensor:
        """Noise levels that training draws, (DRAWS,) float64, sorted: one at a time, as those of a batch are stratified."""
        found = [self.problem.training_sigmas(1, seeded(number)) for number in range(DRAWS)]
        return torch.cat(found).double().sort().values

    @claim("levels of training", "levels outside the stated ends: relative", 1e-5)
    def outside(self) -> float:
        """The largest factor by which a drawn level lies outside the stated ends, minus 1."""
        noise = self.problem.noise
        if noise.sigma_max == 0:
            return float(self.drawn.abs().max())
        low, high = float(self.drawn.min()), float(self.drawn.max())
        return max(noise.sigma_min / low, high / noise.sigma_max, 1.0) - 1

    @claim(
        "levels of training",
        "Kolmogorov–Smirnov distance from the stated density, times √n",
        KOLMOGOROV,
        when=is_continuous,
    )
    def distribution_error(self) -> float:
        """The Kolmogorov-Smirnov distance of the drawn levels from their stated density, times the root of their number."""
        noise = self.problem.noise
        logs = spaced(math.log(noise.sigma_min), math.log(noise.sigma_max), 20_001)
        density = noise.relative_density(logs.exp(), self.problem.sigma_distribution)
        below = torch.cumulative_trapezoid(density, logs)
        total = float(below[-1] / (logs[-1] - logs[0]))
        cdf = np.interp(self.drawn.log(), logs[1:], below / below[-1])
        return kolmogorov(torch.from_numpy(cdf)) + abs(total - 1)

    @claim("levels of training", "stated densities against the slope of the quantiles", 1e-5, when=is_continuous)
    def quantile_error(self) -> float:
        """The density of ln sigma times the slope of its quantiles is its range, in every distribution of training."""
        u, worst = spaced(0.01, 0.99, 50), 0.0
        for distribution in SIGMA_DISTRIBUTIONS.values():
            drawn = distribution(self.process)
            found = drawn.relative_density(drawn.quantile(u)) * slope(lambda u: drawn.quantile(u).log(), u, SHORT)  # noqa: B023
            worst = max(worst, gap(found, torch.full_like(found, drawn.high - drawn.low)))
        return worst

    @claim("levels of training", "levels that do not fall from coarse to fine", 0.0, 0.0, when=has_path)
    def level_faults(self) -> float:
        """How many levels are not above 0, do not fall from coarse to fine, or are not those that training draws."""
        levels = self.problem.noise.levels(20)
        wrong = int((levels <= 0).sum() + (levels.diff() >= 0).sum())
        if not self.kind.is_continuous:
            nearest = (self.drawn[:, None] - levels.sort().values).abs().min(1).values
            wrong += int((nearest > 1e-5 * self.drawn).sum())
        return float(wrong)

    @claim("levels of training", "how often each is drawn: Pearson's statistic, standardized", 5.0, when=has_few_levels)
    def frequency_errors(self) -> float:
        """Pearson's statistic of how often each level is drawn, in standard deviations of its law."""
        levels = self.problem.noise.levels(20).sort().values
        nearest = (self.drawn[:, None] - levels).abs().argmin(1)
        counts = torch.bincount(nearest, minlength=len(levels)).double()
        return pearson(counts, torch.full_like(counts, len(self.drawn) / len(levels)))

    def charts(self) -> list[Chart]:
        """The schedules, and how Gaussian x(t) is."""
        if not self.kind.has_path:
            return []
        t = spaced(self.process.t_min, 1.0, 80)
        shown = [
            chart(
                "Schedules",
                "t",
                "α, σ, g",
                (
                    line("σ", t, self.process.sigma(t)),
                    line("α", t, self.process.scale(t) + 0 * t, own=False),
                    line("g", t, self.process.diffusion(t), own=False, dashed=True),
                ),
                log_y=True,
            )
        ]
        if self.problem.shape == (2,):
            every = spaced(self.process.t_min, 1.0, 25)
            wide = every[self.process.sigma(every) > SEEN]
            points = [(t, nats) for t in wide.tolist() if (nats := self.divergence(t)) > LEAST_NATS]
            if len(points) > 1:
                times, found = zip(*points, strict=True)
                ends = [times[0], 1.0]
                shown.append(
                    chart(
                        "Divergence of x(t) from a Gaussian",
                        "t",
                        "nats",
                        (
                            line(self.kind.title, times, found),
                            line("bound at t = 1", ends, [GAUSSIAN_NATS] * 2, own=False, dashed=True),
                        ),
                        log_y=True,
                    )
                )
        return shown


def slope(values: Callable[[Tensor], Tensor], at: Tensor, h: float) -> Tensor:
    """The derivative of values, by differences of fourth order."""
    near, far = values(at + h) - values(at - h), values(at + 2 * h) - values(at - 2 * h)
    return (8 * near - far) / (12 * h)
