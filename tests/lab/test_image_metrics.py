"""Figures of images: known neighbours, known shares, and what is missing says why."""

import numpy as np
import pytest

from playground.lab.evaluation import sample_distances
from playground.lab.experiment import Experiment, replace
from playground.lab.image_metrics import FROM_IMAGES, FROM_LABELS, image_figures
from playground.lab.problem import Problem


@pytest.fixture(scope="module")
def digits() -> Problem:
    return Problem.build(replace(Experiment(), {"data.kind": "digits"}))


def test_training_images_are_their_own_neighbours(digits: Problem) -> None:
    """Moved by a known length in one pixel, which is shorter than the way to any other image."""
    rows = np.arange(40, 100)
    samples = digits.dataset.points[rows]
    samples[:, 0, 3, 3] += 0.25
    found = image_figures(digits, samples)
    assert found["nearest_distance"] == pytest.approx(0.25, abs=1e-3)
    assert found["nearest_rows"] == rows[:12].tolist()
    assert found["nearest_distance_held_out"] == pytest.approx(1.95, abs=0.1)


def test_held_out_digits_are_told_by_their_neighbours(digits: Problem) -> None:
    found = image_figures(digits, digits.dataset.held_out)
    assert found["nearest_distance"] == found["nearest_distance_held_out"]
    shares, errors = np.array(found["label_shares"]), np.array(found["label_shares_standard_error"])
    assert shares.sum() == pytest.approx(1)
    assert np.abs(shares - found["label_shares_true"]).max() < 0.02  # the split keeps the shares; 2 % are misread
    assert errors == pytest.approx(np.sqrt(shares * (1 - shares) / 359), abs=1e-6)
    assert found["nearest_distance_standard_error"] == pytest.approx(0.03, abs=0.02)


def test_one_class_alone_is_seen(digits: Problem) -> None:
    labels = digits.dataset.labels
    assert labels is not None
    found = image_figures(digits, digits.dataset.points[labels == 7] + 0.01)
    assert found["label_shares"][7] > 0.97


def test_they_are_among_the_figures_of_samples(digits: Problem) -> None:
    *_, last = sample_distances(digits, digits.dataset.held_out)
    assert last.metrics is not None
    assert set(FROM_IMAGES + FROM_LABELS) <= set(last.metrics)
