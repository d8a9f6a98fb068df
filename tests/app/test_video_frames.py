"""What a film needs of the controllers: the run to its end, and the field of every frame, as of the moment it began."""

import itertools
import math

import numpy as np
import pytest

from playground.app.controllers.measurements import learned_density, learned_score, ways
from playground.app.controllers.sampling_worker import OverlayRequest
from playground.app.controllers.video_frames import VideoFrames, complete_run
from playground.app.model.assembling import assemble
from playground.app.model.live_training import Weights
from playground.app.model.views import WantedOverlays
from playground.lab.compute import compute, result
from playground.lab.evaluation import sample_distances
from playground.lab.experiment import Experiment, replace
from playground.lab.fields import bounds_of_smoothed
from playground.lab.keys import FiguresKey, ModelKey, TrainingKey
from playground.lab.problem import Problem
from playground.lab.sample_metrics import FLOOR_PAIRS
from playground.lab.sampling import sample
from playground.lab.store import Store

SETTINGS = {"data.points": 500, "network.width": 16, "sampling.particles": 20, "sampling.steps": 12}


@pytest.fixture(autouse=True)
def maps_of_few_cells() -> None:
    """Here they are whole: their sums and heights are looked at."""


@pytest.fixture(scope="module")
def model():
    return assemble(replace(Experiment(), SETTINGS), "cpu")


def run_of(model, seed):
    return sample(model.problem, learned_score(model.problem, model.weights), seed=seed)


def test_an_unfinished_run_is_completed_as_it_would_have_gone_on(model):
    full = list(run_of(model, 5))[-1]
    begun = next(itertools.islice(run_of(model, 5), 3, None))
    assert not begun.finished
    completed = list(complete_run(model.problem, model.weights, 5, begun)())[-1]
    assert completed.finished
    np.testing.assert_array_equal(completed.positions, full.positions)
    assert len(begun) == 4  # the run on the stage is not touched


def test_a_finished_run_is_taken_as_it_is(model):
    full = list(run_of(model, 5))[-1]
    assert list(complete_run(model.problem, model.weights, 99, full)()) == [full]


def test_samples_are_measured_at_the_end_of_the_run(model):
    full = list(run_of(model, 5))[-1]
    begun = next(itertools.islice(run_of(model, 5), 3, None))
    experiment = model.problem.experiment
    key = FiguresKey.of("Distances", ModelKey.after(TrainingKey.of(experiment), 0, experiment))
    run = complete_run(model.problem, model.weights, 5, begun)
    given = ways(model.problem, model.weights, run)
    steps = []
    metrics = result(compute(key, Store(), given=given), steps.append)
    at_the_end, too_early = (result(sample_distances(model.problem, run.positions[-1])) for run in (full, begun))
    assert metrics == at_the_end
    assert metrics != too_early
    sampling, measuring = (
        [step.fraction for step in steps if step.stage == stage] for stage in ("Sampling", "Distances")
    )
    assert sampling == [pytest.approx(0.9 * count / len(full)) for count in range(1, len(full) + 1)]
    assert measuring == sorted(measuring)
    assert len(set(measuring)) == FLOOR_PAIRS  # transport yields the same share between its paths


def test_views_at_any_moment_and_only_what_is_wanted(model):
    wanted = WantedOverlays(frozenset({"exact", "density"}), (-2.0, 3.0, -2.0, 2.0), (4, 3))
    views = VideoFrames(OverlayRequest(model, wanted, 0.0, None))
    assert list(views.prepare([(0.1, math.nan), (3.0, math.nan)])) == []
    for sigma in (0.1, 3.0):
        field, density = views.at(sigma, math.nan)
        assert field.learned is None
        assert field.exact.shape == (12, 2)
        assert field.sigma == density.sigma == sigma
    wide, narrow = (views.at(sigma, math.nan)[1].density.max() for sigma in (3.0, 0.1))
    assert narrow > 5 * wide


def test_the_learned_density_follows_sigma_too(model):
    """A network without weights of its own is the Gaussian with the data's moments, smoothed."""
    bounds = (-10.0, 11.0, -10.0, 10.0)
    wanted = WantedOverlays(frozenset({"learned"}), bounds, (4, 3))
    views = VideoFrames(OverlayRequest(model, wanted, 0.0, None), follow=True)
    shares = list(views.prepare([(sigma, math.nan) for sigma in (0.11, 0.1, 2.0)]))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    fine, coarse = (views.at(sigma, math.nan)[1] for sigma in (0.1, 2.0))
    assert (fine.source, fine.extent) == ("learned", bounds)
    cell = (21 / 64) * (20 / 64)
    for density in (fine, coarse):
        assert density.density.sum() * cell == pytest.approx(1.0, abs=0.02)
    assert fine.density.max() > 3 * coarse.density.max()


def test_the_learned_density_is_contracted_like_the_particles_of_a_vp_process():
    """A fresh network is N(0, 1 + sigma^2) in standard units, so that x(t) = x/sqrt(1 + sigma^2) is N(0, 1) at every time."""
    problem = Problem.build(replace(Experiment(), {"noise.kind": "vp", "data.points": 2_000, "network.width": 16}))
    weights = Weights(1, problem.network().state_dict(), untrained=True)
    unit = problem.units.sigma_to_user(1.0)
    centre = problem.units.to_user(np.zeros((1, 2)))[0]
    bounds = tuple(float(edge) for middle in centre for edge in (middle - 4 * unit, middle + 4 * unit))
    for sigma in (0.5, 20.0):
        *_, (_, still) = learned_density(problem, weights, bounds, sigma * unit, 32)
        *_, (_, moving) = learned_density(problem, weights, bounds, sigma * unit, 32, moving=True)
        assert moving.density.max() * unit**2 == pytest.approx(1 / (2 * math.pi), rel=0.02)
        assert still.density.max() * unit**2 == pytest.approx(1 / (2 * math.pi * (1 + sigma**2)), rel=0.02)
        assert moving.density.sum() * (8 * unit / 32) ** 2 == pytest.approx(1.0, abs=0.01)


def test_the_learned_density_of_a_film_is_the_data_s_where_its_particles_have_no_time():
    """By a fresh network, N(0, 1 + sigma^2), x(t) is N(0, 1), and the end of the run the former itself."""
    settings = SETTINGS | {"noise.kind": "vp", "noise.sigma_min": 1.0}
    model = assemble(replace(Experiment(), settings), "cpu")
    problem = model.problem
    sigma, extent = problem.units.sigma_to_user(problem.noise.sigma_min), bounds_of_smoothed(problem, 1.0)
    wanted = WantedOverlays(frozenset(), extent, (4, 3))
    views = VideoFrames(OverlayRequest(model, wanted, 0.0, None), follow=True)
    moments = [(sigma, problem.process().t_min), (sigma, math.nan)]
    list(views.prepare(moments))
    moving, still = (views.at(*moment)[1].density.max() for moment in moments)
    assert moving / still == pytest.approx(1 + problem.noise.sigma_min**2, rel=0.02)


def test_images_have_no_views():
    views = VideoFrames(None, follow=True)
    assert list(views.prepare([(1.0, math.nan)])) == []
    assert views.at(1.0, 0.5) == (None, None)
