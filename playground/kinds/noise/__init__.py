"""The noise processes and sets of noise levels, each in a file of its own."""

from playground.kinds.kind import discover
from playground.kinds.noise.noise import Noise as Noise
from playground.kinds.noise.noise import PathToNoise as PathToNoise

discover(__name__, __path__)
