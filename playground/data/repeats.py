"""Rows that are equal: which they are, so that they stay on one side of a split, and what is said of many of them."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from playground.messages import Edit, Message, setting

LEAST_DIFFERENT = 5  # rows to learn from, of which a fifth is held out
NOTABLE = 0.01  # share of rows that repeat another, from which on those held out follow another distribution than all


def row_keys(rows: NDArray[np.generic]) -> NDArray[np.generic]:
    """(N,) one number for each of `rows` (N, *shape), the same for equal ones: a point itself, 64 bits of an image's hash."""
    if rows.shape[1:] == (2,):
        return np.ascontiguousarray(rows, dtype=np.float64).view(np.complex128)[:, 0]
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1)
    return np.frombuffer(
        b"".join(hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in flat), dtype=np.uint64
    )


def equal_rows(rows: NDArray[np.generic]) -> tuple[NDArray[np.int64], int]:
    """Return for each row the group of those equal to it, counted in the order of their first rows, and the number of
    groups."""
    _, first, group = np.unique(row_keys(rows), return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[group], len(first)


def notable(repeated: int, count: int) -> bool:
    """Whether so many of `count` rows repeat another that whole groups of them on one side of a split make its distribution another."""
    return repeated > NOTABLE * count


def note(count: int, different: int, what: str, grouped: bool = True) -> Message | None:
    """A message where many of `count` rows, or whatever they are, repeat another; None where few do.

    Args:
        grouped: whether equal ones were held out together.
    """
    repeated = count - different
    if not notable(repeated, count):
        return None
    if grouped:
        text = "{:,} of {:,} {} repeat another; duplicates are all in the training set or all held out."
        return Message("duplicates-together", text, (repeated, count, what))
    return Message(
        "duplicates-apart",
        "{:,} of {:,} {} repeat another; {} are held out at random, duplicates too. If they are copies, set {}.",
        (repeated, count, what, what, setting("data.split", "groups")),
        "data.split",
        (Edit("Hold out groups", {"data.split": "groups"}),),
    )
