"""Guidance on two trees: a mixture as in the toy of Karras et al. 2024, "Guiding a diffusion model with a bad version of itself".

The data are `resources/plugins/two_trees.py`, our own construction from the paper's description: two classes, each a tree of thin
branches that split again and again, as a mixture of Gaussians. One small network learns the score of both classes and of all data, with
a share of hidden labels. Samples of the upper tree follow, by the probability flow, the exact score of the tree, the network's, the
network's by classifier-free guidance, and by autoguidance with the weights of an earlier training step. The paper's weight is 1 + w.

Figures of samples of the tree, whose density p is known:

- outliers: the share with a density below that of all but 1 in 1,000 points of the tree;
- the median of log p, in nats;
- sliced W2 to fresh points of the tree, over that of two clouds of points;
- coverage (Naeem et al. 2020): the share of fresh points with a sample nearer than their fifth nearest fresh point.

All networks get the same start points and are compared with the same fresh points, so their errors are those of training alone.
"""

import dataclasses
from pathlib import Path

import numpy as np
import torch
from learned import learned
from tables import rows
from torch import Tensor

from playground.kinds import plugins
from playground.lab.autoguidance import with_weaker
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.sample_metrics import PROJECTIONS
from playground.lab.sampling import sample
from playground.lab.training import Trainer
from playground.theory.class_densities import ClassDensities
from playground.theory.densities import Density, GaussianMixture
from playground.theory.guidance import LabelledScore
from playground.theory.metrics import sliced_wasserstein2
from protocols.tree_picture import paint_trees

PLUGIN = Path(__file__).parents[2] / "resources" / "plugins" / "two_trees.py"
NETWORK = {"network.kind": "mlp", "network.width": 64, "network.depth": 4, "network.features": 32}
TRAINING = {
    "noise.sigma_min": 0.002,
    "training.batch": 2048,
    "training.label_dropout": 0.3,
    "data.points": 200_000,
    "data.classes": "on",
}
SAMPLING = {
    "kind": "probability-flow",
    "solver": "heun",
    "steps": 32,
    "time_grid": "karras",
    "labels": "one",
    "label": 0,
}
WEAKER = 8
"""How many times fewer steps the weaker network has made, as in the paper's toy."""
METHODS: dict[str, dict[str, object]] = {
    "exact score": {"source": "exact"},
    "unguided": {},
    "classifier-free, w = 1": {"guidance": 1.0},
    "classifier-free, w = 3": {"guidance": 3.0},
    "autoguidance, w = 1": {"guidance": 1.0, "guide": "checkpoint"},
    "autoguidance, w = 2": {"guidance": 2.0, "guide": "checkpoint"},
}
RARE = 1e-3
QUANTILE_POINTS = 200_000
NEIGHBOUR = 5
FLOOR_PAIRS = 20


class Tree:
    """The upper tree, and what samples of it are compared with."""

    def __init__(self, density: Density, count: int, seed: int) -> None:
        self.density, self.count = density, count
        self.generator = torch.Generator().manual_seed(seed)
        self.least = float(torch.quantile(density.log_prob(self.draw(QUANTILE_POINTS)), RARE))
        pairs = [(self.draw(), self.draw()) for _ in range(FLOOR_PAIRS)]
        self.floor = float(np.mean([sliced_wasserstein2(*pair, PROJECTIONS, self.generator) for pair in pairs]))

    def draw(self, count: int | None = None) -> Tensor:
        return self.density.sample(self.count if count is None else count, self.generator)

    def figures(self, samples: Tensor) -> list[float]:
        """Share of outliers, median of log p, sliced W2 over its floor, and coverage."""
        log_prob, data = self.density.log_prob(samples), self.draw()
        apart = sliced_wasserstein2(samples, data, PROJECTIONS, self.generator) / self.floor
        return [
            float((log_prob < self.least).double().mean()),
            float(log_prob.median()),
            apart,
            coverage(samples, data),
        ]


