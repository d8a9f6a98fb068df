r"""The five processes: VE, VP, sub-VP, cosine and flow matching.

All have closed forms of both sigma(t) and t(sigma). VE leaves the data unscaled; the others contract them. For each,
f = x d(ln alpha)/dt and g^2 = alpha^2 d(sigma^2)/dt.
"""

import math
from abc import abstractmethod

import torch
from torch import Tensor

from playground.theory.noise.process import Process, as_time


class Exploding(Process):
    """A process that does not scale the data."""

    def scale(self, t: Tensor | float) -> Tensor:
        return torch.ones_like(as_time(t))

    def rate(self, t: Tensor | float) -> Tensor:
        return torch.zeros_like(as_time(t))


class Steady(Process):
    """A process whose noise depends on a place between two ends, which moves at a steady speed.

    Args:
        sigma_min: finest noise over signal, > 0.
        sigma_max: noise over signal at t = 1, > sigma_min.
    """

    _start: float
    _speed: float

    def __init__(self, sigma_min: float, sigma_max: float) -> None:
        if not 0 < sigma_min < sigma_max:
            raise ValueError(f"sigma_min = {sigma_min:g} must lie between 0 and sigma_max = {sigma_max:g}.")
        self.sigma_min, self.sigma_max = sigma_min, sigma_max

    def diffusion(self, t: Tensor | float) -> Tensor:
        return torch.sqrt(2 * self._speed * self.sigma(t))

    def _place(self, t: Tensor | float) -> Tensor:
        return self._start + self._speed * as_time(t)


class VarianceExploding(Exploding, Steady):
    r"""Adds noise of growing scale and does not change the mean.

    .. math:: dx = \sigma(t) \sqrt{2 \ln r}\, dw, \quad \sigma(t) = \sigma_{min} r^t,\ r = \sigma_{max}/\sigma_{min}

    The SDE adds a variance of sigma(t)^2 - sigma_min^2 by time t. So the density at t = 0 is the data's smoothed by sigma_min, and
    likelihoods are of that density. Source: Song et al. 2021, appendix C.

    Args:
        sigma_min: finest noise, > 0.
        sigma_max: noise at t = 1, > sigma_min. Below the diameter of the data, x(1) does not follow the prior.
    """

    def __init__(self, sigma_min: float, sigma_max: float) -> None:
        super().__init__(sigma_min, sigma_max)
        self._start, self._speed = 0.0, math.log(sigma_max / sigma_min)

    def sigma(self, t: Tensor | float) -> Tensor:
        return self.sigma_min * torch.exp(self._place(t))

    def time(self, sigma: Tensor | float) -> Tensor:
        return torch.log(as_time(sigma) / self.sigma_min) / self._speed

    def diffusion(self, t: Tensor | float) -> Tensor:
        return self.sigma(t) * math.sqrt(2 * self._speed)


class LinearRate(Process):
    r"""Contracts the data at a rate that grows linearly.

    .. math:: f = -\tfrac12 \beta x, \quad \beta(t) = \beta_0 + t(\beta_1 - \beta_0),\quad
              \ln \alpha(t) = -\tfrac12 B(t),\ B(t) = \int_0^t \beta = t \beta_0 + \tfrac12 t^2 (\beta_1 - \beta_0)

    Args:
        beta_min: rate at t = 0, > 0.
        beta_max: rate at t = 1, > beta_min.
        sigma_min: finest noise over signal, > 0. It determines t_min.
    """

    def __init__(self, beta_min: float, beta_max: float, sigma_min: float) -> None:
        if not 0 < beta_min < beta_max:
            raise ValueError(f"beta_min = {beta_min:g} must lie between 0 and beta_max = {beta_max:g}.")
        self.beta_min, self.beta_max = beta_min, beta_max
        self.sigma_max = self.end(beta_min, beta_max)
        if not 0 < sigma_min < self.sigma_max:
            raise ValueError(
                f"sigma_min = {sigma_min:g} must lie between 0 and {self.sigma_max:g}, the noise that this process ends with."
            )
        self.sigma_min = sigma_min
        self.t_min = float(self.time(sigma_min))

    @staticmethod
    @abstractmethod
    def noise_over_signal(integral: Tensor) -> Tensor:
        """sigma as a function of B."""

    @staticmethod
    @abstractmethod
    def integral(sigma: Tensor) -> Tensor:
        """B as a function of sigma, the inverse. A process with beta_max = 2 B - beta_min ends at this sigma."""

    @classmethod
    def end(cls, beta_min: float, beta_max: float) -> float:
        """sigma(1)."""
        return float(cls.noise_over_signal(torch.tensor(0.5 * (beta_min + beta_max), dtype=torch.float64)))

    def sigma(self, t: Tensor | float) -> Tensor:
        return self.noise_over_signal(self._integral(t))

    def scale(self, t: Tensor | float) -> Tensor:
        return torch.exp(-0.5 * self._integral(t))

    def time(self, sigma: Tensor | float) -> Tensor:
        integral = self.integral(as_time(sigma))
        # This form of the quadratic's root avoids the cancellation of the usual one.
        root = torch.sqrt(self.beta_min**2 + 2 * (self.beta_max - self.beta_min) * integral)
        return 2 * integral / (self.beta_min + root)

    def rate(self, t: Tensor | float) -> Tensor:
        return -0.5 * self._beta(t)

    def _integral(self, t: Tensor | float) -> Tensor:
        t = as_time(t)
        return t * (self.beta_min + 0.5 * t * (self.beta_max - self.beta_min))

    def _beta(self, t: Tensor | float) -> Tensor:
        return self.beta_min + as_time(t) * (self.beta_max - self.beta_min)


