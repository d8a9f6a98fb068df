"""A drawing's density follows the brush."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from playground.data import DataError
from playground.data.strokes import MOST_COMPONENTS, density_of_strokes
from playground.kinds.datasets import Stroke, load_dataset


def _density(strokes: Sequence[Stroke], *points: tuple[float, float]) -> list[float]:
    return density_of_strokes(strokes).log_prob(torch.tensor(points, dtype=torch.float64)).exp().tolist()


def _line(x: float, radius: float = 0.1, length: float = 4.0) -> Stroke:
    return Stroke(points=((x, 0.0), (x, length / 3), (x, length)), radius=radius)


def test_painting_twice_doubles_the_density() -> None:
    once, twice = _density([_line(0), _line(5), _line(5)], (0, 2), (5, 2))
    assert twice == pytest.approx(2 * once, rel=1e-9)


def test_the_density_is_equal_along_a_line_and_for_every_brush() -> None:
    values = _density([_line(0, 0.1), _line(5, 0.4, 8.0), _line(10, 0.05)], (0, 1), (0, 1.53), (0, 3), (5, 4), (10, 2))
    assert values == pytest.approx([values[0]] * 5, rel=0.06)  # the ends, and rounding to whole components


def test_a_dab_is_as_dense_as_a_line() -> None:
    line, dab = _density([_line(0), Stroke(points=((5.0, 0.0),), radius=0.1)], (0, 2), (5, 0))
    assert dab == pytest.approx(line, rel=0.05)


def test_across_a_line_the_density_is_the_brush() -> None:
    middle, side = _density([_line(0)], (0, 2), (0.1, 2))
    assert side / middle == pytest.approx(math.exp(-0.5), rel=1e-6)


def test_a_drawing_integrates_to_one() -> None:
    drawing = density_of_strokes([_line(0, 0.3), Stroke(points=((1.0, 1.0), (2.0, 3.0), (0.5, 3.5)), radius=0.2)])
    axis = torch.arange(-3, 8, 0.05, dtype=torch.float64)
    assert float(drawing.log_prob(torch.cartesian_prod(axis, axis)).exp().sum() * 0.05**2) == pytest.approx(1, abs=1e-9)


def test_a_long_thin_stroke_has_a_bounded_number_of_components() -> None:
    points = tuple(map(tuple, np.random.default_rng(0).normal(size=(500, 2)).tolist()))
    drawing = density_of_strokes([Stroke(points=points, radius=0.01), _line(0, 0.001)])
    assert len(drawing.means) <= MOST_COMPONENTS
    assert bool(torch.isfinite(drawing.score(drawing.means)).all())


def test_repeated_points_of_a_stroke_give_no_nan() -> None:
    drawing = density_of_strokes([Stroke(points=((1.0, 1.0), (1.0, 1.0), (1.0, 1.0)), radius=0.5)])
    assert drawing.mean.tolist() == [1.0, 1.0]


def test_points_are_drawn_from_the_drawing() -> None:
    dataset = load_dataset("drawn", points=20_000, strokes=[_line(2.0, 0.25)])
    assert dataset.points[:, 0].mean() == pytest.approx(2.0, abs=5 * 0.25 / math.sqrt(20_000))
    assert dataset.points[:, 0].std() == pytest.approx(0.25, rel=0.03)


def test_nothing_drawn_and_broken_strokes_are_refused() -> None:
    with pytest.raises(DataError, match="Nothing is drawn yet: paint on the canvas"):
        load_dataset("drawn")
    for stroke in (
        Stroke(points=(), radius=1.0),
        Stroke(points=((math.nan, 0.0),), radius=1.0),
        Stroke(points=((0.0, 0.0),), radius=0.0),
        Stroke(points=((0.0, 0.0),), radius=math.inf),
    ):
        with pytest.raises(DataError, match="finite points and a radius above 0"):
            load_dataset("drawn", strokes=[stroke])
