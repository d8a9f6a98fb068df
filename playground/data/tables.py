"""A parser for two columns of numbers in text, in the formats that spreadsheets and scripts of many countries write."""

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from playground.data.dataset import Array, DataError
from playground.messages import how_many

_HEAD = 2**16  # bytes that are examined to tell text from other data
_BLOCK = 2**18  # characters parsed at a time
LABEL_NAMES = ("label", "class")  # of a column that holds the class of each row
LONGEST_LABEL = 200  # characters; a session keeps names of at most 255
_SEPARATOR = re.compile(r"sep=.?", re.IGNORECASE)  # a line above the header that tells Excel the separator
_LAYOUTS = [  # separator (None: blanks) and decimal mark, the most likely first
    ("\t", "."), (";", "."), (",", "."), (None, "."), ("\t", ","), (";", ","), (None, ","), (",", ","),
]  # fmt: skip


def decode(name: str, content: bytes) -> str:
    """The text of a file, with newlines as line ends, from any common encoding.

    Raises:
        DataError: the file is not text.
    """
    if content.startswith(b"PK\x03\x04"):
        raise DataError(f"{name} is a ZIP archive (NPZ or Excel): save its two columns as CSV or NPY.")
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = content.decode("utf-16")
        else:
            head = content[:_HEAD]
            if any(code < 32 and code not in b"\t\n\r\f" for code in head):
                raise DataError(f"{name} is neither a table of text nor an NPY file.")
            try:
                text = content.decode("utf-8-sig")
            except UnicodeDecodeError:
                text = content.decode("latin-1")  # decodes every byte; headers may have Western accents
    except UnicodeDecodeError:
        raise DataError(f"{name} is neither a table of text nor an NPY file.") from None
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


