"""Warnings about the noise: none for the defaults, one where it is due, and none once its advice is taken."""

import pytest

from playground.lab.advice import noise_advice
from playground.lab.experiment import Experiment, fields, replace
from playground.lab.problem import Problem


def build(**changes: object) -> Problem:
    settings = {"data.points": 2000, "likelihood.points": 100} | {k.replace("__", "."): v for k, v in changes.items()}
    return Problem.build(replace(Experiment(), settings))


@pytest.mark.parametrize("kind", fields()["noise.kind"].choices)
@pytest.mark.parametrize("data", ["two-moons", "two-gaussians"])
def test_the_defaults_need_no_advice(kind: str, data: str) -> None:
    assert noise_advice(build(noise__kind=kind, data__kind=data)) == ()


@pytest.mark.parametrize("scale", [1.0, 100.0])
@pytest.mark.parametrize(
    ("settings", "changed"),
    [
        ({"noise__kind": "ve", "noise__sigma_max": 0.6}, "noise.sigma_max"),
        ({"noise__kind": "cosine", "noise__sigma_max": 0.6}, "noise.sigma_max"),
        ({"noise__kind": "ladder", "noise__sigma_max": 0.6}, "noise.sigma_max"),
        ({"noise__kind": "ladder", "noise__rungs": (0.6, 0.2, 0.1)}, "noise.rungs"),
        ({"noise__kind": "drawn", "noise__schedule": ((0.0, 0.01), (0.4, 0.3), (1.0, 0.6))}, "noise.schedule"),
        ({"noise__kind": "vp", "noise__beta_max": 1.0}, "noise.beta_max"),
        ({"noise__kind": "sub-vp", "noise__beta_max": 1.0}, "noise.beta_max"),
    ],
)
def test_an_end_that_is_not_gaussian_is_told_and_mended(
    settings: dict[str, object], changed: str, scale: float
) -> None:
    by_length = {
        "noise__sigma_max": lambda sigma: sigma * scale,
        "noise__rungs": lambda rungs: tuple(sigma * scale for sigma in rungs),
        "noise__schedule": lambda points: tuple((t, sigma * scale) for t, sigma in points),
    }
    scaled = {key: by_length[key](value) for key, value in settings.items() if key in by_length}
    problem = build(data__scale=scale, **(settings | scaled))
    (advice,) = noise_advice(problem)
    assert "nat from the Gaussian" in advice.sentence
    assert changed in advice.changes
    mended = Problem.build(replace(problem.experiment, advice.changes))
    assert noise_advice(mended) == ()
    assert mended.noise.sigma_max < 4 * problem.noise.sigma_max  # no more than it takes


@pytest.mark.parametrize("settings", [{"noise__levels": 4}, {"noise__rungs": (9.0, 3.0, 0.2, 0.05, 0.01)}])
def test_levels_that_hardly_overlap_are_told_and_mended(settings: dict[str, object]) -> None:
    problem = build(noise__kind="ladder", **settings)
    (advice,) = noise_advice(problem)
    assert "% of their mass" in advice.sentence
    mended = Problem.build(replace(problem.experiment, advice.changes))
    assert noise_advice(mended) == ()
    assert mended.noise.sigma_max == pytest.approx(problem.noise.sigma_max)
    assert mended.noise.sigma_min == pytest.approx(problem.noise.sigma_min)


def test_images_need_more_levels_than_points() -> None:
    """One of 64 axes is enough to tell two levels apart: 20 levels over a range of 3,000 do in the plane, 35 here."""
    (advice,) = noise_advice(build(data__kind="digits", noise__kind="ladder"))
    assert 30 < advice.changes["noise.levels"] < 45
