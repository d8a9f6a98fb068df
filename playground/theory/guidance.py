r"""Scores of what is known beforehand: a class, or some of the coordinates.

Each takes a score and gives another, so that every sampler follows it as it would follow the first.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from playground.theory.noise import ScoreFunction, per_point

LabelledScore = Callable[..., Tensor]
"""A score that may be told a class: s(x, sigma), or s(x, sigma, label) with label an integer, 0-d or (N,)."""


def guided(score: LabelledScore, label: Tensor, scale: float) -> ScoreFunction:
    r"""The score of a class, pushed away from that of all data (Ho & Salimans 2022, "Classifier-free guidance").

    .. math:: \tilde s(x, \sigma) = (1 + w)\, s(x, \sigma \mid c) - w\, s(x, \sigma)

    At w = 0 that is the score of p(x | c). Above, each level's density is p(x | c) p(c | x)^w up to a factor: typical members of the
    class, less varied ones. It is no longer the smoothed density of any data, so samplers that are exact at w = 0 are not for w > 0.

    Args:
        label: c, 0-d for all particles, or (N,).
        scale: w >= 0.
    """

    def along(x: Tensor, sigma: Tensor) -> Tensor:
        told = score(x, sigma, label)
        return told + scale * (told - score(x, sigma)) if scale else told

    return along


def given(score: ScoreFunction, known: Tensor, mask: Tensor) -> ScoreFunction:
    r"""The score of the unknown coordinates given the known ones, up to an approximation at coarse levels.

    The known coordinates y have the closed form of a single point blurred by sigma, so that any sampler moves them as the process
    itself would and ends at y; the others follow the score at where those are now:

    .. math:: \tilde s_y = (y - x_y)/\sigma^2, \qquad \tilde s_u = s(x, \sigma)_u \approx \nabla_u \log p_\sigma(x_u \mid y)

    The approximation forgets of y what its noise hides. It vanishes as sigma goes to 0, where Langevin steps make the samples right:
    corrector steps along the way mend what the coarse levels got wrong. Source: Song et al. 2021, appendix I.2, whose
    replacement of y by its noised self this is in continuous time.

    Args:
        known: y, in the shape of one point; what `mask` leaves out is not looked at.
        mask: true where a coordinate is known, in the shape of one point.
    """

    def along(x: Tensor, sigma: Tensor) -> Tensor:
        back = (known - x) / per_point(torch.as_tensor(sigma, dtype=x.dtype, device=x.device).square(), x)
        return torch.where(mask, back, score(x, sigma))

    return along
