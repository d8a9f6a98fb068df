"""A flow between two sets is trained on pairs and sampled by its velocity, and says so where a score is asked for."""

import math
import typing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from playground.kinds.datasets.data_source import DataSource, Toy
from playground.kinds.noise.flow_matching import FlowMatching
from playground.kinds.plugins import load_plugin
from playground.lab import experiment as description
from playground.lab import reflow
from playground.lab.compute import result
from playground.lab.conflicts import (
    budget_conflict,
    flow_conflict,
    likelihood_conflict,
    sampling_conflict,
    training_conflict,
)
from playground.lab.defaults import resolve
from playground.lab.diagnostics import noise_diagnostics
from playground.lab.evaluation import evaluate
from playground.lab.experiment import Experiment, ExperimentError, replace, value
from playground.lab.fields import arrows_at, density_over
from playground.lab.lesson_template import lesson_template
from playground.lab.problem import Problem
from playground.lab.sampling import make_sampler, sample
from playground.lab.score_errors import score_figures
from playground.lab.session import Session
from playground.lab.training import Trainer
from playground.theory.densities import GaussianMixture
from playground.theory.samplers import ProbabilityFlow
from playground.theory.samplers.path import PathSampler
from playground.theory.start_set import MATCHED, MixturePair
from tests.figures import flat
from tests.fitting import dotted
from tests.generators import seeded
from tests.present import present

SETS: dict[str, Any] = {
    "data.kind": "two-gaussians",
    "data.points": 2_000,
    "noise.kind": "flow-matching",
    "noise.source": "eight-gaussians",
    "objective.weight": "velocity",
    "network.prediction": "velocity",
    "network.width": 16,
    "training.batch": 64,
    "training.steps": 40,
    "training.sigma_distribution": "time",
    "sampling.kind": "probability-flow",
    "sampling.particles": 300,
    "sampling.steps": 10,
}


def experiment(**changes: Any) -> Experiment:
    return replace(Experiment(), {**SETS, **dotted(changes)})


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.build(experiment(sampling__source="exact", sampling__steps=40))


PLUGIN = """
import numpy as np
from playground.data.dataset import Dataset
from playground.kinds.datasets import DataSource
from playground.kinds.kind import register
from tests.present import present


@register
class Cross(DataSource, tag="own-cross", frozen=True):
    "Points on two axes, of which no density is known."

    title = "Own cross"
    phrase = "own cross"

    def read(self, request):
        along = np.linspace(-3, 3, 500)
        points = np.concatenate([np.stack([along, 0 * along], 1), np.stack([0 * along, along], 1)])
        return Dataset(self.phrase, points[1:], None, (2,), ("x", "y"), points[:1])
"""


@pytest.fixture
def own_set(tmp_path: Path) -> str:
    """A plug-in data set whose density is not known."""
    path = tmp_path / "own_cross.py"
    path.write_text(PLUGIN, encoding="utf-8")
    (kind,) = load_plugin(path)
    return kind.name()


@pytest.fixture
def start_file(tmp_path: Path) -> Path:
    """Points on a circle of radius 7 around (20, 0)."""
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    path = tmp_path / "circle.csv"
    np.savetxt(path, 7 * np.stack([np.cos(angle), np.sin(angle)], 1) + [20, 0], delimiter=",")
    return path


def test_any_data_set_of_the_plane_is_a_start_set(own_set: str) -> None:
    offered = description.fields(experiment())["noise.source"].choices
    kinds = DataSource.kinds()
    assert set(offered) == {"noise", *(name for name, kind in kinds.items() if not kind.images and name != "drawn")}
    assert {"file", own_set, *(name for name, kind in kinds.items() if issubclass(kind, Toy))} <= set(offered)
    assert description.fields(experiment())["noise.source"].title_of(own_set) == "Own cross"


def test_a_forgotten_plug_in_is_no_start_set() -> None:
    assert "own-cross" not in description.fields(experiment())["noise.source"].choices
    with pytest.raises(ExperimentError, match=r"noise\.source"):
        experiment(noise__source="own-cross")


