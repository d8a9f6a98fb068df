"""Cells of tables that people open in spreadsheets."""

from typing import Any

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
        return f"'{value}" if value.startswith(FORMULA) and not _is_number(value) else value
    return str(value)


def uncovered(text: str) -> str:
    """The text that a cell was made of."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii()
