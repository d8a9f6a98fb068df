"""The quality of the default experiment on known densities: KL in nats and the samples' distance, on one thread.

For each data set and seed it trains with the default settings, by default for 20 seconds. KL(data || model) is estimated
from the likelihood of fresh points under the averaged weights, with its standard error. The sliced Wasserstein distance
between clouds of samples and of the density is a multiple of that between two clouds of the density. The speed and the
loss's distance to its floor are printed too. It exits with 1 if a mean is above its target.

    python benchmarks/quality.py [--data two-moons ...] [--seconds 20 | --steps 9000] [--seeds 3] [--set key=value ...]
        [--table docs/benchmarks.md]
"""

import argparse
import math
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tables import rows, write_between

from playground.lab.compute import result
from playground.lab.evaluation import evaluate
from playground.lab.experiment import Experiment, assignment, replace
from playground.lab.objective import build_objective
from playground.lab.problem import Problem
from playground.lab.sample_metrics import PROJECTIONS
from playground.lab.sampling import sample
from playground.lab.training import Trainer
from playground.theory.metrics import mean_with_error, sliced_wasserstein2
from playground.theory.networks import ScoreNetwork

TARGETS = {
    "two-moons": 0.008,
    "two-gaussians": 0.003,
    "eight-gaussians": 0.012,
    "checkerboard": 0.05,
    "pinwheel": 0.03,
    "two-spirals": 0.03,
    "rings": 0.03,
    "swiss-roll": 0.03,
}
FARTHEST = 1.3
"""Largest allowed distance of samples, as a multiple of that between two clouds of the density."""
CLOUDS, FLOOR_PAIRS = 8, 40
"""Clouds of samples, and pairs of clouds of the density: the distance varies by a third from one cloud to the next."""


@dataclass(frozen=True)
class Found:
    """KL in nats with its standard error, and the samples' distance over its floor."""

    kl: float
    error: float
    distance: float


def measure(experiment: Experiment) -> Found:
    """Train and evaluate one experiment, and print a line."""
    problem = Problem.build(experiment)
    trainer = Trainer(problem)
    *_, last = trainer
    network = trainer.ema.requires_grad_(False)
    judge, generator, losses = build_objective(problem), problem.generator("benchmark"), []
    for x in problem.test.split(1000):
        sigma = problem.noise.training_sigmas(len(x), generator, experiment.training.sigma_distribution)
        losses.append(float(judge.loss(network, x, sigma, generator).detach().mean()))
    figures = result(evaluate(problem, network))
    distance = distance_over_floor(problem, network)
    found = Found(figures["kl"].value, figures["kl"].error, distance)
    floor = "unknown" if last.optimal_loss is None else f"{last.optimal_loss:.4f}"
    print(
        f"{experiment.data.kind:16} seed {experiment.data.seed}  {last.step:6,} steps {last.step / last.seconds:5.0f}/s  "
        f"loss {np.mean(losses):.4f} (floor {floor})  KL {found.kl:.4f} ± {found.error:.4f} nat  W2 {distance:.2f} floors",
        flush=True,
    )
    if last.diverged:
        print(last.diverged)
    return found


def distance_over_floor(problem: Problem, network: ScoreNetwork) -> float:
    """The mean sliced Wasserstein distance of clouds of samples from the density, relative to that of two of its clouds."""
    assert problem.dataset.density is not None
    density, generator = problem.dataset.density.to("cpu", torch.float64), problem.generator("clouds", "cpu")
    apart: list[float] = []
    for cloud in range(CLOUDS):
        *_, trajectory = sample(problem, network, problem.experiment.sampling.seed + 1000 * cloud)
        samples = torch.from_numpy(np.asarray(trajectory.positions[-1], dtype=np.float64))
        apart.append(sliced_wasserstein2(samples, density.sample(len(samples), generator), PROJECTIONS, generator))
    pairs = (
        (density.sample(len(samples), generator), density.sample(len(samples), generator)) for _ in range(FLOOR_PAIRS)
    )
    return float(np.mean(apart) / np.mean([sliced_wasserstein2(*pair, PROJECTIONS, generator) for pair in pairs]))


