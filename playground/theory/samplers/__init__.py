"""Samplers, which move particles from random starts to samples of the density whose score they follow.

A run is an iterator of :class:`Step`. It calls the score at each step, so the score may be a network during its training. All
state is in the iterator. To cancel a run, stop iterating. A sampler can be run more than once.
"""

from playground.theory.samplers.base import Sampler as Sampler
from playground.theory.samplers.base import SamplerDiverged as SamplerDiverged
from playground.theory.samplers.base import Step as Step
from playground.theory.samplers.brownian import BrownianPath as BrownianPath
from playground.theory.samplers.brownian import Randomness as Randomness
from playground.theory.samplers.ddim import DDIMSampler as DDIMSampler
from playground.theory.samplers.edm import EdmSampler as EdmSampler
from playground.theory.samplers.flow import AdaptiveFlow as AdaptiveFlow
from playground.theory.samplers.flow import ProbabilityFlow as ProbabilityFlow
from playground.theory.samplers.grid import Grid as Grid
from playground.theory.samplers.grid import time_grid as time_grid
from playground.theory.samplers.langevin import AnnealedLangevin as AnnealedLangevin
from playground.theory.samplers.langevin import Langevin as Langevin
from playground.theory.samplers.langevin import MetropolisAdjustedLangevin as MetropolisAdjustedLangevin
from playground.theory.samplers.multistep import MultistepSampler as MultistepSampler
from playground.theory.samplers.reverse import ReverseSDE as ReverseSDE
from playground.theory.samplers.terms import StepTerms as StepTerms
from playground.theory.samplers.unipc import UniPCSampler as UniPCSampler
