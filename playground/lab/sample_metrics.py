"""Distances of samples from the data in the user's units, each with the score of a perfect sampler."""

import zlib
from collections.abc import Generator, Iterable, Iterator

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from playground.lab.compute import passed_on
from playground.lab.conflicts import comparison_conflict, why_too_few_samples
from playground.lab.figures import needing, sorts_of
from playground.lab.image_metrics import image_figures
from playground.lab.measured import Measured, mean_floor, missing
from playground.lab.memorization import memorized_share
from playground.lab.problem import Problem
from playground.messages import Message
from playground.records import record
from playground.theory import metrics, two_samples
from playground.theory.transport import squared_wasserstein2

Array = NDArray[np.floating]


def add_distances(problem: Problem, samples: Array | None, found: dict[str, Measured]) -> Iterator[float]:
    """Write the figures of samples into `found`, or why they are missing; those of other files of figures come later.

    All except the mode weights and those of images compare samples with data. If many rows repeat, the held-out rows do not
    represent the data and others are used: see :func:`compared_data`.

    Yields the fraction done.
    """
    why = conflict = None
    if not problem.experiment.sampling.is_generative:
        why = FORWARD
    elif samples is None or not len(samples):
        why = NO_SAMPLES
    else:
        samples = np.asarray(samples, dtype=np.float64)
        conflict = comparison_conflict(problem.experiment, problem.conditions) or why_too_few_samples(len(samples))
    found |= missing(sorts_of("Distances"), why or conflict)
    if len(problem.shape) != 3:
        of_images = found.keys() & {*needing("images"), "nearest_neighbour_rows"}
        found |= missing(of_images, Message("no-images", "These figures are for images."))
    elif problem.dataset.labels is None:
        found |= missing(needing("labels"), Message("no-labels", "These images have no labels."))
    if samples is not None and why is None:
        if len(problem.shape) == 3:  # they keep their class frequencies and nearest training images
            found |= image_figures(problem, samples)
            if conflict is not None:
                near = found["nearest_neighbour_distance"]
                found["nearest_neighbour_distance"] = Measured(near.value, near.error, reason=conflict)
        if conflict is None:
            found["memorized_share"] = memorized_share(problem, samples)
            yield from _compare(problem, torch.tensor(problem.units.equalized(samples)), found)
    density = problem.dataset.density
    if density is None or density.modes is None:
        found |= missing(("mode_weights",), Message("no-modes", "These data have no modes whose weights are known."))
        return
    true = None if density.mode_weights is None else tuple(density.mode_weights.tolist())
    if samples is not None and why is None and conflict is None:
        weights, errors = metrics.mode_weights(torch.from_numpy(samples), density.modes.cpu().double())
        found["mode_weights"] = Measured(tuple(weights.tolist()), tuple(errors.tolist()), true)
    else:
        found["mode_weights"] = Measured(None, floor=true, reason=why or conflict)


FORWARD = Message("forward", "The forward process ends in noise: run a sampler first.")
NO_SAMPLES = Message("no-samples", "There are no samples: run the sampler first.")


PROJECTIONS = 128
"""Random directions of the sliced Wasserstein distance."""
DISTANCE_POINTS = 5_000
"""Most samples in the sliced distance. More would take seconds, for the floor needs FLOOR_PAIRS further distances."""
FLOOR_PAIRS = 20
TRANSPORT_POINTS, TRANSPORT_PAIRS = 1_000, 5
"""Most points that optimal transport matches, and pairs of clouds for its floor. Matching takes half a second; twice the
points would take four times as long."""


@record
class Comparison:
    """The data with which samples are compared.

    Attributes:
        count: the number of samples that are compared.
        data: (M, *shape) in user units, see `Units.equalized`.
        pairs: pairs of clouds of `count` and M points, both from the data's distribution, for the score of a perfect
            sampler.
        origin: a description of the data.
    """

    count: int
    data: Tensor
    pairs: Iterable[tuple[Tensor, Tensor]]
    origin: str


