"""Training: every valid experiment learns, runs repeat exactly, and failures end with a sentence."""

import itertools
import math
from dataclasses import replace as with_parts
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from playground.lab import training
from playground.lab.compute import result
from playground.lab.experiment import Experiment, ExperimentError, replace
from playground.lab.loss_identity import loss_identity
from playground.lab.objective import build_objective
from playground.lab.problem import Problem
from playground.lab.training import Trainer, TrainingProgress, recommended_threads
from playground.lab.weights import load_weights
from playground.theory.fused_training import denoising_steps
from playground.theory.noise import per_point
from playground.theory.noise.process import ScoreFunction
from tests.densities import density_of
from tests.fitting import dotted, fitting
from tests.generators import seeded
from tests.present import present

SMALL = {
    "data.kind": "two-gaussians",
    "data.points": 4000,
    "network.width": 48,
    "network.depth": 2,
    "network.features": 32,
    "training.batch": 256,
    "training.learning_rate": 5e-3,
    "training.steps": 150,
}
OBJECTIVES = ("exact", "sliced", "denoising")
NOISES = ("none", "single", "discrete", "ve", "vp")
LEGAL = [pair for pair in itertools.product(OBJECTIVES, NOISES) if pair != ("denoising", "none")]


def final_loss(trainer: Trainer) -> tuple[float, float]:
    """Loss of the averaged weights and its standard error."""
    return result(trainer.evaluate_loss())


def experiment(**changes: object) -> Experiment:
    return fitting(SMALL, dotted(changes))


def trained(**changes: object) -> tuple[Trainer, TrainingProgress]:
    trainer = Trainer(Problem.build(experiment(**changes)))
    *_, last = trainer
    return trainer, last


def weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in trainer.network.parameters()])


@pytest.mark.claims
@pytest.mark.parametrize(("objective", "noise"), LEGAL)
def test_every_legal_pair_of_objective_and_noise_learns(objective: str, noise: str) -> None:
    """The averaged weights reach most of the way from a Gaussian score's loss to the floor, on fresh noise."""
    steps = 300 if noise == "none" else 200
    trainer, last = trained(objective__kind=objective, noise__kind=noise, training__steps=steps)
    assert last.finished
    assert last.diverged is None
    assert last.optimal_loss is not None
    problem = trainer.problem
    judge, generator = build_objective(problem), problem.generator("judge")
    sigma = problem.noise.training_sigmas(len(problem.test), generator)
    state = generator.get_state()

    def loss(score: ScoreFunction) -> float:
        generator.set_state(state)
        return float(judge.loss(score, problem.test, sigma, generator).detach().mean())

    assert problem.density is not None
    start = loss(lambda x, level: -x / per_point(level.square() + 1, x))
    best = loss(density_of(problem).score)
    assert best < start
    assert loss(trainer.ema) < start - 0.6 * (start - best)


