"""The protocols of `benchmarks/published.py`, with few steps and points: what they measure where the answer is known."""

import itertools
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.theory.densities import GaussianMixture
from playground.theory.noise import VariancePreserving
from tests.generators import seeded

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module", autouse=True)
def benchmarks() -> Iterator[None]:
    """The folder of the benchmarks is where their modules find each other."""
    folder = str(ROOT / "benchmarks")
    sys.path.insert(0, folder)
    yield
    sys.path.remove(folder)


def test_a_network_that_learns_nothing_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    import growth
    import numpy as np
    from learned import learned

    from playground.lab.training import Trainer

    problem = Problem.build(replace(Experiment(), {"training.steps": 3, "data.points": 100}))
    assert learned(problem).step == 3
    monkeypatch.setattr(Trainer, "__iter__", lambda _: iter(()))
    with pytest.raises(RuntimeError, match="nothing was learned in 0 steps"):
        learned(problem)
    for nothing in (np.empty(0), np.zeros(3), np.full(3, np.nan)):
        with pytest.raises(RuntimeError, match="nothing was computed"):
            growth.seconds(lambda nothing=nothing: nothing)


def test_a_step_of_each_measurement_of_growth_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as one call takes; the figures are of no use."""
    import growth

    monkeypatch.setattr(growth, "LEAST_TIME", 0.0)
    monkeypatch.setattr(growth, "LEAST_CALLS", 1)
    for *names, measure in growth.MEASUREMENTS:
        first = next(measure())
        assert first[2] > 0, names


@pytest.fixture
def gaussian() -> GaussianMixture:
    """Of mean (1, -1) and standard deviation 0.5."""
    return GaussianMixture(torch.tensor([[1.0, -1.0]]), torch.tensor([0.5]))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of diffusers with new versions of numpy
def test_the_schedulers_of_diffusers_follow_the_same_flow(gaussian: GaussianMixture) -> None:
    pytest.importorskip("diffusers")
    from protocols.few_evaluations import DPM, UNIPC, ours, theirs

    from playground.theory.samplers import MultistepSampler

    process = VariancePreserving(0.1, 20.0, 0.01)
    start = torch.randn(50, 2, generator=seeded(0))
    y = start / float(process.scale(1.0))
    far = ((y - gaussian.means) / (0.25 + process.sigma_max**2) ** 0.5).double()
    exact = gaussian.means + far * (0.25 + process.sigma_min**2) ** 0.5
    same = theirs(DPM, "same")(process, gaussian.score, start, 20)
    torch.testing.assert_close(same, ours(MultistepSampler)(process, gaussian.score, start, 20), atol=1e-4, rtol=1e-4)
    for name, levels in itertools.product((DPM, UNIPC), ("same", "default", "karras", "exponential")):
        ends = theirs(name, levels, true_level=True)(process, gaussian.score, start, 100)
        assert float((ends - exact).norm(dim=1).mean()) < 0.03, (name, levels)


def test_the_floor_and_the_errors_of_few_evaluations_are_those_of_a_perfect_sampler() -> None:
    from protocols import few_evaluations

    network = few_evaluations.Network.train("two-gaussians", 0, steps=40, particles=200, clouds=1)
    ratio, error = network.measure(lambda *_: network.exact[0], 5)
    assert error == 0
    assert 0 < network.floor < ratio * network.floor  # after 40 steps samples are far from the data
    network.exact = network.data
    ratio, _ = network.measure(lambda *_: network.data[0].flip(0), 5)
    assert ratio < 1e-6


def test_a_time_is_interpolated_between_two_measurements() -> None:
    from protocols.time_to_quality import Found

    found = Found(lambda: None, [(1.0, 10.0, 0.4), (4.0, 40.0, 0.1), (8.0, 80.0, 0.1)])
    assert found.until(0.2) == pytest.approx((2.0, 20.0))
    assert found.until(0.5) == (1.0, 10.0)
    assert found.until(0.05) is None


@pytest.mark.claims  # a training's quality
def test_own_training_and_the_plain_loop_are_timed_and_learn() -> None:
    from protocols import time_to_quality

    problem = Problem.build(replace(Experiment(), {"training.steps": 10**9, "likelihood.points": 100}))
    points = problem.evaluation_points
    truth = problem.exact_log_prob(points).numpy()
    for learner in (time_to_quality.own(problem), time_to_quality.plain(problem)):
        before = {
            name: time_to_quality.kl(problem, found.score(), points, truth)[0] for name, found in learner.found.items()
        }
        learner.train_until(0.6)
        assert learner.core >= 0.6
        assert learner.steps > 0
        for name, found in learner.found.items():
            assert time_to_quality.kl(problem, found.score(), points, truth)[0] < before[name], name


def test_points_of_the_tree_have_no_outliers_and_points_beside_it_have(gaussian: GaussianMixture) -> None:
    from protocols import two_trees

    two_trees_points, two_trees.QUANTILE_POINTS = two_trees.QUANTILE_POINTS, 5_000
    try:
        tree = two_trees.Tree(gaussian, 500, 0)
    finally:
        two_trees.QUANTILE_POINTS = two_trees_points
    outliers, log_prob, apart, covered = tree.figures(tree.draw())
    assert outliers < 0.02
    assert log_prob == pytest.approx(-math.log(2 * math.pi * 0.25) - math.log(2), abs=0.2)
    assert apart < 2.5
    assert covered > 0.9
    outliers, _, apart, covered = tree.figures(tree.draw() + 4)
    assert outliers == 1
    assert apart > 10
    assert covered == 0


def test_coverage_is_the_share_of_the_data_with_a_sample_beside_them() -> None:
    from protocols.two_trees import coverage

    data = torch.cat([torch.randn(300, 2), torch.randn(100, 2) + 50]).double()
    assert coverage(data, data) == 1
    assert coverage(data[:300], data) == 0.75


def test_the_moons_of_the_protocol_have_the_published_entropy_in_its_units() -> None:
    from protocols import moons

    from playground.data import toys

    (known,) = (case for case in moons.cases(1) if case.name.endswith("early"))
    noise = float(known.settings["data.noise"])
    density = toys.two_moons(noise)
    points = density.sample(200_000, seeded(0))
    entropy = density.entropy() - float(points.std(0).log().sum())
    assert entropy + 0.020 == pytest.approx(1.3375, abs=0.002)
    assert toys.two_moons(0.1).entropy() + 0.088 == pytest.approx(1.0958, abs=5e-4)


@pytest.mark.claims
def test_the_table_of_the_trees_has_every_method_for_several_seeds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plug-in is loaded once, and each method makes its samples, by the weights of an earlier step too."""
    from protocols import two_trees
    from protocols.two_trees import METHODS

    monkeypatch.setattr(two_trees, "QUANTILE_POINTS", 500)
    monkeypatch.setattr(two_trees, "FLOOR_PAIRS", 2)
    monkeypatch.setattr(
        two_trees,
        "TRAINING",
        two_trees.TRAINING | {"data.points": 1_000, "training.batch": 32, "likelihood.points": 50},
    )
    made = two_trees.table(seeds=2, steps=16, particles=40, clouds=1)
    assert [line.split("|")[1].strip() for line in made.splitlines() if line.startswith("| ")][2:] == [
        "points of the tree (floor)",
        *METHODS,
    ]
    assert capsys.readouterr().out.count("seed 1") == len(METHODS)


def test_the_trees_have_a_density_with_classes() -> None:
    from protocols.two_trees import PLUGIN

    from playground.data.toys import MOST_COMPONENTS, narrowest_deviation
    from playground.kinds.datasets import DataSource
    from playground.kinds.kind import forget
    from playground.kinds.plugins import load_plugin, loaded

    (kind,) = load_plugin(PLUGIN)
    try:
        assert DataSource.kinds()["two-trees"] is kind
        density = kind.density(kind.own_noise)
        assert sorted(set(density.classes.tolist())) == [0, 1]
        assert len(density.means) <= MOST_COMPONENTS
        assert narrowest_deviation(kind.density, kind.own_noise) <= kind.own_noise
        apart = torch.cdist(density.means, density.means).fill_diagonal_(math.inf)
        nearest = apart.min(1)
        assert bool((nearest.values < 3.2 * density.stds).all())  # no gaps along a branch
        upper = density.classes == 0
        assert (density.means[upper].mean(0) > 0.1).all()
        assert (density.means[~upper].mean(0) < -0.1).all()
    finally:
        forget(kind)
        del loaded[PLUGIN.resolve()]
