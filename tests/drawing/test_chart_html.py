"""A chart as HTML has the curves and the numbers of the chart, and takes its colours from the page."""

import re

import numpy as np

from playground.drawing.chart_html import chart_html
from playground.lab.chart import Axis, Chart, Series

X = np.array([0.0, 10.0, 40.0])


def chart() -> Chart:
    curve = Series("A", X, np.array([10.0, 1.0, 0.1]), "on_accent", "points", legend="A <0.1>", width=2.5)
    floor = Series("floor", X[::2], np.full(2, 0.1), "muted", "dashed", error=np.full(2, 0.2))
    return Chart((floor, curve), Axis("evaluations", 0, 40), Axis("distance", 0.1, 10, log=True))


def test_curves_go_through_their_points() -> None:
    drawn = chart_html(chart())
    assert (
        '<polyline class="points" style="--hue:var(--on-accent);stroke-width:2.5" points="0.0,0.0 250.0,500.0 1000.0,1000.0"/>'
        in drawn
    )
    assert 'd="M0.0,0.0h0M250.0,500.0h0M1000.0,1000.0h0"' in drawn
    assert '<polyline class="dashed"' in drawn


def test_a_band_that_reaches_below_zero_ends_at_the_axis() -> None:
    found = re.search('<polygon class="dashed" [^>]* points="([^"]*)"', chart_html(chart()))
    assert found is not None
    low, _, _, high = (point.split(",")[1] for point in found[1].split())
    assert low == "1000.0"
    assert float(high) == round(1000 * (1 - float(chart().y.place(0.3))), 1)


def test_names_and_numbers_are_text() -> None:
    drawn = chart_html(chart())
    for text in (">distance<", ">A &lt;0.1&gt;<", ">floor<", ">evaluations<", ">10<", ">0.1<", ">40<"):
        assert text in drawn, text
