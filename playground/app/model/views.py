"""The values that worker threads pass to the window: frozen numbers and arrays, in the user's units."""

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
from playground.records import record

Bounds = tuple[float, float, float, float]  # x0, x1, y0, y1
ErrorStyle = Literal["both", "map", "arrows"]
ParticleColors = Literal["one", "mode", "start", "speed", "log_p"]
COMPUTED_COLORS: frozenset[ParticleColors] = frozenset({"mode", "log_p"})
"""Ways to colour particles by values that must be computed."""


@dataclass(frozen=True)
class WantedOverlays:
    """What a canvas shows of a frame besides the positions of its particles.

    Attributes:
        layers: those in view of "learned", "exact", "error" and "density".
        bounds: the part of the plane in view.
        grid: columns and rows of arrows.
        exact_source: the source of the exact score: "exact", or "empirical" for the training set's.
        density_source: the source of the density.
        colors: what colours the particles.
        followed: the number of the followed particle; None if there is none.
    """

    layers: frozenset[str] = frozenset({"learned", "density"})
    bounds: Bounds = (-1.0, 1.0, -1.0, 1.0)
    grid: tuple[int, int] = (30, 30)
    exact_source: str = "exact"
    density_source: str = "exact"
    colors: ParticleColors = "one"
    followed: int | None = None

    @property
    def arrows(self) -> frozenset[str]:
        """The layers that are made of arrows."""
        return self.layers - {"density"}


def plane_bounds(points: np.ndarray) -> Bounds:
    """The first view of points (N, 2): nearly all of them, with a margin."""
    places = np.array([0.001, 0.999]) * (len(points) - 1)
    # np.quantile would load numpy's masked arrays at its first call, which takes 20 ms before the first picture.
    low, high = np.transpose([np.interp(places, np.arange(len(points)), np.sort(column)) for column in points.T])
    margin = 0.35 * np.maximum(high - low, 1e-15)
    (x0, y0), (x1, y1) = low - margin, high + margin
    return float(x0), float(x1), float(y0), float(y1)


def conditions_of(problem: "ProblemView | None") -> Conditions | None:
    """What the network can be conditioned on; None if there are no data."""
    return None if problem is None else problem.conditions


@record
class ProblemView:
    """The data and noise of the model."""

    name: str
    points: np.ndarray  # (N, 2) or (N, 1, H, W): at most 20,000 of the training points
    count: int  # number of training points
    conditions: Conditions  # what the network and its samples can be conditioned on
    test_points: int  # number of held-out points for the test set's likelihood
    bounds: Bounds
    brightness: np.ndarray | None  # (N,) for images: the mean of each of `points`, computed outside the GUI thread
    limits: tuple[float, float]  # smallest and largest value in `points`
    axes: tuple[str, str]
    is_image: bool
    isotropic: bool  # whether both axes have one unit
    known_density: bool
    has_process: bool  # whether there is a path from data to noise
    sigma_min: float
    sigma_max: float
    sigmas: np.ndarray  # (L,) coarse to fine
    sigma: float  # typical data scale, one standard deviation
    diameter: float
    parameters_count: int
    labelled: bool = False  # whether the data have classes
    labels: np.ndarray | None = None  # (N,) the classes of `points`, if there are any
    class_names: tuple[str, ...] = ()  # in the order of their numbers, if known
    # By objective, suggested changes of the noise.
    diagnostics: "Callable[[str], tuple[Message, ...]]" = lambda objective: ()
    mode_weights: np.ndarray | None = None
    modes: np.ndarray | None = None  # (K, 2) of the known density
    # (2, 2, N): for each axis evenly spaced positions, and the mass of a known density below each.
    marginals: np.ndarray | None = None
    resolved: Experiment | None = None  # with every "auto" that depends on the data as a number
    data: DataSource | None = None  # the settings of its data
    note: Message | None = None  # about the reading of the data
    has_score: bool = True  # whether the data with noise have one; between two sets there is a velocity only
    has_energy: bool = False  # whether the network is an energy, which states a density
    has_kernel_density: bool = False  # whether the points are so few that a kernel density is a reference

    @property
    def shows_learned_density(self) -> bool:
        return (self.has_process and self.has_score) or self.has_energy

    def describes(self, experiment: Experiment) -> bool:
        """Whether these data belong to the settings. If not, others are being built, and suggestions are out of date."""
        return self.data == experiment.data

    def has_data_of(self, other: "ProblemView | None") -> bool:
        """Whether both have the same data; positions from a file in single precision may differ slightly."""
        if self is other or other is None:
            return self is other
        if (self.name, self.is_image) != (other.name, other.is_image):
            return False
        before, now = np.reshape(other.bounds, (2, 2)), np.reshape(self.bounds, (2, 2))
        return bool((abs(now - before) <= 1e-3 * np.diff(before)).all())

    @property
    def has_reference(self) -> bool:
        """Whether there is a score to compare the learned one with; without noise a training set has none."""
        return self.has_score and (self.known_density or self.sigma_max > 0)


