"""Warnings about the noise: none for the defaults, one if it is due, and none after its edit."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from playground.app.model.problem_views import problem_view
from playground.app.panels import noise as noise_panel
from playground.kinds.noise.noise import up
from playground.lab.diagnostics import noise_diagnostics
from playground.lab.experiment import Experiment, fields, replace
from playground.lab.glossary import glossary
from playground.lab.lessons import load_all
from playground.lab.problem import Problem
from tests.fitting import dotted, fitting


def build(**changes: object) -> Problem:
    common = {"data.points": 2000, "likelihood.points": 100}
    return Problem.build(fitting(common, dotted(changes)))


@pytest.mark.parametrize("kind", fields()["noise.kind"].choices)
@pytest.mark.parametrize("data", ["two-moons", "two-gaussians"])
def test_the_defaults_need_no_diagnostics(kind: str, data: str) -> None:
    assert noise_diagnostics(build(noise__kind=kind, data__kind=data)) == ()


@pytest.mark.parametrize("scale", [1.0, 100.0])
@pytest.mark.parametrize(
    ("settings", "changed"),
    [
        ({"noise__kind": "ve", "noise__sigma_max": 0.6}, "noise.sigma_max"),
        ({"noise__kind": "cosine", "noise__sigma_max": 0.6}, "noise.sigma_max"),
        ({"noise__kind": "discrete", "noise__sigma_max": 0.6}, "noise.sigma_max"),
        ({"noise__kind": "discrete", "noise__sigmas": (0.6, 0.2, 0.1)}, "noise.sigmas"),
        ({"noise__kind": "custom", "noise__schedule": ((0.0, 0.01), (0.4, 0.3), (1.0, 0.6))}, "noise.schedule"),
        ({"noise__kind": "vp", "noise__beta_max": 1.0}, "noise.beta_max"),
        ({"noise__kind": "sub-vp", "noise__beta_max": 1.0}, "noise.beta_max"),
    ],
)
def test_an_end_that_is_not_gaussian_gives_a_warning_and_a_remedy(
    settings: dict[str, object], changed: str, scale: float
) -> None:
    by_length: dict[str, Callable[[Any], object]] = {
        "noise__sigma_max": lambda sigma: sigma * scale,
        "noise__sigmas": lambda sigmas: tuple(sigma * scale for sigma in sigmas),
        "noise__schedule": lambda points: tuple((t, sigma * scale) for t, sigma in points),
    }
    scaled = {key: by_length[key](value) for key, value in settings.items() if key in by_length}
    problem = build(data__scale=scale, **(settings | scaled))
    (diagnostic,) = noise_diagnostics(problem)
    assert "nat from the Gaussian" in str(diagnostic)
    assert changed in diagnostic.edits[0].changes
    mended = Problem.build(replace(problem.experiment, diagnostic.edits[0].changes))
    assert noise_diagnostics(mended) == ()
    diameter = problem.units.sigma_to_user(problem.diameter())
    assert f"at least the diameter of the data, {diameter:.3g}" in str(diagnostic)
    reached = mended.units.sigma_to_user(mended.noise.sigma_max)
    assert reached == pytest.approx(diameter, rel=0.12)  # rounded up to two digits, in beta for VP
    assert reached >= diameter * 0.999


@pytest.mark.parametrize("settings", [{"noise__levels": 4}, {"noise__sigmas": (9.0, 3.0, 0.2, 0.05, 0.01)}])
def test_levels_that_hardly_overlap_give_a_warning_and_a_remedy(settings: dict[str, object]) -> None:
    problem = build(noise__kind="discrete", **settings)
    (diagnostic,) = noise_diagnostics(problem)
    assert "overlap by only " in str(diagnostic)
    # A network with the optimal loss at every level still has a wrong log p between the levels.
    assert "log p and the samplers of a process use the network between levels" in str(diagnostic)
    assert "noise.kind = ve trains at every σ" in str(diagnostic)
    mended = Problem.build(replace(problem.experiment, diagnostic.edits[0].changes))
    assert noise_diagnostics(mended) == ()
    assert mended.noise.sigma_max == pytest.approx(problem.noise.sigma_max)
    assert mended.noise.sigma_min == pytest.approx(problem.noise.sigma_min)


@pytest.mark.parametrize(
    "settings",
    [{"noise__sigma_max": 0.6, "noise__levels": 2}, {"data__kind": "eight-gaussians", "noise__sigmas": (2.0, 0.01)}],
)
def test_the_number_of_levels_is_for_the_recommended_end(settings: dict[str, object]) -> None:
    """The number for the present end would be too small after the first warning's edit."""
    problem = build(noise__kind="discrete", **settings)
    end, levels = noise_diagnostics(problem)
    assert f"geometric levels from σ = {levels.edits[0].changes['noise.sigma_max']:g} on overlap" in str(levels)
    assert noise_diagnostics(Problem.build(replace(problem.experiment, levels.edits[0].changes))) == ()
    both = replace(replace(problem.experiment, end.edits[0].changes), levels.edits[0].changes)
    assert noise_diagnostics(Problem.build(both)) == ()


