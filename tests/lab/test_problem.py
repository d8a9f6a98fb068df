"""Problems: every "auto" as a number, conversion of units both ways, and the same draws from the same seed."""

import dataclasses
import math
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from playground.data.units import Units
from playground.kinds.datasets import DataSource, Stroke
from playground.kinds.networks import Network
from playground.kinds.noise import Noise
from playground.lab.experiment import Experiment, ExperimentError, fields, replace, value
from playground.lab.problem import Problem, choose_device, diameter
from playground.theory.noise import (
    ContinuousNoise,
    DiscreteNoise,
    NoNoise,
    SingleSigma,
    VarianceExploding,
    VariancePreserving,
)
from tests.densities import density_of
from tests.fitting import CONTINUOUS, dotted, fitting
from tests.generators import seeded
from tests.present import present


def build(**changes: object) -> Problem:
    common = {"data.points": 2000, "likelihood.points": 500}
    return Problem.build(fitting(common, dotted(changes)))


def csv(folder: Path, scale_x: float, scale_y: float, offset: float = 300.0) -> Path:
    points = np.random.default_rng(0).normal(size=(800, 2)) * [scale_x, scale_y] + [offset, -offset]
    path = folder / "points.csv"
    np.savetxt(path, points, delimiter=",", header="a,b", comments="")
    return path


def changes_for(kind: str, folder: Path) -> dict[str, object]:
    if kind == "file":
        return {"data__path": str(csv(folder, 40.0, 55.0))}
    if kind == "images":
        np.save(folder / "images.npy", np.random.default_rng(0).integers(0, 256, (600, 9, 9), dtype=np.uint8))
        return {"data__path": str(folder / "images.npy")}
    if kind == "drawn":
        return {"data__strokes": (Stroke(((0.0, 0.0), (3.0, 1.0)), 0.2),)}
    return {}


