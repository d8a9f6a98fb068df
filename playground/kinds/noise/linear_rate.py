"""The common base of VP and sub-VP: a rate that grows linearly and determines the coarsest noise."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

import msgspec
import numpy as np

from playground.kinds.chosen import Given
from playground.kinds.noise.noise import END, START, PathToNoise, process_curve, up
from playground.kinds.setting import ExperimentError, meta
from playground.messages import Edit, Message, Value, setting

if TYPE_CHECKING:
    from playground.theory.noise import Noise as NoiseLevels
    from playground.theory.noise.processes import LinearRate as Process

LEAST_RATE, LARGEST_RATE = 0.1, 100.0
"""The bounds of beta_max. With the largest the processes end with noise of e^25; from 355 on it overflows in single precision."""
LEAST_RISE = 1.01  # least factor from beta_min to beta_max when the chart is dragged, as the rate must not fall


class LinearRate(PathToNoise, frozen=True):
    """Noise whose rate grows linearly and determines the coarsest level."""

    is_continuous: ClassVar[bool] = True
    end_name: ClassVar[str] = "σ(1)"
    chart: ClassVar[str] = (
        "Noise over signal, σ = std/α: the process shrinks the data while it adds noise. Left: σ(1), "
        f"{START}; dragging it sets the rate β₁. Right: σ min, at the end of sampling; {END}."
    )

    beta_max: Annotated[
        float,
        meta(
            "Rate β of the VP and sub-VP processes at t = 1",
            label="rate β₁",
            ge=LEAST_RATE,
            le=LARGEST_RATE,
            reach=(1.0, 100.0),
            symbol="β_1",
            equation=r"\beta(t) = \beta_0 + t(\beta_1 - \beta_0)",
            log=True,
            resets=True,
            advanced=True,
        ),
    ] = 20.0
    beta_min: Annotated[
        float,
        meta(
            "Rate β of the VP and sub-VP processes at t = 0",
            label="rate β₀",
            ge=1e-4,
            le=10.0,
            reach=(1e-3, 5.0),
            symbol="β_0",
            equation=r"\beta(t) = \beta_0 + t(\beta_1 - \beta_0)",
            log=True,
            resets=True,
            advanced=True,
        ),
    ] = 0.1

    @classmethod
    @abstractmethod
    def process(cls) -> "type[Process]":
        """The process class in theory/."""

    def build(self, given: Given) -> "NoiseLevels":
        from playground.theory.noise import ContinuousNoise

        process = self.process()
        end = process.end(self.beta_min, self.beta_max)
        fine = self.finest(given, end)
        if fine >= end:
            to_user = given.units.sigma_to_user
            raise ExperimentError(
                Message(
                    "finest-beyond-the-end",
                    "{} is more noise than the {} process ends with, {}: lower {} or raise {}.",
                    (
                        setting("noise.sigma_min", to_user(fine)),
                        self.title,
                        to_user(end),
                        setting("noise.sigma_min"),
                        setting("noise.beta_max"),
                    ),
                    "noise.sigma_min",
                )
            )
        return ContinuousNoise(process(self.beta_min, self.beta_max, fine))

    def resolve(self, given: Given) -> Self:
        if self.sigma_min != "auto":
            return self
        return msgspec.structs.replace(self, sigma_min=given.units.sigma_to_user(given.noise.sigma_min))

    def errors(self) -> Iterator[Message]:
        if self.beta_min >= self.beta_max:
            yield Message(
                "falling-rate",
                "{} must lie below {}.",
                (setting("noise.beta_min", self.beta_min), setting("noise.beta_max", self.beta_max)),
                "noise.beta_min",
            )

    def levels_shown(self, unit: float | None) -> np.ndarray:
        if unit is None:
            return np.zeros(0)
        assert self.sigma_min != "auto"
        if self.sigma_min / unit >= self.process().end(self.beta_min, self.beta_max):
            return np.zeros(0)
        return process_curve(self.process()(self.beta_min, self.beta_max, self.sigma_min / unit), unit)

    def dragged(self, index: int, sigmas: np.ndarray, unit: float) -> Mapping[str, Value]:
        sigma = float(sigmas[index])
        if index:
            return {"noise.sigma_min": float(f"{sigma:.3g}")}
        rate = max(self._rate(sigma / unit), LEAST_RISE * self.beta_min, LEAST_RATE)
        return {"noise.beta_max": float(f"{min(rate, LARGEST_RATE):.3g}")}

    def reach(self, needed: float, enough: float) -> Message:
        rate = min(up(self._rate(needed)), LARGEST_RATE)
        edit = Edit(f"β_1 = {rate:g}", {"noise.beta_max": rate})
        return Message("raise-the-end", "Raise β_1 to {:g}", (rate,), "noise.beta_max", (edit,))

    def _rate(self, sigma: float) -> float:
        """The beta_max with which the process ends at this sigma, for standardized data."""
        from playground.theory.noise.process import as_time

        return 2 * float(self.process().integral(as_time(sigma))) - self.beta_min
