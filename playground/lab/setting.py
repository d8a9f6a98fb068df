"""How one setting is declared: the type says what it holds, :func:`meta` its bounds and documentation."""

from typing import Literal

from msgspec import Meta

Auto = Literal["auto"]


def meta(
    description: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    symbol: str = "",
    equation: str = "",
    unit: str = "",
    log: bool = False,
    resets: bool = False,
) -> Meta:
    """Bounds and documentation of one field; `resets` marks what cannot change without training anew."""
    extra = {"symbol": symbol, "equation": equation, "unit": unit, "log": log, "resets": resets}
    return Meta(ge=ge, le=le, description=description, extra=extra)
