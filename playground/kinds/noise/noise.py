"""The common base of all noise, and that of all noise with a path from data to noise."""

import math
import typing
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

import msgspec
import numpy as np

from playground.kinds.chosen import Given
from playground.kinds.kind import Kind
from playground.kinds.setting import Auto, ExperimentError, meta
from playground.messages import Edit, Message, Value, setting

if TYPE_CHECKING:
    from playground.theory.noise import Noise as NoiseLevels
    from playground.theory.noise import Process

SIGMA_MIN = 0.01  # of the data's standard deviation: finer than the toys' own noise, coarse enough to learn
FINEST, BLUR = 0.001, 0.002
"""Of the data's standard deviation and nats: where the data have narrow parts, the finest level goes down to a third of their
thickness, where the blur costs no more than so much. Two columns of correlation 0.9999 lose 0.1 nat by SIGMA_MIN."""
SIGMA_MAX = 2.0
"""Of the widest gap. The prior is a Gaussian with the data's moments, which smoothed data are only nearly: with the exact
score the worst of 1,000 log-likelihoods of the two Gaussians is off by 0.11 nat at 1.0, 0.015 at 2.0 and 0.005 at 3.0 (median
0.005, 0.0007, 0.0002), those of the other toys by a third of that or less; each doubling costs a tenth more evaluations."""
CURVE = 132
"""Points of a process's curve on the noise-level chart."""
START = "the noise at t = 1, where sampling starts"
END = "the learned density is smoothed by this much"
WITH_PATH = setting("noise.kind", "discrete", "ve", "another process")
"""The choices where a path from data to noise is missing."""