def test_a_flow_starts_at_the_points_of_a_plug_in(own_set: str) -> None:
    asked = Problem.build(experiment(noise__source=own_set, noise__source_scale=2.0, training__steps=3))
    trainer = Trainer(asked)
    for _ in trainer:
        pass
    *_, run = sample(asked, trainer.ema.requires_grad_(False))
    start = run.positions[0]
    np.testing.assert_allclose(np.abs(start).min(1), 0, atol=0.02)  # on an axis
    assert np.abs(start).max() == pytest.approx(6, rel=0.05)
    assert asked.path_density is None
    conflict = sampling_conflict(experiment(noise__source=own_set, sampling__source="exact"))
    assert conflict is not None
    assert conflict.code == "no-exact-velocity"


def radius(points: np.ndarray, scale: float = 1.0) -> np.ndarray:
    return np.asarray(np.linalg.norm(points - scale * np.array([20, 0]), axis=1))


def test_a_flow_starts_at_the_points_of_a_file(start_file: Path, tmp_path: Path) -> None:
    settings = experiment(noise__source="file", noise__source_path=str(start_file), training__steps=3)
    trainer = Trainer(Problem.build(settings))
    for _ in trainer:
        pass
    score = trainer.ema.requires_grad_(False)
    *_, run = sample(trainer.problem, score)
    np.testing.assert_allclose(radius(run.positions[0]), 7, rtol=0.01)
    # A session holds the points, so that it opens where the file is not.
    problem = trainer.problem
    Session.of(settings, problem.dataset, weights=trainer.state()).save(tmp_path / "flow.spg")
    start_file.unlink()
    opened = Session.load(tmp_path / "flow.spg")
    again = Problem.build(opened.experiment, opened.dataset())
    *_, same = sample(again, score)
    np.testing.assert_array_equal(same.positions, run.positions)
    # Another scale needs no file either, and another file is read.
    *_, wide = sample(again.with_experiment(replace(settings, {"noise.source_scale": 2.0})), score)
    np.testing.assert_allclose(radius(wide.positions[0], 2.0), 14, rtol=0.01)
    with pytest.raises(ExperimentError, match=r"The start set cannot be used: .*other\.csv does not exist") as refused:
        again.with_experiment(replace(settings, {"noise.source_path": str(tmp_path / "other.csv")}))
    assert refused.value.message.key == "noise.source_path"


def test_a_start_file_has_the_data_s_own_units(start_file: Path, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(300, 2)) * [1.0, 100.0]
    np.savetxt(tmp_path / "a.csv", rows, delimiter=",")
    settings = {"data.kind": "file", "data.path": str(tmp_path / "a.csv"), "noise.kind": "flow-matching"}
    start = {"noise.source": "file", "noise.source_path": str(start_file)}
    asked = Problem.build(replace(Experiment(), settings | start))
    assert asked.noise.start is not None
    points = asked.units.to_user(asked.noise.start.sample(50, torch.Generator()).numpy())
    np.testing.assert_allclose(radius(points), 7, rtol=0.01)


def test_a_flow_from_a_file_needs_one() -> None:
    with pytest.raises(ExperimentError, match="No file of start points is chosen") as refused:
        Problem.build(experiment(noise__source="file"))
    assert refused.value.message.key == "noise.source_path"


def test_the_path_of_a_start_file_is_that_of_its_toml(start_file: Path, tmp_path: Path) -> None:
    settings = experiment(noise__source="file", noise__source_path=str(start_file))
    inside = description.with_relative_paths(settings, tmp_path)
    assert description.value(inside, "noise.source_path") == "circle.csv"
    description.save(inside, tmp_path / "flow.toml")
    read = description.load(tmp_path / "flow.toml")
    assert description.value(read, "noise.source_path") == str(start_file.resolve())
    with pytest.raises(ExperimentError, match="reads no file"):
        lesson_template(settings, "Flow")


