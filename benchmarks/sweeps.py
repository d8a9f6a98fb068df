"""Cells of a sweep a minute against the number of processes, in turns, so that other programs disturb all of them equally.

    python benchmarks/sweeps.py [--workers 1 2] [--rounds 3] [--cells 24]

The cells follow the exact score, so that each takes about the same time. The clock starts when a process of each worker has
finished its first cell: before that, each loads torch and measures the floor.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from playground.lab import sweep as sweeps
from playground.lab.experiment import Experiment, replace

SETTINGS = {"data.kind": "two-moons", "sampling.source": "exact", "sampling.particles": 200, "sampling.steps": 20}


def cells_a_minute(workers: int, cells: int) -> float:
    """Cells that are finished in a minute, once every process has started."""
    base = replace(Experiment(), SETTINGS)
    settings = sweeps.Cell(0, {}, base).settings
    factors = [1 + 0.001 * number for number in range(cells + workers)]
    sweep, every = sweeps.settled(sweeps.Sweep({"sampling.score_factor": factors}, experiment=settings))
    times: list[float] = []
    with tempfile.TemporaryDirectory() as folder, sweeps.processes(workers) as chosen:
        for progress in sweeps.run(sweep, every, Path(folder), chosen, "cpu"):
            times += [time.monotonic()] * len(progress.finished)
    return 60 * cells / (times[-1] - times[workers - 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cells", type=int, default=24)
    given = parser.parse_args()
    found: dict[int, list[float]] = {workers: [] for workers in given.workers}
    for _ in range(given.rounds):
        for workers in given.workers:
            found[workers].append(cells_a_minute(workers, given.cells))
            print(f"{workers} processes: {found[workers][-1]:.1f} cells a minute", flush=True)
    first = found[given.workers[0]]
    print("\n| processes | cells a minute, median | lowest, highest | times the first, median of the rounds |")
    print("|---|---|---|---|")
    for workers, rates in found.items():
        ratio = statistics.median(rate / one for rate, one in zip(rates, first, strict=True))
        print(f"| {workers} | {statistics.median(rates):.0f} | {min(rates):.0f}, {max(rates):.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
