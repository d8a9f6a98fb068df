"""The scale of the density layer agrees with its colours."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QColor, QFontMetricsF, QImage

from playground.drawing import color_scale, film
from playground.drawing.layers import Density, Particles
from playground.drawing.palette import DARK, LIGHT, Palette
from playground.drawing.plane import Plane
from playground.drawing.render import render
from playground.drawing.scene import Scene
from tests.colors import rgb

SIZE = 600, 400
BOX = (0.0, 1.0, 0.0, 1.0)


def pixels(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4)[..., :3].copy()


def corner(image: QImage) -> np.ndarray:
    return pixels(image)[: int(color_scale.HEIGHT), -int(color_scale.LENGTH + 40) :]


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_density_has_the_colour_that_the_bar_has_at_its_number(qapp: object, palette: Palette, share: float) -> None:
    peak = 7.3
    values = np.full((8, 8), share * peak)
    values[0, 0] = peak
    density = Density(values, BOX)
    image, bar = density.image(palette), density.scale(palette, ("x", "y"))
    assert bar is not None
    found, scale = QColor(image.pixel(4, 2)), QColor(int(bar.colors[round(share * 255)]))
    for one, other in zip(rgb(found), rgb(scale), strict=True):
        assert abs(one - other) <= 3


def scene(**changes: Any) -> Scene:
    return dataclasses.replace(Scene(viewport=BOX, density=Density(np.full((8, 8), 2.5), BOX)), **changes)


def test_the_scale_is_there_with_a_density_and_only_then(qapp: object) -> None:
    far = scene(density=Density(np.full((8, 8), 2.5), (0.0, 0.2, 0.0, 0.2)))  # in another corner
    without = corner(render(scene(density=None), *SIZE))
    assert (corner(render(far, *SIZE)) != without).any()
    nothing = scene(density=Density(np.zeros((8, 8)), BOX))
    assert (corner(render(nothing, *SIZE)) == without).all()  # no largest value, no scale


def test_particles_do_not_hide_it(qapp: object) -> None:
    """The bar's own colours lie over a cloud that covers the whole corner."""
    spread = np.random.default_rng(0).uniform((0.6, 0.8), (1.0, 1.0), (5000, 2))
    bar = (slice(32, 36), slice(-140, -40))  # inside the bar of colours
    empty, full = (corner(render(scene(particles=one), *SIZE)) for one in (None, Particles(spread)))
    assert (empty[bar] == full[bar]).all()
    assert (empty != full).any()


def test_pictures_and_films_carry_it_and_thumbnails_do_not(qapp: object) -> None:
    assert color_scale.fits(Plane(BOX, 640.0, 360.0))
    assert not color_scale.fits(Plane(BOX, 300.0, 200.0))
    one, other = (scene(density=Density(np.full((8, 8), peak), BOX)) for peak in (2.5, 0.031))
    for size in ((1920, 1080), (640, 360), (1080, 1080)):
        first, second = (film.picture(shown, *size) for shown in (one, other))
        assert isinstance(first, QImage)
        assert isinstance(second, QImage)
        assert (pixels(first) != pixels(second)).any()  # uniform densities have one colour: the numbers differ


def test_the_scale_bar_has_the_unit_of_both_axes(qapp: object, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    elided = QFontMetricsF.elidedText

    def noted(metrics: QFontMetricsF, text: str, *rest: Any) -> str:
        drawn.append(text)
        return elided(metrics, text, *rest)

    monkeypatch.setattr(QFontMetricsF, "elidedText", noted)
    render(scene(), *SIZE)
    render(scene(axes=("length (mm)", "mass")), *SIZE)
    assert drawn == ["density p per unit²", "density p per length (mm) × mass"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (2.5, "2.5"),
        (0.316, "0.32"),
        (0.996, "1.0"),
        (12.4, "12"),
        (3456.0, "3500"),
        (3.2e-5, "3.2e−5"),
        (2e7, "2.0e7"),
    ],
)
def test_numbers_have_two_digits(value: float, text: str) -> None:
    assert color_scale.number(value) == text
