"""Lines of equal density: their places, that they are closed, and their marks on the scale."""

import math

import numpy as np
import pytest

from playground.drawing.contours import contour_segments
from playground.drawing.layers import LOG_RANGE, Density, DensityStyle
from playground.drawing.palette import DARK
from playground.drawing.render import render
from playground.drawing.scene import Scene
from tests.colors import rgb
from tests.drawing.test_color_scale import pixels

BOX = (-4.0, 4.0, -4.0, 4.0)


def gaussian(cells: int) -> np.ndarray:
    places = (np.arange(cells) + 0.5) * 8 / cells - 4
    return np.exp(-0.5 * (places[:, None] ** 2 + places**2)) / (2 * math.pi)


def test_a_line_of_a_gaussian_is_the_circle_of_its_height() -> None:
    cells, level = 160, 0.05
    segments = contour_segments(gaussian(cells), level)
    ends = (segments.reshape(-1, 2) + 0.5) * 8 / cells - 4
    radius = math.sqrt(-2 * math.log(2 * math.pi * level))
    np.testing.assert_allclose(np.linalg.norm(ends, axis=1), radius, rtol=2e-3)
    lengths = np.linalg.norm(np.diff(ends.reshape(-1, 2, 2), axis=1), axis=2)
    assert lengths.sum() == pytest.approx(2 * math.pi * radius, rel=2e-3)


def test_lines_are_closed_and_never_cross_even_at_saddles() -> None:
    """In noise about every fourth cell is a saddle. Inside the grid each end of a segment is the end of one other."""
    values = np.random.default_rng(0).normal(size=(30, 40))
    segments = contour_segments(values, 0.1)
    ends = np.round(segments.reshape(-1, 2), 9)
    inside = ((ends > 1e-9) & (ends < np.array([39, 29]) - 1e-9)).all(axis=1)
    _, counts = np.unique(ends[inside], axis=0, return_counts=True)
    assert set(counts.tolist()) == {2}
    rims = np.concatenate([values[0], values[-1]]), np.concatenate([values[:, 0], values[:, -1]])
    crossings = sum(int(np.sum(np.diff(half > 0.1))) for rim in rims for half in np.split(rim, 2))
    assert np.count_nonzero(~inside) == crossings


def test_a_plane_without_the_level_has_no_line() -> None:
    assert contour_segments(np.zeros((5, 5)), 0.5).shape == (0, 4)


def test_log_density_has_even_levels_and_colours(qapp: object) -> None:
    density = Density(gaussian(64), BOX, "log")
    levels = density.levels()
    assert np.ptp(np.diff(levels)) == pytest.approx(0.0, abs=1e-9)
    top = math.log(density.peak())
    assert top - LOG_RANGE < levels[0] < levels[-1] < top
    scale = density.scale(DARK, ("x", "y"))
    assert scale is not None
    assert scale.title == "log p, p per unit²"
    image = density.image(DARK)
    # Half of the range below the peak has the colour in the middle of the bar.
    cell = round((math.sqrt(LOG_RANGE) + 4) / 8 * 64 - 0.5)
    found, middle = image.pixelColor(cell, 32), int(scale.colors[128])
    for shown, meant in zip(rgb(found), (middle >> 16 & 255, middle >> 8 & 255, middle & 255), strict=True):
        assert abs(shown - meant) <= 6


@pytest.mark.parametrize("style", ["contours", "log"])
def test_contours_are_in_the_picture(qapp: object, style: DensityStyle) -> None:
    plain, lined = (
        pixels(render(Scene(viewport=BOX, density=Density(gaussian(64), BOX, shown)), 300, 200))
        for shown in ("plain", style)
    )
    assert (plain != lined).any(axis=2).mean() > 0.01


def test_a_density_of_zero_has_no_contours(qapp: object) -> None:
    for style in ("plain", "contours", "log"):
        density = Density(np.zeros((8, 8)), BOX, style)
        assert density.scale(DARK, ("x", "y")) is None
        render(Scene(viewport=BOX, density=density), 300, 200)


def test_unequal_numbers_of_a_scale_stand_at_their_places(qapp: object) -> None:
    density = Density(gaussian(64), BOX, "contours")
    scale = density.scale(DARK, ("x", "y"))
    assert scale is not None
    assert [share * density.peak() for share, _ in scale.numbers] == pytest.approx([0.0, *density.levels()])
