r"""Interpolations between two latent codes, standard normal vectors that a probability flow turns into data.

A code is the whitened x(1), z = R^{-1} (x(1) - m)/s for the prior N(m, s^2 R^2): only there do all directions mean the same.
A straight line between two codes leaves their distribution: its middle has half the variance, and so decodes to a point that is likelier
than nearly any of the data.

Source: White 2016, Sampling generative networks (great circles); Song et al. 2021, appendix D.2 (codes of this flow).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

LatentInterpolation = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A function of z0, z1, both of the shape of one point, and shares (P,) from 0 to 1; it returns (P, *shape)."""


def spherical(z0: Tensor, z1: Tensor, shares: Tensor) -> Tensor:
    r"""Interpolate along the great circle between the two directions, with a length that grows linearly from one's to
    the other's.

    .. math:: z(u) = \left((1 - u)|z_0| + u|z_1|\right)
        \frac{\sin((1 - u)\theta)\,\hat z_0 + \sin(u\theta)\,\hat z_1}{\sin\theta}

    The direction of a standard normal vector is uniform, and stays so all along; the length lies between those of two draws, and in
    many dimensions nearly all of them have length sqrt(D). Between equal codes it stands still, and between opposite ones it
    goes round the origin, by the axis along which both are shortest.
    """
    a, b = z0.flatten().double(), z1.flatten().double()
    lengths = a.norm(), b.norm()
    a = a / lengths[0] if lengths[0] > 0 else b / lengths[1].clamp(min=1e-300)
    b = b / lengths[1] if lengths[1] > 0 else a
    across = b - (a @ b) * a
    angle = torch.atan2(across.norm(), a @ b)
    if across.norm() < 1e-8:  # no circle is determined: any will do
        across = torch.zeros_like(a)
        across[a.abs().argmin()] = 1.0
        across = across - (a @ across) * a
    across = across / across.norm().clamp(min=1e-300)
    u = shares.double()[:, None]
    way: Tensor = ((1 - u) * lengths[0] + u * lengths[1]) * ((u * angle).cos() * a + (u * angle).sin() * across)
    return way.to(z0.dtype).reshape(len(shares), *z0.shape)


def rotation(z0: Tensor, z1: Tensor, shares: Tensor) -> Tensor:
    r"""A quarter of the ellipse through both codes: z(u) = cos(u pi/2) z0 + sin(u pi/2) z1.

    Of two independent draws of N(0, I) every point of it is one too, exactly and in any dimension. Codes that are alike are no
    independent draws, and it leaves them: halfway between z and z lies sqrt(2) z.
    """
    u = _column(shares, z0) * (math.pi / 2)
    return u.cos() * z0 + u.sin() * z1


def linear(z0: Tensor, z1: Tensor, shares: Tensor) -> Tensor:
    """The straight line, whose middle has half the variance of its ends."""
    u = _column(shares, z0)
    return (1 - u) * z0 + u * z1


def _column(shares: Tensor, z: Tensor) -> Tensor:
    return shares.to(z).reshape(-1, *[1] * z.ndim)


LATENT_INTERPOLATIONS: dict[str, LatentInterpolation] = {"spherical": spherical, "rotation": rotation, "linear": linear}
"""The interpolations by their names in the settings."""
