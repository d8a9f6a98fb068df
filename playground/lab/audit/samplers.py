"""The audit of a sampler: order of convergence, law of its end, evaluations, and its distance to data beside built-in samplers."""

import dataclasses
import functools
import itertools
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from playground.kinds.samplers import FollowsScore
from playground.lab.audit import gaussian
from playground.lab.audit.chart import chart, line
from playground.lab.audit.deviations import STANDARD_ERRORS, normals, seeded
from playground.lab.audit.gaussian import Moments
from playground.lab.audit.stated import Auditing, claim
from playground.lab.autoguidance import asks_checkpoint, with_weaker
from playground.lab.chart import Chart, Series
from playground.lab.claims import Claim
from playground.lab.comparison import at_equal_evaluations
from playground.lab.compute import result
from playground.lab.conditioning import conditioned_score, guidance_interval
from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.training import Trainer
from playground.theory.counting import CountedScore
from playground.theory.densities import Density
from playground.theory.guidance import LabelledScore, ScoreWithWeaker
from playground.theory.noise import ScoreFunction
from playground.theory.samplers import BrownianPath, Sampler, SamplerDiverged
from playground.theory.tilting import TiltedDensity
from playground.theory.transport import squared_wasserstein2

PROCESSES: dict[str, dict[str, Any]] = {
    # With levels far below the data's deviation, errors of first order would nearly cancel by the end.
    "VE": {"noise.kind": "ve", "noise.sigma_min": 0.5, "noise.sigma_max": 8.0},
    "VP": {"noise.kind": "vp", "noise.sigma_min": 0.5},
}
STEPS = (64, 128, 256)
STRONG_STEPS, FINE, PATHS = (16, 32, 64), 1024, 300
PARTICLES = 8_000
BUDGETS = (5, 10, 20, 50, 100, 200)
COMPARED = 100  # most evaluations of the samplers to compare it with
NEAR_FLOOR = 2.0
"""Bound of W2 over its floor with the most evaluations."""
TRAINED = 300
"""Training steps before samples are guided by an earlier one."""
CLOUD, CLOUDS = 300, 4
"""Particles of a W2, and clouds of them from each run: a cloud more takes off less than its own time adds."""
REFERENCES: dict[str, dict[str, Any]] = {
    "Euler–Maruyama": {"sampling.kind": "reverse-sde"},
    "DPM-Solver++(2M)": {"sampling.kind": "probability-flow", "sampling.solver": "dpm-solver++"},
}
OTHER_LAW = 0.1
"""The least relative error of mean or variance of a sampler that states that it has no stationary law."""
NEAR_ORDER = 0.15
"""How far a measured order may lie below that which a sampler states, relative to it."""


def auditing(experiment: Experiment) -> "SamplerAudit | ForwardAudit":
    """What makes the claims of an experiment's sampler."""
    return SamplerAudit(experiment) if experiment.sampling.is_generative else ForwardAudit(experiment)


def order(steps: Sequence[int], errors: Sequence[float]) -> float:
    """The order: the slope of the logarithms of error against steps, by least squares; 0 if an error is not finite."""
    if not all(math.isfinite(error) for error in errors):
        return 0.0
    return -float(np.polyfit(np.log(steps), np.log(np.maximum(errors, 1e-300)), 1)[0])


def order_claim(what: str, measure: Callable[[], float], stated: float | None, least: float) -> Claim:
    """The claim that an order is about that which a sampler states, or if it states none at least so high."""
    if stated is None:
        return Claim("law", what, measure, low=least)
    return Claim("law", f"{what}, {stated:g} as it states", measure, low=stated * (1 - NEAR_ORDER))


def distance(samples: Tensor, density: Density | TiltedDensity, first: int = 120) -> float:
    """W2 from clouds of CLOUD samples to as many draws of a density, the mean over the clouds.

    Args:
        first: the seed of the first draws.
    """
    found = []
    for seed, cloud in enumerate(torch.split(samples, CLOUD)):
        matching = squared_wasserstein2(cloud, density.sample(CLOUD, seeded(first + seed)).to(cloud))
        found.append(math.sqrt(result(matching)))
    return statistics.fmean(found)


