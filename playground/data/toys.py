r"""Toy densities in the plane, easy to see and hard to learn.

Each is a function of `noise`, the standard deviation of its own noise before scaling, and returns a closed form in float64. A curve
becomes a mixture of Gaussians along it,

.. math:: p(x) = \int N(x; c(\ell), \mathrm{noise}^2 I)\, q(\ell)\, d\ell \approx \sum_k w_k q(\ell_k) N(x; c(\ell_k), \mathrm{noise}^2 I),

with nodes by arc length so close that the sum and the integral agree to 1e-7 and single Gaussians cannot be seen.

The Gaussians of one curve, or each Gaussian that is a mode of its own, are one class.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from playground.data.dataset import Array
from playground.data.polylines import lengths, places

if TYPE_CHECKING:
    from playground.theory.densities import Density, GaussianMixture

MOST_COMPONENTS = 4096  # with more, the 900 arrows of a frame take longer than the frame
_SPACING = 1.0  # distance of neighbouring Gaussians in standard deviations: a ripple of 5e-9 on a straight line


def two_gaussians(noise: float) -> "Density":
    """Weights 0.8 and 0.2 at (5, 5) and (-5, -5), which Langevin dynamics gets wrong (Song and Ermon 2019)."""
    parts = [(np.array([[5.0, 5.0]]), np.array([0.8])), (np.array([[-5.0, -5.0]]), np.array([0.2]))]
    return _mixture(parts, noise, separate=True)


def eight_gaussians(noise: float) -> "Density":
    """Eight equal Gaussians on a circle of radius 4/1.414."""
    angle = np.arange(8) * (math.pi / 4)
    return _mixture([(mean[None], np.array([1 / 8])) for mean in 4 / 1.414 * _on_circle(angle)], noise, separate=True)


def two_moons(noise: float) -> "Density":
    """Half circles of radius 1 about (0, 0) and (1, 0.5), with their open sides facing each other."""
    angle = np.linspace(0, math.pi, 20_001)
    upper = _on_circle(angle)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    return _curves([upper, lower], angle / math.pi, noise)


def two_spirals(noise: float) -> "Density":
    """Two arms of one and a half turns out to radius pi, nearly uniform along their length."""
    angle = np.linspace(0, 3 * math.pi, 20_001)
    arm = angle[:, None] / 3 * np.stack([-np.cos(angle), np.sin(angle)], axis=1)
    return _curves([arm, -arm], (angle / angle[-1]) ** 2, noise)


def swiss_roll(noise: float) -> "Density":
    """A roll of one and a half turns between radii 0.94 and 2.83. It is uniform in the angle, as usual, so denser inside."""
    angle = np.linspace(1.5 * math.pi, 4.5 * math.pi, 20_001)
    roll = angle[:, None] / 5 * _on_circle(angle)
    return _curves([roll], np.linspace(0, 1, len(angle)), noise)


def pinwheel(noise: float) -> "Density":
    """Five arms, Gaussian along their length about radius 2, bent by an exponentially growing angle (Johnson et al. 2016)."""
    along = np.linspace(-3, 3, 20_001)  # in standard deviations of the arm
    radius = 1 + 0.3 * along
    arms = []
    for turn in range(5):
        angle = 2 * math.pi * turn / 5 + 0.25 * np.exp(radius)
        arms.append(2 * radius[:, None] * _on_circle(angle))
    cumulative = np.array([0.5 * math.erf(u / math.sqrt(2)) for u in along])
    share = (cumulative - cumulative[0]) / (cumulative[-1] - cumulative[0])
    return _curves(arms, share, noise)


def rings(noise: float) -> "Density":
    """Four circles of radii 0.75, 1.5, 2.25 and 3 with a quarter of the mass each."""
    parts = []
    for radius in (0.75, 1.5, 2.25, 3.0):
        # Equal spacing is exact on a closed curve. Twelve nodes keep it round even if the noise is as wide as the circle.
        count = max(12, math.ceil(2 * math.pi * radius / (_SPACING * noise)))
        angle = np.arange(count) * (2 * math.pi / count)
        parts.append((radius * _on_circle(angle), np.full(count, 1 / count)))
    return _mixture(parts, noise)


def checkerboard(noise: float) -> "Density":
    """Eight of the sixteen squares of side 2 in [-4, 4]^2. Without noise their edges are sharp."""
    import torch

    from playground.theory.densities import Boxes

    lows = torch.tensor(
        [[x, y] for x in range(-4, 4, 2) for y in range(-4, 4, 2) if (x + y) % 4 == 0], dtype=torch.float64
    )
    weights = torch.full((len(lows),), 1 / len(lows), dtype=torch.float64)
    return Boxes(lows, lows + 2, weights, std=noise, modes=lows + 1, mode_weights=weights)


def narrowest_deviation(toy: "Callable[[float], Density]", default: float) -> float:
    """The least noise with which a toy has at most MOST_COMPONENTS; for separate Gaussians a hundredth of the default."""
    from playground.theory.densities import GaussianMixture

    mixture = toy(default)
    if not isinstance(mixture, GaussianMixture):
        return 0.0
    if mixture.modes is not None:
        return default / 100
    # Two digits, rounded up, as the number of components of each piece is rounded up too.
    least = default * len(mixture.means) / MOST_COMPONENTS
    step = 10.0 ** (math.floor(math.log10(least)) - 1)
    return float(f"{math.ceil(least / step) * step:.2g}")


def _on_circle(angle: NDArray[np.floating]) -> Array:
    """The points (N, 2) of the unit circle at these angles."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=1, dtype=np.float64)


