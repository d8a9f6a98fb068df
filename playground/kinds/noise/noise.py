"""The common base of all noise, and that of all noise with a path from data to noise."""

import math
import typing
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

import msgspec
import numpy as np

from playground.kinds.chosen import Chosen, Given
from playground.kinds.kind import Kind
from playground.kinds.setting import Auto, ExperimentError, meta
from playground.messages import Edit, Message, Value, setting

if TYPE_CHECKING:
    from playground.data.dataset import Dataset
    from playground.theory.noise import Noise as NoiseLevels
    from playground.theory.noise import Process

SIGMA_MIN = 0.01  # default over the data's standard deviation: finer than the toys' own noise, coarse enough to learn
FINEST, BLUR = 0.001, 0.002
"""The least default sigma_min over the data's standard deviation, and the most nats that smoothing may cost narrow data.

If the data have narrow parts, the default is a third of their thickness, at which the smoothing costs that many nats. Two columns
of correlation 0.9999 would lose 0.1 nat with SIGMA_MIN."""
SIGMA_MAX = 2.0
"""The default sigma_max over the diameter of the data.

The prior is a Gaussian with the data's moments, and smoothed data are only nearly Gaussian. With the exact score, the largest error
of 1,000 log-likelihoods of the two Gaussians is 0.11 nat at a factor of 1.0, 0.015 at 2.0 and 0.005 at 3.0 (median 0.005, 0.0007,
0.0002). For the other toys it is a third of that or less. Each doubling costs a tenth more evaluations."""
CURVE = 132
"""The number of points of a process's curve on the noise-level chart."""
START = "the noise at t = 1, where sampling starts"
END = "the learned density is smoothed by this much"
WITH_PATH = setting("noise.kind", "discrete", "ve", "another process")
"""The noises that a message offers if a path from data to noise is missing."""


