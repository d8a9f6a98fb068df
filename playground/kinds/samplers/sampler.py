"""The common base of all samplers, and that of those that follow a score."""

import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import msgspec

from playground.kinds.chosen import Chosen, Conditions, Given, Guide, Labels, Mask, Score
from playground.kinds.kind import Kind
from playground.kinds.noise.noise import WITH_PATH
from playground.kinds.setting import Auto, Option, meta, seed_meta
from playground.messages import Edit, Message, instead, setting

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from playground.theory.guidance import LabelledScore
    from playground.theory.samplers import Sampler as Run
    from playground.theory.starts import Start

STEPS = 500
"""Default steps: enough to watch, and enough for Langevin to converge."""
PARTICLES, IMAGE_PARTICLES = 2_000, 96
"""Default numbers of particles. Images are in 8 rows of 12, few enough to be seen at a glance, and 500 steps take seconds."""
MOST_CLASSES = 20  # most classes that a sentence names
USE_LANGEVIN = Edit("Use Langevin", {"sampling.kind": "langevin"})
USE_VE = Edit("Use VE noise", {"noise.kind": "ve"})


def no_path(code: str, text: str, chosen: Chosen) -> Iterator[Message]:
    """The conflict of a sampler that needs a path from data to noise, if there is none.

    Args:
        text: has gaps for the noise, for the noises to choose instead, and for another sampler.
    """
    if not chosen.noise.has_path:
        values = setting("noise.kind", chosen.noise.kind), WITH_PATH, setting("sampling.kind", "langevin")
        yield Message(code, text, values, "sampling.kind", (USE_LANGEVIN, USE_VE))


def no_level(code: str, key: str, low: float | Auto, high: float | Auto) -> Iterator[Message]:
    """The conflict of a setting that acts from one noise level up to another, if no level lies between them.

    Args:
        key: of the setting; that of its lowest level ends in _min, and that of the highest in _max.
    """
    if low != "auto" and high != "auto" and low > high:
        lowest = f"{key}_min"
        yield Message(
            code,
            "No noise level lies from {} up to {}: lower one or raise the other, or set {} for none.",
            (setting(lowest, low), setting(f"{key}_max", high), setting(key, 0)),
            lowest,
            (Edit("Use Auto", {lowest: "auto"}),),
        )


def no_exact_score(chosen: Chosen, key: str) -> Message:
    """The conflict of a setting that asks for the exact score of data whose density is not known."""
    return Message(
        "no-exact-score",
        "The exact score of {} is not known: only toys and drawings have one; choose {}.",
        (setting("data.kind", chosen.data.kind), setting(key, "learned", "empirical")),
        key,
        (Edit("Use learned", {key: "learned"}),),
    )


