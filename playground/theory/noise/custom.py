"""A process whose sigma(t) is drawn by hand."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from playground.theory.monotone import rising_slopes
from playground.theory.noise.process import as_time
from playground.theory.noise.processes import Exploding


class CustomSchedule(Exploding):
    r"""A variance-exploding process along any rising curve: ln sigma(t) is a smooth piecewise cubic through given points.

    .. math:: dx = g\,dw, \quad g^2 = \frac{d\sigma^2}{dt} = 2 \sigma^2 \frac{d \ln\sigma}{dt}

    Two points give the straight line, which is :class:`VarianceExploding`.

    Args:
        points: (t, sigma), from t = 0 to t = 1, both rising, sigma > 0.
    """

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        times, sigmas = [t for t, _ in points], [sigma for _, sigma in points]
        rising = all(values[i] < values[i + 1] for values in (times, sigmas) for i in range(len(points) - 1))
        if len(points) < 2 or not rising or times[0] != 0 or times[-1] != 1 or not 0 < sigmas[0] < math.inf:
            raise ValueError(
                "A drawn schedule needs at least two points (t, sigma) that rise from t = 0 to t = 1, sigma above 0."
            )
        self.points, self.sigma_min, self.sigma_max = points, sigmas[0], sigmas[-1]
        logs = [math.log(sigma) for sigma in sigmas]
        self._times, self._logs, self._slopes = (
            torch.tensor(values, dtype=torch.float64) for values in (times, logs, rising_slopes(times, logs))
        )

    def sigma(self, t: Tensor | float) -> Tensor:
        value, _ = self._curve(as_time(t))
        return value.exp()

    def time(self, sigma: Tensor | float) -> Tensor:
        """Invert sigma(t) by bisection of the cubic's interval. The cubic rises, so there is one root."""
        sigma = as_time(sigma)
        target = sigma.detach().cpu().double().log()
        piece = self._piece(target, self._logs)
        low, high = self._times[piece], self._times[piece + 1]
        for _ in range(54):  # float64 has 53 bits
            middle = (low + high) / 2
            below = self._curve(middle)[0] < target
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return ((low + high) / 2).to(sigma)

    def diffusion(self, t: Tensor | float) -> Tensor:
        value, slope = self._curve(as_time(t))
        return value.exp() * torch.sqrt(2 * slope)

    def _curve(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """ln sigma and its derivative, in the shape of t, by the cubic Hermite polynomial of the piece that t lies in."""
        piece = self._piece(t, self._times)
        start, width = (part.to(t) for part in (self._times[piece], self._times[piece + 1] - self._times[piece]))
        y0, y1 = self._logs[piece].to(t), self._logs[piece + 1].to(t)
        m0, m1 = (self._slopes[at].to(t) * width for at in (piece, piece + 1))
        u, rise = (t - start) / width, y1 - y0
        # y0 + u (m0 + u (3 rise - 2 m0 - m1 + u (m0 + m1 - 2 rise)))
        square, cube = 3 * rise - 2 * m0 - m1, m0 + m1 - 2 * rise
        return y0 + u * (m0 + u * (square + u * cube)), (m0 + u * (2 * square + 3 * u * cube)) / width

    def _piece(self, values: Tensor, knots: Tensor) -> Tensor:
        found = torch.bucketize(values.detach().cpu().double(), knots, right=True) - 1
        return found.clamp(0, len(knots) - 2)
