"""An experiment made concrete: its data in standardized units on a device, its noise, and every "auto" as a number.

Two coordinate systems meet here and nowhere else. *User units* are what the user sees, saves and exports (numpy);
*internal units* have mean 0 and mean variance 1 per axis (torch, float32), and all of theory/ works in them.
"""

import functools
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from playground.data import Dataset, load_dataset
from playground.lab import defaults, trust
from playground.lab.conflicts import Conditions
from playground.lab.experiment import Experiment, ExperimentError, replace, value
from playground.lab.settings import PROCESSES, RATED
from playground.lab.units import Units
from playground.theory import local_geometry
from playground.theory.densities import Density
from playground.theory.empirical import Empirical
from playground.theory.local_geometry import widest_gap as widest_gap
from playground.theory.networks import ScoreNetwork, build_network
from playground.theory.noise import (
    ContinuousNoise,
    Cosine,
    CustomSchedule,
    DiscreteNoise,
    GaussianPrior,
    Noise,
    NoNoise,
    PrincipalAxes,
    Process,
    ScoreFunction,
    SingleSigma,
    SubVariancePreserving,
    VarianceExploding,
    VariancePreserving,
    geometric,
)

SIGMA_MIN = 0.01  # of the data's standard deviation: finer than the toys' own blur, coarse enough to learn
FINEST, BLUR = 0.001, 0.002
"""The finest level, as a share of the data's standard deviation, and the nats that its smoothing may cost. Where the
data have narrow parts, the finest level goes down to a third of their thickness, where smoothing costs no more than
so much. Two columns of correlation 0.9999 lose 0.1 nat by SIGMA_MIN."""
FEW_POINTS = 10_000
"""Training points of the plane up to which training stops early: of two moons the KL of a network of the default size is least after
200 steps with 100 rows, after 1,000 with 2,000, and with 50,000 it goes on falling for 20,000."""
VALIDATION, VALIDATION_ROWS = 1024, 256
"""Points by which training is stopped: draws of a known density, or held-out rows, of which half at most are taken."""
SIGMA_MAX = 2.0
"""Of the widest gap. The prior is a Gaussian with the data's moments, which smoothed data are only nearly: with the exact
score the worst of 1,000 log-likelihoods of the two Gaussians is off by 0.11 nat at 1.0, 0.015 at 2.0 and 0.005 at 3.0 (median
0.005, 0.0007, 0.0002), those of the other toys by a third of that or less; each doubling costs a tenth more evaluations."""
SINGLE_SIGMA = 0.3  # of the data's standard deviation: bridges near gaps and still shows the data's shape