class Sampler(Kind, frozen=True):
    """The sampler, its start, and the conditions on new points.

    Attributes:
        short: its short name.
        is_generative: whether it ends at the data; else it starts there.
        is_flow: whether it follows the probability flow, for which a velocity is enough.
        step_symbol: the symbol of the length of a step.
        has_levels: whether it goes from one noise level to the next, with several steps at each.
    """

    section: ClassVar[str] = "sampling"
    summary: ClassVar[str] = "Sampler; forward: the noise process itself, from data to noise"
    noun: ClassVar[str] = "sampler"
    short: ClassVar[str]
    is_generative: ClassVar[bool] = True
    is_flow: ClassVar[bool] = False
    step_symbol: ClassVar[str] = "Δt"
    has_levels: ClassVar[bool] = False

    particles: (
        Annotated[
            int,
            meta("Number of particles. auto: 2000, or 96 images", ge=1, le=1_000_000, reach=(10, 100_000), log=True),
        ]
        | Auto
    ) = "auto"
    steps: (
        Annotated[
            int,
            meta(
                "Steps of the sampler, the final denoising not counted. Annealed Langevin takes equally many at each "
                "level, at most these in all; the adaptive solver shows as many frames. auto: 500; without correctors "
                "25 of the flow by Heun and 50 by DPM-Solver++",
                ge=1,
                le=100_000,
                reach=(10, 10_000),
                log=True,
            ),
        ]
        | Auto
    ) = "auto"
    seed: Annotated[
        int,
        seed_meta(
            "Seed of sampling: the start of the particles, their classes, and the noise of the sampler",
        ),
    ] = 0

    @property
    def follows(self) -> Score | None:
        """The source of the score that it follows, or None."""
        return None

    @property
    def mask(self) -> Mask:
        """The inpainting mask: the part of each point that is known beforehand."""
        return "none"

    @property
    def known_point(self) -> int:
        """The number of the held-out point from which the known part is taken."""
        return 0

    @property
    def fits_steps(self) -> bool:
        """Whether each particle has its own steps, fitted to a tolerance."""
        return False

    def correctors(self) -> int:
        """The number of corrector steps after each step."""
        return 0

    def labels_told(self, chosen: Chosen) -> Labels | None:
        """The classes of its particles; None if there are certainly none, from what is known before the data are read."""
        return None

    @property
    def labels(self) -> Labels:
        """The classes that are asked of its particles."""
        return "none"

    @property
    def label(self) -> int:
        """The class of labels = one."""
        return 0

    @property
    def guidance(self) -> float:
        """How far the score is pushed away from another."""
        return 0.0

    @property
    def guide(self) -> Guide:
        """The score that guidance pushes away from."""
        return "unconditional"

    @property
    def follows_checkpoint(self) -> bool:
        """Whether guidance is by an earlier training step."""
        return self.guide == "checkpoint" and self.follows == "learned"

    def is_guided(self, chosen: Chosen) -> bool:
        """Whether guidance has an effect, from what is known before the data are read."""
        return False

    def default_steps(self) -> int:
        """Return the value of `steps` = "auto", with the other settings resolved."""
        return STEPS

    def resolve(self, images: bool) -> Self:
        """Return the settings with a value for each "auto" that follows from the other settings.

        Args:
            images: whether the points are images.
        """
        particles = (IMAGE_PARTICLES if images else PARTICLES) if self.particles == "auto" else self.particles
        steps = self.default_steps() if self.steps == "auto" else self.steps
        return msgspec.structs.replace(self, particles=particles, steps=steps)

    def between_sets(self) -> Self:
        """Return the settings with a value for each "auto" that a flow between two sets decides."""
        return self

    def errors(self) -> Iterator[Message]:
        """Return the contradictions between the settings."""
        yield from ()

    def conflicts(self, chosen: Chosen, conditions: Conditions | None) -> Iterator[Message]:
        """Return the conflicts with the experiment, the worst first.

        Args:
            chosen: the experiment's kinds.
            conditions: None before the data have been read.
        """
        yield from ()

    def without_effect(self, given: Given) -> Iterator[Message]:
        """Return messages on the settings that have no effect with these data."""
        yield from ()

    @abstractmethod
    def build(self, given: Given, score: "LabelledScore | None") -> "Run":
        """The sampler in internal units, for resolved settings.

        Args:
            given: what the data determine.
            score: the learned score, if the sampler needs its density.
        """

    @property
    def starts_at(self) -> Literal["noise", "box", "data"]:
        """Where its particles start: at noise, uniformly over the data's box, or at training points."""
        return "noise"

    @abstractmethod
    def start_of_run(self, given: Given) -> "Start":
        """Return the distribution from which the particles start, in internal units."""

    def starting_points(self, given: Given, generator: "torch.Generator") -> "Tensor":
        """Draw the particles' start, (particles, *shape) in internal units."""
        return self.start_of_run(given).sample(given.particles, generator)

    @abstractmethod
    def noise_of_run(self, given: Given) -> float:
        """The standard deviation of the coarsest noise in a run, in internal units."""


