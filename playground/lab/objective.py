"""The objective that an experiment asks for."""

import msgspec

from playground.kinds.objectives.denoising import Denoising
from playground.lab.defaults import resolve
from playground.lab.problem import Problem
from playground.theory.objectives import Objective


def build_objective(problem: Problem, target_batch: int | None = None) -> Objective:
    """The objective of a problem's experiment.

    Args:
        target_batch: points of denoising's stable target, instead of the experiment's.
    """
    settings = resolve(problem.experiment).objective
    if target_batch is not None and isinstance(settings, Denoising):
        settings = msgspec.structs.replace(settings, target_batch=target_batch)
    return settings.found(problem).build(problem)
