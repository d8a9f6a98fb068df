"""The distance of samplers from the data against score evaluations.

    python benchmarks/samplers.py [--table docs/samplers.md] [--particles 2000] [--clouds 8]
    python benchmarks/samplers.py --toys [--table docs/samplers.md] [--particles 2000] [--clouds 8] [--steps 8000]

Without `--toys` the data are two moons, with the exact score and the learned one that ships. With it they are the eight toys,
each with a score learned anew in so many steps, and the samplers are those that are good at few evaluations.

A cell is the distance between clouds of samples and clouds of the density, as a mean over `clouds` pairs. All samplers are
compared with the same clouds along the same directions. It is a multiple of the distance between two clouds of the density, so 1
is perfect. How far such a mean is from 1 by chance is said above the table. The distance is sliced Wasserstein-2; for the eight
toys also Wasserstein-2, of the first 500 points. The final denoising step of the SDE's solvers is one further evaluation.
"""

from pathlib import Path

import numpy as np
import torch
import typer
from learned import learned
from numpy.typing import NDArray
from quality import TARGETS as TOYS
from scipy.optimize import linear_sum_assignment
from tables import rows, write_between

from playground.lab.experiment import Experiment, fields, from_tree, replace
from playground.lab.problem import Problem
from playground.lab.sample_metrics import PROJECTIONS
from playground.lab.sampling import sample
from playground.lab.session import Session
from playground.lab.weights import load_weights
from playground.resources import resource
from playground.theory.guidance import LabelledScore
from playground.theory.metrics import sliced_wasserstein2
from playground.theory.noise import ScoreFunction

EVALUATIONS = (20, 50, 100, 500)
FLOOR_PAIRS = 60
MATCHED = 500
SAMPLERS: tuple[tuple[str, str, str, int], ...] = (
    ("reverse-sde", "euler", "log-sigma", 1),
    ("reverse-sde", "heun", "karras", 2),
    ("reverse-sde", "shark", "karras", 2),
    ("reverse-sde", "ddim", "karras", 1),
    ("reverse-sde", "dpm-solver++", "karras", 1),
    ("edm", "", "karras", 2),
    ("probability-flow", "ddim", "karras", 1),
    ("probability-flow", "euler", "karras", 1),
    ("probability-flow", "heun", "log-sigma", 2),
    ("probability-flow", "heun", "karras", 2),
    ("probability-flow", "dpm-solver++", "log-sigma", 1),
    ("probability-flow", "dpm-solver++", "karras", 1),
)
"""The sampler, its solver if it has one, its time grid, and the evaluations of a step."""


class Distances:
    """Distances of clouds of samples from clouds of the density, relative to those between clouds of the density."""

    def __init__(self, problem: Problem, clouds: int) -> None:
        assert problem.dataset.density is not None  # of a toy it is known
        density, generator = problem.dataset.density.to("cpu", torch.float64), problem.generator("clouds", "cpu")
        self._directions = generator.initial_seed()
        self._clouds = [density.sample(problem.particles, generator) for _ in range(clouds)]
        pairs = [density.sample(2 * problem.particles, generator).chunk(2) for _ in range(FLOOR_PAIRS)]
        own = np.array([self._apart(*pair) for pair in pairs])
        self._floors = own.mean(axis=0)
        self.chance = own.std(axis=0, ddof=1) / self._floors / clouds**0.5
        """The standard deviations of a perfect sampler's means over so many clouds."""

    def _apart(self, some: torch.Tensor, others: torch.Tensor) -> tuple[float, float]:
        directions = torch.Generator().manual_seed(self._directions)
        sliced = sliced_wasserstein2(some, others, PROJECTIONS, directions)
        costs = torch.cdist(some[:MATCHED], others[:MATCHED]).square().numpy()
        return sliced, float(costs[linear_sum_assignment(costs)].mean() ** 0.5)

    def ratios(self, problem: Problem, score: LabelledScore | ScoreFunction) -> NDArray[np.float64]:
        """Sliced Wasserstein-2 and Wasserstein-2 of a sampler over their floors; shape (2,)."""
        apart = []
        for seed, cloud in enumerate(self._clouds):
            with torch.no_grad():
                *_, trajectory = sample(problem, score, seed=seed)
            apart.append(self._apart(torch.from_numpy(trajectory.positions[-1].astype(np.float64)), cloud))
        ratios: NDArray[np.float64] = np.array(apart).mean(axis=0) / self._floors
        return ratios


