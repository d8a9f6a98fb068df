"""What the window measures says why it is missing, where it is."""

import functools
import itertools

import numpy as np
import pytest
import torch

from playground.app.controllers import measurements
from playground.app.model.live_training import Weights
from playground.lab.compute import compute, result
from playground.lab.experiment import Experiment, replace
from playground.lab.figures import sorts_of
from playground.lab.keys import FiguresKey, ModelKey, TrainingKey
from playground.lab.problem import Problem
from playground.lab.store import Store
from tests.generators import seeded

TINY = {
    "data.kind": "digits",
    "network.width": 8,
    "network.depth": 1,
    "likelihood.points": 10,
    "likelihood.tolerance": 1e-1,
    "likelihood.trace_probes": 1,
}


def weights(problem: Problem) -> Weights:
    network, generator = problem.network(), seeded(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    return Weights(1, network.state_dict(), untrained=False)


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "training.label_dropout = 0 shows the network every label"), (0.3, "")]
)
def test_an_image_s_likelihood_by_an_untrained_score_has_a_warning(share: float, said: str) -> None:
    problem = Problem.build(replace(Experiment(), TINY | {"training.label_dropout": share}))
    model = ModelKey.after(TrainingKey.of(problem.experiment), 0, problem.experiment)
    given = measurements.ways(problem, weights(problem))
    key = measurements.PointKey.of(model, problem.dataset.held_out[:1], [3])
    likelihood = result(compute(key, Store(), given=given))
    np.testing.assert_array_equal(likelihood.point, problem.dataset.held_out[0])
    assert likelihood.flow is not None
    assert (likelihood.warning is not None, said in str(likelihood.warning or "")) == (bool(said), True)


def test_a_test_set_says_nothing_of_samples_and_they_nothing_of_it() -> None:
    settings = {"data.points": 200, "network.width": 8, "likelihood.points": 20, "likelihood.tolerance": 1e-1}
    problem = Problem.build(
        replace(Experiment(), settings | {"likelihood.trace": "hutchinson", "likelihood.trace_probes": 1})
    )
    model = ModelKey.after(TrainingKey.of(problem.experiment), 0, problem.experiment)
    key_of = functools.partial(FiguresKey.of, model=model)
    run = _Run(problem.dataset.held_out[:3])
    given, store = measurements.ways(problem, weights(problem), lambda: iter([run])), Store()
    found = {
        part: result(compute(key_of(part), store, given=given)) for part in ("Likelihoods", "Integral", "Distances")
    }
    metrics = (
        found["Likelihoods"].flat() | found["Integral"].flat() | {"reasons": found["Likelihoods"].flat()["reasons"]}
    )
    assert not sorts_of("Distances").keys() & (metrics.keys() | metrics["reasons"].keys())
    assert metrics["test_nll"] is not None
    assert "likelihood.trace_probes to 2" in str(metrics["reasons"]["trace_standard_error"])
    assert metrics["integral"] > 0
    sliced = found["Distances"]["sliced_wasserstein2"]
    assert sliced.value is None
    assert sliced.reason.code == "few-samples"
    assert found["Distances"].keys() == sorts_of("Distances").keys()
    assert key_of("Distances").run not in store  # what the window has is not kept a second time


def test_the_map_of_fifty_thousand_points_takes_a_few_sums() -> None:
    """By the flow it would look at every point in every step of every cell: an hour and more."""
    problem = Problem.build(replace(Experiment(), {"likelihood.source": "empirical", "network.width": 8}))
    assert len(problem.train) == 50_000
    bounds = (-4.0, 5.0, -4.0, 4.5)
    model = measurements.learned_model(problem, weights(problem))
    found = list(itertools.islice(measurements.likelihood_density(model, bounds, 150), 20))
    fractions = [fraction for fraction, _ in found]
    assert 10 <= len(found) < 20  # so often it can be cancelled
    assert (fractions[-1], max(np.diff(fractions))) == (1.0, pytest.approx(4096 / 50_000))
    view = found[-1][1]
    assert (view.source, view.asked, view.extent, view.density.shape) == ("empirical", True, bounds, (150, 150))
    assert view.sigma == problem.units.sigma_to_user(problem.noise.sigma_min)
    assert view.density.sum() * (9 / 150) * (8.5 / 150) == pytest.approx(1.0, abs=1e-6)


class _Run(list):
    """A run of one frame."""

    total = 1

    def __init__(self, points: np.ndarray) -> None:
        super().__init__([points])
        self.positions = [points]
