"""An experiment made concrete: its data in standardized units on a device, its noise, and every "auto" as a number.

Two coordinate systems meet here and nowhere else. *User units* are what the user sees, saves and exports (numpy);
*internal units* have mean 0 and mean variance 1 per axis (torch, float32), and all of theory/ works in them.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import field
from typing import Any, TypeVar

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from playground.data import DataError, Dataset
from playground.data.units import Units
from playground.kinds.chosen import Conditions
from playground.kinds.noise.noise import BLUR, FINEST, SIGMA_MIN
from playground.kinds.samplers import FromNoise
from playground.lab.compute import computes
from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment, ExperimentError, replace, value
from playground.lab.keys import GIVEN, PointsKey, ProblemKey
from playground.lab.points import Points
from playground.lab.provenance import digests
from playground.lab.random_streams import stream
from playground.messages import Message, setting
from playground.records import record
from playground.theory import local_geometry
from playground.theory.class_densities import ClassDensities
from playground.theory.densities import Density, GaussianMixture
from playground.theory.empirical import Empirical
from playground.theory.guidance import LabelledScore
from playground.theory.kernel_density import kernel_width
from playground.theory.local_geometry import diameter as diameter
from playground.theory.networks import ScoreNetwork
from playground.theory.noise import GaussianPrior, Noise, PrincipalAxes, Process
from playground.theory.noise.sigma_distributions import SigmaDistributionName

Drawn = TypeVar("Drawn", Tensor, NDArray[np.floating])

FEW_POINTS = 10_000
"""Most training points of the plane with which training stops early. For two moons and a network of the default size,
the KL is least after 200 steps with 100 rows and after 1,000 steps with 2,000 rows. With 50,000 rows it still falls after
20,000 steps."""
FEW_ROWS, WIDEST = 1_000, 1.0
"""Number of training points of the plane from which on their kernel density is not computed, and its largest width over their
standard deviation.

