"""All that training changes, in flat vectors, and Adam's step on them.

The network's parameters are views of one vector, their average's of another, and so are gradient and moments. One step of
optimizer and average is then eight calls on vectors instead of eight for each layer; it needs no torch.optim, whose first
use costs a second of imports; and a copy of everything is four vectors.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from playground.lab.experiment import ExperimentError
from playground.theory.fused import Descent, descend
from playground.theory.networks import ScoreNetwork
from playground.theory.networks.mlp import Perceptron

State = dict[str, np.ndarray]


class Weights:
    """The weights of a network and their average, with Adam's moments.

    The average takes a share max(1 - d, 9/(10 + n)) of the n-th weights (n = 0, 1, ...), so that it forgets the start.
    Adam's second moment remembers 100 steps, not 1,000: gradients shrink fast while the learning rate decays.

    Attributes:
        live, average, gradient, first, second: (P,) each; the parameters of `network` and `ema` are views of the first two.
        step: how many steps led to them.
    """

    def __init__(self, network: ScoreNetwork, ema: ScoreNetwork) -> None:
        self.live, self.average = _flatten(network), _flatten(ema)
        self.gradient, self.first, self.second = (torch.zeros_like(self.live) for _ in range(3))
        self.step = 0
        self._gradients = {
            id(parameter): view
            for parameter, view in zip(
                network.parameters(), _views(self.gradient, list(network.parameters())), strict=True
            )
        }

    def arguments(self, network: Perceptron, rates: list[float], ema: float) -> tuple[Tensor, Tensor, Descent]:
        """What the steps of :mod:`playground.theory.fused` take after their draws; `network` is the one given at first."""
        layers, gradients = network.layers, self._gradients
        biased = [layer for layer in layers if layer.bias is not None]
        descent = Descent(
            [layer.weight.detach() for layer in layers],
            [layer.bias.detach() for layer in biased],
            [gradients[id(layer.weight)] for layer in layers],
            [gradients[id(layer.bias)] for layer in biased],
            network.activation_name,
            self.live,
            self.gradient,
            self.first,
            self.second,
            self.average,
            rates,
            self.step,
            ema,
        )
        return *network.tables, descent

    def copy(self) -> tuple[Tensor, Tensor, Tensor, Tensor, int]:
        """What :meth:`restore` takes."""
        return self.live.clone(), self.average.clone(), self.first.clone(), self.second.clone(), self.step

    def restore(self, copy: tuple[Tensor, Tensor, Tensor, Tensor, int]) -> None:
        """Go back to a copy."""
        for vector, kept in zip((self.live, self.average, self.first, self.second), copy[:4], strict=True):
            vector.copy_(kept)
        self.step = copy[4]

    @torch.no_grad()
    def descend(self, gradients: Iterable[Tensor], rate: float, ema: float) -> None:
        """One step of Adam along gradients in the order of the network's parameters; `ema` is d above."""
        torch.cat([part.reshape(-1) for part in gradients], out=self.gradient)
        self.step += 1
        descend(self.live, self.gradient, self.first, self.second, self.average, rate, self.step, ema)


def load_weights(network: ScoreNetwork, state: State, kind: str = "ema") -> None:
    """Copy the averaged (or with ``network``, the live) weights of a trainer's state into a network.

    Raises:
        ExperimentError: they belong to another network.
    """
    tensors = {
        name: torch.from_numpy(np.array(state[f"{kind}.{name}"]))
        for name in network.state_dict()
        if f"{kind}.{name}" in state
    }
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        raise ExperimentError(
            "The saved weights belong to another network: set network.kind, width, depth and features as they were, or train anew."
        ) from None


def _flatten(network: ScoreNetwork) -> Tensor:
    """Move a network's parameters into one vector, of which they become views."""
    parameters = list(network.parameters())
    flat = torch.cat([parameter.detach().reshape(-1) for parameter in parameters])
    for parameter, view in zip(parameters, _views(flat, parameters), strict=True):
        parameter.data = view
    return flat


def _views(flat: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """The parts of a flat vector in the parameters' shapes."""
    parts = torch.split(flat, [parameter.numel() for parameter in parameters])
    return [part.view(parameter.shape) for part, parameter in zip(parts, parameters, strict=True)]
