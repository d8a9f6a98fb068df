"""Measurements of the window, as iterators of (fraction, result) for a thread."""

import dataclasses
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from msgspec import structs

from playground.app.model.live_training import Weights, torch_threads
from playground.app.model.views import (
    Bounds,
    DensityView,
    FlowLikelihood,
    LatentInterpolation,
    PointLikelihood,
    ProblemView,
)
from playground.lab import experiment as experiments
from playground.lab.compute import Way, computes, passed_on
from playground.lab.conflicts import flow_conflict
from playground.lab.keys import FiguresKey, Key, ModelKey, RunKey
from playground.lab.label_dropout_checks import untrained_likelihood_score
from playground.lab.progress import MeasuringProgress
from playground.messages import Message

if TYPE_CHECKING:
    from playground.lab.model import Model
    from playground.lab.problem import Problem
    from playground.lab.trajectory import Trajectory
    from playground.theory.guidance import LabelledScore
    from playground.theory.networks import ScoreNetwork
    from playground.theory.noise import ScoreFunction

MAP_CELLS = 64  # cells across and down of a learned density that follows sigma; it takes a second or two
ASKED_CELLS = 160  # the same of a requested map
ENERGY_CELLS = 120  # the same of an energy, which needs no paths; it takes a twentieth of a second
INTERPOLATION_POINTS, INTERPOLATION_IMAGES = 65, 11  # a smooth line, and images that fit in a row

Result = TypeVar("Result")
Progress = Iterator[tuple[float | None, Result | None]]


def learned_score(problem: "Problem", weights: Weights) -> "ScoreNetwork":
    """A score function with its own network, so that no other thread's network is used."""
    import torch

    torch.set_num_threads(torch_threads(problem))
    network = problem.network()
    network.load_state_dict(weights.tensors)
    return network.requires_grad_(False)


def learned_model(problem: "Problem", weights: Weights) -> "Model":
    """A problem with a network of its own, as command line and Python have it."""
    from playground.lab.model import Model

    return Model(problem, learned_score(problem, weights), {"step": np.array(weights.made)}, earlier=weights.earlier)


def sampled_score(problem: "Problem", weights: Weights) -> "LabelledScore":
    """The score that the experiment's sampler follows: a known one, or the learned one with what guides it."""
    return learned_model(problem, weights).score


class ClickedKey(Key, frozen=True, cache_hash=True):
    """What is computed of clicked points or images.

    Attributes:
        model: its experiment has no settings of sampling.
        points: their coordinates, or the values of their pixels, in the user's units.
        numbers: those of images in the grid; None of points.
    """

    model: ModelKey
    points: tuple[tuple[float, ...], ...]
    numbers: tuple[int | None, ...]

    @classmethod
    def of(cls, model: ModelKey, points: Sequence[np.ndarray], numbers: Sequence[int | None]) -> Self:
        told = tuple(tuple(point.ravel().tolist()) for point in points)
        return cls(FiguresKey.of("Likelihoods", model).model, told, tuple(numbers))


class PointKey(ClickedKey, frozen=True, cache_hash=True):
    """log p of one point, or of one image: a :class:`PointLikelihood`."""


class PathKey(ClickedKey, frozen=True, cache_hash=True):
    """The interpolation between two points through their latent codes: a :class:`LatentInterpolation`."""

    way: str = ""

    @classmethod
    def of(cls, model: ModelKey, points: Sequence[np.ndarray], numbers: Sequence[int | None]) -> Self:
        return structs.replace(super().of(model, points, numbers), way=model.experiment.likelihood.interpolation)