class Noise(Kind, frozen=True):
    """The noise that is added to the data.

    Attributes:
        has_noise: whether it adds any.
        has_path: whether a path leads from data to noise, which reverse sampling and likelihoods follow.
        is_continuous: whether training draws the levels of a process from a distribution.
        chart: what its levels on the noise-level chart are, in plain words.
        end_name: of the coarsest level there.
        has_handles: whether every level there can be dragged, and not the ends alone.
    """

    section: ClassVar[str] = "noise"
    summary: ClassVar[str] = "No noise, one noise level, a few discrete levels, or a continuous process"
    noun: ClassVar[str] = "noise"
    resets: ClassVar[bool] = True
    has_noise: ClassVar[bool] = True
    has_path: ClassVar[bool] = False
    is_continuous: ClassVar[bool] = False
    chart: ClassVar[str]
    end_name: ClassVar[str] = "σ max"
    has_handles: ClassVar[bool] = False

    @property
    def phrase(self) -> str:
        """The noise, in a line about the experiment."""
        return f"{self.title} process"

    @abstractmethod
    def build(self, given: Given) -> "NoiseLevels":
        """The noise in internal units.

        Raises:
            ExperimentError: the levels contradict each other on these data.
        """

    def resolve(self, given: Given) -> Self:
        """Return the settings with a value for each "auto", in user units; what cannot be stated so stays."""
        return self

    def errors(self) -> Iterator[Message]:
        """Return the settings' contradictions, whatever the data are."""
        yield from ()

    @property
    def count(self) -> int | None:
        """The number of levels; None where there are none or all of a process."""
        return None

    @property
    def is_by_hand(self) -> bool:
        """Whether the levels are stated one by one."""
        return False

    def levels_shown(self, unit: float | None) -> np.ndarray:
        """The levels on the noise-level chart, coarse to fine in the user's unit, (L,), of resolved settings; none where there are none yet.

        Args:
            unit: the data's standard deviation; None before the data have been read.
        """
        return np.zeros(0)

    def times_shown(self) -> np.ndarray | None:
        """The time of each, (L,) falling from 1 to 0; None where they are even."""
        return None

    def curve_between(self, sigmas: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Times from 0 to 1 and sigma at each, where a curve goes through the levels of the chart; None where they are joined."""
        return None

    def dragged(self, index: int, sigmas: np.ndarray, unit: float) -> Mapping[str, Value]:
        """The settings by which the chart's levels become these, of which that of an index was dragged."""
        return {}

    def evened(self) -> Mapping[str, Value]:
        """The settings by which levels stated one by one become even again, with the same ends."""
        return {}

    def reach(self, needed: float, enough: float) -> Message:
        """Return how the noise can end coarser, without a full stop, and the edit that does so.

        Args:
            needed: sigma at the end, in internal units.
            enough: the same in user units, rounded up.
        """
        raise NotImplementedError

    def state(self, sigmas: np.ndarray) -> Message:
        """Return a few words for the card's title; `sigmas` are the chart's."""
        return Message("noise", self.title)


class PathToNoise(Noise, frozen=True):
    """Noise with a finest level from which a path leads to noise alone."""

    has_path: ClassVar[bool] = True

    sigma_min: (
        Annotated[
            float,
            meta(
                "Finest noise level, which smooths the learned density. auto: a hundredth of the data's standard "
                "deviation; for thinner data a third of their thickness, along a principal axis of all or of "
                "neighbouring points",
                label="σ min",
                ge=1e-15,
                le=1e15,
                symbol="σ_min",
                equation=r"p_{\sigma} = p_{data} * N(0, \sigma_{min}^2 I)",
                unit="data",
                log=True,
                resets=True,
                when=lambda chosen: not chosen.noise.is_by_hand,
                otherwise="levels set by hand contain their own ends; change or remove them",
            ),
        ]
        | Auto
    ) = "auto"

    def finest(self, given: Given) -> float:
        """sigma_min in internal units."""
        if self.sigma_min != "auto":
            return given.units.sigma_to_internal(self.sigma_min)
        from playground.theory import local_geometry

        return local_geometry.finest_noise(given.thickness(), FINEST, SIGMA_MIN, BLUR)

    def state(self, sigmas: np.ndarray) -> Message:
        if not len(sigmas):
            return super().state(sigmas)
        # The kind goes where there is no room for both.
        return Message("noise", f"σ {{}} → {{}} · {self.title}", (float(sigmas[0]), float(sigmas[-1])))


class TwoEnds(PathToNoise, frozen=True):
    """Noise whose two ends are stated."""

    sigma_max: (
        Annotated[
            float,
            meta(
                "Coarsest noise level; it should exceed the widest gap in the data. auto: twice that gap",
                label="σ max",
                ge=1e-15,
                le=1e15,
                symbol="σ_max",
                unit="data",
                log=True,
                resets=True,
                when=lambda chosen: not chosen.noise.is_by_hand,
                otherwise="levels set by hand contain their own ends; change or remove them",
            ),
        ]
        | Auto
    ) = "auto"

    def ends(self, given: Given) -> tuple[float, float]:
        """sigma_min and sigma_max in internal units.

        Raises:
            ExperimentError: one that was set lies beyond the other.
        """
        fine = self.finest(given)
        coarse = (
            SIGMA_MAX * given.widest() if self.sigma_max == "auto" else given.units.sigma_to_internal(self.sigma_max)
        )
        if fine >= coarse:
            to_user = given.units.sigma_to_user
            raise ExperimentError(crossed_ends(to_user(fine), to_user(coarse)))
        return fine, coarse

    def resolve(self, given: Given) -> Self:
        if self.is_by_hand:
            return self
        fine, coarse = (given.units.sigma_to_user(end) for end in (given.noise.sigma_min, given.noise.sigma_max))
        changes: dict[str, float] = {}
        if self.sigma_min == "auto" and (self.sigma_max == "auto" or fine < self.sigma_max):
            changes["sigma_min"] = fine
        if self.sigma_max == "auto":
            changes["sigma_max"] = coarse
        return msgspec.structs.replace(self, **typing.cast(typing.Any, changes))

    def errors(self) -> Iterator[Message]:
        if self.sigma_min != "auto" and self.sigma_max != "auto" and self.sigma_min >= self.sigma_max:
            yield crossed_ends(self.sigma_min, self.sigma_max)

    def dragged(self, index: int, sigmas: np.ndarray, unit: float) -> Mapping[str, Value]:
        return {"noise.sigma_max" if index == 0 else "noise.sigma_min": float(f"{sigmas[index]:.3g}")}

    def reach(self, needed: float, enough: float) -> Message:
        edit = Edit(f"σ_max = {enough:g}", {"noise.sigma_max": enough})
        return Message("raise-the-end", "Raise σ_max to {:g}", (enough,), "noise.sigma_max", (edit,))


def crossed_ends(fine: float, coarse: float) -> Message:
    """Return the error that the finest level does not lie below the coarsest."""
    return Message(
        "crossed-noise-levels",
        "{} must lie below {}: lower one or raise the other.",
        (setting("noise.sigma_min", fine), setting("noise.sigma_max", coarse)),
        "noise.sigma_min",
    )


def rounded(sigma: float) -> float:
    """Round a noise level to the digits that a hand can aim at."""
    return float(f"{sigma:.4g}")


def up(value: float) -> float:
    """The next larger number of two digits."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.2g}")


def process_curve(process: "Process", unit: float, scale: float = 1.0) -> np.ndarray:
    """sigma at even times from t = 1 to 0, down to the finest level, (L,) in the user's unit."""
    times = np.linspace(1.0, 0.0, CURVE)
    import torch

    curve = scale * process.sigma(torch.from_numpy(times)).numpy()
    finest = scale * process.sigma_min
    return unit * np.append(curve[curve > finest], finest)