class Table:
    """A text of two columns: its format, the names of its columns, and its numbers.

    Args:
        name: the file's name, for error messages.
        text: the text of the file.
        among: the names of the columns to take if there are more than two.

    Attributes:
        axes: the names of the columns, or None without a header.

    If `among` is None and the header has three names, one of them of LABEL_NAMES, the other two are taken.

    Raises:
        DataError: there is no line with data, or the first one does not have two columns.
    """

    def __init__(self, name: str, text: str, among: tuple[str, str] | None = None) -> None:
        self._labels = _LabelColumn.of(text) if among is None else None
        if self._labels is not None:
            among = self._labels.others
        self._name, self._among = name, among
        self._text = text = text if among is None else _narrowed(name, text, among)
        sample = list(itertools.islice(_content(text), 32))
        hint = sample[0][0] if sample and _SEPARATOR.fullmatch(sample[0][1]) else 0
        sample = [line for line in sample if line[0] > hint]
        if not sample:
            raise DataError(f"{name} has no rows: it needs two columns of numbers.")
        self._separator, self._decimal = _layout([line for _, line in sample])
        number, first = sample[0]
        cells = _cells(first, self._separator)
        header = all(_number(cell, self._decimal) is None and _number(cell, ",") is None for cell in cells)
        self._skipped = number if header else hint
        self.axes: tuple[str, str] | None = None
        if header and len(cells) == 2 and any(cells):
            self.axes = (cells[0][:40] or "x", cells[1][:40] or "y")
        # Names with blanks, separated by blanks, are ambiguous, so they are ignored.
        if len(cells) != 2 and not (header and self._separator is None and len(sample) > 1):
            raise self._columns(number, len(cells))
        if header and len(sample) == 1:
            raise DataError(f"{name} has no rows below its header: it needs two columns of numbers.")

    def read(self) -> Array:
        """The numbers, (N, 2).

        Raises:
            DataError: a line does not have two cells, or a cell is not a number.
        """
        try:
            return self._read(self._decimal)
        except _NotANumber as error:
            # If a column begins with whole numbers, the first decimal comma may come far below.
            if "," not in error.cell or self._separator == "," or self._decimal == ",":
                raise
            try:
                return self._read(",")
            except DataError:
                raise error from None

    def labels(self) -> list[str] | None:
        """The label of each row, or None if no column has labels.

        Raises:
            DataError: a label is missing.
        """
        if self._labels is None:
            return None
        found = []
        for number, label in self._labels.cells():
            if number > self._skipped:
                if not label:
                    raise DataError(
                        f"{self._name}, line {number}: the label is missing; fill it in or remove the line."
                    )
                found.append(label)
        return found

    def line(self, row: int) -> int:
        """The line number, counted from 1, of a row of data, counted from 0."""
        return next(itertools.islice(self._rows(), row, None))[0]

    def _rows(self) -> Iterator[tuple[int, str]]:
        return ((number, line) for number, line in _content(self._text) if number > self._skipped)

    def _read(self, decimal: str) -> Array:
        """Read the numbers block by block. A block that numpy's parser cannot read is read again line by line."""
        parts = [np.empty((0, 2))]
        start, above = 0, 0
        while start < len(self._text):
            end = self._text.find("\n", start + _BLOCK) + 1 or len(self._text)
            block = self._text[start:end]
            # The first line of data determines the number of columns, so its block is read line by line.
            points = self._fast(block, decimal) if above >= self._skipped and start else None
            parts.append(self._slow(block, above, decimal, first=not start) if points is None else points)
            start, above = end, above + block.count("\n")
        return np.concatenate(parts)

    def _fast(self, block: str, decimal: str) -> Array | None:
        if decimal == ",":
            if self._separator == ",":
                return None
            block = block.replace(",", ".")
        lines = block.split("\n")
        if next(_content(block), None) is None:  # numpy would warn of an empty block
            return np.empty((0, 2))
        try:
            points: Array = np.loadtxt(lines, delimiter=self._separator, ndmin=2, dtype=np.float64)
        except ValueError:
            return None
        return points if points.shape[1] == 2 else None

    def _slow(self, block: str, above: int, decimal: str, first: bool) -> Array:
        points: list[tuple[float, float]] = []
        for number, line in _content(block, above):
            if number <= self._skipped:
                continue
            cells = _cells(line, self._separator)
            if len(cells) != 2:
                if first and not points:
                    raise self._columns(number, len(cells))
                count = how_many(len(cells), "cell")
                raise DataError(
                    f"{self._name}, line {number}: {count} where the lines before have 2; complete or remove the line."
                )
            x, y = (_number(cell, decimal) for cell in cells)
            if x is None or y is None:
                raise _NotANumber(self._name, number, cells[0] if x is None else cells[1])
            points.append((x, y))
        return np.array(points, dtype=np.float64).reshape(-1, 2)

    def _columns(self, number: int, count: int) -> DataError:
        if count == 1:
            way_out = "a second one is missing"
        elif self._among is None:
            way_out = "keep the two that are to be learned"
        else:
            x, y = self._among
            way_out = f"name two of them {x} and {y} in a header, as the model's axes are, or keep just these two"
        return DataError(
            f"{self._name}, line {number}: {how_many(count, 'column')}, but points of the plane have 2; {way_out}."
        )


@dataclass(frozen=True)
class _LabelColumn:
    """The column of labels in a table of three columns.

    Attributes:
        others: the names of the other two columns.
        place: the column's index.
        separator: between cells; None for blanks.
    """

    text: str
    others: tuple[str, str]
    place: int
    separator: str | None

    @classmethod
    def of(cls, text: str) -> "_LabelColumn | None":
        """The column of a text, or None if its header has none."""
        for separator, cells in _headers(text):
            places = [place for place, cell in enumerate(cells) if cell.casefold() in LABEL_NAMES]
            if len(cells) == 3 and len(places) == 1:
                x, y = (cell for place, cell in enumerate(cells) if place != places[0])
                return None if _number(x, ",") or _number(y, ",") else cls(text, (x, y), places[0], separator)
        return None

    def cells(self) -> Iterator[tuple[int, str]]:
        """Yield the number of each line of three cells, and its label on one line."""
        for number, line in _content(self.text):
            row = _all_cells(line, self.separator)
            if len(row) == 3:
                yield number, " ".join(row[self.place].split())[:LONGEST_LABEL]


