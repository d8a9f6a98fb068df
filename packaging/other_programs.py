"""How much of the machine other programs had meanwhile: what they take says nothing of the one under test. Only Linux tells."""

import os
import time
from dataclasses import dataclass
from pathlib import Path


def waited_for_others(process: Path) -> float:
    """Seconds in which a process's main thread could have run, but other programs had the processors.

    While it waited, threads of its own may have been what it waited for: as long as these ran is not counted.

    Args:
        process: its folder in /proc; where there is none, the answer is 0.
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
    """Seconds on the wall, of work of all processors, and of work of this test's own programs that have ended."""

    wall: float
    work: float
    own: float

    @classmethod
    def now(cls) -> "Clock | None":
        """None where the system does not tell."""
        try:
            numbers = Path("/proc/stat").read_text().split()[1:9]
        except OSError:
            return None
        work = sum(map(int, numbers)) - int(numbers[3]) - int(numbers[4])  # without idling and waiting for a disk
        own = os.times()
        return cls(time.monotonic(), work / os.sysconf("SC_CLK_TCK"), own.children_user + own.children_system)


def others_were_busy(before: Clock | None, after: Clock | None) -> bool:
    """Whether other programs had more than half of the processors; then only work can be judged, not time."""
    if before is None or after is None:
        return False
    others = after.work - before.work - (after.own - before.own)
    return others > (os.cpu_count() or 1) / 2 * (after.wall - before.wall)
