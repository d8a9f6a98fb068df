"""The misprinted loss of the lecture beside the right one.

With a minus before the trace, E[|v|²/2 - tr ∇v], the best field of exact score matching is -s, which points away from the data.
"""

import torch

from playground.lab.problem import Problem
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
