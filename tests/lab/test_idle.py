"""Settings that change nothing are told, by what they wait for; those that act are not."""

from pathlib import Path
from types import FunctionType

import pytest

from playground.lab.experiment import Experiment, fields, load, replace
from playground.lab.idle import idle_settings
from playground.lab.objective import build_objective
from playground.lab.problem import Problem
from playground.lab.sampling import make_sampler, sample
from playground.lab.sampling_settings import FROM_NOISE

ROOT = Path(__file__).parents[2]


def told(**changes: object) -> list[str]:
    settings = {"data.points": 500, "likelihood.points": 50} | {k.replace("__", "."): v for k, v in changes.items()}
    return list(idle_settings(Problem.build(replace(Experiment(), settings))))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"noise__kind": "vp", "noise__sigma_max": 9.0},
            "noise.sigma_max = 9 changes nothing: the rates of VP and sub-VP set",
        ),
        (
            {"noise__kind": "single", "noise__sigma_max": 9.0},
            "noise.sigma_max = 9 changes nothing: only several noise levels have",
        ),
        (
            {"noise__kind": "none", "noise__sigma_min": 0.1},
            "noise.sigma_min = 0.1 changes nothing: only several noise levels have",
        ),
        (
            {"noise__kind": "custom", "noise__schedule": ((0.0, 0.01), (1.0, 20.0)), "noise__sigma_max": 9.0},
            "noise.sigma_max = 9 changes nothing: noise.sigmas and noise.schedule contain",
        ),
        (
            {"noise__kind": "discrete", "noise__sigmas": (20.0, 1.0, 0.1), "noise__sigma_min": 0.05},
            "noise.sigma_min = 0.05 changes nothing: noise.sigmas and noise.schedule contain",
        ),
        (
            {"sampling__kind": "langevin", "sampling__corrector_steps": 2},
            "sampling.corrector_steps = 2 changes nothing: only samplers from noise to data",
        ),
        (
            {"sampling__kind": "probability-flow", "sampling__tolerance": 1e-2},
            "sampling.tolerance = 0.01 changes nothing: only the probability flow with sampling.solver = adaptive",
        ),
        (
            {"sampling__kind": "probability-flow", "sampling__final_denoising": False},
            "sampling.final_denoising = false changes nothing: only annealed Langevin",
        ),
        (
            {"sampling__kind": "langevin", "sampling__time_grid": "karras"},
            "sampling.time_grid = karras changes nothing: only processes between noise and data",
        ),
        ({"sampling__snr": 0.3}, "sampling.snr = 0.3 changes nothing: there are no corrector steps"),
        ({"sampling__step": 1e-3}, "sampling.step = 0.001 changes nothing: only Langevin samplers have"),
        ({"objective__projections": 4}, "objective.projections = 4 changes nothing: only sliced matching"),
        ({"objective__probes": "sphere"}, "objective.probes = sphere changes nothing: only sliced matching"),
        (
            {"objective__kind": "exact", "objective__variance_reduced": False},
            "objective.variance_reduced = false changes nothing: only sliced matching",
        ),
        ({"objective__normalizer_grid": 32}, "objective.normalizer_grid = 32 changes nothing: only maximum likelihood"),
        ({"noise__beta_max": 10.0}, "noise.beta_max = 10 changes nothing: only VP and sub-VP have rates"),
        ({"sampling__churn": 0.0}, "sampling.churn = 0 changes nothing: only the EDM sampler"),
        ({"sampling__churn_min": 0.1}, "sampling.churn_min = 0.1 changes nothing: only the EDM sampler"),
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
def test_a_setting_that_changes_nothing_is_told(settings: dict, said: str) -> None:
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
        {"sampling__kind": "langevin", "sampling__corrector_steps": 0},
        {"sampling__kind": "probability-flow", "sampling__solver": "adaptive", "sampling__tolerance": 1e-2},
        {"sampling__kind": "edm", "noise__sigma_max": 20.0, "sampling__churn_min": 20.0},
        {"sampling__kind": "edm", "sampling__churn": 0.0, "sampling__churn_min": 1e6},
        {"sampling__inpainting_mask": "left", "sampling__snr": 0.3},
    ],
)
def test_a_setting_that_acts_is_not(settings: dict) -> None:
    assert told(**settings) == []


OTHERWISE = {
    "sampling.step": 1e-4,  # above 2e-4 the finest level is unstable
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


def choices(key: str) -> tuple[str, ...]:
    return fields()[key].choices


@pytest.mark.parametrize("key", OTHERWISE)
def test_a_setting_is_told_just_where_all_is_the_same_without_it(key: str) -> None:
    """By every sampler, with correctors and with fitted steps too, and by every objective."""
    if key.startswith("sampling."):
        bases = [{"sampling.kind": kind} for kind in fields()["sampling.kind"].choices]
        bases += [base | {"sampling.corrector_steps": 2} for base in bases if base["sampling.kind"] in FROM_NOISE]
        bases += [{"sampling.kind": "probability-flow", "sampling.solver": "adaptive"}]
    else:
        bases = [{"objective.kind": kind, "network.kind": "energy"} for kind in fields()["objective.kind"].choices]
    made = run if key.startswith("sampling.") else objective
    acts = set()
    for base in bases:
        given = {"data.points": 500, "likelihood.points": 50, "sampling.source": "exact", **base}
        if key == "sampling.time_grid":
            given["noise.kind"] = "cosine"  # of VE equal times are equal ratios of sigma
        quick = {"sampling.particles": 10, "sampling.steps": 20}
        plain, other = (
            Problem.build(replace(Experiment(), given | quick | changed)) for changed in ({}, {key: OTHERWISE[key]})
        )
        same = made(plain) == made(other)
        assert [key in sentence for sentence in idle_settings(other)] == [True] * same, base
        acts.add(not same)
    assert acts == {True, False}


def run(problem: Problem) -> list[object]:
    """Where the particles go."""
    score = problem.known_score("exact")
    assert score is not None
    *_, trajectory = sample(problem, score)
    return [frame.tolist() for frame in trajectory.positions]


def objective(problem: Problem) -> dict[str, object]:
    """What the objective was made with: numbers, words, and functions that draw."""
    made = build_objective(problem)
    plain = {name: one for name, one in vars(made).items() if isinstance(one, float | int | str | FunctionType)}
    return {"kind": type(made), **plain}


@pytest.mark.parametrize("path", sorted((ROOT / "resources/experiments").glob("*.toml")), ids=lambda path: path.stem)
def test_no_example_sets_what_changes_nothing(path: Path) -> None:
    experiment = load(path)
    assert list(idle_settings(Problem.build(replace(experiment, {"data.points": 500})))) == []


def test_annealed_langevin_takes_as_many_steps_at_each_level_and_at_most_those_given() -> None:
    settings = {"sampling.kind": "annealed-langevin", "sampling.steps": 150, "sampling.final_denoising": False}
    problem = Problem.build(replace(Experiment(), {"data.points": 500, "likelihood.points": 50, **settings}))
    assert make_sampler(problem).total == 140
