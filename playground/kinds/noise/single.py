from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Self

import msgspec
import numpy as np

from playground.kinds.chosen import Given
from playground.kinds.kind import register
from playground.kinds.noise.noise import END, Noise
from playground.kinds.setting import Auto, meta
from playground.messages import Message, Value

if TYPE_CHECKING:
    from playground.theory.noise import Noise as NoiseLevels

SIGMA = 0.3  # default over the data's standard deviation: it bridges small gaps and keeps the data's shape


@register
class SingleLevel(Noise, tag="single", frozen=True):
    """The score of the data smoothed by one noise level."""

    title = "Single σ"
    place = 1
    equation = r"y = x + \sigma z"
    chart = f"Drag the noise level: {END}."
    has_handles = True

    sigma: (
        Annotated[
            float,
            meta(
                "The noise level of kind = single",
                label="σ",
                ge=1e-15,
                le=1e15,
                symbol="σ",
                unit="data",
                log=True,
                resets=True,
            ),
        ]
        | Auto
    ) = "auto"

    def build(self, given: Given) -> "NoiseLevels":
        from playground.theory.noise import SingleSigma

        return SingleSigma(SIGMA if self.sigma == "auto" else given.units.sigma_to_internal(self.sigma))

    def resolve(self, given: Given) -> Self:
        if self.sigma != "auto":
            return self
        return msgspec.structs.replace(self, sigma=given.units.sigma_to_user(SIGMA))

    def levels_shown(self, unit: float | None) -> np.ndarray:
        assert self.sigma != "auto"
        return np.array([self.sigma])

    def dragged(self, index: int, sigmas: np.ndarray, unit: float) -> Mapping[str, Value]:
        return {"noise.sigma": float(f"{sigmas[index]:.3g}")}

    @property
    def phrase(self) -> str:
        return "one noise level"

    def state(self, sigmas: np.ndarray) -> Message:
        return Message("noise", "σ = {}", (float(sigmas[0]),)) if len(sigmas) else super().state(sigmas)