class Noise(Kind, frozen=True):
    """The noise that is added to the data.

    Attributes:
        has_noise: whether it adds any noise.
        has_path: whether it has a path from data to noise, which reverse sampling and likelihoods follow.
        is_continuous: whether training draws the levels of a process from a distribution.
        chart: an explanation of its levels on the noise-level chart.
        end_name: the name of the coarsest level on the chart.
        has_handles: whether every level on the chart can be dragged, and not only the ends.
        learns_velocity: whether a network at "auto" predicts the velocity, and denoising weighs its squared error.
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
    learns_velocity: ClassVar[bool] = False

    @property
    def phrase(self) -> str:
        """Its name in a line about the experiment."""
        return f"{self.title} process"

    @abstractmethod
    def build(self, given: Given) -> "NoiseLevels":
        """The noise in internal units.

        Raises:
            ExperimentError: the levels contradict each other on these data.
        """

    def resolve(self, given: Given) -> Self:
        """Return the settings with a value in user units for each "auto", where there is one."""
        return self

    def errors(self) -> Iterator[Message]:
        """Return the contradictions between the settings for any data."""
        yield from ()

    @property
    def file(self) -> str:
        """The file of the points from which the flow starts, or "" if it starts elsewhere."""
        return ""

    def with_start(self, dataset: "Dataset") -> "Dataset":
        """Return the data set with the points from which the flow starts, if they are in a file.

        Raises:
            ExperimentError: no file is chosen, or it cannot be used.
        """
        return dataset

    @property
    def has_score(self) -> bool:
        """Whether the smoothed data have a score, which a flow that starts at another set has not."""
        return True

    def training_conflicts(self, chosen: Chosen) -> Iterator[Message]:
        """Return the conflicts with the experiment because of which it cannot be trained."""
        yield from ()

    def sampling_conflicts(self, chosen: Chosen) -> Iterator[Message]:
        """Return the conflicts with the experiment because of which it cannot be sampled."""
        yield from ()

    def score_conflict(self) -> Message | None:
        """Why the smoothed data have no score, or None."""
        return None

    def flow_conflict(self) -> Message | None:
        """Why the probability flow has no likelihoods, or None."""
        return None

    @property
    def count(self) -> int | None:
        """The number of discrete levels, or None if there are none."""
        return None

    @property
    def is_by_hand(self) -> bool:
        """Whether the user has set the levels one by one."""
        return False

    def levels_shown(self, unit: float | None) -> np.ndarray:
        """The levels on the noise-level chart, (L,), coarse to fine in the user's unit, for resolved settings; empty if unknown.

        Args:
            unit: the data's standard deviation; None before the data have been read.
        """
        return np.zeros(0)

    def times_shown(self) -> np.ndarray | None:
        """The times of the chart's levels, (L,), falling from 1 to 0; None if they are equally spaced."""
        return None

    def curve_between(self, sigmas: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """A smooth curve through the chart's levels, as times from 0 to 1 and their sigmas; None for straight lines.

        Args:
            sigmas: the chart's levels.
        """
        return None

    def dragged(self, index: int, sigmas: np.ndarray, unit: float) -> Mapping[str, Value]:
        """The settings after a level of the chart was dragged.

        Args:
            index: the dragged level.
            sigmas: the chart's levels after that.
            unit: the data's standard deviation.
        """
        return {}

    def evened(self) -> Mapping[str, Value]:
        """The settings with which levels set one by one become equally spaced again, with the same ends."""
        return {}

    def reach(self, needed: float, enough: float) -> Message:
        """Return a message, without a full stop, on how to raise the coarsest noise, with the edit that does so.

        Args:
            needed: the coarsest sigma that is needed, in internal units.
            enough: the same in user units, rounded up.
        """
        raise NotImplementedError

    def state(self, sigmas: np.ndarray) -> Message:
        """Return a few words for the card's title; `sigmas` are the chart's levels."""
        return Message("noise", self.title)


class PathToNoise(Noise, frozen=True):
    """Noise with a path from its finest level to pure noise."""

    has_path: ClassVar[bool] = True

    sigma_min: (
        Annotated[
            float,
            meta(
                "Finest noise level, which smooths the learned density. auto: a hundredth of the data's standard "
                "deviation; for thinner data a third of their thickness, along a principal axis of all or of "
                "neighbouring points; for fewer than 1,000 training points at least the width of their best kernel density",
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

    def finest(self, given: Given, coarsest: float) -> float:
        """sigma_min in internal units; the coarsest level does not limit what the user has set.

        A network that fits a few points perfectly learns their kernel density of this width, so it is the best one. But a
        network also learns a narrow principal axis, which a round kernel cannot: that of 320 points with a correlation of 0.999
        has a KL of 0.9, and a network with the level for thin data one of 0.2.
        """
        if self.sigma_min != "auto":
            return given.units.sigma_to_internal(self.sigma_min)
        from playground.theory import kernel_density, local_geometry

        finest = local_geometry.finest_noise(given.thickness(), FINEST, SIGMA_MIN, BLUR)
        width = given.kernel_width()
        if width is None:
            return finest
        width = min(width, kernel_density.width_for_gaussian(given.train))
        return finest if width >= coarsest else max(finest, width)

    def state(self, sigmas: np.ndarray) -> Message:
        if not len(sigmas):
            return super().state(sigmas)
        # A narrow card cuts the kind off.
        return Message("noise", f"σ {{}} → {{}} · {self.title}", (float(sigmas[0]), float(sigmas[-1])))


class TwoEnds(PathToNoise, frozen=True):
    """Noise whose two ends are settings."""

    sigma_max: (
        Annotated[
            float,
            meta(
                "Coarsest noise level, at least the diameter of the data, which is the largest distance between two "
                "points. auto: twice the diameter",
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

    def coarsest(self, given: Given) -> float:
        """sigma_max in internal units."""
        return (
            SIGMA_MAX * given.diameter() if self.sigma_max == "auto" else given.units.sigma_to_internal(self.sigma_max)
        )

    def ends(self, given: Given) -> tuple[float, float]:
        """sigma_min and sigma_max in internal units.

        Raises:
            ExperimentError: sigma_min is not below sigma_max.
        """
        coarse = self.coarsest(given)
        fine = self.finest(given, coarse)
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
        edit = Edit(f"σ max = {enough:g}", {"noise.sigma_max": enough})
        return Message("raise-the-end", "Raise σ max to {:g}", (enough,), "noise.sigma_max", (edit,))


class ContinuousProcess(TwoEnds, frozen=True):
    """A process between two ends that are settings."""

    is_continuous: ClassVar[bool] = True

    @classmethod
    @abstractmethod
    def process(cls, sigma_min: float, sigma_max: float) -> "Process":
        """The process with these ends."""

    def build(self, given: Given) -> "NoiseLevels":
        from playground.theory.noise import ContinuousNoise

        return ContinuousNoise(self.process(*self.ends(given)))

    def levels_shown(self, unit: float | None) -> np.ndarray:
        if unit is None:
            return np.zeros(0)
        assert self.sigma_max != "auto"
        assert self.sigma_min != "auto"
        return process_curve(self.process(self.sigma_min / unit, self.sigma_max / unit), unit)


def crossed_ends(fine: float, coarse: float) -> Message:
    """Return the error that the finest level is not below the coarsest."""
    return Message(
        "crossed-noise-levels",
        "{} must lie below {}: lower one or raise the other.",
        (setting("noise.sigma_min", fine), setting("noise.sigma_max", coarse)),
        "noise.sigma_min",
    )


def rounded(sigma: float) -> float:
    """Round a dragged noise level to four digits."""
    return float(f"{sigma:.4g}")


def up(value: float) -> float:
    """Round up to two digits."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.2g}")


def process_curve(process: "Process", unit: float) -> np.ndarray:
    """sigma at equally spaced times from t = 1 to 0, down to the finest level, (L,), in the user's unit."""
    times = np.linspace(1.0, 0.0, CURVE)
    import torch

    curve = process.sigma(torch.from_numpy(times)).numpy()
    return unit * np.append(curve[curve > process.sigma_min], process.sigma_min)
