"""Equal rows, which stay on one side of a split, and the note on many of them."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from playground.messages import Message, instead

LEAST_DIFFERENT = 5  # fewest different rows, so that a fifth of them can be held out
NOTABLE = 0.01  # share of repeated rows above which held-out groups have another distribution than all rows


def row_keys(rows: NDArray[np.generic]) -> NDArray[np.generic]:
    """One number for each of `rows` (N, *shape), (N,), the same for equal rows: a point itself, or 64 bits of an image's hash."""
    if rows.shape[1:] == (2,):
        return np.ascontiguousarray(rows, dtype=np.float64).view(np.complex128)[:, 0]
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1)
    return np.frombuffer(
        b"".join(hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in flat), dtype=np.uint64
    )


def equal_rows(rows: NDArray[np.generic]) -> tuple[NDArray[np.int64], int]:
    """Return each row's group of equal rows, (N,), and the number of groups. Groups are counted in the order of first rows."""
    _, first, group = np.unique(row_keys(rows), return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[group], len(first)


def notable(repeated: int, count: int) -> bool:
    """Whether so many of `count` rows repeat another that a split by groups changes the distribution."""
    return repeated > NOTABLE * count


def note(count: int, different: int, what: str, grouped: bool = True) -> Message | None:
    """A message if many of `count` rows repeat another, else None.

    Args:
        count, different: the numbers of all rows and of different rows.
        what: the name of the rows in the message.
        grouped: whether equal rows were held out together.
    """
    repeated = count - different
    if not notable(repeated, count):
        return None
    if grouped:
        text = "{:,} of {:,} {} repeat another; duplicates are all in the training set or all held out."
        return Message("duplicates-together", text, (repeated, count, what))
    return instead(
        "duplicates-apart",
        "{:,} of {:,} {} repeat another; {} are held out at random, duplicates too. If they are copies, set {}.",
        (repeated, count, what, what),
        "data.split",
        "groups",
        "Hold out groups",
    )