class _NotANumber(DataError):
    def __init__(self, name: str, number: int, cell: str) -> None:
        self.cell = cell
        shown = cell if len(cell) <= 30 else cell[:27] + "..."
        shown = "".join(letter if letter.isprintable() else "?" for letter in shown)
        what = f'"{shown}" is not a number; correct it' if cell else "a cell is empty; fill in a number"
        super().__init__(f"{name}, line {number}: {what} or remove the line.")


def _narrowed(name: str, text: str, names: tuple[str, str]) -> str:
    """The text with only the columns of these names, on the same lines, separated by tabs.

    The text stays unchanged if its header does not have these names among others.

    Raises:
        DataError: a line does not have as many cells as the header.
    """
    fitting = [
        (separator, len(cells), order)
        for separator, cells in _headers(text)
        if len(cells) > 2 and (order := columns_named(names, cells)) is not None
    ]
    if not fitting:
        return text
    separator, width, order = fitting[0]
    kept = [""] * (text.count("\n") + 1)
    for number, line in _content(text):
        row = _all_cells(line, separator)
        if len(row) == width:
            kept[number - 1] = "\t".join(row[place] or '""' for place in order)
        elif separator is None:  # a name may contain blanks
            return text
        elif not _SEPARATOR.fullmatch(line):
            raise DataError(
                f"{name}, line {number}: {how_many(len(row), 'cell')} where the header has {width}; "
                "complete or remove the line."
            )
    return "\n".join(kept)


def _headers(text: str) -> Iterator[tuple[str | None, list[str]]]:
    """Yield each separator that the header may have, and the cells that it then has."""
    lines = (line for _, line in _content(text) if not _SEPARATOR.fullmatch(line))
    header = next(lines, "")
    for separator in ("\t", ";", ",", None):
        yield separator, [cell[:40] for cell in _cells(header, separator)]


def columns_named(names: Sequence[str], header: Sequence[str]) -> list[int] | None:
    """Return the indices of the columns with these names; None if one is missing or ambiguous.

    A name matches exactly, or else matches the only column that differs in case and surrounding blanks alone.
    """
    very: dict[str, int] = {}
    alike: dict[str, list[int]] = {}
    for place, name in enumerate(header):
        very.setdefault(name, place)
        alike.setdefault(name.strip().casefold(), []).append(place)
    found = [[very[name]] if name in very else alike.get(name.strip().casefold(), []) for name in names]
    places = [place for one in found if len(one) == 1 for place in one]
    return places if len(set(places)) == len(names) else None


def _content(text: str, above: int = 0) -> Iterator[tuple[int, str]]:
    """Yield the lines with content, without comments, and their numbers; `above` lines precede the text."""
    start, number = 0, above
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
    """The separator and decimal mark with which most lines are two numbers.

    If no line is two numbers, the separator is the first one that the last line contains.
    """

    def fits(layout: tuple[str | None, str]) -> int:
        separator, decimal = layout
        rows = [[_number(cell, decimal) for cell in _cells(line, separator)] for line in lines]
        return sum(len(row) == 2 and None not in row for row in rows)

    best = max(_LAYOUTS, key=fits)
    if fits(best):
        return best
    last = lines[-1]  # not the first, as a header often contains other marks
    return next((separator for separator in ("\t", ";", ",") if separator in last), None), "."


def _cells(line: str, separator: str | None) -> list[str]:
    """The cells of a line of two columns, without an empty third one after a trailing separator."""
    cells = _all_cells(line, separator)
    return cells[:2] if separator is not None and len(cells) == 3 and not cells[2] else cells


def _all_cells(line: str, separator: str | None) -> list[str]:
    """The cells of a line, without surrounding blanks and quotes."""
    if separator is None:
        return [cell.strip("\"'") for cell in line.split()]
    parts = (
        next(csv.reader([line], delimiter=separator, skipinitialspace=True)) if '"' in line else line.split(separator)
    )
    return [cell.strip().strip("\"'").strip() for cell in parts]


def _number(cell: str, decimal: str) -> float | None:
    """The number in a cell, or None."""
    if decimal == ",":
        if "." in cell or cell.count(",") > 1:
            return None
        cell = cell.replace(",", ".")
    if "_" in cell or not cell.isascii():  # float() would accept 1_000 and digits of any script
        return None
    try:
        return float(cell)
    except ValueError:
        return None
