"""Tables as CSV."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from playground.lab.atomic import atomic_write


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Iterable[float | np.floating | str]]) -> None:
    """Write a table atomically; numbers have the fewest digits from which they are read back exactly."""
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(map(str, row) for row in rows)
