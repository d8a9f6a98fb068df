"""Cells of tables that people open in spreadsheets."""

import math
from typing import Any, TypeGuard

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters with which a spreadsheet treats a text as a formula."""


def cell(value: Any) -> str:
    """A value as the text of a cell: numbers with all their digits, lists separated by blanks, and never a formula.

    >>> [cell(value) for value in (None, 0.1, [1, 2], "=1+1", "-0.5")]
    ['', '0.1', '1 2', "'=1+1", '-0.5']
    """
    if isinstance(value, float):
        return repr(float(value))
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return " ".join(map(cell, value))
    if isinstance(value, str):
        number = value.isascii() and not math.isnan(number_in(value))
        return f"'{value}" if value.startswith(FORMULA) and not number else value
    return str(value)


def uncovered(text: str) -> str:
    """The text that a cell was made of."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is a number, which True is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def number_in(text: str) -> float:
    """The number that a cell holds; NaN for other words."""
    try:
        return float(text)
    except ValueError:
        return math.nan
