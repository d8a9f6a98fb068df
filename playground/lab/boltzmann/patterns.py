"""Pictures of a few pixels, each -1 or +1: bars and stripes, and patterns written as text."""

import itertools

import numpy as np
from numpy.typing import NDArray


def bars_and_stripes(rows: int, columns: int) -> NDArray[np.int8]:
    """Every picture whose rows are all equal or whose columns are, each once: (N, rows, columns).

    Source: MacKay 2003, chapter 43.

    >>> len(bars_and_stripes(2, 2)), len(bars_and_stripes(3, 3)), len(bars_and_stripes(4, 4))
    (6, 14, 30)
    """
    bars, stripes = (np.array([*itertools.product((-1, 1), repeat=side)], np.int8) for side in (columns, rows))
    every = [np.broadcast_to(one, (len(one), rows, columns)) for one in (bars[:, None], stripes[:, :, None])]
    return np.unique(np.concatenate(every), axis=0)


def read_pattern(text: str) -> NDArray[np.int8]:
    """A pattern (rows, columns) of -1 and +1, written as ``"##./..."``: rows between slashes, # for +1 and anything else for -1.

    >>> read_pattern("#./##").tolist()
    [[1, -1], [1, 1]]

    Rows of different lengths are no picture; the result then has no pixels:

    >>> read_pattern("#./#").shape
    (0, 0)
    """
    lines = text.split("/")
    if len({len(line) for line in lines}) != 1:
        return np.zeros((0, 0), np.int8)
    return np.array([[1 if letter == "#" else -1 for letter in line] for line in lines], np.int8)


def write_pattern(pattern: NDArray[np.generic]) -> str:
    """The text of a pattern (rows, columns).

    >>> write_pattern(np.array([[1, -1], [1, 1]]))
    '#./##'
    """
    return "/".join("".join("#" if pixel > 0 else "." for pixel in row) for row in pattern)
