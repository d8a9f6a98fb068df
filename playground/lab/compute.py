"""Long work as an iterator that is looked up by its key. One registry says how the value of each sort of key is computed.

The way to a value is a generator: it yields progress, and the keys of the values that it needs; each of these comes back as the
value of the ``yield``. It returns the value. This module imports no torch.
"""

import importlib
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from playground.lab.keys import Key
from playground.lab.store import Store

Value = TypeVar("Value")
Told = TypeVar("Told")
Steps = Generator[Any, Any, Value]
_WAYS: dict[type[Key], Callable[[Any, str], Steps[Any]]] = {}


def computes(kind: type[Key]) -> Callable[[Callable[[Any, str], Steps[Value]]], Callable[[Any, str], Steps[Value]]]:
    """Register how the values of a sort of key are computed: ``way(key, device)`` with the name of a device."""

    def register(way: Callable[[Any, str], Steps[Value]]) -> Callable[[Any, str], Steps[Value]]:
        _WAYS[kind] = way
        return way

    return register


def compute(key: Key, store: Store, device: str = "auto") -> Generator[Any, None, Any]:
    """The value of a key, from the store or computed; yields the progress of all that it needs. Stop iterating to cancel.

    Args:
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        UserError: the value cannot be computed.
    """
    if type(key) not in _WAYS:
        importlib.import_module("playground.lab.run_figures")  # which imports all ways, and torch
    found = store.get(key)
    if found is not None:
        return found
    way, given = _WAYS[type(key)](key, device), None
    try:
        while True:
            asked = way.send(given)
            given = None
            if isinstance(asked, Key):
                given = yield from compute(asked, store, device)
            else:
                yield asked
    except StopIteration as end:
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
