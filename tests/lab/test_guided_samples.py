"""Guided samples in the plane: their distance from the tilted density, guidance by an earlier step, and its interval."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from playground.lab.autoguidance import weaker_step, with_weaker
from playground.lab.compute import result
from playground.lab.conditioning import conditioned_score, field_score
from playground.lab.conflicts import comparison_conflict, sampling_conflict
from playground.lab.evaluation import sample_distances
from playground.lab.experiment import Experiment, ExperimentError, replace
from playground.lab.figures import needing
from playground.lab.opened import Opened
from playground.lab.problem import Problem
from playground.lab.sampling import sample
from playground.lab.session import Session
from playground.lab.tilting import tilted
from playground.lab.training import Trainer
from playground.lab.trajectory import Trajectory
from playground.lab.without_effect import settings_without_effect
from playground.theory.guidance import ScoreWithWeaker
from playground.theory.noise.process import ScoreFunction
from tests.figures import flat
from tests.fitting import dotted
from tests.generators import seeded
from tests.present import present

EXACT = {
    "data.kind": "two-moons",
    "data.classes": "on",
    "data.points": 1_000,
    "likelihood.points": 50,
    "sampling.kind": "probability-flow",
    "sampling.source": "exact",
    "sampling.labels": "one",
    "sampling.label": 1,
    "sampling.particles": 1_000,
}


def problem_of(**changes: object) -> Problem:
    return Problem.build(replace(Experiment(), EXACT | dotted(changes)))


def run(problem: Problem, score: ScoreFunction | None = None) -> Trajectory:
    *_, trajectory = sample(problem, score or present(problem.known_score()))
    return trajectory


def figures(problem: Problem) -> dict[str, Any]:
    progress = result(sample_distances(problem, run(problem).positions[-1]))
    return flat(progress)


@pytest.mark.claims
@pytest.mark.parametrize(("kind", "steps"), [("probability-flow", "auto"), ("reverse-sde", 100)])
def test_samples_of_a_class_follow_its_density_and_guided_ones_not_the_tilted(kind: str, steps: int | str) -> None:
    """With the exact score. Measured 3.5 and 1.9 standard deviations of the floor above it for w = 0, 11.6 and 8.8 for w = 1.

    The start has the mean of all data and not that of the class, which leaves a small shift.
    """
    for guidance, low, high in ((0.0, -4.0, 5.0), (1.0, 7.0, np.inf)):
        found = figures(problem_of(sampling__kind=kind, sampling__steps=steps, sampling__guidance=guidance))
        distance, floor, std = (found[f"tilted_sliced_wasserstein2{end}"] for end in ("", "_floor", "_floor_std"))
        assert low < (distance - floor) / std < high
        assert found["tilted_points"] == [1_000, 1_000]
        kl, floor, std = (found[f"tilted_kl{end}"] for end in ("", "_floor", "_floor_std"))
        assert abs(floor) < 0.05
        assert 0 < std < 0.03
        assert abs(kl - floor) < 0.05 if guidance == 0 else kl - floor > 0.08  # measured -0.01 and -0.01, 0.20 and 0.11
        assert found["tilted_kl_points"] == [1_000, 2_000]
        assert found["sliced_wasserstein2"] is None  # these data are of one class


def test_the_field_of_autoguidance_is_the_one_that_particles_follow() -> None:
    """Without a class, with one class, and outside the interval; without an earlier step it is the network's own."""
    base = {"sampling__source": "learned", "sampling__guide": "checkpoint", "sampling__guidance": 2.0}
    x = torch.randn(20, 2, generator=seeded(0))
    for labels in ("none", "one"):
        problem = problem_of(**base, sampling__labels=labels, sampling__guidance_max=1.0)
        network, weaker = problem.network(), problem.network()
        with torch.no_grad():
            for weight in weaker.parameters():
                weight.add_(0.1)
        both = ScoreWithWeaker(network, weaker)
        told = () if labels == "none" else (torch.tensor(1),)
        for sigma in (torch.tensor(0.3), torch.tensor(3.0)):
            shown = field_score(problem, both, "learned")(x, sigma)
            torch.testing.assert_close(shown, conditioned_score(problem, both)(x, sigma))
            own = network(x, sigma, *told)
            expected = own + 2 * (own - weaker(x, sigma, *told)) if float(sigma) < 1 else own
            torch.testing.assert_close(shown, expected)
            torch.testing.assert_close(field_score(problem, network, "learned")(x, sigma), own)
        assert field_score(problem, both, "exact") is both


