"""Settings without an effect give a message that says why; settings with an effect give none."""

from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from playground.lab.experiment import Experiment, load, owners, replace
from playground.lab.objective import build_objective
from playground.lab.problem import Problem
from playground.lab.sampling import make_sampler, sample
from playground.lab.without_effect import settings_without_effect
from tests.fitting import dotted

ROOT = Path(__file__).parents[2]


def told(**changes: object) -> list[str]:
    settings = {"data.points": 500, "likelihood.points": 50} | dotted(changes)
    return [str(one) for one in settings_without_effect(Problem.build(replace(Experiment(), settings)))]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"noise__kind": "custom", "noise__schedule": ((0.0, 0.01), (1.0, 20.0)), "noise__sigma_max": 9.0},
            "noise.sigma_max = 9 changes nothing: levels set by hand contain",
        ),
        (
            {"noise__kind": "discrete", "noise__sigmas": (20.0, 1.0, 0.1), "noise__sigma_min": 0.05},
            "noise.sigma_min = 0.05 changes nothing: levels set by hand contain",
        ),
        (
            {"sampling__kind": "probability-flow", "sampling__tolerance": 1e-2},
            "sampling.tolerance = 0.01 changes nothing: only sampling.solver = adaptive",
        ),
        (
            {"sampling__snr": 0.3},
            "sampling.snr = 0.3 changes nothing: it applies to corrector steps, and there are none",
        ),
        (
            {"noise__kind": "discrete", "sampling__kind": "annealed-langevin", "sampling__levels": 7},
            "sampling.levels = 7 changes nothing: discrete noise has levels of its own",
        ),
        (
            {"noise__kind": "single", "training__sigma_distribution": "time"},
            "training.sigma_distribution = time changes nothing: only a continuous process",
        ),
        (
            {"sampling__kind": "edm", "noise__sigma_max": 20.0, "sampling__churn_min": 30.0},
            "sampling.churn_min = 30 lies above the coarsest noise level, 20;",
        ),
        (
            {"sampling__kind": "edm", "noise__sigma_min": 0.1, "sampling__churn_max": 0.05},
            "sampling.churn_max = 0.05 lies below the finest noise level, 0.1;",
        ),
    ],
)
def test_a_setting_without_an_effect_gives_a_message(settings: dict[str, Any], said: str) -> None:
    (sentence,) = told(**settings)
    assert said in sentence


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"noise__kind": "discrete", "noise__sigma_max": 9.0, "noise__sigma_min": 0.1},
        {"noise__kind": "custom", "noise__sigma_max": 9.0},
        {"noise__kind": "vp", "noise__sigma_min": 0.1, "noise__beta_max": 10.0},
        {"sampling__corrector_steps": 2, "sampling__final_denoising": False},
        {"sampling__kind": "probability-flow", "sampling__solver": "adaptive", "sampling__tolerance": 1e-2},
        {"sampling__kind": "edm", "noise__sigma_max": 20.0, "sampling__churn_min": 20.0},
        {"sampling__kind": "edm", "sampling__churn": 0.0, "sampling__churn_min": 1e6},
        {"sampling__inpainting_mask": "left", "sampling__snr": 0.3},
    ],
)
def test_a_setting_with_an_effect_gives_none(settings: dict[str, Any]) -> None:
    assert told(**settings) == []


OTHERWISE = {
    "sampling.step": 1e-4,  # above 2e-4 the finest level would be unstable
    "sampling.time_grid": "time",
    "sampling.snr": 0.3,
    "sampling.tolerance": 1e-3,
    "sampling.final_denoising": False,
    "sampling.churn": 7.0,
    "sampling.churn_noise": 1.01,
    "objective.projections": 3,
    "objective.probes": "gaussian",
    "objective.variance_reduced": False,
    "objective.normalizer_grid": 32,
}


@pytest.mark.claims
@pytest.mark.parametrize("key", OTHERWISE)
def test_every_setting_of_a_kind_changes_what_it_makes(key: str) -> None:
    """In every kind that has it, with correctors and adaptive steps too, each setting has an effect."""
    section = key.partition(".")[0]
    kinds = [kind for kind in owners(key) if kind != "mala"]
    assert kinds
    for kind in kinds:
        given = {"data.points": 500, "likelihood.points": 50, f"{section}.kind": kind}
        if section == "sampling":
            given |= {"sampling.particles": 10, "sampling.steps": 20}
            if kind != "forward":
                given["sampling.source"] = "exact"
            if key == "sampling.snr":
                given["sampling.corrector_steps"] = 2
            if key == "sampling.tolerance":
                given["sampling.solver"] = "adaptive"
            if key == "sampling.time_grid":
                given["noise.kind"] = "cosine"  # for VE, equal times are equal ratios of sigma
        else:
            given["network.kind"] = "energy"
        made = run if section == "sampling" else objective
        plain, other = (
            Problem.build(replace(Experiment(), given | changed)) for changed in ({}, {key: OTHERWISE[key]})
        )
        assert made(plain) != made(other), kind
        assert list(settings_without_effect(other)) == []


def run(problem: Problem) -> list[object]:
    """Where the particles go."""
    score = problem.known_score("exact")
    assert score is not None
    *_, trajectory = sample(problem, score)
    return [frame.tolist() for frame in trajectory.positions]


def objective(problem: Problem) -> dict[str, object]:
    """The arguments of the objective: numbers, words, and functions that draw."""
    made = build_objective(problem)
    plain = {name: one for name, one in vars(made).items() if isinstance(one, float | int | str | FunctionType)}
    return {"kind": type(made), **plain}


@pytest.mark.parametrize("path", sorted((ROOT / "resources/experiments").glob("*.toml")), ids=lambda path: path.stem)
def test_no_example_has_a_setting_without_an_effect(path: Path) -> None:
    experiment = load(path)
    assert list(settings_without_effect(Problem.build(experiment))) == []


def test_annealed_langevin_takes_as_many_steps_at_each_level_and_at_most_those_given() -> None:
    settings = {"sampling.kind": "annealed-langevin", "sampling.steps": 150, "sampling.final_denoising": False}
    problem = Problem.build(replace(Experiment(), {"data.points": 500, "likelihood.points": 50, **settings}))
    assert make_sampler(problem).total == 140
