"""The objective that an experiment asks for."""

from playground.lab.defaults import LEVELS, resolve
from playground.lab.problem import Problem
from playground.theory.objectives import OBJECTIVES, Denoising, MaximumLikelihood, Objective, Sliced


def build_objective(problem: Problem, target_batch: int | None = None) -> Objective:
    """Build the objective of a problem's experiment; `target_batch`, where given, replaces denoising's own."""
    settings, distribution = resolve(problem.experiment).objective, problem.experiment.training.sigma_distribution
    if settings.kind == "sliced":
        return Sliced(
            problem.noise,
            distribution,
            settings.weight,
            projections=settings.projections,
            probes=settings.probes,
            variance_reduced=settings.variance_reduced,
        )
    if settings.kind == "denoising":
        assert settings.target_batch != "auto"
        return Denoising(
            problem.noise, distribution, settings.weight, target_batch or min(settings.target_batch, problem.batch)
        )
    if settings.kind == "maximum-likelihood":
        reach = float(problem.train.abs().max())
        return MaximumLikelihood(problem.noise, distribution, settings.weight, reach, settings.normalizer_grid, LEVELS)
    return OBJECTIVES[settings.kind](problem.noise, distribution, settings.weight)
