r"""One Brownian path for several runs, so that they differ only in their steps.

A path is cut into pieces at the times of all runs that share it. The pieces have independent increments, and a coarse step's
increment is the sum of its pieces' increments:

.. math:: W(t) - W(s) = \sum_i \Delta W_i, \qquad \Delta W_i \sim N(0, h_i)

Each piece also has a space-time Levy area a = \int (1/2 - (u - s)/h) dW of variance h/12, which measures how far the path lay
above its chord. The area of a coarse step follows exactly from its pieces. Let b_i be the path at the start of piece i, minus
the path at the step's start s. Then int (W(u) - W(s)) du = sum h_i (b_i + \Delta W_i/2 + a_i).
"""

import math
from bisect import bisect_left
from collections.abc import Iterable

import torch
from torch import Tensor

PRIME = 0x9E3779B1  # odd, so that no two of 2^32 pieces have one seed


class BrownianPath:
    """A Brownian path for every coordinate of every particle. It is drawn again at each call, and never held in memory.

    Args:
        times: the times of all runs that share the path, in any order. Increments exist only between two of these.
        seed: the seed of the path.
        device: the device on which it is drawn.

    >>> path = BrownianPath([0.0, 0.5, 2.0], seed=0)
    >>> like = torch.zeros(3, 2)
    >>> whole = path.increment(like, 0.0, 2.0)
    >>> bool(torch.equal(whole, path.increment(like, 0.0, 0.5) + path.increment(like, 0.5, 2.0)))
    True
    """

    def __init__(self, times: Iterable[float], seed: int, device: torch.device | str = "cpu") -> None:
        self._times, self._seed, self._device = sorted(set(times)), seed, torch.device(device)

    def over(self, start: float, end: float) -> "StepNoise":
        """The noise of a step from one time of the path to another, up or down."""
        return StepNoise(self, start, end)

    def increment(self, like: Tensor, start: float, end: float) -> Tensor:
        """The path's increment between two times in either order, with the shape, dtype and device of `like`.

        Raises:
            ValueError: a time is not one of the path's, or the two are equal.
        """
        total = torch.zeros_like(like)
        for piece in self._pieces(start, end):
            (drawn,) = self._draw(piece, like, 1)
            total += self._length(piece) ** 0.5 * drawn
        return total

    def area(self, like: Tensor, start: float, end: float) -> Tensor:
        """The space-time Levy area of a step from `start` to `end`. It changes its sign if the two are swapped.

        Raises:
            ValueError: see :meth:`increment`.
        """
        above, integral, length = torch.zeros_like(like), torch.zeros_like(like), 0.0
        for piece in self._pieces(start, end):
            h = self._length(piece)
            increment, area = self._draw(piece, like, 2)
            integral += h * (above + h**0.5 / 2 * increment + (h / 12) ** 0.5 * area)
            above += h**0.5 * increment
            length += h
        return (integral / length - above / 2) * math.copysign(1.0, end - start)

    def others(self, start: float, end: float) -> torch.Generator:
        """A generator for the other random numbers of a step, independent of the path."""
        return self._generator(len(self._times) + self._pieces(start, end).start)

    def _pieces(self, start: float, end: float) -> range:
        places = [bisect_left(self._times, time) for time in sorted((start, end))]
        if start == end or [self._times[place : place + 1] for place in places] != [
            [time] for time in sorted((start, end))
        ]:
            raise ValueError(
                f"The path is cut at {len(self._times)} times, and {start!r} and {end!r} are no two of them."
            )
        return range(*places)

    def _length(self, piece: int) -> float:
        return self._times[piece + 1] - self._times[piece]

    def _draw(self, piece: int, like: Tensor, count: int) -> list[Tensor]:
        """Standard normal numbers for a piece's increment and, if `count` is 2, for its area."""
        generator = self._generator(piece)
        drawn = (
            torch.randn(like.shape, generator=generator, device=self._device, dtype=like.dtype) for _ in range(count)
        )
        return [numbers.to(like.device) for numbers in drawn]

    def _generator(self, number: int) -> torch.Generator:
        return torch.Generator(self._device).manual_seed((self._seed + number * PRIME) % 2**32)


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

    @property
    def area(self) -> "StepArea":
        """The step's space-time Levy area as a source of normal numbers, independent of its increment."""
        return StepArea(self._path, *self._ends)

    @property
    def others(self) -> torch.Generator:
        """A generator for the other random numbers of the step, independent of the path."""
        return self._path.others(*self._ends)

    @property
    def _length(self) -> float:
        return abs(self._ends[1] - self._ends[0])


class StepArea(StepNoise):
    """The space-time Levy area of a step along a path."""

    def normal(self, like: Tensor) -> Tensor:
        return self._path.area(like, *self._ends) / math.sqrt(self._length / 12)


Randomness = torch.Generator | BrownianPath
"""The source of a run's random numbers."""
StepRandomness = torch.Generator | StepNoise
"""The source of a step's random numbers."""


def over(source: Randomness, start: float, end: float) -> StepRandomness:
    """The source of random numbers for a step from `start` to `end`."""
    return source.over(start, end) if isinstance(source, BrownianPath) else source


def area(source: StepRandomness) -> StepRandomness:
    """The source of a step's Levy area."""
    return source.area if isinstance(source, StepNoise) else source


def others(source: StepRandomness) -> torch.Generator:
    """A generator for random numbers that do not belong to the path: correctors, and acceptance of steps."""
    return source.others if isinstance(source, StepNoise) else source
