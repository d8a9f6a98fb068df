"""Values in memory by key, bounded by their common number of bytes: memory that several share counts once."""

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np

K = TypeVar("K")
V = TypeVar("V")
OURS = ("playground.", "torch.nn.")
"""The modules whose objects are searched for arrays and tensors."""
SMALL = 2**16
"""Values of fewer bytes go last: they free little, and whoever looks one up must then wait for its file."""
NUMBER = 32
"""Approximate bytes of a Python number in a list."""
Parts = dict[int, int]
"""Bytes of pieces of memory by their address."""


class BoundedMemory(Generic[K, V]):
    """Values by key, the least recently used first. A value that has grown is measured again when it is put again.

    Args:
        bound: the most bytes that :meth:`shrink` leaves.

    Attributes:
        bytes: of all values.
    """

    def __init__(self, bound: int) -> None:
        self.bound, self.bytes = bound, 0
        self._values: dict[K, tuple[V, Parts]] = {}  # unlike an OrderedDict, it lists keys without their hashes
        self._owners: Counter[int] = Counter()  # how many values hold the memory at an address

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def items(self) -> list[tuple[K, V]]:
        """Keys and values, the least recently used first."""
        return [(key, value) for key, (value, _) in self._values.items()]

    def get(self, key: K) -> V | None:
        """The value of a key, which counts as a use; None if there is none."""
        if key not in self._values:
            return None
        found = self._values[key] = self._values.pop(key)
        return found[0]

    def put(self, key: K, value: V, parts: Parts | None = None) -> list[tuple[K, V]]:
        """Keep a value, and let go of others until all are within the bound.

        Args:
            parts: the memory that it holds, if that is known already. Nothing goes then before :meth:`shrink`.

        Returns:
            The keys and values that went.
        """
        self.discard(key)
        held = parts_of(value) if parts is None else parts
        self._values[key] = value, held
        self.bytes += sum(size for address, size in held.items() if address not in self._owners)
        self._owners.update(held.keys())
        return self.shrink(lambda other: other != key) if parts is None else []

    def discard(self, key: K) -> None:
        """Let go of a value, if it is here."""
        if key not in self._values:
            return
        for address, size in self._values.pop(key)[1].items():
            self._owners[address] -= 1
            if not self._owners[address]:
                del self._owners[address]
                self.bytes -= size

    def shrink(self, may_go: Callable[[K], bool]) -> list[tuple[K, V]]:
        """Let go of values that may go until the rest is within the bound; return them with their keys."""
        gone: list[tuple[K, V]] = []
        if self.bytes <= self.bound:
            return gone
        small = {key for key, (_, held) in self._values.items() if sum(held.values()) < SMALL}
        for key, value in sorted(self.items(), key=lambda item: item[0] in small):
            if self.bytes <= self.bound:
                break
            if may_go(key):
                self.discard(key)
                gone.append((key, value))
        return gone


def parts_of(value: Any) -> Parts:
    """The memory of each array and tensor that an object of this program holds, directly or through others.

    >>> points = np.zeros(100)
    >>> sum(parts_of([points, {"half": points[:50]}, [1.0, 2.0]]).values())
    864
    """
    found: Parts = {}
    for thing in _arrays(value):
        while isinstance(thing, np.ndarray) and (
            isinstance(thing.base, np.ndarray) or hasattr(thing.base, "untyped_storage")
        ):
            thing = thing.base
        if isinstance(thing, np.ndarray):
            address, size = thing.__array_interface__["data"][0], thing.nbytes
        elif isinstance(thing, list | tuple):
            address, size = id(thing), NUMBER * len(thing)
        else:
            storage = thing.untyped_storage()
            address, size = storage.data_ptr(), storage.nbytes()
        found[address] = max(found.get(address, 0), size)
    return found


def freeze(value: Any) -> None:
    """Make each array that an object of this program holds read-only, directly or through others. Tensors cannot be.

    >>> points = np.zeros(3)
    >>> freeze({"points": points})
    >>> points[0] = 1.0
    Traceback (most recent call last):
    ValueError: assignment destination is read-only
    """
    for thing in _arrays(value):
        if isinstance(thing, np.ndarray):
            thing.setflags(write=False)


def _arrays(value: Any) -> Iterator[Any]:
    """The arrays, tensors and lists of numbers that an object of this program holds, directly or through others."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        is_tensor = hasattr(thing, "untyped_storage")  # importing torch to check would take a second
        if is_tensor or isinstance(thing, np.ndarray):
            yield thing
        elif isinstance(thing, dict):
            waiting += list(thing.values())
        elif isinstance(thing, list | tuple):
            if thing and isinstance(thing[0], int | float):
                yield thing
            else:
                waiting += list(thing)
        elif isinstance(thing, functools.partial):
            waiting += [*thing.args, *thing.keywords.values()]
        elif hasattr(thing, "__dict__") and (hasattr(thing, "packed") or type(thing).__module__.startswith(OURS)):
            waiting += list(vars(thing).values())
