"""``import playground`` does what docs/python.md and the notebook say."""

import dataclasses
import functools
import itertools
import json
import math
import re
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import playground as sp
from playground.cli import main
from playground.cli.results import as_text
from playground.kinds.kind import Kind
from playground.lab.experiment import ExperimentError, replace, save
from playground.lab.session import SessionError
from playground.theory.samplers import SamplerDiverged
from playground.user_errors import UserError
from tests import fewer
from tests.diverging import DIVERGING

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(autouse=True)
def little_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer.points_of_optimal_losses(monkeypatch)
    fewer.pixels_of_films(monkeypatch)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The names that the listings of docs/python.md leave, run one after another."""
    listings = re.findall(r"^```python\n(.*?)^```", (DOCS / "python.md").read_text(encoding="utf-8"), re.M | re.S)
    assert len(listings) == 7
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("page")
        patch.chdir(folder)
        for listing in listings:
            exec(listing, names)
    return names | {"folder": folder}


@pytest.mark.claims
def test_what_the_page_trains_is_a_session_that_was_saved(page: dict[str, Any]) -> None:
    session = page["session"]
    assert isinstance(session, sp.Session)
    assert session.weights is not None
    assert session.weights["step"] == 200


@pytest.mark.claims
def test_a_network_is_trained_on(page: dict[str, Any]) -> None:
    further = sp.train(page["session"], {"training.steps": 10}).result()
    assert further.weights is not None
    assert further.weights["step"] == 210


@pytest.mark.claims
def test_samples_are_those_of_the_command_line_s_sampler(page: dict[str, Any]) -> None:
    flow = page["flow"]
    again = sp.sample(page["session"], {"sampling.kind": "probability-flow", "sampling.steps": 20}, seed=1)
    lengths = [len(trajectory) for trajectory in again]
    assert lengths[0] == 1
    np.testing.assert_array_equal(again.result().positions, flow.positions)
    assert flow.positions.shape == (21, 200, 2)


@pytest.mark.claims
def test_the_score_is_the_gradient_of_the_density_in_the_user_s_units(page: dict[str, Any]) -> None:
    experiment, points, sigma = page["experiment"], np.array([[4.0, 6.5], [-3.0, -5.0]]), 0.5
    score = sp.score(experiment, points, sigma, {"sampling.source": "exact"})
    found = sp.log_likelihood(experiment, points, {"likelihood.source": "exact"}, sigma=sigma).result()
    step, slopes = 1e-4, []
    density = page["session"].dataset().density
    for axis in np.eye(2):
        ends = [density.log_prob(torch.from_numpy(points + side * step * axis), sigma).numpy() for side in (1, -1)]
        slopes.append((ends[0] - ends[1]) / (2 * step))
    np.testing.assert_allclose(score, np.stack(slopes, axis=1), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(found.log_prob, density.log_prob(torch.from_numpy(points), sigma).numpy(), atol=1e-2)


def test_a_run_trains_samples_and_measures() -> None:
    settings = {"training.steps": 20, "sampling.steps": 10, "sampling.particles": 100, "likelihood.points": 20}
    work = sp.run(sp.Experiment(), settings)
    kinds = list(dict.fromkeys(type(progress).__name__ for progress in work))
    assert kinds == ["TrainingProgress", "Trajectory", "MeasuringProgress"]
    run = work.result()
    assert run.trajectory.positions.shape == (12, 100, 2)
    assert run.metrics["kl"].value > 0
    assert run.session.trajectory is not None


def test_a_run_has_the_figures_of_the_command_line(tmp_path: Path) -> None:
    settings = {
        "training.steps": 20,
        "sampling.steps": 4,
        "sampling.particles": 60,
        "likelihood.points": 10,
        "likelihood.tolerance": 0.1,
    }
    experiment = replace(sp.Experiment(), settings)
    save(experiment, tmp_path / "experiment.toml")
    assert main(["run", str(tmp_path / "experiment.toml"), "--out", str(tmp_path / "out"), "--device", "cpu"]) == 0
    written = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    found = sp.run(experiment, device="cpu").result().metrics
    assert dict(found).keys() == written.keys() - {"version"}
    times = {"seconds", "steps_per_second", "sampling_seconds", "likelihood_seconds", "threads"}
    assert written.pop("provenance") == json.loads(as_text(found["provenance"].value))
    ours = json.loads(as_text({key: value for key, value in found.to_json().items() if key not in times}))
    assert ours.pop("provenance")
    assert ours == {key: value for key, value in written.items() if key not in times}


def test_samples_are_measured_without_a_network() -> None:
    followed = replace(sp.Experiment(), {"sampling.source": "exact", "likelihood.points": 20})
    samples = np.random.default_rng(0).standard_normal((100, 2))
    figures = sp.evaluate(followed, samples).result()
    assert figures["sliced_wasserstein2"].value > 0
    assert figures["test_nll"].value is None
    why = "There are no trained weights: train, or choose likelihood.source = exact or empirical."
    assert str(figures["test_nll"].reason) == why
    by_exact = sp.evaluate(followed, samples, {"likelihood.source": "exact"}).result()
    assert by_exact["sliced_wasserstein2"] == figures["sliced_wasserstein2"]
    assert by_exact["test_nll"].value == pytest.approx(by_exact["optimal_nll"].value, abs=1e-2)


def test_work_that_is_left_goes_on_where_it_was() -> None:
    work = sp.sample(sp.Experiment(), {"sampling.source": "exact", "sampling.steps": 5, "sampling.particles": 10})
    assert len(next(work)) == 1
    assert len(next(work)) == 2
    assert len(work.result()) == 7


def test_work_that_failed_has_no_result() -> None:
    settings = {"sampling.kind": "langevin", "sampling.source": "exact", "sampling.step": 1e9, "sampling.particles": 10}
    work = sp.sample(sp.Experiment(), settings)
    with pytest.raises(SamplerDiverged):
        work.result()
    with pytest.raises(RuntimeError, match="ended by an error"):
        work.result()


@pytest.mark.claims
def test_what_does_not_fit_is_told_at_once(page: dict[str, Any]) -> None:
    with pytest.raises(ExperimentError, match="would need a new training"):
        sp.sample(page["session"], {"noise.kind": "vp"})
    with pytest.raises(
        SessionError, match=r"no trained weights: train it, or choose sampling\.source = exact or empirical"
    ):
        sp.sample(sp.Experiment())
    with pytest.raises(
        SessionError, match=r"no trained weights: train it, or choose likelihood\.source = exact or empirical"
    ):
        sp.log_likelihood(sp.Experiment(), POINTS, {"sampling.source": "exact"})
    with pytest.raises(ExperimentError):
        sp.sample(sp.Experiment(), {"sampling.source": "exact", "data.kind": "digits"})
    with pytest.raises(AttributeError, match="no attribute 'sampel'"):
        sp.sampel  # noqa: B018


@pytest.mark.claims
@pytest.mark.parametrize("call", [sp.train, sp.run])
def test_a_training_that_diverges_is_an_error(call: Any) -> None:
    work = call(sp.Experiment(), DIVERGING)
    reports: list[Any] = []
    with pytest.raises(ExperimentError, match=r"Training diverged at step .* Lower training\.learning_rate"):
        reports.extend(work)
    assert reports[-1].diverged is not None
    with pytest.raises(RuntimeError, match="ended by an error"):
        work.result()


EXACT = sp.replace(sp.Experiment(), {"sampling.source": "exact", "likelihood.source": "exact"})
CLASSES = sp.replace(sp.Experiment(), {"data.kind": "two-gaussians", "data.classes": "on", "sampling.source": "exact"})
ONE = {"sampling.labels": "one", "sampling.label": 1}


def test_the_score_is_the_one_of_class_guidance_and_factor() -> None:
    """Of the class by its own Gaussian, and from there by the equations of guidance and of the factor."""
    points, sigma = np.array([[1.0, -1.0], [0.5, 3.0]]), 2.0
    every, one = (sp.score(CLASSES, points, sigma, told) for told in ({"sampling.labels": "none"}, ONE))
    np.testing.assert_allclose(one, (-5 - points) / (1 + sigma**2), rtol=1e-4)  # unit variance about (-5, -5)
    guided = sp.score(CLASSES, points, sigma, ONE | {"sampling.guidance": 5.0})
    np.testing.assert_allclose(guided, 6 * one - 5 * every, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        sp.score(CLASSES, points, sigma, ONE | {"sampling.score_factor": 2.0}), 2 * one, rtol=1e-5
    )


def test_a_score_that_does_not_exist_is_refused() -> None:
    points = np.zeros((2, 2))
    with pytest.raises(ExperimentError, match=r"its own class.*sampling\.labels = one or none"):
        sp.score(CLASSES, points, 0.5)
    with pytest.raises(ExperimentError, match="is not a class"):
        sp.score(CLASSES, points, 0.5, ONE | {"sampling.label": 7})
    between = {"noise.kind": "flow-matching", "noise.source": "two-moons", "sampling.kind": "probability-flow"}
    with pytest.raises(ExperimentError, match="Between two sets there is a velocity but no score"):
        sp.score(sp.Experiment(), points, 0.5, between | {"sampling.source": "exact"})


@pytest.mark.parametrize("sigma", [0, -1.0, float("nan"), float("inf"), "a", [0.5, 0.0], [], [[0.5], [1.0, 2.0]]])
def test_a_noise_level_is_a_finite_number_above_0(sigma: Any) -> None:
    for call in (sp.score, sp.log_likelihood):
        with pytest.raises(ExperimentError, match="no noise level: it must be a finite number above 0"):
            call(EXACT, np.zeros((2, 2)), sigma=sigma)


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (1.0, r"shape \((N|\.\.\.), 2\).* these have \(\)"),
        (np.zeros((4, 3)), r"shape \((N|\.\.\.), 2\).* these have \(4, 3\)"),
        (np.zeros((0, 2)), "at least (1|one)"),
        ([[1.0, 2.0], [3.0]], "real numbers"),
        ([["a", "b"]], "real numbers"),
        (np.zeros((2, 2), dtype=complex), "real numbers"),
        (sp.sample(EXACT, {"sampling.steps": 2, "sampling.particles": 4}).result(), r"positions\[-1\] of a trajectory"),
        (np.full((50, 2), np.nan), "Point 1 of 50 is not finite"),
        (torch.zeros((2, 2), requires_grad=True), "real numbers"),
    ],
)
def test_points_that_cannot_be_used_are_refused_at_once(points: Any, said: str) -> None:
    for call in (sp.log_likelihood, sp.evaluate, lambda source, given: sp.score(source, given, 0.5)):
        with pytest.raises(ExperimentError, match=said):
            call(EXACT, points)


@pytest.mark.claims
def test_points_of_any_leading_shape_are_those_of_a_list(page: dict[str, Any]) -> None:
    session, plane = page["session"], np.random.default_rng(0).normal(0, 3, (3, 4, 2))
    whole = sp.score(session, plane, 0.5)
    assert whole.shape == (3, 4, 2)
    np.testing.assert_allclose(whole.reshape(12, 2), sp.score(session, plane.reshape(12, 2), 0.5), rtol=1e-6)
    np.testing.assert_allclose(sp.score(session, plane[1, 2], 0.5), whole[1, 2], rtol=1e-5)
    found, flat = (sp.log_likelihood(session, points, sigma=0.5).result() for points in (plane, plane.reshape(12, 2)))
    assert (found.log_prob.shape, found.latent.shape, found.evaluations.shape) == ((3, 4), (3, 4, 2), (3, 4))
    np.testing.assert_array_equal(found.log_prob.ravel(), flat.log_prob)
    assert sp.log_likelihood(session, plane[0, 0]).result().log_prob.shape == ()
    assert sp.sample(session, {"sampling.steps": 2}).result().positions.shape[1:] == (200, 2)
    with pytest.raises(ExperimentError, match=r"shape \(N, 2\)"):  # samples are one set
        sp.evaluate(session, plane)


@pytest.mark.claims
def test_noise_levels_are_broadcast_with_the_points(page: dict[str, Any]) -> None:
    """Whatever the shapes are, each point has the score and the likelihood of its own level."""
    points, levels = np.random.default_rng(0).normal(0, 3, (4, 2)), np.array([0.3, 2.0, 0.3, 1.0])
    density = sp.density(page["experiment"])
    for sigma, leading in ((levels, (4,)), (levels[:3, None], (3, 4)), (np.float32(0.5), (4,)), ([[2.0]], (1, 4))):
        score = sp.score(page["experiment"], points, sigma, {"sampling.source": "exact"})
        work = sp.log_likelihood(page["experiment"], points, {"likelihood.source": "exact"}, sigma=sigma)
        shares = [progress.fraction for progress in work]
        found, told = work.result(), np.broadcast_to(sigma, leading)
        x = np.broadcast_to(points, (*leading, 2)).reshape(-1, 2)
        known = torch.from_numpy(x.copy()), torch.from_numpy(told.astype(float).ravel().copy())
        np.testing.assert_allclose(score, density.torch.score(*known).reshape(*leading, 2), rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(found.log_prob, density.torch.log_prob(*known).reshape(leading), atol=1e-2)
        np.testing.assert_array_equal(density.score(points, sigma), density.torch.score(*known).reshape(*leading, 2))
        np.testing.assert_array_equal(density.log_prob(points, sigma), density.torch.log_prob(*known).reshape(leading))
        np.testing.assert_allclose(found.sigma, told if np.ndim(sigma) else sigma, rtol=1e-5)
        assert shares == sorted(shares)
        assert shares[-1] == 1.0
    calls: list[Any] = [sp.score, sp.log_likelihood, lambda _, *args, **kwargs: density.score(*args, **kwargs)]
    for call in calls:
        with pytest.raises(
            ExperimentError, match=r"sigma has shape \(3,\), .* with the points' \(4,\): give one number"
        ):
            call(EXACT, points, sigma=[1.0, 2.0, 3.0])


@pytest.mark.claims
def test_a_level_far_outside_the_training_warns_once_at_the_caller(page: dict[str, Any]) -> None:
    points = np.zeros((2, 2))
    for sigma in (1e4, 1e-6, [0.5, 1e4], [[1e4], [1e5]]):
        with pytest.warns(sp.UntrainedSigmaWarning, match="outside the noise levels of the training") as caught:
            sp.score(page["session"], points, sigma)
        assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings(action="error"):
        sp.score(page["session"], points, [0.5, 3.0])
        sp.score(EXACT, points, 1e4)  # a known score knows all levels


@pytest.mark.claims
def test_particles_start_where_they_are_told(page: dict[str, Any]) -> None:
    session = page["session"]
    for kind in ("reverse-sde", "probability-flow", "langevin", "annealed-langevin"):
        settings = {"sampling.kind": kind, "sampling.steps": 20}
        drawn = sp.sample(session, settings, seed=4).result().positions
        again = sp.sample(session, settings, seed=4, start=drawn[0]).result().positions
        np.testing.assert_allclose(again[:3], drawn[:3], rtol=1e-3, atol=1e-3)
    mine = np.array([[30.0, -20.0], [1.0, 2.0], [0.0, 0.0]])
    found = sp.sample(session, start=mine).result().positions
    assert found.shape[1:] == (3, 2)
    np.testing.assert_allclose(found[0], mine, rtol=1e-5, atol=1e-5)
    dates = np.zeros((3, 2), dtype="M8[D]")
    for wrong, said in (
        ([1.0, 2.0], r"shape \(N, 2\)"),
        (np.full((3, 2), np.nan), "not finite"),
        (3.0, "shape"),
        (dates, "real numbers"),
    ):
        with pytest.raises(ExperimentError, match=said):
            sp.sample(session, start=wrong)


@pytest.mark.claims
def test_the_network_is_a_module_in_the_user_s_units(page: dict[str, Any]) -> None:
    session = page["session"]
    network, points, levels = sp.network(session), np.random.default_rng(0).normal(0, 3, (5, 2)), np.linspace(0.2, 3, 5)
    assert isinstance(network, torch.nn.Module)
    for dtype in (torch.float32, torch.float64):
        x = torch.from_numpy(points).to(dtype).requires_grad_()
        found = network(x, torch.from_numpy(levels))
        assert found.dtype == dtype
        np.testing.assert_allclose(found.detach(), sp.score(session, points, levels), rtol=1e-4, atol=1e-5)
        (slope,) = torch.autograd.grad(found[:, 0].sum(), x)
        ends = (sp.score(session, points + side * np.array([1e-2, 0]), levels)[:, 0] for side in (1, -1))
        np.testing.assert_allclose(slope[:, 0], (next(ends) - next(ends)) / 2e-2, rtol=2e-2, atol=2e-2)
    inner = network.network(
        (torch.from_numpy(points).float() - network.offset) / network.scale, torch.tensor(0.5 / network.length)
    )
    np.testing.assert_allclose(inner.detach() / network.scale, sp.score(session, points, 0.5), rtol=1e-4, atol=1e-5)
    for without in (dataclasses.replace(session, weights=None), sp.Experiment()):
        with pytest.raises(SessionError, match="no trained weights: train it"):
            sp.network(without)
    assert {"offset", "scale"} < set(network.state_dict())


def test_the_network_knows_axes_of_widely_different_spread() -> None:
    wide = POINTS * [1.0, 20.0]  # each axis has a scale of its own, and sigma is in their geometric mean
    session = sp.train(sp.Experiment(), QUICK, data=wide).result()
    network = sp.network(session)
    assert float(network.scale.max() / network.scale.min()) > 3
    found = network(torch.from_numpy(wide[:9]), 2.0).detach()
    np.testing.assert_allclose(found, sp.score(session, wide[:9], 2.0), rtol=1e-3, atol=1e-5)


def test_the_network_takes_classes() -> None:
    session = sp.train(CLASSES, {"training.steps": 5, "sampling.source": "learned"}).result()
    told = sp.score(session, np.ones((2, 2)), 0.5, ONE)
    network, x = sp.network(session), torch.ones(2, 2)
    np.testing.assert_allclose(network(x, 0.5, torch.tensor(1)).detach(), told, rtol=1e-4)
    assert not np.allclose(network(x, 0.5).detach(), told, rtol=1e-3)


@pytest.mark.claims
def test_the_true_density_is_an_object_in_the_user_s_units(page: dict[str, Any]) -> None:
    density = sp.density(page["session"])
    drawn = density.sample(4000, seed=1)
    np.testing.assert_allclose(drawn.std(0), page["session"].points.std(0), rtol=0.1)
    assert np.array_equal(drawn, density.sample(4000, seed=1))
    assert not np.array_equal(drawn, density.sample(4000))
    assert density.log_prob([5.0, 5.0]) == pytest.approx(math.log(0.8 / (2 * math.pi)), abs=0.3)
    x = torch.tensor(POINTS[:3], requires_grad=True)
    (slope,) = torch.autograd.grad(density.torch.log_prob(x).sum(), x)
    np.testing.assert_allclose(slope, density.score(POINTS[:3]), rtol=1e-10)
    wrong: list[Any] = [([[0, 0, 0]],), ([math.nan, 0],), ("here",), ([0, 0], -1.0), ([0, 0], math.inf)]
    for given in wrong:
        with pytest.raises(ExperimentError, match=r"shape \(\.\.\., 2\)|not finite|finite number of at least 0"):
            density.log_prob(*given)
    assert repr(density) == "<TrueDensity of two-gaussians>"
    other = sp.density(sp.Experiment(), {"data.kind": "two-gaussians"})
    assert torch.equal(other.torch.mean, density.torch.mean)
    array = sp.train(sp.Experiment(), QUICK, data=POINTS).result()
    with pytest.raises(ExperimentError, match=r"density of data\.kind = file is not known"):
        sp.density(array)


@pytest.mark.claims  # starts a process
def test_a_run_is_saved_as_a_web_page(tmp_path: Path) -> None:
    run = sp.run(sp.Experiment(), QUICK | {"likelihood.points": 20}).result()
    run.save_html(tmp_path / "run.html")
    text = (tmp_path / "run.html").read_text(encoding="utf-8")
    found = re.search(r'id="shown">(.*?)</script>', text)
    assert found is not None
    shown = json.loads(found[1])
    assert shown["columns"][0]["runs"][-1]["frames"][-1] == run.trajectory.steps
    assert shown["steps"][-1] == run.session.step
    assert '<tr><th scope="row">W₂<td>' in text
    with pytest.raises(UserError, match="nowhere"):
        run.save_html(tmp_path / "nowhere" / "run.html")


@pytest.mark.claims
def test_a_session_is_one_line(page: dict[str, Any]) -> None:
    assert repr(page["session"]) == (
        "<Session of two-gaussians, ve, denoising, auto: 50,000 points, 2,000 held out, step 200>"
    )
    assert repr(dataclasses.replace(page["session"], weights=None)).endswith("not trained>")
    run = sp.run(sp.Experiment(), QUICK | {"likelihood.points": 20}).result()
    assert len(repr(run)) < 300
    assert "\n" not in repr(run)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: sp.train(EXACT, steps=3),
            r"no argument steps; did you mean .*settings=\{'training.steps': \.\.\.\}\?",
        ),
        (lambda: sp.sweep(EXACT, steps=[3]), r"or axes=\{'training.steps': "),
        (
            lambda: sp.replace(EXACT, sigma_max=3),
            r"replace\(\) has no argument sigma_max; .*changes=\{'noise.sigma_max': ",
        ),
        (lambda: sp.sample(EXACT, sead=3), r"no argument sead; did you mean seed\?"),
        (lambda: sp.score(EXACT, POINTS, sigm=0.5), r"no argument sigm; did you mean sigma\?"),
        (lambda: sp.sample(EXACT, sigmamax=5), r"did you mean settings=\{'noise.sigma_max': \.\.\.\}\?"),
        (lambda: sp.run(EXACT, **{"noise.sigmamax": 5}), r"did you mean settings=\{'noise.sigma_max': \.\.\.\}\?"),
        (lambda: sp.evaluate(EXACT, zzz=0.5), r"zzz; its arguments are source, samples, settings, device\."),
        *(
            (functools.partial(getattr(sp, name), zzz=1), "zzz; its arguments are")
            for name in ("run", "log_likelihood", "network", "density", "load", "open_window")
        ),
    ],
)
def test_an_unknown_keyword_is_answered_by_a_sentence(call: Any, said: str) -> None:
    for kind in (TypeError, UserError):
        with pytest.raises(kind, match=said):
            call()


def test_workers_may_be_a_whole_float_and_nothing_between() -> None:
    axes, few = {"sampling.steps": [5e0]}, sp.replace(EXACT, {"sampling.particles": 6e1})
    (row,) = sp.sweep(few, axes, seeds=1.0, workers=1.0).result()  # type: ignore[arg-type]
    assert row.values == {"sampling.steps": 5}
    for wrong in ({"workers": 1.5}, {"workers": 0}, {"seeds": 1.5}):
        with pytest.raises(ExperimentError, match=r"1\.5|at least one|seeds"):
            sp.sweep(few, axes, **wrong)  # type: ignore[arg-type]


def test_what_is_neither_experiment_nor_session_nor_kind_is_refused() -> None:
    calls: list[Any] = [sp.train, sp.run, sp.sample, sp.evaluate]
    for call, wrong in itertools.product(calls, ["moons.toml", None, 3]):
        with pytest.raises(ExperimentError, match="neither an experiment nor a session"):
            call(wrong)
    with pytest.raises(ExperimentError, match="3 is neither an experiment nor the path"):
        sp.sweep(3)  # type: ignore[arg-type]
    no_kinds: list[Any] = [3, int, Kind]
    for no_kind in no_kinds:
        with pytest.raises(ExperimentError, match="is no kind"):
            sp.register(no_kind)


def test_settings_and_axes_take_the_numbers_of_numpy() -> None:
    given = {"seed": np.int64(3), "sampling.steps": np.int32(7), "data.noise": np.float32(0.25)}
    assert sp.replace(EXACT, given) == sp.replace(EXACT, {"seed": 3, "sampling.steps": 7, "data.noise": 0.25})
    few = sp.replace(EXACT, {"sampling.particles": 60})
    rows = sp.sweep(few, {"sampling.steps": np.array([5, 6])}, seeds=np.arange(2)).result()
    assert [(row.values, row.count) for row in rows] == [({"sampling.steps": 5}, 2), ({"sampling.steps": 6}, 2)]
    with pytest.raises(ExperimentError, match="is no value of a setting"):
        sp.replace(EXACT, {"sampling.steps": object()})


QUICK = {"training.steps": 3, "network.width": 16, "network.depth": 1, "sampling.steps": 3, "sampling.particles": 20}
POINTS = np.random.default_rng(0).normal([3.0, -2.0], [1.0, 0.5], (200, 2))
"""Points of two classes, left and right of the middle."""
SIDES = POINTS[:, 0] > 3


def test_a_network_learns_an_array_of_points(tmp_path: Path) -> None:
    session = sp.train(sp.Experiment(), QUICK, data=POINTS).result()
    both = np.concatenate([session.points, session.held_out])
    assert len(session.held_out) == 40  # a fifth, as of a file
    np.testing.assert_array_equal(both[np.lexsort(both.T)], POINTS[np.lexsort(POINTS.T)])
    assert session.labels is None
    session.save(tmp_path / "array.spg")
    further = sp.train(sp.Session.load(tmp_path / "array.spg")).result()
    np.testing.assert_array_equal(further.points, session.points)
    again = sp.train(session, {"training.seed": 1}).result()
    np.testing.assert_array_equal(again.points, session.points)
    with pytest.raises(ExperimentError, match="given as an array, of which a session has one split"):
        sp.train(session, {"seed": 1})
    assert sp.sample(further).result().positions.shape == (5, 20, 2)


def test_a_session_holds_what_its_settings_train() -> None:
    """A seed that was changed trains a new network, on other points if it is that of the data."""
    small = sp.replace(sp.Experiment(), QUICK | {"data.points": 100})
    session = sp.train(small).result()
    for settings in (
        {"seed": 1},
        {"training.seed": 1},
        {"sampling.seed": 1},
        {"noise.kind": "vp"},
        {"data.kind": "rings"},
    ):
        found, expected = sp.train(session, settings).result(), sp.train(sp.replace(small, settings)).result()
        assert found.weights is not None
        assert expected.weights is not None
        assert found.experiment == expected.experiment
        np.testing.assert_array_equal(found.points, expected.points)
        goes_on = "sampling.seed" in settings
        assert found.weights["step"] == (6 if goes_on else 3)
        for name in () if goes_on else expected.weights:
            if name != "seconds":
                np.testing.assert_array_equal(found.weights[name], expected.weights[name], name)
        assert np.array_equal(found.points, session.points) == (
            "training.seed" in settings or goes_on or "noise.kind" in settings
        )
    drawn = [
        sp.sample(session, *given).result().positions for given in (({"seed": 1},), ({}, 1), ({"sampling.seed": 1},))
    ]
    for other in drawn[1:]:
        np.testing.assert_array_equal(drawn[0], other)
    with pytest.raises(ExperimentError, match=r"data\.seed would need a new training"):
        sp.sample(session, {"data.seed": 1})


def test_a_seed_of_likelihoods_chooses_the_trace_probes_of_a_trained_network() -> None:
    session, estimated = sp.train(sp.Experiment(), QUICK).result(), {"likelihood.trace": "hutchinson"}

    def log_prob(settings: dict[str, Any], seed: int | None = None) -> np.ndarray:
        return sp.log_likelihood(session, POINTS[:5], estimated | settings, seed=seed).result().log_prob

    first, other = log_prob({}), log_prob({}, 3)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(log_prob({"seed": 3}), other)
    np.testing.assert_array_equal(log_prob({"seed": 4}, 3), other)
    np.testing.assert_array_equal(log_prob({}, 0), first)  # that of the data
    assert session.experiment.data.seed == 0


@pytest.mark.parametrize("labels", [SIDES.astype(np.uint8), np.where(SIDES, "right", "left")])
def test_labels_of_an_array_are_classes(labels: Any) -> None:
    session = sp.run(sp.Experiment(), QUICK | {"likelihood.points": 20}, data=POINTS, labels=labels).result().session
    assert session.class_names == (("left", "right") if labels.dtype.kind == "U" else ())
    np.testing.assert_array_equal(session.labels, session.points[:, 0] > 3)
    left, right = (sp.score(session, POINTS, 0.5, {"sampling.labels": "one", "sampling.label": c}) for c in (0, 1))
    assert not np.array_equal(left, right)


@pytest.mark.parametrize("colours", [(), (3,)])
def test_a_network_learns_an_array_of_images(colours: tuple[int, ...], tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (80, 8, 10, *colours), dtype=np.uint8)
    labels = np.arange(80) % 2
    session = sp.train(sp.Experiment(), QUICK, data=levels, labels=labels).result()
    assert session.points.shape[1:] == ((3, 8, 8) if colours else (1, 8, 8))
    square = levels[:, :, 1:9].reshape(80, 8, 8, -1).transpose(0, 3, 1, 2)
    expected = (square + 0.5) / 128 - 1  # bins of [-1, 1], by their centres
    both = np.concatenate([session.points, session.held_out]).reshape(80, -1)
    np.testing.assert_array_equal(np.sort(both, axis=0), np.sort(expected.reshape(80, -1), axis=0).astype(np.float32))
    rows = [np.flatnonzero((expected == image).all((1, 2, 3)))[0] for image in session.points]
    np.testing.assert_array_equal(session.labels, labels[rows])
    session.save(tmp_path / "images.spg")
    np.testing.assert_array_equal(sp.Session.load(tmp_path / "images.spg").dataset().points, session.points)
    again = sp.train(sp.Experiment(), QUICK, data=session.points).result()  # as a session has them
    assert {*map(bytes, again.points)} <= {*map(bytes, session.points)}
    for same in (2 * (levels / 255) - 1, levels.astype(np.int64)):
        ones = sp.train(sp.Experiment(), QUICK, data=same).result()
        assert {*map(bytes, ones.points)} <= {*map(bytes, np.concatenate([session.points, session.held_out]))}


@pytest.mark.parametrize(
    ("data", "labels", "said"),
    [
        (POINTS.T, None, r"numpy array has shape \(2, 200\), .*: transpose it"),
        (np.zeros(200), None, r"give real numbers of shape \(N, 2\)"),
        (np.zeros((200, 8, 8, 2)), None, r"images have \(N, height, width\), .* or \(N, 3, height, width\)"),
        (np.full((200, 8, 8), 300), None, "whole numbers from 300 to 300: those of images go from 0 to 255"),
        (np.full((200, 8, 8), 0.5), None, r"no number below 0, and black is -1: map numbers from 0 to 1 by 2 \* x - 1"),
        (np.full((200, 8, 8), -1.5), None, "numbers from -1.5 to -1.5: .*, or others from -1 to 1"),
        (
            np.zeros((200, 8, 8), bool),
            None,
            "holds truth values: give whole numbers from 0 to 255, or others from -1 to 1",
        ),
        (np.full((200, 8, 8), np.nan), None, "NaN or infinite"),
        (np.full((200, 8, 8), -np.inf), None, "NaN or infinite"),
        (np.zeros((0, 8, 8)), None, "holds no images: its shape begins with 0"),
        (np.zeros((49, 8, 8), np.uint8), None, "has 49 images: at least 50 are needed"),
        (np.zeros((200, 8, 8), np.uint8), SIDES[1:], "The labels of 200 points are as many"),
        ([[1.0, 2.0], [3.0]], None, "not real numbers"),
        (POINTS[:49], None, "has 49 rows: at least 50 are needed"),
        (np.where(SIDES[:, None], POINTS, np.nan), None, "NaN is not a number"),
        (POINTS, SIDES[1:], "The labels of 200 points are as many"),
        (POINTS, POINTS[:, 0], "whole numbers or texts"),
        (None, SIDES, "give data too"),
    ],
)
def test_data_that_cannot_be_learned_are_refused_at_once(data: Any, labels: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        sp.train(sp.Experiment(), data=data, labels=labels)


@pytest.mark.claims
def test_a_sweep_has_a_row_for_each_combination_and_goes_on_where_it_was(page: dict[str, Any]) -> None:
    rows = page["sweeping"].result()
    assert [row.values for row in rows] == [{"sampling.steps": 5}, {"sampling.steps": 20}]
    assert {row.count for row in rows} == {2}
    assert all(row.mean["sliced_wasserstein2"] > 0 < row.error["sliced_wasserstein2"] for row in rows)
    again = sp.sweep(page["experiment"], page["axes"], seeds=2, out=page["folder"] / "steps")
    assert [progress.done for progress in again] == [4]
    assert [row.mean for row in again.result()] == [row.mean for row in rows]


def test_a_broken_cell_of_a_sweep_is_warned_of_and_computed_anew(tmp_path: Path) -> None:
    exact = replace(sp.Experiment(), {"sampling.source": "exact", "sampling.particles": 60})
    axes, out = {"sampling.steps": [3]}, tmp_path / "steps"
    (row,) = sp.sweep(exact, axes, out=out).result()
    (cell,) = (out / "cells").glob("*.json")
    cell.write_text('{"metrics": []}', encoding="utf-8")
    with pytest.warns(UserWarning, match="The file of cell 0 is broken, so the cell is computed anew"):
        (again,) = sp.sweep(exact, axes, out=out).result()
    assert again.mean["sliced_wasserstein2"] == row.mean["sliced_wasserstein2"]


def test_a_sweep_s_file_is_run_and_what_is_none_is_refused(tmp_path: Path) -> None:
    text = "experiment.sampling = { source = 'exact', particles = 60 }\n[axes]\n'sampling.steps' = [3, 4]\n"
    (tmp_path / "sweep.toml").write_text(text, encoding="utf-8")
    rows = sp.sweep(tmp_path / "sweep.toml").result()
    assert [row.values["sampling.steps"] for row in rows] == [3, 4]
    with pytest.raises(ExperimentError, match="states its own axes"):
        sp.sweep(tmp_path / "sweep.toml", {"sampling.steps": [5]})
    with pytest.raises(ExperimentError, match=r"no sweep: .*seeds"):
        sp.sweep(sp.Experiment(), {"sampling.steps": [5]}, seeds=0)
    with pytest.raises(ExperimentError, match="whole number of workers, at least one"):
        sp.sweep(sp.Experiment(), {"sampling.steps": [5]}, workers=0)
    langevin = replace(sp.Experiment(), {"sampling.kind": "langevin", "sampling.source": "exact"})
    with pytest.raises(UserError, match=r"All 1 cells failed, the first because: .*unstable"):
        sp.sweep(langevin, {"sampling.step": [1e9]}).result()
    with pytest.raises(ExperimentError, match=r"sampling\.stops"):
        sp.sweep(sp.Experiment(), {"sampling.stops": [5]})


def test_the_page_has_a_row_for_each_name() -> None:
    text = (DOCS / "python.md").read_text(encoding="utf-8")
    table = text[text.index("## Names, shapes and units") : text.index("## Own kinds")]
    assert [name for name in sp.__all__ if f"`{name}" not in table] == []


@pytest.mark.claims
@pytest.mark.timeout(300)
def test_the_notebook_runs_and_opens_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("SCORE_PLAYGROUND_READY", "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    cells = json.loads((DOCS / "python.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    real, _ = subprocess.Popen, sp.open_window  # a name that is imported before it is replaced

    def watched(*command: Any, **options: Any) -> "subprocess.Popen[str]":
        return real(*command, **(options or {"stdout": subprocess.PIPE, "text": True}))

    monkeypatch.setattr(subprocess, "Popen", watched)
    try:
        for cell in cells:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
        assert names["window"].stdout.readline().startswith("ready")  # the window was painted
    finally:
        if "window" in names:
            names["window"].kill()
            names["window"].communicate()
    assert names["error"] < 0.5
    assert names["figures"]["kl"].value < 0.3
    by_values = {tuple(row.values.values()): row.mean["sliced_wasserstein2"] for row in names["rows"]}
    assert len(by_values) == 6
    assert all(by_values["heun", steps] < by_values["ddim", steps] for steps in (5, 10, 20))
