"""Coloured particles: each has the colour of its property, and the legend has the colours of the picture."""

import dataclasses

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter

from playground.drawing import raster
from playground.drawing.color_scale import ColorKey, ColorScale
from playground.drawing.coloring import SECTORS, by_class, by_direction, by_kind, by_number
from playground.drawing.layers import SPRITES, Data, Particles
from playground.drawing.palette import DARK, LIGHT, PALETTES, Palette, category_colors, value_colors
from playground.drawing.plane import Plane
from playground.drawing.render import render
from playground.drawing.scene import Scene
from tests.colors import rgb
from tests.drawing.test_color_scale import BOX, SIZE, pixels
from tests.drawing.test_palette import SIGHTS, _lightness, _linear, _oklab

BOTH = pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)


@pytest.mark.parametrize("count", [3, raster.FEW + 1, SPRITES + 1])
@BOTH
def test_each_particle_has_its_colour_in_the_middle_of_its_disc(qapp: object, palette: Palette, count: int) -> None:
    """Three particles are apart; all others are outside the picture, so that each way of painting many is used."""
    positions = np.full((count, 2), -5.0)
    positions[:3] = [[0.205, 0.305], [0.505, 0.505], [0.405, 0.805]]
    kinds = np.zeros(count, np.int64)
    kinds[:3] = [0, 3, 6]
    coloring = by_kind(kinds, "kind", tuple("abcdefgh"))
    image = render(Scene(viewport=BOX, palette=palette, particles=Particles(positions, coloring, 2.0)), *SIZE)
    plane = Plane(BOX, *SIZE)
    for (x, y), kind in zip(plane.to_painter(positions[:3]).tolist(), (0, 3, 6), strict=True):
        found, meant = image.pixelColor(int(x), int(y)), QColor(int(category_colors(palette)[kind]))
        for one, other in zip(rgb(found), rgb(meant), strict=True):
            assert abs(one - other) <= 14  # 95 % of it


def test_particles_that_are_not_finite_keep_no_others_from_their_colours(qapp: object) -> None:
    places = np.array([[np.nan, 0.5], [0.5, 0.5]])
    coloring = by_kind(np.array([1, 2]), "kind", tuple("abc"))
    labelled = raster.discs(Plane(BOX, *SIZE).to_pixels(places), 3.0, *SIZE, coloring.labels)
    assert set((labelled[labelled > 255] & 255).tolist()) == {2}


def test_numbers_run_over_the_scale_that_says_so() -> None:
    values = np.linspace(-3.0, 5.0, 1001)
    coloring = by_number(values, "x")
    assert coloring.numbers is not None
    places = {text: share for share, text in coloring.numbers}
    for value, text in ((-2.0, "−2"), (0.0, "0"), (4.0, "4")):
        assert coloring.labels[np.abs(values - value).argmin()] == pytest.approx(255 * places[text], abs=1)
    assert (np.diff(coloring.labels.astype(int)) >= 0).all()
    positive = by_number(values, "x", low=0.0).numbers
    assert positive is not None
    assert positive[0] == (0.0, "0")


@pytest.mark.parametrize("values", [np.zeros(4), np.full(4, np.nan), np.zeros(0), np.array([-np.inf, 1.0, np.nan])])
def test_numbers_that_are_all_alike_or_none_have_a_scale_too(values: np.ndarray) -> None:
    coloring = by_number(values, "x")
    assert len(coloring.labels) == len(values)
    assert coloring.numbers is not None
    assert all(0 <= share <= 1 for share, _ in coloring.numbers)


def test_one_particle_far_away_does_not_darken_the_others() -> None:
    values = np.concatenate([np.linspace(0, 1, 1000), [1e6]])
    assert np.ptp(by_number(values, "x").labels[:1000]) > 200


def test_directions_are_the_sectors_of_the_wheel() -> None:
    angles = (np.arange(SECTORS) + 0.5) * 2 * np.pi / SECTORS
    points = np.stack([7 + np.cos(angles), np.sin(angles) - 3], axis=1)
    assert by_direction(points, "began").labels.tolist() == list(range(SECTORS))
    legend = by_direction(points, "began").legend(DARK)
    assert isinstance(legend, ColorKey)
    assert (len(legend.colors), legend.names) == (SECTORS, ())


