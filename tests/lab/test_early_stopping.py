"""The held-out loss, its cost, and early stopping by it."""

import dataclasses
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from playground.data.dataset import Dataset
from playground.kinds.datasets import load_dataset
from playground.lab.compute import result
from playground.lab.defaults import EVALUATION_PASSES
from playground.lab.early_stopping import IMAGES, PATIENCE, POINTS, HeldOutCheck, next_check
from playground.lab.evaluation import evaluate
from playground.lab.experiment import Experiment, fields, replace
from playground.lab.likelihood import log_likelihood
from playground.lab.problem import VALIDATION_ROWS, Problem
from playground.lab.session import Session
from playground.lab.training import Trainer
from playground.lab.without_effect import settings_without_effect
from tests import figures
from tests.densities import density_of
from tests.fitting import dotted
from tests.present import present

SMALL = {
    "data.kind": "file",
    "data.path": "rows.csv",
    "network.width": 64,
    "network.depth": 2,
    "training.batch": 256,
    "training.steps": 2_500,
}


def moons(count: int, seed: int = 0) -> np.ndarray:
    return load_dataset("two-moons", points=max(count, 50), held_out=1, seed=seed).points[:count]


def problem_of(rows: int, **changes: object) -> Problem:
    points = moons(rows)
    dataset = Dataset("rows.csv", points[rows // 5 :], None, (2,), ("x", "y"), points[: rows // 5])
    # With the default of few rows, that of a kernel density, a network that memorizes is no worse.
    fine = {} if "noise__kind" in changes else {"noise.sigma_min": 0.01}
    settings = SMALL | fine | dotted(changes)
    return Problem.build(replace(Experiment(), settings), dataset)


def trained(problem: Problem) -> tuple[Trainer, list[Any]]:
    trainer = Trainer(problem)
    return trainer, list(trainer)


def flat(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def fresh_nll(trainer: Trainer) -> float:
    last = result(log_likelihood(trainer.problem, trainer.ema, moons(200, seed=5)))
    return -float(last.log_prob.mean())


@pytest.mark.claims
def test_few_rows_are_not_memorized() -> None:
    to_the_end, reports = trained(problem_of(80, training__early_stopping="off"))
    assert reports[-1].step == 2_500
    assert reports[-1].note is None
    stopped, reports = trained(problem_of(80))
    last = reports[-1]
    kept = present(stopped.stopping.best_step)
    assert kept + PATIENCE <= last.step < 2_500
    assert str(last.note).startswith(
        f"Training stopped early at step {last.step:,}: the held-out loss has not fallen since step {kept:,}"
    )
    assert fresh_nll(stopped) < fresh_nll(to_the_end) - 0.5
    told = [report.held_out_loss - report.loss for report in reports if report.held_out_loss is not None]
    assert told[-1] > told[2] + 0.1  # the gap opens
    beside = present(to_the_end.held_out_loss(0.5, 0.0))
    assert beside[0] - 0.5 > 4 * beside[1]


def test_few_points_do_not_stop_early_where_a_kernel_density_is_as_good() -> None:
    """That is, where the finest level is at least the kernel's width, and the user has not decided."""
    for changes, expected in (
        ({}, "off"),
        ({"training.early_stopping": "on"}, "on"),
        ({"noise.sigma_min": 0.01}, "on"),
        ({"noise.sigma_min": 0.5}, "off"),
        ({"noise.kind": "single"}, "on"),
        ({"data.points": 1_000}, "on"),
    ):
        problem = Problem.build(replace(Experiment(), {"data.points": 100} | changes))
        assert problem.resolve().training.early_stopping == expected, changes
        assert problem.stops_early == (expected == "on")


@pytest.mark.claims
@pytest.mark.parametrize("early", ["auto", "on"])
@pytest.mark.parametrize("kind", ["two-moons", "eight-gaussians", "pinwheel"])
def test_a_network_of_few_points_comes_near_their_kernel_density(kind: str, early: str) -> None:
    settings = {key: value for key, value in SMALL.items() if not key.startswith("data")} | {
        "data.kind": kind,
        "data.points": 80,
        "likelihood.points": 300,
        "training.steps": 1_500,
        "training.early_stopping": early,
    }
    problem = Problem.build(replace(Experiment(), settings))
    trainer, _ = trained(problem)
    last = result(evaluate(problem, trainer.ema))
    assert figures.flat(last)["kl"] < 1.5 * figures.flat(last)["kernel_kl"]


@pytest.mark.parametrize("early", ["on", "off"])
def test_the_weights_of_the_least_held_out_loss_are_kept(early: str) -> None:
    problem = problem_of(80, training__early_stopping=early, training__steps=600)
    trainer, check, found = Trainer(problem), HeldOutCheck(problem), {}
    for report in trainer:
        if report.held_out_loss is not None and not report.finished:
            found[report.step] = check(trainer.ema).loss, flat(trainer.ema)
    if early == "off":
        assert trainer.stopping.best_step is None
        assert "early_stopping" not in trainer.state()
        return
    best = min(found, key=lambda step: found[step][0])
    assert trainer.stopping.best_step == best < 600
    assert torch.equal(flat(trainer.ema), found[best][1])
    assert str(report.note).startswith(f"The weights of step {best:,} are kept")


def test_checking_the_held_out_loss_changes_no_step() -> None:
    one, _ = trained(problem_of(80, training__early_stopping="on", training__steps=300))
    other, _ = trained(problem_of(80, training__early_stopping="off", training__steps=300))
    assert torch.equal(flat(one.network), flat(other.network))


@pytest.mark.claims
def test_training_more_goes_on_and_stops_again() -> None:
    trainer, reports = trained(problem_of(80))
    ended = reports[-1].step
    assert next(trainer, None) is None
    trainer.extend()
    more = list(trainer)
    assert more[0].step > ended
    assert more[-1].step >= ended + PATIENCE
    assert torch.isfinite(flat(trainer.ema)).all()


@pytest.mark.claims
def test_a_pause_and_a_saved_session_change_nothing(tmp_path: Path) -> None:
    problem = problem_of(80)
    whole, reports = trained(problem)
    first = Trainer(problem)
    for report in itertools.takewhile(lambda report: report.step < 700, first):
        assert not report.finished
    assert first.stopping.best_step is not None
    Session.of(problem.experiment, problem.dataset, weights=first.state()).save(tmp_path / "paused.spg")
    second = Trainer(problem)
    second.restore(dict(present(Session.load(tmp_path / "paused.spg").weights)))
    *_, last = second
    assert (last.step, last.note) == (reports[-1].step, reports[-1].note)
    assert torch.equal(flat(whole.ema), flat(second.ema))
    third = Trainer(problem)
    third.restore(second.state())
    assert third.finished  # the early stop is saved too


def test_early_stopping_can_be_chosen_during_training() -> None:
    trainer = Trainer(problem_of(80, training__early_stopping="off", training__steps=400))
    for report in itertools.takewhile(lambda report: report.step < 150, trainer):
        assert report.note is None
    began = trainer.step
    trainer.set_hyperparameters(replace(trainer.problem.experiment, {"training.early_stopping": "on"}))
    *_, last = trainer
    assert last.finished
    assert present(trainer.stopping.best_step) > began


def test_the_noise_is_the_same_at_every_check_and_its_error_is_right() -> None:
    problem = problem_of(400)
    check, network = HeldOutCheck(problem), problem.network()
    assert check(network) == HeldOutCheck(problem)(network)
    gaps = [
        HeldOutCheck(problem_of(400, seed=seed))(network) for seed in range(8)
    ]  # other draws: an untrained network has no gap but by chance
    for found in gaps:
        assert abs(found.gap) < 4 * found.gap_error


def test_a_known_density_removes_the_noise_of_the_gap() -> None:
    """With a perfect score both sets of points have the same loss after the subtraction, for any draws."""
    problem = Problem.build(replace(Experiment(), {"data.points": 500}))
    found = HeldOutCheck(problem)(density_of(problem).score)
    assert found.gap == pytest.approx(0, abs=1e-6)
    assert found.gap_error < 1e-6


def test_both_sets_of_points_have_the_same_noise_at_each_check() -> None:
    """With equal points the gap is 0 for any network."""
    problem = problem_of(100)
    check, network = HeldOutCheck(problem), problem.network()
    check.x[0] = check.x[1]
    found = check(network)
    assert (found.gap, found.gap_error) == (0, 0)
    assert check(network).loss == found.loss > 0


def test_few_checks_cost_little() -> None:
    steps = list(
        itertools.takewhile(lambda step: step <= 20_000, itertools.accumulate(range(1000), lambda s, _: next_check(s)))
    )
    checks = len(steps)
    assert checks < 100  # each of 2,048 points forward is about one and a half steps of 512 points: 0.7 %
    assert all(next_check(step - 1) == step for step in steps[1:])


@pytest.mark.parametrize(("rows", "taken"), [(50, 5), (100, 10), (4_000, VALIDATION_ROWS)])
def test_validation_rows_are_no_test_rows(rows: int, taken: int) -> None:
    problem = problem_of(rows, likelihood__points=2_000)
    held_out = problem.dataset.held_out
    assert len(problem.validation) == taken
    assert len(problem.evaluation_points) == len(held_out) - taken
    internal = problem.units.standardized(problem.evaluation_points)
    seen = {tuple(row) for row in problem.validation.tolist()}
    assert not seen & {tuple(row) for row in internal.tolist()}
    assert len(problem_of(rows, training__early_stopping="off").evaluation_points) == len(held_out)
    settings = {"data.points": rows, "likelihood.points": 300, "training.early_stopping": "on"}
    toy = Problem.build(replace(Experiment(), settings))
    assert toy.stops_early
    assert len(toy.evaluation_points) == 300


def test_validation_rows_are_no_test_rows_after_a_change_that_keeps_the_weights() -> None:
    assert fields()["training.early_stopping"].resets
    points = np.random.default_rng(0).integers(0, 17, size=(60, 1, 8, 8)).astype(np.float32)
    dataset = Dataset(
        "images", points[20:], None, (1, 8, 8), ("x", "y"), points[:20], labels=np.arange(40) % 10, grey_levels=17
    )
    settings = {"data.kind": "digits", "training.early_stopping": "on", "training.label_dropout": 0.1}
    problem = Problem.build(replace(Experiment(), settings), dataset)
    assert problem.stops_early
    later = dataclasses.replace(problem, experiment=replace(problem.experiment, {"training.label_dropout": 0.0}))
    assert not later.stops_early
    np.testing.assert_array_equal(later.evaluation_points, problem.evaluation_points)
    assert len(later.evaluation_points) == 10


def test_a_check_differentiates_no_more_than_its_bound() -> None:
    settings = {"data.kind": "digits", "objective.kind": "exact"}
    for changes, drawn in ((settings, EVALUATION_PASSES // 2 // 64), ({"data.kind": "digits"}, IMAGES), ({}, POINTS)):
        seen: list[int] = []

        def score(x: torch.Tensor, sigma: torch.Tensor, label: object = None, seen: list[int] = seen) -> torch.Tensor:
            seen.append(len(x))
            return -x

        HeldOutCheck(Problem.build(replace(Experiment(), changes)))(score)
        assert set(seen) == {drawn}


def test_training_on_many_points_does_not_stop_early() -> None:
    for settings, written in (({}, "off"), ({"data.points": 10_000}, "on"), ({"data.kind": "digits"}, "off")):
        assert Problem.build(replace(Experiment(), settings)).resolve().training.early_stopping == written


def test_a_network_that_needs_labels_has_no_held_out_loss() -> None:
    problem = Problem.build(
        replace(Experiment(), {"data.kind": "digits", "training.label_dropout": 0.0, "training.early_stopping": "on"})
    )
    assert not problem.stops_early
    assert any("training.early_stopping = on changes nothing" in str(said) for said in settings_without_effect(problem))
    assert Trainer(problem).held_out_loss(0.5, 0.1) is None


@pytest.mark.parametrize(
    "settings",
    [{"objective.kind": "exact"}, {"objective.kind": "sliced", "noise.kind": "none"}, {"network.kind": "energy"}],
)
def test_every_objective_has_a_held_out_loss(settings: dict[str, object]) -> None:
    changes = {key.replace(".", "__"): value for key, value in settings.items()}
    trainer, reports = trained(problem_of(80, training__steps=64, **changes))
    assert math.isfinite(reports[-1].held_out_loss)
    assert trainer.stopping.best_step is not None
