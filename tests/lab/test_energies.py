"""Energies in an experiment: training by every objective, the density in the user's units, and the Metropolis test."""

import math

import numpy as np
import pytest
import torch

from playground.data import Dataset
from playground.lab.compute import result
from playground.lab.conflicts import flow_conflict, has_energy, likelihood_conflict
from playground.lab.energies import energy_metrics, integral_note, normalised
from playground.lab.evaluation import evaluate
from playground.lab.experiment import Experiment, ExperimentError, replace
from playground.lab.figures import needing
from playground.lab.measured import Measured
from playground.lab.objective import build_objective
from playground.lab.problem import Problem
from playground.lab.sampling import make_sampler, sample
from playground.lab.training import Trainer
from playground.theory.networks import Energy
from playground.theory.partition import QuadratureGrid, StandardNormal
from tests.densities import density_of
from tests.figures import flat
from tests.fitting import dotted, fitting
from tests.generators import seeded

SMALL = {
    "data.kind": "two-gaussians",
    "data.points": 4000,
    "network.kind": "energy",
    "network.width": 32,
    "network.depth": 2,
    "network.features": 24,
    "training.batch": 256,
    "training.learning_rate": 1e-2,
    "likelihood.points": 200,
}
PAIRS = [
    ("exact", "none", 120),
    ("sliced", "discrete", 150),
    ("denoising", "single", 200),
    ("denoising", "vp", 200),
    ("maximum-likelihood", "none", 150),
    ("maximum-likelihood", "discrete", 100),
    ("maximum-likelihood", "ve", 100),
]


def experiment(**changes: object) -> Experiment:
    return fitting(SMALL, dotted(changes))


def untrained(dataset: Dataset | None = None, **changes: object) -> tuple[Problem, Energy]:
    problem = Problem.build(experiment(**changes), dataset)
    network = problem.network()
    assert isinstance(network, Energy)
    return problem, network


def scrambled(network: Energy) -> Energy:
    generator = seeded(2)
    torch.nn.init.normal_(network.out.weight, std=0.2, generator=generator)
    return network.requires_grad_(False)


@pytest.mark.claims
@pytest.mark.usefixtures("whole_optimal_losses")
@pytest.mark.parametrize(("objective", "noise", "steps"), PAIRS)
def test_an_energy_learns_by_every_objective(objective: str, noise: str, steps: int) -> None:
    """The averaged weights reach at least half of the way from the Gaussian's loss to the floor, on fresh noise."""
    trainer = Trainer(
        Problem.build(
            fitting(
                SMALL | {"objective.normalizer_grid": 40},
                {"objective.kind": objective, "noise.kind": noise, "training.steps": steps},
            )
        )
    )
    *_, last = trainer
    assert last.diverged is None
    assert last.optimal_loss is not None
    problem = trainer.problem
    judge, generator = build_objective(problem), problem.generator("judge")
    sigma = problem.noise.training_sigmas(len(problem.test), generator)
    state = generator.get_state()
    losses = []
    for model in (StandardNormal(), trainer.ema):
        generator.set_state(state)
        losses.append(float(judge.loss(model, problem.test, sigma, generator).detach().mean()))
    assert losses[1] < losses[0] - 0.5 * (losses[0] - last.optimal_loss)


def test_maximum_likelihood_learns_a_density_near_the_datas() -> None:
    """The density integrates to 1 within 1 % on a grid that training did not use, and its KL is small.

    With the other sign of ln Z the result would be far off.
    """
    trainer = Trainer(
        Problem.build(experiment(objective__kind="maximum-likelihood", noise__kind="none", training__steps=150))
    )
    *_, last = trainer
    assert last.diverged is None
    progress = result(evaluate(trainer.problem, trainer.ema.requires_grad_(False)))
    found = flat(progress)
    assert found is not None
    assert found["energy_integral"] == pytest.approx(1, abs=0.01)
    assert found["log_partition_error"] < 0.01
    assert -0.05 < found["energy_kl"] < 0.15
    assert found["energy_nll"] == pytest.approx(found["entropy"] + found["energy_kl"], abs=0.3)
    # There is no flow without noise; then the test set's figures are those of the energy.
    assert (found["test_nll"], found["test_points"]) == (found["energy_nll"], 200)
    assert found["kl"] == pytest.approx(found["energy_kl"], abs=1e-9)
    assert found["density"].startswith("exp(-f)/Z of the learned energy, of the data as they are; ln Z = ")
    assert "test_nll" not in found["reasons"]
    assert found["likelihood_nfe_mean"] is None


@pytest.mark.parametrize(
    ("integral", "said"),
    [
        (1.0, None),
        (0.985, None),
        (0.912, "The rest of its mass lies outside"),
        (1.05, "peaks are too narrow for the grid"),
    ],
)
def test_a_density_that_does_not_integrate_to_1_gets_a_note(integral: float, said: str | None) -> None:
    note = integral_note(integral)
    assert (note is None) if said is None else (said in str(note) and f"{integral:.3f}" in str(note))


