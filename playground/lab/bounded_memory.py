"""Values in memory by key, with the bytes that they hold together: memory that several share counts once."""

import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np

K = TypeVar("K")
Part = tuple[int, int]
"""Address and bytes of a piece of memory."""


class BoundedMemory(Generic[K]):
    """Values by key, the least recently used first. Not for several threads at once.

    Args:
        bound: the most bytes that :meth:`shrink` leaves.
    """

    def __init__(self, bound: int) -> None:
        self._bound, self._bytes = bound, 0
        self._values: dict[K, tuple[Any, set[Part]]] = {}  # unlike an OrderedDict, it lists keys without their hashes
        self._owners: Counter[Part] = Counter()  # how many values hold each part

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[K]:
        return iter(list(self._values))

    def __getitem__(self, key: K) -> Any:
        return self._values[key][0]

    def use(self, key: K) -> None:
        """Note that a value is the most recently used."""
        self._values[key] = self._values.pop(key)

    def put(self, key: K, value: Any, parts: set[Part]) -> None:
        """Keep a value that holds some parts of memory, see :func:`parts_of`."""
        self.remove(key)
        self._values[key] = value, parts
        self._bytes += sum(part[1] for part in parts if part not in self._owners)
        self._owners.update(parts)

    def remove(self, key: K) -> None:
        """Let go of a value, if it is here."""
        _, parts = self._values.pop(key, (None, ()))
        for part in parts:
            self._owners[part] -= 1
            if not self._owners[part]:
                del self._owners[part]
                self._bytes -= part[1]

    def shrink(self, may_go: Callable[[K], bool]) -> None:
        """Let go of values that may go until the rest is within the bound."""
        for key in self:
            if self._bytes <= self._bound:
                break
            if may_go(key):
                self.remove(key)


def parts_of(value: Any) -> set[Part]:
    """The memory that a value holds, by its method ``buffers``, or else by the arrays that it packs."""
    if hasattr(value, "buffers"):
        return {_part(_whole(buffer)) for buffer in value.buffers()}
    if not hasattr(value, "packed"):
        return set()
    found = [(weakref.ref(whole), _part(whole)) for whole in map(_whole, value.packed()[1].values())]
    own = {part for whole, part in found if whole() is not None}
    # Copies made for the file are gone by now, and their addresses are free for others: the value stands for their size.
    return own | {(-id(value), sum(size for whole, (_, size) in found if whole() is None))}


def _whole(buffer: Any) -> Any:
    """The array or tensor that an array is a view of."""
    while isinstance(base := getattr(buffer, "base", None), np.ndarray) or hasattr(base, "untyped_storage"):
        buffer = base
    return buffer


def _part(buffer: Any) -> Part:
    """The memory of an array, or of a tensor and all that share its storage."""
    if isinstance(buffer, np.ndarray):
        return buffer.ctypes.data, buffer.nbytes
    storage = buffer.untyped_storage()
    return storage.data_ptr(), storage.nbytes()
