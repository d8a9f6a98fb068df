"""The thread that samples: what it takes of the processor, and in which pieces."""

import dataclasses
import math
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PySide6.QtCore import QThread

from playground.app.canvas import readouts
from playground.app.controllers import sampling_worker as module
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.overlay_timing import density_source, exact_source
from playground.app.controllers.runs import Run
from playground.app.controllers.sampling_worker import OverlayRequest, ReadoutRequest, SamplingWorker
from playground.app.model.live_training import Weights
from playground.app.model.model import Model
from playground.app.model.state import State
from playground.app.model.views import WantedOverlays
from playground.app.workers import worker as workers
from playground.app.workers.worker import Worker
from playground.lab.conditioning import conditioned_score
from playground.lab.conflicts import Conditions
from playground.lab.experiment import Experiment, replace
from playground.lab.fields import arrows_at, score_at
from playground.lab.problem import Problem
from playground.theory.networks.base import ROWS
from tests.generators import seeded


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have Qt's priorities, as the next test asks")
def test_sampling_comes_before_training_for_a_processor(qtbot, monkeypatch) -> None:
    """Else whatever works beside the program takes the processor from what the user watches."""
    niceness, begin = {}, Worker.run

    def run(worker: Worker) -> None:
        make = worker._make

        def noted():
            niceness[worker.objectName()] = os.getpriority(os.PRIO_PROCESS, 0)  # 0 is the thread that asks
            return make()

        worker._make = noted
        begin(worker)

    monkeypatch.setattr(Worker, "run", run)
    small = {"sampling.particles": 50, "data.points": 500, "network.width": 8, "training.steps": 50}
    controllers = Controllers(State(replace(Experiment(), small)), device="cpu")
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.start()
    controllers.training.start()
    qtbot.waitUntil(lambda: "training" in niceness)
    assert controllers.shutdown(20.0)
    assert 0 <= niceness["sampling"] < niceness["training"] == niceness["problem"]


def test_without_thread_niceness_a_watched_worker_keeps_its_priority(qtbot, monkeypatch) -> None:
    monkeypatch.setattr(workers.sys, "platform", "win32")
    found = {}
    for watched in (True, False):

        def ask(watched=watched):
            found[watched] = QThread.currentThread().priority()
            yield None

        worker = Worker(ask, "asking", watched=watched)
        worker.start()
        assert worker.wait()
    assert found[True] is not QThread.Priority.LowPriority
    assert found[False] is QThread.Priority.LowPriority


def test_a_score_is_taken_in_pieces_that_no_other_core_shares_and_is_the_whole_score() -> None:
    """Another core trains, and what waits for a share of it waits for training."""
    worker, problem = SamplingWorker(), Problem.build(Experiment())
    model = _Model(problem)
    network, asked = worker.scores.network(model.problem, model.weights), []
    worker.scores.network = lambda *_: lambda x, sigma: asked.append(len(x)) or network(x, sigma)  # type: ignore[method-assign]
    x = torch.randn(3 * module.ROWS + 5, 2)
    found = worker.scores.learned(model.problem, model.weights)(x, torch.tensor(0.5))
    assert (sum(asked), len(asked)) == (len(x), 4)
    assert max(asked) <= ROWS
    with torch.no_grad():
        torch.testing.assert_close(found, network(x, torch.tensor(0.5)))


@pytest.mark.parametrize(
    ("worked", "passed", "rest"),
    [
        (0.004, 0.004, 0.016),  # seconds of the processor, on the clock, and from a step to the next
        (0.004, 0.012, 0.016),  # it waited for the interpreter
        (0.004, 0.020, 0.020),
    ],
)
def test_a_share_is_one_of_the_processor_and_to_wait_takes_nothing_from_it(
    monkeypatch, worked: float, passed: float, rest: float
) -> None:
    now = {"monotonic": 100.0, "thread_time": 5.0}
    for clock in now:
        monkeypatch.setattr(module.time, clock, lambda clock=clock: now[clock])

    def frames():
        trajectory = []
        while True:
            now["monotonic"] += passed
            now["thread_time"] += worked
            trajectory.append(0)
            yield trajectory

    worker, steps = SamplingWorker(), frames()
    worker.set_share(0.25)
    worker.record(1_000)
    assert worker.advance(steps)
    now["monotonic"] = 100.0 + rest - 1e-6
    assert worker.advance(steps) == (rest == passed - 1e-6)
    now["monotonic"] = 100.0 + rest + 1e-6
    assert worker.advance(steps)
    assert worker.keeps_up(0.99 / rest)
    assert not worker.keeps_up(1.01 / rest)