def test_more_kinds_than_colours_share_them_and_the_key_says_so() -> None:
    coloring = by_kind(np.arange(10), "mode", tuple(str(number) for number in range(10)))
    assert coloring.labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]
    legend = coloring.legend(DARK)
    assert isinstance(legend, ColorKey)
    assert legend.title == "mode, 10 in all"
    assert legend.names[:3] == ("0, 8", "1, 9", "2")


def test_the_legend_is_in_the_picture(qapp: object) -> None:
    places = np.full((3, 2), 0.2)
    plain = Scene(viewport=BOX, particles=Particles(places))
    for coloring in (
        by_number(np.arange(3.0), "x"),
        by_kind(np.arange(3), "mode", tuple("abc")),
        by_direction(places + np.arange(3)[:, None], "began"),
    ):
        assert isinstance(coloring.legend(DARK), ColorScale if coloring.numbers else ColorKey)
        coloured = dataclasses.replace(plain, particles=Particles(places, coloring))
        changed = (pixels(render(coloured, *SIZE)) != pixels(render(plain, *SIZE))).any(axis=2)
        assert changed[:50, 440:].any()
        assert not changed[200:, :100].any()


@pytest.mark.parametrize("sight", SIGHTS)
@BOTH
def test_kinds_differ_for_every_colour_vision(palette: Palette, sight: str) -> None:
    """They differ by three just noticeable differences, 0.02 in Oklab each, and stand out from the background."""

    def seen(color: str) -> np.ndarray:
        return _oklab(np.clip(SIGHTS[sight] @ _linear(np.array(rgb(QColor(color))) / 255), 0, 1))

    found = [seen(color) for color in palette.categories]
    apart = [np.linalg.norm(one - other) for number, one in enumerate(found) for other in found[:number]]
    assert min(apart) > 0.06
    for color in palette.categories:
        first, second = sorted(
            float(np.array([0.2126, 0.7152, 0.0722]) @ _linear(np.array(rgb(QColor(name))) / 255))
            for name in (color, palette.background)
        )
        assert (second + 0.05) / (first + 0.05) >= 3


@BOTH
def test_numbers_differ_in_lightness_too(palette: Palette) -> None:
    lightness = np.array([_lightness(int(color)) for color in value_colors(palette)[::15]])
    steps = np.diff(lightness)
    assert (steps > 0).all() if palette is DARK else (steps < 0).all()
    assert abs(lightness[-1] - lightness[0]) > 0.35
    assert palette in (DARK, LIGHT)


@pytest.mark.parametrize("count", [3, 3_000])
@BOTH
def test_training_points_have_the_colours_of_the_key_of_their_classes(
    qapp: object, palette: Palette, count: int
) -> None:
    """Each way of painting few and many points, all but three of them outside of the picture."""
    points = np.full((count, 2), -5.0)
    points[:3] = [[0.205, 0.305], [0.505, 0.505], [0.405, 0.805]]
    labels = np.zeros(count, np.int64)
    labels[:3] = [0, 1, 2]
    coloring = by_class(labels, ("left", "middle", "top"))
    key = coloring.legend(palette)
    assert isinstance(key, ColorKey)
    assert key.names == ("left", "middle", "top")
    assert len({*key.colors}) == 3
    plane = Plane(BOX, *SIZE, 2.0)
    sheet = QImage(plane.columns, plane.rows, QImage.Format.Format_ARGB32_Premultiplied)
    sheet.setDevicePixelRatio(plane.ratio)
    sheet.fill(0)
    with QPainter(sheet) as painter:
        Data(points, coloring).paint(painter, plane, palette)
    for place, color in zip(points[:3], key.colors, strict=True):
        x, y = plane.to_pixels(place[None])[0]
        shown = sheet.pixelColor(int(x), int(y))
        assert max(abs(a - b) for a, b in zip(rgb(shown), rgb(QColor(color)), strict=True)) <= 3


def test_more_classes_than_colours_share_them() -> None:
    key = by_class(np.arange(10), tuple("abcdefghij")).legend(DARK)
    assert isinstance(key, ColorKey)
    assert key.title == "class, 10 in all"
    assert key.names[:3] == ("a, i", "b, j", "c")
    assert by_class(np.arange(3), ()).names == ("0", "1", "2")