@pytest.mark.parametrize("kind", DataSource.kinds())
def test_every_source_is_standardized(kind: str, tmp_path: Path) -> None:
    problem = build(data__kind=kind, **changes_for(kind, tmp_path))
    assert problem.train.dtype == torch.float32
    assert problem.train.shape[1:] == problem.test.shape[1:] == problem.shape
    # Known densities have exact moments; the moments of 2,000 points differ by a few hundredths.
    assert float(problem.train.mean(0).abs().max()) < 0.1
    assert float(problem.train.var(0).mean()) == pytest.approx(1.0, abs=0.1)
    assert (problem.density is not None) == DataSource.kinds()[kind].known_density
    if problem.density is not None:
        torch.testing.assert_close(density_of(problem).mean, torch.zeros(2), rtol=0, atol=1e-5)
        assert density_of(problem).variance == pytest.approx(1.0, abs=1e-5)
    x = problem.dataset.points[:50]
    np.testing.assert_allclose(problem.units.to_user(problem.units.to_internal(x)), x, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(problem.units.to_user(problem.train[:50].numpy()), x, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("rows", "correlation", "least", "most"),
    [
        *((2_000, correlation, 0.009, 0.011) for correlation in (0.0, 0.9, 1.0)),
        (2_000, 0.9999, 0.0027, 0.0033),
        (2_000, 0.99999, 0.0009, 0.0011),
        (400, 0.0, 0.3, 0.5),
        (400, 0.999, 0.013, 0.016),
        (400, 1.0, 0.01, 0.01),
    ],
)
def test_the_finest_level_follows_the_narrowest_direction(
    rows: int, correlation: float, least: float, most: float, tmp_path: Path
) -> None:
    """It is a third of the thickness of two correlated columns. For a line or a round cloud it is a hundredth of the spread.

    Of few rows it is the width of their kernel density along the narrow axis; a round kernel is far wider.
    """
    points = np.random.default_rng(0).normal(size=(rows, 2))
    turned = np.stack([points[:, 0], correlation * points[:, 0] + math.sqrt(1 - correlation**2) * points[:, 1]], 1)
    np.save(tmp_path / "points.npy", turned)
    problem = build(data__kind="file", data__path=str(tmp_path / "points.npy"))
    for level in (
        problem.noise.sigma_min,
        problem.units.sigma_to_internal(value(problem.resolve(), "noise.sigma_min")),
    ):
        assert least <= round(level, 6) <= most
    assert (problem.kernel_width() or 1.0) > 0.02


def test_the_finest_level_of_a_curve_follows_no_thickness(tmp_path: Path) -> None:
    angle = np.random.default_rng(0).uniform(0, 2 * math.pi, 5_000)
    np.save(tmp_path / "points.npy", np.stack([np.cos(angle), np.sin(angle)], 1))
    problem = build(data__kind="file", data__path=str(tmp_path / "points.npy"))
    assert problem.noise.sigma_min == pytest.approx(0.01)


@pytest.mark.parametrize(
    "noise",
    [kind for kind, noise in Noise.kinds().items() if noise.has_path and "sigma_min" in noise.__struct_fields__],
)
def test_the_finest_level_of_few_rows_is_the_width_of_their_kernel_density(noise: str) -> None:
    """That of many rows, and a level that the user has set, are not."""
    problem = build(data__points=100, noise__kind=noise)
    assert 0.12 < problem.noise.sigma_min < 0.25
    assert problem.noise.sigma_min == pytest.approx(problem.kernel_width())
    assert value(problem.resolve(), "noise.sigma_min") == pytest.approx(
        problem.units.sigma_to_user(problem.noise.sigma_min)
    )
    assert build(data__points=1_000, noise__kind=noise).noise.sigma_min == pytest.approx(0.01)
    by_hand = build(data__points=100, noise__kind=noise, noise__sigma_min=0.02)
    assert value(by_hand.resolve(), "noise.sigma_min") == 0.02
    assert by_hand.kernel_width() == problem.kernel_width()


def test_the_finest_level_of_few_rows_stays_below_a_coarsest_level_of_the_user() -> None:
    problem = build(data__points=50, noise__kind="ve", noise__sigma_max=0.1)
    assert present(problem.kernel_width()) > problem.noise.sigma_max
    assert problem.noise.sigma_min == pytest.approx(0.01)


def test_the_finest_level_of_few_discrete_values_follows_no_kernel_density(tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.random.default_rng(0).integers(0, 5, size=(400, 2)).astype(float))
    problem = build(data__kind="file", data__path=str(tmp_path / "points.npy"), data__split="rows")
    assert problem.kernel_width() is None
    assert problem.noise.sigma_min == pytest.approx(0.01)


@pytest.mark.parametrize(
    "kind", [kind for kind, source in DataSource.kinds().items() if source.known_density and kind != "drawn"]
)
def test_the_finest_level_of_a_toy_is_a_hundredth_of_its_deviation(kind: str) -> None:
    assert build(data__kind=kind, data__points=20_000).noise.sigma_min == pytest.approx(0.01)


def test_density_in_internal_units_is_the_users_with_its_jacobian() -> None:
    problem = build(data__kind="two-gaussians", data__scale=30.0)
    assert problem.density is not None
    assert problem.dataset.density is not None
    user = problem.dataset.points[:200]
    internal = torch.from_numpy(problem.units.to_internal(user)).float()
    ours = problem.units.log_prob_to_user(density_of(problem).log_prob(internal).numpy())
    theirs = density_of(problem.dataset).log_prob(torch.from_numpy(user)).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    score = problem.units.score_to_user(density_of(problem).score(internal).numpy())
    np.testing.assert_allclose(
        score, density_of(problem.dataset).score(torch.from_numpy(user)).numpy(), rtol=1e-3, atol=1e-4
    )


def test_axes_of_a_file_are_scaled_apart_only_where_they_differ_widely(tmp_path: Path) -> None:
    alike = build(data__kind="file", data__path=str(csv(tmp_path, 40.0, 80.0))).units
    assert alike.scale[0] == alike.scale[1]
    apart = build(data__kind="file", data__path=str(csv(tmp_path, 0.01, 500.0)))
    assert apart.units.scale[0] == pytest.approx(0.01, rel=0.1)
    assert apart.units.scale[1] == pytest.approx(500.0, rel=0.1)
    torch.testing.assert_close(apart.train.var(0), torch.ones(2), rtol=0.01, atol=0)


def test_units_in_closed_form() -> None:
    units = Units(np.array([300.0, -5.0]), np.array([4.0, 9.0]))
    assert units.length == pytest.approx(6.0)
    assert units.sigma_to_user(units.sigma_to_internal(1.3)) == pytest.approx(1.3)
    assert units.log_prob_to_user(np.array([0.0]))[0] == pytest.approx(-math.log(36.0))
    np.testing.assert_allclose(units.score_to_user(np.array([[4.0, 9.0]])), [[1.0, 1.0]])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("none", NoNoise),
        ("single", SingleSigma),
        ("discrete", DiscreteNoise),
        *((kind, ContinuousNoise) for kind in CONTINUOUS),
    ],
)
def test_default_noise(kind: str, expected: type) -> None:
    problem = build(noise__kind=kind)
    noise = problem.noise
    assert isinstance(noise, expected)
    if kind in ("discrete", "ve", "cosine"):
        across = float(torch.cdist(problem.train, problem.train).max())
        assert noise.sigma_max == pytest.approx(2 * across, rel=1e-3)
    if kind in ("discrete", *CONTINUOUS):
        assert noise.sigma_min == pytest.approx(0.01)
        assert float(problem.process().sigma(problem.process().t_min)) == pytest.approx(0.01)
        assert problem.prior().mean.shape == (2,)
    if isinstance(noise, DiscreteNoise):
        assert len(noise.sigmas) == 20
    if kind == "single":
        assert noise.sigma_max == pytest.approx(0.3)


