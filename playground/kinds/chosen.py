"""What a kind may know of the rest of an experiment and of its data. Kinds do not know the Problem, which is built from them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from playground.data.dataset import Dataset
    from playground.data.units import Units
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


class ChosenData(Protocol):
    """What other kinds may ask of a data set."""

    @property
    def kind(self) -> str: ...

    @property
    def known_density(self) -> bool: ...

    @property
    def images(self) -> bool: ...

    @property
    def labelled(self) -> bool | None: ...

    @property
    def is_sharp(self) -> bool: ...


class ChosenNoise(Protocol):
    """What other kinds may ask of a noise process."""

    @property
    def kind(self) -> str: ...

    @property
    def has_noise(self) -> bool: ...

    @property
    def has_path(self) -> bool: ...

    @property
    def has_score(self) -> bool: ...

    @property
    def is_continuous(self) -> bool: ...

    @property
    def is_by_hand(self) -> bool: ...

    @property
    def learns_velocity(self) -> bool: ...

    @property
    def count(self) -> int | None: ...


class ChosenNetwork(Protocol):
    """What other kinds may ask of a network."""

    @property
    def states_density(self) -> bool: ...

    @property
    def needs_images(self) -> bool: ...

    def resolve(self, images: bool, noise: ChosenNoise) -> "ChosenNetwork": ...

    def is_told_classes(self, chosen: "Chosen", conditions: "Conditions | None") -> bool | None: ...


class ChosenObjective(Protocol):
    """What other kinds may ask of an objective."""

    @property
    def kind(self) -> str: ...

    @property
    def denoises(self) -> bool: ...


class ChosenSampler(Protocol):
    """What the settings may ask of a sampler."""

    @property
    def kind(self) -> str: ...

    @property
    def is_flow(self) -> bool: ...

    @property
    def follows(self) -> Score | None: ...

    @property
    def mask(self) -> Mask: ...

    @property
    def fits_steps(self) -> bool: ...

    @property
    def guide(self) -> Guide: ...

    def correctors(self) -> int: ...

    def is_guided(self, chosen: "Chosen") -> bool: ...

    def labels_told(self, chosen: "Chosen") -> Labels | None: ...


class Chosen(Protocol):
    """The kinds that an experiment has chosen, as the other kinds see them."""

    @property
    def data(self) -> ChosenData: ...

    @property
    def noise(self) -> ChosenNoise: ...

    @property
    def network(self) -> ChosenNetwork: ...

    @property
    def objective(self) -> ChosenObjective: ...

    @property
    def sampling(self) -> ChosenSampler: ...


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