def choose_device(name: str = "auto") -> torch.device:
    """The device called "auto", "cpu", "cuda" or "mps"; auto takes CUDA, else MPS, else the CPU.

    Raises:
        ExperimentError: the device is unknown or this machine has none.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, here in present.items() if here))
    if name not in present:
        raise ExperimentError(f"device = {name} is not known: it must be one of auto, cpu, cuda, mps.")
    if not present[name]:
        raise ExperimentError(f"device = {name} is not available on this machine: choose auto or cpu.")
    return torch.device(name)


@dataclass(frozen=True, eq=False)
class Problem:
    """The data, the noise and the device of an experiment, in internal units, for training, sampling and likelihoods.

    Attributes:
        experiment: as the user wrote it, in user units, with its "auto"s.
        train, test: points (N, \\*shape) float32 on the device; `test` is never trained on.
        density: the known density that the data come from, standardized like them, or None.
        widest: the :func:`widest_gap` of `train`, and
        spread: its principal axes, and
        thickness: how thin it is in some places, see :func:`playground.theory.local_geometry.thickness`: found when they are
            first asked for and kept through every `replace`, for of large images they take a second each.
        hidden_labels: what training has shown so far, see :class:`playground.lab.conflicts.Conditions`.
    """

    experiment: Experiment
    dataset: Dataset
    units: Units
    train: Tensor = field(repr=False)
    test: Tensor = field(repr=False)
    density: Density | None
    noise: Noise
    device: torch.device
    widest: Callable[[], float] = field(repr=False)
    spread: Callable[[], PrincipalAxes] = field(repr=False)
    thickness: Callable[[], Tensor] = field(repr=False)
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

        Whether the objective fits is not asked here, so that data can be looked at before it does; the trainer asks.

        Args:
            stopped: asked while many files are read; once it is true, reading ends by a DataError.

        Raises:
            DataError: the data cannot be loaded.
            ExperimentError: the noise levels contradict each other on these data.
        """
        if dataset is None:
            data = experiment.data
            dataset = load_dataset(
                data.kind,
                points=data.points,
                scale=data.scale,
                noise=data.noise,
                path=data.path,
                strokes=data.strokes,
                held_out=experiment.likelihood.points,
                seed=experiment.seed,
                pixels=data.pixels,
                colours=data.colours,
                stopped=stopped,
                split=data.split,
            )
        device = torch.device(device)
        units = Units.of(dataset)
        train, test = (
            torch.from_numpy(units.standardized(points)).to(device) for points in (dataset.points, dataset.held_out)
        )
        density = dataset.density
        if density is not None:
            offset = torch.from_numpy(units.offset)
            density = density.standardized(offset, float(units.scale.flat[0])).to(device, torch.float32)
        widest = functools.cache(functools.partial(widest_gap, train))
        spread = functools.cache(functools.partial(PrincipalAxes.of_points, train))
        thickness = functools.cache(functools.partial(_thickness, train))
        noise = _noise(experiment, units, widest, thickness)
        return cls(experiment, dataset, units, train, test, density, noise, device, widest, spread, thickness)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one point: (2,) for points of the plane, (channels, height, width) for images."""
        return self.dataset.shape

    @functools.cached_property
    def labels(self) -> Tensor | None:
        """(N,) int64 on the device: the class of each training point, where the data have classes."""
        labels = self.dataset.labels
        return None if labels is None else torch.from_numpy(labels).to(self.device)

    @property
    def classes(self) -> int:
        """The number of classes that the network is told: that of the data, and none for an MLP."""
        told = defaults.resolve(self.experiment).network.kind == "u-net"
        return int(self.dataset.labels.max()) + 1 if told and self.dataset.labels is not None else 0

    @functools.cached_property
    def conditions(self) -> Conditions:
        """The conditions that the network and its samples can be given."""
        told = self.dataset.labels if self.classes else None
        present = () if told is None else tuple(np.flatnonzero(np.bincount(told)).tolist())
        return Conditions(present, len(self.dataset.held_out), self.hidden_labels)

    @property
    def batch(self) -> int:
        """Points a training step."""
        batch = defaults.resolve(self.experiment).training.batch
        assert batch != "auto"
        return batch

    @property
    def particles(self) -> int:
        """Points that the sampler moves."""
        particles = defaults.resolve(self.experiment).sampling.particles
        assert particles != "auto"
        return particles

    def generator(self, purpose: str, device: str | None = None) -> torch.Generator:
        """A fresh generator, on the problem's device if on no other, seeded by the experiment's seed and the purpose.

        Same experiment, same draws.
        """
        return torch.Generator(device or self.device).manual_seed(self._seed(purpose))

    def some_rows(self, available: int, wanted: int, purpose: str) -> NDArray[np.int64]:
        """Rows drawn at random, each once and in order, of `available` ones; all where there are no more than `wanted`.

        Files and folders are often sorted, so their first rows are no fair sample.
        """
        if available <= wanted:
            return np.arange(available)
        return np.sort(torch.randperm(available, generator=self.generator(purpose, "cpu"))[:wanted].numpy())

    @property
    def has_held_out_loss(self) -> bool:
        """Whether the objective can be asked for at held-out points, whose labels nobody knows: a network must know none as well."""
        return not self.classes or self.experiment.training.label_dropout > 0

    @property
    def stops_early(self) -> bool:
        """Whether training keeps the weights of the least held-out loss."""
        return self._sets_rows_aside and self.has_held_out_loss

    @property
    def _sets_rows_aside(self) -> bool:
        """Whether early stopping is chosen: by settings that cannot change without training anew, as the dropout of labels can."""
        asked = self.experiment.training.early_stopping
        few = self.shape == (2,) and len(self.train) <= FEW_POINTS
        return asked == "on" or (asked == "auto" and few)

    @functools.cached_property
    def validation(self) -> Tensor:
        """(M, *shape) held-out points on which training may be stopped: no others are what a model is judged by.

        Draws of their own where the density is known; else a part of the held-out ones, or all where nothing is decided by them.
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
        """The held-out points that likelihoods are measured on, in user units: likelihood.points of them, or all.

        Those by which training may have been stopped are left out, unless there are no others.
        """
        held_out = self.dataset.held_out
        if self.density is None and self._sets_rows_aside and len(held_out) > 1:
            held_out = np.delete(held_out, self._validation_rows, axis=0)
        return held_out[self.some_rows(len(held_out), self.experiment.likelihood.points, "judged")]

    def exact_log_prob(self, points: NDArray[np.floating], sigma: float = 0.0) -> Tensor | None:
        """log p_sigma (N,) at points (N, *shape) by the known density, in user units; None where none is known.

        On the CPU in double precision: a sharp edge that single precision moves would put a point where the density is 0.
        """
        if self.dataset.density is None:
            return None
        density = self.dataset.density.to("cpu", torch.float64)
        # Contiguous, for torch refuses what numpy reads backwards, such as columns that changed places.
        return density.log_prob(torch.from_numpy(np.ascontiguousarray(points, dtype=np.float64)), sigma)

    @functools.cached_property
    def spacing(self) -> float:
        """See :func:`playground.lab.trust.spacing`: a tenth of a second's work, asked for at every click."""
        return trust.spacing(self)

    def _seed(self, purpose: str) -> int:
        # Mixed, for torch's generator on the CPU looks at the lowest 32 bits alone.
        mixed = np.random.SeedSequence([self.experiment.seed, zlib.crc32(purpose.encode())])
        return int(mixed.generate_state(1, np.uint64)[0] >> np.uint64(1))

    def network(self) -> ScoreNetwork:
        """A fresh network, the same each time for the same seed."""
        settings = defaults.resolve(self.experiment).network
        return build_network(
            settings.kind,
            self.shape,
            width=settings.width,
            depth=settings.depth,
            activation=settings.activation,
            features=settings.features,
            feature_scale=settings.feature_scale,
            classes=self.classes,
            generator=torch.Generator().manual_seed(self._seed("network")),
        ).to(self.device)

    @functools.cached_property
    def empirical(self) -> Empirical:
        """The smoothed training set itself; of images without the fractions of a grey level that training adds."""
        return Empirical(self.train)

    def known_score(self, source: str | None = None) -> ScoreFunction | None:
        """A source's closed form, if it has one: the density's own score or the training set's.

        None for the learned score, and for an exact one that is not known.

        Args:
            source: "learned", "exact" or "empirical"; by default the one that the experiment's sampler follows.
        """
        source = source or self.experiment.sampling.source
        if source == "empirical":
            return self.empirical.score
        return self.density.score if source == "exact" and self.density is not None else None

    @property
    def reference(self) -> str | None:
        """The source that a learned score is held against: "exact", or "empirical" where the density is not known.

        None where it is not and there is no noise either: bare points have no score.
        """
        if self.density is not None:
            return "exact"
        return "empirical" if self.noise.sigma_max > 0 else None

    def process(self) -> Process:
        """The process from data to noise.

        Raises:
            ValueError: this noise has none.
        """
        return self.noise.process()

    def prior(self) -> GaussianPrior:
        """The Gaussian that the process ends in, with the moments of the standardized data: mean 0, their covariance.

        Raises:
            ValueError: this noise has no process.
        """
        return self.process().prior(torch.zeros(self.shape, device=self.device), self.spread())

    def resolve(self) -> Experiment:
        """The experiment with the "auto"s of images, of the noise, in user units, and all that need no data as what they
        stand for.

        What stays "auto" sets no limit (`training.steps`, the ends of the EDM sampler), does not act here, or follows the
        sampler and what it is told (`sampling.step`, `start` and `corrector_steps`): a step of Langevin's would be another's ruin
        once the sampler is changed, and without correctors a known part gives the rest a wrong distribution.
        """
        data, noise, to_user = self.experiment.data, self.experiment.noise, self.units.sigma_to_user
        changes: dict[str, object] = {"sampling.corrector_steps": self.experiment.sampling.corrector_steps}
        if data.kind == "images":
            channels, side = self.shape[:2]
            found = {"data.pixels": side, "data.colours": "grey" if channels == 1 else "rgb"}
            changes |= {key: new for key, new in found.items() if value(self.experiment, key) == "auto"}
        if data.kind == "file" and data.split == "auto":
            by_row = self.dataset.repeats_much and not self.dataset.biased_split
            changes["data.split"] = "rows" if by_row else "groups"
        if self.experiment.training.early_stopping == "auto":
            changes["training.early_stopping"] = "on" if self.stops_early else "off"
        if noise.sigma == "auto":
            single = isinstance(self.noise, SingleSigma)
            changes["noise.sigma"] = to_user(self.noise.sigma_max if single else SINGLE_SIGMA)
        # What is set point by point states its own ends; they are not written a second time. VP ends where its rates say.
        by_hand = noise.sigmas if noise.kind == "discrete" else noise.schedule if noise.kind == "custom" else ()
        if noise.kind in ("discrete", *PROCESSES) and not by_hand:
            finest = to_user(self.noise.sigma_min)
            if noise.sigma_min == "auto" and (noise.sigma_max == "auto" or finest < noise.sigma_max):
                changes["noise.sigma_min"] = finest
            if noise.sigma_max == "auto" and noise.kind not in RATED:
                changes["noise.sigma_max"] = to_user(self.noise.sigma_max)
        return replace(defaults.resolve(self.experiment), changes)