def test_noise_in_the_users_units() -> None:
    scale = build(data__scale=100.0).units.length
    assert scale > 50
    ve = build(data__scale=100.0, noise__sigma_min=3.0, noise__sigma_max=900.0).noise
    assert [ve.sigma_min * scale, ve.sigma_max * scale] == pytest.approx([3.0, 900.0])
    single = build(data__scale=100.0, noise__kind="single", noise__sigma=7.0).noise
    assert single.sigma_max * scale == pytest.approx(7.0)
    sigmas = build(data__scale=100.0, noise__kind="discrete", noise__sigmas=[80.0, 20.0, 7.0], noise__levels=50).noise
    assert isinstance(sigmas, DiscreteNoise)
    np.testing.assert_allclose(sigmas.sigmas.numpy() * scale, [80.0, 20.0, 7.0])


def test_a_drawn_schedule_is_in_the_users_units() -> None:
    points = ((0.0, 2.0), (0.5, 30.0), (1.0, 900.0))
    problem = build(data__scale=100.0, noise__kind="custom", noise__schedule=points)
    process, scale = problem.process(), problem.units.length
    assert [float(process.sigma(t)) * scale for t, _ in points] == pytest.approx([sigma for _, sigma in points])
    assert value(problem.resolve(), "noise.sigma_max") == "auto"
    line = build(noise__kind="custom").process()
    assert float(line.sigma(0.5)) == pytest.approx(float(build().process().sigma(0.5)))


def test_vp_and_sub_vp_take_their_rates() -> None:
    process = build(noise__kind="vp", noise__beta_max=9.0).process()
    assert isinstance(process, VariancePreserving)
    assert float(process.sigma(1.0)) == pytest.approx(math.sqrt(math.expm1(0.5 * 9.1)))
    sub = build(noise__kind="sub-vp", noise__beta_max=9.0).process()
    assert float(sub.std(1.0)) == pytest.approx(1 - math.exp(-0.5 * 9.1))


@pytest.mark.parametrize("kind", ["vp", "sub-vp"])
def test_the_highest_rates_end_with_noise_that_single_precision_holds(kind: str) -> None:
    rates = fields(replace(Experiment(), {"noise.kind": kind}))
    highest = {f"noise__{name}": rates[f"noise.{name}"].maximum for name in ("beta_min", "beta_max")}
    noise = build(noise__kind=kind, **highest).noise
    sigma = torch.tensor(noise.sigma_max)
    assert torch.isfinite(sigma.square())
    assert torch.isfinite(noise.training_sigmas(100, seeded(0), "time").square()).all()


@pytest.mark.parametrize("kind", fields()["noise.kind"].choices)
def test_resolved_experiment_stands_for_the_same_problem(kind: str) -> None:
    problem = build(noise__kind=kind, data__scale=7.0)
    resolved = problem.resolve()
    again = Problem.build(resolved)
    assert again.noise.sigma_min == pytest.approx(problem.noise.sigma_min, rel=1e-9)
    assert again.noise.sigma_max == pytest.approx(problem.noise.sigma_max, rel=1e-9)
    assert resolved.network.kind == "mlp"
    assert resolved.training.seconds == 20.0
    if kind in ("discrete", "ve"):
        assert value(resolved, "noise.sigma_max") == pytest.approx(problem.units.sigma_to_user(problem.noise.sigma_max))


@pytest.mark.parametrize(
    ("kind", "weight"),
    [("denoising", "edm"), ("sliced", "sigma2"), ("exact", "sigma2"), ("maximum-likelihood", "constant")],
)
def test_default_weight_follows_the_objective(kind: str, weight: str) -> None:
    assert build(objective__kind=kind).resolve().objective.weight == weight
    assert build(objective__kind=kind, objective__weight="constant").resolve().objective.weight == "constant"


