"""What noise does to the data: each noise process, and each set of noise levels, in a file of its own."""

from playground.kinds.kind import discover
from playground.kinds.noise.noise import Noise as Noise
from playground.kinds.noise.noise import PathToNoise as PathToNoise

discover(__name__, __path__)
