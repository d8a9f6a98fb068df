"""What a kind may know of the rest of an experiment and of its data. Kinds do not know the Problem, which is built from them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from playground.data.dataset import Dataset
    from playground.data.units import Units
    from playground.kinds.datasets.data_source import DataSource
    from playground.kinds.networks.network import Network
    from playground.kinds.noise.noise import Noise
    from playground.kinds.objectives.objective import Objective
    from playground.kinds.samplers.sampler import Sampler
    from playground.theory.densities import Density
    from playground.theory.empirical import Empirical
    from playground.theory.noise import GaussianPrior, PrincipalAxes, Process
    from playground.theory.noise import Noise as NoiseLevels
    from playground.theory.noise.sigma_distributions import SigmaDistributionName

Mask = Literal["none", "left", "top", "frame"]
"""The part of each point that is known beforehand."""

Labels = Literal["none", "one", "all"]
"""The classes of particles: none, one class for all of them, or a class for each."""

Guide = Literal["unconditional", "checkpoint"]
"""The score that guidance pushes away from: that of all data, or that of an earlier training step."""

Score = Literal["learned", "exact", "empirical"]
"""The source of a score: the network, the known density, or the smoothed training set."""


class Chosen(Protocol):
    """The kinds that an experiment has chosen, as the other kinds see them."""

    @property
    def data(self) -> "DataSource": ...

    @property
    def noise(self) -> "Noise": ...

    @property
    def network(self) -> "Network": ...

    @property
    def objective(self) -> "Objective": ...

    @property
    def sampling(self) -> "Sampler": ...


@dataclass(frozen=True)
class Conditions:
    """What a network and its samples can be conditioned on.

    Attributes:
        classes: the classes that the network is trained with, in order; empty without labels.
        held_out: the number of points that training never sees, from which the known part of a point is taken.
        hidden_labels: the smallest and the largest share of labels that training has hidden so far; None before training, and
            without labels.
        known_classes: the classes whose densities are known; empty without labels.
    """

    classes: tuple[int, ...] = ()
    held_out: int = 0
    hidden_labels: tuple[float, float] | None = None
    known_classes: tuple[int, ...] = ()

    def classes_of(self, source: Score | None) -> tuple[int, ...]:
        """The classes of which a score is there, in order."""
        return {"learned": self.classes, "exact": self.known_classes}.get(source or "", ())


class Given(Protocol):
    """What the data determine, in internal units. A kind is built from its settings and from this.

    Attributes:
        dataset: the data in the user's units.
        shape: the shape of one point.
        train: the training set, (N, *shape), on the device.
        density: the known density, or None.
        noise: the noise, built by the noise's kind.
        diameter, spread, thickness, kernel_width: the diameter, the principal axes and the local thickness of the training set,
            and the width of its kernel density, where there is one. They are computed at the first call.
        classes: the number of classes that the network is trained with.
        conditions: what the network and its samples can be conditioned on.
        batch, particles: the number of points of a training step and of a run.
        particle_labels: the class of all particles, 0-d, or of each, (particles,); None if they are given none.
        sigma_distribution: the distribution of the noise levels in training.
    """

    @property
    def dataset(self) -> "Dataset": ...

    @property
    def units(self) -> "Units": ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def train(self) -> "Tensor": ...

    @property
    def device(self) -> "torch.device": ...

    @property
    def density(self) -> "Density | None": ...

    @property
    def noise(self) -> "NoiseLevels": ...

    @property
    def diameter(self) -> Callable[[], float]: ...

    @property
    def spread(self) -> "Callable[[], PrincipalAxes]": ...

    @property
    def thickness(self) -> "Callable[[], Tensor]": ...

    @property
    def kernel_width(self) -> Callable[[], float | None]: ...

    @property
    def classes(self) -> int: ...

    @property
    def conditions(self) -> Conditions: ...

    @property
    def batch(self) -> int: ...

    @property
    def particles(self) -> int: ...

    @property
    def sigma_distribution(self) -> "SigmaDistributionName": ...

    @property
    def empirical(self) -> "Empirical": ...

    def process(self) -> "Process": ...

    def prior(self, label: int | None = None) -> "GaussianPrior": ...

    @property
    def particle_labels(self) -> "Tensor | None": ...