@pytest.mark.parametrize("kind", Noise.kinds())
def test_flow_matching_is_trained_by_velocity_and_no_other_noise(kind: str) -> None:
    problem = build(noise__kind=kind)
    resolved = problem.resolve()
    learns = kind == "flow-matching"
    assert problem.network().prediction == resolved.network.prediction == ("velocity" if learns else "v")
    if resolved.objective.kind == "denoising":
        assert resolved.objective.weight == ("velocity" if learns else "edm")


def test_flow_matching_leaves_a_chosen_prediction_and_other_objectives_alone() -> None:
    resolved = build(noise__kind="flow-matching", network__prediction="noise", objective__kind="sliced").resolve()
    assert (resolved.network.prediction, resolved.objective.weight) == ("noise", "sigma2")


@pytest.mark.parametrize(("images", "kind"), [(False, "mlp"), (True, "u-net")])
def test_an_auto_network_resolves_its_kind_and_its_prediction(images: bool, kind: str) -> None:
    for noise, prediction in (("flow-matching", "velocity"), ("vp", "v")):
        found = Network.kinds()["auto"]().resolve(images, Noise.kinds()[noise]())
        assert (found.kind, found.prediction) == (kind, prediction)


def test_default_batches_and_particles_are_smaller_for_images() -> None:
    points, images = build(), build(data__kind="digits")
    assert (images.batch, images.particles) == (64, 96)
    assert (points.batch, points.particles) == (512, 2000)
    for problem in (points, images):
        assert problem.resolve().training.batch == problem.batch
        assert problem.resolve().sampling.particles == problem.particles
    chosen = build(data__kind="digits", training__batch=100, sampling__particles=7)
    assert (chosen.batch, chosen.particles) == (100, 7)


def test_a_resolved_toy_has_its_noise_and_points() -> None:
    problem = build(data__kind="pinwheel", data__scale=3.0)
    again = Problem.build(problem.resolve())
    assert value(problem.resolve(), "data.noise") == 0.15
    np.testing.assert_array_equal(again.dataset.points, problem.dataset.points)
    assert "data.noise" not in fields(replace(Experiment(), {"data.kind": "digits"}))


def test_resolve_keeps_what_the_user_wrote() -> None:
    assert value(build(noise__kind="discrete", noise__sigmas=[3.0, 1.0]).resolve(), "noise.sigma_min") == "auto"
    assert build(training__steps=5).resolve().training.seconds == "auto"
    by_hand = {"noise__kind": "discrete", "noise__sigmas": [3.0, 1.0]}
    assert value(build(**by_hand, noise__sigma_max=1e-6).resolve(), "noise.sigma_max") == 1e-6


def test_contradicting_noise_is_refused_in_the_users_units() -> None:
    with pytest.raises(ExperimentError, match=r"noise.sigma_min = 900 must lie below noise.sigma_max = "):
        build(noise__sigma_min=900.0)
    with pytest.raises(ExperimentError, match=r"noise.sigma_min = 900 is more noise than the VP process ends with, "):
        build(noise__kind="vp", noise__sigma_min=900.0)
    with pytest.raises(ExperimentError, match=r"more noise than the sub-VP process ends with, .*: lower noise"):
        build(noise__kind="sub-vp", noise__sigma_min=900.0)


def test_a_problem_needs_no_legal_objective() -> None:
    """The window shows data before a valid objective is chosen."""
    assert len(build(noise__kind="none", objective__kind="denoising").train) == 2000


def test_images_take_a_convolution() -> None:
    problem = build(data__kind="digits")
    assert problem.resolve().network.kind == "u-net"
    assert problem.network()(problem.train[:3], torch.tensor(1.0)).shape == (3, 1, 8, 8)
    assert isinstance(problem.process(), VarianceExploding)