def test_particles_start_at_the_start_set_and_end_at_the_data(problem: Problem) -> None:
    exact = problem.known_score()
    assert exact is not None
    *_, run = sample(problem, exact)
    start = run.positions[0]
    radius = 4 / 1.414
    assert np.linalg.norm(start, axis=1).mean() == pytest.approx(radius, rel=0.05)
    angle = 4 * np.arctan2(start[:, 1], start[:, 0])
    assert np.cos(2 * angle).mean() > 0.5  # at eight places of the circle
    end = run.positions[-1]
    distances = np.linalg.norm(end[:, None] - np.array([[5.0, 5.0], [-5.0, -5.0]]), axis=2)
    assert np.median(distances.min(1)) < 2
    assert (distances.argmin(1) == 0).mean() == pytest.approx(0.8, abs=0.1)


def test_its_grid_is_equal_in_time_and_its_target_is_the_pair_s_own() -> None:
    resolved = resolve(experiment())
    assert value(resolved, "sampling.solver") == "heun"
    assert value(resolved, "sampling.time_grid") == "time"
    assert value(resolve(experiment(sampling__solver="unipc")), "sampling.solver") == "unipc"
    assert value(resolve(experiment(noise__source="noise")), "sampling.solver") == "dpm-solver++"
    assert value(resolved, "objective.target_batch") == 1
    assert value(resolve(experiment(sampling__time_grid="karras")), "sampling.time_grid") == "karras"
    assert value(resolve(experiment(noise__source="noise")), "objective.target_batch") == 256


def test_by_default_a_gaussian_ends_with_its_deviation() -> None:
    """From N(0, 1.5^2) to N(0, 0.5^2) by the exact velocity; 50 steps of DPM-Solver++ had ended at 0.5123."""
    sampler = make_sampler(Problem.build(experiment(sampling__steps="auto")))
    assert isinstance(sampler, PathSampler)
    data, start = (
        GaussianMixture(*(torch.tensor(values, dtype=torch.float64) for values in ([[0.0]], [std], [1.0])))
        for std in (0.5, 1.5)
    )
    begin = torch.tensor([[float(sampler.process.std(1.0)) * 1.5]], dtype=torch.float64)
    *_, end = sampler.run(MixturePair(data, start).score, begin, torch.Generator())
    assert sampler.evaluations == 50
    assert float(end.positions) == pytest.approx(0.5, abs=2e-3)


