"""What crosses from the worker threads to the window: frozen numbers and arrays, in the user's units."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from playground.drawing.layers import Density, DensityStyle, Field, ScoreError
from playground.kinds.datasets import DataSource
from playground.lab.conflicts import Conditions
from playground.lab.experiment import Experiment
from playground.lab.field_names import FieldNames
from playground.messages import Message

Bounds = tuple[float, float, float, float]  # x0, x1, y0, y1
ErrorStyle = Literal["both", "map", "arrows"]
ParticleColors = Literal["one", "mode", "start", "speed", "log_p"]
COMPUTED_COLORS: frozenset[ParticleColors] = frozenset({"mode", "log_p"})
"""What a particle is coloured by that its own positions do not tell."""


def plane_bounds(points: np.ndarray) -> Bounds:
    """What the canvas shows of points (N, 2) at first: nearly all of them, and a margin from which particles come."""
    places = np.array([0.001, 0.999]) * (len(points) - 1)
    # np.quantile would do, but loads numpy's masked arrays at its first call, 20 ms of the time to the first picture.
    low, high = np.transpose([np.interp(places, np.arange(len(points)), np.sort(column)) for column in points.T])
    margin = 0.35 * np.maximum(high - low, 1e-15)
    (x0, y0), (x1, y1) = low - margin, high + margin
    return float(x0), float(x1), float(y0), float(y1)


def conditions_of(problem: "ProblemView | None") -> Conditions | None:
    """What can be conditioned on; None where no data are there that could tell."""
    return None if problem is None else problem.conditions


@dataclass(frozen=True, eq=False)
class ProblemView:
    """The data and noise on the workspace."""

    name: str
    points: np.ndarray  # (N, 2) or (N, 1, H, W): at most 20,000 of the training points
    count: int  # training points in all
    conditions: Conditions  # what the network and its samples can be conditioned on
    test_points: int  # held-out points that the test set's likelihood is taken of
    bounds: Bounds
    brightness: np.ndarray | None  # (N,) of images: the mean of each of `points`, which the window has no time to take
    limits: tuple[float, float]  # the least and the largest number in `points`
    axes: tuple[str, str]
    is_image: bool
    isotropic: bool  # one unit for both axes
    known_density: bool
    has_process: bool  # whether there is a path from data to noise
    sigma_min: float
    sigma_max: float
    sigmas: np.ndarray  # (L,) coarse to fine
    sigma: float  # typical data scale, one standard deviation
    widest_gap: float
    parameters_count: int
    labelled: bool = False  # whether the data have classes
    class_names: tuple[str, ...] = ()  # in the order of their numbers, where they are known
    diagnostics: "Callable[[str], tuple[Message, ...]]" = lambda objective: ()  # what of the noise to change for it
    mode_weights: np.ndarray | None = None
    modes: np.ndarray | None = None  # (K, 2) of the known density
    marginals: np.ndarray | None = None  # (2, 2, N) along each axis even places, and a known density's mass below each
    resolved: Experiment | None = None  # with every "auto" that depends on the data as a number
    data: DataSource | None = None  # the settings that its data are of
    note: Message | None = None  # on how the data were read
    has_energy: bool = False  # whether the network states a density by itself

    @property
    def shows_learned_density(self) -> bool:
        return self.has_process or self.has_energy

    def describes(self, experiment: Experiment) -> bool:
        """Whether these are the data of the settings; else others are on their way, and what is advised of these is of the past."""
        return self.data == experiment.data

    @property
    def has_reference(self) -> bool:
        """Whether there is a score to hold the learned one against: without noise a training set is bare points."""
        return self.known_density or self.sigma_max > 0


@dataclass(frozen=True, eq=False)
class ScoreErrorMap:
    """How far the learned score lies from the exact one."""

    values: np.ndarray  # (H, W), |learned - exact| per the user's unit; row 0 is the bottom
    extent: Bounds
    arrows: np.ndarray  # (M, 2) learned - exact at the positions of the field, as displacements
    top: float  # the error that the fullest colour stands for, per the user's unit


@dataclass(frozen=True, eq=False)
class FieldView:
    """The score on a grid of points at one sigma, as displacements."""

    positions: np.ndarray  # (M, 2)
    learned: np.ndarray | None  # (M, 2)
    exact: np.ndarray | None  # (M, 2)
    sigma: float
    moving: bool = False  # in the coordinates of particles that have a time, which a process contracts
    error: ScoreErrorMap | None = None

    @functools.cached_property
    def errors(self) -> dict[ErrorStyle, ScoreError]:
        """The error as a picture shows it, in each of its styles; none where it was not asked for."""
        if self.error is None:
            return {}
        arrows = Field(self.positions, self.error.arrows, "error")
        values, extent, top = self.error.values, self.error.extent, self.error.top
        return {
            "both": ScoreError(values, extent, top, arrows),
            "map": ScoreError(values, extent, top),
            "arrows": ScoreError(None, extent, top, arrows),
        }

    @functools.cached_property
    def layers(self) -> tuple[Field | None, Field | None]:
        """The learned and the exact one as a picture shows them."""
        return (
            None if self.learned is None else Field(self.positions, self.learned, "learned"),
            None if self.exact is None else Field(self.positions, self.exact, "exact"),
        )


@dataclass(frozen=True, eq=False)
class DensityView:
    """A density on a grid; row 0 is the bottom."""

    density: np.ndarray  # (H, W), per the user's area unit
    extent: Bounds
    sigma: float
    source: str  # of the score: "learned", "exact" or "empirical"
    log_partition: tuple[float, float] | None = None  # ln Z over the plane in user units and its error, of an energy
    asked: bool = False  # whether it is a map that the user asked for, which does not follow the playhead
    moving: bool = False  # as for the field

    @functools.cached_property
    def layers(self) -> dict[DensityStyle, Density]:
        """The density as a picture shows it, in each of its styles."""
        return {style: Density(self.density, self.extent, style) for style in get_args(DensityStyle)}


@dataclass(frozen=True, eq=False)
class ParticleValues:
    """What is known of each particle of a frame."""

    kind: ParticleColors  # one of COMPUTED_COLORS
    values: np.ndarray  # (N,) modes from 0, or nats per the user's area unit
    modes: np.ndarray | None  # (K, 2), which the modes are numbers of


@dataclass(frozen=True, eq=False)
class PointReadout:
    """What is under the pointer."""

    point: tuple[float, float]
    sigma: float
    learned: np.ndarray | None  # (2,)
    exact: np.ndarray | None  # (2,)
    log_density: float | None  # of the known density smoothed by sigma
    source: str = "exact"  # of the two: "exact", or "empirical" where only the smoothed training set is known
    names: FieldNames | None = None  # of the score that particles follow; None without noise
    followed: str = "learned"  # which score that is


@dataclass(frozen=True, eq=False)
class FlowLikelihood:
    """The log-likelihood of one point or image by the probability flow, and the way it took."""

    log_prob: float  # nats per the user's area unit
    prior_term: float
    trace_term: float
    standard_error: float | None  # of Hutchinson's estimate; 0 of the exact trace, None where the vectors tell none
    evaluations: int
    latent: np.ndarray  # the shape of the point; standard normal numbers
    distance: float  # to where the latent code leads back, in the user's unit
    log_prob_error: float  # log p on the way there less that on the way back
    path: np.ndarray | None  # (P, 2), of points of the plane


@dataclass(frozen=True, eq=False)
class PointLikelihood:
    """The log-likelihoods of one point or image: by the flow, by the energy, exactly."""

    point: np.ndarray  # (2,) or (C, H, W)
    number: int | None  # of an image in the grid
    sigma: float  # the density is the data's, smoothed by this
    exact: float | None
    flow: FlowLikelihood | None  # None where the noise has no path that it could follow
    source: str  # of the score, as in likelihood.source
    untrained: bool
    energy: tuple[float, float] | None = (
        None  # log p by a learned energy and its Z at the same sigma, and the error of ln Z
    )
    warning: Message | None = None  # what speaks against the log-likelihood; see playground.lab.trust


@dataclass(frozen=True, eq=False)
class LatentInterpolation:
    """The way from the clicked point to a second one through their latent codes."""

    ends: np.ndarray  # (2, 2) or (2, C, H, W)
    numbers: tuple[int | None, int | None]  # of images in the grid
    points: np.ndarray  # (P, 2) or (P, C, H, W): decoded, at equal shares of the way between the codes
    log_prob: np.ndarray  # (P,) nats per the user's unit
    standard_error: np.ndarray | None  # (P,) of Hutchinson's estimate in it, 0 where there is none; None if not known
