"""Long work as an iterator that is looked up by its key. One registry says how the value of each sort of key is computed.

The way to a value is a generator: it yields progress, and the keys of the values that it needs; each of these comes back as the
value of the ``yield``. It returns the value. This module imports no torch.
"""

import importlib
from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeVar

from playground.lab.keys import Key
from playground.lab.store import Store

Value = TypeVar("Value")
Told = TypeVar("Told")
Steps = Generator[Any, Any, Value]
Way = Callable[[Any, str], Steps[Any]]
_WAYS: dict[type[Key], Way] = {}


def computes(kind: type[Key]) -> Callable[[Callable[[Any, str], Steps[Value]]], Callable[[Any, str], Steps[Value]]]:
    """Register how the values of a sort of key are computed: ``way(key, device)`` with the name of a device."""

    def register(way: Callable[[Any, str], Steps[Value]]) -> Callable[[Any, str], Steps[Value]]:
        _WAYS[kind] = way
        return way

    return register


def compute(
    key: Key, store: Store, device: str = "auto", given: Mapping[type[Key], Way] | None = None
) -> Generator[Any, None, Any]:
    """The value of a key, from the store or computed; yields the progress of all that it needs. Stop iterating to cancel.

    Args:
        device: "auto", "cpu", "cuda" or "mps".
        given: other ways for some sorts of keys, by which a window takes the values that it has; these are not stored.

    Raises:
        UserError: the value cannot be computed.
    """
    if type(key) not in _WAYS:
        importlib.import_module("playground.lab.run_figures")  # which imports all ways, and torch
    found = store.get(key)
    if found is not None:
        return found
    own = given or {}
    way, answer = {**_WAYS, **own}[type(key)](key, device), None
    try:
        while True:
            asked = way.send(answer)
            answer = None
            if isinstance(asked, Key):
                answer = yield from compute(asked, store, device, given)
            else:
                yield asked
    except StopIteration as end:
        if type(key) not in own:
            store.put(key, end.value)
        return end.value
    finally:
        way.close()


def passed_on(work: Generator[Any, None, Value], as_told: Callable[[Any], Told]) -> Generator[Told, None, Value]:
    """The result of some work; yields each of its progresses as it is told here."""
    while True:
        try:
            yield as_told(next(work))
        except StopIteration as end:
            value: Value = end.value
            return value


class Shares:
    """Tells the fractions of consecutive parts of some work as one fraction, which never falls."""

    def __init__(self) -> None:
        self._reached = 0.0

    def part(self, share: float = 1.0) -> Callable[[float], float]:
        """How to tell the next part, which takes this share of what is left; one that tells nothing takes none."""
        begun = self._reached

        def told(done: float) -> float:
            self._reached = begun + (1 - begun) * share * done
            return self._reached

        return told


def result(work: Generator[Any, None, Value], show: Callable[[Any], object] = lambda progress: None) -> Value:
    """Do all of the work, and return its result.

    Args:
        show: called with each progress.
    """
    while True:
        try:
            show(next(work))
        except StopIteration as end:
            value: Value = end.value
            return value
