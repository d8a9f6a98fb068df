"""The errors of the learned score: a chart along sigma, and the two figures at the level of the canvas."""

import math

import numpy as np

from playground.app.panels.measured_figure import FigureRows
from playground.app.style.figure_words import number_in_words
from playground.app.style.labels import worded
from playground.app.widgets.captions import caption
from playground.app.widgets.charts.errors import ErrorAlongSigma
from playground.lab.measured import Figures
from playground.messages import Message

MEASURE_SCORE = "Measure compares the learned score with the exact one at every noise level."
AGAINST_DATA = "against the training set’s smoothed score"


class ScoreAlongSigma(FigureRows):
    """The chart and its figures, with what the score is compared with."""

    def __init__(self) -> None:
        super().__init__("score")
        self._figures = Figures({})
        self.against, self.chart = caption(AGAINST_DATA), ErrorAlongSigma()
        for place, part in enumerate((self.against, self.chart)):
            self.column.insertWidget(place, part)

    def show_figures(self, figures: Figures) -> None:
        """Show the errors of an evaluation, or none."""
        self._figures = figures
        relative = figures.known("relative_score_error")
        curves = figures.value("score_sigmas"), relative.value, relative.error
        self.chart.show_errors(*(np.array(curve or (), float) for curve in curves))

    def show_possible(self, possible: frozenset[str]) -> None:
        """Show the figures that data and settings can have, and with what the score is compared if it is not the exact one."""
        self.against.setVisible(possible.issuperset(("reference", "no density")))
        super().show_possible(possible)

    def show_why(self, why: Message | None, against_data: str) -> None:
        """Say why nothing is shown: a reason, or with what Measure compares the score."""
        relative = self._figures.known("relative_score_error")
        why = why or (relative.reason if relative.value else None)
        self.chart.show_empty(worded(why) or against_data or MEASURE_SCORE)

    def show_at(self, sigma: float) -> None:
        """Show the figures at a noise level."""
        self.chart.mark(sigma if sigma > 0 else None)
        sigmas = self._figures.value("score_sigmas")
        for row in self.rows.values():
            figure = self._figures.known(row.key)
            if not sigmas or not figure.value or not sigma > 0:
                row.show_text("")
                continue
            value, error = (at_sigma(sigma, np.array(sigmas), np.array(part)) for part in (figure.value, figure.error))
            known = math.isfinite(value)
            row.show_text(number_in_words(row.spec, value, error) if known else "", worded(figure.reason))


def at_sigma(sigma: float, sigmas: np.ndarray, values: np.ndarray) -> float:
    """Interpolate values (S,) at rising noise levels (S,) along log sigma; beyond the ends they are constant."""
    return float(np.interp(math.log(sigma), np.log(sigmas), values))
