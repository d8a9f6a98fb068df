"""A cache of workspaces and file data for undo, bounded by their common number of bytes."""

import functools
from collections import Counter, OrderedDict
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

import numpy as np

BOUND = 2**30  # bytes
OURS = ("playground.", "torch.nn.")  # the modules whose objects are searched
NUMBER = 32  # approximate bytes of a Python number in a list
Value = TypeVar("Value")


class WorkspaceCache(Generic[Value]):
    """Keeps values by key. If they take more than `bound` bytes together, it evicts the least recently used.

    Memory that several values share, such as the data of two networks, counts once. The last value always stays.
    A value that has grown is measured again when it is put again.
    """

    def __init__(self, bound: int = BOUND) -> None:
        self.bound = bound
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._storages: dict[Hashable, dict[int, int]] = {}
        self._shares: Counter[int] = Counter()  # how many values hold the memory at an address
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def items(self) -> list[tuple[Hashable, Value]]:
        """Keys and values, the least recently used first."""
        return list(self._values.items())

    def get(self, key: Hashable) -> Value | None:
        """The value of a key, which counts as a use; None if there is none."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: Hashable, value: Value) -> list[tuple[Hashable, Value]]:
        """Keep a value.

        Returns:
            The evicted values.
        """
        self.discard(key)
        self._values[key], self._storages[key] = value, storages(value)
        for address, size in self._storages[key].items():
            self._shares[address] += 1
            self.bytes += size if self._shares[address] == 1 else 0
        evicted = []
        while self.bytes > self.bound and len(self._values) > 1:
            oldest = next(iter(self._values))
            evicted.append((oldest, self._values[oldest]))
            self.discard(oldest)
        return evicted

    def discard(self, key: Hashable) -> None:
        """Remove the value of a key, if there is one."""
        if self._values.pop(key, None) is None:
            return
        for address, size in self._storages.pop(key).items():
            self._shares[address] -= 1
            if not self._shares[address]:
                del self._shares[address]
                self.bytes -= size


def storages(value: Any) -> dict[int, int]:
    """The bytes of each array and tensor that an object of this program holds, directly or through others, by address.

    >>> points = np.zeros(100)
    >>> sum(storages([points, {"half": points[:50]}, [1.0, 2.0]]).values())
    864
    """
    found: dict[int, int] = {}
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, np.ndarray):
            while isinstance(thing.base, np.ndarray):
                thing = thing.base
            address = thing.__array_interface__["data"][0]
            found[address] = max(found.get(address, 0), thing.nbytes)
        elif hasattr(thing, "untyped_storage"):  # a tensor; importing torch to check would take a second
            storage = thing.untyped_storage()
            found[storage.data_ptr()] = max(found.get(storage.data_ptr(), 0), storage.nbytes())
        elif isinstance(thing, dict):
            waiting += list(thing.values())
        elif isinstance(thing, list | tuple):
            if thing and isinstance(thing[0], int | float):
                found[id(thing)] = NUMBER * len(thing)
            else:
                waiting += list(thing)
        elif isinstance(thing, functools.partial):
            waiting += [*thing.args, *thing.keywords.values()]
        elif type(thing).__module__.startswith(OURS) and hasattr(thing, "__dict__"):
            waiting += list(vars(thing).values())
    return found
