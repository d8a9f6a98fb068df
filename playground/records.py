"""Records: frozen values that may hold arrays."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

Record = TypeVar("Record")


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def record(kind: type[Record]) -> type[Record]:
    """A frozen dataclass, equal to itself alone: ``==`` of arrays is an array, which is neither true nor false.

    >>> @record
    ... class Point:
    ...     x: float
    >>> Point(1.0) == Point(1.0)
    False
    """
    return dataclass(frozen=True, eq=False)(kind)