def test_from_noise_nothing_changes() -> None:
    """The pairs' settings have no effect, and training draws the same numbers."""
    states = []
    for changes in ({}, {"noise__coupling": "optimal-transport", "training__reflow": True, "noise__source_scale": 3.0}):
        trainer = Trainer(Problem.build(experiment(noise__source="noise", **changes)))
        *_, last = trainer
        states.append((last.loss, *(tensor.numpy() for tensor in trainer.snapshot().values())))
    for one, other in zip(*states, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("coupling", ["independent", "optimal-transport"])
def test_training_lowers_the_loss_and_goes_on_as_it_was(coupling: str) -> None:
    asked = Problem.build(experiment(noise__coupling=coupling, training__steps=400))
    trainer = Trainer(asked)
    first, *_, last = trainer
    assert last.loss < 0.8 * first.loss
    assert (last.optimal_loss is None) == (coupling != "independent")
    if last.optimal_loss is not None:
        assert 0 < last.optimal_loss < last.loss
    assert last.held_out_loss is None
    other = Trainer(asked)
    other.restore(trainer.state())
    for each in (trainer, other):
        each.extend()
        next(each)
    one, two = (
        np.concatenate([tensor.numpy().ravel() for tensor in each.snapshot().values()]) for each in (trainer, other)
    )
    np.testing.assert_array_equal(one, two)


def test_pairs_are_matched_while_training_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """No report waits for more than the matchings of its block, and a saved state, or a final loss, changes no bit of what follows."""
    monkeypatch.setattr("playground.theory.start_set.USES", 8)
    asked = Problem.build(experiment(noise__coupling="optimal-transport", training__steps=200))
    weights = []
    for disturbed in (False, True):
        trainer = Trainer(asked)
        batches = [len(trainer.state()["pairs.0"]) // MATCHED]
        while not trainer.finished:
            step = next(trainer).step
            batches.append(len(trainer.state()["pairs.0"]) // MATCHED)
            if disturbed and step == 64:
                result(trainer.evaluate_loss())
                trainer, before = Trainer(asked), trainer
                trainer.restore(before.state())
        assert batches[-1] == math.ceil(200 * 64 / (8 * MATCHED))
        assert max(np.diff(batches)) == 1  # 32 steps of 64 points are 8 draws of each of 256 pairs
        weights.append(torch.cat([tensor.flatten() for tensor in trainer.snapshot().values()]))
    assert torch.equal(*weights)


def test_a_reflow_trains_on_pairs_of_its_own_flow(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflow, "PAIRS", 400)
    asked = Problem.build(experiment(training__reflow=True))
    assert asked.known_score("exact") is None  # the closed form is that of independent pairs
    trainer = Trainer(asked)
    for _ in trainer:
        pass
    state = trainer.state()
    ends, starts = state["reflow.0"], state["reflow.1"]
    assert ends.shape == starts.shape == (400, 2)
    other = Trainer(asked)
    other.restore(state)
    for each in (trainer, other):
        each.extend()
        next(each)
    for one, two in zip(trainer.snapshot().values(), other.snapshot().values(), strict=True):
        assert torch.equal(one, two)
    with pytest.raises(ExperimentError):
        other.restore(state | {"reflow.1": starts[:, :1]})
    # By the true velocity the ends follow from the starts: the same pairs as by a run from there.
    exact = problem.known_score()
    assert exact is not None
    x, z = reflow.flow_pairs(problem.process(), present(problem.noise.start), exact, seeded(0))
    again, same = reflow.flow_pairs(problem.process(), present(problem.noise.start), exact, seeded(0))
    assert torch.equal(x, again)
    assert torch.equal(z, same)
    process = problem.process()
    sampler = ProbabilityFlow(process, 40, False, "time", solver="heun")
    *_, last = sampler.run(exact, float(process.std(1.0)) * z, torch.Generator())
    assert ((x - last.positions).norm(dim=1) < 0.3).float().mean() > 0.95  # 20 steps and 40 end near each other
    users = problem.units.to_user(x.numpy())
    assert np.median(np.linalg.norm(users[:, None] - np.array([[5.0, 5.0], [-5.0, -5.0]]), axis=2).min(1)) < 2


def test_its_field_is_the_velocity_of_particles(problem: Problem) -> None:
    """Particles go from t = 1 to 0, so the arrows are the displacement over the time that is left."""
    exact = problem.known_score()
    assert exact is not None
    process, points = problem.process(), np.array([[2.0, 1.0], [-3.0, 0.5]])
    time = 0.6
    x = torch.as_tensor(problem.units.to_internal(points), dtype=torch.float32)
    sigma = problem.units.sigma_to_user(float(process.sigma(time)))
    arrows = arrows_at(problem, exact, points, sigma, time)
    slope = process.probability_flow(exact, x, time) / float(process.scale(0.0) - process.scale(1.0))
    np.testing.assert_allclose(arrows, -slope.numpy() * problem.units.scale, rtol=1e-3, atol=1e-3)


def test_its_density_along_the_path_integrates_to_one(problem: Problem) -> None:
    bounds = (-16.0, 16.0, -16.0, 16.0)
    for time in (0.5, 1.0):
        sigma = problem.units.sigma_to_user(float(problem.process().sigma(time)))
        values = density_over(problem, bounds, sigma, time)
        assert values.mean() * 32**2 == pytest.approx(1, abs=0.02)


def test_what_needs_a_score_says_that_there_is_none(problem: Problem) -> None:
    asked = problem.experiment
    for conflict in (flow_conflict(asked), likelihood_conflict(asked), budget_conflict(asked, problem.conditions)):
        assert conflict is not None
        assert conflict.key == "noise.source"
        assert conflict.edits[0].changes == {"noise.source": "noise"}
    exact = problem.known_score()
    assert exact is not None
    errors = flat(result(score_figures(problem, exact)))
    assert "there is a velocity but no score" in str(errors["reasons"]["fisher_divergence"])
    progress = result(evaluate(problem, exact))
    for key in ("test_nll", "kl", "optimal_nll", "kl_of_smoothing"):
        assert flat(progress)[key] is None
        assert "noise.source" in str(flat(progress)["reasons"][key])
    assert noise_diagnostics(problem) == ()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"objective__kind": "sliced"}, "objective.kind"),
        ({"objective__target_batch": 64}, "objective.target_batch"),
        ({"network__kind": "energy"}, "network.kind"),
        ({"data__kind": "digits"}, "noise.source"),
    ],
)
def test_what_cannot_be_trained_between_sets_says_so(changes: dict[str, Any], key: str) -> None:
    settings = dotted(changes)
    base = {
        name: value
        for name, value in SETS.items()
        if name.partition(".")[0] not in {k.partition(".")[0] for k in settings}
    }
    conflict = training_conflict(replace(Experiment(), {**base, **settings}))
    assert conflict is not None
    assert conflict.key == key
    mended = replace(replace(Experiment(), {**base, **settings}), conflict.edits[0].changes)
    again = training_conflict(mended)
    assert again is None or again.key != key


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"sampling.kind": "reverse-sde"}, "sampling.kind"),
        ({"sampling.kind": "langevin"}, "sampling.kind"),
        ({"sampling.kind": "forward"}, "sampling.kind"),
        ({"sampling.corrector_steps": 2}, "sampling.corrector_steps"),
        ({"sampling.inpainting_mask": "left"}, "sampling.inpainting_mask"),
        ({"sampling.source": "empirical"}, "sampling.source"),
        ({"sampling.source": "exact", "noise.coupling": "optimal-transport"}, "sampling.source"),
        ({"sampling.source": "exact", "noise.source": "file"}, "sampling.source"),
    ],
)
def test_what_cannot_be_sampled_between_sets_says_so(settings: dict[str, Any], key: str) -> None:
    base = {name: value for name, value in SETS.items() if not name.startswith("sampling.")}
    flow = {"sampling.kind": "probability-flow"}
    conflict = sampling_conflict(replace(Experiment(), {**base, **flow, **settings}))
    assert conflict is not None
    assert conflict.key == key
    assert sampling_conflict(replace(Experiment(), {**base, **flow})) is None