def _curves(curves: list[Array], share: Array, noise: float) -> "GaussianMixture":
    """A mixture along open curves of equal mass and length.

    It uses Fejér's quadrature by arc length. With equal spacing the ends would have an error of (spacing/noise)^2/24.

    Args:
        curves: polylines (P, 2), finely sampled.
        share: the part of a curve's mass before each of its points, (P,), from 0 to 1.
        noise: the standard deviation of the Gaussians.
    """
    parts = []
    for curve in curves:
        arc = lengths(curve)
        count = max(
            12, math.ceil(0.5 * math.pi * arc[-1] / (_SPACING * noise))
        )  # the nodes' spacing is pi/2 times wider in the middle
        nodes, node_weights = _fejer(count)
        at = (nodes + 1) / 2 * arc[-1]
        parts.append((places(curve, arc, at), node_weights * np.interp(at, arc, np.gradient(share, arc))))
    return _mixture(parts, noise)


def _fejer(count: int) -> tuple[Array, Array]:
    """Nodes and weights of Fejér's first rule for the integral over [-1, 1] (Waldvogel 2006), exact below degree `count`."""
    angle = (np.arange(count) + 0.5) * (math.pi / count)
    harmonic = np.arange(1, count // 2 + 1)
    series = np.cos(2 * np.outer(angle, harmonic)) @ (1 / (4.0 * harmonic**2 - 1))
    return np.cos(angle), 2 / count * (1 - 2 * series)


def _mixture(parts: Sequence[tuple[Array, Array]], noise: float, separate: bool = False) -> "GaussianMixture":
    """Gaussians in classes.

    Args:
        parts: the means (K, 2) and the weights (K,) of each class.
        noise: the standard deviation of the Gaussians.
        separate: whether they are far enough apart that each is a mode.
    """
    import torch

    from playground.theory.densities import GaussianMixture

    means, weights = (torch.from_numpy(np.concatenate(of_all)) for of_all in zip(*parts, strict=True))
    classes = torch.repeat_interleave(torch.tensor([len(own) for _, own in parts]))
    modes, mode_weights = (means, weights) if separate else (None, None)
    stds = torch.full((len(means),), noise, dtype=torch.float64)
    return GaussianMixture(means, stds, weights, modes=modes, mode_weights=mode_weights, classes=classes)