class VariancePreserving(LinearRate):
    r"""Shrinks the data while it adds noise, so data of variance one keep that variance.

    .. math:: dx = -\tfrac12 \beta x\,dt + \sqrt{\beta}\,dw, \quad \mathrm{std}^2 = 1 - \alpha^2, \quad \sigma^2 = e^B - 1

    Source: Song et al. 2021, appendix C.
    """

    @staticmethod
    def noise_over_signal(integral: Tensor) -> Tensor:
        return torch.sqrt(torch.expm1(integral))

    @staticmethod
    def integral(sigma: Tensor) -> Tensor:
        return torch.log1p(sigma.square())

    def diffusion(self, t: Tensor | float) -> Tensor:
        return torch.sqrt(self._beta(t))


class SubVariancePreserving(LinearRate):
    r"""VP with less noise: its variance is never above VP's, and it disturbs the data less near t = 0.

    .. math:: dx = -\tfrac12 \beta x\,dt + \sqrt{\beta (1 - e^{-2B})}\,dw, \quad \mathrm{std} = 1 - \alpha^2,
              \quad \sigma = 1/\alpha - \alpha = 2 \sinh(B/2)

    The standard deviation is 1 - alpha^2, where VP has its square root. Source: Song et al. 2021, appendix C.
    """

    @staticmethod
    def noise_over_signal(integral: Tensor) -> Tensor:
        return 2 * torch.sinh(0.5 * integral)

    @staticmethod
    def integral(sigma: Tensor) -> Tensor:
        return 2 * torch.asinh(0.5 * sigma)

    def diffusion(self, t: Tensor | float) -> Tensor:
        return torch.sqrt(-self._beta(t) * torch.expm1(-2 * self._integral(t)))


class Cosine(Steady):
    r"""A variance-preserving process of constant angular speed on the circle alpha^2 + std^2 = 1.

    .. math:: \alpha(t) = \cos\theta(t),\ \mathrm{std} = \sin\theta,\ \sigma = \tan\theta, \quad
              \theta(t) = (1-t) \arctan \sigma_{min} + t \arctan \sigma_{max}

    so beta = g^2 = 2 theta' tan(theta). It spends more time at middle levels than VP, which reaches pure noise sooner. Nichol and
    Dhariwal (2021, equation 17) start at a small angle, their offset s, and clip beta where the cosine vanishes. Here sigma_min
    and sigma_max determine both ends. At t = 0 the data are already smoothed by sigma_min, as with VE.

    Args:
        sigma_min: finest noise over signal, > 0.
        sigma_max: noise over signal at t = 1, > sigma_min.
    """

    def __init__(self, sigma_min: float, sigma_max: float) -> None:
        super().__init__(sigma_min, sigma_max)
        self._start = math.atan(sigma_min)
        self._speed = math.atan(sigma_max) - self._start

    def scale(self, t: Tensor | float) -> Tensor:
        return torch.cos(self._place(t))

    def sigma(self, t: Tensor | float) -> Tensor:
        return torch.tan(self._place(t))

    def time(self, sigma: Tensor | float) -> Tensor:
        return (torch.atan(as_time(sigma)) - self._start) / self._speed

    def rate(self, t: Tensor | float) -> Tensor:
        return -self._speed * self.sigma(t)


class FlowMatching(Steady):
    r"""The straight line from a data point to noise: x = (1 - tau) x0 + tau z.

    .. math:: \alpha(t) = 1 - \tau(t),\ \mathrm{std} = \tau,\ \sigma = \tau/(1 - \tau), \quad
              \tau(t) = (1-t) \frac{\sigma_{min}}{1 + \sigma_{min}} + t \frac{\sigma_{max}}{1 + \sigma_{max}}

    so f = -tau' x/(1 - tau) and g^2 = 2 tau' tau/(1 - tau). The probability flow in tau is the velocity of flow matching,

    .. math:: v(x, \tau) = E[z - x_0 \mid x] = -\frac{x + \tau s}{1 - \tau},

    with s the score of x. At tau = 1 nothing is left of the data; sigma_max determines how near to it the process ends. At t = 0 the
    data are already smoothed by sigma_min, as with VE. Source: Lipman et al. 2023 (section 4.1, conditional OT); Liu et al. 2023.

    Args:
        sigma_min: finest noise over signal, > 0.
        sigma_max: noise over signal at t = 1, > sigma_min.
    """

    def __init__(self, sigma_min: float, sigma_max: float) -> None:
        super().__init__(sigma_min, sigma_max)
        self._start = sigma_min / (1 + sigma_min)
        self._speed = sigma_max / (1 + sigma_max) - self._start

    def scale(self, t: Tensor | float) -> Tensor:
        return 1 - self._place(t)

    def sigma(self, t: Tensor | float) -> Tensor:
        mixed = self._place(t)
        return mixed / (1 - mixed)

    def time(self, sigma: Tensor | float) -> Tensor:
        sigma = as_time(sigma)
        return (sigma / (1 + sigma) - self._start) / self._speed

    def rate(self, t: Tensor | float) -> Tensor:
        return -self._speed / (1 - self._place(t))
