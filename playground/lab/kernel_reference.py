"""The likelihood of held-out points by a kernel density of the training points: what few points tell without a network."""

import torch

from playground.lab.figures import needing
from playground.lab.likelihood import nll_and_kl
from playground.lab.measured import Measured, missing
from playground.lab.problem import FEW_ROWS, Problem
from playground.messages import Message
from playground.theory.empirical import Empirical


def add_kernel_density(problem: Problem, found: dict[str, Measured]) -> None:
    """Add the NLL of the kernel density at the held-out points, and its KL if the density is known, or why there is none."""
    width = problem.kernel_width()
    if width is None:
        found |= missing(needing("few points"), _why_none(problem))
        return
    points = problem.evaluation_points
    x = torch.from_numpy(problem.units.to_internal(points).astype("float64"))
    kernel = Empirical(problem.train.cpu().double()).log_prob(x, width)
    log_prob = torch.from_numpy(problem.units.log_prob_to_user(kernel.numpy()))
    found |= nll_and_kl(log_prob, problem.exact_log_prob(points), "kernel_nll", "kernel_kl")


def _why_none(problem: Problem) -> Message:
    if problem.shape != (2,):
        return Message("kernel-of-images", "A kernel density is a reference for points of the plane.")
    if len(problem.train) >= FEW_ROWS:
        text = "A kernel density is a reference for fewer than {:,} training points."
        return Message("kernel-of-many", text, (FEW_ROWS,))
    return Message("kernel-of-few-values", "Most rows repeat, and discrete values have no kernel density.")
