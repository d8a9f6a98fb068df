"""Tables as CSV. Every table of the program is written here, so that no cell of any is a formula."""

import csv
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from playground.lab.atomic import atomic_write
from playground.lab.table_cells import cell


def write_rows(file: TextIO, rows: Iterable[Iterable[object]], separator: str = ",") -> None:
    """Write rows, a header among them, each value as :func:`playground.lab.table_cells.cell` writes it.

    Numbers have the fewest digits from which they are read back exactly.
    """
    csv.writer(file, delimiter=separator, lineterminator="\n").writerows(map(cell, row) for row in rows)


def write_csv(path: Path, header: Sequence[object], rows: Iterable[Iterable[object]]) -> None:
    """Write a table to a file, atomically; see :func:`write_rows`."""
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        write_rows(file, itertools.chain([header], rows))
