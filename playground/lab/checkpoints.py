"""The averaged weights of a training at log-spaced steps, to go through the training afterwards.

This module imports no torch before there are weights: a sweep asks for the steps of a file.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

MOST = 40
BYTES = 2**24  # of all checkpoints of a training: 100 networks of the plane, or 8 of a large one of images
FACTOR = 2**0.5  # from one step to the next at first: 40 checkpoints reach a million steps
PREFIX = "checkpoints"
PART = 10
"""How many times fewer steps the weaker network has made by default. Karras et al. 2024 found 1/16 best for images."""

Weights = Mapping[str, "Tensor"]


def kept_steps(names: Iterable[str]) -> set[int]:
    """The steps of the checkpoints in a trainer's state, from the names of its arrays."""
    parts = [name.split(".", 2) for name in names]
    return {int(part[1]) for part in parts if len(part) == 3 and part[0] == PREFIX and part[1].isdecimal()}


def nearest_earlier(kept: Iterable[int], now: int, asked: int | Literal["auto"] = "auto") -> int | None:
    """The step before `now` among the kept ones that is nearest to the asked one, in ratio; None if none is before.

    Args:
        asked: by "auto" a tenth of `now`.
    """
    wanted = 1 + (now / PART if asked == "auto" else asked)
    earlier = [step for step in kept if step < now]
    return min(earlier, key=lambda step: max((step + 1) / wanted, wanted / (step + 1)), default=None)


class Checkpoints:
    """At most MOST checkpoints of one training, log-spaced, in the order of their steps.

    When there would be more, or more bytes than BYTES, every second one is dropped and the factor between later ones is squared.
    Two are kept, however large they are.

    Attributes:
        weights: the weights by their step, as they are now: training replaces this mapping and does not change it.
    """

    def __init__(self) -> None:
        self._factor = FACTOR
        self.weights: Mapping[int, Weights] = {}

    @property
    def due(self) -> int:
        """The first step whose weights are kept next."""
        last = max(self.weights, default=None)
        return 0 if last is None else max(last + 1, math.ceil(self._factor * last))

    def offer(self, step: int, weights: Callable[[], Weights]) -> None:
        """Keep the weights after a step if it is far enough from the one before.

        Args:
            weights: returns a copy of the weights; called only if they are kept.
        """
        if step < self.due:
            return
        kept = {name: tensor.cpu() for name, tensor in weights().items()}
        self.weights = {**self.weights, step: kept}  # in one assignment, since other threads may be reading
        size = sum(tensor.nbytes for tensor in kept.values())
        while len(self.weights) > min(MOST, max(2, BYTES // max(1, size))):
            self.weights = dict(itertools.islice(self.weights.items(), 0, None, 2))
            self._factor **= 2

    def forget_after(self, step: int) -> None:
        """Drop the checkpoints of later steps: training goes on from this one."""
        self.weights = {kept: weights for kept, weights in self.weights.items() if kept <= step}

    def share(self, weights: Mapping[int, Weights]) -> None:
        """Keep these in place of equal weights of the same steps."""
        self.weights = {step: weights.get(step, own) for step, own in self.weights.items()}

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All checkpoints as arrays, for :meth:`restore`."""
        return {
            f"{PREFIX}.{step}.{name}": tensor.numpy()
            for step, weights in self.weights.items()
            for name, tensor in weights.items()
        }

    def restore(self, state: Mapping[str, NDArray[np.generic]], like: Weights) -> None:
        """Restore what :meth:`state` returned, except weights of another network or weights that are not finite.

        Args:
            like: weights of this network, whose names and shapes the restored ones must have.
        """
        import torch

        found: dict[int, dict[str, Tensor]] = {}
        for key, array in state.items():
            prefix, _, rest = key.partition(".")
            step, _, name = rest.partition(".")
            if prefix == PREFIX and step.isdecimal() and name in like and array.shape == tuple(like[name].shape):
                tensor = torch.from_numpy(np.array(array)).to(like[name].dtype)
                if bool(torch.isfinite(tensor).all()):
                    found.setdefault(int(step), {})[name] = tensor
        whole = sorted(step for step, weights in found.items() if weights.keys() == like.keys())
        self.weights = {step: found[step] for step in whole[-MOST:]}
        later = [step for step in whole if step]
        if len(later) > 1:  # the spacing that they had
            self._factor = max(FACTOR, min(b / a for a, b in itertools.pairwise(later)))