With 800 points and early stopping, the KL of three toys falls from 0.08, 0.15 and 0.13 to 0.06, 0.08 and 0.13 if that width is the
finest noise. With 1,600 points it rises by a tenth, as the network knows more than a kernel."""
NEIGHBOURS, SPACED = 2**16, 500
"""Most training points that are searched for the nearest, and most whose nearest neighbours tell the spacing."""
VALIDATION, VALIDATION_ROWS = 1024, 256
"""Points that decide when training stops: draws of a known density, or held-out rows (half of them at most)."""


def choose_device(name: str, experiment: Experiment) -> torch.device:
    """The device called "auto", "cpu", "cuda" or "mps" for an experiment; auto takes CUDA, else MPS for images, else the CPU.

    A call to MPS takes 25 to 110 microseconds (pytorch #82707), and a step of a perceptron of the plane has about a hundred.

    Raises:
        ExperimentError: the device is unknown or this machine has none.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(
            "cuda" if present["cuda"] else "mps" if present["mps"] and experiment.data.images else "cpu"
        )
    if name not in present:
        raise ExperimentError(f"device = {name} is not known: it must be one of auto, cpu, cuda, mps.")
    if not present[name]:
        raise ExperimentError(f"device = {name} is not available on this machine: choose auto or cpu.")
    return torch.device(name)


SEED_OF = {
    **dict.fromkeys(("network", "training", "reflow", "pairs"), "training.seed"),
    **dict.fromkeys(("sampling", "labels", "Brownian path"), "sampling.seed"),
}
"""The seed of each purpose for which random numbers are drawn; that of the data for all others.

The seed of training has what the weights depend on: the first weights, batches and their noise, and the pairs of a flow between two
sets. The seed of sampling has what a run depends on: its start, the classes of its particles, and its noise. All that measures draws
by the seed of the data: the points that decide when training stops, losses, clouds of data and their floors, projections, and trace
probes. So weights and runs of different seeds are compared with the same points, and have the same floors.
"""


def seed_of(purpose: str) -> str:
    """The setting that seeds the draws of a purpose, which may end with a number."""
    return SEED_OF.get(purpose.rstrip("0123456789 "), "data.seed")


@record
class Problem:
    """The data, the noise and the device of an experiment, in internal units, for training, sampling and likelihoods.

    Attributes:
        experiment: the settings as the user wrote them, in user units, with every "auto".
        train, test: points (N, \\*shape) float32 on the device; `test` is never trained on.
        density: the known density that the data come from, standardized like them, or None.
        diameter: returns the :func:`~playground.theory.local_geometry.diameter` of `train`.
        spread: returns the principal axes of `train`.
        thickness: returns the local thickness of `train`, see :func:`playground.theory.local_geometry.thickness`.
        kernel_width: returns the width of the best kernel density of `train`, see
            :func:`playground.theory.kernel_density.kernel_width`. None for images, discrete values and FEW_ROWS or more
            points. These four are computed when first called and kept through every `replace`: for large images each takes
            a second.
        class_moments: returns the mean and the principal axes of the training points of a class, kept likewise.
        hidden_labels: the labels hidden by training so far, see :class:`playground.lab.conflicts.Conditions`.
    """

    experiment: Experiment
    dataset: Dataset
    units: Units
    train: Tensor = field(repr=False)
    test: Tensor = field(repr=False)
    density: Density | None
    device: torch.device
    diameter: Callable[[], float] = field(repr=False)
    spread: Callable[[], PrincipalAxes] = field(repr=False)
    thickness: Callable[[], Tensor] = field(repr=False)
    kernel_width: Callable[[], float | None] = field(repr=False)
    class_moments: Callable[[int], tuple[Tensor, PrincipalAxes]] = field(repr=False)
    hidden_labels: tuple[float, float] | None = None

    @classmethod
    def build(
        cls,
        experiment: Experiment,
        dataset: Dataset | None = None,
        device: str | torch.device = "cpu",
        stopped: Callable[[], bool] = lambda: False,
    ) -> "Problem":
        """Load the data (unless given), standardize them and resolve the noise.

        Whether the objective fits is not checked here but by the trainer, so that the data can be shown before it fits.

        Args:
            stopped: called while many files are read; once it returns True, reading ends with a DataError.

        Raises:
            DataError: the data cannot be loaded.
            ExperimentError: the noise levels contradict each other on these data.
        """
        if dataset is None:
            dataset = experiment.data.load(experiment.likelihood.points, stopped)
        dataset = experiment.noise.with_start(dataset)
        device = torch.device(device)
        units = Units.of(dataset)
        train, test = (
            torch.from_numpy(units.standardized(points)).to(device) for points in (dataset.points, dataset.held_out)
        )
        density = dataset.density
        if density is not None:
            offset = torch.tensor(units.offset)
            density = density.standardized(offset, float(units.scale.flat[0])).to(device, torch.float32)
        across = functools.cache(functools.partial(diameter, train))
        spread = functools.cache(functools.partial(PrincipalAxes.of_points, train))
        thickness = functools.cache(functools.partial(_thickness, train))
        width = functools.cache(functools.partial(_kernel_width, train))
        labels = None if dataset.labels is None else torch.tensor(dataset.labels, device=device)
        class_moments = functools.cache(functools.partial(_class_moments, train, labels))
        problem = cls(
            experiment, dataset, units, train, test, density, device, across, spread, thickness, width, class_moments
        )
        _ = problem.noise  # levels that contradict each other are an error now, not at the first step
        return problem

    @functools.cached_property
    def noise(self) -> Noise:
        """The noise that is added to the data, in internal units."""
        return self.experiment.noise.build(self)

    @property
    def has_score(self) -> bool:
        """Whether the data with noise have a score: their flow does not start at another set."""
        return self.noise.start is None

    @functools.cached_property
    def path_density(self) -> Density | None:
        """The density along the path to the noise or the start set, and its score or velocity, where they are known."""
        start = self.noise.start
        if start is None or self.density is None:
            return self.density
        return None if self.experiment.training.reflow else start.closed_form(self.density)

    @property
    def sigma_distribution(self) -> SigmaDistributionName:
        """The distribution from which training draws the noise levels of a process."""
        return self.experiment.training.sigma_distribution

    def training_sigmas(self, count: int, generator: torch.Generator) -> Tensor:
        """Noise levels (count,) of a batch of training."""
        return self.noise.training_sigmas(count, generator, self.sigma_distribution)

    @property
    def grey_level(self) -> float:
        """The width of a grey level of images, in internal units; 0 for other data."""
        levels = self.dataset.grey_levels
        return 0.0 if levels is None else 2 / levels / self.units.length

    def with_experiment(self, experiment: Experiment) -> "Problem":
        """The problem of other settings on the same points. It shares their memory and what was computed from them.

        Raises:
            ExperimentError: the noise levels contradict each other on these data.
        """
        dataset = experiment.noise.with_start(self.dataset)
        problem = dataclasses.replace(self, experiment=experiment, dataset=dataset, hidden_labels=None)
        _ = problem.noise
        return problem

    def edited(self, changes: Mapping[str, Any]) -> "Problem":
        """The problem with other settings, by dotted key, that change neither points nor noise nor network."""
        return dataclasses.replace(self, experiment=replace(self.experiment, changes))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one point: (2,) for points of the plane, (channels, height, width) for images."""
        return self.dataset.shape

    def internal(self, points: NDArray[np.floating]) -> Tensor:
        """Points (N, \\*shape) in user units, converted to internal units: float32 on the device."""
        return torch.as_tensor(self.units.to_internal(points), dtype=torch.float32, device=self.device)

    def equalized(self, x: Tensor) -> Tensor:
        """Points (N, \\*shape) in internal units, converted to user units, see `Units.equalized`."""
        return torch.from_numpy(self.units.equalized(self.units.to_user(x.cpu().numpy())))

    def level(self, sigma: float) -> float:
        """A noise level in user units, converted to internal units; one below the finest stands for the finest."""
        return max(self.units.sigma_to_internal(sigma), self.noise.sigma_min)

    def level_and_scale(self, sigma: float, time: float | None) -> tuple[float, float]:
        """The noise level in internal units, and what the process multiplies the data by: 1 in data coordinates.

        Args:
            sigma: in user units.
            time: time t of the process, or None in data coordinates.
        """
        if time is None:
            return self.level(sigma), 1.0
        return float(self.process().sigma(time)), float(self.process().scale(time))

    @functools.cached_property
    def labels(self) -> Tensor | None:
        """(N,) int64 on the device: the class of each training point, where the data have classes."""
        labels = self.dataset.labels
        return None if labels is None else torch.tensor(labels, device=self.device)

    @property
    def classes(self) -> int:
        """The number of classes that the network is given: those of the data, and none for an energy or between two sets."""
        if not self.has_score:  # matched pairs do not keep classes
            return 0
        chosen = self.experiment
        told = chosen.network.resolve(chosen.data.images, chosen.noise).takes_labels
        return int(self.dataset.labels.max()) + 1 if told and self.dataset.labels is not None else 0

    @functools.cached_property
    def conditions(self) -> Conditions:
        """The conditions that the network and its samples can be given."""
        told = self.dataset.labels if self.classes else None
        present = () if told is None else tuple(np.flatnonzero(np.bincount(told)).tolist())
        known = 0 if self.class_densities is None else self.class_densities.count
        return Conditions(present, len(self.dataset.held_out), self.hidden_labels, tuple(range(known)))

    @functools.cached_property
    def class_densities(self) -> ClassDensities | None:
        """The known densities of the classes, standardized like the data; None if the data have no classes or no known density."""
        known = self.density if self.has_score and self.dataset.labels is not None else None
        if not isinstance(known, GaussianMixture) or known.classes is None:
            return None
        return ClassDensities.of(known)

    @property
    def batch(self) -> int:
        """Points in a training step."""
        batch = resolve(self.experiment).training.batch
        assert batch != "auto"
        return batch

    @property
    def particles(self) -> int:
        """Points that the sampler moves."""
        particles = resolve(self.experiment).sampling.particles
        assert particles != "auto"
        return particles

    def generator(self, purpose: str, device: str | None = None) -> torch.Generator:
        """A new generator, seeded by the purpose and its seed, see SEED_OF: the same experiment has the same draws.

        Args:
            device: of the generator; by default the problem's.
        """
        seed: int = value(self.experiment, seed_of(purpose))
        return stream(seed, purpose, device or self.device)

    def some_rows(self, available: int, wanted: int, purpose: str) -> NDArray[np.int64]:
        """`wanted` of `available` rows, drawn at random without repetition, in ascending order; all if there are no more.

        Files and folders are often sorted, so their first rows are not a representative sample.
        """
        if available <= wanted:
            return np.arange(available)
        return np.sort(torch.randperm(available, generator=self.generator(purpose, "cpu"))[:wanted].numpy())

    def some(self, points: Drawn, wanted: int, purpose: str) -> Drawn:
        """A copy of `wanted` of the points, as :meth:`some_rows` draws them."""
        return points[self.some_rows(len(points), wanted, purpose)]

    @property
    def neighbours(self) -> Tensor:
        """(n, D) training points that are searched for the nearest, in internal units: all, or NEIGHBOURS drawn at random."""
        train = self.train.flatten(1)
        return train if len(train) <= NEIGHBOURS else self.some(train, NEIGHBOURS, "neighbours")

    @functools.cached_property
    def spacing(self) -> float:
        """The 99 % quantile of the distance from a training point to its nearest neighbour, in internal units.

        It is at least three quarters of the length of the finest noise, which training adds however close the points are.
        """
        train = self.neighbours
        itself_and_other, _ = local_geometry.nearest(self.some(train, SPACED, "judged neighbours"), train, 2)
        noise = self.noise.sigma_min * math.sqrt(train.shape[1])
        return max(float(itself_and_other[:, -1].cpu().quantile(0.99)), 0.75 * noise)

    @property
    def has_held_out_loss(self) -> bool:
        """Whether the loss at held-out points, which have no labels, can be computed: the network must work without labels."""
        return self.has_score and (not self.classes or self.experiment.training.label_dropout > 0)

    @property
    def stops_early(self) -> bool:
        """Whether training keeps the weights with the least held-out loss."""
        return self._sets_rows_aside and self.has_held_out_loss

    @property
    def _sets_rows_aside(self) -> bool:
        """Whether held-out rows are set aside for early stopping.

        It depends only on settings that cannot change during training; label dropout, which can, does not count. By default they
        are set aside for at most FEW_POINTS points, unless a network that memorizes all of them is their best kernel density:
        then stopping early, by fewer rows still, gives up to 1.6 times its KL.
        """
        asked = self.experiment.training.early_stopping
        few = self.shape == (2,) and len(self.train) <= FEW_POINTS
        return asked == "on" or (asked == "auto" and few and not self._memorizes_well)

    @property
    def _memorizes_well(self) -> bool:
        """Whether the finest level of a path is at least the width of the points' best kernel density."""
        width = self.kernel_width() if self.experiment.noise.has_path else None
        return width is not None and self.noise.sigma_min >= width * (1 - 1e-6)

    @functools.cached_property
    def validation(self) -> Tensor:
        """The held-out points that decide when training stops, (M, *shape). A model is evaluated on the others.

        If the density is known, these are draws of their own. Otherwise they are a part of the held-out points, or all
        of them if training does not stop early.
        """
        if self.density is not None:
            return self.density.sample(VALIDATION, self.generator("validation")).to(self.train)
        return self.test[self._validation_rows] if self.stops_early else self.test

    @property
    def _validation_rows(self) -> NDArray[np.int64]:
        available = len(self.test)
        return self.some_rows(available, min(max(available // 2, 1), VALIDATION_ROWS), "validation")

    @functools.cached_property
    def evaluation_points(self) -> NDArray[np.floating]:
        """The held-out points at which likelihoods are computed, in user units: likelihood.points of them, or all.

        Points that may have decided when training stopped are left out, unless there are no others.
        """
        held_out = self.dataset.held_out
        if self.density is None and self._sets_rows_aside and len(held_out) > 1:
            held_out = np.delete(held_out, self._validation_rows, axis=0)
        return self.some(held_out, self.experiment.likelihood.points, "judged")

    def exact_log_prob(self, points: NDArray[np.floating], sigma: float = 0.0) -> Tensor | None:
        """log p_sigma (N,) of the known density at points (N, *shape), in user units; None if no density is known.

        It is computed on the CPU in double precision: single precision would move sharp edges, and a point at an edge
        could get density 0.
        """
        if self.dataset.density is None:
            return None
        density = self.dataset.density.to("cpu", torch.float64)
        # Contiguous, because torch refuses arrays with negative strides, such as those with reversed columns.
        return density.log_prob(torch.from_numpy(np.ascontiguousarray(points, dtype=np.float64)), sigma)

    def network(self) -> ScoreNetwork:
        """A new network; the same seed of training gives the same weights."""
        return resolve(self.experiment).network.build(self, self.generator("network", "cpu")).to(self.device)

    @functools.cached_property
    def empirical(self) -> Empirical:
        """The smoothed training set itself; for images, without the fractions of a grey level that training adds."""
        return Empirical(self.train)

    def known_score(self, source: str | None = None) -> LabelledScore | None:
        """The closed form of a score: that of the known density or of the training set.

        None for the learned score, and for the exact one if the density is not known. The exact one takes labels if the data
        have classes.

        Args:
            source: "learned", "exact" or "empirical"; by default the one that the experiment's sampler follows.
        """
        source = source or self.experiment.sampling.follows
        if source == "empirical":
            return self.empirical.score
        if source != "exact" or self.path_density is None:
            return None
        return self.path_density.score if self.class_densities is None else self.class_densities.score

    @property
    def reference(self) -> str | None:
        """The score that a learned one is compared with: "exact", or "empirical" if the density is not known.

        None if there is no noise either: points without noise have no score. None too if the flow starts at a set.
        """
        if not self.has_score:
            return None
        if self.density is not None:
            return "exact"
        return "empirical" if self.noise.sigma_max > 0 else None

    def process(self) -> Process:
        """The process from data to noise.

        Raises:
            ValueError: this noise has none.
        """
        return self.noise.process()

    def prior(self, label: int | None = None) -> GaussianPrior:
        """The Gaussian in which the process ends, for data with the moments of the standardized ones: mean 0, their covariance.

        Args:
            label: a class, for the moments of its points; those of all if training has no point of it.

        Raises:
            ValueError: this noise has no process.
        """
        if label is not None and self.labels is not None and bool((self.labels == label).any()):
            return self.process().prior(*self.class_moments(label))
        return self.process().prior(torch.zeros(self.shape, device=self.device), self.spread())

    @functools.cached_property
    def particle_labels(self) -> Tensor | None:
        """The class of all particles, 0-d, or of each, (particles,); None if they are given none."""
        sampling, data = self.experiment.sampling, self.labels
        if sampling.labels == "none" or data is None or not self.conditions.classes_of(sampling.follows):
            return None
        if sampling.labels == "all":
            generator = self.generator("labels")
            return data[torch.randint(len(data), (self.particles,), generator=generator, device=generator.device)]
        return torch.tensor(sampling.label, device=self.device)

    def resolve(self) -> Experiment:
        """The experiment with values in place of "auto", in user units.

        An "auto" stays if it means no limit (`training.steps`, the ends of the EDM sampler), or if it has no effect here.
        It also stays if it depends on the sampler and its conditions (`sampling.step`, `start` and `corrector_steps`):
        the step of one Langevin sampler would make another diverge, and inpainting without correctors gives the unknown
        part a wrong distribution.
        """
        resolved = resolve(self.experiment)
        sampling, training = resolved.sampling, resolved.training
        given = self.experiment.sampling
        if isinstance(sampling, FromNoise) and isinstance(given, FromNoise):
            sampling = msgspec.structs.replace(sampling, corrector_steps=given.corrector_steps)
        if training.early_stopping == "auto":
            training = msgspec.structs.replace(training, early_stopping="on" if self.stops_early else "off")
        return msgspec.structs.replace(
            resolved,
            data=resolved.data.found(self.dataset),
            noise=resolved.noise.resolve(self),
            objective=resolved.objective.found(self),
            training=training,
            sampling=sampling,
        )


@computes(PointsKey)
def _points(key: PointsKey, _device: str) -> Generator[None, None, Points]:
    yield from ()
    experiment = key.experiment
    now, named = dict(digests(experiment)), dict(key.digests)
    if GIVEN in named:
        raise DataError("The points that were given are not there any more: open the session again.")
    changed = [name for name, digest in named.items() if now.get(name) != digest]
    if changed:
        text = (
            "The file of {} has changed since it was chosen: choose it again, or begin anew, to take it as it is now."
        )
        raise DataError(Message("changed-file", text, (setting(changed[0]),), changed[0]))
    return Points.of(experiment.noise.with_start(experiment.data.load(experiment.likelihood.points)))


@computes(ProblemKey)
def _problem(key: ProblemKey, device: str) -> Generator[PointsKey, Points, Problem]:
    points, experiment = (yield key.points), key.points.experiment
    return Problem.build(experiment, points.dataset(experiment), choose_device(device, experiment))


def _class_moments(train: Tensor, labels: Tensor | None, label: int) -> tuple[Tensor, PrincipalAxes]:
    own = train if labels is None else train[labels == label]
    return own.mean(0), PrincipalAxes.of_points(own)


def _thickness(train: Tensor) -> Tensor:
    """Return the thickness of points of the plane, 0 on a curve.

    It is infinite for images, whose distances from each other are far larger than the finest level.
    """
    if train.shape[1:] != (2,):
        return torch.full((1,), math.inf)
    found = local_geometry.thickness(train)
    thin = local_geometry.mean_smoothing_kl(found, FINEST) > BLUR
    return torch.zeros_like(found) if thin and local_geometry.intrinsic_dimension(train).is_curve else found


def _kernel_width(train: Tensor) -> float | None:
    """Return the width of the best kernel density of a few points of the plane, None for other data."""
    if train.shape[1:] != (2,) or len(train) >= FEW_ROWS:
        return None
    return kernel_width(train, SIGMA_MIN, WIDEST)
