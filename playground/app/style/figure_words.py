"""Figures in the words and the format of their declarations, for cards, tables and the command line."""

import numpy as np

from playground.app.style.number_formats import (
    MINUS,
    format_measured,
    format_number,
    format_percent,
    format_percent_with_error,
)
from playground.lab.figures import FIGURES, sorts_of
from playground.lab.figures.parts import PARTS
from playground.lab.figures.spec import MEASURED, FigureSpec
from playground.lab.measured import Figures


def decimal(value: float, places: int = 3) -> str:
    """A number with a fixed number of decimals, so that its width stays; a huge one with its power of ten.

    >>> decimal(-0.7129), decimal(1.0), decimal(-1.28e24)
    ('−0.713', '1.000', '−1.28e24')
    """
    if abs(value) >= 1e7:
        return format_number(value, 4)
    text = f"{value:.{places}f}"
    return text.replace("-", MINUS) if float(text) else text.lstrip("-")


def with_error(value: float, error: float | None, places: int = 3) -> str:
    """A value and its standard error: ``1.015 ± 0.014``."""
    return decimal(value, places) + (f" ± {decimal(error, places)}" if error is not None else "")


def number_in_words(spec: FigureSpec, value: float, error: float | None = None) -> str:
    """A number in the format of a figure, with its error if that is known.

    >>> nats = FIGURES["kl"]
    >>> number_in_words(nats, 0.0421, 0.0014), number_in_words(nats, 4.21e-5, 1.4e-6)
    ('0.042 ± 0.001', '4.2e-5 ± 1e-6')
    """
    if spec.unit == "share":
        return format_percent_with_error(value, error or 0.0)
    if spec.places is not None and not 0 < (error or 0.0) < 0.5 * 10**-spec.places:
        return with_error(float(value), error, spec.places)
    return format_measured(value, error) if error else format_number(value)


def in_words(figures: Figures, key: str) -> str:
    """A figure with its standard error, if that is known; "" without the figure."""
    value, error = figures.known(key).value, figures.known(key).error
    if value is None or isinstance(value, str):
        return value or ""
    return number_in_words(FIGURES[key], value, error)


def beside_floor(figures: Figures, key: str, whole: bool = False) -> str:
    """The same, with the figure of a perfect model or sampler.

    Args:
        whole: also where that is a number that is known.
    """
    if isinstance(figures.value(key), tuple):
        return shares_in_words(figures, key)[0]
    text, spec = in_words(figures, key), FIGURES[key]
    floor, spread = figures.floor(key)
    beside = whole or spec.unit == "share" or spec.floor == MEASURED
    if isinstance(spec.floor, str) and spec.floor in FIGURES:
        beside = FIGURES[spec.floor].card != spec.card  # otherwise it has a row of its own
    if not text or floor is None or not beside:
        return text
    if spread is None or figures.known(key).error or spec.places is not None:
        return f"{text} ({spec.beside} {number_in_words(spec, float(floor), spread)})"
    deviation = f" ± {format_percent(spread / floor)}" if floor else ""
    return f"{text} ({spec.beside} {format_number(float(floor))}{deviation})"


def shares_in_words(figures: Figures, key: str) -> tuple[str, list[str]]:
    """The shares of a figure that has several: both of two, otherwise the farthest from its true one; and a line for each."""
    shares, error, spec = np.asarray(figures.value(key), float), figures.known(key).error, FIGURES[key]
    floor = figures.floor(key)[0]
    true = np.full(len(shares), np.nan) if floor is None else np.asarray(floor, float)
    errors = np.asarray(error, float) if error else np.zeros(len(shares))
    names = [f"{spec.each} {number}: " if spec.each else "" for number in range(len(shares))]
    rows = zip(names, shares, errors, true, strict=True)
    lines = [f"{name}{with_error(share, off)}, {spec.beside} {decimal(truth)}" for name, share, off, truth in rows]
    if len(shares) <= 2 and not spec.each:
        text, exact = (" / ".join(decimal(share, 2) for share in part) for part in (shares, true))
    else:
        worst = 0 if floor is None else int(np.nanargmax(np.abs(shares - true)))
        text, exact = f"{names[worst] or 'worst '}{decimal(shares[worst])}", decimal(true[worst])
    return f"{text} ({spec.beside} {exact})", lines


OF_A_RUN = "held out", "samples"
"""The cards whose figures a web page has."""


def figure_rows(figures: Figures) -> list[tuple[str, str]]:
    """The names of what is known of held-out points and samples, with its values beside their floors."""
    keys = (key for part in PARTS for key in sorts_of(part) if key in FIGURES)
    shown = [key for key in keys if FIGURES[key].printed and FIGURES[key].card in OF_A_RUN]
    return [(FIGURES[key].title, beside_floor(figures, key)) for key in shown if figures.known(key).value is not None]
