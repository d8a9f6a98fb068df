"""Two columns of numbers out of text, as spreadsheets and scripts of many countries write it."""

import csv
import io
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from playground.data.dataset import Array, DataError

_SAMPLE = 2**16  # characters looked at to find out how a table is written
_LAYOUTS = [  # separator (None: blanks) and decimal mark, the likelier first
    ("\t", "."), (";", "."), (",", "."), (None, "."), ("\t", ","), (";", ","), (None, ","), (",", ","),
]  # fmt: skip


def decode(name: str, content: bytes) -> str:
    """The text of a file, its lines ending in a newline, whatever the editor that wrote it.

    Raises:
        DataError: the file is no text.
    """
    if content.startswith(b"PK\x03\x04"):
        raise DataError(f"{name} is a ZIP archive (NPZ or Excel): save its two columns as CSV or NPY.")
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = content.decode("utf-16")
        else:
            head = content[:_SAMPLE]
            if any(code < 32 and code not in b"\t\n\r\f" for code in head):
                raise DataError(f"{name} is neither a table of text nor an NPY file.")
            try:
                text = content.decode("utf-8-sig")
            except UnicodeDecodeError:
                text = content.decode("latin-1")  # every byte is a letter there; headers may hold Western accents
    except UnicodeDecodeError:
        raise DataError(f"{name} is neither a table of text nor an NPY file.") from None
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


class Table:
    """A text of two columns: how it is written, the names of its columns, and its numbers.

    Attributes:
        axes: names of the columns, from the header or "x", "y".

    Raises:
        DataError: there is no line with data, or the first one has not two columns.
    """

    def __init__(self, name: str, text: str) -> None:
        self._name, self._text = name, text
        sample = list(
            itertools.islice(_content(text[: text.rfind("\n", 0, _SAMPLE)] if len(text) > _SAMPLE else text), 31)
        )
        if not sample:
            sample = list(itertools.islice(_content(text), 1))
        if not sample:
            raise DataError(f"{name} has no rows: it needs two columns of numbers.")
        self._separator, self._decimal = _layout([line for _, line in sample])
        number, first = sample[0]
        cells = _cells(first, self._separator)
        header = all(_number(cell, self._decimal) is None and _number(cell, ",") is None for cell in cells)
        self._skipped = number if header else 0
        self.axes = ("x", "y")
        if header and len(cells) == 2:
            self.axes = (cells[0] or "x", cells[1] or "y")
        # Names that hold blanks, between columns of blanks, cannot be told apart: they are passed over.
        if len(cells) != 2 and not (header and self._separator is None and len(sample) > 1):
            raise self._columns(number, len(cells))
        if header and len(sample) == 1:
            raise DataError(f"{name} has no rows below its header: it needs two columns of numbers.")

    def read(self) -> Array:
        """The numbers, (N, 2).

        Raises:
            DataError: a line has not two cells, or a cell is not a number.
        """
        points = self._fast()
        if points is not None:
            return points
        try:
            return self._slow(self._decimal)
        except DataError:
            # A column of whole numbers may hide until far below that the decimal mark is a comma.
            if self._separator != "," and self._decimal == ".":
                try:
                    return self._slow(",")
                except DataError:
                    pass
            raise

    def line(self, row: int) -> int:
        """The line, counted from 1, on which a row of data, counted from 0, stands."""
        return next(itertools.islice(self._rows(), row, None))[0]

    def _rows(self) -> Iterator[tuple[int, str]]:
        return ((number, line) for number, line in _content(self._text) if number > self._skipped)

    def _fast(self) -> Array | None:
        """The numbers by numpy's own parser, or None where it stumbles."""
        text = self._text
        if self._decimal == ",":
            if self._separator == ",":
                return None
            text = text.replace(",", ".")
        try:
            points: Array = np.loadtxt(
                io.StringIO(text), delimiter=self._separator, skiprows=self._skipped, ndmin=2, dtype=np.float64
            )
        except ValueError:
            return None
        return points if points.shape[1] == 2 else None

    def _slow(self, decimal: str) -> Array:
        points: list[tuple[float, float]] = []
        for number, line in self._rows():
            cells = _cells(line, self._separator)
            if len(cells) != 2:
                if not points:
                    raise self._columns(number, len(cells))
                count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
                raise DataError(
                    f"{self._name}, line {number}: {count} where the lines before have 2; complete or remove the line."
                )
            x, y = (_number(cell, decimal) for cell in cells)
            if x is None or y is None:
                raise self._not_a_number(number, cells[0] if x is None else cells[1])
            points.append((x, y))
        return np.array(points, dtype=np.float64).reshape(-1, 2)

    def _columns(self, number: int, count: int) -> DataError:
        columns = "1 column" if count == 1 else f"{count} columns"
        way_out = "a second one is missing" if count == 1 else "keep the two that are to be learned"
        return DataError(f"{self._name}, line {number}: {columns}, but points of the plane have 2; {way_out}.")

    def _not_a_number(self, number: int, cell: str) -> DataError:
        if not cell:
            return DataError(f"{self._name}, line {number}: a cell is empty; fill in a number or remove the line.")
        shown = cell if len(cell) <= 30 else cell[:27] + "..."
        shown = "".join(letter if letter.isprintable() else "?" for letter in shown)
        return DataError(f'{self._name}, line {number}: "{shown}" is not a number; correct it or remove the line.')


def _content(text: str) -> Iterator[tuple[int, str]]:
    """Lines that say something, with their numbers from 1, without comments."""
    start, number = 0, 0
    while start <= len(text):
        end = text.find("\n", start)
        if end < 0:
            end = len(text)
        number += 1
        line = text[start:end].partition("#")[0].strip(" \r\f\v")
        if line.strip() and not line.lstrip().startswith(("%", "//")):
            yield number, line
        start = end + 1


def _layout(lines: Sequence[str]) -> tuple[str | None, str]:
    """The separator and decimal mark by which most lines are two numbers; by presence where none is."""

    def fits(layout: tuple[str | None, str]) -> int:
        separator, decimal = layout
        rows = [[_number(cell, decimal) for cell in _cells(line, separator)] for line in lines]
        return sum(len(row) == 2 and None not in row for row in rows)

    best = max(_LAYOUTS, key=fits)
    if fits(best):
        return best
    last = lines[-1]  # a header is more likely to hold other marks
    return next((separator for separator in ("\t", ";", ",") if separator in last), None), "."


def _cells(line: str, separator: str | None) -> list[str]:
    """The cells of a line, without blanks and quotes around them; an empty third one, after a last separator, is dropped."""
    if separator is None:
        return [cell.strip("\"'") for cell in line.split()]
    parts = (
        next(csv.reader([line], delimiter=separator, skipinitialspace=True)) if '"' in line else line.split(separator)
    )
    cells = [cell.strip().strip("\"'").strip() for cell in parts]
    return cells[:2] if len(cells) == 3 and not cells[2] else cells


def _number(cell: str, decimal: str) -> float | None:
    """The number that a cell holds, or None."""
    if decimal == ",":
        if "." in cell or cell.count(",") > 1:
            return None
        cell = cell.replace(",", ".")
    if "_" in cell or not cell.isascii():  # float() takes 1_000 and digits of every script; no other program does
        return None
    try:
        return float(cell)
    except ValueError:
        return None