@computes(PointKey)
def _point_likelihood(key: PointKey, _device: str) -> "Generator[Any, Any, PointLikelihood]":
    """log p by the probability flow with its round trip, by the energy, and by the known density, as far as each exists."""
    from playground.lab.energies import normalised
    from playground.lab.likelihood import round_trip
    from playground.lab.trust import extrapolation_warnings, few_data, flow_warnings

    model: Model = yield key.model
    (number,), problem, score = key.numbers, model.problem, model.likelihood_score
    point = np.array(key.points[0]).reshape(problem.shape)
    energy, source = normalised(problem, score), problem.experiment.likelihood.source
    sigma = problem.units.sigma_to_user(problem.noise.sigma_min)
    exact = problem.exact_log_prob(point[None], sigma)
    untrained = source == "learned" and not model.step
    found = PointLikelihood(
        point=point,
        number=number,
        sigma=sigma,
        exact=None if exact is None else float(exact[0]),
        flow=None,
        source=source,
        untrained=untrained,
        few_data=few_data(problem, point[None], sigma)[0] if source == "learned" and not untrained else None,
        energy=None if energy is None else (float(energy.log_prob(point[None])[0]), energy.partition.error),
    )
    if flow_conflict(problem.experiment) is not None:
        (warning,) = extrapolation_warnings(problem, point[None])
        return dataclasses.replace(found, warning=warning)
    trip = yield from passed_on(round_trip(problem, score, point[None], record_path=number is None), MeasuringProgress)
    result = trip.there
    flow = FlowLikelihood(
        log_prob=float(result.log_prob[0]),
        prior_term=float(result.prior_term[0]),
        trace_term=float(result.trace_term[0]),
        standard_error=None if result.standard_error is None else float(result.standard_error[0]),
        evaluations=int(result.evaluations[0]),
        latent=result.latent[0],
        distance=float(trip.distance[0]),
        log_prob_error=float(trip.log_prob_error[0]),
        path=None if result.path is None else result.path[:, 0],
    )
    (warning,) = flow_warnings(problem, point[None], result.log_prob, result.standard_error)
    never = untrained_likelihood_score(problem.experiment, problem.conditions)
    said = warning if never is None else Message("untrained", "untrained: {}", (never,))
    return dataclasses.replace(found, flow=flow, warning=said)


@computes(PathKey)
def _latent_interpolation(key: PathKey, _device: str) -> "Generator[Any, Any, LatentInterpolation]":
    from playground.lab.latent import interpolate

    model: Model = yield key.model
    settings = experiments.replace(model.problem.experiment, {"likelihood.interpolation": key.way})
    problem = dataclasses.replace(model.problem, experiment=settings)
    ends = np.array(key.points).reshape(2, *problem.shape)
    count = INTERPOLATION_POINTS if problem.shape == (2,) else INTERPOLATION_IMAGES
    found = yield from passed_on(interpolate(problem, model.likelihood_score, ends, count), MeasuringProgress)
    first, second = key.numbers
    return LatentInterpolation(ends, (first, second), found.points, found.log_prob, found.standard_error)


def map_level(sigma: float, view: ProblemView) -> float:
    """The noise level of the learned density shown at `sigma`; levels are half an octave apart (energy: a tenth)."""
    parts = 10 if view.has_energy else 2
    level: float = 2.0 ** (round(parts * math.log2(max(sigma, 1e-30))) / parts)
    if not view.has_process:
        return view.sigma_min
    return min(max(level, view.sigma_min), 0.999 * view.sigma_max)


def learned_density(
    problem: "Problem", weights: Weights, bounds: Bounds, sigma: float, resolution: int, moving: bool = False
) -> Progress[DensityView]:
    """The learned density at this noise level, see :func:`density_of`."""
    return density_of(problem, learned_score(problem, weights), "learned", bounds, sigma, resolution, moving)


def likelihood_density(model: "Model", bounds: Bounds, resolution: int) -> Progress[DensityView]:
    """The density at the finest noise level of the score that likelihoods use; in closed form for the training set."""
    problem, source = model.problem, model.problem.experiment.likelihood.source
    if source == "empirical":
        return training_set_density(problem, bounds, resolution)
    return density_of(problem, model.likelihood_score, source, bounds, None, resolution)


class MapKey(Key, frozen=True, cache_hash=True):
    """The density over a part of the plane at the finest noise level: a :class:`DensityView`.

    Attributes:
        model: its experiment has no settings of sampling.
    """

    model: ModelKey
    bounds: Bounds

    @classmethod
    def of(cls, model: ModelKey, bounds: Bounds) -> Self:
        return cls(FiguresKey.of("Likelihoods", model).model, bounds)