def floor(density: Density | TiltedDensity) -> float:
    """W2 between two sets of draws of a density, the mean of twelve pairs."""
    return distance(torch.cat([density.sample(CLOUD, seeded(150 + pair)) for pair in range(12)]), density, 180)


class SamplerAudit(Auditing):
    """The claims of a sampler that leads to data."""

    def __init__(self, experiment: Experiment) -> None:
        self.asked, self.kind = experiment, experiment.sampling
        fields = self.kind.__struct_fields__
        exact = {"sampling.source": "exact"} if "source" in fields else {}
        raw = {"sampling.final_denoising": False} if "final_denoising" in fields else {}
        self.experiment = replace(experiment, exact | raw)
        self.shown = replace(experiment, exact)  # with the final denoising that users see
        self.has_step = "step" in fields
        self.weak: dict[str, dict[int, float]] = {}
        self.strong: tuple[list[int], list[float]] | None = None
        self.distances: dict[str, dict[float, float]] = {}

    @functools.cached_property
    def follows_process(self) -> bool:
        """Whether it starts at noise; Langevin dynamics start at the noise level at which they end."""
        problem = self.problem("VE", 8)
        return self.kind.noise_of_run(problem) > problem.noise.sigma_min * (1 + 1e-9)

    @property
    def processes(self) -> tuple[str, ...]:
        return tuple(PROCESSES) if self.follows_process else ("VE",)

    def problem(self, process: str, steps: int) -> Problem:
        """The Gaussian problem with so many steps; with a step size, its step is shorter by as much as there are more."""
        changes: dict[str, Any] = PROCESSES[process] | {"sampling.steps": steps}
        problem = gaussian.gaussian_problem(self.experiment, changes)
        if not self.has_step:
            return problem
        size = getattr(self.kind, "step")  # noqa: B009 - a setting that not every sampler has
        if size == "auto":
            size = self.kind.default_step(problem)  # type: ignore[attr-defined]
        return gaussian.gaussian_problem(self.experiment, changes | {"sampling.step": size * self.counts[0] / steps})

    @functools.cached_property
    def counts(self) -> tuple[int, ...]:
        """Numbers of steps of which each is twice the one before; each with a step size has time to settle."""
        if not self.has_step:
            return STEPS
        levels = getattr(self.kind, "levels", None)
        return (120, 240, 480) if levels is None else tuple(levels * 25 * factor for factor in (1, 2))

    # --- the law of the end

    def law(self, process: str, steps: int) -> tuple[Sampler, Moments, Moments]:
        """The sampler, the moments of its start and those of its right end."""
        problem = self.problem(process, steps)
        sampler = gaussian.build(problem)
        noise = problem.noise
        begin = noise.sigma_max if self.follows_process else noise.sigma_min
        start = gaussian.starting_moments(sampler, problem, begin)
        return sampler, start, Moments(gaussian.MEAN[0], gaussian.STD**2 + noise.sigma_min**2)

    def weak_error(self, process: str, steps: int) -> float:
        """The relative error of the end's moments."""
        known = self.weak.setdefault(process, {})
        if steps not in known:
            sampler, start, right = self.law(process, steps)
            known[steps] = gaussian.exact_moments(sampler, start).distance(right)
        return known[steps]

    @functools.cached_property
    def is_linear(self) -> bool:
        """Whether its moments on a Gaussian are known without sampling error."""
        try:
            self.weak_error(self.processes[-1], self.counts[0])
        except (gaussian.NotLinear, SamplerDiverged):  # the claim about its law says which
            return False
        return True

    @property
    def has_law(self) -> bool:
        """Whether it states that the law of its end is that of the data."""
        return self.law("VE", self.counts[0])[0].has_law

    def weak_order(self, process: str) -> float:
        return order(self.counts, [self.weak_error(process, steps) for steps in self.counts])

    def law_error(self, process: str) -> float:
        """The relative error of the end's moments: of both coordinates by sampling, if they are not known without its error."""
        if self.is_linear:
            return self.weak_error(process, self.counts[-1])
        sampler, start, right = self.law(process, self.counts[0 if self.has_step else -1])
        end = gaussian.last(sampler, gaussian.started(start, normals(PARTICLES, 2, seed=3)), 4)
        return max(
            Moments(float(x.mean()), float(x.var())).distance(dataclasses.replace(right, mean=mean))
            for x, mean in zip(end.T, gaussian.MEAN, strict=True)
        )

    # --- one path

    @functools.cached_property
    def takes_paths(self) -> bool:
        """Whether its noise can be taken from a Brownian path."""
        if self.has_step or not self.follows_process or not self.is_linear:
            return False
        sampler, start, _ = self.law("VE", 8)
        try:
            if not gaussian.drawn(sampler, gaussian.started(start, normals(1, 2)))[1]:
                return False
            for _ in sampler.run(gaussian.score, torch.zeros(1, 2, dtype=torch.float64), BrownianPath(5)):
                pass
        except (gaussian.NotLinear, SamplerDiverged):  # in so few steps
            return False
        except (TypeError, AttributeError):  # it takes its numbers from a generator alone
            return False
        return True

    def strong_order(self) -> float:
        """The order of the root mean square distance from FINE of its own steps, on the same Brownian paths."""
        steps = (*STRONG_STEPS, FINE)
        samplers = [gaussian.build(self.problem("VE", count)) for count in steps]
        path = BrownianPath(5)
        begin = gaussian.started(self.law("VE", 8)[1], normals(PATHS, 2, seed=6))
        ends = []
        for sampler in samplers:
            with torch.no_grad():
                *_, step = sampler.run(gaussian.score, begin, path)
            ends.append(step.positions)
        errors = [float((end - ends[-1]).square().sum(1).mean().sqrt()) for end in ends[:-1]]
        self.strong = list(STRONG_STEPS), errors
        return order(STRONG_STEPS, errors)

    # --- what it costs, and how it behaves

    def counted(self) -> float:
        """Evaluations of the score for a particle in a short run."""
        sampler, start, _ = self.law("VE", self.counts[0])
        counter = CountedScore(gaussian.score, 40)
        with torch.no_grad():
            for _ in sampler.run(counter, gaussian.started(start, normals(40, 2, seed=1)), seeded()):
                pass
        return counter.nfe_mean

    @claim("run", "frames, start and seeds: rules that it breaks", 0.0, 0.0)
    def faults(self) -> float:
        """How many of the rules that the window relies on a run breaks."""
        sampler, start, _ = self.law(self.processes[-1], self.counts[0])
        begin = gaussian.started(start, normals(30, 2, seed=1))
        kept = begin.clone()
        with torch.no_grad():
            frames = list(sampler.run(gaussian.score, begin, seeded(1)))
            again = list(sampler.run(gaussian.score, begin, seeded(1)))
        wrong = [
            not torch.equal(begin, kept),
            not torch.equal(frames[0].positions, kept),
            [frame.index for frame in frames] != list(range(sampler.total + 1)),
            any(frame.total != sampler.total for frame in frames),
            any(frame.positions.shape != kept.shape or frame.positions.dtype != kept.dtype for frame in frames),
            not all(bool(frame.positions.isfinite().all()) for frame in frames),
            frames[-1].time is not None,
            not torch.equal(frames[-1].positions, again[-1].positions),
        ]
        return float(sum(wrong))

    # --- on two moons

    @functools.cached_property
    def moons(self) -> Problem:
        return Problem.build(replace(self.shown, self._settings))

    @property
    def _settings(self) -> dict[str, Any]:
        data = {"data.kind": "two-moons", "data.points": 4_000}
        return data | {"sampling.particles": CLOUDS * CLOUD, "likelihood.points": 10}

    @functools.cached_property
    def floor(self) -> float:
        """W2 between two sets of draws of the data."""
        assert self.moons.density is not None
        return floor(self.moons.density)

    def _run(self, problem: Problem, learned: LabelledScore | None = None) -> tuple[float, float]:
        """Evaluations of a run, and its W2 over the floor, the mean of a few clouds; by the exact score, or as asked by a learned one."""
        assert problem.density is not None
        counter = CountedScore(learned or problem.density.score, CLOUDS * CLOUD)
        end = self._end(problem, conditioned_score(problem, counter) if learned else counter)
        return counter.nfe_mean, distance(end, problem.density) / self.floor

    @staticmethod
    def _end(problem: Problem, score: ScoreFunction) -> Tensor:
        """Where a run by this score ends."""
        start = problem.experiment.sampling.starting_points(problem, seeded(11))
        with torch.no_grad():
            *_, end = gaussian.build(problem).run(score, start, seeded(12))
        return end.positions

    def measure(self, budget: int) -> float:
        """W2 over the floor at a budget, also of the built-in samplers to compare it with; returns its own."""
        compared = self.references if budget <= COMPARED else {}
        for name, problem in ({self.name: self.moons} | compared).items():
            cost, distance = self._run(at_equal_evaluations(problem, None, budget))
            self.distances.setdefault(name, {})[cost] = distance
        return list(self.distances[self.name].values())[-1]

    @functools.cached_property
    def references(self) -> dict[str, Problem]:
        """The built-in samplers to compare it with, but itself."""
        usual = msgspec.structs.replace(self.moons.experiment, sampling=Experiment().sampling)
        found = {}
        for name, changes in REFERENCES.items():
            other = replace(usual, changes | {"sampling.source": "exact", "sampling.particles": CLOUDS * CLOUD})
            if resolve(other).sampling != resolve(self.moons.experiment).sampling:
                found[name] = dataclasses.replace(self.moons, experiment=other)
        return found

    @functools.cached_property
    def budgets(self) -> list[int]:
        """The budgets with which it can make a run."""
        found = []
        for budget in BUDGETS:
            stated = gaussian.build(at_equal_evaluations(self.moons, None, budget)).evaluations
            if stated is None:
                return [BUDGETS[-1]]
            if stated <= budget:
                found.append(budget)
        return found

    # --- with classes

    def class_distance(self, guidance: float) -> float:
        """W2 from the samples of a moon, guided by its exact scores, to the tilted density, over that of two sets of its draws."""
        told = {"data.classes": "on", "sampling.labels": "one", "sampling.label": 0}
        asked = {"sampling.guide": "unconditional", "sampling.guidance": guidance}
        problem = Problem.build(replace(self.shown, self._settings | told | asked))
        problem = at_equal_evaluations(problem, None, BUDGETS[-1])
        assert problem.class_densities is not None
        density = TiltedDensity(problem.class_densities, 0, guidance)
        end = self._end(problem, conditioned_score(problem, problem.class_densities.score))
        return distance(end, density) / floor(density)

    # --- guided by an earlier training step

    @functools.cached_property
    def trained(self) -> tuple[Problem, ScoreWithWeaker]:
        """Two moons without classes, and the score of a short training beside that of an earlier step of it."""
        short = {"training.steps": TRAINED, "training.seconds": "auto", "training.early_stopping": "off"}
        untold = {"data.classes": "off", "sampling.labels": "none"}
        trainer = Trainer(Problem.build(replace(self.asked, self._settings | untold | short)))
        for _ in trainer:
            pass
        both = with_weaker(trainer.problem, trainer.ema, trainer.checkpoints.weights, trainer.step)
        assert isinstance(both, ScoreWithWeaker)
        return trainer.problem, both

    def guided_error(self) -> float:
        """The score that particles follow against s_weak + (1 + w)(s - s_weak), or s outside the interval, at six levels."""
        problem, both = self.trained
        assert both.weaker is not None
        low, high = guidance_interval(problem)
        followed, weight, worst = conditioned_score(problem, both), problem.experiment.sampling.guidance, 0.0
        x = problem.train[:200]
        for sigma in torch.logspace(math.log10(problem.noise.sigma_min), math.log10(problem.noise.sigma_max), 6):
            with torch.no_grad():
                found, strong, weak = followed(x, sigma), both.score(x, sigma), both.weaker(x, sigma)
            right = weak + (1 + weight) * (strong - weak) if low <= float(sigma) <= high else strong
            worst = max(worst, float((found - right).norm() / right.norm()))
        return worst

    @functools.cached_property
    def guided_run(self) -> tuple[float, float]:
        """Evaluations of a run by the learned score, and its W2 over the floor, with guidance."""
        return self._run(*self.trained)

    @functools.cached_property
    def unguided_run(self) -> tuple[float, float]:
        """The same with w = 0."""
        problem, both = self.trained
        return self._run(problem.edited({"sampling.guidance": 0.0}), both)

    @property
    def name(self) -> str:
        solver = getattr(self.kind, "solver", "auto")
        return self.kind.title if solver == "auto" else f"{self.kind.title}, {solver}"

    def claims(self) -> Iterator[Claim]:
        """The claims, in the order in which they are measured."""
        return itertools.chain(
            super().claims(), self._cost(), self.laws(), self._distances(), self._classes(), self._earlier_step()
        )

    def _cost(self) -> Iterator[Claim]:
        stated = self.law("VE", self.counts[0])[0].evaluations
        if stated is None:
            yield Claim("run", f"evaluations for a particle in {self.counts[0]} frames", self.counted)
        else:
            claim = "evaluations counted, beyond those that it states"
            yield Claim("run", claim, lambda: self.counted() - stated, 0.0, 0.0)

    def laws(self) -> Iterator[Claim]:
        """The claims about where it leads on a Gaussian."""
        sampler, _, _ = self.law("VE", self.counts[0])
        for process in self.processes:
            place = f"Gaussian, {process}" if self.follows_process else "Gaussian"
            if not sampler.has_law:
                yield Claim(
                    "law",
                    f"{place}: stationary law: has none, as it states; error of mean and variance",
                    functools.partial(self.law_error, process),
                    math.inf,
                    OTHER_LAW,
                )
                continue
            of, high = f"of {PARTICLES:,} particles", 0.1
            if self.is_linear:
                claim = f"{place}: weak order in its {'step size' if self.has_step else 'steps'}"
                yield order_claim(claim, functools.partial(self.weak_order, process), sampler.weak_order, 0.5)
                of, high = f"at {self.counts[-1]} steps", 0.05
            claim = f"{place}: relative error of mean and variance {of}"
            yield Claim("law", claim, functools.partial(self.law_error, process), high)
        if self.takes_paths:
            claim = "Gaussian, VE: strong order on one path"
            yield order_claim(claim, self.strong_order, sampler.strong_order, 0.4)

    def _distances(self) -> Iterator[Claim]:
        fitted = gaussian.build(self.moons).evaluations is None
        for budget in self.budgets:
            yield Claim(
                "two moons, exact score",
                "W₂ over its floor" + ("" if fitted else f" within {budget} evaluations"),
                functools.partial(self.measure, budget),
                NEAR_FLOOR if budget == BUDGETS[-1] and self.has_law else math.inf,
            )

    def _classes(self) -> Iterator[Claim]:
        """Claims of a sampler whose settings ask for classes."""
        if self.kind.labels_told(self.experiment) in (None, "none"):
            return
        area = "one of two moons, exact scores"
        yield Claim(
            area,
            "W₂ to p(x | c), over its floor",
            functools.partial(self.class_distance, 0.0),
            NEAR_FLOOR if self.has_law else math.inf,
        )
        if self.kind.guidance:
            yield Claim(
                area,
                f"W₂ to the tilted density, w = {self.kind.guidance:g}, over its floor",
                functools.partial(self.class_distance, self.kind.guidance),
            )

    def _earlier_step(self) -> Iterator[Claim]:
        """Claims of a sampler whose settings ask for guidance by an earlier training step."""
        if not asks_checkpoint(self.asked):
            return
        assert isinstance(self.kind, FollowsScore)
        area = f"two moons, score learned in {TRAINED} steps and guided by an earlier one"
        yield Claim(area, "s_early + (1 + w)(s - s_early): relative error", self.guided_error, 1e-5)
        # Each guided evaluation costs a second one. An interval leaves some without guidance; an adaptive solver chooses its steps.
        everywhere = self.kind.guidance_min == self.kind.guidance_max == "auto"
        low, high = (2.0 if everywhere else 1.0), 2.0
        if gaussian.build(self.moons).evaluations is None:
            low, high = -math.inf, math.inf
        claim = "evaluations, over those without guidance"
        yield Claim(area, claim, lambda: self.guided_run[0] / self.unguided_run[0], high, low)
        yield Claim(area, "W₂ over its floor, w = 0", lambda: self.unguided_run[1])
        yield Claim(area, f"W₂ over its floor, w = {self.kind.guidance:g}", lambda: self.guided_run[1])

    def charts(self) -> list[Chart]:
        """Convergence on the Gaussian, and W2 against evaluations."""
        lines: list[Series] = []
        for process, errors in self.weak.items():
            if len(errors) > 1 and min(errors.values()) > 0:
                lines.append(line(f"law, {process}", list(errors), list(errors.values())))
        if self.strong is not None and min(self.strong[1]) > 0:
            lines.append(line("path, VE", *self.strong))
        found = []
        if lines:
            found.append(chart("Error against steps, Gaussian", "steps", "error", lines, True, True))
        if self.distances:
            shown = [
                line(name, list(points), list(points.values()), own=name == self.name)
                for name, points in self.distances.items()
            ]
            ends = [x for points in self.distances.values() for x in points]
            shown.append(line("floor", [min(ends), max(ends)], [1.0, 1.0], own=False, dashed=True))
            found.append(
                chart(
                    "W₂ over its floor, two moons, exact score", "evaluations", "W₂ / floor", tuple(shown), True, True
                )
            )
        return found


