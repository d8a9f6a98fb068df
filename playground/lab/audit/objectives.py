"""The audit of an objective: its minimiser is the score, how noisy its gradient is, and what a step costs.

At the true score of a mixture the loss is moved along a few directions h = grad u. Its slope there must be 0, within its standard
error, and it must be curved upwards. Slope over curvature is where the minimiser lies along h, and its standard error with given
points is a figure of merit that depends on no weight and no network.
"""

import dataclasses
import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor

from playground.lab.audit.chart import chart, line
from playground.lab.audit.deviations import STANDARD_ERRORS, seconds, seeded
from playground.lab.audit.gaussian import mixture, with_density
from playground.lab.audit.stated import Auditing, claim
from playground.lab.chart import Chart
from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.theory.densities import Density
from playground.theory.metrics import mean_with_error
from playground.theory.noise import per_point
from playground.theory.objectives import Denoising, Objective

LEVELS = (0.1, 0.3, 1.0, 3.0)
"""Noise levels in standard deviations of the data."""
BATCHES, BATCH = 96, 512
"""Batches and their points: points of a batch may depend on each other, so that only the means of batches are independent."""
MOVED = 0.1
"""How far the score is moved along each direction, relative to its own size."""
ERRORS = 5.0
"""Bound in standard errors of a mean over BATCHES, which a right value exceeds once in 20,000 seeds."""
PARTS, POINTS = 20, 4_096


@dataclasses.dataclass(frozen=True)
class Direction:
    """A direction h = grad u in which a score is moved, about as large as the score.

    Args:
        name: what it changes.
        potential: u from x, sigma and log p.
        slope: grad u from x, sigma and the score.
    """

    name: str
    potential: Callable[[Tensor, Tensor, Tensor], Tensor]
    slope: Callable[[Tensor, Tensor, Tensor], Tensor]


def _width(x: Tensor, sigma: Tensor) -> Tensor:
    """The deviation of smoothed data of variance 1, (N, 1) or ()."""
    return (1 + per_point(torch.as_tensor(sigma).to(x), x) ** 2).sqrt()


