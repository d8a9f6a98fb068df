"""Places along a polyline."""

import numpy as np

from playground.data.dataset import Array


def lengths(line: Array) -> Array:
    """The length of a polyline (P, 2) up to each of its points, (P,)."""
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])


def places(line: Array, arc: Array, at: Array) -> Array:
    """The points (N, 2) of a polyline at the lengths `at`, (N,); `arc` is what :func:`lengths` gives.

    >>> line = np.array([[0.0, 0.0], [3.0, 4.0]])
    >>> places(line, lengths(line), np.array([0.0, 2.5])).tolist()
    [[0.0, 0.0], [1.5, 2.0]]
    """
    return np.stack([np.interp(at, arc, line[:, 0]), np.interp(at, arc, line[:, 1])], axis=1)
