"""The objective that an experiment asks for."""

from playground.lab.automatic import LEVELS, resolved
from playground.lab.problem import Problem
from playground.theory.objectives import OBJECTIVES, Denoising, MaximumLikelihood, Objective, Sliced


def build_objective(problem: Problem, reference: int | None = None) -> Objective:
    """The objective of a problem's experiment, where denoising is asked for by a reference of so many points if that is given."""
    settings, law = resolved(problem.experiment).objective, problem.experiment.training.sigma_distribution
    if settings.kind == "sliced":
        return Sliced(
            problem.noise,
            law,
            settings.weight,
            projections=settings.projections,
            projection=settings.probes,
            variance_reduced=settings.variance_reduced,
        )
    if settings.kind == "denoising":
        assert settings.target_batch != "auto"
        return Denoising(problem.noise, law, settings.weight, reference or min(settings.target_batch, problem.batch))
    if settings.kind == "maximum-likelihood":
        reach = float(problem.train.abs().max())
        return MaximumLikelihood(problem.noise, law, settings.weight, reach, settings.normalizer_grid, LEVELS)
    return OBJECTIVES[settings.kind](problem.noise, law, settings.weight)
