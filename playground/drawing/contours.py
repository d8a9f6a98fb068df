"""Lines of equal height on a grid of values, by marching squares (Lorensen & Cline 1987, in two dimensions)."""

import numpy as np

# Corners of a cell count 1, 2, 4 and 8 from the lower left one anticlockwise; edges 0 to 3 begin at those corners.
CROSSINGS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((3, 0),),
    2: ((0, 1),),
    3: ((3, 1),),
    4: ((1, 2),),
    6: ((0, 2),),
    7: ((3, 2),),
    8: ((2, 3),),
    9: ((2, 0),),
    11: ((2, 1),),
    12: ((1, 3),),
    13: ((1, 0),),
    14: ((0, 3),),
}
"""The edges that a line joins, by the sum of the corners above the level."""

SADDLES: dict[tuple[int, bool], tuple[tuple[int, int], ...]] = {
    (5, True): ((3, 2), (1, 0)),
    (5, False): ((3, 0), (1, 2)),
    (10, True): ((0, 3), (2, 1)),
    (10, False): ((0, 1), (2, 3)),
}
"""The edges if two opposite corners are above the level, by whether the middle is above it too."""


def contour_segments(values: np.ndarray, level: float) -> np.ndarray:
    """Return the segments of the contour where interpolated values (H, W) equal `level`: (M, 4), x0 y0 x1 y1.

    Coordinates are columns and rows, numbered from 0. Values must be finite.
    """
    corners = values[:-1, :-1], values[:-1, 1:], values[1:, 1:], values[1:, :-1]
    above = np.stack(corners) > level
    case = np.tensordot(np.array([1, 2, 4, 8]), above, 1)
    middle = np.mean(corners, axis=0) > level
    rows = [(case == number, pairs) for number, pairs in CROSSINGS.items()]
    rows += [((case == number) & (middle == high), pairs) for (number, high), pairs in SADDLES.items()]
    found = [np.zeros((0, 4))]
    for chosen, pairs in rows:
        row, column = np.nonzero(chosen)
        if not len(row):
            continue
        around = [corner[row, column] for corner in corners]
        for start, end in pairs:
            found.append(
                np.stack(
                    [*_crossing(start, around, row, column, level), *_crossing(end, around, row, column, level)], 1
                )
            )
    return np.concatenate(found)


def _crossing(
    edge: int, around: list[np.ndarray], row: np.ndarray, column: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """The point of an edge where linearly interpolated values reach the level."""
    first, second = around[edge], around[(edge + 1) % 4]
    share = (level - first) / (second - first)
    places = ((0, 0), (1, 0), (1, 1), (0, 1))
    (x0, y0), (x1, y1) = places[edge], places[(edge + 1) % 4]
    return column + x0 + share * (x1 - x0), row + y0 + share * (y1 - y0)
