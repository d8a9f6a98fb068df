"""Known densities against autograd, quadrature, Monte Carlo, closed forms and the change of variables."""

import itertools
import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from playground.theory.densities import Boxes, Density, GaussianMixture
from tests.generators import seeded

DOUBLE = torch.float64


def _tensor(*rows: object) -> Tensor:
    return torch.tensor(rows, dtype=DOUBLE)


def _half_circles(count: int = 400) -> GaussianMixture:
    """Two moons of sigma 0.1 by the midpoint rule, independent of playground.data."""
    angle = (torch.arange(count, dtype=DOUBLE) + 0.5) * (math.pi / count)
    upper = torch.stack([angle.cos(), angle.sin()], 1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], 1)
    return GaussianMixture(torch.cat([upper, lower]), torch.full((2 * count,), 0.1, dtype=DOUBLE))


def _squares(std: float = 0.0) -> Boxes:
    lows = _tensor(*([x, y] for x in range(-4, 4, 2) for y in range(-4, 4, 2) if (x + y) % 4 == 0))
    return Boxes(lows, lows + 2, std=std)


DENSITIES: dict[str, Density] = {
    "one Gaussian": GaussianMixture(_tensor([1.0, -2.0]), _tensor(0.7)),
    "two Gaussians": GaussianMixture(_tensor([5, 5], [-5, -5]), _tensor(1, 1), _tensor(8, 2)),
    "unequal widths": GaussianMixture(_tensor([0, 0], [2, 1], [-1, 2]), _tensor(1, 0.2, 0.5), _tensor(0.2, 0.5, 0.3)),
    "thin far apart": GaussianMixture(_tensor([50, 0], [-50, 0]), _tensor(1e-2, 1e-2), _tensor(0.5, 0.5)),
    "moons": _half_circles(80),
    "sharp squares": _squares(),
    "soft squares": _squares(0.2),
    "unequal boxes": Boxes(_tensor([0, 0], [-3, -1]), _tensor([1, 3], [-1, 0]), _tensor(0.7, 0.3), std=0.05),
}
SMOOTHINGS = [0.0, 0.1, 1.0, 25.0]
each_density = pytest.mark.parametrize("density", DENSITIES.values(), ids=DENSITIES.keys())


def _grid(low: Tensor, high: Tensor, step: float) -> tuple[Tensor, float]:
    axes = [torch.arange(float(a) + step / 2, float(b), step, dtype=DOUBLE) for a, b in zip(low, high, strict=True)]
    return torch.cartesian_prod(*axes), step**2


@pytest.mark.parametrize(
    ("name", "sigma"),
    # A sharp edge has no gradient.
    [pair for pair in itertools.product(DENSITIES, SMOOTHINGS) if pair != ("sharp squares", 0.0)],
)
def test_score_is_the_gradient_of_log_prob(name: str, sigma: float) -> None:
    density = DENSITIES[name]
    x = (density.sample(200, seeded()) + 2 * torch.randn(200, 2, generator=seeded(1), dtype=DOUBLE)).requires_grad_()
    (gradient,) = torch.autograd.grad(density.log_prob(x, sigma).sum(), x)
    score = density.score(x.detach(), sigma)
    torch.testing.assert_close(score, gradient, rtol=1e-10, atol=1e-10)


@each_density
def test_each_row_may_have_its_own_sigma(density: Density) -> None:
    x = density.sample(3000, seeded())
    sigma = torch.rand(3000, generator=seeded(2), dtype=DOUBLE) + 0.1
    one_by_one = torch.cat([density.score(x[i : i + 1], sigma[i]) for i in range(0, 3000, 100)])
    torch.testing.assert_close(density.score(x, sigma)[::100], one_by_one, rtol=1e-9, atol=1e-9)
    logs = torch.cat([density.log_prob(x[i : i + 1], float(sigma[i])) for i in range(0, 3000, 100)])
    torch.testing.assert_close(density.log_prob(x, sigma)[::100], logs, rtol=1e-9, atol=1e-9)


def test_sigmas_must_match_rows() -> None:
    with pytest.raises(ValueError, match="each of the 5 rows, not 3"):
        DENSITIES["moons"].score(torch.zeros(5, 2, dtype=DOUBLE), torch.ones(3, dtype=DOUBLE))


