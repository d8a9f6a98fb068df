from typing import TYPE_CHECKING

import numpy as np

from playground.kinds.chosen import Given
from playground.kinds.kind import register
from playground.kinds.noise.noise import Noise
from playground.messages import Message

if TYPE_CHECKING:
    from playground.theory.noise import Noise as NoiseLevels


@register
class NoNoise(Noise, tag="none", frozen=True):
    """The score of the data without noise; it is learned well only near the data."""

    title = "None"
    place = 0
    equation = r"s(x) = \nabla \log p_{data}(x)"
    has_noise = False
    chart = "No noise is added: there are no levels."

    @property
    def phrase(self) -> str:
        return "no noise"

    def state(self, sigmas: np.ndarray) -> Message:
        return Message("noise", "no noise")

    def build(self, given: Given) -> "NoiseLevels":
        from playground.theory.noise import NoNoise

        return NoNoise()
