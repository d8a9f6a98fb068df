"""The samplers, each in a file of its own."""

from playground.kinds.kind import discover
from playground.kinds.samplers.from_noise import FromNoise as FromNoise
from playground.kinds.samplers.langevin_dynamics import LangevinDynamics as LangevinDynamics
from playground.kinds.samplers.sampler import FollowsScore as FollowsScore
from playground.kinds.samplers.sampler import Sampler as Sampler

discover(__name__, __path__)