def test_the_final_loss_is_measured_as_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """For digits: at fractions of their grey levels, with classes shown and hidden."""
    settings = {"data.kind": "digits", "network.width": 16, "network.depth": 2, "training.label_dropout": 0.25}
    trainer = Trainer(Problem.build(replace(Experiment(), settings)))
    problem, asked = trainer.problem, []
    before = trainer.state()["generator"]

    def loss(score: Any, x: torch.Tensor, sigma: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        asked.append((score.func, x, score.keywords["label"]))
        return sigma

    monkeypatch.setattr(trainer.objective, "loss", loss)
    assert problem.noise.sigma_min < final_loss(trainer)[0] < problem.noise.sigma_max
    assert {network for network, _, _ in asked} == {trainer.ema}
    half = 1 / present(problem.dataset.grey_levels) / problem.units.length
    x, label = (torch.cat([draw[part] for draw in asked]) for part in (1, 2))
    some = x[:300].flatten(1)
    apart = (some[:, None] - problem.train.flatten(1)).abs().amax(-1)
    off, rows = apart.min(1)
    assert 0.9 * half < off.min() <= off.max() <= 1.0001 * half  # one of 64 pixels is near the end of its level
    hidden = label == problem.classes
    assert hidden.double().mean() == pytest.approx(0.25, abs=0.03)
    assert torch.equal(label[:300][~hidden[:300]], present(problem.labels)[rows][~hidden[:300]])
    assert np.array_equal(trainer.state()["generator"], before)  # training continues as without the measurement


@pytest.mark.claims  # a statistic
def test_the_error_of_the_final_loss_is_its_spread_over_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """For maximum likelihood, where 512 points share two noise levels: the error of independent points would be a ninth."""
    settings = {"noise__kind": "discrete", "network__kind": "energy", "objective__kind": "maximum-likelihood"}
    trainer = Trainer(Problem.build(experiment(objective__normalizer_grid=16, network__width=16, **settings)))
    found = []
    for seed in range(16):
        monkeypatch.setattr(Problem, "generator", lambda *_, seed=seed: seeded(seed))
        found.append(final_loss(trainer))
    losses, errors = np.transpose(found)
    assert losses.std(ddof=1) / 1.7 < errors.mean() < 1.7 * losses.std(ddof=1)  # of 16: 3.5 standard deviations


def test_the_final_loss_of_the_true_score_is_optimal_with_any_target_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The means are over 1,500 points; over 512, as for the other objectives, the loss would be twice as much."""
    trainer = Trainer(Problem.build(experiment(training__batch=1500, objective__target_batch=1500)))
    density = present(trainer.problem.density)
    monkeypatch.setattr(trainer, "ema", density.score)
    objective = build_objective(trainer.problem)
    floor, floor_error = present(objective.optimal_loss_with_error(density, torch.Generator(), parts=8))
    loss, error = final_loss(trainer)
    assert loss == pytest.approx(floor, abs=4 * math.hypot(error, floor_error))
    assert floor_error < 0.1 * floor


def test_denoising_without_noise_is_refused() -> None:
    with pytest.raises(ExperimentError, match="Denoising needs noise"):
        Trainer(Problem.build(experiment(noise__kind="none", objective__kind="denoising")))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *itertools.product(
            ["objective__weight"], ["auto", "sigma2", "edm", "sigma4", "velocity", "likelihood", "constant"]
        ),
        *itertools.product(["network__prediction"], ["noise", "denoised", "velocity", "score"]),
    ],
)
def test_every_weight_and_prediction_trains(key: str, value: str) -> None:
    """Far losses at the start are those of an untrained network, not divergence."""
    _, last = trained(**{key: value, "training__steps": 60})
    assert last.diverged is None
    assert last.optimal_loss is not None
    assert math.isfinite(last.loss)


@pytest.mark.parametrize("probes", ["rademacher", "gaussian", "sphere"])
@pytest.mark.parametrize("reduced", [True, False])
def test_every_projection_trains(probes: str, reduced: bool) -> None:
    _, last = trained(
        objective__kind="sliced",
        objective__probes=probes,
        objective__projections=2,
        objective__variance_reduced=reduced,
        training__steps=30,
    )
    assert last.diverged is None


def test_same_seed_same_weights_whatever_the_clock_says() -> None:
    first, second, other = trained(seed=3)[0], Trainer(Problem.build(experiment(seed=3))), trained(seed=4)[0]
    while not second.finished:
        second._rate = 50.0  # chunks of another length than the first trainer's
        next(second)
    assert torch.equal(weights(first), weights(second))
    assert not torch.equal(weights(first), weights(other))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_restored_training_goes_on_to_the_same_bits(objective: str) -> None:
    straight, _ = trained(objective__kind=objective, training__steps=60)
    broken = Trainer(Problem.build(experiment(objective__kind=objective, training__steps=60)))
    for progress in broken:
        if progress.step >= 15:
            break
    saved = broken.state()
    assert all(isinstance(array, np.ndarray) for array in saved.values())
    before = {name: array.copy() for name, array in saved.items()}
    list(broken)  # further training must not change the saved state
    assert all(np.array_equal(before[name], saved[name]) for name in before)
    resumed = Trainer(Problem.build(experiment(objective__kind=objective, training__steps=60)))
    resumed.restore(saved)
    assert resumed.step == int(saved["step"])
    *_, last = resumed
    assert last.step == 60
    for name, array in straight.state().items():
        if name != "seconds":
            np.testing.assert_array_equal(array, resumed.state()[name], err_msg=name)


def test_weights_of_another_network_are_refused() -> None:
    state = Trainer(Problem.build(experiment())).state()
    with pytest.raises(ExperimentError, match="another network"):
        Trainer(Problem.build(experiment(network__width=32))).restore(state)


def test_a_checkpoint_of_averaged_weights_alone_can_be_trained_on() -> None:
    trainer, _ = trained(training__steps=40)
    state = {k: v for k, v in trainer.state().items() if not k.startswith(("network.", "adam."))}
    resumed = Trainer(Problem.build(experiment(training__steps=40)))
    resumed.restore(state)
    assert resumed.finished
    assert all(torch.equal(a, b) for a, b in zip(resumed.network.parameters(), trainer.ema.parameters(), strict=True))
    resumed.extend()
    *_, last = resumed
    assert last.step == 80
    assert last.diverged is None


@pytest.mark.claims
@pytest.mark.parametrize(
    "settings",
    [
        {"objective__kind": "denoising"},
        {"objective__kind": "denoising", "objective__target_batch": 64},
        {"objective__kind": "denoising", "network__prediction": "noise"},
        {"objective__kind": "exact"},
        {"objective__kind": "exact", "noise__kind": "none"},
        {"objective__kind": "sliced", "objective__projections": 2, "objective__probes": "sphere"},
        {"objective__kind": "sliced", "objective__probes": "gaussian", "objective__variance_reduced": False},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_blocks_of_steps_have_the_objectives_own_loss(settings: dict[str, object]) -> None:
    """For a partly trained network, two independent means agree within four standard errors."""

    class Plain(Trainer):
        _fused = False

    learned = trained(training__steps=300, **settings)[0].state()

    def losses(kind: type[Trainer]) -> np.ndarray:
        trainer = kind(Problem.build(experiment(training__steps=700, training__learning_rate=1e-7, **settings)))
        trainer.restore(learned | {"limits": np.array([700.0, np.inf])})
        assert trainer._fused is (kind is Trainer)
        return np.array([progress.loss for progress in trainer])

    fused, plain = losses(Trainer), losses(Plain)
    error = math.hypot(fused.std() / math.sqrt(len(fused)), plain.std() / math.sqrt(len(plain)))
    assert abs(fused.mean() - plain.mean()) < 4 * error


def test_each_step_of_a_block_sees_every_noise_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """In every step the mean of 256 values of ln sigma is within 0.02 of the distribution's mean."""
    seen = []

    def recorded(*arguments: Any) -> torch.Tensor:
        seen.append(arguments[2])
        return denoising_steps(*arguments)

    monkeypatch.setattr(training, "denoising_steps", recorded)
    trainer = Trainer(Problem.build(experiment()))
    next(trainer)
    (sigma,) = seen
    assert sigma.shape == (training.BLOCK, trainer.problem.batch)
    expected = trainer.problem.noise.training_sigmas(100_000, trainer.problem.generator("distribution")).log()
    torch.testing.assert_close(sigma.log().mean(1), expected.mean().expand(len(sigma)), rtol=0, atol=0.02)
    torch.testing.assert_close(sigma.log().std(1), expected.std().expand(len(sigma)), rtol=0, atol=0.02)


@pytest.mark.claims  # a statistic of a training
@pytest.mark.parametrize("network", ["mlp", "u-net"])
def test_exact_matching_of_images_takes_the_full_trace(network: str) -> None:
    """An untrained network is a Gaussian's score: its loss sigma^2 (E||s||^2/2 + tr) is -sigma^2/(1 + sigma^2) D/2, D = 64."""
    problem = Problem.build(
        experiment(
            data__kind="digits",
            objective__kind="exact",
            network__kind=network,
            noise__kind="single",
            noise__sigma=5.0,
            training__batch=32,
            training__steps=2,
        )
    )
    *_, last = Trainer(problem)
    sigma = problem.noise.sigma_max
    assert last.diverged is None
    assert last.loss == pytest.approx(-32 * sigma**2 / (1 + sigma**2), rel=0.2)
    assert problem.experiment.objective.passes(64) == 64


def test_optimizer_is_adam_and_averaged_weights_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare with torch.optim.Adam on the same gradients, with the documented betas and rising learning rate.

    After n steps the average is sum_k w_k theta_k with d_n = min(d, (1 + n)/(10 + n)), exactly.
    """
    monkeypatch.setattr(training, "BLOCK", 1)
    trainer = Trainer(
        Problem.build(experiment(training__steps=30, training__lr_schedule="none", training__ema_decay=0.5))
    )
    twin, average = Trainer(trainer.problem), weights(trainer)
    parameters = [parameter.detach().clone().requires_grad_() for parameter in twin.network.parameters()]
    adam = torch.optim.Adam(parameters, lr=1.0, betas=(0.9, 0.99), eps=1e-8)
    generator, settings = trainer.problem.generator("training"), trainer.problem.experiment.training
    assert settings.batch != "auto"
    data, objective = trainer.problem.train, build_objective(trainer.problem)
    for step in range(30):
        assert next(trainer).learning_rate == pytest.approx(settings.learning_rate * (step + 1) / 100)
        rows = torch.randint(len(data), (settings.batch,), generator=generator)
        sigma = trainer.problem.noise.training_sigmas(settings.batch, generator)
        names = [name for name, _ in twin.network.named_parameters()]

        def score(x: torch.Tensor, level: torch.Tensor, names: list[str] = names) -> torch.Tensor:
            found: torch.Tensor = torch.func.functional_call(
                twin.network, dict(zip(names, parameters, strict=True)), (x, level)
            )
            return found

        loss = objective.loss(score, data[rows], sigma, generator).mean()
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = gradient
        adam.param_groups[0]["lr"] = settings.learning_rate * (step + 1) / 100
        adam.step()
        decay = min(0.5, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * weights(trainer)
        found = torch.cat([parameter.detach().flatten() for parameter in trainer.ema.parameters()])
        torch.testing.assert_close(found, average, rtol=1e-5, atol=1e-6)
    expected = torch.cat([parameter.detach().flatten() for parameter in parameters])
    torch.testing.assert_close(weights(trainer), expected, rtol=1e-3, atol=1e-4)


def test_learning_rate_falls_along_a_cosine() -> None:
    trainer = Trainer(Problem.build(experiment(training__steps=400)))
    for progress in trainer:
        if progress.step > 110:
            done = (progress.step - 1) / 400
            assert progress.learning_rate == pytest.approx(5e-3 * 0.5 * (1 + math.cos(math.pi * done)), rel=1e-9)


def test_time_limit_counts_training_only() -> None:
    trainer = Trainer(Problem.build(experiment(training__steps="auto", training__seconds=0.5)))
    seen = list(trainer)
    assert 0.5 <= seen[-1].seconds < 1.5
    assert seen[-1].finished
    assert seen[-1].seconds_left == 0.0
    assert not any(progress.finished for progress in seen[:-1])
    assert [progress.seconds for progress in seen] == sorted(progress.seconds for progress in seen)
    with pytest.raises(StopIteration):
        next(trainer)
    trainer.extend()
    *_, last = trainer
    assert 1.0 <= last.seconds < 2.5


def test_no_steps_are_finished_before_they_start() -> None:
    trainer = Trainer(Problem.build(experiment(training__steps=0)))
    assert trainer.finished
    assert list(trainer) == []


def test_steps_are_exact_and_can_be_extended() -> None:
    trainer, last = trained(training__steps=37)
    assert last.step == trainer.step == 37
    trainer.extend()
    *_, last = trainer
    assert last.step == 74
    trainer.set_hyperparameters(replace(trainer.problem.experiment, {"training.steps": 80}))
    *_, last = trainer
    assert last.step == 80


def test_settings_change_on_the_fly() -> None:
    trainer = Trainer(Problem.build(experiment(training__lr_schedule="none", training__steps=5000)))
    for progress in trainer:
        if progress.step > 100:
            break
    floor = present(progress.optimal_loss)
    changed = {"training.learning_rate": 1e-3, "training.batch": 16, "objective.kind": "sliced"}
    trainer.set_hyperparameters(replace(trainer.problem.experiment, changed))
    progress = next(trainer)
    assert progress.learning_rate == pytest.approx(1e-3)
    assert progress.optimal_loss is not None
    assert progress.optimal_loss < 0 < floor
    assert progress.step > 101


@pytest.mark.parametrize("sigma", [1e-15, 1e15])
def test_an_infinite_loss_is_not_blamed_on_the_learning_rate(sigma: float) -> None:
    *_, last = Trainer(Problem.build(experiment(noise__kind="single", noise__sigma=sigma, training__steps=2)))
    assert last.diverged is not None
    assert "leaves single precision" in str(last.diverged)
    assert "learning_rate" not in str(last.diverged)


@pytest.mark.claims  # a statistic of 80,000 points
@pytest.mark.usefixtures("whole_optimal_losses")
def test_the_optimal_loss_has_an_error_and_is_estimated_anew_only_for_another_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainer = Trainer(Problem.build(experiment(training__steps=5000)))
    first = next(trainer)
    optimal, error = present(first.optimal_loss), present(first.optimal_loss_error)
    density, generator = present(trainer.problem.density), trainer.problem.generator("another")
    truth = present(trainer.objective.optimal_loss(density, generator, 400_000))
    assert 0 < error < 0.05 * optimal
    assert abs(optimal - truth) < 4 * error
    trainer.set_hyperparameters(replace(trainer.problem.experiment, {"training.learning_rate": 1e-3}))
    monkeypatch.setattr(trainer.objective, "optimal_loss", lambda *_: pytest.fail("the loss is the same"))
    assert next(trainer).optimal_loss == first.optimal_loss
    trainer.set_hyperparameters(replace(trainer.problem.experiment, {"objective.weight": "sigma2"}))
    assert next(trainer).optimal_loss != first.optimal_loss


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ({}, {"training.sigma_distribution": "time"}, False),
        (
            {"noise.kind": "discrete"},
            {"training.sigma_distribution": "time"},
            True,
        ),  # discrete levels have no distribution to choose
        ({}, {"training.batch": 300}, True),  # the stable-target batch is 256
        ({}, {"training.batch": 64}, False),
        ({"objective.kind": "sliced"}, {"training.batch": 64}, True),
        ({}, {"objective.weight": "edm", "objective.target_batch": 256}, True),  # what auto stands for
        ({}, {"objective.weight": "sigma2"}, False),
        ({}, {"training.learning_rate": 1e-3, "training.ema_decay": 0.9, "training.steps": 7}, True),
    ],
)
def test_loss_identities_differ_where_optimal_losses_do(
    before: dict[str, Any], after: dict[str, Any], same: bool
) -> None:
    first = experiment(**{key.replace(".", "__"): one for key, one in before.items()})
    second = replace(first, after)
    assert (loss_identity(first) == loss_identity(second)) is same
    first_floor, second_floor = (next(Trainer(Problem.build(one))).optimal_loss for one in (first, second))
    assert (first_floor == second_floor) is same


@pytest.mark.parametrize("change", [{"noise.kind": "vp"}, {"data.points": 100}, {"network.depth": 1}, {"seed": 9}])
def test_settings_that_need_a_new_trainer_are_not_changed_on_the_fly(change: dict[str, object]) -> None:
    trainer = Trainer(Problem.build(experiment()))
    with pytest.raises(ValueError, match="needs a new trainer"):
        trainer.set_hyperparameters(replace(trainer.problem.experiment, change))


def test_divergence_stops_and_keeps_the_last_good_weights() -> None:
    trainer = Trainer(Problem.build(experiment(training__steps=5000, training__lr_schedule="none")))
    for progress in trainer:
        if progress.step > 100:
            break
    good, average = weights(trainer), trainer.snapshot()
    settings = trainer.problem.experiment
    wild = msgspec.structs.replace(settings.training, learning_rate=1e3)  # outside the bounds of files and panels
    trainer.set_hyperparameters(msgspec.structs.replace(settings, training=wild))
    trainer._rate = 1e9  # the whole chunk at once, so that no weights are kept in between
    trainer._limits = (trainer.step + 300, math.inf)
    last = next(trainer)
    assert last.finished
    assert last.diverged is not None
    assert "training.learning_rate, now 1000, to 100 or less" in str(last.diverged)
    assert torch.equal(weights(trainer), good)
    assert all(torch.equal(average[name], tensor) for name, tensor in trainer.snapshot().items())
    assert list(trainer) == []
    trainer.set_hyperparameters(replace(settings, {"training.steps": trainer.step + 20}))
    *_, last = trainer
    assert last.diverged is None


def test_a_loss_without_bound_says_what_the_data_lack() -> None:
    """Points on a line have no density: the loss of exact matching without noise goes to minus infinity."""
    problem = Problem.build(experiment(noise__kind="none", objective__kind="exact", training__steps=10_000))
    line = torch.stack([problem.train[:, 0], torch.zeros(len(problem.train))], dim=1)
    trainer = Trainer(with_parts(problem, train=line, density=None))
    for last in trainer:
        if last.loss < -100:
            trainer._reference = 1e-3  # a shortcut: the bound is ten thousand times lower
    assert last.diverged is not None
    assert "falls without bound" in str(last.diverged)


def test_snapshot_is_a_copy_that_another_network_can_load() -> None:
    trainer, _ = trained(training__steps=20)
    snapshot = trainer.snapshot()
    network = trainer.problem.network()
    network.load_state_dict(snapshot)
    x = trainer.problem.test[:5]
    expected = trainer.ema(x, torch.tensor(0.5)).detach()
    trainer.extend()
    list(trainer)
    assert torch.equal(network(x, torch.tensor(0.5)), expected)
    assert not torch.equal(trainer.ema(x, torch.tensor(0.5)), expected)


def test_saved_averages_load_into_a_network() -> None:
    trainer, _ = trained(training__steps=20)
    x, sigma = trainer.problem.test[:5], torch.tensor(0.5)
    for kind, network in (("ema", trainer.ema), ("network", trainer.network)):
        loaded = trainer.problem.network()
        load_weights(loaded, trainer.state(), kind)
        assert torch.equal(loaded(x, sigma), network(x, sigma))


@pytest.mark.claims  # a training's quality
def test_digits_train() -> None:
    trainer, last = trained(data__kind="digits", network__width=128, training__batch=32, training__steps=200)
    assert last.optimal_loss is None
    assert last.diverged is None
    problem = trainer.problem
    judge, generator = build_objective(problem), problem.generator("judge")
    sigma = problem.noise.training_sigmas(len(problem.test), generator)
    before, after = (
        float(judge.loss(network, problem.test, sigma, problem.generator("noise")).detach().mean())
        for network in (problem.network(), trainer.network)
    )
    assert after < 0.9 * before


def test_threads() -> None:
    points, images = Problem.build(experiment()), Problem.build(experiment(data__kind="digits"))
    assert [recommended_threads(points, cores) for cores in (1, 8)] == [1, 1]
    assert [recommended_threads(images, cores) for cores in (1, 8)] == [1, 7]


@pytest.mark.parametrize("name", ["step", "limits", "generator", "seconds"])
def test_an_incomplete_state_is_refused_in_a_sentence(name: str) -> None:
    trainer = Trainer(Problem.build(replace(Experiment(), {"data.points": 100, "training.steps": 2})))
    for _ in trainer:
        pass
    state = trainer.state()
    del state[name]
    with pytest.raises(ExperimentError, match="incomplete or damaged"):
        trainer.restore(state)


@pytest.mark.parametrize(("network", "same"), [("u-net", False), ("mlp", False), ("energy", True)])
def test_label_dropout_changes_the_loss_identity_of_networks_with_labels(network: str, same: bool) -> None:
    first = experiment(data__kind="digits", network__kind=network)
    assert (loss_identity(first) == loss_identity(replace(first, {"training.label_dropout": 0.6}))) is same


def test_the_final_loss_takes_no_longer_with_more_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exact matching of 8 x 8 images took 7.5 s after training."""
    digits = {"data.kind": "digits", "network.kind": "mlp", "network.width": 16, "objective.kind": "exact"}
    trainer = Trainer(Problem.build(replace(Experiment(), digits)))
    drawn: list[int] = []
    loss = trainer.objective.loss

    def counted(score: Any, x: torch.Tensor, *arguments: Any) -> torch.Tensor:
        drawn.append(len(x))
        return loss(score, x, *arguments)

    monkeypatch.setattr(trainer.objective, "loss", counted)
    done = list(trainer.evaluate_loss())
    assert done == sorted(done)
    assert len(done) > 10
    assert 64 * sum(drawn) <= 16 * 4096  # axes times points
    value, error = final_loss(trainer)
    assert 0 < error < 0.2 * abs(value)
