"""The weights by which particles are drawn and scores computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Weights:
    """Averaged weights as training left them; `version` grows with every snapshot.

    Attributes:
        step: the training step that they are kept of; None where they are the newest.
    """

    version: int
    tensors: Mapping[str, "Tensor"]
    untrained: bool
    step: int | None = None
