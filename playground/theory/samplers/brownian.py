r"""One Brownian path for several runs, so that they differ only in their steps.

The path is a function of its seed and of the time alone, so it does not depend on which runs share it. It is a virtual Brownian
tree (Li et al. 2020, Kidger et al. 2021): the dyadic intervals, each halved by a Brownian bridge with random numbers of its own.
A value is found by going down from the whole of time, and nothing is held but the way to the last one.

Beside its increment w, each interval of length h has a space-time Levy area a = \int (1/2 - (u - s)/h) dW of variance h/12, which
measures how far the path lay above its chord. Cut an interval into parts of lengths b and c, and let m be how far the path lies
above the chord at the cut. Without knowing a, the three are independent:

.. math:: m \sim N(0, bc/h), \quad a_1 \sim N(0, b/12), \quad a_2 \sim N(0, c/12), \qquad a = m/2 + (b a_1 + c a_2)/h

They are drawn so, and then moved by their regression on the a that is known (Foster et al. 2020). The increments are
w b/h + m and w c/h - m. In halves the regression leaves m = 3a/2 + N(0, h/16), and a_1, a_2 = a - m/2 + d, a - m/2 - d with
d ~ N(0, h/48).
"""

import math
from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor

from playground.records import record

PRIME = 0x9E3779B1  # odd, so that no two of 2^32 intervals have one seed
HIGHEST, LOWEST = 64, -110
"""Times are below 2^64, and intervals that begin at 0 are not halved below 2^-110. A time is a variance, so that is a sigma of 3e-17."""
DEPTH = 16
"""An interval is not halved if it is shorter than this power of 1/2 of its start. The path is exact between times farther apart:
65,000 steps of one length reach no farther."""


class Interval(NamedTuple):
    """The times from `place` to `place` + 1, in units of 2^`level`."""

    place: int
    level: int

    @property
    def start(self) -> float:
        return math.ldexp(self.place, self.level)

    @property
    def end(self) -> float:
        return math.ldexp(self.place + 1, self.level)

    @property
    def halves(self) -> "tuple[Interval, Interval]":
        return Interval(2 * self.place, self.level - 1), Interval(2 * self.place + 1, self.level - 1)

    @property
    def is_leaf(self) -> bool:
        """Whether it is not halved."""
        return self.place >= 2**DEPTH or (not self.place and self.level <= LOWEST)

    @property
    def number(self) -> int:
        """Another one for each interval, below 2^25."""
        if self.level >= -64:
            return self.place * 128 + self.level + 64
        return 2**24 + self.place * 64 - 65 - self.level


WHOLE = Interval(0, HIGHEST)


@record
class Piece:
    """What is known of the path over a length of time.

    Attributes:
        values: (2, N, *shape), its increment and its area.
    """

    length: float
    values: Tensor

    def then(self, other: "Piece") -> "Piece":
        """Both together, the other after this one."""
        one, two = self.length, other.length
        h = one + two
        rows: list[list[float]] = [[1, 0, 1, 0], [two / (2 * h), one / h, -one / (2 * h), two / h]]
        return Piece(h, _combined(rows, self.values, other.values))

    def without(self, first: "Piece") -> "Piece":
        """What follows its first part."""
        h, gone = self.length, first.length
        rest = h - gone
        rows: list[list[float]] = [[1, 0, -1, 0], [gone / (2 * rest), h / rest, -h / (2 * rest), -gone / rest]]
        return Piece(rest, _combined(rows, self.values, first.values))

    def halves(self, generator: torch.Generator) -> "tuple[Piece, Piece]":
        """Draw its halves."""
        above, apart = math.sqrt(self.length / 16), math.sqrt(self.length / 48)
        rows = [
            [1 / 2, 3 / 2, above, 0],
            [0, 1 / 4, -above / 2, apart],
            [1 / 2, -3 / 2, -above, 0],
            [0, 1 / 4, -above / 2, -apart],
        ]
        found = _combined(rows, self.values, _normal(2, self.values[0], generator))
        return Piece(self.length / 2, found[:2]), Piece(self.length / 2, found[2:])

    def first(self, length: float, generator: torch.Generator) -> "Piece":
        """Draw its first part of a length."""
        h, rest = self.length, self.length - length
        above, area, other = math.sqrt(length * rest / h), math.sqrt(length / 12), math.sqrt(rest / 12)
        drawn = above / 2, length / h * area, rest / h * other  # of these the whole area would be the sum
        slopes = 6 * length * rest / h**2, (length / h) ** 2  # of m and a_1 against it
        rows = [
            [length / h, slopes[0], *(-slopes[0] * one for one in drawn)],
            [0, slopes[1], *(-slopes[1] * one for one in drawn)],
        ]
        rows[0][2] += above
        rows[1][3] += area
        return Piece(length, _combined(rows, self.values, _normal(3, self.values[0], generator)))


def _combined(rows: list[list[float]], *values: Tensor) -> Tensor:
    """A matrix times the values in a column."""
    column = torch.cat(values)
    found: Tensor = torch.tensordot(column.new_tensor(rows), column, dims=1)
    return found