def test_mass_outside_the_data_is_reported_with_the_figures() -> None:
    """An untrained network is a Gaussian that reaches beyond the moons."""
    problem = Problem.build(experiment(noise__kind="none", data__kind="two-moons"))
    measured: dict[str, Measured] = {}
    energy_metrics(problem, problem.network().requires_grad_(False), measured)
    found = flat(measured)
    assert found["energy_integral"] < 0.98
    assert "lies outside" in str(found["energy_note"])


def test_with_the_wrong_sign_of_ln_z_nothing_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the wrong sign the result is worse than the Gaussian of the untrained network."""
    right, settings = (
        QuadratureGrid.log_sum,
        experiment(objective__kind="maximum-likelihood", noise__kind="none", training__steps=120),
    )
    with monkeypatch.context() as patch:
        patch.setattr(QuadratureGrid, "log_sum", lambda square, values: -right(square, values))
        trainer = Trainer(Problem.build(settings))
        list(trainer)
    judge, still = build_objective(trainer.problem), torch.zeros(len(trainer.problem.test))
    gaussian, learned = (
        float(judge.loss(model, trainer.problem.test, still, torch.Generator()).detach().mean())
        for model in (StandardNormal(), trainer.network)
    )
    assert learned > gaussian + 0.1


def odd_units(stretch: float = 7.0) -> Dataset:
    points = np.random.default_rng(0).normal(size=(900, 2)) * [40, 40 * stretch] + [300, -5000]
    return Dataset("odd", points[:700], None, (2,), ("a", "b"), points[700:])


@pytest.mark.parametrize("stretch", [1.0, 7.0, 1e7])
def test_z_and_density_are_in_the_users_units(stretch: float) -> None:
    """An untrained energy is a Gaussian: its Z is 2 pi (1 + sigma^2) times the Jacobian of the units."""
    problem, network = untrained(odd_units(stretch), data__kind="file", data__path="odd.csv")
    scale, offset = problem.units.scale, problem.units.offset
    for sigma in (None, 0.6 * problem.units.length):
        model = normalised(problem, network, sigma)
        assert model is not None
        level = problem.noise.sigma_min if sigma is None else problem.units.sigma_to_internal(sigma)
        variance = (1 + level**2) * scale**2
        expected = math.log(2 * math.pi) + 0.5 * np.log(variance).sum()
        assert model.log_partition == pytest.approx(expected, abs=2e-3)
        points = problem.dataset.held_out
        closed = -0.5 * ((points - offset) ** 2 / variance).sum(1) - expected
        np.testing.assert_allclose(model.log_prob(points), closed, atol=5e-3)
        assert model.integral() == pytest.approx(1, abs=0.02)
        assert model.sigma == pytest.approx(problem.units.sigma_to_user(level))


def test_an_energy_agrees_with_the_flow_where_both_are_exact() -> None:
    """The untrained network is exact for N(0, I): Z and the probability flow give the same log p."""
    problem, network = untrained(odd_units(1.0), data__kind="file", data__path="odd.csv")
    progress = result(evaluate(problem, network))
    found = flat(progress)
    assert found is not None
    assert found["energy_nll"] == pytest.approx(found["test_nll"], abs=0.01)


def test_the_kl_is_that_of_the_smoothed_data() -> None:
    """With one sigma as wide as the data, an untrained energy is near the smoothed data, but far from the data themselves."""
    problem, network = untrained(noise__kind="single", noise__sigma=20.0, likelihood__points=2000)
    measured: dict[str, Measured] = {}
    energy_metrics(problem, network, measured)
    found = flat(measured)
    assert abs(found["energy_kl"]) < 0.05 + 4 * found["energy_kl_standard_error"]
    assert found["energy_nll"] - density_of(problem.dataset).entropy() > 2


@pytest.mark.parametrize("noise", ["none", "single"])
def test_an_untrained_energy_has_the_likelihoods_of_its_gaussian_without_any_flow(noise: str) -> None:
    """NLL and KL of N(0, 1 + sigma^2), in each axis's own unit, have closed forms, for data with an unknown density too."""
    data = odd_units()
    problem, network = untrained(data, data__kind="file", data__path="odd.csv", noise__kind=noise)
    progress = result(evaluate(problem, network))
    found = flat(progress)
    assert found is not None
    variance = (1 + problem.noise.sigma_min**2) * problem.units.scale**2
    closed = -0.5 * (
        ((problem.evaluation_points - problem.units.offset) ** 2 / variance) + np.log(2 * np.pi * variance)
    ).sum(1)
    assert found["test_nll"] == pytest.approx(-closed.mean(), abs=0.005)
    assert found["test_nll_standard_error"] == pytest.approx(closed.std(ddof=1) / math.sqrt(len(closed)), rel=0.01)
    assert found["log_partition_error"] < 2e-3
    assert ("smoothed by sigma = " in found["density"]) == (noise == "single")
    assert found["kl"] is None
    assert "not known" in str(found["reasons"]["kl"])


