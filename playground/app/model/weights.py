"""The weights with which particles are sampled and scores computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Weights:
    """Averaged weights of the network; `version` grows with every snapshot.

    Attributes:
        step: the training step for which they are kept; None for the newest weights.
    """

    version: int
    tensors: Mapping[str, "Tensor"]
    untrained: bool
    step: int | None = None
