"""One reflow: pairs of start points and the ends of their paths, on which a flow is trained again (Liu et al. 2023)."""

from typing import Literal

import torch
from torch import Tensor

from playground.theory.noise import Process, ScoreFunction
from playground.theory.samplers import ProbabilityFlow
from playground.theory.start_set import StartSet

HALF = 0.5
"""Share of the training after which the pairs are drawn."""
PAIRS, STEPS = 8_192, 20
"""Pairs, and steps of Heun's method for each: a few seconds on a CPU."""


def flow_pairs(
    process: Process, start: StartSet, score: ScoreFunction, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Ends and starts of paths of the flow, (PAIRS, dim) each, in internal units.

    Args:
        process: the process whose probability flow it is.
        start: the set at whose points the paths start.
        score: stands for the learned velocity.
        generator: draws the start points.
    """
    begin = start.sample(PAIRS, generator).to(generator.device)
    return flow_ends(process, begin, score, STEPS, "heun", generator), begin


def flow_ends(
    process: Process,
    begin: Tensor,
    score: ScoreFunction,
    steps: int,
    solver: Literal["euler", "heun"],
    generator: torch.Generator,
) -> Tensor:
    """The ends (N, dim) of paths of the flow that start at points of a set, by steps that are equal in time."""
    sampler = ProbabilityFlow(process, steps, False, "time", solver=solver)
    *_, last = sampler.run(score, process.std(1.0).to(begin) * begin, generator)
    return last.positions
