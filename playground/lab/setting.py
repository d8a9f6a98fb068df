"""The declaration of one setting: the type says what it holds, :func:`meta` its bounds and documentation."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Meta

Auto = Literal["auto"]


def meta(
    description: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    symbol: str = "",
    equation: str | Mapping[str, str] = "",
    unit: str = "",
    log: bool = False,
    resets: bool = False,
) -> Meta:
    """Bounds and documentation of one field; `resets` marks what cannot change without training anew.

    Args:
        equation: LaTeX that holds whatever the value is, or that of each choice that has its own.
    """
    extra = {"symbol": symbol, "equation": equation, "unit": unit, "log": log, "resets": resets}
    return Meta(ge=ge, le=le, description=description, extra=extra)
