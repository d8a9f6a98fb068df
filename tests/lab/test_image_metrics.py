"""Figures of images: known neighbours, known shares, and reasons for missing figures."""

import numpy as np
import pytest

from playground.data import Dataset
from playground.lab.compute import result
from playground.lab.evaluation import sample_distances
from playground.lab.experiment import Experiment, replace
from playground.lab.image_metrics import image_figures
from playground.lab.problem import Problem
from tests.figures import flat


@pytest.fixture(scope="module")
def digits() -> Problem:
    return Problem.build(replace(Experiment(), {"data.kind": "digits"}))


def test_training_images_are_their_own_neighbours(digits: Problem) -> None:
    """Training images are moved by a known length in one pixel, which is shorter than the distance to any other image."""
    rows = np.arange(40, 100)
    samples = digits.dataset.points[rows]
    samples[:, 0, 3, 3] += 0.25
    found = flat(image_figures(digits, samples))
    assert found["nearest_neighbour_distance"] == pytest.approx(0.25, abs=1e-3)
    assert found["nearest_neighbour_rows"] == rows[:12].tolist()
    assert found["nearest_neighbour_distance_held_out"] == pytest.approx(1.95, abs=0.1)


@pytest.mark.parametrize("length", [0.0, 1e-4])
def test_memorized_images_lie_on_the_training_set(digits: Problem, length: float) -> None:
    samples = digits.dataset.points[:60].copy()
    samples[:, 0, 3, 3] += length
    found = flat(image_figures(digits, samples))
    assert found["nearest_neighbour_distance"] == pytest.approx(length, rel=1e-2, abs=1e-12)
    assert found["nearest_neighbour_rows"] == list(range(12))


def test_held_out_digits_are_classified_by_their_neighbours(digits: Problem) -> None:
    found = flat(image_figures(digits, digits.dataset.held_out))
    assert found["nearest_neighbour_distance"] == found["nearest_neighbour_distance_held_out"]
    shares, errors = np.array(found["class_frequencies"]), np.array(found["class_frequencies_standard_error"])
    assert shares.sum() == pytest.approx(1)
    assert np.abs(shares - found["class_frequencies_true"]).max() < 0.02  # the split keeps the shares; 2 % are misread
    assert errors == pytest.approx(np.sqrt(shares * (1 - shares) / 359), rel=0.05)
    for end in ("standard_error", "held_out_standard_error"):
        error = found[f"nearest_neighbour_distance_{end}"]
        assert error == pytest.approx(0.0255, abs=0.005)  # by 4,000 bootstrap draws


def test_the_errors_of_both_medians_are_their_spreads() -> None:
    """The spreads are over fresh samples and held-out images with the same training set; 300 draws give them to 4 %."""
    rng = np.random.default_rng(5)
    training = rng.normal(size=(60, 1, 4, 4))
    settings = {"data.kind": "images", "data.path": "a", "network.width": 8, "network.depth": 2}
    figures = []
    for _ in range(300):
        images, samples = rng.normal(size=(150, 1, 4, 4)), rng.normal(size=(100, 1, 4, 4))
        dataset = Dataset("a", training, None, (1, 4, 4), ("x", "y"), images, grey_levels=256)
        problem = Problem.build(replace(Experiment(), settings), dataset)
        figures.append(flat(image_figures(problem, samples)))
    for key in ("nearest_neighbour_distance", "nearest_neighbour_distance_held_out"):
        values, errors = (np.array([found[f"{key}{end}"] for found in figures]) for end in ("", "_standard_error"))
        assert errors.mean() == pytest.approx(values.std(), rel=0.12), key


def test_a_tie_of_labels_goes_to_the_nearest_of_the_tied() -> None:
    """A label that only the nearest image has does not win against a tie of two commoner labels."""
    labels = np.array([9, 3, 1, 3, 1, 0, 0, 0])
    training = np.full((8, 1, 4, 4), 50.0)
    training[:5] = np.arange(1, 6).reshape(-1, 1, 1, 1)
    dataset = Dataset("a", training, None, (1, 4, 4), ("x", "y"), training[:4] + 0.1, labels=labels, grey_levels=256)
    settings = {"data.kind": "images", "data.path": "a", "network.width": 8, "network.depth": 2}
    found = flat(image_figures(Problem.build(replace(Experiment(), settings), dataset), np.zeros((3, 1, 4, 4))))
    assert found["class_frequencies"][3] == 1


def test_shares_of_the_classes_are_fractions_in_double_precision(digits: Problem) -> None:
    found = flat(image_figures(digits, digits.dataset.held_out[:7]))
    assert {round(7 * share, 9) % 1 for share in found["class_frequencies"]} == {0}
    assert sum(found["class_frequencies_true"]) == pytest.approx(1, abs=1e-12)


def test_one_class_alone_is_seen(digits: Problem) -> None:
    labels = digits.dataset.labels
    assert labels is not None
    found = flat(image_figures(digits, digits.dataset.points[labels == 7] + 0.01))
    assert found["class_frequencies"][7] > 0.97


def test_image_figures_are_among_the_figures_of_samples(digits: Problem) -> None:
    last = result(sample_distances(digits, digits.dataset.held_out))
    measured = image_figures(digits, digits.dataset.held_out)
    assert len(measured) == 3
    assert {name: last[name] for name in measured} == measured
