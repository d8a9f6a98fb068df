"""Flow matching, from noise or from a start set."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from playground.data.dataset import DataError, Dataset, StartPoints
from playground.kinds.chosen import Chosen, Given
from playground.kinds.datasets.data_source import DataSource, Toy
from playground.kinds.datasets.from_file import FromFile
from playground.kinds.kind import register
from playground.kinds.noise.noise import END, START, ContinuousProcess
from playground.kinds.setting import Auto, ExperimentError, Option, meta
from playground.messages import Edit, Message, instead, setting, to_set

if TYPE_CHECKING:
    from playground.theory.noise import Noise as NoiseLevels
    from playground.theory.noise import Process
    from playground.theory.start_set import StartSet

NEAREST, FARTHEST = 0.001, 1000.0
"""The default ends of a path between two sets, in internal units: a share of 0.001 of the other set is left at either end."""


def start_sets() -> Mapping[str, Option]:
    """Where a flow can start: noise, and every data set of the plane that need not be drawn first."""
    sets = {
        name: Option(kind.title, kind.meaning())
        for name, kind in DataSource.kinds().items()
        if not kind.images and (kind.is_file or not any(True for _ in kind().conflicts()))
    }
    return {"noise": Option("Noise", "Gaussian noise: the flow has a score."), **sets}


def _between_sets(chosen: Chosen) -> bool:
    return not chosen.noise.has_score


def _from_file(chosen: Chosen) -> bool:
    return isinstance(chosen.noise, FlowMatching) and chosen.noise.is_from_file


def _from_toy(chosen: Chosen) -> bool:
    return isinstance(chosen.noise, FlowMatching) and isinstance(chosen.noise.start(), Toy)


@register
class FlowMatching(ContinuousProcess, tag="flow-matching", frozen=True):
    """A straight line from each data point to noise, or to a point of a start set: α = 1 - t and std = t."""

    title = "Flow matching"
    place = 6.5
    equation = r"x(t) = (1 - t)\,x_0 + t\,z,\ u = E[z - x_0 \mid x(t)]"
    learns_velocity = True
    chart = (
        "Noise over signal, σ = t/(1 - t): x(t) goes along a straight line from a data point to noise. "
        f"Left: σ max, {START}. Right: σ min; {END}. Drag the ends."
    )

    source: Annotated[
        str,
        meta(
            "Where the flow starts: Gaussian noise, or a second set of points: any data set of the plane, or a file of yours. "
            "From a set there is a velocity, but no score and no likelihood; only the probability flow follows it",
            label="start",
            offered=start_sets,
            resets=True,
        ),
    ] = "noise"
    source_path: Annotated[
        str,
        meta(
            "source = file: a CSV, TSV or NPY file with two columns, in the unit of your data",
            label="start file",
            resets=True,
            when=_from_file,
            otherwise="the flow starts at no file",
        ),
    ] = ""
    source_scale: Annotated[
        float,
        meta(
            "Factor on all coordinates of the start set, around the origin of your data",
            label="start scale",
            ge=1e-3,
            le=1e3,
            reach=(0.01, 100.0),
            unit="×",
            log=True,
            resets=True,
            when=_between_sets,
            otherwise="the flow starts at noise",
        ),
    ] = 1.0
    source_noise: (
        Annotated[
            float,
            meta(
                "Standard deviation of the noise that is part of the start set, before scaling. auto: that of the toy",
                label="start noise std",
                ge=0.0,
                le=10.0,
                reach=(0.0, 1.0),
                resets=True,
                advanced=True,
                when=_from_toy,
                otherwise="the flow starts at no toy",
            ),
        ]
        | Auto
    ) = "auto"
    coupling: Annotated[
        Literal["independent", "optimal-transport"],
        meta(
            "How points of the data and of the start set are paired in training",
            label="coupling",
            symbol="π",
            options={
                "independent": Option(
                    "Independent", "Any two points are paired: the paths cross.", r"p(x_0, z) = p(x_0)\,p(z)"
                ),
                "optimal-transport": Option(
                    "Optimal",
                    "Optimal transport within batches of 256 points, Tong et al. 2024: the paths hardly cross. "
                    "New batches are matched while training goes on.",
                    r"\min_\pi \sum_i \|x_i - z_{\pi(i)}\|^2",
                ),
            },
            resets=True,
            when=_between_sets,
            otherwise="the flow starts at noise",
        ),
    ] = "independent"

    @property
    def has_score(self) -> bool:
        return self.source == "noise"

    @property
    def phrase(self) -> str:
        start = self.start()
        if start is None:
            return super().phrase
        return f"flow from {Path(start.file).name or start.phrase}"

    @property
    def is_from_file(self) -> bool:
        """Whether the flow starts at the points of a file."""
        start = self.start()
        return start is not None and start.is_file

    @property
    def file(self) -> str:
        return self.source_path if self.is_from_file else ""

    @classmethod
    def process(cls, sigma_min: float, sigma_max: float) -> "Process":
        from playground.theory.noise import FlowMatching

        return FlowMatching(sigma_min, sigma_max)

    def build(self, given: Given) -> "NoiseLevels":
        from playground.theory.noise import ContinuousNoise

        start = None if self.has_score else self._start_set(given)
        return ContinuousNoise(self.process(*self.ends(given)), start)

    def finest(self, given: Given, coarsest: float) -> float:
        return NEAREST if self.sigma_min == "auto" and not self.has_score else super().finest(given, coarsest)

    def coarsest(self, given: Given) -> float:
        return FARTHEST if self.sigma_max == "auto" and not self.has_score else super().coarsest(given)

    def training_conflicts(self, chosen: Chosen) -> Iterator[Message]:
        if self.has_score:
            return
        source = setting("noise.source", self.source)
        noise = Edit("Start at noise", {"noise.source": "noise"})
        if chosen.data.images:
            yield Message(
                "images-from-a-set",
                "{} is a set of points in the plane, and the data are images: choose {}.",
                (source, setting("noise.source", "noise")),
                "noise.source",
                (noise,),
            )
        target_batch = getattr(chosen.objective, "target_batch", 1)
        if not chosen.objective.denoises:
            yield Message(
                "velocity-by-denoising",
                "From {} there is no score to match: choose {}, which learns the velocity, or {}.",
                (source, setting("objective.kind", "denoising"), setting("noise.source", "noise")),
                "objective.kind",
                (Edit("Use denoising", {"objective.kind": "denoising"}), noise),
            )
        elif target_batch not in ("auto", 1):
            yield Message(
                "stable-target-of-pairs",
                "The stable target is for Gaussian noise, not for {}: choose {}.",
                (source, setting("objective.target_batch", "auto", 1)),
                "objective.target_batch",
                (Edit("Use Auto", {"objective.target_batch": "auto"}), noise),
            )
        if chosen.network.states_density:
            yield Message(
                "energy-of-velocity",
                "An energy network learns a score, and from {} there is none: choose {}, or {}.",
                (source, setting("network.kind", "mlp"), setting("noise.source", "noise")),
                "network.kind",
                (Edit("Use MLP", {"network.kind": "mlp"}), noise),
            )

    def sampling_conflicts(self, chosen: Chosen) -> Iterator[Message]:
        if self.has_score:
            return
        source, sampling = setting("noise.source", self.source), chosen.sampling
        noise = Edit("Start at noise", {"noise.source": "noise"})
        if not sampling.is_flow:
            yield Message(
                "no-score-between-sets",
                "{} follows a score, and from {} there is only a velocity: choose {}, or {}.",
                (
                    setting("sampling.kind", sampling.kind),
                    source,
                    setting("sampling.kind", "probability-flow"),
                    setting("noise.source", "noise"),
                ),
                "sampling.kind",
                (Edit("Use the flow", {"sampling.kind": "probability-flow"}), noise),
            )
            return
        if sampling.mask != "none" or sampling.correctors():
            key = "sampling.corrector_steps" if sampling.mask == "none" else "sampling.inpainting_mask"
            value = 0 if sampling.mask == "none" else "none"
            yield Message(
                "no-score-to-correct",
                "Correctors and inpainting follow a score, and from {} there is only a velocity: choose {}.",
                (source, setting(key, value)),
                key,
                (Edit("Use none", {key: value}), noise),
            )
        start = self.start()
        known = self.coupling == "independent" and start is not None and start.known_density
        if sampling.follows == "empirical" or (sampling.follows == "exact" and not known):
            yield instead(
                "no-exact-velocity",
                "The velocity from {} with {} is not known in closed form, so {} is not possible: choose {}.",
                (source, setting("noise.coupling", self.coupling), setting("sampling.source", sampling.follows)),
                "sampling.source",
                "learned",
            )

    def score_conflict(self) -> Message | None:
        if self.has_score:
            return None
        return instead(
            "velocity-only",
            "Between two sets there is a velocity but no score: choose {} for a score.",
            (),
            "noise.source",
            "noise",
            "Start at noise",
        )

    def flow_conflict(self) -> Message | None:
        if self.has_score:
            return None
        return instead(
            "no-likelihood-between-sets",
            "Likelihoods need Gaussian noise where the flow starts, and it starts at a set of points: choose {}.",
            (),
            "noise.source",
            "noise",
            "Start at noise",
        )

    def start(self) -> DataSource | None:
        """The data set from which the flow starts, with its own settings; None for noise."""
        if self.source == "noise":
            return None
        kind = DataSource.kinds()[self.source]
        if issubclass(kind, Toy):
            return kind(noise=self.source_noise)
        return kind(path=self.source_path) if issubclass(kind, FromFile) else kind()

    def with_start(self, dataset: Dataset) -> Dataset:
        start = self.start()
        if start is None or not start.is_file or (dataset.start is not None and dataset.start.file == self.source_path):
            return dataset
        if not self.source_path:
            text = "No file of start points is chosen: {} a CSV, TSV or NPY file with two columns."
            key = "noise.source_path"
            raise ExperimentError(Message("no-start-file", text, (to_set(key),), key))
        try:
            points = start.load(held_out=1).points
        except DataError as error:
            text = "The start set cannot be used: {}"
            raise ExperimentError(Message("start-file", text, (error.message,), "noise.source_path")) from None
        return dataclasses.replace(dataset, start=StartPoints(self.source_path, points))

    def _start_set(self, given: Given) -> "StartSet":
        """The start set in internal units.

        Raises:
            ExperimentError: the axes of the data have units of their own, and the start set has one; or the start set cannot be made.
        """
        import torch

        from playground.theory.start_set import Points, StartSet

        units, start = given.units, self.start()
        assert start is not None
        if len(given.shape) != 1 or not (units.isotropic or start.is_file):
            raise ExperimentError(
                instead(
                    "start-of-other-units",
                    "The axes of these data have units of their own, and {} has one unit: choose {}.",
                    (setting("noise.source", self.source),),
                    "noise.source",
                    "noise",
                    "Start at noise",
                )
            )
        if isinstance(start, Toy):
            density, points = start.scaled_density("noise.source_noise"), None
        elif start.is_file:
            assert given.dataset.start is not None
            density, points = None, given.dataset.start.points
        else:
            made = start.load(held_out=1)
            density, points = made.density, made.points
        if density is not None:
            offset = torch.tensor(units.offset) / self.source_scale
            density = density.standardized(offset, float(units.scale.flat[0]) / self.source_scale)
            return StartSet(density.to(given.device, torch.float32), self.coupling)
        assert points is not None
        inside = torch.from_numpy(units.standardized(points * self.source_scale)).to(given.device)
        return StartSet(Points(inside), self.coupling)