def coverage(samples: Tensor, data: Tensor) -> float:
    """The share of the data (M, D) whose ball, up to the fifth nearest of them, has one of the samples (N, D) in it."""
    inside = []
    for part in torch.split(data, 1_000):
        radius = torch.cdist(part, data).kthvalue(NEIGHBOUR + 1, dim=1).values  # the point itself is the nearest
        inside.append(torch.cdist(part, samples).amin(1) < radius)
    return float(torch.cat(inside).double().mean())


def trained(seed: int, steps: int, particles: int) -> tuple[Problem, Trainer]:
    """The network, with the weights of earlier steps."""
    if PLUGIN not in plugins.loaded:
        plugins.load_plugin(PLUGIN)
    sampling = {f"sampling.{key}": value for key, value in SAMPLING.items()}
    settings = {"data.kind": "two-trees", "seed": seed, "training.steps": steps, "sampling.particles": particles}
    problem = Problem.build(replace(Experiment(), {**settings, **NETWORK, **TRAINING, **sampling}))
    return problem, learned(problem)


def samples_of(problem: Problem, trainer: Trainer, method: str, start: int) -> Tensor:
    """Samples (N, 2) of the upper tree by a method, in the data's unit."""
    changes = {f"sampling.{key}": value for key, value in METHODS[method].items()}
    changes["sampling.guide_step"] = trainer.step // WEAKER
    chosen = dataclasses.replace(problem, experiment=replace(problem.experiment, changes))
    network = trainer.ema.requires_grad_(False)
    score: LabelledScore = chosen.known_score() or with_weaker(
        chosen, network, trainer.checkpoints.weights, trainer.step
    )
    *_, trajectory = sample(chosen, score, seed=start)
    return torch.from_numpy(np.asarray(trajectory.positions[-1], dtype=np.float64))


def table(seeds: int, steps: int, particles: int, clouds: int, picture: Path | None = None) -> str:
    """The table as Markdown; the samples of the first seed are painted into a picture."""
    found: dict[str, list[list[float]]] = {}
    for seed in range(seeds):
        problem, trainer = trained(seed, steps, particles)
        mixture = problem.dataset.density
        assert isinstance(mixture, GaussianMixture)
        tree = Tree(ClassDensities.of(mixture).densities[0], particles, seed)
        if picture is not None and not seed:
            clouds_shown = {
                method: samples_of(problem, trainer, method, 0) for method in METHODS if method != "exact score"
            }
            data = torch.from_numpy(problem.dataset.points[problem.dataset.labels == 0][:particles])
            paint_trees(picture, {"points of the tree": data, **clouds_shown})
        found.setdefault("points of the tree (floor)", []).append(tree.figures(tree.draw()))
        for method in METHODS:
            starts = range(seed * clouds, (seed + 1) * clouds)
            many = [tree.figures(samples_of(problem, trainer, method, start)) for start in starts]
            found.setdefault(method, []).append(np.mean(many, axis=0).tolist())
            print(f"seed {seed}, {method}:", *(f"{value:.4f}" for value in found[method][-1]), flush=True)
    cells = [["samples", "outliers", "median log p", "W₂ over floor", "coverage"]]
    for method, values in found.items():
        outliers, log_prob, apart, covered = zip(*values, strict=True)
        cells.append([method, _told(outliers, 2, 100, " %"), _told(log_prob, 2), _told(apart, 2), _told(covered, 3)])
    made = (
        f"Mean and standard error over {seeds} seeds, each the mean of {clouds} clouds of {particles:,} samples, after {steps:,} "
        f"training steps; the weaker network has made about {steps // WEAKER:,}."
    )
    return f"{made}\n\n{rows(cells)}"


def _told(values: tuple[float, ...], digits: int, factor: float = 1.0, unit: str = "") -> str:
    error = f" ± {factor * np.std(values, ddof=1) / len(values) ** 0.5:.{digits}f}" if len(values) > 1 else ""
    return f"{factor * np.mean(values):.{digits}f}{error}{unit}"
