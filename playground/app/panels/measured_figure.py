"""The figures of ``metrics.json`` on the cards, in the words and the format of their declarations."""

import numpy as np
from PySide6.QtWidgets import QWidget

from playground.app.model.views import ProblemView
from playground.app.panels.figure import Figure, decimal, with_error
from playground.app.style.labels import worded
from playground.app.style.number_formats import (
    format_measured,
    format_number,
    format_percent,
    format_percent_with_error,
)
from playground.app.widgets import layouts
from playground.app.widgets.collapsible_panel import ROW_GAP
from playground.lab.conflicts import flow_conflict
from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment
from playground.lab.figures import FIGURES
from playground.lab.figures.spec import MEASURED
from playground.lab.measured import Figures


def number_in_words(key: str, value: float, error: float | None = None) -> str:
    """A number in the format of a figure, with its error if that is known."""
    spec = FIGURES[key]
    if spec.unit == "share":
        return format_percent_with_error(value, error or 0.0)
    if spec.places is not None:
        return with_error(float(value), error, spec.places)
    return format_measured(value, error) if error else format_number(value)


def in_words(figures: Figures, key: str) -> str:
    """A figure with its standard error, if that is known; "" without the figure."""
    value, error = figures.known(key).value, figures.known(key).error
    if value is None or isinstance(value, str):
        return value or ""
    return number_in_words(key, value, error)


def beside_floor(figures: Figures, key: str, whole: bool = False) -> str:
    """The same, with the figure of a perfect model or sampler.

    Args:
        whole: also where that is a number that is known.
    """
    text, spec = in_words(figures, key), FIGURES[key]
    floor, spread = figures.floor(key)
    beside = whole or spec.unit == "share" or spec.floor == MEASURED
    if isinstance(spec.floor, str) and spec.floor in FIGURES:
        beside = FIGURES[spec.floor].card != spec.card  # otherwise it has a row of its own
    if not text or floor is None or not beside:
        return text
    if spread is None or figures.known(key).error or spec.places is not None:
        return f"{text} ({spec.beside} {number_in_words(key, float(floor), spread)})"
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


def missing(figures: Figures, key: str) -> str:
    """Why a figure, or a part of it, is missing from an evaluation; "" if no reason is needed."""
    return worded(figures.known(key).reason)


def possible(view: ProblemView | None, experiment: Experiment) -> frozenset[str]:
    """What data and settings have that figures need, see :class:`playground.lab.figures.spec.FigureSpec`."""
    energy = view is not None and view.has_energy
    found = {
        # An energy without a flow has other figures, and these would stay empty.
        "flow": flow_conflict(experiment) is None or not energy,
        "energy": energy,
        "estimated trace": resolve(experiment).likelihood.trace == "hutchinson",
        "plane": view is None or not view.is_image,
    }
    if view is not None:
        found |= {
            "density": view.known_density,
            "no density": not view.known_density,
            "few points": view.has_kernel_density,
            "modes": view.mode_weights is not None,
            "images": view.is_image,
            "labels": view.labelled,
            "known classes": bool(view.conditions.known_classes),
            "reference": view.has_reference,
        }
    return frozenset(name for name, holds in found.items() if holds)


class MeasuredFigure(Figure):
    """A figure of ``metrics.json``, with its words; `more` is what its meaning leaves open."""

    def __init__(self, key: str, more: str = "") -> None:
        self.key, self.spec = key, FIGURES[key]
        super().__init__(self.spec.title, f"{self.spec.meaning} {more}".rstrip(), self.spec.equation, self.spec.color)

    def show_figures(self, figures: Figures) -> None:
        """Show the figure beside its floor, or why it is missing; in the tooltip what is told with it."""
        if isinstance(figures.value(self.key), tuple):
            text, lines = shares_in_words(figures, self.key)
            self.show_text(text, "<br>".join(lines))
            return
        told = [key for key in self.spec.tells if figures.value(key) is not None]
        more = "<br>".join(f"{FIGURES[key].title}: {beside_floor(figures, key, whole=True)}" for key in told)
        self.show_text(beside_floor(figures, self.key), more or missing(figures, self.key))


class FigureRows(QWidget):
    """The figures of one part of a card, one below the other. A missing one says why in its tooltip.

    Args:
        card: see :class:`playground.lab.figures.spec.FigureSpec`.

    Attributes:
        rows: by key.
        column: their layout.
    """

    def __init__(self, card: str) -> None:
        super().__init__()
        self.rows = {key: MeasuredFigure(key) for key, spec in FIGURES.items() if spec.card == card}
        self.column = layouts.down(*self.rows.values(), within=self, spacing=ROW_GAP, margins=0)

    def show_figures(self, figures: Figures) -> None:
        for row in self.rows.values():
            row.show_figures(figures)

    def show_possible(self, possible: frozenset[str]) -> None:
        """Show the rows of figures that data and settings can have."""
        for row in self.rows.values():
            row.setVisible(possible.issuperset(row.spec.needs))
