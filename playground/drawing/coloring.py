"""Particles coloured by a property of each, a number or a category, with a scale or key."""

import functools

import numpy as np

from playground.drawing.color_scale import ColorKey, ColorScale, Legend
from playground.drawing.palette import PALETTES, Palette, category_colors, value_colors
from playground.drawing.raster import premultiplied
from playground.lab.chart import nice_step, ticks
from playground.records import record

SECTORS = 8
OF_CLASSES = (0, 5, 4, 6, 7, 3, 2, 1)
"""The colours of classes: that of the particles, which lie on the classes, comes last."""
OPACITY = 0.95
NOWHERE = 0.02  # fraction of the values that may lie below the scale, and above it


@record
class Coloring:
    """A colour for each particle.

    Args:
        title: the quantity of the colours, with its unit.
        labels: (N,) uint8: indices of the 256 colours of numbers, or of the colours of categories.
        numbers: numbers of a scale, see :class:`playground.drawing.color_scale.ColorScale`; None for categories.
        names: names of categories; none if they are the sectors of a circle.
        order: the colours of the categories, as indices of the palette's.
    """

    title: str
    labels: np.ndarray
    numbers: tuple[tuple[float, str], ...] | None = None
    names: tuple[str, ...] = ()
    order: tuple[int, ...] = tuple(range(SECTORS))

    def colors(self, palette: Palette, opacity: float = OPACITY) -> np.ndarray:
        """The colours by coverage x 256 + label, (65536,) uint32 premultiplied ARGB."""
        return _table(palette.name, self.numbers is not None, opacity)

    def legend(self, palette: Palette) -> Legend:
        """What says which colour is what."""
        if self.numbers is not None:
            return ColorScale(self.title, value_colors(palette), self.numbers)
        colors = category_colors(palette).tolist()
        return ColorKey(
            self.title, tuple(colors[index] for index in self.order[: len(self.names) or SECTORS]), self.names
        )


def by_number(values: np.ndarray, title: str, low: float | None = None) -> Coloring:
    """Colours for values (N,), from the lowest to the highest except for a few outliers.

    Args:
        low: the low end of the scale; by default that of the values.
    """
    values = np.asarray(values, np.float64)
    finite = values[np.isfinite(values)]
    ends = np.quantile(finite, [NOWHERE, 1 - NOWHERE]) if len(finite) else np.array([0.0, 1.0])
    first, last = (ends[0] if low is None else low), ends[1]
    if not last > first:
        last = first + max(abs(first), 1.0) * 1e-3
    step = nice_step((last - first) / 4)
    first, last = np.floor(first / step + 1e-9) * step, np.ceil(last / step - 1e-9) * step
    share = np.nan_to_num((values - first) / (last - first), nan=0.0, posinf=1.0, neginf=0.0)
    labels = np.round(255 * np.clip(share, 0, 1)).astype(np.uint8)
    numbers = tuple(((value - first) / (last - first), text) for value, text in ticks(first, last, step))
    return Coloring(title, labels, numbers)


def by_kind(
    kinds: np.ndarray, title: str, names: tuple[str, ...], order: tuple[int, ...] = tuple(range(SECTORS))
) -> Coloring:
    """One of eight colours for each kind. If there are more kinds, several share a colour.

    Args:
        kinds: (N,) numbers of kinds, from 0.
        names: names of all kinds.
        order: the colours, as indices of the palette's.
    """
    count = len(order)
    if len(names) > count:
        title, names = f"{title}, {len(names)} in all", tuple(", ".join(names[first::count]) for first in range(count))
    return Coloring(title, np.array(order, np.uint8)[kinds % count], names=names, order=order)


def by_class(labels: np.ndarray, names: tuple[str, ...]) -> Coloring:
    """One of eight colours for each class, as :func:`by_kind`.

    Args:
        labels: (N,) classes, counted from 0.
        names: names of the classes; numbers if there are none.
    """
    numbers = tuple(map(str, range(int(labels.max(initial=-1)) + 1)))
    return by_kind(labels, "class", names or numbers, OF_CLASSES)


def by_direction(points: np.ndarray, title: str) -> Coloring:
    """One of eight colours for each point (N, 2), by its direction from the centre of all points."""
    away = points - points.mean(axis=0)
    turn = np.mod(np.arctan2(away[:, 1], away[:, 0]) / (2 * np.pi), 1.0)
    return Coloring(title, np.minimum(turn * SECTORS, SECTORS - 1).astype(np.uint8))


@functools.lru_cache(maxsize=4)
def _table(name: str, numbers: bool, opacity: float) -> np.ndarray:
    palette = PALETTES[name]
    colors = value_colors(palette) if numbers else np.resize(category_colors(palette), 256)
    channels = np.stack([colors >> 16 & 255, colors >> 8 & 255, colors & 255], axis=1).astype(np.float64)
    coverage = np.repeat(np.linspace(0, opacity, 256), 256)
    return premultiplied(np.tile(channels, (256, 1)), coverage)
