"""Measures several pieces of work in turns in one process, so that other programs disturb all of them equally.

In each round, the peer's time is divided by the program's time. The medians of these ratios are reported, for wall-clock time
and for processor time, which other programs disturb less.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import threadpoolctl
import torch

Work = Callable[[], int]
"""Does some of the work and returns the number of units (steps, points) done."""


@dataclass(frozen=True)
class Times:
    """Seconds per unit, one number for each round.

    Attributes:
        clock, core: wall-clock time, and processor time of all threads.
    """

    clock: list[float]
    core: list[float]


@dataclass(frozen=True)
class Row:
    """One line of the table: the program's time per unit, and a peer's time as a multiple of it."""

    work: str
    peer: str
    own: float
    clock: float
    core: float
    asked: float | None = None
    remark: str = ""


def in_turns(works: dict[str, Work], rounds: int = 7, seconds: float = 0.5) -> dict[str, Times]:
    """Seconds per unit of each piece of work, each done for at least `seconds` in a round."""
    found = {name: Times([], []) for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            units, begun, core = 0, time.perf_counter(), time.process_time()
            while not units or time.perf_counter() - begun < seconds:
                units += work()
            found[name].clock.append((time.perf_counter() - begun) / units)
            found[name].core.append((time.process_time() - core) / units)
    return found


def rows(work: str, found: dict[str, Times], asked: dict[str, float], remark: str = "") -> Iterable[Row]:
    """The lines of the table. The first work is the program's; `asked` is the required ratio for each peer."""
    own, *peers = found
    mine = found[own]
    for peer in peers:
        other = found[peer]
        yield Row(
            work,
            peer,
            statistics.median(mine.core),
            statistics.median(b / a for a, b in zip(mine.clock, other.clock, strict=True)),
            statistics.median(b / a for a, b in zip(mine.core, other.core, strict=True)),
            asked.get(peer),
            remark,
        )


def keep_to(threads: int) -> None:
    """Limit the process to so many cores, and torch and the thread pools of the peers' linear algebra to as many threads."""
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(threads)
    threadpoolctl.threadpool_limits(threads, user_api="blas")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def machine() -> str:
    """What this is measured on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = f"{len(names)} x {names[0]}" if names else model
    return f"{model}, {platform.system()}, torch {torch.__version__}, {torch.get_num_threads()} thread(s)"


def table(found: Iterable[Row], markdown: bool) -> None:
    """Print the rows as they come."""
    print(machine(), end="\n\n", flush=True)
    line = (
        "| {:44} | {:34} | {:>12} | {:>10} | {:>10} | {:>5} | {:30} |"
        if markdown
        else "{:44} {:34} {:>12} {:>10} {:>10} {:>5}  {:30}"
    )
    print(line.format("work", "peer", "own ms a unit", "clock", "core", "asked", ""))
    if markdown:
        print("|---|---|--:|--:|--:|--:|---|")
    for row in found:
        asked = "" if row.asked is None else f"{row.asked:.1f}"
        print(
            line.format(
                row.work, row.peer, f"{1e3 * row.own:.3g}", f"{row.clock:.2f}", f"{row.core:.2f}", asked, row.remark
            ),
            flush=True,
        )
