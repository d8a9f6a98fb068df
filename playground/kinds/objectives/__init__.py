"""The objectives of training, each in a file of its own."""

from playground.kinds.kind import discover
from playground.kinds.objectives.objective import Objective as Objective

discover(__name__, __path__)
