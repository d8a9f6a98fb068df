r"""Noise levels and noise processes: no noise, one sigma, discrete levels, or a continuous process.

All formulas use *variance-exploding coordinates*. The density smoothed by sigma is p_sigma = p_data * N(0, sigma^2 I), and one
score function s(x, sigma) = grad log p_sigma(x) serves every process, because each process is a scaled version of it:

.. math:: x(t) = \alpha(t)\,(x_0 + \sigma(t)\,z), \quad z \sim N(0, I), \qquad
          \nabla \log p_t(x) = s(x/\alpha(t), \sigma(t)) / \alpha(t)

Time runs from 0 (data) to 1 (noise). Processes obey dx = f(x, t) dt + g(t) dw (Song et al. 2021).
"""

from playground.theory.noise.custom import CustomSchedule
from playground.theory.noise.levels import ContinuousNoise, DiscreteNoise, Noise, NoNoise, SingleSigma, geometric
from playground.theory.noise.prior import GaussianPrior, PrincipalAxes
from playground.theory.noise.process import Process, ScheduleState, ScoreFunction, like, per_point
from playground.theory.noise.processes import (
    Cosine,
    FlowMatching,
    SubVariancePreserving,
    VarianceExploding,
    VariancePreserving,
)
from playground.theory.noise.sigma_distributions import SIGMA_DISTRIBUTIONS, SigmaDistributionName

__all__ = [
    "SIGMA_DISTRIBUTIONS",
    "ContinuousNoise",
    "Cosine",
    "CustomSchedule",
    "DiscreteNoise",
    "FlowMatching",
    "GaussianPrior",
    "NoNoise",
    "Noise",
    "PrincipalAxes",
    "Process",
    "ScheduleState",
    "ScoreFunction",
    "SigmaDistributionName",
    "SingleSigma",
    "SubVariancePreserving",
    "VarianceExploding",
    "VariancePreserving",
    "geometric",
    "like",
    "per_point",
]
