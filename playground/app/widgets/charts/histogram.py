"""The marginal density of the samples along one axis, over that of the data and the exact one if known."""

import numpy as np

from playground.app.style.number_formats import format_coordinate, format_percent
from playground.app.widgets.charts.chart import ChartView
from playground.drawing.legend import Entry
from playground.lab.chart import Axis, Chart, Series

BINS = 28
ABOUT = (
    "<p>Bars: the data along one axis. Thin curve: their exact density, where it is known. Line: the particles that the canvas shows. "
    "All are shares of a bar's width.</p>"
)


class MarginalHistogram(ChartView):
    """Data as bars, samples as a line over the same bins, a known density as a thin curve."""

    def __init__(self) -> None:
        super().__init__("Samples against data", ABOUT, 136, lines=2)
        self.edges = np.zeros(0)
        self._data: np.ndarray | None = None
        self._samples: np.ndarray | None = None
        self._below: np.ndarray | None = None
        self._axis_name = self._moment = ""
        self._show()

    def show_data(self, values: np.ndarray, axis: str, below: np.ndarray | None = None) -> None:
        """Show (N,) coordinates of the data along an axis; the samples are hidden until new ones come.

        Args:
            below: (2, P) evenly spaced positions and the mass of a known density below each; None if none is known.
        """
        values = np.asarray(values, float)
        self._axis_name, self._samples, self._below = axis, None, below
        if len(values):
            low, high = np.quantile(values, (0.001, 0.999))
            margin = 0.08 * (high - low) or 0.5
            self.edges = np.linspace(low - margin, high + margin, BINS + 1)
            self._data = self._share(values)
        else:
            self.edges, self._data = np.zeros(0), None
        self._show()

    def show_samples(self, values: np.ndarray | None, moment: str = "") -> None:
        """Show (N,) coordinates of the particles, and the moment of the run whose they are; "" for its end."""
        if self._data is None:
            return
        shares = None if values is None or not len(values) else self._share(np.asarray(values, float))
        if moment != self._moment or not np.array_equal(shares, self._samples):  # type: ignore[arg-type]
            self._samples, self._moment = shares, moment
            self._show()

    def overlap(self) -> float | None:
        """The area that samples and data share; 1 if they agree in every bin."""
        if self._data is None or self._samples is None:
            return None
        return float(np.minimum(self._data, self._samples).sum())

    def exact(self) -> np.ndarray | None:
        """(BINS,) the share of a known density in each bin; None if none is known."""
        if self._below is None or self._data is None:
            return None
        return np.asarray(np.diff(np.interp(self.edges, *self._below)))

    def entries(self) -> list[Entry]:
        overlap = self.overlap() if self._pointed is None else None
        return super().entries() + ([] if overlap is None else [Entry(f"{format_percent(overlap)} overlap")])

    def say_x(self, value: float) -> str:
        """Round by the width in view; with a fixed number of digits, both ends would look equal far from 0."""
        return f"{self._axis_name} = {format_coordinate(value, (float(self.edges[0]), float(self.edges[-1])), 2)}"

    def say_y(self, value: float, error: float = 0.0) -> str:
        return format_percent(value / 100)

    def _show(self) -> None:
        if self._data is None:
            self.show_empty("The data appear here, and the particles over them.")
            self.describe("No data yet.")
            return
        middles = (self.edges[1:] + self.edges[:-1]) / 2
        series, exact = [Series("data", middles, 100 * self._data, "data", "bars")], self.exact()
        if exact is not None and self._below is not None:
            # A share is that of a bin: the curve is as high as the bar of a bin with constant density. It is the mean density
            # between two positions, because the values at them alone would miss or exaggerate a thinner peak.
            places, mass = self._below
            density = np.diff(mass) / np.diff(places) * (self.edges[1] - self.edges[0])
            between = (places[1:] + places[:-1]) / 2
            series.append(Series("exact density", between, 100 * density, "exact", legend="", width=1.5))
            series.append(Series("exact", middles, 100 * exact, "exact", width=1.5, alpha=0.0))  # read, not drawn
        if self._samples is not None:
            legend = f"at {self._moment}" if self._moment else None  # shorter, so that two lines are enough
            series.append(Series("samples", middles, 100 * self._samples, "particles", legend=legend))
        overlap = self.overlap()
        said = f"Data along {self._axis_name}; no samples yet."
        if overlap is not None:
            said = f"Along {self._axis_name}, samples and data share {overlap:.0%} of their area."
        # Scaled to the data, because particles in a single bin would flatten them.
        y = Axis("share, %", 0.0, 125 * float(self._data.max()))
        x = Axis(self._axis_name, float(self.edges[0]), float(self.edges[-1]))
        self.show_chart(Chart(tuple(series), x, y), said)

    def _share(self, values: np.ndarray) -> np.ndarray:
        """(BINS,) share of the values in each bin; values outside count in the total."""
        return np.histogram(values, self.edges)[0] / len(values)