@pytest.mark.claims
@pytest.mark.parametrize("sigma", [0.0, 0.1, 1.0, 4.0])
@pytest.mark.parametrize("name", sorted(set(DENSITIES) - {"thin far apart"}))  # it needs too fine a grid
def test_integrates_to_one(name: str, sigma: float) -> None:
    density = DENSITIES[name]
    reach = 9 * math.hypot(sigma, 1.0)
    x = density.sample(2000, seeded())
    # The nodes are centres of cells, and the boxes' edges are edges of cells.
    low, high = (x.amin(0) - reach).floor(), (x.amax(0) + reach).ceil()
    points, cell = _grid(low, high, 0.05 if sigma < 1 else 0.25)
    tolerance = 5e-3 if isinstance(density, Boxes) and 0 < math.hypot(density.std, sigma) < 0.06 else 1e-6
    assert float(density.log_prob(points, sigma).exp().sum() * cell) == pytest.approx(1, abs=tolerance)


@pytest.mark.claims
@each_density
@pytest.mark.parametrize("sigma", [0.3, 2.0])
def test_smoothing_is_convolution_with_a_gaussian(density: Density, sigma: float) -> None:
    """p_sigma(x) is the mean of N(x; data, sigma^2 I) over data, by Monte Carlo within five standard errors."""
    x = density.sample(20, seeded(3)) + sigma * torch.randn(20, 2, generator=seeded(4), dtype=DOUBLE)
    data = density.sample(100_000, seeded(5))
    kernel = torch.exp(-(torch.cdist(x, data) ** 2) / (2 * sigma**2)) / (2 * math.pi * sigma**2)
    error = kernel.std(1) / math.sqrt(len(data))
    assert bool(((density.log_prob(x, sigma).exp() - kernel.mean(1)).abs() < 5 * error).all())
    # Tweedie: sigma^2 score + x is the mean of the clean point given the noisy one.
    clean = (kernel @ data) / kernel.sum(1, keepdim=True)
    spread = (kernel[:, :, None] * (data - clean[:, None]) / kernel.mean(1)[:, None, None]).std(1) / math.sqrt(
        len(data)
    )
    assert bool(((x + sigma**2 * density.score(x, sigma) - clean).abs() < 5 * spread + 1e-9).all())


@pytest.mark.claims
@each_density
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("sigma", [0.0, 0.5])
def test_a_marginal_is_the_integral_over_the_other_axis(density: Density, axis: int, sigma: float) -> None:
    at = density.sample(5, seeded(3))[:, axis] + 1e-3
    span = torch.arange(-60 + 0.005, 60, 0.01, dtype=DOUBLE)  # edges of boxes lie between its cells
    points = torch.stack([at[:, None].expand(-1, len(span)), span.expand(len(at), -1)], 2)
    points = (points if axis == 0 else points.flip(2)).flatten(0, 1)
    integral = density.log_prob(points, sigma).exp().reshape(len(at), -1).sum(1) * (span[1] - span[0])
    found = density.marginal(axis).log_prob(at[:, None], sigma).exp()
    torch.testing.assert_close(found, integral, rtol=1e-6, atol=1e-9)


@pytest.mark.claims
@each_density
@pytest.mark.parametrize("axis", [0, 1])
def test_the_cdf_is_the_integral_of_a_marginal(density: Density, axis: int) -> None:
    marginal = density.marginal(axis)
    edges = torch.linspace(-60, 60, 601, dtype=DOUBLE)
    masses = marginal.cdf(edges[:, None])
    assert (float(masses[0]), float(masses[-1])) == pytest.approx((0, 1), abs=1e-12)
    step = 0.2 / 401
    inner = edges[:-1, None] + (torch.arange(401, dtype=DOUBLE) + 0.5) * step
    integrals = marginal.log_prob(inner.reshape(-1, 1)).exp().reshape(len(inner), -1).sum(1) * step
    torch.testing.assert_close(masses.diff(), integrals, rtol=0, atol=2e-3)


