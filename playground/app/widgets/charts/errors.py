"""The error of the learned score at each noise level."""

import numpy as np

from playground.app.style.number_formats import format_number, format_percent_with_error
from playground.app.widgets.charts.chart import ChartView
from playground.drawing.axes import rounded_up
from playground.lab.chart import Axis, Chart, Series

ABOUT = (
    "<p>Relative error at each noise level: root of the Fisher divergence over the root mean square of "
    "the reference score. 0 is perfect; 100 % is the error of a zero score. The band is one standard "
    "error to either side. The mark is the sampler's present noise level.</p>"
)
NO_CURVE = "At the one noise level that was measured, the error stands below."


class SigmaAxis(Axis):
    """An axis of noise levels, labelled as everywhere else."""

    def marks(self, most: int) -> list[tuple[float, str]]:
        return [(value, format_number(value)) for value, _ in super().marks(most)]


class ErrorAlongSigma(ChartView):
    """Relative error of the score against log sigma, in a band two standard errors wide, with the sampler's level
    marked."""

    def __init__(self) -> None:
        super().__init__("Error of the score along sigma", ABOUT, 112, falling=True)
        self.measured = np.zeros((3, 0))  # sigmas ascending, relative errors, their standard errors
        self._asked = ""
        self.show_empty("Measure compares the learned score with the exact one at every noise level.")

    def show_errors(self, sigmas: np.ndarray, errors: np.ndarray, spread: np.ndarray) -> None:
        """Show (S,) relative errors and their standard errors at (S,) sigmas, in any order."""
        order = np.argsort(sigmas)
        curves = np.stack([sigmas, errors, spread]).astype(float)[:, order]
        curves = curves[:, np.isfinite(curves[1]) & (curves[0] > 0)]
        curves[2] = np.nan_to_num(curves[2])  # of a single point it is not known
        if np.array_equal(curves, self.measured):
            return
        self.measured = curves
        sigmas, errors, spread = curves
        if not len(sigmas):
            self.show_empty(self._asked)
            return
        worst = int(errors.argmax())
        most = f"t most {format_percent_with_error(errors[worst], spread[worst])}"
        said = f"A{most}, at sigma {format_number(sigmas[worst])}."
        if len(sigmas) < 2:
            super().show_empty(NO_CURVE)
            self.describe(said)
            return
        top = 100 * rounded_up(float((errors + spread).max()))
        series = Series("error", sigmas, 100 * errors, "error", legend=f"a{most}", error=100 * spread)
        x = SigmaAxis("σ", sigmas[0], sigmas[-1], True)
        self.show_chart(Chart((series,), x, Axis("error, %", 0.0, top)), said)

    def show_empty(self, sentence: str) -> None:
        """Show what stands here before a measurement."""
        self._asked = sentence
        if not self.measured.size:
            super().show_empty(sentence)

    def say_x(self, value: float) -> str:
        return f"σ = {format_number(value)}"

    def say_y(self, value: float, error: float = 0.0) -> str:
        return format_percent_with_error(value / 100, error / 100)
