"""Points from a file with two columns: CSV, TSV, columns separated by blanks, or NPY.

A table may have a third column with the class of each row, which its header calls label or class.

A table is first read by the fast parser. A block that it cannot parse is read again line by line. That either succeeds (unusual
comments, quotes, decimal commas) or names the wrong line.
"""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from playground.data import repeats
from playground.data.dataset import Array, DataError, Dataset, DatasetRequest, class_numbers, held_out_count
from playground.data.npy import open_npy
from playground.data.tables import Table, decode
from playground.messages import Message, how_many, joined, to_set

LEAST_ROWS = 50
MOST_ROWS = 5_000_000  # 80 MB as float64; ten seconds of reading at most
MOST_BYTES = 2**30
LARGEST = 1e12  # largest coordinate, so that noise levels up to 1e15 exceed all gaps
NARROWEST = 1e-12  # least standard deviation of an axis, so that noise levels from 1e-15 are finer
MOST_CLASSES = 1_000  # of the labels of a file: sampling.label goes to 999
RESOLVED = 1e-9  # least range of an axis, relative to its largest coordinate; a smaller one has fewer than seven digits


def load_file(request: DatasetRequest) -> Dataset:
    """The points of a file. A random fifth is held out, or as many as are wanted if that is less.

    Equal rows stay on one side of the split, so that training does not see held-out points. In discrete data many rows are equal,
    and each value is a part of the distribution. There rows are held out one by one; else training would never see some values.

    Raises:
        DataError: see :func:`read_points`; or there are too few different points.
    """
    points, axes, column = read_points(request.path)
    name = Path(request.path).name
    labels, class_names = (None, ()) if column is None else numbered(name, column)
    return _split_rows(name, points, axes, labels, class_names, request)


def load_array(array: NDArray[np.generic], labels: NDArray[np.generic] | None, request: DatasetRequest) -> Dataset:
    """The points of an array, split as those of a file.

    Args:
        array: (N, 2) real numbers.
        labels: the class of each row, (N,) numbers or texts; or None.

    Raises:
        DataError: the array has another shape, holds other values, or is too small; or the labels do not fit it.
    """
    name, axes = request.path, ("x", "y")
    points = _points(Path(name), array, "give real numbers of shape (N, 2)", "points[::10]")
    _check_learnable(name, points, axes)
    return _split_rows(name, points, axes, *classes_of_array(name, len(points), labels), request)


def classes_of_array(
    name: str, count: int, labels: NDArray[np.generic] | None
) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """The classes of `count` points, (N,), and their names, as :func:`numbered` gives them; None and no names without labels.

    Raises:
        DataError: the labels are not as many whole numbers or texts, or there are too many classes.
    """
    if labels is None:
        return None, ()
    if labels.shape != (count,) or labels.dtype.kind not in "biuU":
        raise DataError(f"The labels of {count} points are as many whole numbers or texts, in an array ({count},).")
    return numbered(name, [str(label) for label in labels.tolist()])


def _split_rows(
    name: str,
    points: Array,
    axes: tuple[str, str],
    labels: NDArray[np.int64] | None,
    class_names: tuple[str, ...],
    request: DatasetRequest,
) -> Dataset:
    """The data set of points (N, 2) and their classes (N,), of which a part is held out as :func:`load_file` says.

    Raises:
        DataError: there are too few different points.
    """
    group, different = repeats.equal_rows(points)
    if different < repeats.LEAST_DIFFERENT:
        raise DataError(
            f"{name} has only {different} different points in {len(points)} rows: at least {repeats.LEAST_DIFFERENT} are needed."
        )
    count, many = held_out_count(len(points), request.held_out), repeats.notable(len(points) - different, len(points))
    by_row = request.split == "rows" or (request.split == "auto" and many)
    held_out = _held_out(np.arange(len(points)) if by_row else group, count, request.seed)
    note = repeats.note(len(points), different, "rows", grouped=not by_row)
    return Dataset(
        name=name,
        points=points[~held_out],
        density=None,
        shape=(2,),
        axes=axes,
        held_out=points[held_out],
        labels=None if labels is None else labels[~held_out],
        class_names=class_names,
        note=joined(class_numbers(class_names, "labels"), note),
    )


