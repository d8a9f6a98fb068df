"""A chart as plain arrays: what audits, sweeps and the window show, and :mod:`playground.drawing.plot` draws."""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from playground.records import record

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def nice_step(raw: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten, by ratio.

    >>> nice_step(1.9), nice_step(0.17), nice_step(700)
    (2.0, 0.2, 500.0)
    """
    power = 10.0 ** math.floor(math.log10(raw))
    return min((factor * power for factor in (1.0, 2.0, 5.0, 10.0)), key=lambda step: abs(math.log(step / raw)))


def ticks(low: float, high: float, step: float) -> list[tuple[float, str]]:
    """Multiples of `step` in [low, high], with labels of as few digits as keep them distinct.

    >>> ticks(-0.6, 0.6, 0.5)
    [(-0.5, '−0.5'), (0.0, '0'), (0.5, '0.5')]
    >>> [label for _, label in ticks(8e-9, 1.2e-8, 2e-9)]
    ['8e−9', '1.0e−8', '1.2e−8']
    """
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    found = []
    for number in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1):
        value = number * step
        if not number:
            label = "0"
        elif decimals <= 5 and abs(value) < 1e7:
            label = f"{value:.{decimals}f}"
        else:
            digits = max(0, math.floor(math.log10(abs(value)) + 1e-9) - math.floor(math.log10(step) + 1e-9))
            label = re.sub(r"e\+?(-?)0?(?=\d)", r"e\1", f"{value:.{digits}e}")
        found.append((value, label.replace("-", "−")))
    return found


def power_of_ten(power: int, factor: int = 1) -> str:
    """``10⁻³``, ``2·10⁻³``; but numbers from 0.1 to 500 as plain numbers.

    >>> [power_of_ten(power) for power in (-3, -1, 0, 2, 6)], power_of_ten(-3, 2), power_of_ten(1, 5)
    (['10⁻³', '0.1', '1', '100', '10⁶'], '2·10⁻³', '50')
    """
    if -1 <= power <= 2:
        return f"{factor * 10.0**power:g}"
    return ("" if factor == 1 else f"{factor}·") + "10" + str(power).translate(SUPERSCRIPTS)


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high`.

    Args:
        name: the name with its unit.
        log: whether the axis is logarithmic; both ends must then be above 0.
        names: what stands at 0, 1, 2 and so on, on an axis that has no numbers.
    """

    name: str
    low: float
    high: float
    log: bool = False
    names: tuple[str, ...] = field(default=(), kw_only=True)

    def place(self, values: ArrayLike) -> np.ndarray:
        """Return the positions of values, 0 at the low end and 1 at the high end."""
        low, high = self.bend([self.low, self.high])
        return np.asarray((self.bend(values) - low) / (high - low))

    def clipped(self, value: float) -> float:
        """The position of a value, clipped to [0, 1].

        >>> [Axis("x", 0.0, 4.0).clipped(value) for value in (-1e15, 3.0, math.inf)], Axis("x", 1.0, 1.0).clipped(1.0)
        ([0.0, 0.75, 1.0], 0.0)
        """
        return float(np.clip(self.place(value), 0, 1)) if self.low != self.high else 0.0

    def value(self, place: float) -> float:
        """The value at a position from 0 to 1."""
        low, high = self.bend([self.low, self.high])
        return float(self.unbend(low + place * (high - low)))

    def marks(self, most: int) -> list[tuple[float, str]]:
        """Values with their labels, at most about `most`."""
        if self.names:
            places = range(0, len(self.names), math.ceil(len(self.names) / most))
            return [(place, self.names[place]) for place in places if self.low <= place <= self.high]
        if not self.log:
            return ticks(self.low, self.high, nice_step((self.high - self.low) / most))
        powers = self.powers()
        if len(powers) < 3:  # hardly a decade: also 2 and 5
            every = [(factor, power) for power in range(powers.start - 1, powers.stop) for factor in (1, 2, 5)]
            inside = [one for one in every if self.low <= one[0] * 10.0 ** one[1] <= self.high]
            return [(factor * 10.0**power, power_of_ten(power, factor)) for factor, power in inside]
        return [(10.0**power, power_of_ten(power)) for power in self.powers(most)]

    def powers(self, most: float = math.inf) -> range:
        """The powers of ten on a logarithmic axis, thinned to at most so many.

        >>> list(Axis("σ", 0.02, 300, log=True).powers())
        [-1, 0, 1, 2]
        """
        found = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
        return found[:: max(1, math.ceil(len(found) / most))]

    def bend(self, values: ArrayLike) -> np.ndarray:
        """Map values to distances along the axis: the values themselves, or their logarithms, of which the least is the low end's."""
        return np.asarray(np.log10(np.maximum(values, min(self.low, self.high))) if self.log else values, float)

    def unbend(self, distances: ArrayLike) -> np.ndarray:
        """Map distances along the axis back to values."""
        return np.asarray(np.power(10.0, distances) if self.log else distances, float)


def axis_around(values: Sequence[np.ndarray], name: str, log: bool = False, margin: float = 0.06) -> Axis:
    """The axis that shows all values with a margin, as a fraction of their extent on the axis."""
    every = np.concatenate([np.ravel(part) for part in values])
    every = every[np.isfinite(every) & ((every > 0) | (not log))]
    low, high = (float(every.min()), float(every.max())) if len(every) else (1.0, 10.0)
    if log:
        room = (high / low) ** margin if high > low else 2.0
        return Axis(name, low / room, high * room, True)
    room = margin * (high - low) or 1.0
    return Axis(name, low - room, high + room)


@record
class Series:
    """Points (N,) with one meaning, x ascending.

    Args:
        name: the name in files and under the pointer; no two of a chart have the same.
        color: a token of the palette, or ``#rrggbb``.
        kind: "line", "dashed" (not measured: a bound, a fit, a floor), "points" (joined by a line), "dots" (not joined, of
            radius `width`) or "bars".
        legend: the text above the chart; None takes the name, "" shows none.
        error: (N,) standard errors of y, drawn as a band; NaN is none. A floor has those of a measurement.
        category: the number of its colour and its mark among the categories, in place of `color`.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    color: str
    kind: str = "line"
    legend: str | None = None
    width: float = 2.0
    alpha: float = 1.0
    error: np.ndarray | None = None
    category: int | None = None

    def looks_like(self, other: "Series | None") -> bool:
        """Whether it is drawn like the other series."""
        return other is not None and all(
            np.array_equal(one, another) if isinstance(one, np.ndarray) else one == another
            for one, another in zip(vars(self).values(), vars(other).values(), strict=True)
        )


@record
class Chart:
    """Series over two axes, the first one at the bottom.

    Args:
        title: what it shows.
        note: what is said after the names of the series.
    """

    series: tuple[Series, ...]
    x: Axis
    y: Axis
    title: str = ""
    note: str = ""

    @classmethod
    def around(
        cls,
        title: str,
        names: tuple[str, str],
        series: Sequence[Series],
        log: tuple[bool, bool],
        top: float = math.inf,
        note: str = "",
    ) -> Self:
        """The chart that shows all series, with their errors.

        Args:
            names: of the x and of the y axis, with their units.
            log: whether each axis is logarithmic.
            top: the end of the y axis, if not all values are to be within it.
        """
        spread = [one.y + side * one.error for one in series if one.error is not None for side in (-1, 1)]
        heights = [np.minimum(part, top) for part in (*(one.y for one in series), *spread)]
        x = axis_around([one.x for one in series], names[0], log[0], 0.02)
        return cls(tuple(series), x, axis_around(heights, names[1], log[1]), title, note)

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """The x axis (0) and the y axis (1)."""
        return self.x, self.y

    @property
    def listed(self) -> list[Series]:
        """The series with a name above the curves."""
        return [one for one in self.series if one.legend != "" and len(one.x)]

    @property
    def measured(self) -> list[Series]:
        """Those of them that are measured."""
        return [one for one in self.listed if one.kind != "dashed"]

    def nearest(self, one: Series, x: float) -> int:
        """The index of the point nearest to an x value in the axis's scale."""
        return int(np.abs(self.x.bend(one.x) - self.x.bend(x)).argmin())

    def with_scales(self, log: Mapping[int, bool]) -> "Chart":
        """The chart with its x axis (0) or its y axis (1) logarithmic or linear, around the values, where they allow it."""
        axes = [*self.axes]
        for side, wanted in log.items():
            if wanted != axes[side].log and self.can_be_log(side):
                axes[side] = axis_around([(one.x, one.y)[side] for one in self.series], axes[side].name, wanted)
        return dataclasses.replace(self, x=axes[0], y=axes[1])

    def can_be_log(self, side: int) -> bool:
        """Whether an axis can be logarithmic with these values."""
        values = np.concatenate([(one.x, one.y)[side] for one in self.series])
        numbers = len(values) and not self.axes[side].names
        return bool(numbers and np.nanmin(values) >= 0 and np.nanmax(values) > 0)
