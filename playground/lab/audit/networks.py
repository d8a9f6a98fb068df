"""The audit of a network: its gradients, the size of its output, what it learns in a few steps, and its speed."""

import functools
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from playground.lab.audit.chart import chart, line
from playground.lab.audit.deviations import gradient_of, seconds, seeded, spaced
from playground.lab.audit.stated import Auditing, claim
from playground.lab.chart import Chart
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.training import Trainer
from playground.theory.networks import ScoreNetwork
from playground.theory.noise import ScoreFunction, per_point
from playground.theory.parametrizations import OUTPUTS
from playground.theory.partition import EnergyFunction

STEPS, IMAGE_STEPS = 300, 150
"""Training steps, enough to see whether it learns."""
ROWS, IMAGE_ROWS = 1_000, 64
LEVELS = 9
SIZE = 1.5
"""Bound of the root mean square of sigma s over all coordinates, which is below 1 for every true score."""
KNOWN, UNKNOWN = 1.2, 1.01
"""Least ratio of the errors with a wrong and the right noise level, to the exact score, or to the noise: much of that error is
there for every network. The least of the built-in ones are 1.6 and 1.05; a network that ignores sigma has 1.0000001."""

OTHER_LEVELS = "error with the noise level of another point, over that with its own"


class NetworkAudit(Auditing):
    """The claims of a network on given data."""

    def __init__(self, experiment: Experiment) -> None:
        images = experiment.data.images
        small = {"data.points": 2_000} if experiment.data.known_density else {}
        self.steps = IMAGE_STEPS if images else STEPS
        short = {"training.steps": self.steps, "training.seconds": "auto", "training.early_stopping": "off"}
        self.problem = Problem.build(replace(experiment, small | short | {"likelihood.points": 10}))
        self.rows = IMAGE_ROWS if images else ROWS
        self.kind = experiment.network
        self.sizes: dict[str, tuple[list[float], list[float]]] = {}

    def new(self) -> ScoreNetwork:
        return self.problem.network()

    @functools.cached_property
    def precise(self) -> ScoreNetwork:
        """A network in float64 whose every weight is moved, so that none that begins at 0 hides the others."""
        made = self.new().double()
        source = seeded(3)
        with torch.no_grad():
            for weight in made.parameters():
                weight.add_(0.05 * torch.randn(weight.shape, generator=source, dtype=weight.dtype))
        return made

    @functools.cached_property
    def trained(self) -> ScoreNetwork:
        trainer = Trainer(self.problem)
        for _ in trainer:
            pass
        return trainer.ema

    @property
    def levels(self) -> list[float]:
        noise = self.problem.noise
        if noise.sigma_max == noise.sigma_min:
            return [noise.sigma_max]
        return torch.linspace(math.log(noise.sigma_min), math.log(noise.sigma_max), LEVELS).exp().tolist()

    def states_density(self) -> bool:
        """Whether the network has a density of its own."""
        return self.kind.resolve(self.problem.experiment.data.images, self.problem.experiment.noise).states_density

    def knows_density(self) -> bool:
        """Whether the density of the data is known."""
        return self.problem.density is not None

    def knows_none(self) -> bool:
        """Whether the density of the data is not known."""
        return self.problem.density is None

    def levels_of_known(self) -> bool:
        """Whether the density of the data is known at several levels."""
        return self.knows_density() and len(self.levels) > 1

    def levels_of_unknown(self) -> bool:
        """Whether data of no known density have several levels."""
        return self.knows_none() and len(self.levels) > 1

    def clean(self) -> Tensor:
        return self.problem.train[torch.randint(len(self.problem.train), (self.rows,), generator=seeded(1))]

    def noisy(self, sigma: float | Tensor) -> tuple[Tensor, Tensor]:
        """Training points with noise of one level or of one for each point, (N, *shape), and the noise in standard deviations."""
        x = self.clean()
        z = torch.randn(x.shape, generator=seeded(2), dtype=x.dtype)
        return x + per_point(torch.as_tensor(sigma), x) * z, z

    # --- rules

    @claim("score", "shapes, finite numbers, batches, seeds and files: rules that it breaks", 0.0, 0.0)
    def faults(self) -> float:
        """How many rules of a network it breaks."""
        network, other = self.trained, self.new()
        low, high = self.levels[0], self.levels[-1]
        x, _ = self.noisy(1.0)
        x = x[:16]
        sigma = torch.linspace(0.3, 3.0, len(x))
        with torch.no_grad():
            found = network(x, sigma)
            far = network(100 * x, torch.tensor(high))
            fine = network(x, torch.tensor(low))
            pieces = zip(torch.split(x, 4), torch.split(sigma, 4), strict=True)
            parts = torch.cat([network(*piece) for piece in pieces])
            scalar, alike = network(x, torch.tensor(0.7)), network(x, torch.full((len(x),), 0.7))
            again = network(x, sigma)
            other.load_state_dict(network.state_dict())
            copied = other(x, sigma)
        learning = network(x, sigma).detach()
        first, second = self.new().state_dict(), self.new().state_dict()
        wrong = [
            found.shape != x.shape or found.dtype != x.dtype,
            not all(bool(part.isfinite().all()) for part in (found, far, fine)),
            not torch.allclose(parts, found, rtol=1e-3, atol=1e-4),
            not torch.allclose(scalar, alike, rtol=1e-4, atol=1e-5),
            not torch.equal(again, found),
            not torch.allclose(copied, found, rtol=1e-4, atol=1e-5),
            not torch.allclose(learning, found, rtol=1e-3, atol=1e-4),
            any(not torch.equal(first[name], second[name]) for name in first),
        ]
        return float(sum(wrong))

    @claim("score", "largest root mean square of σ s over the levels, untrained", SIZE)
    def untrained_size(self) -> float:
        return self._size(self.new(), "untrained")

    # --- gradients

    def _few(self) -> tuple[ScoreNetwork, Tensor, Tensor]:
        x, _ = self.noisy(0.5)
        return self.precise, x[:8].double(), spaced(0.2, 3.0, 8)

    @claim("gradient", "along a direction of all weights: relative error", 1e-5)
    def weight_gradient(self) -> float:
        """The derivative of a loss along a random direction of all weights, by autograd against differences; relative."""
        network, x, sigma = self._few()
        weights, source, h = dict(network.named_parameters()), seeded(5), 1e-5
        along = {name: torch.randn(one.shape, generator=source, dtype=one.dtype) for name, one in weights.items()}

        def loss(by: Tensor | float) -> Tensor:
            """The loss with weights that are moved along the direction."""
            moved = {name: weight + by * along[name] for name, weight in weights.items()}
            value: Tensor = torch.func.functional_call(network, moved, (x, sigma))
            return (torch.sin(value) * per_point(sigma, x)).sum()

        still = torch.zeros((), dtype=x.dtype, requires_grad=True)
        (slope,) = torch.autograd.grad(loss(still), still, allow_unused=True, materialize_grads=True)
        found, exact = float((loss(h) - loss(-h)).detach()) / (2 * h), float(slope)
        return abs(found - exact) / max(abs(exact), 1e-3)

    @claim("gradient", "along a direction of x: relative error", 1e-5)
    def point_gradient(self) -> float:
        """The derivative of the score along a random direction of x, by autograd against differences; relative."""
        network, x, sigma = self._few()
        v = torch.randn(x.shape, generator=seeded(6), dtype=torch.float64)
        slope = torch.autograd.functional.jvp  # by two backward passes
        _, exact = slope(lambda at: network(at, sigma), x, v)  # type: ignore[no-untyped-call]
        h = 1e-5
        found = (network(x + h * v, sigma).detach() - network(x - h * v, sigma).detach()) / (2 * h)
        return float((found - exact).abs().max() / exact.abs().max().clamp(min=1e-3))

    @claim("gradient", "score is the gradient of its log-density: relative error", 1e-9, when=states_density)
    def density_gradient(self) -> float:
        """The score against autograd of the log-density that it states; relative."""
        network, x, sigma = self._few()
        assert isinstance(network, EnergyFunction)
        x = x.requires_grad_()
        gradient = gradient_of(network.log_density(x, sigma), x)
        with torch.no_grad():  # as in sampling, where other code may compute it
            found = network(x.detach(), sigma)
        return float((found - gradient).abs().max() / gradient.abs().max())

    @claim("training", "weights that {0.steps} steps did not move", 0.0, 0.0)
    def still(self) -> float:
        """How many weights training did not move."""
        before, after = dict(self.new().named_parameters()), dict(self.trained.named_parameters())
        return float(sum(torch.equal(before[name], after[name]) for name in before))

    # --- sizes and errors

    def _size(self, score: ScoreFunction, name: str) -> float:
        """The largest root mean square of sigma s over the levels."""
        found = []
        with torch.no_grad():
            for sigma in self.levels:
                x, _ = self.noisy(sigma)
                scale = sigma or 1.0
                found.append(float(scale * score(x, torch.tensor(sigma)).square().mean().sqrt()))
        self.sizes[name] = self.levels, found
        return max(found)

    @claim("training", "mean square error to the noise, over that of a Gaussian's score", 0.99, when=knows_none)
    @claim("training", "mean square error to the exact score, over that of a Gaussian's score", 0.5, when=knows_density)
    def error(self) -> float:
        """Mean square of the residual over that of the score of a Gaussian, averaged over levels.

        Where the density is known the residual is that to the exact score, otherwise to the noise, as in denoising.
        """
        density, own, others = self.problem.density, 0.0, 0.0
        with torch.no_grad():
            for sigma in self.levels:
                x, z = self.noisy(sigma)
                target = density.score(x, sigma) if density is not None else -z / sigma
                weight = (sigma or 1.0) ** 2
                found = self.trained(x, torch.tensor(sigma))
                own += weight * float((found - target).square().mean())
                others += weight * float((-x / (1 + sigma**2) - target).square().mean())
        return own / others

    @claim("training", OTHER_LEVELS, low=UNKNOWN, when=levels_of_unknown)
    @claim("training", OTHER_LEVELS, low=KNOWN, when=levels_of_known)
    def error_of_other_levels(self) -> float:
        """The error with the noise level of another point for the network's input, over that with each point's own.

        It is 1 for a network that ignores sigma. Only F of :mod:`playground.theory.networks` is given the other level: x at
        that level is scaled so that F sees the same point, and F becomes a score by the point's own level.
        """
        network, density = self.trained, self.problem.density
        own = torch.tensor(self.levels)[torch.arange(self.rows) % len(self.levels)]
        other = own[torch.randperm(len(own), generator=seeded(4))]
        x, z = self.noisy(own)
        weight = per_point(torch.where(own > 0, own, 1.0), x)
        target = density.score(x, own) if density is not None else -z / weight
        inputs = x * per_point(torch.rsqrt(1 + own.square()), x)

        def output(sigma: Tensor) -> Tensor:
            at = inputs * per_point((1 + sigma.square()).sqrt(), x)
            slope, pull = self._scales(sigma, x)
            score: Tensor = network(at, sigma)
            return (score + pull * at) / slope

        slope, pull = self._scales(own, x)
        with torch.no_grad():
            errors = [
                float((weight * (slope * output(sigma) - pull * x - target)).square().mean()) for sigma in (own, other)
            ]
        return errors[1] / errors[0]

    def _scales(self, sigma: Tensor, x: Tensor) -> Iterator[Tensor]:
        """The factors a, b of s = a F - b x at noise levels, as in :func:`playground.theory.networks.base.preconditioned`."""
        return (
            per_point(part, x) for part in OUTPUTS[self.trained.prediction](sigma, torch.where(sigma > 0, sigma, 1.0))
        )

    @claim("training", "largest root mean square of σ s, trained", SIZE)
    def trained_size(self) -> float:
        return self._size(self.trained, "trained")

    # --- cost

    @claim("cost", "weights")
    def parameters(self) -> float:
        return float(self.new().parameters_count)

    @claim("cost", "milliseconds for the score of 1,000 points")
    def seconds(self) -> float:
        """Milliseconds for the score of 1,000 points."""
        network, x = self.trained, self.clean()
        with torch.no_grad():
            return 1e6 * seconds(lambda: network(x, torch.tensor(0.7))) / len(x)

    @claim("cost", "time of a training step, in those of the default network")
    def step_cost(self) -> float:
        """Time of loss and gradient of a batch, over that of the default network."""
        usual = replace(self.problem.experiment, {"network.kind": "auto"})
        return self._step_seconds(self.new()) / self._step_seconds(self.problem.with_experiment(usual).network())

    def _step_seconds(self, network: ScoreNetwork) -> float:
        x, z = self.noisy(0.7)
        x = x[:512]
        weights = list(network.parameters())

        def step() -> None:
            loss = (network(x, torch.tensor(0.7)) + z[:512] / 0.7).square().mean()
            torch.autograd.grad(loss, weights, allow_unused=True)

        return seconds(step)

    def charts(self) -> list[Chart]:
        """The size of the score along sigma."""
        if not self.sizes or len(self.levels) == 1:
            return []
        if self.problem.density is not None:
            self._size(self.problem.density.score, "exact")
        lines = [
            line(name, *curve, own=name == "trained", dashed=name == "exact") for name, curve in self.sizes.items()
        ]
        return [chart("Root mean square of σ s", "σ", "σ s", lines, log_x=True)]
