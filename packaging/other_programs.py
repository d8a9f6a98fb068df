"""The time that other programs took on this machine during a test, so that it does not count. Only Linux reports it."""

import os
import time
from dataclasses import dataclass
from pathlib import Path


def waited_for_others(process: Path) -> float:
    """Seconds in which a process's main thread was ready to run while other programs had the processors.

    The time in which other threads of the process ran does not count, since it may have waited for them.

    Args:
        process: its folder in /proc; if there is none, the result is 0.
    """
    try:
        ran, waited = (int(number) / 1e9 for number in (process / "schedstat").read_text().split()[:2])
        ticks = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
    except (OSError, ValueError):
        return 0.0
    threads = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK") - ran
    return max(0.0, waited - max(0.0, threads))


@dataclass(frozen=True)
class Clock:
    """Wall-clock time, work of all processors, and work of this test's programs that have ended, in seconds."""

    wall: float
    work: float
    own: float

    @classmethod
    def now(cls) -> "Clock | None":
        """Read the clock; None if the system does not report it."""
        try:
            numbers = Path("/proc/stat").read_text().split()[1:9]
        except OSError:
            return None
        work = sum(map(int, numbers)) - int(numbers[3]) - int(numbers[4])  # without idle time and waiting for a disk
        own = os.times()
        return cls(time.monotonic(), work / os.sysconf("SC_CLK_TCK"), own.children_user + own.children_system)


def others_were_busy(before: Clock | None, after: Clock | None) -> bool:
    """Whether other programs had more than half of the processors; then only work can be compared, not time."""
    if before is None or after is None:
        return False
    others = after.work - before.work - (after.own - before.own)
    return others > (os.cpu_count() or 1) / 2 * (after.wall - before.wall)
