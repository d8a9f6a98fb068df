"""The data's box, over which uniform starts are drawn."""

import numpy as np
import torch
from torch import Tensor

from playground.theory.densities import Boxes, Density, GaussianMixture


def data_box(train: Tensor, density: Density | None) -> tuple[Tensor, Tensor]:
    """The lowest and the highest corner of the data's box, each in the shape of one point.

    The box of a known density reaches three standard deviations beyond its outermost components: [-8, 8]^2 for the two Gaussians
    at +-(5, 5). The box of other data goes from their 0.1 % to their 99.9 % quantiles, a twentieth wider on each side.

    Args:
        train: points (N, *shape).
        density: the known density, or None.
    """
    if isinstance(density, GaussianMixture):
        reach = 3 * density.stds[:, None]
        return (density.means - reach).amin(0), (density.means + reach).amax(0)
    if isinstance(density, Boxes):
        return density.lows.amin(0) - 3 * density.std, density.highs.amax(0) + 3 * density.std
    flat = np.asarray(train.flatten(1).cpu().numpy())
    bottom, top = np.quantile(flat, [0.001, 0.999], axis=0)
    margin = 0.05 * (top - bottom)
    corners = (
        torch.as_tensor(edge.reshape(train.shape[1:]), dtype=torch.float32) for edge in (bottom - margin, top + margin)
    )
    low, high = (corner.to(train.device) for corner in corners)
    return low, high