def test_an_energy_has_likelihoods_by_itself_and_codes_only_by_the_flow() -> None:
    for noise in ("none", "single"):
        assert likelihood_conflict(experiment(noise__kind=noise)) is None
        assert flow_conflict(experiment(noise__kind=noise)) is not None
        exact = likelihood_conflict(experiment(noise__kind=noise, likelihood__source="exact"))
        assert exact is not None  # of which the energy says nothing
        assert likelihood_conflict(experiment(noise__kind=noise, data__kind="digits")) is not None


@pytest.mark.parametrize("source", ["exact", "empirical"])
@pytest.mark.parametrize("noise", ["ve", "single"])
def test_another_likelihood_source_without_a_flow_names_the_learned_energy(source: str, noise: str) -> None:
    """The message does not name network.kind = energy, which is chosen already."""
    problem, _ = untrained(noise__kind=noise, likelihood__source=source, likelihood__points=20)
    progress = result(evaluate(problem, problem.known_score(source)))
    reasons = flat(progress)["reasons"]
    assert reasons["energy_nll"] == reasons["log_partition"]
    assert str(reasons["energy_nll"]).endswith(f"the {source} score has none: choose likelihood.source = learned.")
    if noise == "single":
        assert "noise.kind = discrete, ve or another process, or likelihood.source = learned" in str(
            reasons["test_nll"]
        )


def test_a_rough_z_for_pictures_is_near_the_fine_one() -> None:
    problem, network = untrained()
    scrambled(network)
    fine, rough = normalised(problem, network), normalised(problem, network, for_picture=True)
    assert fine is not None
    assert rough is not None
    assert rough.partition.value == pytest.approx(fine.partition.value, abs=0.02)


def test_a_score_without_a_density_says_so() -> None:
    problem = Problem.build(experiment(network__kind="mlp"))
    assert normalised(problem, problem.network()) is None
    assert not has_energy(problem.experiment)
    images, network = untrained(data__kind="digits", likelihood__points=10, network__width=8)
    assert normalised(images, network) is None
    assert not has_energy(images.experiment)
    assert has_energy(experiment())
    found: dict[str, Measured] = {}
    energy_metrics(problem, problem.network(), found)
    assert {name for name, figure in found.items() if figure.reason} == {*needing("energy"), "energy_note"}
    assert "network.kind = energy" in str(found["log_partition"].reason)
    energy_metrics(images, network, found)
    assert "64 dimensions" in str(found["log_partition"].reason)
    assert {figure.value for figure in found.values()} == {None}


def test_restored_training_goes_on_to_the_same_bits() -> None:
    settings = experiment(training__steps=40)
    straight, broken = Trainer(Problem.build(settings)), Trainer(Problem.build(settings))
    list(straight)
    for progress in broken:
        if progress.step >= 10:
            break
    resumed = Trainer(Problem.build(settings))
    resumed.restore(broken.state())
    list(resumed)
    for name, array in straight.state().items():
        if name != "seconds":
            np.testing.assert_array_equal(array, resumed.state()[name], err_msg=name)


# Metropolis


@pytest.mark.claims
@pytest.mark.parametrize("step", [0.15, 0.6])
def test_metropolis_settles_at_the_density_of_the_energy(step: float) -> None:
    """For any step, mean and mean square of each axis agree with sums over the plane, within 4.4 standard errors."""
    problem, network = untrained(noise__kind="single", sampling__kind="mala", sampling__particles=2000)
    scrambled(network)
    unit = problem.units.sigma_to_user(1.0)
    settings = {"sampling.step": step * unit**2, "sampling.steps": math.ceil(20 / min(step, 0.3))}
    problem = Problem.build(replace(problem.experiment, settings))
    *_, run = sample(problem, network)
    x = torch.from_numpy(problem.units.to_internal(run.positions[-1].astype(np.float64)))
    nodes = QuadratureGrid(8.0, 160).nodes(x)
    with torch.no_grad():
        share = torch.softmax(network.log_density(nodes.float(), torch.tensor(problem.noise.sigma_min)).double(), 0)
    for moment in (lambda y: y, torch.square):
        values = moment(x)
        error = values.std(0) / math.sqrt(len(values))
        assert bool(((values.mean(0) - share @ moment(nodes)).abs() < 4.4 * error).all())
    assert 0.1 < float(run.accepted[-1]) < 1


def test_metropolis_needs_an_energy_where_the_score_is_learned() -> None:
    kinds = {"sampling__kind": "mala", "sampling__source": "learned"}
    with pytest.raises(ExperimentError, match="a learned score has none"):
        make_sampler(Problem.build(experiment(network__kind="mlp", **kinds)))
    problem, network = untrained(None, **kinds)
    assert make_sampler(problem, network).total == 500
