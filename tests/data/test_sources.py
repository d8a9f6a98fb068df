"""Every data source in the registry: its points, that they are reproducible, and its error messages."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from playground.data import DataError, Dataset, toys
from playground.kinds.datasets import DataSource, Stroke, Toy, load_dataset
from playground.lab.experiment import fields
from playground.theory.densities import GaussianMixture
from tests.densities import density_of
from tests.fitting import fitting_source
from tests.generators import seeded

TOYS = {kind: source for kind, source in DataSource.kinds().items() if issubclass(source, Toy)}
ENTROPIES = {"two-moons": 1.0076, "eight-gaussians": 2.8319, "checkerboard": math.log(32), "two-gaussians": 3.3383}
each_kind = pytest.mark.parametrize("kind", DataSource.kinds())
each_toy = pytest.mark.parametrize("kind", TOYS)


def _load(kind: str, folder: Path, seed: int = 0, points: int = 2_000) -> Dataset:
    path = folder / "points.csv"
    if not path.exists():
        np.savetxt(path, np.random.default_rng(0).normal(300, 40, (500, 2)), delimiter=",", header="x,y", comments="")
    if kind == "images":
        path = folder / "images.npy"
        np.save(path, np.random.default_rng(0).integers(0, 256, (600, 9, 9), dtype=np.uint8))
    strokes = (Stroke(points=((0.0, 0.0), (3.0, 1.0)), radius=0.2),)
    common = {"points": points, "path": str(path), "strokes": strokes, "seed": seed}
    return fitting_source(kind, common).load(100)


def test_the_settings_offer_every_source() -> None:
    assert set(fields()["data.kind"].choices) == set(DataSource.kinds())


@each_kind
def test_a_source_gives_points_of_its_shape(kind: str, tmp_path: Path) -> None:
    dataset = _load(kind, tmp_path)
    assert dataset.points.shape[1:] == dataset.shape == dataset.held_out.shape[1:]
    assert dataset.points.dtype == dataset.held_out.dtype == (np.float32 if kind == "images" else np.float64)
    assert len(dataset.held_out) == 100
    assert np.isfinite(dataset.points).all()
    assert np.isfinite(dataset.held_out).all()
    assert DataSource.kinds()[kind].title
    assert DataSource.kinds()[kind].meaning()
    assert (dataset.density is not None) == DataSource.kinds()[kind].known_density
    if dataset.density is not None:
        assert dataset.points.shape == (2_000, 2)
        assert density_of(dataset).mean.dtype == torch.float64


@each_kind
def test_a_seed_decides_the_points(kind: str, tmp_path: Path) -> None:
    first, again, other = (_load(kind, tmp_path, seed) for seed in (3, 3, 4))
    assert np.array_equal(first.points, again.points)
    assert np.array_equal(first.held_out, again.held_out)
    assert not np.array_equal(first.held_out, other.held_out)


@each_kind
def test_training_never_sees_held_out_points(kind: str, tmp_path: Path) -> None:
    dataset = _load(kind, tmp_path)
    seen = {row.tobytes() for row in dataset.points}
    assert not any(row.tobytes() in seen for row in dataset.held_out)


@pytest.mark.claims
@each_toy
def test_a_toy_draws_from_its_density(kind: str) -> None:
    """The moments, and the mean of -log p against the entropy, within five standard errors each."""
    dataset = load_dataset(kind, points=20_000)
    density = dataset.density
    assert density is not None
    error = dataset.points.std(axis=0) / math.sqrt(20_000)
    assert (np.abs(dataset.points.mean(axis=0) - density.mean.numpy()) < 5 * error).all()
    surprise = -density.log_prob(torch.from_numpy(dataset.held_out))
    standard_error = float(surprise.std()) / math.sqrt(len(surprise))
    assert density.entropy() == pytest.approx(float(surprise.mean()), abs=5 * standard_error + 1e-9)
    if kind in ENTROPIES:
        assert density.entropy() == pytest.approx(ENTROPIES[kind], abs=5e-5)


@pytest.mark.claims
@each_toy
def test_a_toy_integrates_to_one_and_its_score_is_exact(kind: str) -> None:
    density = load_dataset(kind, points=2_000).density
    assert density is not None
    seen = density.sample(2_000, seeded(1))
    low, high = seen.amin(0).floor() - 3, seen.amax(0).ceil() + 3
    for sigma in (0.0, 0.3):
        # Cells of 1/16 have edges on the checkerboard's edges and resolve the smallest noise, 0.1, to 1e-7.
        axes = [
            torch.arange(float(a) + 1 / 32, float(b), 1 / 16, dtype=torch.float64)
            for a, b in zip(low, high, strict=True)
        ]
        mass = density.log_prob(torch.cartesian_prod(*axes), sigma).exp().sum() / 256
        assert float(mass) == pytest.approx(1, abs=1e-6)
    x = density.sample(500, seeded(0)).requires_grad_()
    for sigma in (0.05, 1.0):
        (gradient,) = torch.autograd.grad(density.log_prob(x, sigma).sum(), x)
        torch.testing.assert_close(density.score(x.detach(), sigma), gradient, rtol=1e-10, atol=1e-10)


@each_toy
def test_scale_and_noise(kind: str) -> None:
    plain, large = load_dataset(kind, points=5_000), load_dataset(kind, points=5_000, scale=30.0)
    assert plain.density is not None
    assert large.density is not None
    torch.testing.assert_close(torch.from_numpy(large.points), 30 * torch.from_numpy(plain.points))
    x = torch.from_numpy(plain.points[:100])
    torch.testing.assert_close(
        density_of(large).log_prob(30 * x, 6.0), density_of(plain).log_prob(x, 0.2) - 2 * math.log(30)
    )
    noise = TOYS[kind].own_noise
    blurred = load_dataset(kind, points=5_000, noise=noise + 0.5).density
    assert blurred is not None
    added = (noise + 0.5) ** 2 - noise**2
    assert blurred.variance == pytest.approx(density_of(plain).variance + added, rel=1e-3)


@each_toy
def test_modes_share_the_mass(kind: str) -> None:
    dataset = load_dataset(kind, points=20_000)
    assert dataset.density is not None
    modes, weights = density_of(dataset).modes, density_of(dataset).mode_weights
    if modes is None or weights is None:
        assert kind not in ("two-gaussians", "eight-gaussians", "checkerboard")
        return
    nearest = torch.cdist(torch.from_numpy(dataset.points), modes).argmin(1)
    shares = torch.bincount(nearest, minlength=len(modes)) / len(dataset.points)
    assert bool(((shares - weights).abs() < 5 * (weights * (1 - weights) / 20_000).sqrt()).all())


@each_toy
def test_a_curve_is_smooth(kind: str) -> None:
    """With twice the components, -log p of the same points changes by less than 1e-3 everywhere."""
    source = TOYS[kind]
    coarse = source.density(source.own_noise)
    if not isinstance(coarse, GaussianMixture) or coarse.modes is not None:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toys, "_SPACING", 0.4)
        fine = source.density(source.own_noise)
    assert isinstance(fine, GaussianMixture)
    if len(fine.means) == len(coarse.means):
        return  # the components are the data themselves, and no curve
    assert len(fine.means) > 2 * len(coarse.means)
    x = coarse.sample(2_000, seeded(0))
    assert float((coarse.log_prob(x) - fine.log_prob(x)).abs().max()) < 1e-3


@each_toy
def test_a_toys_noise_has_a_lower_bound(kind: str) -> None:
    source = TOYS[kind]
    least = toys.narrowest_deviation(source.density, source.own_noise)
    thin = source.density(least)
    if isinstance(thin, GaussianMixture):
        assert len(thin.means) <= toys.MOST_COMPONENTS
        with pytest.raises(DataError, match=f"too thin .* at least {least:g}, or auto"):
            load_dataset(kind, noise=least * 0.99)
        with pytest.raises(DataError, match="too thin"):
            load_dataset(kind, noise=0.0)
    assert load_dataset(kind, points=50, noise=least).points.shape == (50, 2)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DataError, match=r"data.kind = moons is not known: it must be one of two-moons, .*file\."):
        load_dataset("moons")