def test_few_draws_of_many_classes_are_drawn_from_those_that_come() -> None:
    density = tilted(problem_of(data__kind="eight-gaussians", sampling__labels="all", sampling__guidance=2.0))
    assert density is not None
    found = torch.stack([density.sample(1, seeded(number)) for number in range(20)])
    assert found.shape == (20, 1, 2)
    assert len({tuple(row) for row in found.round().flatten(1).tolist()}) > 3


def test_the_tilted_density_of_all_classes_is_their_mixture() -> None:
    problem = problem_of(data__kind="two-gaussians", sampling__labels="all", sampling__guidance=2.0)
    both = present(tilted(problem))
    ones = [
        present(tilted(problem_of(data__kind="two-gaussians", sampling__label=label, sampling__guidance=2.0)))
        for label in (0, 1)
    ]
    x = torch.from_numpy(problem.dataset.points[:50])
    torch.testing.assert_close(both.prob(x), 0.8 * ones[0].prob(x) + 0.2 * ones[1].prob(x))
    drawn = both.sample(4_000, seeded(0))
    assert float((drawn[:, 0] > 0).double().mean()) == pytest.approx(0.8, abs=4.4 * np.sqrt(0.16 / 4_000))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"data__classes": "off"}, "needs a toy with classes"),
        ({"data__kind": "digits", "sampling__source": "learned", "sampling__label": 1}, "needs a toy with classes"),
        ({"sampling__labels": "none"}, "choose sampling.labels = one or all"),
        ({"sampling__source": "empirical"}, "choose sampling.labels = one or all"),
        ({"sampling__inpainting_mask": "left"}, "a part of each is given"),
    ],
)
def test_samples_without_a_tilted_density_say_why(changes: dict[str, Any], why: str) -> None:
    fitting = {
        key: to for key, to in changes.items() if key != "data__classes" or changes.get("data__kind") != "digits"
    }
    base = {key: to for key, to in EXACT.items() if changes.get("data__kind") != "digits" or "data." not in key}
    problem = Problem.build(replace(Experiment(), base | dotted(fitting)))
    progress = result(sample_distances(problem, problem.dataset.held_out[:20]))
    assert tilted(problem) is None
    for key in needing("known classes"):
        assert flat(progress)[key] is None
        assert why in str(flat(progress)["reasons"][key])


def test_guidance_in_an_interval_costs_less_and_does_less() -> None:
    everywhere = problem_of(sampling__guidance=2.0, sampling__particles=200)
    level = everywhere.units.sigma_to_user(0.5)
    within, beyond, none = (
        run(problem_of(sampling__particles=200, **{f"sampling__{key}": to for key, to in changes.items()}))
        for changes in (
            {"guidance": 2.0, "guidance_max": level},
            {"guidance": 2.0, "guidance_min": 1e6},
            {"guidance": 0.0},
        )
    )
    whole = run(everywhere)
    assert none.nfe_mean[-1] == beyond.nfe_mean[-1] < within.nfe_mean[-1] < whole.nfe_mean[-1] == 2 * none.nfe_mean[-1]
    np.testing.assert_array_equal(beyond.positions[-1], none.positions[-1])
    moved = [float(np.abs(one.positions[-1] - none.positions[-1]).mean()) for one in (within, whole)]
    assert 0.01 < moved[0] < moved[1]
    empty = replace(everywhere.experiment, {"sampling.guidance_min": 1.0, "sampling.guidance_max": 0.5})
    assert "No noise level lies from" in str(sampling_conflict(empty))


