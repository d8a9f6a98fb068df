"""Networks trained to their end, for the benchmarks that judge them."""

import torch

from playground.lab.problem import Problem
from playground.lab.training import Trainer


def learned(problem: Problem) -> Trainer:
    """Train to the end.

    Raises:
        RuntimeError: the averaged weights are those of the start. The figures of such a network would pass for a bad result.
    """
    trainer = Trainer(problem)
    for _ in trainer:
        pass
    pairs = zip(problem.network().parameters(), trainer.ema.parameters(), strict=True)
    if all(torch.equal(old, new.to(old.device)) for old, new in pairs):
        raise RuntimeError(f"nothing was learned in {trainer.step} steps")
    return trainer
