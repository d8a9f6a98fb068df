"""The figures of ``metrics.json`` on the cards, in the words and the format of their declarations."""

from PySide6.QtWidgets import QWidget

from playground.app.model.views import ProblemView
from playground.app.panels.figure import Figure
from playground.app.style.figure_words import beside_floor, shares_in_words
from playground.app.style.labels import worded
from playground.app.widgets import layouts
from playground.app.widgets.collapsible_panel import ROW_GAP
from playground.lab.conflicts import flow_conflict
from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment
from playground.lab.figures import FIGURES
from playground.lab.measured import Figures

DISTANCES = ("sliced_wasserstein2", "wasserstein2")  # between samples and data


def missing(figures: Figures, key: str) -> str:
    """Why a figure, or a part of it, is missing from an evaluation; "" if no reason is needed."""
    return worded(figures.known(key).reason)


def not_told_apart(figures: Figures) -> str:
    """By which distances the samples cannot be told apart from fresh data; "" if by none.

    A distance is above its floor if it exceeds it by more than two of the floor's standard deviations.
    """
    found = []
    for key in DISTANCES:
        value, (floor, spread) = figures.value(key), figures.floor(key)
        if value is not None and floor is not None and value <= floor + 2 * (spread or 0.0):
            found.append(FIGURES[key].title)
    return f"The samples are as close to the data as fresh points are ({', '.join(found)})." if found else ""


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
