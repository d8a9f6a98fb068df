r"""Interpolations between two latent codes, standard normal vectors that a probability flow turns into data.

A code is the whitened x(1), z = R^{-1} (x(1) - m)/s for the prior N(m, s^2 R^2), so that all directions are equivalent. A
straight line between two codes leaves their distribution. Its midpoint has half the variance, so it decodes to a point that is
more probable than nearly any data point.

Source: White 2016, Sampling generative networks (great circles); Song et al. 2021, appendix D.2 (codes of this flow).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

LatentInterpolation = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A function of z0, z1, both of the shape of one point, and shares (P,) from 0 to 1; it returns (P, *shape)."""


def spherical(z0: Tensor, z1: Tensor, shares: Tensor) -> Tensor:
    r"""Interpolate the direction along the great circle, and the length linearly.

    .. math:: z(u) = \left((1 - u)|z_0| + u|z_1|\right)
        \frac{\sin((1 - u)\theta)\,\hat z_0 + \sin(u\theta)\,\hat z_1}{\sin\theta}

    The direction of a standard normal vector is uniform, and so is that of every point on this path. The length lies between
    those of the two codes, and in many dimensions nearly all codes have length sqrt(D). Between equal codes the path is a
    single point. Between opposite codes it goes around the origin, through the axis on which both have the smallest
    coordinates.
    """
    a, b = z0.flatten().double(), z1.flatten().double()
    lengths = a.norm(), b.norm()
    a = a / lengths[0] if lengths[0] > 0 else b / lengths[1].clamp(min=1e-300)
    b = b / lengths[1] if lengths[1] > 0 else a
    across = b - (a @ b) * a
    angle = torch.atan2(across.norm(), a @ b)
    if across.norm() < 1e-8:  # the codes determine no circle, so any will do
        across = torch.zeros_like(a)
        across[a.abs().argmin()] = 1.0
        across = across - (a @ across) * a
    across = across / across.norm().clamp(min=1e-300)
    u = shares.double()[:, None]
    way: Tensor = ((1 - u) * lengths[0] + u * lengths[1]) * ((u * angle).cos() * a + (u * angle).sin() * across)
    return way.to(z0.dtype).reshape(len(shares), *z0.shape)


def rotation(z0: Tensor, z1: Tensor, shares: Tensor) -> Tensor:
    r"""A quarter of the ellipse through both codes: z(u) = cos(u pi/2) z0 + sin(u pi/2) z1.

    If the codes are independent samples of N(0, I), every point of it is a sample too, exactly and in any dimension. Similar
    codes are not independent, and the path leaves them: halfway between z and z lies sqrt(2) z.
    """
    u = _column(shares, z0) * (math.pi / 2)
    return u.cos() * z0 + u.sin() * z1


def linear(z0: Tensor, z1: Tensor, shares: Tensor) -> Tensor:
    """The straight line, whose midpoint has half the variance of its ends."""
    u = _column(shares, z0)
    return (1 - u) * z0 + u * z1


def _column(shares: Tensor, z: Tensor) -> Tensor:
    return shares.to(z).reshape(-1, *[1] * z.ndim)


LATENT_INTERPOLATIONS: dict[str, LatentInterpolation] = {"spherical": spherical, "rotation": rotation, "linear": linear}
"""The interpolations by their names in the settings."""
