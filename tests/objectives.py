"""The losses of all objectives that can be chosen, by their names."""

from types import SimpleNamespace

import torch

from playground.kinds.noise.ve import VarianceExploding
from playground.kinds.objectives import Objective
from playground.theory import objectives
from playground.theory.noise import SingleSigma

GIVEN = SimpleNamespace(noise=SingleSigma(1.0), sigma_distribution="log-normal", batch=1, train=torch.ones(1, 2))
OBJECTIVES: dict[str, type[objectives.Objective]] = {
    name: type(kind().resolve(images=False, noise=VarianceExploding()).build(GIVEN))
    for name, kind in Objective.kinds().items()
}