def guided_by_checkpoint(trainer: Trainer, **changes: object) -> Problem:
    settings = {"sampling.guide": "checkpoint", "sampling.guidance": 1.0, "sampling.particles": 200}
    changed = dotted(changes)
    return trainer.problem.with_experiment(replace(trainer.problem.experiment, settings | changed))


@pytest.mark.parametrize(
    ("asked", "kept", "step"),
    [
        ("auto", (0, 10, 20, 50, 90), 10),
        (45, (0, 10, 20, 50, 90), 50),
        (400, (0, 10, 90, 100, 300), 90),
        ("auto", (0,), 0),
    ],
)
def test_the_kept_step_nearest_to_the_one_asked_for_guides(
    asked: int | str, kept: tuple[int, int, int, int, int] | tuple[int], step: int
) -> None:
    settings = {"sampling.guide": "checkpoint", "sampling.guidance": 1.0, "sampling.guide_step": asked}
    assert weaker_step(replace(Experiment(), settings), kept, 100) == step
    assert weaker_step(replace(Experiment(), settings | {"sampling.guidance": 0.0}), kept, 100) is None
    assert weaker_step(replace(Experiment(), settings), (), 100) is None


@pytest.mark.parametrize("labels", ["none", "all"])
def test_autoguidance_follows_two_steps_of_one_training(guided_gaussians: Trainer, labels: str) -> None:
    trainer = guided_gaussians
    problem = guided_by_checkpoint(trainer, sampling__labels=labels)
    kept = trainer.checkpoints.weights
    score = with_weaker(problem, trainer.ema, kept, trainer.step)
    assert isinstance(score, ScoreWithWeaker)
    weaker = present(score.weaker)
    weak = problem.network()
    weak.load_state_dict(dict(kept[present(weaker_step(problem.experiment, kept, trainer.step))]))
    x, sigma = problem.test[:40], torch.tensor(0.5)
    told = () if labels == "none" else (torch.tensor(1),)
    with torch.no_grad():
        torch.testing.assert_close(weaker(x, sigma, *told), weak(x, sigma, *told))
        assert float((score(x, sigma, *told) - weak(x, sigma, *told)).abs().mean()) > 0.01
    guided, plain = run(problem, score), run(guided_by_checkpoint(trainer, sampling__guidance=0.0), trainer.ema)
    assert guided.nfe_mean[-1] == 2 * plain.nfe_mean[-1]
    assert np.abs(guided.positions[-1] - plain.positions[-1]).mean() > 0.01
    # It aims at the data, so the samples are compared with them.
    assert comparison_conflict(problem.experiment, problem.conditions) is None
    assert [str(one) for one in settings_without_effect(problem)] == []


def test_a_session_has_the_steps_that_guide(guided_gaussians: Trainer) -> None:
    trainer = guided_gaussians
    problem = guided_by_checkpoint(trainer)
    model = Opened.session(Session.of(problem.experiment, problem.dataset, weights=trainer.state()), "cpu").model
    expected = run(problem, with_weaker(problem, trainer.ema, trainer.checkpoints.weights, trainer.step))
    np.testing.assert_allclose(run(model.problem, model.score).positions[-1], expected.positions[-1], atol=1e-4)


def test_without_an_earlier_step_autoguidance_says_what_to_do(guided_gaussians: Trainer) -> None:
    problem = guided_by_checkpoint(guided_gaussians)
    with pytest.raises(ExperimentError, match="none is kept: train first, or choose"):
        next(sample(problem, guided_gaussians.ema))
    exact = dataclasses.replace(problem, experiment=replace(problem.experiment, {"sampling.source": "exact"}))
    assert run(exact).finished  # it does not act on the exact score