class ForwardAudit(Auditing):
    """The claims of a sampler that leads from data to noise: each frame has the moments of the process."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.variances: dict[str, list[tuple[float, float, float]]] = {}  # of each frame: t, measured, right

    @claim("law", "Gaussian, {1}: moments of every frame, in standard errors", STANDARD_ERRORS, each=PROCESSES)
    def errors(self, process: str) -> float:
        """The largest distance of a frame's variance or mean from that of the process, in standard errors."""
        problem = gaussian.gaussian_problem(self.experiment, PROCESSES[process] | {"sampling.steps": 20})
        path, worst, rows = problem.process(), 0.0, []
        clean = gaussian.center() + gaussian.STD * normals(PARTICLES, 2, seed=1)
        begin = path.scale(path.t_min) * (clean + path.sigma(path.t_min) * normals(PARTICLES, 2, seed=3))
        for frame in gaussian.build(problem).run(gaussian.score, begin, seeded(2)):
            assert frame.time is not None
            alpha = float(path.scale(frame.time))
            right = (alpha * gaussian.STD) ** 2 + float(path.std(frame.time)) ** 2
            measured = float(frame.positions.var(0).mean())
            mean = float((frame.positions.mean(0) - alpha * gaussian.center()).abs().max())
            worst = max(worst, math.sqrt(PARTICLES) * max(abs(measured / right - 1), mean / math.sqrt(right)))
            rows.append((frame.time, measured, right))
        self.variances[process] = rows
        return worst

    laws = Auditing.claims

    def charts(self) -> list[Chart]:
        """The variance along the way, measured and in closed form."""
        lines = []
        for process, rows in self.variances.items():
            times, measured, right = zip(*rows, strict=True)
            lines.append(line(process, times, measured))
            lines.append(line(f"{process}, closed form", times, right, own=False, dashed=True))
        return [chart("Variance of the frames, Gaussian", "t", "variance", lines, log_y=True)] if lines else []