@each_density
def test_samples_have_the_stated_moments(density: Density) -> None:
    x = density.sample(200_000, seeded())
    error = x.std(0) / math.sqrt(len(x))
    assert bool(((x.mean(0) - density.mean).abs() < 5 * error).all())
    squares = ((x - density.mean) ** 2).mean(1)
    assert float(squares.mean()) == pytest.approx(density.variance, abs=5 * float(squares.std()) / math.sqrt(len(x)))


@each_density
def test_same_seed_same_samples(density: Density) -> None:
    assert torch.equal(density.sample(10, seeded(7)), density.sample(10, seeded(7)))
    assert not torch.equal(density.sample(10, seeded(7)), density.sample(10, seeded(8)))


@each_density
@pytest.mark.parametrize("sigma", [0.0, 0.6])
def test_standardized_is_a_change_of_variables(density: Density, sigma: float) -> None:
    offset, scale = torch.tensor([3.0, -400.0], dtype=DOUBLE), 40.0
    moved = density.standardized(offset, scale)
    x = density.sample(100, seeded())
    u = (x - offset) / scale
    expected = density.log_prob(x, sigma) + 2 * math.log(scale)
    torch.testing.assert_close(moved.log_prob(u, sigma / scale), expected, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(moved.score(u, sigma / scale), density.score(x, sigma) * scale, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(moved.mean, (density.mean - offset) / scale)
    assert moved.variance == pytest.approx(density.variance / scale**2)
    back = moved.standardized(-offset / scale, 1 / scale)
    torch.testing.assert_close(back.log_prob(x, sigma), density.log_prob(x, sigma), rtol=1e-7, atol=1e-7)


def test_modes_are_standardized_too() -> None:
    means, shares = _tensor([5, 5], [-5, -5]), torch.tensor([0.8, 0.2], dtype=DOUBLE)
    mixture = GaussianMixture(means, torch.ones(2, dtype=DOUBLE), shares, modes=means, mode_weights=shares)
    boxes = Boxes(means - 1, means + 1, shares, modes=means, mode_weights=shares)
    for density in (mixture, boxes):
        moved = density.standardized(torch.tensor([5.0, 5.0], dtype=DOUBLE), 2.0).to(dtype=torch.float32)
        assert moved.modes is not None
        assert moved.mode_weights is not None
        torch.testing.assert_close(moved.modes, torch.tensor([[0.0, 0.0], [-5.0, -5.0]]))
        torch.testing.assert_close(moved.mode_weights, torch.tensor([0.8, 0.2]))


ENTROPIES = {
    "moons of sigma 0.1": (_half_circles(), 1.0076),
    "eight Gaussians": (
        GaussianMixture(
            4
            / 1.414
            * torch.stack([f(torch.arange(8, dtype=DOUBLE) * math.pi / 4) for f in (torch.cos, torch.sin)], 1),
            torch.full((8,), 0.5 / 1.414, dtype=DOUBLE),
        ),
        2.8319,
    ),
    "two Gaussians": (DENSITIES["two Gaussians"], 3.3383),
    "one Gaussian": (DENSITIES["one Gaussian"], math.log(2 * math.pi * math.e * 0.7**2)),
    "checkerboard": (DENSITIES["sharp squares"], math.log(32)),
    "thin": (DENSITIES["thin far apart"], math.log(2) + math.log(2 * math.pi * math.e * 1e-4)),
}


@pytest.mark.parametrize(("density", "expected"), ENTROPIES.values(), ids=ENTROPIES.keys())
def test_entropy(density: Density, expected: float) -> None:
    assert density.entropy() == pytest.approx(expected, abs=5e-5)
    assert density.standardized(density.mean, 10.0).entropy() == pytest.approx(expected - 2 * math.log(10), abs=1e-4)


@pytest.mark.claims
@pytest.mark.parametrize("std", [0.01, 0.3, 3.0])
def test_entropy_of_smoothed_boxes_is_the_mean_of_minus_log_prob(std: float) -> None:
    density = _squares(std)
    surprise = -density.log_prob(density.sample(100_000, seeded()))
    assert density.entropy() == pytest.approx(
        float(surprise.mean()), abs=5 * float(surprise.std()) / math.sqrt(100_000)
    )


def test_entropy_needs_at_most_two_dimensions() -> None:
    with pytest.raises(ValueError, match="3 dimensions"):
        GaussianMixture(torch.zeros(1, 3), torch.ones(1)).entropy()


def test_sharp_edges() -> None:
    density = _squares()
    x = _tensor([-3, -3], [-1, -3], [-4, -4], [0, 0], [9, 9])
    log_prob = density.log_prob(x)
    assert log_prob.tolist() == pytest.approx([-math.log(32), -math.inf, -math.log(32), -math.log(32), -math.inf])
    assert torch.equal(density.score(x), torch.zeros_like(x))
    mixed = density.score(x, torch.tensor([0.0, 0.5, 0.0, 0.5, 0.0], dtype=DOUBLE))
    assert bool((mixed[[0, 2, 4]] == 0).all())
    assert float(mixed[1].abs().sum()) > 0


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
@pytest.mark.parametrize("distance", [30.0, 1e3, 3e4])
def test_the_score_of_far_points_is_towards_the_data(dtype: torch.dtype, distance: float) -> None:
    """At up to 300,000 standard deviations of 0.1, the score of every component is -x/sigma^2 to first order."""
    angle = torch.arange(16, dtype=DOUBLE)
    x = distance * torch.stack([angle.cos(), angle.sin()], 1)
    for density in (_half_circles(100), _squares(0.1), _squares(0.0)):
        sigma = 0.0 if not isinstance(density, Boxes) or density.std else 0.1
        score = density.to(dtype=dtype).score(x.to(dtype), sigma).to(DOUBLE)
        # All mass is within 6 of the origin.
        assert float(((score + x / 0.01).norm(dim=1) / (x / 0.01).norm(dim=1)).max()) < 6.0 / distance
        assert bool(torch.isfinite(density.to(dtype=dtype).log_prob(x.to(dtype), sigma)).all())


def test_far_score_of_a_box_is_that_of_a_truncated_gaussian() -> None:
    """In one dimension outside the box, phi(u)/Phi(u) ~ -u - 1/u, compared with 60-digit arithmetic."""
    import decimal

    decimal.getcontext().prec = 60
    density = Boxes(_tensor([0.0]), _tensor([1.0]))
    for y in (2.0, 40.0, 500.0):
        # d/dx log int_0^1 N(x; u, 1) du, by Simpson's rule with 60 digits.
        count = 2000
        terms = []
        for k in range(count + 1):
            u = decimal.Decimal(k) / count
            gap = decimal.Decimal(y) - u
            weight = 1 if k in (0, count) else 4 if k % 2 else 2
            terms.append((weight * (-(gap * gap - (decimal.Decimal(y) - 1) ** 2) / 2).exp(), gap))
        exact = -sum(w * g for w, g in terms) / sum(w for w, _ in terms)
        score = float(density.score(_tensor([y]), 1.0))
        assert score == pytest.approx(float(exact), rel=1e-8 if y < 100 else 1e-4)


@pytest.mark.parametrize("sigma", [10.0, 25.0, 30.0, 100.0, 1e3, 1e5, 1e9, 1e15])
def test_far_smoothed_boxes_keep_single_precision(sigma: float) -> None:
    """A box's mass is there a difference of two nearly equal numbers."""
    boxes = Boxes(_tensor([-1, -1], [0.2, 0.3]), _tensor([0, -0.2], [1, 1.1]))
    x = (1.5 * sigma * torch.randn(400, 2, generator=seeded())).double().requires_grad_()
    log_prob, score = boxes.log_prob(x, sigma), boxes.score(x, sigma)
    (slope,) = torch.autograd.grad(log_prob.sum(), x)
    torch.testing.assert_close(score, slope, rtol=1e-10, atol=1e-13 / sigma)
    single, u = boxes.to(dtype=torch.float32), x.detach().float()
    there = u.double()
    assert float((single.log_prob(u, sigma).double() - boxes.log_prob(there, sigma)).abs().max()) < 2e-5
    error = (single.score(u, sigma).double() - boxes.score(there, sigma)).norm(dim=1)
    assert float((error / boxes.score(there, sigma).norm(dim=1)).max()) < 2e-5


@each_density
def test_single_precision_follows_double(density: Density) -> None:
    x = density.sample(500, seeded())
    unit = density.standardized(density.mean, math.sqrt(density.variance))
    u = ((x - density.mean) / math.sqrt(density.variance)).float()
    single = unit.to(dtype=torch.float32)
    for sigma in (0.05, 1.0):
        score = unit.score(u.double(), sigma)
        assert float((single.score(u, sigma).double() - score).abs().max()) < 2e-4 / sigma
        assert float((single.log_prob(u, sigma).double() - unit.log_prob(u.double(), sigma)).abs().max()) < 2e-4


@pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # torch's own forward mode calls it
def test_score_is_differentiable_and_works_under_functional_transforms() -> None:
    """The likelihood needs the trace of the score's Jacobian, which is the Laplacian of log p."""
    for density in (DENSITIES["moons"], DENSITIES["unequal widths"], DENSITIES["soft squares"]):
        x = density.sample(5, seeded())
        jacobian = torch.func.vmap(torch.func.jacrev(lambda p, d=density: d.score(p[None], 0.5)[0]))(x)
        step = 1e-5
        for axis in range(2):
            nudge = torch.zeros(2, dtype=DOUBLE)
            nudge[axis] = step
            slope = (density.score(x + nudge, 0.5) - density.score(x - nudge, 0.5)) / (2 * step)
            torch.testing.assert_close(jacobian[:, :, axis], slope, rtol=1e-6, atol=1e-6)
        forward = torch.func.jvp(partial(density.score, sigma=0.5), (x,), (torch.ones_like(x),))[1]
        torch.testing.assert_close(forward, jacobian.sum(2), rtol=1e-9, atol=1e-9)


def test_many_points_are_computed_in_pieces() -> None:
    """Rows are independent of each other in any piece."""
    density = _half_circles(256)
    x = density.sample(40_000, seeded())
    torch.testing.assert_close(density.score(x, 0.1)[::4001], density.score(x[::4001], 0.1), rtol=1e-12, atol=1e-12)
    assert density.score(x[:0], 0.1).shape == (0, 2)
    assert density.log_prob(x[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.0, 0.0]], [0.0]), "above 0"),
        (([[0.0, 0.0]], [1.0, 1.0]), "must be"),
        (([[0.0, 0.0]], [1.0], [-1.0]), "weights"),
        (([[0.0, 0.0]], [1.0], [0.0]), "weights"),
    ],
)
def test_impossible_mixtures_are_refused(arguments: tuple[list[object], ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GaussianMixture(*(torch.tensor(argument) for argument in arguments))


@pytest.mark.parametrize(
    ("lows", "highs", "std", "message"),
    [
        ([[0.0, 0.0]], [[1.0, 0.0]], 0.0, "low corner"),
        ([[0.0, 0.0]], [[1.0]], 0.0, "must be"),
        ([[0.0, 0.0]], [[1.0, 1.0]], -1.0, "std"),
    ],
)
def test_impossible_boxes_are_refused(lows: list[object], highs: list[object], std: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Boxes(torch.tensor(lows), torch.tensor(highs), std=std)


@pytest.mark.parametrize(
    "density", [_half_circles(80).to(dtype=torch.float32), _squares(0.05)], ids=["moons", "squares"]
)
def test_far_components_avoid_subnormal_numbers_and_change_nothing(
    density: Density, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In single precision exp of less than -87 is subnormal and takes ten times as long, and e^-80 is below rounding."""
    plain, lowest = Tensor.logsumexp, []

    def noted(terms: Tensor, *arguments: Any) -> Tensor:
        lowest.append(float((terms - terms.amax(1, keepdim=True)).min()))
        return plain(terms, *arguments)

    x = 3 * torch.randn(2_000, 2, generator=seeded()).to(density.mean.dtype)
    monkeypatch.setattr(Tensor, "logsumexp", noted)
    found = density.log_prob(x, 0.02)
    assert lowest
    assert min(lowest) >= -80.01
    monkeypatch.setattr("playground.theory.log_sums.NEGLIGIBLE", math.inf)
    assert (found == density.log_prob(x, 0.02)).all()
    assert min(lowest) < -1_000