def test_images_need_more_levels_than_points() -> None:
    """Levels of images overlap less, since any of 64 axes can separate them: 35 levels over a range of 3,000, not 20."""
    (diagnostic,) = noise_diagnostics(build(data__kind="digits", noise__kind="discrete"))
    assert 30 < diagnostic.edits[0].changes["noise.levels"] < 45


@pytest.mark.parametrize("objective", ["exact", "sliced", "maximum-likelihood"])
def test_sharp_edges_give_a_warning_for_score_matching_without_noise(objective: str) -> None:
    settings = {"data__kind": "checkerboard", "noise__kind": "none", "objective__kind": objective}
    if objective == "maximum-likelihood":  # its bound is the entropy
        assert noise_diagnostics(build(network__kind="energy", **settings)) == ()
        return
    (diagnostic,) = noise_diagnostics(build(**settings))
    assert "sharp edges" in str(diagnostic)
    assert (
        "without noise the score matching loss falls without bound as the score gets steeper. Choose a noise, or data.noise above 0."
        in str(diagnostic)
    )
    assert noise_diagnostics(build(data__noise=0.05, **settings)) == ()
    assert noise_diagnostics(build(**settings | {"noise__kind": "single"})) == ()


NORMAL = np.random.default_rng(0).normal(size=(1000, 2))
LINE = np.stack([NORMAL[:, 0], 3 * NORMAL[:, 0] + 5000], 1)
CIRCLE = np.stack([np.cos(LINE[:, 0] * 9), np.sin(LINE[:, 0] * 9)], 1)


def of_file(folder: Path, points: np.ndarray, **noise: object) -> list[str]:
    np.save(folder / "points.npy", points)
    settings = {"data.kind": "file", "data.path": str(folder / "points.npy")}
    problem = Problem.build(replace(Experiment(), settings | {f"noise.{key}": value for key, value in noise.items()}))
    found = noise_diagnostics(problem)
    assert all(not diagnostic.edits for diagnostic in found)  # no setting gives the data a density
    return [str(diagnostic) for diagnostic in found]


@pytest.mark.parametrize(
    ("points", "what"),
    [
        (LINE, "The points lie on a line and"),
        (CIRCLE, "The points lie on a curve (intrinsic dimension 1.00 ± 0.04) and"),
        (LINE + NORMAL * 1e-5, "The points lie on a line and"),
        (NORMAL.round(), "The 1000 points take only 38 distinct values and"),
        (NORMAL[np.arange(1000) % 100], "The 1000 points take only 100 distinct values and"),
        (np.stack([NORMAL[:, 0], np.arange(1000) % 5], 1), "The 1000 points take only 5 distinct values of y and"),
    ],
)
def test_points_without_a_density_give_a_warning_and_their_likelihoods_depend_on_the_noise(
    points: np.ndarray, what: str, tmp_path: Path
) -> None:
    (sentence,) = of_file(tmp_path, points)
    assert sentence.startswith(f"{what} have no density: likelihoods are of the data smoothed by noise.sigma_min = 0.0")
    (sentence,) = of_file(tmp_path, points, kind="none")
    assert sentence.startswith(f"{what} have no density: without noise")