@computes(MapKey)
def _map(key: MapKey, _device: str) -> "Generator[Any, Any, DensityView]":
    model: Model = yield key.model
    found = None
    for fraction, view in likelihood_density(model, key.bounds, ASKED_CELLS):
        found = view or found
        yield MeasuringProgress(fraction or 0.0, known=found)
    assert found is not None
    return found


def training_set_density(problem: "Problem", bounds: Bounds, resolution: int) -> Progress[DensityView]:
    """The density of the smoothed training set on a grid, in closed form; the probability flow would take an hour."""
    from playground.lab.density_map import empirical_density_map

    sigma = problem.units.sigma_to_user(problem.noise.sigma_min)
    for progress in empirical_density_map(problem, bounds, resolution):
        view = None
        if progress.log_density is not None:
            view = DensityView(np.exp(progress.log_density), bounds, sigma, "empirical", asked=True)
        yield progress.fraction, view


def density_of(
    problem: "Problem",
    score: "ScoreFunction",
    source: str,
    bounds: Bounds,
    sigma: float | None,
    resolution: int,
    moving: bool = False,
) -> Progress[DensityView]:
    """The density of a score on a grid by the probability flow, from coarse to fine.

    Args:
        sigma: noise level in user units; None for the finest, as in a requested map.
        moving: whether to use the process's own coordinates, as for particles with a time. A VP process contracts them.
    """
    from playground.lab.density_map import density_map
    from playground.lab.energies import normalised
    from playground.lab.fields import grid_points

    shown = problem.units.sigma_to_user(problem.noise.sigma_min) if sigma is None else sigma
    scale = 1.0
    if moving:
        process = problem.process()
        scale = float(process.scale(process.time(problem.units.sigma_to_internal(shown))))
    # p_t(x) = p_sigma(x/alpha)/alpha^2, in coordinates whose origin is the data's mean.
    corners = np.array([bounds[::2], bounds[1::2]])
    (x0, y0), (x1, y1) = problem.units.to_user(problem.units.to_internal(corners) / scale).tolist()
    view, drawn = None, None
    model = normalised(problem, score, sigma, for_picture=resolution <= MAP_CELLS)
    if model is not None:
        side = max(resolution, ENERGY_CELLS)
        values = model.log_prob(grid_points((x0, x1, y0, y1), side, side).reshape(-1, 2)).reshape(side, side)
        partition = model.log_partition, model.partition.error
        asked = sigma is None
        yield 1.0, DensityView(np.exp(values) / scale**2, bounds, shown, "learned", partition, asked, moving)
        return
    for progress in density_map(problem, score, (x0, x1, y0, y1), resolution, sigma=sigma):
        if progress.log_density is not drawn and progress.log_density is not None:
            drawn = progress.log_density
            view = DensityView(np.exp(drawn) / scale**2, bounds, shown, source, asked=sigma is None, moving=moving)
        yield progress.fraction, view  # repeated if nothing is new, because a reader may have missed the last one


def ways(
    problem: "Problem", weights: Weights, run: "Callable[[], Iterator[Trajectory]]" = lambda: iter(())
) -> dict[type[Key], Way]:
    """How the window has the model and the run that are measured.

    Args:
        run: yields the growing run until it is complete.
    """

    def model(key: ModelKey, _device: str) -> "Generator[Any, Any, Model]":
        yield from ()
        asked = key.experiment
        settings = structs.replace(problem.experiment, sampling=asked.sampling, likelihood=asked.likelihood)
        return learned_model(dataclasses.replace(problem, experiment=settings), weights)

    def sampled(_: RunKey, _device: str) -> "Generator[Any, Any, Trajectory]":
        found = None
        for found in run():
            yield MeasuringProgress(0.9 * len(found) / found.total, stage="Sampling")
        assert found is not None
        return found

    return {ModelKey: model, RunKey: sampled}