def _normal(count: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers, so many for each of `like`."""
    numbers = torch.randn((count, *like.shape), generator=generator, device=generator.device, dtype=like.dtype)
    return numbers.to(like.device)


class BrownianPath:
    """A Brownian path for every coordinate of every particle, from time 0 on.

    Args:
        seed: the seed of the path.
        device: the device on which it is drawn.

    >>> path = BrownianPath(seed=0)
    >>> like = torch.zeros(3, 2, dtype=torch.float64)
    >>> whole = path.increment(like, 0.0, 2.0)
    >>> bool(torch.allclose(whole, path.increment(like, 0.0, 0.3) + path.increment(like, 0.3, 2.0)))
    True
    """

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self._seed, self._device = seed, torch.device(device)
        self._known: dict[Interval, Piece] = {}  # near the step that was asked for last

    def over(self, start: float, end: float) -> "StepNoise":
        """The noise of a step from one time to another, up or down."""
        return StepNoise(self, start, end)

    def increment(self, like: Tensor, start: float, end: float) -> Tensor:
        """The path's increment between two times in either order, with the shape, dtype and device of `like`.

        Raises:
            ValueError: a time is not between 0 and 2^64, or the two are equal.
        """
        return sum((piece.values[0] for piece in self._pieces(like, start, end)), torch.zeros_like(like))

    def area(self, like: Tensor, start: float, end: float) -> Tensor:
        """The space-time Levy area of a step from `start` to `end`. It changes its sign if the two are swapped.

        Raises:
            ValueError: see :meth:`increment`.
        """
        whole = reduce(Piece.then, self._pieces(like, start, end))
        return whole.values[1] * math.copysign(1.0, end - start)

    def others(self, start: float, end: float) -> torch.Generator:
        """A generator for the other random numbers of a step, independent of the path."""
        return self._generator(hash((start, end)))

    def _pieces(self, like: Tensor, start: float, end: float) -> list[Piece]:
        """The path between two times, in pieces from the lower to the higher."""
        low, high = sorted((start, end))
        if not 0 <= low < high <= WHOLE.end:
            raise ValueError(f"A step on a path has two times between 0 and 2^{HIGHEST}, not {start!r} and {end!r}.")
        if WHOLE not in self._known or not _are_alike(self._known[WHOLE].values[0], like):
            scales = [[math.sqrt(WHOLE.end), 0], [0, math.sqrt(WHOLE.end / 12)]]
            self._known = {WHOLE: Piece(WHOLE.end, _combined(scales, _normal(2, like, self._generator(0))))}
        found: list[Piece] = []
        highest = Interval(0, max(math.frexp(high)[1], LOWEST))
        self._collect(highest if highest in self._known else WHOLE, low, high, found)
        low, high = 2 * low - high, 2 * high - low  # where the next step is
        self._known = {one: piece for one, piece in self._known.items() if one.start <= high and low <= one.end}
        return found

    def _collect(self, interval: Interval, low: float, high: float, found: list[Piece]) -> None:
        """Add the pieces between two times of an interval that is known."""
        if (low, high) == (interval.start, interval.end):
            found.append(self._known[interval])
            return
        if interval.is_leaf:
            until = self._known[interval] if high == interval.end else self._until(interval, high)
            found.append(until if low == interval.start else until.without(self._until(interval, low)))
            return
        first, last = interval.halves
        middle = last.start
        if (low < middle and first not in self._known) or (high > middle and last not in self._known):
            halves = self._known[interval].halves(self._generator(2 * interval.number))
            self._known[first], self._known[last] = halves
        if low < middle:
            self._collect(first, low, min(middle, high), found)
        if high > middle:
            self._collect(last, max(low, middle), high, found)

    def _until(self, leaf: Interval, time: float) -> Piece:
        """The part of a leaf before a time in it, by random numbers that do not depend on the time."""
        return self._known[leaf].first(time - leaf.start, self._generator(2 * leaf.number + 1))

    def _generator(self, number: int) -> torch.Generator:
        return torch.Generator(self._device).manual_seed((self._seed + number * PRIME) % 2**32)


def _are_alike(one: Tensor, other: Tensor) -> bool:
    return (one.shape, one.dtype, one.device) == (other.shape, other.dtype, other.device)


class StepNoise:
    """The noise of one step along a path, used in place of a generator.

    Args:
        path: the path.
        start, end: the step's two times.
    """

    def __init__(self, path: BrownianPath, start: float, end: float) -> None:
        self._path, self._ends = path, (start, end)

    def normal(self, like: Tensor) -> Tensor:
        """Standard normal numbers: the path's increment over the square root of the step's length."""
        return self._path.increment(like, *self._ends) / math.sqrt(self._length)

    def area(self, like: Tensor) -> Tensor:
        """Standard normal numbers, independent of those of the increment: the step's space-time Levy area over its deviation."""
        return self._path.area(like, *self._ends) / math.sqrt(self._length / 12)

    @property
    def others(self) -> torch.Generator:
        """A generator for the other random numbers of the step, independent of the path."""
        return self._path.others(*self._ends)

    @property
    def _length(self) -> float:
        return abs(self._ends[1] - self._ends[0])


Randomness = torch.Generator | BrownianPath
"""The source of a run's random numbers."""
StepRandomness = torch.Generator | StepNoise
"""The source of a step's random numbers."""


def over(source: Randomness, start: float, end: float) -> StepRandomness:
    """The source of random numbers for a step from `start` to `end`."""
    return source.over(start, end) if isinstance(source, BrownianPath) else source


def others(source: StepRandomness) -> torch.Generator:
    """A generator for random numbers that do not belong to the path: correctors, and acceptance of steps."""
    return source.others if isinstance(source, StepNoise) else source