@record
class ScoreErrorMap:
    """The difference between the learned and the exact score."""

    values: np.ndarray  # (H, W), |learned - exact| in 1 / user unit; row 0 is the bottom
    extent: Bounds
    arrows: np.ndarray  # (M, 2) learned - exact at the field's positions, as displacements
    top: float  # the error with the strongest colour, in 1 / user unit


@record
class FieldView:
    """The score on a grid of points at one sigma, as displacements."""

    positions: np.ndarray  # (M, 2)
    learned: np.ndarray | None  # (M, 2)
    exact: np.ndarray | None  # (M, 2)
    sigma: float
    moving: bool = False  # in the coordinates of particles with a time, which a process contracts
    error: ScoreErrorMap | None = None
    what: str = "score"  # or "velocity", between two sets

    @functools.cached_property
    def errors(self) -> dict[ErrorStyle, ScoreError]:
        """The error as layers of a picture, one for each style; empty if it was not requested."""
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
        """The learned and the exact score as layers of a picture."""
        return (
            None if self.learned is None else Field(self.positions, self.learned, "learned", self.what),
            None if self.exact is None else Field(self.positions, self.exact, "exact", self.what),
        )


@record
class DensityView:
    """A density on a grid; row 0 is the bottom."""

    density: np.ndarray  # (H, W), per area unit of the user
    extent: Bounds
    sigma: float
    source: str  # of the score: "learned", "exact" or "empirical"
    log_partition: tuple[float, float] | None = None  # for an energy: ln Z over the plane in user units, and its error
    asked: bool = False  # whether the user requested this map, which does not follow the playhead
    moving: bool = False  # as for the field

    @functools.cached_property
    def layers(self) -> dict[DensityStyle, Density]:
        """The density as layers of a picture, one for each style."""
        return {style: Density(self.density, self.extent, style) for style in get_args(DensityStyle)}


@record
class ParticleValues:
    """Values that colour the particles of a frame."""

    kind: ParticleColors  # one of COMPUTED_COLORS
    values: np.ndarray  # (N,) mode numbers from 0, or nats per area unit of the user
    modes: np.ndarray | None  # (K, 2), the positions of the modes


@record
class PointReadout:
    """The values under the pointer."""

    point: tuple[float, float]
    sigma: float
    learned: np.ndarray | None  # (2,)
    exact: np.ndarray | None  # (2,)
    log_density: float | None  # of the known density smoothed by sigma
    source: str = "exact"  # of both: "exact", or "empirical" if only the smoothed training set is known
    names: FieldNames | None = None  # of the score that particles follow; None without noise
    followed: str = "learned"  # the source of that score
    velocity: bool = False  # whether `learned` is the velocity that particles follow between two sets
    few_data: bool = False  # whether data are so few here that a trained network's score may be far from the exact one


@record
class FlowLikelihood:
    """The log-likelihood of one point or image by the probability flow, with the flow's path."""

    log_prob: float  # nats per area unit of the user
    prior_term: float
    trace_term: float
    standard_error: float | None  # of Hutchinson's estimate; 0 for the exact trace, None if the probes give none
    evaluations: int
    latent: np.ndarray  # with the shape of the point; standard normal numbers
    distance: float  # round-trip error, in the user's unit
    log_prob_error: float  # log p there minus log p back
    path: np.ndarray | None  # (P, 2), for points of the plane


@record
class PointLikelihood:
    """The log-likelihoods of one point or image: by the flow, by the energy, and exact."""

    point: np.ndarray  # (2,) or (C, H, W)
    number: int | None  # of an image in the grid
    sigma: float  # the density is that of the data smoothed by this
    exact: float | None
    flow: FlowLikelihood | None  # None if the noise has no path to follow
    source: str  # of the score, as in likelihood.source
    untrained: bool
    energy: tuple[float, float] | None = (
        None  # log p by a learned energy with its Z at this sigma, and the error of ln Z
    )
    warning: Message | None = None  # why the log-likelihood may be wrong; see playground.lab.trust
    few_data: Message | None = None  # why learned and exact values may differ much here


@record
class LatentInterpolation:
    """The interpolation from the clicked point to a second one through their latent codes."""

    ends: np.ndarray  # (2, 2) or (2, C, H, W)
    numbers: tuple[int | None, int | None]  # of images in the grid
    points: np.ndarray  # (P, 2) or (P, C, H, W): decoded from evenly spaced codes
    log_prob: np.ndarray  # (P,) nats per the user's unit
    standard_error: np.ndarray | None  # (P,) of Hutchinson's estimate, 0 without one; None if not known