def _thickness(train: Tensor) -> Tensor:
    """Return the thickness of points of the plane, 0 on a curve; images are held apart from each other by far more
    than a finest level."""
    if train.shape[1:] != (2,):
        return torch.full((1,), math.inf)
    found = local_geometry.thickness(train)
    thin = local_geometry.mean_smoothing_kl(found, FINEST) > BLUR
    return torch.zeros_like(found) if thin and local_geometry.intrinsic_dimension(train).is_curve else found


def _sigma_min(experiment: Experiment, units: Units, thickness: Callable[[], Tensor]) -> float:
    given = experiment.noise.sigma_min
    if given != "auto":
        return units.sigma_to_internal(given)
    return local_geometry.finest_noise(thickness(), FINEST, SIGMA_MIN, BLUR)


def _noise(experiment: Experiment, units: Units, widest: Callable[[], float], thickness: Callable[[], Tensor]) -> Noise:
    """The noise of an experiment in internal units.

    Args:
        widest, thickness: of the training set, for an automatic sigma_max and sigma_min.

    Raises:
        ExperimentError: an end chosen by the user lies beyond the other end.
    """
    noise = experiment.noise
    if noise.kind == "none":
        return NoNoise()
    if noise.kind == "single":
        return SingleSigma(SINGLE_SIGMA if noise.sigma == "auto" else units.sigma_to_internal(noise.sigma))
    if noise.kind == "discrete" and noise.sigmas:
        return DiscreteNoise([units.sigma_to_internal(sigma) for sigma in noise.sigmas])
    if noise.kind == "custom" and noise.schedule:
        return ContinuousNoise(CustomSchedule([(t, units.sigma_to_internal(sigma)) for t, sigma in noise.schedule]))
    sigma_min = _sigma_min(experiment, units, thickness)
    if noise.kind in RATED:
        name, process = ("VP", VariancePreserving) if noise.kind == "vp" else ("sub-VP", SubVariancePreserving)
        end = process.end(noise.beta_min, noise.beta_max)
        if sigma_min >= end:
            raise ExperimentError(
                f"noise.sigma_min = {units.sigma_to_user(sigma_min):g} is more noise than the {name} process ends "
                f"with, {units.sigma_to_user(end):g}: lower noise.sigma_min or raise noise.beta_max."
            )
        return ContinuousNoise(process(noise.beta_min, noise.beta_max, sigma_min))
    sigma_max = SIGMA_MAX * widest() if noise.sigma_max == "auto" else units.sigma_to_internal(noise.sigma_max)
    if sigma_min >= sigma_max:
        raise ExperimentError(
            f"noise.sigma_min = {units.sigma_to_user(sigma_min):g} must lie below noise.sigma_max = "
            f"{units.sigma_to_user(sigma_max):g}: lower one or raise the other."
        )
    if noise.kind == "discrete":
        return DiscreteNoise(geometric(sigma_max, sigma_min, noise.levels))
    return ContinuousNoise((Cosine if noise.kind == "cosine" else VarianceExploding)(sigma_min, sigma_max))
