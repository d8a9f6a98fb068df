"""Values that a test knows to be there."""

from typing import TypeVar

Value = TypeVar("Value")


def present(value: Value | None) -> Value:
    """The value, which is not None."""
    assert value is not None
    return value
