"""The distance between runs and data against score evaluations, one curve per column."""

from collections.abc import Sequence

import numpy as np

from playground.app.style.number_formats import format_measured, format_number
from playground.app.widgets.charts.chart import ChartView
from playground.lab.chart import Axis, Chart, Series, axis_around
from playground.lab.columns import DistanceCurve
from playground.lab.figures import FIGURES

COLORS = (
    "error",
    "data",
    "learned",
    "likelihood",
)  # of the columns; the letter at each curve's name distinguishes them too
WIDTHS = 2.5, 2.0, 1.5, 1.0
NAME = "Sliced W₂ to the data"
ABOUT = (
    "<p>Sliced Wasserstein-2 distance between particles and data, in the data's units, against score evaluations of one "
    "particle.</p><p>Dashed: the floor, the mean distance of a perfect sampler, in a band of one standard deviation to either "
    "side. A run may end below it by chance.</p><p>Small circles are the measured frames, large ones where each column stands. "
    "All columns are compared with the same points in the same directions.</p>"
)


class DistanceChart(ChartView):
    """One curve per column, and a dashed floor in a band two standard deviations wide."""

    def __init__(self) -> None:
        super().__init__(NAME, ABOUT, 132)

    def say_x(self, value: float) -> str:
        return f"{format_number(value)} evaluations"


def distance_chart(curves: Sequence[tuple[str, int, DistanceCurve]]) -> tuple[Chart, str]:
    """The chart of these curves, each with the column's letter and place, and a description of it."""
    series = []
    for letter, place, curve in curves:
        series.append(
            Series(
                letter,
                curve.evaluations,
                curve.distances,
                COLORS[place],
                "points",
                legend=f"{letter} {format_number(float(curve.distances[-1]))}",
                width=WIDTHS[place],
            )
        )
    longest = max(float(curve.evaluations[-1]) for _, _, curve in curves)
    floor = float(np.mean([curve.floor for _, _, curve in curves]))
    spread = float(np.mean([curve.floor_std for _, _, curve in curves]))
    known = format_measured(floor, spread, 2)
    ends, level, around = np.array([0.0, max(longest, 1.0)]), np.full(2, floor), np.full(2, spread)
    series.insert(0, Series("floor", ends, level, "muted", "dashed", legend=f"floor {known}", error=around))
    heights = [one.y for one in series] + [level + around, level - around if spread < floor else level]
    log = min(float(part.min()) for part in heights) > 0
    y = axis_around(heights, f"{FIGURES['sliced_wasserstein2'].title} to the data", log)
    said = ", ".join(f"{letter} ends at {format_number(float(curve.distances[-1]))}" for letter, _, curve in curves)
    chart = Chart(tuple(series), Axis("evaluations", 0.0, float(ends[1])), y)
    return chart, f"{said}; the floor is {known}."
