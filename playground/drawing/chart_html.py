"""A chart of curves as HTML: it takes the width and the colours of its page, and its letters stay as large as the page's."""

import html
from collections.abc import Iterator

import numpy as np

from playground.drawing.legend import POINT, entries_of
from playground.lab.chart import Axis, Chart, Series

MARKS = 5, 4
"""Most numbers on the x and on the y axis: so many have room on a telephone."""
UNIT = 1000
"""Of the drawing, across and up; the page stretches it."""


def chart_html(chart: Chart) -> str:
    """The names of the curves, and the plot. A colour is a variable of the page's style, named like a token of the palette.

    Args:
        chart: its series are lines, dashed, or points that are joined.
    """
    key = "".join(f"<span{_looks(one)}>{html.escape(text)}</span>" for text, _, one, _ in entries_of(chart))
    across, up = (_marks(axis, most) for axis, most in zip(chart.axes, MARKS, strict=True))
    grid = "".join(f"M{UNIT * at:.0f} 0V{UNIT}" for at, _ in across) + "".join(
        f"M0 {UNIT * (1 - at):.0f}H{UNIT}" for at, _ in up
    )
    numbers = [f'<span class="across" style="left:{at:.1%}">{html.escape(text)}</span>' for at, text in across]
    numbers += [f'<span class="up" style="bottom:{at:.1%}">{html.escape(text)}</span>' for at, text in up]
    drawn = "".join(shape for one in chart.series for shape in _shapes(chart, one))
    return (
        f'<figcaption>{key}</figcaption>\n<div class="plot"><svg viewBox="0 0 {UNIT} {UNIT}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="grid" d="{grid}"/>{drawn}</svg>{"".join(numbers)}</div>\n<p class="axis">{html.escape(chart.x.name)}</p>'
    )


def _marks(axis: Axis, most: int) -> list[tuple[float, str]]:
    return [(float(axis.place(value)), text) for value, text in axis.marks(most)]


def _looks(one: Series | None, **style: float) -> str:
    """The attributes of what is drawn for a series."""
    if one is None:
        return ""
    told = {"--hue": f"var(--{one.color.replace('_', '-')})"} | {
        name.replace("_", "-"): value for name, value in style.items()
    }
    return f' class="{one.kind}" style="{";".join(f"{name}:{value}" for name, value in told.items())}"'


def _shapes(chart: Chart, one: Series) -> Iterator[str]:
    if one.error is not None:
        edge = np.concatenate([one.y - one.error, (one.y + one.error)[::-1]])
        points = _points(chart, np.concatenate([one.x, one.x[::-1]]), edge)
        yield f'<polygon{_looks(one)} points="{points}"/>'
    points = _points(chart, one.x, one.y)
    yield f'<polyline{_looks(one, stroke_width=one.width)} points="{points}"/>'
    if one.kind == "points":
        discs = "".join(f"M{point}h0" for point in points.split())  # round caps, which are not stretched
        yield f'<path{_looks(one, stroke_width=2 * POINT)} d="{discs}"/>'


def _points(chart: Chart, x: np.ndarray, y: np.ndarray) -> str:
    places = zip(chart.x.place(x).tolist(), chart.y.place(y).tolist(), strict=True)
    return " ".join(f"{UNIT * across:.1f},{UNIT * (1 - up):.1f}" for across, up in places)