def test_seed_determines_weights_and_draws() -> None:
    first, same, other = build(seed=1), build(seed=1), build(seed=2)
    weights = [next(iter(problem.network().state_dict().values())) for problem in (first, same, other)]
    assert torch.equal(weights[0], weights[1])
    draws = [torch.rand(4, generator=problem.generator("training")) for problem in (first, same, other)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert not torch.equal(draws[0], torch.rand(4, generator=first.generator("sampling")))


def test_the_diameter_is_the_largest_distance() -> None:
    generator = seeded(0)
    for shape, tolerance in (((2,), 1e-3), ((1, 4, 4), 0.03)):
        points = torch.randn(1500, *shape, generator=generator) * torch.linspace(0.3, 2.0, shape[-1])
        exact = float(torch.cdist(points.flatten(1), points.flatten(1)).max())
        assert exact * (1 - tolerance) <= diameter(points) <= exact * (1 + 1e-6)


def test_devices() -> None:
    assert choose_device("cpu", Experiment()).type == "cpu"
    with pytest.raises(ExperimentError, match="must be one of auto, cpu, cuda, mps"):
        choose_device("tpu", Experiment())
    for name, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())):
        if not there:
            with pytest.raises(ExperimentError, match="not available on this machine"):
                choose_device(name, Experiment())


@pytest.mark.parametrize(
    ("found", "plane", "images"), [("", "cpu", "cpu"), ("mps", "cpu", "mps"), ("cuda", "cuda", "cuda")]
)
def test_only_images_take_apples_gpu_by_themselves(
    found: str, plane: str, images: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: found == "cuda")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: found == "mps")
    digits = replace(Experiment(), {"data.kind": "digits"})
    assert (choose_device("auto", Experiment()).type, choose_device("auto", digits).type) == (plane, images)
    if found:
        assert choose_device(found, Experiment()).type == found


@pytest.mark.parametrize("channels", [1, 3])
def test_resolved_images_say_their_size_and_colours(channels: int, tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (600, 9, 9, channels), dtype=np.uint8)
    np.save(tmp_path / "images.npy", pictures)
    problem = build(data__kind="images", data__path=str(tmp_path / "images.npy"))
    resolved = problem.resolve()
    assert (value(resolved, "data.pixels"), value(resolved, "data.colours")) == (9, "grey" if channels == 1 else "rgb")
    np.testing.assert_array_equal(Problem.build(resolved).dataset.points, problem.dataset.points)
    chosen = build(data__kind="images", data__path=str(tmp_path / "images.npy"), data__pixels=8, data__colours="grey")
    assert (value(chosen.resolve(), "data.pixels"), value(chosen.resolve(), "data.colours")) == (8, "grey")


def left_automatic(problem: Problem) -> set[str]:
    resolved = problem.resolve()
    return {key for key in fields(resolved) if value(resolved, key) == "auto"}


def test_settings_that_stay_auto_have_no_limit_no_effect_or_depend_on_the_sampler(tmp_path: Path) -> None:
    free = {"training.steps", "sampling.start", "sampling.guide_step", "sampling.guidance_min", "sampling.guidance_max"}
    assert left_automatic(build(sampling__kind="langevin")) == free | {"sampling.step"}
    free |= {"sampling.corrector_steps"}
    assert left_automatic(build(sampling__kind="edm")) == free | {"sampling.churn_min", "sampling.churn_max"}
    assert left_automatic(build()) == free
    images = build(data__kind="images", **changes_for("images", tmp_path))
    assert left_automatic(images) == left_automatic(build(data__kind="file", **changes_for("file", tmp_path))) == free
    assert images.resolve().likelihood.trace == "hutchinson"
    assert build().resolve().likelihood.trace == "exact"


def test_how_the_rows_of_a_file_were_held_out_is_written(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(300, 2))
    for rows, given, written in (
        (points, "auto", "groups"),
        (points.round(), "auto", "rows"),
        (points.round(), "groups", "groups"),
    ):
        np.save(tmp_path / "points.npy", rows)
        problem = build(data__kind="file", data__path=str(tmp_path / "points.npy"), data__split=given)
        assert value(problem.resolve(), "data.split") == written


@pytest.mark.alone
def test_the_prior_of_large_images_is_quick_and_found_once(tmp_path: Path) -> None:
    """D = 12,288: a dense covariance takes 1.2 GB and its root most of a minute."""
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (60, 64, 64, 3), dtype=np.uint8))
    problem = build(data__kind="images", data__path=str(tmp_path / "images.npy"), data__pixels=64)
    assert problem.shape == (3, 64, 64)
    began = time.process_time()
    prior = problem.prior()
    x = prior.sample(4, seeded(0))
    torch.testing.assert_close(prior.from_normal(prior.to_normal(x)), x)
    assert prior.log_prob(x).isfinite().all()
    assert time.process_time() - began < 5
    assert prior.axes is not None
    assert prior.axes.shape == (12_288, len(problem.train) - 1)
    other = dataclasses.replace(problem, experiment=replace(problem.experiment, {"seed": 5, "sampling.steps": 7}))
    assert other.spread() is problem.spread()