DIRECTIONS = (
    Direction("its size", lambda x, sigma, log_p: log_p, lambda x, sigma, score: score),
    Direction(
        "its place",
        lambda x, sigma, log_p: x[:, 0] / _width(x, sigma).expand(len(x), 1)[:, 0],
        lambda x, sigma, score: torch.cat([1 / _width(x, sigma).expand(len(x), 1), torch.zeros_like(x[:, 1:])], 1),
    ),
    Direction(
        "its waves",
        lambda x, sigma, log_p: torch.sin(2 * x / _width(x, sigma)).sum(1) / 2,
        lambda x, sigma, score: torch.cos(2 * x / _width(x, sigma)) / _width(x, sigma),
    ),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Moved:
    """The model of a density, moved: log p + e u, with the score s + e grad u; it is a score and an energy."""

    density: Density
    direction: Direction = DIRECTIONS[0]
    by: float = 0.0

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The score at x for sigma."""
        found = self.density.score(x, sigma)
        return found + self.by * self.direction.slope(x, sigma, found)

    def log_density(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The log-density at x for sigma."""
        found = self.density.log_prob(x, sigma)
        return found + self.by * self.direction.potential(x, sigma, found)


@dataclasses.dataclass(frozen=True)
class Slope:
    """Slope and curvature of a loss at the true score, along one direction at one level.

    Attributes:
        slope, curvature: means over all points.
        slope_error: the standard error of the slope.
    """

    slope: float
    slope_error: float
    curvature: float

    @property
    def errors(self) -> float:
        """The slope in standard errors; 0 if it has none and is 0."""
        if self.slope_error > 1e-12 * abs(self.curvature):
            return abs(self.slope) / self.slope_error
        return 0.0 if abs(self.slope) < 1e-6 * abs(self.curvature) else math.inf

    @property
    def offset(self) -> float:
        """Where the minimiser lies along the direction; 0 is the score."""
        return -self.slope / self.curvature

    @property
    def spread(self) -> float:
        """The standard error of the offset with all points."""
        return self.slope_error / abs(self.curvature)


class ObjectiveAudit(Auditing):
    """The claims of an objective on a mixture of Gaussians."""

    def __init__(self, experiment: Experiment) -> None:
        small = {"data.kind": "two-gaussians", "data.points": 2_000, "likelihood.points": 10}
        self.problem = _of_mixture(Problem.build(replace(experiment, small)))
        self.kind = self.problem.experiment.objective
        resolved = resolve(self.problem.experiment).objective
        self.loss: Objective = resolved.build(self.problem)
        self.reference: Objective = Denoising(self.problem.noise, self.problem.sigma_distribution, "edm")
        self.found: dict[tuple[bool, float], list[Slope]] = {}

    @property
    def density(self) -> Density:
        assert self.problem.density is not None
        return self.problem.density

    def _losses(self, loss: Objective, model: Moved, sigma: float) -> Tensor:
        """The mean loss of each batch, with the same draws for every model, (BATCHES,)."""
        means = []
        for batch in range(BATCHES):
            x = self.density.sample(BATCH, seeded(10_000 + batch))
            levels = torch.full((BATCH,), sigma, dtype=x.dtype)
            means.append(loss.loss(model, x, levels, seeded(500_000 + batch)).detach().mean())
        return torch.stack(means).double()

    def slopes(self, own: bool, sigma: float) -> list[Slope]:
        """Slope and curvature along every direction at one level, of the objective or of denoising."""
        if (own, sigma) in self.found:
            return self.found[own, sigma]
        loss = self.loss if own else self.reference
        still = self._losses(loss, Moved(self.density), sigma)
        found = []
        for direction in DIRECTIONS:
            above, below = (self._losses(loss, Moved(self.density, direction, by), sigma) for by in (MOVED, -MOVED))
            slope, error = mean_with_error((above - below) / (2 * MOVED))
            found.append(Slope(slope, error, float((above + below - 2 * still).mean()) / MOVED**2))
        self.found[own, sigma] = found
        return found

    # --- the claims

    @claim("loss", "shape, finite numbers, seeds and gradient: rules that it breaks", 0.0, 0.0)
    def faults(self) -> float:
        """How many rules of a loss it breaks."""
        problem, network = self.problem, self.network
        x = problem.train[:64].clone()
        kept, sigma = x.clone(), problem.noise.training_sigmas(64, seeded(3)).to(x)
        made = self.loss.loss(network, x, sigma, seeded(4))
        again = self.loss.loss(network, x, sigma, seeded(4))
        weights = [weight for weight in network.parameters() if weight.requires_grad]
        gradients = torch.autograd.grad(made.mean(), weights, allow_unused=True)
        wrong = [
            made.shape != (64,),
            not bool(made.isfinite().all()),
            not torch.equal(x, kept),
            not torch.equal(made, again),
            not bool((self.loss.weight(sigma) > 0).all()),
            not any(gradient is not None and bool(gradient.abs().max() > 0) for gradient in gradients),
        ]
        return float(sum(wrong))

    @claim("minimiser", "σ = {1:g}: slope at the true score, in standard errors", ERRORS, each=LEVELS)
    def bias(self, sigma: float) -> float:
        return max(slope.errors for slope in self.slopes(True, sigma))

    @claim("minimiser", "least curvature there, relative to the largest", low=1e-3)
    def curvature(self) -> float:
        """The least curvature, relative to the largest of its level."""
        found = []
        for sigma in LEVELS:
            curves = [slope.curvature for slope in self.slopes(True, sigma)]
            found.append(min(curves) / max(map(abs, curves)))
        return min(found)

    @claim("minimiser", "largest offset of the minimiser, relative to the score")
    def offset(self) -> float:
        """The largest offset of the minimiser along a direction, relative to the score."""
        return max(abs(slope.offset) for sigma in LEVELS for slope in self.slopes(True, sigma))

    @functools.cached_property
    def network(self) -> torch.nn.Module:
        return self.problem.network().double()

    @functools.cached_property
    def optimum(self) -> tuple[float, float] | None:
        return self.loss.optimal_loss_with_error(self.density, seeded(5), PARTS, POINTS)

    def states_optimum(self) -> bool:
        """Whether the objective states its least loss."""
        return self.optimum is not None

    @claim("minimiser", "loss of the true score: that stated, in standard errors", STANDARD_ERRORS, when=states_optimum)
    def optimum_errors(self) -> float:
        """The mean loss of the true score against the stated optimal loss, in standard errors of both."""
        assert self.optimum is not None
        means = []
        for part in range(PARTS):
            source = seeded(50 + part)
            x = self.density.sample(POINTS, source)
            sigma = self.problem.training_sigmas(POINTS, source).to(x)
            means.append(self.loss.loss(Moved(self.density), x, sigma, source).detach().mean())
        found, error = mean_with_error(torch.stack(means))
        return abs(found - self.optimum[0]) / math.hypot(error, self.optimum[1])

    @claim("cost", "gradient noise: points for the accuracy of one in denoising")
    def noise(self) -> float:
        """Points that it takes for the accuracy that denoising has with one: the geometric mean over levels and directions."""
        logs = []
        for sigma in LEVELS:
            for own, other in zip(self.slopes(True, sigma), self.slopes(False, sigma), strict=True):
                if own.spread > 0 and other.spread > 0:
                    logs.append(2 * math.log(own.spread / other.spread))
        return math.exp(sum(logs) / len(logs)) if logs else math.nan

    @claim("cost", "time of a training step, in steps of denoising")
    def cost(self) -> float:
        """Time of loss and gradient of a batch, over that of denoising with the same network."""
        network = self.problem.network()
        train = self.problem.train.float()
        weights = [weight for weight in network.parameters() if weight.requires_grad]

        x = train[torch.randint(len(train), (BATCH,), generator=seeded())]
        sigma = self.problem.noise.training_sigmas(BATCH, seeded()).to(x)

        def step(loss: Objective) -> None:
            torch.autograd.grad(loss.loss(network, x, sigma, seeded()).mean(), weights, allow_unused=True)

        own, other = (seconds(functools.partial(step, loss)) for loss in (self.loss, self.reference))
        return own / other

    def charts(self) -> list[Chart]:
        """Where the minimiser lies, and its noise, along sigma."""
        levels = [sigma for sigma in LEVELS if (True, sigma) in self.found]
        if not levels:
            return []
        lines = []
        for index, direction in enumerate(DIRECTIONS):
            found = [self.found[True, sigma][index] for sigma in levels]
            lines.append(
                line(
                    direction.name,
                    levels,
                    [slope.offset for slope in found],
                    own=index == 0,
                    error=[slope.spread for slope in found],
                )
            )
        lines.append(line("the score", [levels[0], levels[-1]], [0.0, 0.0], own=False, dashed=True))
        noise = [
            line(
                name,
                levels,
                [max(self.found[own, sigma][0].spread, 1e-9) * math.sqrt(BATCHES * BATCH / 1_000) for sigma in levels],
                own=own,
            )
            for own, name in ((True, self.kind.title), (False, "denoising"))
            if all((own, sigma) in self.found for sigma in levels)
        ]
        return [
            chart("Offset of the minimiser from the score", "σ", "relative offset", lines, log_x=True),
            chart("Its standard error with 1,000 points", "σ", "relative error", noise, log_x=True, log_y=True),
        ]


def _of_mixture(problem: Problem) -> Problem:
    """The problem with a mixture of three Gaussians of mean 0 and variance 1 as data, in float64."""
    density = mixture()
    return with_density(problem, density.standardized(density.mean, math.sqrt(density.variance)))