def table(found: dict[str, list[Found]], length: str, settings: list[str]) -> str:
    """A Markdown table of KL per data set and seed with its standard error, and of the means with their targets."""
    seeds = max(map(len, found.values()))
    header = ["data", *(f"seed {seed}" for seed in range(seeds)), "mean KL", "target", "mean W2 / floor"]
    cells = [header]
    for kind, runs in found.items():
        (kl, error), (distance, spread) = means(runs)
        target = TARGETS.get(kind, math.inf)
        each = [f"{run.kl:.4f} ± {run.error:.4f}" for run in runs]
        means_shown = [
            f"{kl:.4f}{give_or_take(error, 4)}{missed(kl, target)}",
            "" if math.isinf(target) else f"{target:g}",
        ]
        cells.append(
            [kind, *each, *means_shown, f"{distance:.2f}{give_or_take(spread, 2)}{missed(distance, FARTHEST)}"]
        )
    other = f", {', '.join(settings)}" if settings else ""
    made = (
        f"KL(data || model) in nats with its standard error over held-out points, after {length} of training with the default "
        f"settings{other}; one thread of {platform.processor() or platform.machine()}, torch {torch.__version__}. The error of a mean "
        f"is that over seeds. W2 / floor: the sliced Wasserstein distance between 2,000 samples and as many draws of the density, mean "
        f"of {CLOUDS} pairs per seed, divided by that of {FLOOR_PAIRS} pairs of draws of the density; the target is at most {FARTHEST}."
    )
    return f"{made}\n\n{rows(cells)}"


def means(runs: list[Found]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The means over seeds of KL and of the distance, each with its standard error."""
    kl, distance = (
        mean_with_error(torch.tensor(values)) for values in zip(*((run.kl, run.distance) for run in runs), strict=True)
    )
    return kl, distance


def give_or_take(error: float, digits: int) -> str:
    """The text of a mean's error over seeds; empty for a single seed."""
    return "" if math.isnan(error) else f" ± {error:.{digits}f}"


def missed(value: float, target: float) -> str:
    """A mark for a value above its target."""
    return " (missed)" if value > target else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=list(TARGETS), help="data sets with a known density")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, default=20.0)
    length.add_argument("--steps", type=int, help="instead of seconds, where the machine is busy with other things")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--points", type=int, default=10_000, help="held-out points to estimate KL from")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any other setting")
    parser.add_argument("--table", type=Path, metavar="FILE.md", help="page to write the table into")
    options = parser.parse_args()
    torch.set_num_threads(1)  # a second thread makes a small network no faster
    limit = {"training.steps": options.steps} if options.steps else {"training.seconds": options.seconds}
    settings = limit | {"likelihood.points": options.points} | dict(map(assignment, options.set))
    found: dict[str, list[Found]] = {}
    below = True
    for kind in options.data:
        found[kind] = runs = [
            measure(replace(Experiment(), settings | {"data.kind": kind, "seed": seed}))
            for seed in range(options.seeds)
        ]
        target = TARGETS.get(kind, math.inf)
        (kl, error), (distance, spread) = means(runs)
        below &= kl <= target and distance <= FARTHEST
        print(
            f"{kind:16} mean KL {kl:.4f}{give_or_take(error, 4)} nat over {options.seeds} seeds, target {target:g}{missed(kl, target)}; "
            f"W2 {distance:.2f}{give_or_take(spread, 2)} floors, target {FARTHEST}{missed(distance, FARTHEST)}\n",
            flush=True,
        )
    if options.table is not None:
        taken = f"{options.steps:,} steps" if options.steps else f"{options.seconds:g} s"
        write_between(options.table, "KL", "benchmarks/quality.py", table(found, taken, options.set))
    sys.exit(not below)


if __name__ == "__main__":
    main()