def test_an_adaptive_run_leaves_the_loop_after_every_score() -> None:
    """So whoever stops the thread, begins another run or wants a field waits for one evaluation, however far the next frame is."""
    settings = {"kind": "probability-flow", "solver": "adaptive", "steps": 1, "particles": 50, "tolerance": 1e-6}
    problem = Problem.build(replace(Experiment(), {f"sampling.{key}": value for key, value in settings.items()}))
    worker, asked = SamplingWorker(), []

    def score(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        asked.append(len(x))
        return problem.density.score(x, sigma)

    worker.scores.score = lambda *_: score  # type: ignore[method-assign]
    run = Run(problem.experiment, _Model(problem))
    worker.begin(run)
    worker.record(2)
    loop, most = module.Samplers(worker).loop(), []
    while not run.finished:
        before = len(asked)
        next(loop)
        most.append(len(asked) - before)
    loop.close()
    assert sorted(most)[-2] == 1
    assert most[1] == 3  # the first step asks twice for its length
    assert len(asked) > 60
    assert worker._frame_seconds > 0


class _Model:
    """A model with untrained weights."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        network = problem.network()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.01)
        self.weights = self.newest = Weights(0, network.state_dict(), untrained=False)


@pytest.mark.parametrize("coupling", ["independent", "optimal-transport"])
def test_between_two_sets_the_velocity_takes_the_place_of_the_score(coupling: str) -> None:
    """The arrows and the readout are the velocity of particles; the density is known for independent mixtures only."""
    settings = {
        "data.kind": "two-gaussians",
        "data.points": 500,
        "network.width": 8,
        "noise.kind": "flow-matching",
        "noise.source": "eight-gaussians",
        "noise.coupling": coupling,
        "sampling.kind": "probability-flow",
    }
    problem = Problem.build(replace(Experiment(), settings))
    model = Model.of(problem, problem.network())
    time = 0.5
    sigma = problem.units.sigma_to_user(float(problem.process().sigma(time)))
    assert not model.view.has_score
    assert model.view.known_density == (coupling == "independent")
    assert exact_source("empirical", model.view) == "exact"
    bounds = (-8.0, 8.0, -8.0, 8.0)
    wanted = WantedOverlays(frozenset({"learned", "exact", "density", "error"}), bounds, (4, 4))
    request = OverlayRequest(model, wanted, sigma, time)
    worker = SamplingWorker()
    field, density = worker.compute_overlays(request)
    assert field is not None
    assert (density is None) == (field.exact is None) == (coupling != "independent")
    assert field.error is None
    assert [layer.what for layer in field.layers if layer is not None] == ["velocity"] * (
        1 + (coupling == "independent")
    )
    point = tuple(field.positions[5].tolist())
    read = worker.read(ReadoutRequest(model, point, sigma, time))
    assert read.velocity
    assert (read.exact, read.log_density) == (None, None)
    np.testing.assert_allclose(read.learned, field.learned[5], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("source", ["learned", "exact"])
@pytest.mark.parametrize("time", [None, 0.5])
def test_a_readout_asks_each_score_once(monkeypatch, source: str, time: float | None) -> None:
    settings = {"data.kind": "two-moons", "data.points": 200, "network.width": 8, "noise.kind": "vp"}
    problem = Problem.build(replace(Experiment(), {**settings, "sampling.source": source}))
    model, worker, asked = Model.of(problem, problem.network()), SamplingWorker(), []

    def counted(name: str, score: Callable):
        return lambda *place: (asked.append(name), score(*place))[1]

    learned, known = worker.scores.learned, Problem.known_score
    monkeypatch.setattr(worker.scores, "learned", lambda *of: counted("learned", learned(*of)))

    def known_score(self, of: str | None = None):
        score = known(self, of)
        return None if score is None else counted("exact", score)

    monkeypatch.setattr(Problem, "known_score", known_score)
    sigma = problem.units.sigma_to_user(0.3 if time is None else float(problem.process().sigma(time)))
    read = worker.read(ReadoutRequest(model, (0.3, 0.4), sigma, time))
    assert sorted(asked) == ["exact", "learned"]
    monkeypatch.undo()
    point = np.array([[0.3, 0.4]])
    for found, score in (
        (read.learned, worker.scores.learned(model.problem, model.weights)),
        (read.exact, known(problem, "exact")),
    ):
        np.testing.assert_allclose(found, score_at(problem, score, point, sigma, time)[0], rtol=1e-5)
    np.testing.assert_array_equal(read.names.score[0], read.learned if source == "learned" else read.exact)


@pytest.mark.parametrize("time", [None, 0.1, 0.9])
def test_a_readout_tells_where_a_trained_network_saw_few_data(time: float | None) -> None:
    """At 1.5 standard deviations of the particles there are many, at 6 none; VP draws the particles together."""
    problem = Problem.build(replace(Experiment(), {"data.kind": "two-gaussians", "noise.kind": "vp"}))
    model, worker = _Model(problem), SamplingWorker()
    alpha, std = (
        (1.0, 3.0) if time is None else (float(problem.process().scale(time)), float(problem.process().std(time)))
    )
    sigma = problem.units.sigma_to_user(std / alpha)
    across = np.array([1.0, -1.0]) / math.sqrt(2)  # to the line through both means
    width = math.hypot(std, alpha * problem.units.sigma_to_internal(float(problem.dataset.density.stds[0])))
    mode = alpha * problem.units.to_internal(problem.dataset.density.modes[0].numpy())

    def few(distance: float) -> bool:
        point = problem.units.to_user(mode + distance * width * across)
        return worker.read(ReadoutRequest(model, tuple(point), sigma, time)).few_data

    assert [few(distance) for distance in (0.0, 1.5, 6.0)] == [False, False, True]
    model.weights = dataclasses.replace(model.weights, untrained=True)
    assert not few(6.0)


FOLLOWED: tuple[dict[str, Any], ...] = (
    {"sampling.score_factor": -0.5},
    {"sampling.score_factor": 2.0, "sampling.source": "exact"},
    {"sampling.labels": "one", "sampling.guidance": 2.0},
    {"sampling.labels": "one", "sampling.guidance": 2.0, "sampling.guidance_max": 0.5, "sampling.source": "exact"},
    {"sampling.inpainting_mask": "left"},
)


@pytest.mark.parametrize("asked", FOLLOWED, ids=str)
@pytest.mark.parametrize("time", [None, 0.5])
def test_arrows_and_readout_show_the_field_that_particles_follow(asked: dict[str, Any], time: float | None) -> None:
    data = {"data.kind": "two-moons", "data.points": 200, "data.classes": "on", "noise.kind": "vp"}
    flow = {"sampling.kind": "probability-flow", "network.kind": "mlp", "network.width": 8}
    problem = Problem.build(replace(Experiment(), data | flow | asked))
    model, worker = _Model(problem), SamplingWorker()
    source = asked.get("sampling.source", "learned")
    sigma = problem.units.sigma_to_user(0.3 if time is None else float(problem.process().sigma(time)))
    wanted = WantedOverlays(frozenset({"learned", "exact"}), (-2.0, 3.0, -2.0, 2.0), (6, 5))
    request = OverlayRequest(model, wanted, sigma, time)
    field, _ = worker.compute_overlays(request)
    plain = problem.known_score() or worker.scores.network(model.problem, model.weights)
    if (
        "sampling.labels" not in asked
    ):  # each particle has a class of its own, and the plane shows the field without classes
        no_classes = replace(problem.experiment, {"sampling.labels": "none"})
        problem = dataclasses.replace(problem, experiment=no_classes)
    arrows = {"learned": field.learned, "exact": field.exact}
    np.testing.assert_allclose(
        arrows[source], arrows_at(problem, conditioned_score(problem, plain), field.positions, sigma, time), rtol=1e-4
    )
    assert np.abs(arrows[source] - arrows_at(problem, plain, field.positions, sigma, time)).max() > 1e-3
    other = worker.scores.network(model.problem, model.weights) if source == "exact" else problem.known_score("exact")
    np.testing.assert_allclose(
        arrows["learned" if source == "exact" else "exact"],
        arrows_at(problem, other, field.positions, sigma, time),
        rtol=1e-4,
        atol=1e-6,
    )
    for index in (3, 17):
        read = worker.read(ReadoutRequest(model, tuple(field.positions[index]), sigma, time))
        own = score_at(problem, conditioned_score(problem, plain), field.positions[index : index + 1], sigma, time)[0]
        np.testing.assert_allclose(read.learned if source == "learned" else read.exact, own, rtol=1e-4)
        np.testing.assert_allclose(read.names.score[0], own, rtol=1e-4)


def test_a_run_guided_by_a_checkpoint_follows_the_weights_of_that_step() -> None:
    """The weights in view bring the kept steps of their training; the nearest to a tenth of the steps made guides."""
    asked = {"sampling.guide": "checkpoint", "sampling.guidance": 1.0, "data.points": 100, "network.width": 8}
    problem = Problem.build(replace(Experiment(), asked))
    networks = {step: problem.network() for step in (0, 10, 60, 100)}
    for step, network in networks.items():
        torch.nn.init.normal_(network.out.weight, std=0.1 + step, generator=seeded(step))
    earlier = {step: networks[step].state_dict() for step in (0, 10, 60)}
    weights = Weights(1, networks[100].state_dict(), untrained=False, earlier=earlier, made=100)
    run = Run(problem.experiment, _Model(problem))
    x, sigma = torch.randn(50, 2), torch.tensor(0.5)
    with torch.no_grad():
        torch.testing.assert_close(
            module.LatestScore(module.LoadedScores(), run, weights).weaker(x, sigma), networks[10](x, sigma)
        )
        torch.testing.assert_close(
            module.LatestScore(module.LoadedScores(), run, weights)(x, sigma), networks[100](x, sigma)
        )
    plain = Problem.build(replace(problem.experiment, {"sampling.guidance": 0.0}))
    assert module.LatestScore(module.LoadedScores(), Run(plain.experiment, _Model(plain)), weights).weaker is None


def test_the_arrows_of_autoguidance_are_those_that_particles_follow() -> None:
    """s + w (s - s_weak), with the kept step nearest to a tenth of the steps; without one, those of the network."""
    asked = {"sampling.guide": "checkpoint", "sampling.guidance": 2.0, "data.points": 100, "network.width": 8}
    worker, problem = SamplingWorker(), Problem.build(replace(Experiment(), asked))
    networks = {step: problem.network() for step in (10, 100)}
    for step, network in networks.items():
        torch.nn.init.normal_(network.out.weight, std=0.1 * step, generator=seeded(step))
    model, sigma = _Model(problem), 0.5

    def guided(x, level):
        own = networks[100](x, level)
        return own + 2 * (own - networks[10](x, level))

    for version, (earlier, score) in enumerate((({}, networks[100]), ({10: networks[10].state_dict()}, guided))):
        model.weights = Weights(version, networks[100].state_dict(), untrained=False, earlier=earlier, made=100)
        wanted = WantedOverlays(frozenset({"learned"}), (-2.0, 3.0, -2.0, 2.0), (6, 5))
        request = OverlayRequest(model, wanted, sigma, None)
        field, _ = worker.compute_overlays(request)
        np.testing.assert_allclose(
            field.learned, arrows_at(problem, score, field.positions, sigma, None), rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize("labels", ["one", "none"])
def test_the_density_layer_shows_the_tilted_density_of_classes(labels: str) -> None:
    settings = {
        "data.kind": "two-moons",
        "data.classes": "on",
        "data.points": 500,
        "sampling.kind": "probability-flow",
        "sampling.source": "exact",
        "sampling.labels": labels,
        "sampling.guidance": 2.0,
    }
    problem = Problem.build(replace(Experiment(), settings))
    model, worker, bounds = Model.of(problem, None), SamplingWorker(), (-2.5, 3.5, -2.0, 2.0)
    assert model.view.labels is not None
    wanted = WantedOverlays(frozenset({"density"}), bounds, (4, 4), density_source="tilted")
    request = OverlayRequest(model, wanted, 0.1, None)
    _, density = worker.compute_overlays(request)
    assert density.source == ("tilted" if labels == "one" else "exact")
    rows, columns = density.density.shape
    assert density.density.sum() * 24 / (rows * columns) == pytest.approx(1.0, abs=0.02)
    assert readouts.asked_density(density) == (["tilted density, without noise"] if labels == "one" else [])
    assert worker.compute_overlays(request)[1].density is density.density or labels == "none"  # it is kept
    if labels == "one":  # the other moon has none of it
        assert density.density[: int(0.4 * rows)].sum() < 0.01 * density.density.sum()
    assert density_source("tilted", model.view) == "tilted"
    assert density_source("tilted", dataclasses.replace(model.view, conditions=Conditions())) == "exact"


@pytest.mark.parametrize("labels", ["one", "all"])
def test_the_arrows_are_those_of_the_class_that_all_particles_follow(labels: str) -> None:
    """Each of several classes has arrows of its own, so the field then is that of all data."""
    settings = {
        "data.kind": "two-moons",
        "data.classes": "on",
        "data.points": 500,
        "network.width": 8,
        "sampling.source": "exact",
        "sampling.labels": labels,
        "sampling.label": 1,
        "sampling.guidance": 2.0,
    }
    problem = Problem.build(replace(Experiment(), settings))
    model, sigma = Model.of(problem, problem.network()), 0.5
    wanted = WantedOverlays(frozenset({"learned", "exact", "error"}), (-2.0, 3.0, -2.0, 2.0), (6, 5))
    request = OverlayRequest(model, wanted, sigma, None)
    field, _ = SamplingWorker().compute_overlays(request)
    classes, label = problem.class_densities, torch.tensor(1)

    def guided(x, level):
        told = classes.score(x, level, label)
        return told if labels == "all" else told + 2 * (told - classes.score(x, level))

    expected = arrows_at(problem, guided if labels == "one" else classes.score, field.positions, sigma, None)
    np.testing.assert_allclose(field.exact, expected, rtol=1e-5, atol=1e-6)
    network = arrows_at(problem, problem.network(), field.positions, sigma, None)
    np.testing.assert_allclose(field.learned, network, rtol=1e-4, atol=1e-5)  # no particle follows it
    apart = network - arrows_at(problem, classes.score, field.positions, sigma, None)
    np.testing.assert_allclose(field.error.arrows, apart, rtol=1e-4, atol=1e-5)  # the error is that of all data
