"""New networks of any kind, from settings of which not every kind has all."""

from types import SimpleNamespace
from typing import Any

from torch import Generator

from playground.kinds.networks import Network
from playground.theory.networks import ScoreNetwork


def build_network(
    kind: str, shape: tuple[int, ...], *, classes: int = 0, generator: Generator, **settings: object
) -> ScoreNetwork:
    """A new network for points of this shape."""
    made, every = Network.kinds()[kind], {"prediction": "v"} | settings
    own: dict[str, Any] = {name: value for name, value in every.items() if name in made.__struct_fields__}
    return made(**own).build(SimpleNamespace(shape=shape, classes=classes), generator)
