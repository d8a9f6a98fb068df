"""The two misprints of the lecture, as figures: the results of the printed equation and of the right one.

- Exact score matching with a minus before the trace, E[|v|²/2 - tr ∇v]: its best field is -s, which points away from the data.
- The probability flow without the 1/2 before g² s: the SDE's drift without its noise, which contracts the samples.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from playground.lab.problem import Problem
from playground.lab.sampling import sample
from playground.theory.noise import ScoreFunction

POINTS = 4_000


def matching_losses(problem: Problem, score: ScoreFunction) -> dict[str, float]:
    """E[|v|²/2 + tr ∇v] and E[|v|²/2 - tr ∇v] of a score and of its opposite, per squared user unit.

    The mean is over data with the finest noise.

    Args:
        score: a score for points of the plane, in internal units.
    """
    generator = problem.generator("matching losses")
    rows = torch.from_numpy(problem.some_rows(len(problem.train), min(POINTS, len(problem.train)), "matching losses"))
    clean = problem.train[rows.to(problem.device)]
    sigma = torch.tensor(problem.noise.sigma_min, device=problem.device)
    x = clean + sigma * torch.randn(clean.shape, generator=generator, device=problem.device)
    with torch.enable_grad():
        x = x.requires_grad_()
        field = score(x, sigma)
        slopes = (torch.autograd.grad(field[:, axis].sum(), x, retain_graph=True)[0][:, axis] for axis in (0, 1))
        trace = torch.stack(list(slopes)).sum(0)
    square = problem.units.length**2
    norm, trace_mean = float(field.detach().square().sum(1).mean()) / square, float(trace.mean()) / square
    return {
        "matching_loss": norm / 2 + trace_mean,
        "matching_loss_of_opposite": norm / 2 - trace_mean,
        "misprinted_loss": norm / 2 - trace_mean,
        "misprinted_loss_of_opposite": norm / 2 + trace_mean,
    }


def flow_spread(problem: Problem, score: ScoreFunction, factor: float) -> Iterator[tuple[float, float | None]]:
    """Run the experiment's sampler with a factor on g² s in its equation, and compare the spread with the data's.

    Yields:
        The fraction done, and at the end the standard deviation of the samples over that of the data.
    """

    def multiplied(x: Tensor, sigma: Tensor) -> Tensor:
        return factor * score(x, sigma)

    for trajectory in sample(problem, score if factor == 1.0 else multiplied):
        yield len(trajectory) / trajectory.total, None
    yield (
        1.0,
        math.sqrt(float(np.var(trajectory.positions[-1], axis=0).sum() / problem.dataset.points.var(axis=0).sum())),
    )
