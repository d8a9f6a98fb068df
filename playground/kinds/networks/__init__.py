"""The networks that learn the score, each in a file of its own."""

from playground.kinds.kind import discover
from playground.kinds.networks.network import Network as Network

discover(__name__, __path__)