def table(particles: int, clouds: int) -> str:
    """The table as Markdown."""
    session = Session.load(resource("checkpoints/two-moons.spg"))
    base = Problem.build(replace(session.experiment, {"sampling.particles": particles}))
    network = base.network().requires_grad_(False)
    load_weights(network, dict(session.weights or {}))
    distances = Distances(base, clouds)
    cells = [["evaluations", *(f"{count}, {source}" for source in ("exact", "learned") for count in EVALUATIONS)]]
    for kind, solver, grid, cost in SAMPLERS:
        own = {"kind": kind, "time_grid": grid} | ({"solver": solver} if solver else {})
        chosen = replace(base.experiment, {f"sampling.{key}": value for key, value in own.items()})
        shown = fields(chosen)
        titles = (shown[f"sampling.{key}"].title_of(own[key]) for key in ("kind", "solver", "time_grid") if key in own)
        row = [", ".join(titles)]
        for source in ("exact", "learned"):
            for count in EVALUATIONS:
                changes = {"sampling.steps": count // cost, "sampling.source": source}
                problem = Problem.build(replace(chosen, changes), base.dataset)
                row.append(f"{distances.ratios(problem, problem.known_score() or network)[0]:.2f}")
        cells.append(row)
        print(" | ".join(row), flush=True)
    made = (
        f"Sliced W2 divided by its floor, for {particles:,} samples, mean of {clouds} clouds. For a perfect sampler it is 1 ± "
        f"{distances.chance[0]:.2f}."
    )
    return f"{made}\n\n{rows(cells)}"


FEW_EVALUATIONS = (10, 20, 50)
AT_FEW: tuple[tuple[str, str, str, int], ...] = (
    ("probability-flow", "heun", "karras", 2),
    ("probability-flow", "dpm-solver++", "log-sigma", 1),
    ("probability-flow", "dpm-solver++", "karras", 1),
    ("probability-flow", "unipc", "log-sigma", 1),
    ("probability-flow", "unipc", "karras", 1),
    ("reverse-sde", "dpm-solver++", "karras", 1),
)


def toys_table(particles: int, clouds: int, steps: int) -> str:
    """The table over all toys as Markdown."""
    ratios: dict[tuple[object, int], list[NDArray[np.float64]]] = {}
    chance = []
    for name in TOYS:
        base = Problem.build(
            from_tree(
                {"data": {"kind": name}, "training": {"steps": steps}, "sampling": {"particles": particles}},
                Experiment(),
            )
        )
        trainer = learned(base)
        network, distances = trainer.ema.requires_grad_(False), Distances(base, clouds)
        chance.append(distances.chance)
        for sampler in AT_FEW:
            kind, solver, grid, cost = sampler
            for count in FEW_EVALUATIONS:
                own = {"kind": kind, "solver": solver, "time_grid": grid, "steps": count // cost}
                chosen = replace(base.experiment, {f"sampling.{key}": value for key, value in own.items()})
                ratios.setdefault((sampler, count), []).append(
                    distances.ratios(Problem.build(chosen, base.dataset), network)
                )
            print(name, *sampler[:3], *(ratios[sampler, count][-1].round(2) for count in FEW_EVALUATIONS), flush=True)
    names = ("sliced W₂", "W₂")
    cells = [["evaluations", *(f"{name}, {count}" for name in names for count in FEW_EVALUATIONS), "worst toy, W₂, 20"]]
    for sampler in AT_FEW:
        found = [np.array(ratios[sampler, count]) for count in FEW_EVALUATIONS]
        means = [
            f"{some[:, place].mean():.2f} ± {some[:, place].std(ddof=1) / len(some) ** 0.5:.2f}"
            for place in range(len(names))
            for some in found
        ]
        worst = found[FEW_EVALUATIONS.index(20)][:, 1]
        cells.append([", ".join(sampler[:3]), *means, f"{worst.max():.2f} ({[*TOYS][int(worst.argmax())]})"])
    sliced, matched = np.linalg.norm(chance, axis=0) / len(chance)
    made = (
        f"Distances divided by their floors, for {particles:,} samples ({MATCHED} of them for W₂), mean and standard error over the "
        f"eight toys of the mean of {clouds} clouds, by scores learned in {steps:,} steps. For a perfect sampler the mean is "
        f"1 ± {sliced:.2f} for sliced W₂ and 1 ± {matched:.2f} for W₂. Samplers of the flow have the same starts."
    )
    return f"{made}\n\n{rows(cells)}"


def main(
    table_in: Path | None = typer.Option(None, "--table"),  # noqa: B008
    particles: int = 2_000,
    clouds: int = 8,
    toys: bool = False,
    steps: int = 8_000,
) -> None:
    """Print the table, or write it into a page."""
    torch.set_num_threads(1)
    made = toys_table(particles, clouds, steps) if toys else table(particles, clouds)
    if table_in is not None:
        write_between(table_in, "toys" if toys else "evaluations", "benchmarks/samplers.py", made)
    print(made)


if __name__ == "__main__":
    typer.run(main)
