"""The arrays that training changes, as flat vectors, and Adam's step on them.

The network's parameters are views of one vector, and those of the averaged network are views of another. The gradient and
the moments are flat vectors too. A step of optimizer and average is then eight calls on vectors instead of eight for each
layer. It needs no torch.optim, whose first use costs a second of imports, and all weights are kept by one copy into
existing memory. Each parameter keeps the network's memory layout, which convolutions need for speed.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

from playground.lab.experiment import ExperimentError
from playground.messages import Message, setting
from playground.theory.fused import OptimizerState, adam_with_average
from playground.theory.networks import MLP, ScoreNetwork

State = Mapping[str, np.ndarray]


class Weights:
    """The weights of a network and their average, with Adam's moments.

    The average takes a share max(1 - d, 9/(10 + n)) of the n-th weights (n = 0, 1, ...), so that it forgets the start.
    Adam's second moment averages over 100 steps, not 1,000, because gradients shrink fast while the learning rate decays.

    Attributes:
        live, average, gradient, first, second: (P,) each; the parameters of `network` and `ema` are views of the first two.
        step: the number of steps made.
    """

    def __init__(self, network: ScoreNetwork, ema: ScoreNetwork) -> None:
        self._parameters = list(network.parameters())
        count = sum(parameter.numel() for parameter in self._parameters)
        padded = -(-count // 16) * 16  # each vector begins at a cache line
        self._all = self._parameters[0].new_zeros(4, padded, requires_grad=False)
        self.live, self.average, self.first, self.second = self._all[:, :count]
        self.gradient = torch.zeros_like(self.live)
        self._gradients = self._views(self.gradient)
        for vector, owner in ((self.live, network), (self.average, ema)):
            for parameter, view in zip(owner.parameters(), self._views(vector), strict=True):
                parameter.data = view.copy_(parameter.detach())
        self.step = self._kept_step = 0
        self._kept = self._all.clone()

    def arguments(self, network: MLP, rates: list[float], ema: float) -> tuple[Tensor, Tensor, OptimizerState]:
        """Return the arguments of the steps of :mod:`playground.theory.fused` that follow the draws.

        Args:
            network: the network that the weights were made with.
        """
        layers = [*network.hidden, network.out]
        gradients = {id(own): view for own, view in zip(self._parameters, self._gradients, strict=True)}
        descent = OptimizerState(
            [layer.weight.detach() for layer in layers],
            [layer.bias.detach() for layer in layers],
            [gradients[id(layer.weight)] for layer in layers],
            [gradients[id(layer.bias)] for layer in layers],
            network.activation,
            self.live,
            self.gradient,
            self.first,
            self.second,
            self.average,
            rates,
            self.step,
            ema,
        )
        return network.get_buffer("frequencies"), network.noise.get_buffer("frequencies"), descent

    def keep(self) -> None:
        """Keep everything as it is now."""
        self._kept.copy_(self._all)
        self._kept_step = self.step

    def restore(self) -> None:
        """Go back to what was kept last."""
        self._all.copy_(self._kept)
        self.step = self._kept_step

    @property
    def moments(self) -> dict[str, Tensor]:
        """Adam's moments, (P,) each, in the order of the parameters and of each parameter's axes."""
        vectors = {"adam.first": self.first, "adam.second": self.second}
        return {name: torch.cat([view.flatten() for view in self._views(own)]) for name, own in vectors.items()}

    @moments.setter
    def moments(self, moments: dict[str, Tensor]) -> None:
        for name, own in (("adam.first", self.first), ("adam.second", self.second)):
            views = self._views(own)
            parts = torch.split(moments[name], [view.numel() for view in views])
            for view, part in zip(views, parts, strict=True):
                view.copy_(part.view(view.shape))

    @torch.no_grad()
    def adam_step(self, gradients: Iterable[Tensor], rate: float, ema: float) -> None:
        """Make one step of Adam along gradients in the order of the network's parameters; `ema` is d above."""
        torch._foreach_copy_(self._gradients, list(gradients))
        self.step += 1
        adam_with_average(self.live, self.gradient, self.first, self.second, self.average, rate, self.step, ema)

    def _views(self, flat: Tensor) -> list[Tensor]:
        """Views of a flat vector with the parameters' shapes and memory layouts."""
        parts = torch.split(flat, [parameter.numel() for parameter in self._parameters])
        return [
            part.as_strided(parameter.shape, parameter.stride(), part.storage_offset())
            for part, parameter in zip(parts, self._parameters, strict=True)
        ]


def hidden_labels(state: State) -> tuple[float, float] | None:
    """The least and the largest label dropout of a training; None if the network took no labels.

    Raises:
        ExperimentError: the entry is damaged.
    """
    if "hidden_labels" not in state:
        return None
    try:
        least, largest = state["hidden_labels"].tolist()
        return float(least), float(largest)
    except (TypeError, ValueError) as error:
        raise damaged(error) from None


def damaged(error: Exception) -> ExperimentError:
    """Return the error for a state that cannot be used."""
    return ExperimentError(f"The saved training is incomplete or damaged ({error}): train again.")


def load_weights(network: ScoreNetwork, state: State, kind: str = "ema") -> None:
    """Copy the averaged (or with ``network``, the live) weights of a trainer's state into a network.

    Args:
        kind: "" for weights by their own names.

    Raises:
        ExperimentError: they belong to another network.
    """
    names = {name: f"{kind}.{name}" if kind else name for name in network.state_dict()}
    tensors = {name: torch.from_numpy(np.array(state[key])) for name, key in names.items() if key in state}
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        raise ExperimentError(
            Message(
                "other-network",
                "The saved weights belong to another network: set {}, width, depth and features as they were, or train again.",
                (setting("network.kind"),),
                "network.kind",
            )
        ) from None
