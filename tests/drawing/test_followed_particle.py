"""The followed particle: its terms add up on the canvas as in numbers, and small ones have one magnification."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage

from playground.drawing.layers import ARROW_PIXELS, Flow, FollowedParticle, Role
from playground.drawing.palette import DARK
from playground.drawing.plane import Plane
from playground.drawing.render import render
from playground.drawing.scene import Scene
from tests.drawing.test_color_scale import BOX, SIZE, pixels

PLANE = Plane(BOX, *SIZE)
WAY = np.array([[0.1, 0.1], [0.4, 0.5], [0.5, 0.5]])


def followed(scale: float = 1.0, **changes: Any) -> FollowedParticle:
    terms: tuple[tuple[np.ndarray, Role], ...] = (
        (scale * np.array([0.1, 0.0]), "exact"),
        (scale * np.array([0.0, 0.2]), "learned"),
    )
    return dataclasses.replace(FollowedParticle(WAY, terms), **changes)


@pytest.mark.parametrize("scale", [1e-5, 3e-4, 0.01, 0.2, 1.0, 40.0])
def test_small_steps_are_magnified_by_one_round_factor(scale: float) -> None:
    factor = followed(scale).magnified(PLANE)
    longest = factor * scale * 0.2 * 400  # px; the picture is 400 high
    assert longest <= ARROW_PIXELS or factor == 1
    assert longest > ARROW_PIXELS / 3
    assert str(factor).rstrip("0") in ("1", "2", "5")


def test_a_particle_that_stays_is_not_magnified() -> None:
    assert followed(0.0).magnified(PLANE) == 1
    assert FollowedParticle(WAY).magnified(PLANE) == 1


def color_near(image: QImage, place: tuple[float, float], role: str) -> bool:
    """Whether the pixels around a point of the plane have the colour of a role."""
    x, y = PLANE.to_painter(np.array(place)).astype(int).tolist()
    meant = DARK.color(role)
    wanted = np.array([meant.blue(), meant.green(), meant.red()])
    around = pixels(image)[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).astype(int)
    return bool((np.abs(around - wanted).max(axis=1) <= 3).any())


def test_each_term_begins_where_the_last_one_ends(qapp: object) -> None:
    image = render(Scene(viewport=BOX, followed=followed()), *SIZE)
    assert color_near(image, (0.56, 0.5), "exact")
    assert color_near(image, (0.6, 0.6), "learned")
    assert not color_near(image, (0.5, 0.6), "learned")


def test_way_ring_denoised_estimate_and_flow_are_seen(qapp: object) -> None:
    nothing = pixels(render(Scene(viewport=BOX), *SIZE))
    bare = FollowedParticle(WAY)
    pictures = [
        pixels(render(Scene(viewport=BOX, followed=layer, flow=flow), *SIZE))
        for layer, flow in (
            (bare, None),
            (dataclasses.replace(bare, denoised=np.array([0.8, 0.2])), None),
            (bare, Flow(np.array([[0.9, 0.9], [0.7, 0.3]]))),
            (None, Flow(np.array([[0.9, 0.9], [0.7, 0.3]]))),
        )
    ]
    for number, picture in enumerate(pictures):
        assert (picture != nothing).any()
        assert all((picture != other).any() for other in pictures[:number])


@pytest.mark.parametrize(("value", "is_left_out"), [(np.nan, True), (np.inf, True), (1e300, False)])
def test_what_is_not_finite_is_left_out(qapp: object, value: float, is_left_out: bool) -> None:
    layer = FollowedParticle(
        np.array([[0.1, value], [0.5, 0.5]]), ((np.array([value, 0.1]), "learned"),), np.array([value, 0.0])
    )
    rest = FollowedParticle(np.array([[0.5, 0.5]]))
    picture, alone = (pixels(render(Scene(viewport=BOX, followed=one), *SIZE)) for one in (layer, rest))
    assert (picture == alone).all() == is_left_out
