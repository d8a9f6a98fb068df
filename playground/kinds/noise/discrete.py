import itertools
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import numpy as np

from playground.kinds.chosen import Given
from playground.kinds.kind import register
from playground.kinds.noise.noise import END, TwoEnds, rounded
from playground.kinds.setting import meta
from playground.messages import Edit, Message, Value, setting

if TYPE_CHECKING:
    from playground.theory.noise import Noise as NoiseLevels


@register
class Discrete(TwoEnds, tag="discrete", frozen=True):
    """A few noise levels from coarse to fine (NCSN). Drag them in the chart."""

    title = "Discrete"
    place = 2
    equation = r"y = x + \sigma_i z,\ \sigma_1 > \dots > \sigma_L"
    chart = (
        f"The noise levels from coarse to fine. Left: σ max, where sampling starts. Right: σ min; {END}. Drag "
        "an end to move all levels, or one level alone."
    )
    has_handles = True

    levels: Annotated[
        int,
        meta(
            "Number of discrete noise levels. Training sees no others; log p and the samplers of a process pass "
            "between them",
            label="levels L",
            ge=2,
            le=1000,
            reach=(2, 200),
            symbol="L",
            equation=r"\sigma_i = \sigma_{max} (\sigma_{min}/\sigma_{max})^{(i-1)/(L-1)}",
            log=True,
            resets=True,
            when=lambda chosen: not chosen.noise.is_by_hand,
            otherwise="levels set by hand have their own number",
        ),
    ] = 20
    sigmas: Annotated[
        tuple[float, ...],
        meta(
            "The discrete noise levels from coarse to fine, where they are not geometric",
            label="noise levels",
            unit="data",
            symbol="σ_i",
            resets=True,
            example="[8.0, 2.0, 0.5]",
        ),
    ] = ()

    def build(self, given: Given) -> "NoiseLevels":
        from playground.theory.noise import DiscreteNoise, geometric

        if self.sigmas:
            return DiscreteNoise([given.units.sigma_to_internal(sigma) for sigma in self.sigmas])
        fine, coarse = self.ends(given)
        return DiscreteNoise(geometric(coarse, fine, self.levels))

    def errors(self) -> Iterator[Message]:
        yield from super().errors()
        own = setting("noise.sigmas")
        if self.sigmas and (
            len(self.sigmas) < 2 or not all(math.isfinite(sigma) and sigma > 0 for sigma in self.sigmas)
        ):
            yield Message("noise-levels", "{} must hold at least two positive numbers.", (own,), own.key)
        elif any(coarse <= fine for coarse, fine in itertools.pairwise(self.sigmas)):
            yield Message("noise-levels", "{} must fall from coarse to fine, as in [8.0, 2.0, 0.5].", (own,), own.key)

    @property
    def phrase(self) -> str:
        return f"{self.count} noise levels"

    @property
    def is_by_hand(self) -> bool:
        return bool(self.sigmas)

    @property
    def count(self) -> int:
        """The number of levels."""
        return len(self.sigmas) or self.levels

    def levels_shown(self, unit: float | None) -> np.ndarray:
        if self.sigmas:
            return np.array(self.sigmas)
        assert self.sigma_max != "auto"
        assert self.sigma_min != "auto"
        return np.geomspace(self.sigma_max, self.sigma_min, self.levels)

    def dragged(self, index: int, sigmas: np.ndarray, unit: float) -> Mapping[str, Value]:
        if self.sigmas or index not in (0, len(sigmas) - 1):
            return {"noise.sigmas": tuple(map(rounded, sigmas.tolist()))}
        return super().dragged(index, sigmas, unit)

    def evened(self) -> Mapping[str, Value]:
        return {
            "noise.sigmas": (),
            "noise.sigma_max": self.sigmas[0],
            "noise.sigma_min": self.sigmas[-1],
            "noise.levels": len(self.sigmas),
        }

    def reach(self, needed: float, enough: float) -> Message:
        if not self.sigmas:
            return super().reach(needed, enough)
        edit = Edit("Add a level", {"noise.sigmas": (enough, *self.sigmas)})
        return Message("add-a-level", "Add a level at σ = {:g}", (enough,), "noise.sigmas", (edit,))

    def state(self, sigmas: np.ndarray) -> Message:
        if not len(sigmas):
            return super().state(sigmas)
        return Message("noise", f"{'by hand' if self.sigmas else 'geometric'}, L = {len(sigmas)}")
