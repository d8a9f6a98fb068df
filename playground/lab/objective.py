"""The objective that an experiment asks for."""

from playground.lab.defaults import resolve
from playground.lab.problem import Problem
from playground.theory.objectives import Objective


def build_objective(problem: Problem) -> Objective:
    """The objective of a problem's experiment."""
    return resolve(problem.experiment).objective.found(problem).build(problem)


def build_held_out_objective(problem: Problem) -> Objective:
    """The objective for held-out points, each of which has a loss of its own."""
    return resolve(problem.experiment).objective.of_single_points().found(problem).build(problem)