def numbered(name: str, column: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The classes of a column of labels, counted from 0, (N,), and their names; no names if these are the numbers themselves.

    Whole numbers are sorted by size, other labels by the alphabet.

    Raises:
        DataError: there are more than MOST_CLASSES classes.
    """
    names = sorted(set(column))
    if all(re.fullmatch(r"-?[0-9]{1,15}", label) for label in names):
        names.sort(key=int)
    if len(names) > MOST_CLASSES:
        raise DataError(
            f"{name}: its labels have {len(names):,} different values, and at most {MOST_CLASSES:,} classes can be "
            "learned; rename the column if it holds no classes."
        )
    number = {label: index for index, label in enumerate(names)}
    classes = np.array([number[label] for label in column], dtype=np.int64)
    return classes, () if names == [str(index) for index in range(len(names))] else tuple(names)


def _held_out(group: NDArray[np.int64], count: int, seed: int) -> NDArray[np.bool_]:
    """A mask of at most `count` rows in whole random groups, and of at most a fifth of the groups."""
    sizes = np.bincount(group)
    left = np.random.default_rng(seed).permutation(len(sizes))
    taken = np.zeros(len(sizes), dtype=np.bool_)
    room, groups = max(count, int(sizes.min())), len(sizes) // 5
    while len(left := left[sizes[left] <= room]) and groups:
        fitting = left[: min(int(np.searchsorted(np.cumsum(sizes[left]), room, side="right")), groups)]
        taken[fitting] = True
        room -= int(sizes[fitting].sum())
        groups -= len(fitting)
        left = left[len(fitting) :]
    return taken[group]


def read_points(path: str | os.PathLike[str]) -> tuple[Array, tuple[str, str], list[str] | None]:
    """The points of :func:`read_columns`, the names of their axes ("x", "y" if the file has none), and the labels of the rows, if the
    file has such a column.

    Raises:
        DataError: as :func:`read_columns`; or no density can be learned, as rows are too few or do not differ enough.
    """
    points, names, labels = _read(path, None)
    axes = names or ("x", "y")
    _check_learnable(Path(path).name, points, axes)
    return points, axes, labels


def read_columns(
    path: str | os.PathLike[str], among: tuple[str, str] | None = None
) -> tuple[Array, tuple[str, str] | None]:
    """Two columns of finite numbers, (N, 2) float64, and their names (None without a header).

    Cells are separated by commas, semicolons, tabs or blanks. Decimal commas are understood if commas are not separators. Blank
    lines, text after ``#``, and lines that begin with ``%`` or ``//`` are skipped, and so is a third column of labels.

    Args:
        path: the file.
        among: the names of the columns to take if the table has more than two.

    Raises:
        DataError: the file cannot be read or holds something else. The message names the line if there is one.
    """
    points, names, _ = _read(path, among)
    return points, names


def _read(
    path: str | os.PathLike[str], among: tuple[str, str] | None
) -> tuple[Array, tuple[str, str] | None, list[str] | None]:
    """The points and names of :func:`read_columns`, and the labels, if there are any."""
    if not str(path):
        raise DataError(
            Message(
                "no-file",
                "No file is chosen: {} a CSV, TSV or NPY file with two columns.",
                (to_set("data.path"),),
                "data.path",
            )
        )
    path = Path(path)
    try:
        if path.is_dir():
            raise DataError(f"{path} is a folder: choose a CSV, TSV or NPY file in it.")
        if not path.exists():
            raise DataError(f"{path} does not exist: choose a CSV, TSV or NPY file with two columns.")
        if not path.is_file():
            raise DataError(f"{path} is not a regular file: choose a CSV, TSV or NPY file with two columns.")
        size = path.stat().st_size
        if not size:
            raise DataError(f"{path.name} is empty: it needs two columns of numbers.")
        with path.open("rb") as file:
            magic = file.read(6)
        if magic == np.lib.format.MAGIC_PREFIX:
            return _read_npy(path), None, None
        try:
            return _read_table(path, size, among)
        except DataError:
            if path.suffix.lower() != ".npy":
                raise
            raise DataError(
                f"{path.name} is neither an NPY file nor a table of two columns: save it with numpy.save from an array "
                "of numbers of shape (N, 2)."
            ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None
    except MemoryError:
        raise DataError(f"{path.name} needs more memory than there is: keep a part of its rows.") from None


def _read_table(
    path: Path, size: int, among: tuple[str, str] | None
) -> tuple[Array, tuple[str, str] | None, list[str] | None]:
    if size > MOST_BYTES or _lines(path) > MOST_ROWS + 1000:  # a thousand for header and comments
        raise _too_many(path, f"awk 'NR % 10 == 1' {path.name} > part.csv")
    table = Table(path.name, decode(path.name, path.read_bytes()), among)
    points = table.read()
    if len(points) > MOST_ROWS:
        raise _too_many(path, f"awk 'NR % 10 == 1' {path.name} > part.csv")
    _check_finite(path.name, points, lambda row: f"line {table.line(row)}")
    return points, table.axes, table.labels()


def _read_npy(path: Path) -> Array:
    save = "save it with numpy.save from an array of numbers of shape (N, 2)"
    try:
        array = open_npy(path)
    except ValueError:
        with path.open("rb") as file:
            pickled = b"'descr': '|O'" in file.read(1024)
        if pickled:
            raise DataError(
                f"{path.name} holds Python objects, which could run code and are not opened: {save}."
            ) from None
        raise DataError(f"{path.name} is a damaged NPY file: {save}.") from None
    return _points(path, array, save, "numpy.save('part.npy', points[::10])")


def _points(path: Path, array: NDArray[np.generic], save: str, keep: str) -> Array:
    """The points of an array, (N, 2) float64.

    Args:
        path: the name of the array in errors.
        save: what helps against other shapes and types.
        keep: what keeps every tenth row.
    """
    shape = "(" + ", ".join(map(str, array.shape)) + ("," if array.ndim == 1 else "") + ")"
    if array.dtype.kind not in "fiu":
        raise DataError(f"{path.name} holds values of type {array.dtype}, not real numbers: {save}.")
    if array.ndim != 2 or array.shape[1] != 2:
        turned = ": transpose it" if array.ndim == 2 and array.shape[0] == 2 else f": {save}"
        raise DataError(f"{path.name} has shape {shape}, but points of the plane have shape (N, 2){turned}.")
    if len(array) > MOST_ROWS:
        raise _too_many(path, keep)
    points = np.array(array, dtype=np.float64)
    _check_finite(path.name, points, lambda row: f"row {row}")
    return points


def _lines(path: Path) -> int:
    """Count the lines of a file. Counting stops soon after MOST_ROWS, so that a huge file fails at once."""
    count = 0
    with path.open("rb") as file:
        while count <= MOST_ROWS + 1000 and (block := file.read(2**20)):
            count += block.count(b"\n") or block.count(b"\r")
    return count


def _too_many(path: Path, way_out: str) -> DataError:
    return DataError(
        f"{path.name} has more than {MOST_ROWS:,} rows, more than a run ever uses: keep a part, for example every tenth by {way_out}"
    )


def _check_finite(name: str, points: Array, where: Callable[[int], str]) -> None:
    """Raise DataError if a coordinate is NaN, infinite or too large.

    Args:
        name: the file's name.
        points: (N, 2).
        where: returns a row's place in the file in words; rows count from 0.
    """
    if (row := _first(np.isnan(points))) is not None:
        raise DataError(f"{name}, {where(row)}: NaN is not a number; remove the row or fill in its value.")
    if (row := _first(np.isinf(points))) is not None:
        raise DataError(f"{name}, {where(row)}: the value is infinite; remove the row.")
    if (row := _first(np.abs(points) > LARGEST)) is not None:
        value = points[row][np.abs(points[row]) > LARGEST][0]
        raise DataError(
            f"{name}, {where(row)}: {value:g} is too large; coordinates go from {-LARGEST:g} to {LARGEST:g}, so choose a larger unit."
        )


def _check_learnable(name: str, points: Array, axes: tuple[str, str]) -> None:
    """Raise DataError if no density can be learned from the points."""
    if len(points) < LEAST_ROWS:
        raise DataError(
            f"{name} has {how_many(len(points), 'row')}: at least {LEAST_ROWS} are needed to learn a density."
        )
    extent = np.ptp(points, axis=0)
    if not extent.any():
        raise DataError(
            f"{name}: all {len(points)} points are equal, ({points[0, 0]:g}, {points[0, 1]:g}); a density needs points that differ."
        )
    for axis, column in enumerate(axes):
        values = points[:, axis]
        if not extent[axis]:
            raise DataError(
                f"{name}: column {column} is {values[0]:g} in every row; points on a line have no density in the plane, so choose another column."
            )
        if extent[axis] < RESOLVED * np.abs(values).max():
            raise DataError(
                f"{name}: column {column} varies by only {extent[axis]:.3g} about {values.mean():.6g}, which leaves too few digits; subtract its mean."
            )
        if values.std() < NARROWEST:
            raise DataError(
                f"{name}: column {column} spreads by only {values.std():.3g}, less than {NARROWEST:g}; choose a smaller unit."
            )


def _first(bad: NDArray[np.bool_]) -> int | None:
    """The first row with a bad value, or None."""
    rows = bad.any(axis=1)
    return int(rows.argmax()) if rows.any() else None