def test_a_file_of_two_units_cannot_meet_a_toy(tmp_path: typing.Any) -> None:
    rows = np.random.default_rng(0).normal(size=(300, 2)) * [1.0, 100.0]
    np.savetxt(tmp_path / "a.csv", rows, delimiter=",")
    settings = {"data.kind": "file", "data.path": str(tmp_path / "a.csv"), "noise.kind": "flow-matching"}
    asked = replace(Experiment(), {**settings, "noise.source": "rings"})
    with pytest.raises(ExperimentError, match="units of their own"):
        Problem.build(asked)


def test_a_start_set_that_is_too_thin_names_its_own_setting() -> None:
    with pytest.raises(Exception, match=r"noise\.source_noise = 1e-05"):
        Problem.build(experiment(noise__source="two-moons", noise__source_noise=1e-5))


def test_its_phrase_names_the_start() -> None:
    assert FlowMatching(source="rings").phrase == "flow from rings"
    assert FlowMatching().phrase == "Flow matching process"


def test_classes_are_left_out_between_sets() -> None:
    """Matched pairs do not keep them: the network is given none, and the particles have none."""
    asked = Problem.build(experiment(data__classes="on", noise__coupling="independent", sampling__steps=4))
    assert asked.labels is not None
    assert (asked.classes, asked.class_densities, asked.conditions.classes) == (0, None, ())
    assert sampling_conflict(asked.experiment, asked.conditions) is None
    trainer = Trainer(asked)
    *_, last = trainer
    assert last.diverged is None
    *_, run = sample(asked, trainer.ema.requires_grad_(False))
    assert np.isfinite(run.positions[-1]).all()
    exact = Problem.build(experiment(data__classes="on", sampling__source="exact", sampling__steps=4))
    score = exact.known_score()
    assert score is not None
    *_, run = sample(exact, score)
    assert np.isfinite(run.positions[-1]).all()
