"""Samples at few score evaluations, beside the schedulers of diffusers on the same network.

A network is trained here on a VP process. The schedulers get it as a model that predicts the noise, the thousand betas of the same
process, and the same start points. They take one evaluation per step, as DPM-Solver++(2M) and UniPC-2 here do.

- *same levels*: a scheduler is given our levels of noise, on the grid of Karras et al., so that only the solvers differ.
- *own default*: equal steps of the integer time, and a last step to no noise at all.
- *own Karras*, *own log σ*: `use_karras_sigmas=True` or `use_exponential_sigmas=True`, and a last step to no noise. The time that the
  model is told is a whole number, but the level that the step is computed with is not. *true level* tells the network the latter.

Two figures, both in standardized units:

- the sliced Wasserstein-2 distance to fresh data as a multiple of that between two clouds of data;
- the root mean square distance from the flow's exact ends: those of the adaptive solver from the same start points, with tolerance
  1e-6. It has no floor, and measures the solver alone.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from learned import learned
from tables import rows
from torch import Tensor

from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.sample_metrics import PROJECTIONS
from playground.theory.metrics import sliced_wasserstein2
from playground.theory.noise import Process, ScoreFunction
from playground.theory.samplers import AdaptiveFlow, MultistepSampler, UniPCSampler
from playground.theory.samplers.grid import Grid, time_grid

EVALUATIONS = (5, 10, 20, 50)
LEVELS = 1_000  # of the schedulers
FLOOR_PAIRS = 40
TOYS = ("two-moons", "eight-gaussians", "checkerboard")

Ends = Callable[[Process, ScoreFunction, Tensor, int], Tensor]
"""Takes the process, the score, start points x(1) (N, 2) and the evaluations; returns samples (N, 2) in standardized units."""


def ours(solver: type[MultistepSampler] | type[UniPCSampler], grid: Grid = "karras") -> Ends:
    """The ends of a solver of this program."""

    def ends(process: Process, score: ScoreFunction, start: Tensor, evaluations: int) -> Tensor:
        *_, last = solver(process, evaluations, False, grid).run(score, start, torch.Generator())
        return last.positions

    return ends


def theirs(name: str, levels: str, true_level: bool = False) -> Ends:
    """The ends of a scheduler of diffusers.

    Args:
        name: of its class.
        levels: "same", "default", "karras" or "exponential".
        true_level: the network is told the level that the step is computed with, instead of that of the rounded time.
    """

    def ends(process: Process, score: ScoreFunction, start: Tensor, evaluations: int) -> Tensor:
        import diffusers

        times = torch.linspace(0, 1, LEVELS + 1, dtype=torch.float64)
        left = process.scale(times).square()
        settings: dict[str, Any] = {"trained_betas": (1 - left[1:] / left[:-1]).tolist()}
        if levels in ("karras", "exponential"):
            settings[f"use_{levels}_sigmas"] = True
        if levels == "same":
            settings["final_sigmas_type"] = "sigma_min"  # otherwise the last step is always of first order
        scheduler = getattr(diffusers, name)(**settings)
        table = process.sigma(times[1:]).float()
        scheduler.set_timesteps(evaluations)
        if levels == "same":
            scheduler.sigmas = torch.tensor(time_grid(process, evaluations, "karras")[1])
        scheduler.set_begin_index(0)  # rounded times may repeat, and it would look the first of them up
        x = start
        for index, time in enumerate(scheduler.timesteps):
            told = scheduler.sigmas[index].float() if levels == "same" or true_level else table[time]
            scale = 1 / (1 + scheduler.sigmas[index].float() ** 2).sqrt()
            noise = -told * score(x / scale, told)
            x = scheduler.step(noise, time, x).prev_sample
        last = float(scheduler.sigmas[-1])
        return x * math.sqrt(1 + last**2)

    return ends


DPM, UNIPC = "DPMSolverMultistepScheduler", "UniPCMultistepScheduler"
SAMPLERS: dict[str, Ends] = {
    "DPM-Solver++(2M), ours": ours(MultistepSampler),
    "DPM-Solver++(2M), ours, log σ": ours(MultistepSampler, "log-sigma"),
    "DPM-Solver++(2M), diffusers, same levels": theirs(DPM, "same"),
    "DPM-Solver++(2M), diffusers, own default": theirs(DPM, "default"),
    "DPM-Solver++(2M), diffusers, own Karras": theirs(DPM, "karras"),
    "DPM-Solver++(2M), diffusers, own Karras, true level": theirs(DPM, "karras", True),
    "DPM-Solver++(2M), diffusers, own log σ": theirs(DPM, "exponential"),
    "UniPC-2, ours": ours(UniPCSampler),
    "UniPC-2, ours, log σ": ours(UniPCSampler, "log-sigma"),
    "UniPC-2, diffusers, same levels": theirs(UNIPC, "same"),
    "UniPC-2, diffusers, own default": theirs(UNIPC, "default"),
    "UniPC-2, diffusers, own Karras": theirs(UNIPC, "karras"),
    "UniPC-2, diffusers, own Karras, true level": theirs(UNIPC, "karras", True),
    "UniPC-2, diffusers, own log σ": theirs(UNIPC, "exponential"),
}


@dataclass
class Network:
    """A trained network with what its samples are compared with.

    Attributes:
        starts: x(1), a tensor (N, 2) for each cloud.
        data: as many clouds of the density.
        exact: the flow's ends from `starts`.
        floor: the mean distance of two clouds of the density.
        chance: the standard deviation of the mean ratio of a perfect sampler.
    """

    process: Process
    score: ScoreFunction
    starts: list[Tensor]
    data: list[Tensor]
    exact: list[Tensor]
    floor: float
    chance: float
    directions: Callable[[], torch.Generator]

    @classmethod
    def train(cls, toy: str, seed: int, steps: int, particles: int, clouds: int) -> "Network":
        settings = {"data.kind": toy, "noise.kind": "vp", "seed": seed, "training.steps": steps}
        problem = Problem.build(replace(Experiment(), settings))
        trainer = learned(problem)
        score, process, density = trainer.ema.requires_grad_(False), problem.process(), problem.density
        assert density is not None
        generator = problem.generator("published")
        starts = [problem.prior().sample(particles, generator) for _ in range(clouds)]
        solver = AdaptiveFlow(process, 1, 1e-6)
        exact = [[*solver.run(score, start, generator)][-1].positions for start in starts]
        data = [density.sample(particles, generator) for _ in range(clouds)]

        def directions() -> torch.Generator:
            return problem.generator("directions")

        pairs = [
            (density.sample(particles, generator), density.sample(particles, generator)) for _ in range(FLOOR_PAIRS)
        ]
        apart = [sliced_wasserstein2(*pair, PROJECTIONS, generator) for pair in pairs]
        floor = float(np.mean(apart))
        chance = float(np.std(apart, ddof=1)) / floor / clouds**0.5
        return cls(process, score, starts, data, exact, floor, chance, directions)

    def measure(self, sampler: Ends, evaluations: int) -> tuple[float, float]:
        """The distance to data over its floor, and the root mean square distance from the exact ends."""
        apart, squares = [], []
        for start, data, exact in zip(self.starts, self.data, self.exact, strict=True):
            with torch.no_grad():
                found = sampler(self.process, self.score, start, evaluations)
            apart.append(sliced_wasserstein2(found, data, PROJECTIONS, self.directions()))
            squares.append(float((found - exact).square().sum(1).mean()))
        return float(np.mean(apart)) / self.floor, math.sqrt(np.mean(squares))


Figures = dict[tuple[str, int], list[float]]
"""By the sampler and its evaluations, a number for each network."""


def table(seeds: int, steps: int, particles: int, clouds: int, toys: tuple[str, ...] = TOYS) -> str:
    """Both tables as Markdown."""
    ratios: Figures = {}
    errors: Figures = {}
    chance = []
    for toy, seed in itertools.product(toys, range(seeds)):
        network = Network.train(toy, seed, steps, particles, clouds)
        chance.append(network.chance)
        for name, sampler in SAMPLERS.items():
            for count in EVALUATIONS:
                ratio, error = network.measure(sampler, count)
                ratios.setdefault((name, count), []).append(ratio)
                errors.setdefault((name, count), []).append(error)
            told = (f"{ratios[name, count][-1]:.2f} ({errors[name, count][-1]:.4f})" for count in EVALUATIONS)
            print(f"{toy}, seed {seed}, {name}:", *told, flush=True)
    measured = (
        f"mean and standard error over {len(toys)} toys ({', '.join(toys)}) x {seeds} seeds, each the mean of {clouds} clouds of "
        f"{particles:,} samples, by scores learned in {steps:,} steps. A perfect sampler has 1 ± {spread(chance):.2f}."
    )
    return as_markdown(ratios, errors, measured)


def spread(chance: list[float]) -> float:
    """The standard deviation of a perfect sampler's mean over networks."""
    return float(np.linalg.norm(chance)) / len(chance)


def as_markdown(ratios: Figures, errors: Figures, measured: str) -> str:
    """The two tables below a sentence each."""
    header = ["evaluations", *map(str, EVALUATIONS)]
    far = [[name, *(_told(ratios[name, count], 2) for count in EVALUATIONS)] for name in SAMPLERS]
    off = [[name, *(f"{np.mean(errors[name, count]):.4f}" for count in EVALUATIONS)] for name in SAMPLERS]
    return "\n\n".join(
        [
            f"Sliced W₂ over its floor: {measured}",
            rows([header, *far]),
            "Root mean square distance from the exact solution of the flow, in standard deviations of the data, mean over the same.",
            rows([header, *off]),
        ]
    )


def _told(values: list[float], digits: int) -> str:
    """Mean and standard error."""
    error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else math.nan
    return f"{np.mean(values):.{digits}f} ± {error:.{digits}f}"
