"""The colours of every picture: one hue per concept, in a dark and a light palette.

Plots, chips, charts and text all take a concept's colour from here, so that teal is always data and amber always
particles. For deuteranopes and protanopes the hues differ in lightness too. Nothing is shown by colour alone.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtGui import QColor

from playground.drawing.raster import premultiplied


@dataclass(frozen=True)
class Palette:
    """Colours as ``#rrggbb``.

    On every surface of the palette, `text` and `muted` have a contrast of at least 4.5:1. Concepts have at least 3:1 on
    all surfaces except `hover`.
    """

    name: str
    dark: bool
    # surfaces, from the canvas up to widgets on a panel
    background: str  # the canvas
    panel: str  # side panels, the transport
    raised: str  # cards and buttons
    hover: str  # a button under the mouse
    border: str
    grid: str  # grid lines of plots and charts
    # text
    text: str
    muted: str  # captions, axis numbers
    disabled: str  # text of disabled widgets
    # concepts
    data: str
    density: str
    learned: str
    exact: str
    error: str
    particles: str
    trails: str
    likelihood: str
    accent: str  # the main button, sliders, focus rings
    on_accent: str  # text on accent or on amber
    density_stops: tuple[str, ...]  # from the background up to the peak, in equal steps of lightness
    categories: tuple[str, ...]  # eight categories that differ for every colour vision, 3:1 on the background
    value_stops: tuple[str, ...]  # numbers from low to high, with rising contrast to the background

    def color(self, name: str, alpha: float = 1.0) -> QColor:
        """The colour of a name, e.g. ``color("particles", 0.5)``, or of ``#rrggbb``; alpha in [0, 1]."""
        color = QColor(name if name.startswith("#") else getattr(self, name))
        color.setAlphaF(alpha)
        return color


DARK = Palette(
    name="dark",
    dark=True,
    background="#13161d",
    panel="#1a1e27",
    raised="#20252f",
    hover="#2a303c",
    border="#2c323e",
    grid="#1e232d",
    text="#e6e9f0",
    muted="#9aa3b2",
    disabled="#5d6675",
    data="#5ec9ad",
    density="#4688b5",
    learned="#7b88f7",
    exact="#93a4b8",
    error="#f0605d",
    particles="#ffb13b",
    trails="#cf9745",
    likelihood="#f4619a",
    accent="#7b88f7",
    on_accent="#13161d",
    density_stops=("#13161d", "#172739", "#1c3a56", "#244f73", "#32658c", "#477ca0"),
    # Of Okabe & Ito (2008), with a lighter blue, for this background.
    categories=("#56b4e9", "#e69f00", "#f0e442", "#d55e00", "#009e73", "#cc79a7", "#4a6cf0", "#f2f2f2"),
    value_stops=("#5d55d6", "#3f86cf", "#2bae95", "#93cf55", "#fbe945"),
)

LIGHT = Palette(
    name="light",
    dark=False,
    background="#fbfcfd",
    panel="#f1f3f7",
    raised="#ffffff",
    hover="#e7eaf1",
    border="#d5dae3",
    grid="#eceff4",
    text="#1b202a",
    muted="#566071",
    disabled="#9aa2af",
    data="#0b7d63",
    density="#2f72a3",
    learned="#4a56d0",
    exact="#5b6a7d",
    error="#c62f2f",
    particles="#d37400",
    trails="#a5661a",
    likelihood="#cf2b6c",
    accent="#4a56d0",
    on_accent="#ffffff",
    density_stops=("#fbfcfd", "#e3eef6", "#cae0ee", "#b0d1e6", "#95c1dd", "#79b1d3"),
    categories=("#0a85c2", "#c2850a", "#267326", "#d92662", "#080891", "#f20df2", "#732626", "#850ac2"),
    value_stops=("#4fa8c4", "#3d84bd", "#475caf", "#4c3192", "#34104f"),
)

PALETTES = {palette.name: palette for palette in (DARK, LIGHT)}


def rgb(color: QColor) -> tuple[int, int, int]:
    """Red, green and blue, each from 0 to 255."""
    return color.red(), color.green(), color.blue()


@functools.cache
def density_colors(palette: Palette) -> np.ndarray:
    """The colours of a density from 0 to its peak, (256,) uint32 of 0xffRRGGBB."""
    return between([QColor(stop) for stop in palette.density_stops])


@functools.cache
def value_colors(palette: Palette) -> np.ndarray:
    """The colours of a number from low to high, (256,) uint32 of 0xffRRGGBB."""
    return between([QColor(stop) for stop in palette.value_stops])


@functools.cache
def category_colors(palette: Palette) -> np.ndarray:
    """The colours of categories, (8,) uint32 of 0xffRRGGBB."""
    return np.array([QColor(color).rgb() for color in palette.categories], np.uint32)


def between(stops: Sequence[QColor], places: Sequence[float] | None = None) -> np.ndarray:
    """The colours that go through these ones, (256,) uint32 of 0xffRRGGBB.

    Args:
        places: where each is, from 0 to 1; by default equally spaced.
    """
    at = np.linspace(0, 1, len(stops)) if places is None else places
    channels = [np.interp(np.linspace(0, 1, 256), at, channel) for channel in zip(*map(rgb, stops), strict=True)]
    return premultiplied(np.stack(channels, axis=1), np.ones(256))
