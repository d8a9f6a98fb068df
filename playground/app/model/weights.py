"""The weights with which particles are sampled and scores computed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Weights:
    """Averaged weights of the network; `version` grows with every snapshot.

    Attributes:
        step: the training step for which they are kept; None for the newest weights.
        earlier: the weights that are kept of steps of the same training, by their step, for autoguidance.
        made: the training steps made.
    """

    version: int
    tensors: Mapping[str, "Tensor"]
    untrained: bool
    step: int | None = None
    earlier: "Mapping[int, Mapping[str, Tensor]]" = field(default_factory=dict)
    made: int = 0