@pytest.mark.parametrize("noise", ["auto", "none"])
def test_a_far_point_that_sets_the_scale_is_named(noise: str, tmp_path: Path) -> None:
    """The cause may be a wrong unit or a sentinel value in one row. The farthest point of heavy tails is not named."""
    points = NORMAL.copy()
    points[::10] = 1e9, -3.0  # some are left in every split
    points[0] = 2e9, -3.0
    told = [] if noise == "auto" else [("kind", noise)]
    (sentence,) = of_file(tmp_path, points, **dict(told))[:1]
    assert re.match(
        r"Half of the points lie within 1\.\d of the median, but \((1|2)e\+09, -3\) lies (1|2)e\+09 away", sentence
    )
    cauchy = np.random.default_rng(1).standard_cauchy((1000, 2))
    assert not any("one spot" in sentence for sentence in of_file(tmp_path, cauchy, **dict(told)))


@pytest.mark.parametrize("count", [200, 2000])
def test_heavy_tails_give_a_warning_because_the_floor_does_not_hold(count: int, tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    (sentence,) = of_file(tmp_path, 1e-5 * generator.standard_t(1.5, size=(count, 2)) + [0.0, 3.0])
    few, points = map(int, re.findall(r"\d+", sentence.replace(",", "")))
    assert few <= 0.02 * points
    assert sentence.endswith("Use the energy distance.")
    for light in (
        generator.normal(size=(count, 2)),
        generator.laplace(size=(count, 2)),
        generator.normal(size=(50, 2)),
    ):
        assert of_file(tmp_path, light) == []


@pytest.mark.parametrize("points", [NORMAL, LINE + NORMAL * 0.05, NORMAL.round(2), (50 * NORMAL).round()])
def test_points_that_the_finest_noise_bridges_have_a_density(points: np.ndarray, tmp_path: Path) -> None:
    assert of_file(tmp_path, points) == []


def test_data_thinner_than_the_finest_noise_give_a_warning_with_the_cost_of_smoothing(tmp_path: Path) -> None:
    thin = LINE + NORMAL * [0.0, 0.05]  # standard deviation 0.0158 across the line, 0.00707 relative to the data's
    assert of_file(tmp_path, thin) == []
    assert of_file(tmp_path, thin, kind="single") == []
    (sentence,) = of_file(tmp_path, thin, sigma_min=0.05)
    told = re.fullmatch(
        r"The data are thin: smoothing by noise\.sigma_min = 0.05 costs about (.*) nat of KL\. Lower noise\.sigma_min, or model one axis only\.",
        sentence,
    )
    assert told is not None
    assert float(told[1]) == pytest.approx(0.5 * (math.log(11) - 10 / 11), rel=0.1)


def test_few_points_are_as_thin_as_their_kernel_density_allows(tmp_path: Path) -> None:
    """A finer level would predict other points worse, so no message asks for one. A coarser one gets it."""
    thin = (LINE + NORMAL * [0.0, 0.2])[:60]
    assert of_file(tmp_path, thin) == []
    (sentence,) = of_file(tmp_path, thin, sigma_min=1.0)
    assert sentence.startswith("The data are thin: smoothing by noise.sigma_min = 1 costs")


def test_a_coarse_noise_bridges_a_coarse_grid(tmp_path: Path) -> None:
    assert of_file(tmp_path, NORMAL.round(), kind="single", sigma=0.5) == []


@pytest.mark.parametrize("data", ["two-moons", "two-gaussians", "eight-gaussians", "checkerboard"])
def test_one_rule_says_how_large_sigma_max_should_be(data: str) -> None:
    """The warning, the mark on the chart, the default, and the words of card, lesson and glossary."""
    problem = build(data__kind=data, noise__kind="ve", noise__sigma_max=0.3)
    diameter = problem.units.sigma_to_user(problem.diameter())
    (warning,) = noise_diagnostics(problem)
    assert warning.edits[0].changes == {"noise.sigma_max": up(diameter)}
    assert problem_view(problem, 0).diameter == diameter
    by_default = build(data__kind=data, noise__kind="ve")
    assert by_default.noise.sigma_max == pytest.approx(2 * by_default.diameter())


def test_card_chart_lesson_and_glossary_name_the_same_distance() -> None:
    (entry,) = [entry for entry in glossary() if entry.term == "diameter"]
    assert "largest distance between two points" in entry.meaning
    lesson = load_all()["07-annealed-langevin"].steps[2].explanation
    for words in (fields()["noise.sigma_max"].description, noise_panel.DIAMETER, lesson):
        assert "the diameter of the data, " in words.replace("\n", " ")
        assert "the largest distance between two points" in words.replace("\n", " ").replace("which is ", "")
