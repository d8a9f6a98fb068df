"""Coverage images, compared with geometry: area, place, direction."""

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter

from playground.drawing.lines import line_coverage
from playground.drawing.raster import LARGEST, counts, discs, paint_tinted, tints


def centroid(coverage: np.ndarray) -> tuple[float, float]:
    rows, columns = np.indices(coverage.shape) + 0.5
    mass = coverage.astype(float)
    return float((columns * mass).sum() / mass.sum()), float((rows * mass).sum() / mass.sum())


@pytest.mark.parametrize("radius", [1.5, 3.0, 6.0])
@pytest.mark.parametrize("centre", [(20.0, 30.0), (20.25, 30.6), (41.9, 11.1)])
def test_a_disc_has_its_area_and_its_place(radius: float, centre: tuple[float, float]) -> None:
    coverage = discs(np.array([centre]), radius, 60, 50)
    assert coverage.sum() / 255 == pytest.approx(np.pi * radius**2, rel=0.06)
    assert np.hypot(*np.subtract(centroid(coverage), centre)) < 0.25


def test_many_discs_lie_within_half_a_pixel() -> None:
    centres = np.tile([[20.2, 30.7]], (4000, 1))
    assert np.hypot(*np.subtract(centroid(discs(centres, 2.0, 60, 50)), (20.5, 30.5))) < 0.01


def test_overlapping_discs_keep_the_larger_coverage() -> None:
    one = discs(np.array([[20.0, 20.0]]), 3.0, 40, 40).copy()
    other = discs(np.array([[22.5, 21.0]]), 3.0, 40, 40).copy()
    both = discs(np.array([[20.0, 20.0], [22.5, 21.0]]), 3.0, 40, 40)
    np.testing.assert_array_equal(both, np.maximum(one, other))


def test_discs_at_and_beyond_the_border_write_nowhere_else() -> None:
    outside = [[-100.0, 5.0], [5.0, 1e9], [np.nan, 5.0], [np.inf, 5.0], [-3.0, 20.0], [39.9, 39.9], [0.0, 0.0]]
    coverage = discs(np.array(outside), 4.0, 40, 40)
    assert coverage[:5, :5].any()
    assert coverage[35:, 35:].any()
    assert coverage[16:24, 0].any()
    coverage = coverage.copy()
    coverage[:6, :6] = coverage[34:, 34:] = 0
    coverage[15:25, :2] = 0
    assert not coverage.any()


@pytest.mark.parametrize("angle", np.linspace(0, 2 * np.pi, 13))
@pytest.mark.parametrize("thickness", [1.0, 2.0, 3.0])
def test_a_line_has_its_area_and_its_place(angle: float, thickness: float) -> None:
    start = np.array([50.3, 49.8])
    end = start + 30 * np.array([np.cos(angle), np.sin(angle)])
    coverage = line_coverage(np.array([[*start, *end]]), np.ones(1), thickness, 100, 100, ink=False)
    area = coverage.sum() / 255
    # Wu's thin lines have one pixel per column, so a diagonal line is thinner by the square root of 2.
    slant = max(abs(np.cos(angle)), abs(np.sin(angle))) if thickness == 1 else 1
    assert area == pytest.approx(30 * thickness * slant, rel=0.04)
    assert np.hypot(*np.subtract(centroid(coverage), (start + end) / 2)) < 0.2


def test_short_lines_weigh_as_much_as_they_are_long() -> None:
    coverage = line_coverage(np.array([[10.1, 10.5, 10.4, 10.5]]), np.ones(1), 1.0, 20, 20, ink=False)
    assert coverage.sum() / 255 == pytest.approx(0.3, abs=0.02)


def test_a_long_line_is_cut_at_the_border_and_stays_straight() -> None:
    whole = line_coverage(np.array([[-1e5, -1e5, 1e5, 1e5]]), np.ones(1), 1.0, 80, 80, ink=False)
    on_diagonal = np.eye(80, dtype=bool)
    assert (whole[on_diagonal] > 200).all()
    assert whole[~on_diagonal].max() < 60


def test_lines_outside_or_not_finite_leave_nothing() -> None:
    segments = [[-50, -50, -40, 900], [np.nan, 1, 5, 5], [200, 10, 300, 10], [10, -300, 50, -100]]
    assert not line_coverage(np.array(segments, float), np.ones(4), 1.0, 80, 80, ink=False).any()


def test_ink_adds_up_and_saturates_while_paint_does_not() -> None:
    line = np.array([[5.0, 10.5, 35.0, 10.5]])
    paint = line_coverage(np.repeat(line, 3, axis=0), np.full(3, 0.5), 1.0, 40, 20, ink=False)[10, 20]
    assert paint == 127
    ink = [
        int(line_coverage(np.repeat(line, number, axis=0), np.full(number, 0.5), 1.0, 40, 20, ink=True)[10, 20])
        for number in (1, 3, 100)
    ]
    assert ink == [64, 192, 255]


def test_lines_of_every_length_come_out_alike() -> None:
    """Lines are written in groups by length: none may be lost or cut at the boundary of a group."""
    lengths = np.arange(1, 300)
    segments = np.stack([np.full(299, 2.5), lengths + 0.5, 2.5 + lengths, lengths + 0.5], axis=1).astype(float)
    coverage = line_coverage(segments, np.ones(299), 1.0, 320, 320, ink=False)
    np.testing.assert_allclose(coverage[1:300].sum(axis=1) / 255, lengths, atol=0.02)


@pytest.mark.parametrize("square", [1, 2, 3])
def test_counts_count_every_point_inside(square: int) -> None:
    points = np.array([[10.5, 5.5], [10.6, 5.4], [30.2, 20.9], [-9.0, 5.0], [np.nan, 1.0]])
    found = counts(points, 40, 30, square)
    assert found.sum() == 3 * square**2
    assert found[5, 10] == 2
    assert found[20, 30] == 1


def test_tints_are_premultiplied_and_the_same_for_odd_widths() -> None:
    colors = tints(QColor("#ffb13b"), 0.5)
    coverage = np.linspace(0, 255, 35, dtype=np.uint8).reshape(5, 7)
    odd, even = (QImage(8, 5, QImage.Format.Format_ARGB32_Premultiplied) for _ in range(2))
    for image, shown in ((odd, coverage), (even, np.pad(coverage, ((0, 0), (0, 1))))):
        image.fill(0)
        with QPainter(image) as painter:
            paint_tinted(painter, shown, colors, 1.0)
    for row in range(5):
        for column in range(7):
            assert odd.pixel(column, row) == even.pixel(column, row)
    full = odd.pixelColor(6, 4)
    assert full.alphaF() == pytest.approx(0.5, abs=0.01)
    assert (full.red(), full.green(), full.blue()) == pytest.approx((255, 177, 59), abs=2)  # not darkened by alpha
    assert odd.pixelColor(0, 0).alpha() == 0


@pytest.mark.parametrize("radius", [1.0, 7.5, 9.0, 14.0, 30.0])
def test_a_disc_just_outside_an_edge_is_drawn_as_far_as_it_reaches_in(radius: float) -> None:
    width, height = 60, 50
    for outside in np.linspace(0, 16, 50):
        centres = [(30, -outside), (30, height + outside), (-outside, 25), (width + outside, 25)]
        for centre in (*centres, (-outside, -outside), (width + outside, height + outside)):
            found = discs(np.array([centre], dtype=float), radius, width, height)
            y, x = np.nonzero(found)
            assert np.hypot(x + 0.5 - centre[0], y + 0.5 - centre[1]).max(initial=0.0) <= min(radius, LARGEST) + 1
