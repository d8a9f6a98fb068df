r"""One field under five names: a network may predict any of them, and each can be computed from any other at a known noise level.

With x = alpha x_0 + std z, z ~ N(0, I), and sigma = std/alpha, given x:

.. math::

    \hat\epsilon = E[z | x] = -\mathrm{std}\, s(x), \qquad \hat x_0 = E[x_0 | x] = (x + \mathrm{std}^2 s(x))/\alpha,

    v = (\hat\epsilon - \sigma \hat x_0)/\sqrt{1 + \sigma^2}, \qquad u = \hat\epsilon - \hat x_0.

v is alpha eps - std x_0 of the variance-preserving process at the same signal-to-noise ratio, alpha^2 + std^2 = 1. u is the
velocity E[z - x_0 | x] of flow matching along the straight path (1 - tau) x_0 + tau z, at the time tau = sigma/(1 + sigma) with the
same ratio; Lipman et al. count time from noise to data, where the sign is the other. Data have variance 1, so that 1/sigma^2 is
their signal-to-noise ratio. Sources: Ho et al. 2020 (noise); Karras et al. 2022 (denoised estimate); Salimans & Ho 2022, section 4 (v);
Lipman et al. 2023, equation 23 (velocity); Kingma et al. 2021 (signal-to-noise ratio).

A network's output F may be any of them: :data:`OUTPUTS` has the factors of s = a F - b x.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from torch import Tensor

Number = TypeVar("Number", float, Tensor)


class OutputScales(Protocol):
    """Returns the factors a, b of s = a F - b x from sigma and its divisor."""

    def __call__(self, sigma: Number, divisor: Number, /) -> tuple[Number, Number]: ...


@dataclass(frozen=True)
class NoiseLevel:
    """How much of x is data and how much is noise: x = alpha x_0 + std z.

    Args:
        alpha: > 0.
        std: > 0.
    """

    alpha: float
    std: float

    @property
    def sigma(self) -> float:
        """Noise over signal."""
        return self.std / self.alpha

    @property
    def snr(self) -> float:
        """Signal-to-noise ratio of data of variance 1, a ratio of variances."""
        return self.sigma**-2

    @property
    def log_snr(self) -> float:
        """Its natural logarithm."""
        return -2 * math.log(self.sigma)

    @property
    def flow_time(self) -> float:
        """The time at which the straight path of flow matching has this ratio: 0 at the data, 1 at the noise."""
        return self.sigma / (1 + self.sigma)


class Predictions(NamedTuple):
    """What may be predicted of x beside its score, all in the shape of x and in standardized units.

    Attributes:
        noise: E[z | x].
        denoised: E[x_0 | x].
        v: of Salimans and Ho.
        velocity: E[z - x_0 | x] of flow matching.
    """

    noise: Tensor
    denoised: Tensor
    v: Tensor
    velocity: Tensor


def predictions(x: Tensor, score: Tensor, level: NoiseLevel) -> Predictions:
    """What a score of x says under its other names.

    Args:
        x: any shape, with its contraction by alpha.
        score: of the density of x, in the shape of x.
    """
    noise = -level.std * score
    denoised = (x + level.std**2 * score) / level.alpha
    v = (noise - level.sigma * denoised) / math.sqrt(1 + level.sigma**2)
    return Predictions(noise, denoised, v, noise - denoised)


def _v(sigma: Number, divisor: Number) -> tuple[Number, Number]:
    """F = -v, the preconditioning of Karras et al. 2022 for data of variance 1."""
    inverse = (sigma * sigma + 1) ** -0.5
    return inverse / divisor, inverse * inverse


def _noise(sigma: Number, divisor: Number) -> tuple[Number, Number]:
    """F is the noise: s = -F/sigma."""
    return -1 / divisor, 0 * divisor


def _denoised(sigma: Number, divisor: Number) -> tuple[Number, Number]:
    """F is the denoised estimate: s = (F - x)/sigma^2."""
    inverse = divisor**-2
    return inverse, inverse


def _velocity(sigma: Number, divisor: Number) -> tuple[Number, Number]:
    """F is the velocity of flow matching: s = -(x + F)/(sigma (1 + sigma))."""
    inverse = 1 / (divisor * (1 + divisor))
    return -inverse, inverse


def _score(sigma: Number, divisor: Number) -> tuple[Number, Number]:
    """F is the score."""
    return divisor**0, 0 * divisor


OUTPUTS: dict[str, OutputScales] = {
    "v": _v,
    "noise": _noise,
    "denoised": _denoised,
    "velocity": _velocity,
    "score": _score,
}
"""The factors a, b of the score s = a F - b x, for what a network's output F stands for, in variance-exploding coordinates.

Each takes sigma >= 0 and a divisor that is sigma, or 1 in place of 0; both numbers, or tensors of one shape. The squared error
of F is that of the score times 1/a^2, so the plain loss of F weighs noise levels by 1/a^2.
"""
