"""From eight Gaussians to two moons by flow matching, without conditions: Tong et al. 2024, Cheng & Schwing 2025 (C2OT).

- Start: eight Gaussians of radius 5 and covariance sqrt(0.1) I. Data: half circles, plus a uniform number from 0 to 0.2 that is the
  same for both coordinates (torchdyn's `generate_moons`), times 3 minus 1.
- Training: 20,000 steps of 256 points, with independent pairs or with minibatch optimal transport.
- Figures: the cost of the optimal matching of 10,000 samples with 10,000 new data, after one Euler step and by Dormand-Prince 5(4)
  with tolerance 1e-4. The papers call this cost "2-Wasserstein distance"; it is W2 squared. Both are given here.

What differs from C2OT: the network (an MLP of 128 x 3 with Fourier features, 51,000 weights against 396,000), Adam's learning rate with
its schedule and averaged weights, 160,000 fixed data in place of new ones at each step, and for optimal transport the newest 64
batches of 256 in place of new batches of 1,024 at each step.
"""

import math
import statistics
import tempfile
from pathlib import Path

import numpy as np
from learned import learned
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from tables import rows

from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.theory.noise import ScoreFunction
from playground.theory.samplers import AdaptiveFlow, ProbabilityFlow, Sampler

Array = NDArray[np.floating]

DATA = 200_000  # rows; a fifth of them is held out
RADIUS, STD = 4 / 1.414, math.sqrt(math.sqrt(0.1))  # of the toy, and of the protocol
METHODS: dict[str, dict[str, object]] = {
    "FM": {"noise.coupling": "independent"},
    "OT": {"noise.coupling": "optimal-transport"},
    "reflow": {"training.reflow": True},
}
PUBLISHED = {("FM", "Euler-1"): "6.232 ± 0.186", ("FM", "adaptive"): "0.120 ± 0.045"}
PUBLISHED |= {("OT", "Euler-1"): "0.072 ± 0.025", ("OT", "adaptive"): "0.050 ± 0.040"}
"""W2 squared, mean and standard deviation over 10 runs: figure 1 of Cheng & Schwing 2025, without conditions."""


def moons(count: int, seed: int) -> Array:
    """The data of the protocol, (count, 2)."""
    generator = np.random.default_rng(seed)
    outer, inner = (np.linspace(0, math.pi, part) for part in (count // 2, count - count // 2))
    x = np.concatenate([np.cos(outer), 1 - np.cos(inner)])
    y = np.concatenate([np.sin(outer), 0.5 - np.sin(inner)])
    return 3 * (np.stack([x, y], axis=1) + 0.2 * generator.random((count, 1))) - 1


def experiment(path: Path, seed: int, steps: int, changes: dict[str, object]) -> Experiment:
    """The experiment of a method."""
    settings = {
        "seed": seed,
        "data.kind": "file",
        "data.path": str(path),
        "noise.kind": "flow-matching",
        "noise.source": "eight-gaussians",
        "noise.source_scale": 5 / RADIUS,
        "noise.source_noise": STD / (5 / RADIUS),
        "network.kind": "mlp",
        "network.prediction": "velocity",
        "objective.weight": "velocity",
        "training.batch": 256,
        "training.steps": steps,
        "training.sigma_distribution": "time",
        "sampling.kind": "probability-flow",
    }
    return replace(Experiment(), {**settings, **changes})


def ends(problem: Problem, score: ScoreFunction, sampler: Sampler, count: int) -> Array:
    """Where the flow takes new start points, (count, 2) in the data's unit."""
    start = problem.noise.start
    assert start is not None
    generator = problem.generator("published")
    begin = float(problem.process().std(1.0)) * start.sample(count, generator)
    *_, last = sampler.run(score, begin, generator)
    return problem.units.to_user(last.positions.numpy())


def squared_wasserstein2(a: Array, b: Array) -> float:
    """The mean squared distance of the optimal matching."""
    costs = cdist(a, b, "sqeuclidean")
    matched = linear_sum_assignment(costs)
    return float(costs[matched].mean())


def trained_and_measured(problem: Problem, points: int, fresh: Array) -> dict[str, float]:
    """W2 squared between samples and new data, by the solver."""
    trainer = learned(problem)
    process, score = problem.process(), trainer.ema.requires_grad_(False)
    samplers = {
        "Euler-1": ProbabilityFlow(process, 1, False, "time", solver="euler"),
        "adaptive": AdaptiveFlow(process, 1, 1e-4, "time"),
    }
    return {
        name: squared_wasserstein2(ends(problem, score, sampler, points), fresh) for name, sampler in samplers.items()
    }


def table(seeds: int, steps: int, points: int) -> str:
    """The table as Markdown."""
    found: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "moons.npy"
        np.save(path, np.random.default_rng(0).permutation(moons(DATA, 0)))
        for seed in range(seeds):
            fresh, other = (moons(points, 1_000 + 2 * seed + n) for n in range(2))
            found.setdefault(("floor", ""), []).append(squared_wasserstein2(other, fresh))
            for method, changes in METHODS.items():
                problem = Problem.build(experiment(path, seed, steps, changes))
                for name, value in trained_and_measured(problem, points, fresh).items():
                    found.setdefault((method, name), []).append(value)
                    print(f"seed {seed}, {method}, {name}: W2² {value:.4f}, W2 {math.sqrt(value):.4f}", flush=True)
    made = rows(
        [
            ["method, solver", "published W₂²", "ours W₂²", "ours W₂"],
            *(
                [f"{method}{', ' if name else ''}{name}", PUBLISHED.get((method, name), "–"), *_told(values)]
                for (method, name), values in sorted(found.items(), key=lambda item: item[0][0] != "floor")
            ),
        ]
    )
    return f"{made}\n\n{seeds} seeds, {steps:,} steps, {points:,} points."


def _told(values: list[float]) -> list[str]:
    """Mean and standard deviation of W2 squared, and of W2."""
    kinds = (values, [math.sqrt(value) for value in values])
    return [
        f"{statistics.fmean(kind):.3f} ± {statistics.stdev(kind):.3f}" if len(kind) > 1 else f"{kind[0]:.3f}"
        for kind in kinds
    ]