class FollowsScore(Sampler, frozen=True):
    """A sampler that follows a score, which may depend on a class."""

    source: Annotated[
        Score,
        meta(
            "Score that the particles follow: the network's, that of the known density, or that of the smoothed "
            "training set",
            label="score",
            of_data=True,
            symbol="s",
            options={
                "learned": Option("Learned", "The network's score, with its newest averaged (EMA) weights."),
                "exact": Option("Exact", "The score of the known density: what a perfect network would give."),
                "empirical": Option(
                    "Training set",
                    "The score of the smoothed training set. A network that fits it perfectly only reproduces "
                    "training points.",
                ),
            },
        ),
    ] = "learned"
    labels: Annotated[
        Labels,
        meta(
            "Classes of the particles, for data with classes and a learned or exact score: none, one, or all in the "
            "frequencies of the data",
            label="class",
            of_data=True,
            symbol="c",
            options={
                "none": Option("Any", "No class is given: the score of all data."),
                "one": Option("One", "All particles have one class."),
                "all": Option("All", "Each particle has a class, in the frequencies of the data."),
            },
            when=lambda chosen: chosen.sampling.labels_told(chosen) is not None,
        ),
    ] = "all"
    label: Annotated[
        int,
        meta(
            "The class of labels = one, counted from 0",
            label="class c",
            of_data=True,
            ge=0,
            le=999,
            when=lambda chosen: chosen.sampling.labels_told(chosen) == "one",
        ),
    ] = 0
    guidance: Annotated[
        float,
        meta(
            "Guidance: how far the score of the class is pushed away from another. 0: the score of the class itself",
            label="guidance w",
            of_data=True,
            ge=0.0,
            le=20.0,
            symbol="w",
            equation=r"(1 + w)\,s(x \mid c) - w\,s(x)",
            when=lambda chosen: chosen.sampling.is_guided(chosen),
        ),
    ] = 0.0
    guide: Annotated[
        Literal["unconditional", "checkpoint"],
        meta(
            "Score that guidance pushes away from. unconditional: the score of all data (classifier-free guidance). "
            "checkpoint: the score by the weights of an earlier training step (autoguidance, Karras et al. 2024), with "
            "or without classes",
            label="guidance from",
            of_data=True,
            options={
                "unconditional": Option(
                    "All data",
                    "Classifier-free guidance: away from the score without a class.",
                    r"s(x) + (1 + w)(s(x|c) - s(x))",
                ),
                "checkpoint": Option(
                    "Checkpoint",
                    "Autoguidance: away from the score of an earlier training step.",
                    r"s_{early} + (1 + w)(s - s_{early})",
                ),
            },
            advanced=True,
            when=lambda chosen: chosen.sampling.follows == "learned",
        ),
    ] = "unconditional"
    guide_step: (
        Annotated[
            int,
            meta(
                "Training step of the weights for guide = checkpoint; the nearest of those kept. auto: a tenth of the "
                "steps made",
                label="checkpoint step",
                of_data=True,
                ge=0,
                le=100_000_000,
                reach=(1, 100_000),
                log=True,
                advanced=True,
                when=lambda chosen: chosen.sampling.guide == "checkpoint" and chosen.sampling.follows == "learned",
            ),
        ]
        | Auto
    ) = "auto"
    guidance_min: (
        Annotated[
            float,
            meta(
                "Finest noise level with guidance (guidance interval, Kynkäänniemi et al. 2024). auto: the finest of all",
                label="guidance σ min",
                ge=1e-15,
                le=1e15,
                unit="data",
                log=True,
                advanced=True,
                when=lambda chosen: chosen.sampling.is_guided(chosen),
            ),
        ]
        | Auto
    ) = "auto"
    guidance_max: (
        Annotated[
            float,
            meta(
                "Coarsest noise level with guidance. auto: the coarsest of all",
                label="guidance σ max",
                ge=1e-15,
                le=1e15,
                unit="data",
                log=True,
                advanced=True,
                when=lambda chosen: chosen.sampling.is_guided(chosen),
            ),
        ]
        | Auto
    ) = "auto"
    start: Annotated[
        Literal["auto", "prior", "uniform"],
        meta(
            "Initial positions: the prior, or uniform over the data's bounding box",
            label="start",
            options={
                "auto": Option("Auto", "The usual start of the chosen sampler."),
                "prior": Option("Prior", "The Gaussian at the end of the noise process."),
                "uniform": Option("Box", "Uniform over the bounding box of the data."),
            },
            advanced=True,
        ),
    ] = "auto"

    @property
    def follows(self) -> Score:
        return self.source

    def labels_told(self, chosen: Chosen) -> Labels | None:
        return None if self._has_classes(chosen, None) is False else self.labels

    def is_guided(self, chosen: Chosen) -> bool:
        return self.follows_checkpoint or self.labels_told(chosen) in ("one", "all")

    def _has_classes(self, chosen: Chosen, conditions: Conditions | None) -> bool | None:
        """Whether there are classes of the score that it follows; None if that depends on data that have not been read."""
        if self.source == "learned":
            return chosen.network.is_told_classes(chosen, conditions)
        return self.source == "exact" and chosen.data.known_density and bool(chosen.data.labelled)

    def conflicts(self, chosen: Chosen, conditions: Conditions | None) -> Iterator[Message]:
        yield from self.path_conflicts(chosen)
        yield from self._mask_conflicts(chosen)
        yield from self._label_conflicts(chosen, conditions)
        if self.is_guided(chosen):
            yield from no_level("no-level-to-guide", "sampling.guidance", self.guidance_min, self.guidance_max)
        if self.mask != "none" and conditions is not None and self.known_point >= conditions.held_out:
            last = conditions.held_out - 1
            yield Message(
                "no-such-held-out-point",
                "There is no held-out point {}: there are {} ({} to {}).",
                (self.known_point, conditions.held_out, setting("sampling.inpainting_image", 0), last),
                "sampling.inpainting_image",
                (Edit(f"Use {last}", {"sampling.inpainting_image": last}),),
            )
        yield from self.score_conflicts(chosen)

    def path_conflicts(self, chosen: Chosen) -> Iterator[Message]:
        """Return the conflicts with the noise."""
        yield from ()

    def score_conflicts(self, chosen: Chosen) -> Iterator[Message]:
        """Return the conflicts because of which the score that it follows does not exist."""
        if self.source == "exact" and not chosen.data.known_density:
            yield no_exact_score(chosen, "sampling.source")
        if self.source == "empirical" and not chosen.noise.has_noise:
            yield instead(
                "no-score-of-points",
                "Without noise the training set has no score: choose a noise, or {}.",
                (),
                "sampling.source",
                "learned",
            )

    def _mask_conflicts(self, chosen: Chosen) -> Iterator[Message]:
        if self.mask != "none" and not chosen.noise.has_noise:
            yield instead(
                "inpainting-without-noise",
                "Inpainting needs noise, but {}: choose a noise, or {}.",
                (setting("noise.kind", chosen.noise.kind),),
                "sampling.inpainting_mask",
                "none",
            )
        if self.mask == "frame" and not chosen.data.images:
            yield Message(
                "no-frame-of-points",
                "Points of the plane have no middle to cut out: choose {}.",
                (setting("sampling.inpainting_mask", "left", "top"),),
                "sampling.inpainting_mask",
                (Edit("Use none", {"sampling.inpainting_mask": "none"}),),
            )

    def _label_conflicts(self, chosen: Chosen, conditions: Conditions | None) -> Iterator[Message]:
        # Most points have no classes. The settings for images stay until images are chosen again.
        told = self._has_classes(chosen, conditions)
        if self.labels == "none" or (self.source != "learned" and not told):
            return
        if not chosen.data.images and not chosen.data.labelled and not told:
            return
        asked = (
            setting("sampling.labels", "one") if self.labels == "one" else setting("sampling.guidance", self.guidance)
        )
        if (self.labels == "one" or (self.guidance and not self.follows_checkpoint)) and told is False:
            yield instead(
                "told-no-classes",
                "The network has no classes, so {} would change nothing: choose {}, or another network on data with classes.",
                (asked,),
                "sampling.labels",
                "none",
            )
        there = () if conditions is None else conditions.classes_of(self.source)
        if self.labels == "one" and there and self.label not in there:
            nearest = min(there, key=lambda known: abs(known - self.label))
            yield Message(
                "no-such-class",
                "{} is not a class of these data: choose {}.",
                (setting("sampling.label", self.label), _some_of(there)),
                "sampling.label",
                (Edit(f"Use class {nearest}", {"sampling.label": nearest}),),
            )

    def without_effect(self, given: Given) -> Iterator[Message]:
        label, guidance = setting("sampling.label", self.label), setting("sampling.guidance", self.guidance)
        if not given.conditions.classes_of(self.source):
            one = setting("sampling.labels", "one") if self.labels == "one" else None
            alone = self.guidance and not self.follows_checkpoint
            asked = one or (label if self.label else guidance if alone else None)
            why = Message("no-classes", "the network has no classes; choose data with classes and another network")
            if self.source == "exact":
                why = Message("no-classes", "the exact score has no classes; choose a toy with classes")
            elif self.source == "empirical":
                learned = setting("sampling.source", "learned")
                why = Message("no-classes", "the {} score has no classes; choose {}", (self.source, learned))
        elif self.label and self.labels != "one":
            present, wanted = setting("sampling.labels", self.labels), setting("sampling.labels", "one")
            asked, why = label, Message("other-classes", "{}; choose {}", (present, wanted))
        elif self.guidance and self.labels == "none" and not self.follows_checkpoint:
            present, wanted = setting("sampling.labels", "none"), setting("sampling.labels", "all", "one")
            asked, why = guidance, Message("other-classes", "{}; choose {}", (present, wanted))
        else:
            return
        if asked is not None:
            yield Message("without-effect", "{} changes nothing: {}.", (asked, why), asked.key)

    @property
    def starts_at(self) -> Literal["noise", "box", "data"]:
        return "box" if self.start == "uniform" or (self.start == "auto" and self.starts_in_box) else "noise"

    def start_of_run(self, given: Given) -> "Start":
        from playground.data.box import data_box
        from playground.theory.starts import UniformStart

        if self.starts_at == "box":
            return UniformStart(*data_box(given.train, given.density))
        return self.prior_of_run(given)

    @property
    def starts_in_box(self) -> bool:
        """Whether its usual start is uniform over the data's box, as it has no prior."""
        return False

    def prior_of_run(self, given: Given) -> "Start":
        """Return the Gaussian with the moments of the data, smoothed by the coarsest noise of the run."""
        import torch

        from playground.theory.noise import GaussianPrior

        mean = torch.zeros(given.shape, device=given.device)
        return GaussianPrior(mean, math.sqrt(1.0 + self.noise_of_run(given) ** 2))


def _some_of(classes: tuple[int, ...]) -> str:
    """The classes in words for a choice: "one from 0 to 9", or each of them if some are missing."""
    if len(classes) > 1 and classes == tuple(range(classes[0], classes[-1] + 1)):
        return f"one from {classes[0]} to {classes[-1]}"
    if len(classes) > MOST_CLASSES:
        return f"one of the {len(classes)} from {', '.join(map(str, classes[:MOST_CLASSES]))} to {classes[-1]}"
    *most, last = map(str, classes)
    return f"{', '.join(most)} or {last}" if most else last
