"""Training batches: points drawn from the data, noise levels, and labels, some of them hidden."""

import torch
from torch import Tensor

from playground.lab.problem import Problem
from playground.theory.networks import ScoreNetwork


def sample_batch(
    problem: Problem, network: ScoreNetwork, steps: int, batch: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Draw points (N, \\*shape), noise levels (N,) and, if there are classes, labels (N,), with N = steps times batch.

    The levels are drawn in rising order. Each step takes every `steps`-th of them, so that it sees all levels: 32 steps
    that go from fine to coarse would double the KL.

    Args:
        network: decides whether labels are returned.
    """
    data, count = problem.train, steps * batch
    rows = torch.randint(len(data), (count,), generator=generator, device=data.device)
    sigma = problem.training_sigmas(count, generator)
    sigma = sigma.view(-1, steps).t().flatten()
    x = data.index_select(0, rows)
    if problem.grey_level:  # drawn anew each time: fixed fractions of a grey level would be memorized
        x = with_grey_noise(problem, x, generator)
    return x, sigma, _labels(problem, network, rows, generator)


def with_grey_noise(problem: Problem, x: Tensor, generator: torch.Generator) -> Tensor:
    """Images with noise of their own within a grey level at each pixel; other points stay where they are."""
    return x + problem.grey_level * (torch.rand(x.shape, generator=generator, device=x.device) - 0.5)


def drawn(points: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw `count` of the points in random order; how often two points are drawn differs by at most one."""
    order = torch.randperm(len(points), generator=generator, device=generator.device).to(points.device)
    return points[order[torch.arange(count, device=points.device) % len(points)]]


def _labels(problem: Problem, network: ScoreNetwork, rows: Tensor, generator: torch.Generator) -> Tensor | None:
    """Return the labels of some training points, some of them hidden at random."""
    labels = problem.labels
    if labels is None or not network.classes:
        return None
    hidden = torch.rand(rows.shape, generator=generator, device=rows.device)
    hide = hidden < problem.experiment.training.label_dropout
    return torch.where(hide, network.classes, labels[rows])
