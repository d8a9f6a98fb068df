r"""Networks that learn a score: random Fourier features, preconditioning, an MLP and a small U-Net.

All of them learn data of mean 0 and variance sd^2 = 1 per axis, in variance-exploding coordinates. The preconditioning of
Karras et al. 2022 (table 1: c_skip, c_out, c_in, and the noise input ln(sigma)/4), written for the score, is

.. math:: s(x, \sigma) = -\frac{x}{\sigma^2 + sd^2}
          + \frac{sd}{\sigma' \sqrt{\sigma^2 + sd^2}} F\!\left(\frac{x}{\sqrt{\sigma^2 + sd^2}}, \frac{\ln \sigma'}{4}\right)

with sigma' = sigma, or sigma' = sd for sigma = 0, which avoids a division by zero. F = 0, the initial value, gives the exact
score of Gaussian data. This F is -v of Salimans & Ho 2022. A network may have another output in place of it, see
:data:`playground.theory.parametrizations.OUTPUTS`, with the same inputs.
"""

import math
from typing import Any

import torch

from playground.theory.networks.base import ACTIVATIONS as ACTIVATIONS
from playground.theory.networks.base import DATA_STD as DATA_STD
from playground.theory.networks.base import ROWS as ROWS
from playground.theory.networks.base import ScoreNetwork as ScoreNetwork
from playground.theory.networks.energy import Energy as Energy
from playground.theory.networks.mlp import MLP as MLP
from playground.theory.networks.u_net import UNet as UNet


def build_network(
    kind: str,
    shape: tuple[int, ...],
    *,
    width: int,
    depth: int,
    activation: str,
    features: int,
    feature_scale: float,
    classes: int = 0,
    generator: torch.Generator,
    prediction: str = "v",
) -> ScoreNetwork:
    """A new network for points of `shape`. The kind is "mlp", "energy" or "u-net"; an energy takes no `classes`.

    The output of an energy network is always its energy, whatever the `prediction`.

    Raises:
        ValueError: the kind is unknown, or the points of a U-Net are not images.
    """
    dim = math.prod(shape)
    if kind in ("mlp", "energy"):
        perceptron: dict[str, Any] = {
            "width": width,
            "depth": depth,
            "activation": activation,
            "features": features,
            "scale": feature_scale,
            "generator": generator,
        }
        if kind == "mlp":
            return MLP(dim, classes=classes, prediction=prediction, **perceptron)
        return Energy(dim, **perceptron)
    if kind == "u-net":
        if len(shape) != 3:
            raise ValueError(f"A U-Net network needs images (channels, height, width), not points of {shape}.")
        return UNet(
            shape,
            width=width,
            depth=depth,
            activation=activation,
            classes=classes,
            generator=generator,
            prediction=prediction,
        )
    raise ValueError(f"network kind {kind!r} is not known: it must be mlp, energy or u-net.")
