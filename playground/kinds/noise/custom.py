import itertools
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import numpy as np

from playground.kinds.chosen import Given
from playground.kinds.kind import register
from playground.kinds.noise.noise import END, START, rounded
from playground.kinds.noise.ve import VarianceExploding
from playground.kinds.setting import meta
from playground.messages import Edit, Message, Value, setting

if TYPE_CHECKING:
    from playground.theory.noise import Noise as NoiseLevels

POINTS = 6  # points of the schedule before one is dragged
FINE = 101  # points of the curve between them on the chart


@register
class Custom(VarianceExploding, tag="custom", frozen=True):
    """Variance exploding along your own σ(t). Drag its points in the chart."""

    title = "Custom"
    place = 7
    equation = r"dx = \sqrt{d\sigma^2/dt}\,dw"
    chart = f"Your own σ(t), through points to drag. Left: σ max, {START}. Right: σ min, at t = 0; {END}."
    has_handles = True

    schedule: Annotated[
        tuple[tuple[float, float], ...],
        meta(
            "Points (t, σ) of kind = custom, from t = 0 to t = 1, both increasing. A smooth increasing curve of ln σ "
            "goes through them; without points it is that of kind = ve",
            label="curve σ(t)",
            unit="data",
            symbol="σ(t)",
            equation=r"dx = \sqrt{d\sigma^2/dt}\,dw",
            resets=True,
            example="[[0.0, 0.01], [0.5, 1.0], [1.0, 10.0]]",
        ),
    ] = ()

    def build(self, given: Given) -> "NoiseLevels":
        if not self.schedule:
            return super().build(given)
        from playground.theory.noise import ContinuousNoise, CustomSchedule

        to_internal = given.units.sigma_to_internal
        return ContinuousNoise(CustomSchedule([(t, to_internal(sigma)) for t, sigma in self.schedule]))

    def errors(self) -> Iterator[Message]:
        yield from super().errors()
        own = setting("noise.schedule")
        times, sigmas = ([point[axis] for point in self.schedule] for axis in (0, 1))
        if self.schedule and (times[0] != 0 or times[-1] != 1 or not 0 < sigmas[0] <= sigmas[-1] < math.inf):
            yield Message(
                "noise-schedule",
                "{} must hold points [t, sigma] from t = 0 to t = 1, with every sigma above 0.",
                (own,),
                own.key,
            )
        elif any(not before < after for values in (times, sigmas) for before, after in itertools.pairwise(values)):
            yield Message(
                "noise-schedule",
                "{} must rise in t and in sigma, as in [[0, 0.01], [0.5, 0.3], [1, 9]].",
                (own,),
                own.key,
            )

    @property
    def is_by_hand(self) -> bool:
        return bool(self.schedule)

    def levels_shown(self, unit: float | None) -> np.ndarray:
        if self.schedule:
            return np.array([sigma for _, sigma in reversed(self.schedule)])
        assert self.sigma_max != "auto"
        assert self.sigma_min != "auto"
        return np.geomspace(self.sigma_max, self.sigma_min, POINTS)

    def times_shown(self) -> np.ndarray:
        if not self.schedule:
            return np.linspace(1.0, 0.0, POINTS)
        return np.array([t for t, _ in reversed(self.schedule)])

    def curve_between(self, sigmas: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        if not len(sigmas):
            return None
        import torch

        from playground.theory.noise import CustomSchedule

        points = list(zip(self.times_shown().tolist(), sigmas.tolist(), strict=True))[::-1]
        times = np.linspace(0.0, 1.0, FINE)
        return times, CustomSchedule(points).sigma(torch.from_numpy(times)).numpy()

    def dragged(self, index: int, sigmas: np.ndarray, unit: float) -> Mapping[str, Value]:
        points = zip(self.times_shown().tolist(), map(rounded, sigmas.tolist()), strict=True)
        return {"noise.schedule": tuple(points)[::-1]}

    def evened(self) -> Mapping[str, Value]:
        (_, fine), *_, (_, coarse) = self.schedule
        return {"noise.schedule": (), "noise.sigma_max": coarse, "noise.sigma_min": fine}

    def reach(self, needed: float, enough: float) -> Message:
        if not self.schedule:
            return super().reach(needed, enough)
        edit = Edit("Raise σ(1)", {"noise.schedule": (*self.schedule[:-1], (1.0, enough))})
        return Message("raise-the-end", "Raise σ(1) to {:g}", (enough,), "noise.schedule", (edit,))
