"""The layer of score errors: its colours, its scale and its arrows."""

import numpy as np
import pytest
from PySide6.QtGui import QColor

from playground.drawing.layers import Density, Field, ScoreError
from playground.drawing.palette import DARK, LIGHT, Palette
from playground.drawing.render import render
from playground.drawing.scene import Scene
from tests.colors import rgb
from tests.drawing.test_color_scale import BOX, SIZE, corner, pixels


def error(share: float, top: float = 4.0, arrows: Field | None = None) -> ScoreError:
    return ScoreError(np.full((8, 8), share * top), BOX, top, arrows)


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_an_error_has_the_colour_that_the_bar_has_at_its_number(qapp: object, palette: Palette, share: float) -> None:
    image = render(Scene(viewport=BOX, palette=palette, error=error(share)), *SIZE)
    scale = error(share).scale(palette, ("x", "y"))
    assert scale is not None
    # Between grid lines and numbers, away from the corner of the scale.
    found, meant = image.pixelColor(141, 333), QColor(int(scale.colors[round(share * 255)]))
    for one, other in zip(rgb(found), rgb(meant), strict=True):
        assert abs(one - other) <= 4


def test_a_smaller_error_is_nearer_to_the_background_and_one_above_the_scale_is_as_full_as_its_end(
    qapp: object,
) -> None:
    shown = [
        render(Scene(viewport=BOX, error=error(share)), *SIZE).pixelColor(141, 333).red()
        for share in (0, 0.1, 0.5, 1, 9)
    ]
    assert shown[:4] == sorted(shown[:4])
    assert len(set(shown[:4])) == 4
    assert shown[3] == shown[4]


def test_the_scales_of_density_and_error_lie_below_each_other(qapp: object) -> None:
    density = Density(np.full((8, 8), 2.5), BOX)
    assert len(Scene(density=density, error=error(0.5)).legends()) == 2
    both = pixels(render(Scene(viewport=BOX, density=density, error=error(0.0)), *SIZE))
    one = pixels(render(Scene(viewport=BOX, density=density), *SIZE))
    rows = np.flatnonzero((both != one).any(axis=(1, 2)))
    assert rows.min() > 40  # under the first scale
    assert rows.max() < 130
    assert (
        corner(render(Scene(viewport=BOX, error=error(0.5)), *SIZE)) != corner(render(Scene(viewport=BOX), *SIZE))
    ).any()


def test_arrows_are_shown_with_the_map_and_without(qapp: object) -> None:
    places = np.array([[0.3, 0.4], [0.6, 0.5], [0.4, 0.7]])
    arrows = Field(places, np.ones((3, 2)), "error")
    alone = Scene(viewport=BOX, error=ScoreError(None, BOX, 1.0, arrows))
    assert alone.still() == [arrows]
    assert alone.legends() == []
    assert (pixels(render(alone, *SIZE)) != pixels(render(Scene(viewport=BOX), *SIZE))).any()
    assert Scene(error=error(0.5)).still() == []
