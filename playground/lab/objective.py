"""The objective that an experiment asks for."""

from playground.lab.automatic import LEVELS, resolved
from playground.lab.problem import Problem
from playground.theory.objectives import OBJECTIVES, Denoising, MaximumLikelihood, Objective, Sliced


def build_objective(problem: Problem) -> Objective:
    """The objective of a problem's experiment."""
    settings, law = resolved(problem.experiment).objective, problem.experiment.training.sigmas
    if settings.kind == "sliced":
        return Sliced(
            problem.noise,
            law,
            settings.weight,
            projections=settings.projections,
            projection=settings.projection,
            variance_reduced=settings.variance_reduced,
        )
    if settings.kind == "denoising":
        assert settings.reference != "auto"
        return Denoising(problem.noise, law, settings.weight, min(settings.reference, problem.batch))
    if settings.kind == "maximum-likelihood":
        reach = float(problem.train.abs().max())
        return MaximumLikelihood(problem.noise, law, settings.weight, reach, settings.cells, LEVELS)
    return OBJECTIVES[settings.kind](problem.noise, law, settings.weight)
