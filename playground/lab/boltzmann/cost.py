"""The cost of Z on this machine: seconds of one core against the number of units."""

import functools
import time
from collections.abc import Callable, Generator

import numpy as np
import torch
from numpy.typing import NDArray

from playground.lab.claims import one_thread
from playground.records import record
from playground.theory.boltzmann import enumerated, log_weight

FEWEST, MOST = 2, 20  # units measured
ROUNDS = 3
"""Times that the numbers of units are measured one after the other. Other work that slows some of them down for seconds is
found in no round, or in one."""
LEAST_TIME, LEAST_CALLS = 0.007, 3  # least seconds and calls for which each number of units is timed in a round
DIGIT = 64  # units of a picture of 8 x 8 pixels
YEAR = 365.25 * 86_400  # s
GROWN = 4.0  # multiple of the least time from which on the states take the time, not the calls

Array = NDArray[np.float64]


@record
class Cost:
    """The times measured so far.

    Attributes:
        units: (M,) numbers of units, ascending.
        partition: (M,) seconds for log Z and its gradient, the least of several times.
        weight: (M,) seconds for y'Wy/2 of one state, which needs no Z.
        fraction: fraction of the measurement that is done.
    """

    units: NDArray[np.int64]
    partition: Array
    weight: Array
    fraction: float

    def growth(self) -> tuple[float, float] | None:
        """The factor by which each further unit lengthens the time, and the seconds per state.

        Both are of the largest numbers of units: those from which on Z takes at least 4 times the least time. None if
        these are fewer than three or their times do not grow.

        The factor is the slope of the line through the logarithms. Other work on the machine disturbs it: it may come
        out as 1.7 or 2.4. The seconds per state are the least of these numbers of units, since other work only adds
        to the time.
        """
        small = np.flatnonzero(self.partition < GROWN * self.partition.min())
        grown = slice(int(small[-1]) + 1, None)
        if len(self.units[grown]) < 3:
            return None
        slope, _ = np.polyfit(self.units[grown], np.log2(self.partition[grown]), 1)
        quickest = (self.partition[grown] / 2.0 ** self.units[grown]).min()
        return (float(2**slope), float(quickest)) if slope > 0 else None

    def years(self) -> float | None:
        """Years that Z of an 8 x 8 digit would take, at 2^64 states and the measured seconds per state.

        The measured factor is not used: an error of a tenth in it would become a factor of 80 at 64 units.
        """
        growth = self.growth()
        return None if growth is None else growth[1] * 2.0**DIGIT / YEAR

    def words(self, number: Callable[[float], str]) -> str:
        """The time of Z, its growth, and its consequence for an image.

        Args:
            number: writes a number.
        """
        growth, years = self.growth(), self.years()
        if growth is None or years is None:
            return f"Z of {self.units[-1]} units takes {number(1e3 * float(self.partition[-1]))} ms."
        return (
            f"Each further unit takes {growth[0]:.2f} times as long. Doubling as the states do, Z of an 8×8 digit would take "
            f"{number(float(f'{years:.1e}'))} years, at every step."
        )


def measure_cost(fewest: int = FEWEST, most: int = MOST) -> Generator[Cost, None, None]:
    """Time log Z and its gradient for every number of units in turn, in several rounds; stop iterating to cancel.

    It runs on one thread and measures that thread's own time, so that other work does not count.
    """
    with one_thread():
        units = np.arange(fewest, most + 1)
        partition, weight = np.full((2, len(units)), np.inf)
        generator = torch.Generator().manual_seed(0)
        for turn, (place, count) in enumerate(ROUNDS * list(enumerate(units.tolist())), start=1):
            weights = torch.randn(count, count, generator=generator, dtype=torch.float64) / count
            weights = weights + weights.T
            state = torch.ones(1, count, dtype=torch.float64)
            partition[place] = min(partition[place], _least(functools.partial(enumerated, weights)))
            weight[place] = min(weight[place], _least(functools.partial(log_weight, weights, state)))
            known = min(turn, len(units))
            yield Cost(units[:known], partition[:known].copy(), weight[:known].copy(), turn / (ROUNDS * len(units)))


# If the thread's clock is too coarse, as on Windows (16 ms), the wall clock is used.
_clock = time.thread_time if time.get_clock_info("thread_time").resolution < 1e-5 else time.perf_counter


def _least(work: Callable[[], object]) -> float:
    """Seconds of the quickest of several calls. Calls during which the clock does not advance are not counted."""
    times: list[float] = []
    while len(times) < LEAST_CALLS or sum(times) < LEAST_TIME:
        begun = _clock()
        work()
        spent = _clock() - begun
        if spent > 0:
            times.append(spent)
    return min(times)