def compared_data(problem: Problem, count: int, generator: torch.Generator) -> Comparison:
    """Return the data to compare with `count` samples, or with fewer if a pair of clouds cannot have so many.

    If many rows repeat, equal rows were held out together, so the held-out rows follow another distribution than all
    rows: a perfect sampler would be far from them. Then the data are drawn from all rows: a fifth of them, at most
    DISTANCE_POINTS.
    """
    density, dataset = problem.dataset.density, problem.dataset
    if density is not None:
        distribution = density.to("cpu", torch.float64)
        data = distribution.sample(count, generator)
        pairs = (
            (distribution.sample(count, generator), distribution.sample(count, generator)) for _ in range(FLOOR_PAIRS)
        )
        return Comparison(count, data, pairs, "fresh draws of the known density")
    what = "images" if len(problem.shape) == 3 else "rows"
    held_out, points = (torch.tensor(problem.units.equalized(part)) for part in (dataset.held_out, dataset.points))
    everything = torch.cat([points, held_out])
    available = len(everything)
    if dataset.biased_split:
        size = min(available // 5, DISTANCE_POINTS)
        data = everything[torch.randperm(available, generator=generator)[:size]].double()
        origin = (
            f"{what} drawn from all, trained on or not: {dataset.repeated:,} of {available:,} repeat another, and duplicates are held out "
            f"together, so held-out {what} follow another distribution"
        )
    else:
        data, origin = held_out.double(), f"held-out {what}"
    count = min(count, available - len(data))  # so many can be split off the data
    return Comparison(count, data, metrics.splits(everything, count, len(data), FLOOR_PAIRS, generator), origin)


def _compare(problem: Problem, samples: Tensor, found: dict[str, Measured]) -> Generator[float, None, None]:
    """Yields the fraction done."""
    generator = problem.generator("distances", "cpu")
    comparison = compared_data(problem, min(len(samples), DISTANCE_POINTS), generator)
    count, data = comparison.count, comparison.data
    if len(data) < two_samples.LEAST:
        text = "Only {} data are held out; a comparison needs at least {}: take more data."
        unsaid = [key for key, figure in found.items() if figure.value is None and figure.reason is None]
        found |= missing(unsaid, Message("few-held-out", text, (len(data), two_samples.LEAST)))
        return
    found["reference_set"] = Measured(comparison.origin)
    sliced = metrics.sliced_wasserstein2(samples[:count], data, PROJECTIONS, generator)
    matched = min(count, len(data), TRANSPORT_POINTS)
    # Shuffled, because files are often sorted.
    shuffled = data[torch.randperm(len(data), generator=problem.generator("transport", "cpu"))]
    squared = yield from _transport(samples, shuffled, matched, 0.0)
    floors, squared_floors = yield from _floors(problem, comparison, matched, generator)
    floor = mean_floor(np.sqrt(squared_floors))
    found["wasserstein2"] = Measured(float(np.sqrt(squared)), None, *floor, (matched, matched))
    found["wasserstein2_squared"] = Measured(squared, floor=float(np.mean(squared_floors)))
    found["sliced_wasserstein2"] = Measured(sliced, None, *mean_floor(floors), (count, len(data)))
    _add_two_samples(problem, samples, data, found)


_KNOWN_FLOORS: dict[tuple[object, ...], tuple[list[float], list[float]]] = {}
"""The floors of the last data, which most of the time of a comparison would go into again."""
MOST_FLOORS = 16


def _floors(
    problem: Problem, comparison: Comparison, matched: int, generator: torch.Generator
) -> Generator[float, None, tuple[list[float], list[float]]]:
    """The sliced distances, and the squared distances by transport, of pairs of clouds of the data.

    They depend on the data with their seed, and on the numbers of points alone, so they are computed once for these.
    """
    dataset = problem.dataset
    contents = tuple(zlib.crc32(np.ascontiguousarray(part).data) for part in (dataset.points, dataset.held_out))
    key = (msgspec.json.encode(problem.experiment.data), *contents, comparison.count, len(comparison.data), matched)
    if key in _KNOWN_FLOORS:
        return _KNOWN_FLOORS[key]
    floors: list[float] = []
    squared: list[float] = []
    for some, others in comparison.pairs:
        fraction = len(floors) / FLOOR_PAIRS
        yield fraction
        floors.append(metrics.sliced_wasserstein2(some, others, PROJECTIONS, generator))
        if len(squared) < TRANSPORT_PAIRS:
            squared.append((yield from _transport(some, others, matched, fraction)))
    if len(_KNOWN_FLOORS) >= MOST_FLOORS:
        _KNOWN_FLOORS.clear()
    _KNOWN_FLOORS[key] = floors, squared
    return floors, squared


def along_directions(problem: Problem, some: Tensor, others: Tensor) -> float:
    """The sliced Wasserstein-2 distance of two clouds along the same directions at every call."""
    return metrics.sliced_wasserstein2(some, others, PROJECTIONS, problem.generator("directions", "cpu"))


def _transport(a: Tensor, b: Tensor, count: int, fraction: float) -> Generator[float, None, float]:
    """W_2^2 between the first `count` points of both clouds; yields `fraction` meanwhile."""
    return passed_on(squared_wasserstein2(a[:count], b[:count]), lambda _: fraction)


TESTED_POINTS = 2_000
"""Most samples in the two-sample figures, which use all pairs: four million pairs take a few tenths of a second."""


def _add_two_samples(problem: Problem, samples: Tensor, data: Tensor, found: dict[str, Measured]) -> None:
    generator = problem.generator("two samples", "cpu")
    count = min(len(samples), len(data), TESTED_POINTS)  # these figures compare clouds of one size
    # Shuffled, because the classifier is trained on the first half.
    samples, data = samples[:count], data[torch.randperm(len(data), generator=generator)[:count]]
    for name, measured in {
        "energy_distance": two_samples.energy_distance(samples, data),
        "mmd_squared": two_samples.mmd_squared(samples, data),
        "classifier_accuracy": two_samples.classifier_accuracy(samples, data, generator),
    }.items():
        found[name] = Measured(*measured, points=(len(samples), len(data)))
