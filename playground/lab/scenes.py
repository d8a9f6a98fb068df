"""Scenes: experiments that show one thing, each with a claim in words whose figures are measured.

A scene is a TOML file with a title, a claim, an experiment and the figures of the claim. A figure has a key,
the name of a column in tables of figures or one of :data:`AT_A_POINT`, the settings that are changed for it, and its claimed bounds::

    title = "Langevin gets the weights wrong"
    topic = "Langevin dynamics"
    claim = "Between two far modes the score does not know their weights: half of the particles end in each."
    measured = "right mode {langevin:.2f}, data {data:.2f}"

    [experiment]
    data.kind = "two-gaussians"
    sampling.kind = "langevin"
    sampling.source = "exact"

    [figures.langevin]
    key = "mode_weights"
    index = 0
    at_most = 0.7

A scene is data only: a file from a stranger runs no code. This module imports no torch;
:mod:`playground.lab.scene_figures` measures the figures.
"""

import dataclasses
import functools
import math
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from playground.lab import experiment as experiments
from playground.lab.claims import Claim, measured
from playground.lab.experiment import Experiment, ExperimentError
from playground.messages import Message
from playground.resources import resource
from playground.user_errors import message_of

AT_A_POINT = ("log_prob", "prior_term", "trace_term", "exact_log_prob")
"""Keys of a figure that has a `point`: parts of the point's log-likelihood by the probability flow, in nats."""
PLACES = ("denoised", "flow_to_data", "flow_to_noise")
"""Keys of a place that belongs to a `point`, in the user's units; `index` says which coordinate. It is the denoised
estimate of a point with noise of level `sigma`, or the end of the probability flow from a point: from noise to the data,
or from data to the noise."""
AT_PLACES = ("score_error_at_data", "score_error_in_box")
"""Keys of the learned score's relative error at the finest noise level: at noised held-out points, or at uniform points of
their bounding box."""
FIELDS = ("matching_loss", "matching_loss_of_opposite", "misprinted_loss", "misprinted_loss_of_opposite")
"""Keys of E[|v|²/2 ± tr ∇v] over noisy data at the finest level, per squared user unit, with the right or the misprinted
sign of the trace; the field v is the exact score s or -s."""
SPREAD = "sample_spread"
"""Key of the standard deviation of the samples over that of the data."""
HALFWAY = "halfway_log_prob"
"""Key of the log-density of the point whose latent code is halfway between those of `point` and `to`."""
INPAINTING = "inpainting_distance"
"""Key of the Kolmogorov-Smirnov distance of the inpainted coordinate from its exact distribution, given the other one."""
BOLTZMANN = ("normalizer_growth", "normalizer_years")
"""Keys of the cost of a Boltzmann machine's Z on this computer: the factor for each further unit, and years for 64 units."""
TRAINING, SAMPLING = ("final_loss", "seconds_per_step"), ("nfe_mean", "nfe_max")
FARTHEST = 1e9  # of a point
LONGEST = 100_000
"""Most characters of a file."""


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One number of a claim.

    Attributes:
        key: a name of docs/metrics.md or of its part in a table, or one of :data:`AT_A_POINT`, :data:`PLACES`, :data:`AT_PLACES`, "final_loss" or
            "seconds_per_step".
        over: a key by whose value the figure is divided.
        index: the position in the list, if the key has a list.
        sigma: for a list along sigma: take the value at the noise level nearest to this one, in the user's units; for
            "denoised": the noise level of the point.
        point: in the user's units, for keys of :data:`AT_A_POINT` and :data:`PLACES`, and of :data:`HALFWAY`.
        to: a second point, for :data:`HALFWAY`.
        settings: settings that are changed for the figure, by section as in `experiment`.
        at_least, at_most: the claimed bounds; without either the figure is only reported.
        ratio_to, difference_from: another figure of the scene; the claim is about the ratio to it or the difference.
    """

    key: str
    over: str = ""
    index: int | None = None
    sigma: float | None = None
    point: tuple[float, float] | None = None
    to: tuple[float, float] | None = None
    settings: dict[str, Any] = {}
    at_least: float | None = None
    at_most: float | None = None
    ratio_to: str = ""
    difference_from: str = ""


class SceneFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contents of a scene's file.

    Attributes:
        title: a few words.
        topic: the heading under which it is listed.
        claim: one or two sentences that say what is seen and why.
        measured: a line with the figures by their names in braces, with Python's formats.
        experiment: settings by section; settings that are not given have their defaults.
        figures: the figures by name.
        weights: the name of a session that ships with the program: its weights take the place of a training.
    """

    title: str
    topic: str
    claim: str
    measured: str
    experiment: dict[str, Any]
    figures: dict[str, Figure]
    weights: str = ""

    @property
    def settings(self) -> Experiment:
        """The experiment that it shows."""
        return experiments.from_file(self.experiment, Experiment())

    def settings_of(self, figure: Figure) -> Experiment:
        """The experiment of a figure."""
        return experiments.from_file(figure.settings, self.settings)


@dataclass(frozen=True)
class MeasuredScene:
    """The figures of a scene as far as they are measured.

    Attributes:
        values: by the figures' names; nan if a figure is not known.
        errors: the standard errors of those figures for which they are known.
    """

    scene: SceneFile
    values: Mapping[str, float]
    errors: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether all figures are measured."""
        return self.values.keys() >= self.scene.figures.keys()

    @property
    def text(self) -> str:
        """The scene's line of figures; those that are not measured yet are "…"."""
        return filled_in(self.scene.measured, dict.fromkeys(self.scene.figures, _NotYet()) | dict(self.values))

    @property
    def failed(self) -> tuple[str, ...]:
        """The claims that do not hold; none before all figures are measured."""
        found = measured(claims(self.scene, lambda: self)) if self.complete else ()
        return tuple(claim.what for claim in found if not claim.holds)


def claims(scene: SceneFile, result: Callable[[], MeasuredScene]) -> list[Claim]:
    """The claims of a scene about its figures; one without bounds is only measured.

    Args:
        result: returns the measured scene, each time the same.
    """

    def value(name: str, figure: Figure) -> float:
        values = result().values
        if figure.difference_from:
            return values[name] - values[figure.difference_from]
        other = values[figure.ratio_to] if figure.ratio_to else 1.0
        return values[name] / other if other else math.nan

    made = []
    for name, figure in scene.figures.items():
        of = f" over {figure.ratio_to}" if figure.ratio_to else ""
        of += f" less {figure.difference_from}" if figure.difference_from else ""
        low = -math.inf if figure.at_least is None else figure.at_least
        high = math.inf if figure.at_most is None else figure.at_most
        made.append(
            Claim(f"{scene.title}. {scene.claim}", name + of, functools.partial(value, name, figure), high, low)
        )
    return made


def bundled() -> dict[str, Path]:
    """The scenes that ship with the program, by name, in the gallery's order."""
    return {path.stem.partition("-")[2]: path for path in sorted(resource("scenes").glob("*.toml"))}


@functools.cache
def load_bundled() -> dict[str, SceneFile]:
    """Read all of them, once. They are not checked, as the tests do that: it would hold up the window."""
    return {name: read(path) for name, path in bundled().items()}


def bundled_weights() -> dict[str, Path]:
    """The sessions with weights that ship with the program, by name."""
    return {path.stem: path for path in sorted(resource("checkpoints").glob("*.spg"))}


def load(path: Path) -> SceneFile:
    """Read a scene and check that it can be run and measured.

    Raises:
        ExperimentError: as :func:`read`, or for a scene that cannot; the sentence says why.
    """
    scene = read(path)
    try:
        check(scene)
    except (ExperimentError, KeyError, IndexError, ValueError) as error:
        raise ExperimentError(Message("in-a-scene", "{}: {}", (path.name, message_of(error)))) from None
    return scene


def read(path: Path) -> SceneFile:
    """Read a scene without checking its experiment.

    Raises:
        ExperimentError: the file cannot be read, or is not a scene.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(LONGEST + 1)
        if len(text) > LONGEST:
            raise ExperimentError(f"{path.name} has more than {LONGEST:,} characters, which no scene needs.")
        scene = msgspec.convert(tomllib.loads(text), SceneFile)
    except OSError as error:
        raise ExperimentError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise ExperimentError(f"{path.name} is no scene: {str(error).splitlines()[0].rstrip('.')}.") from None
    return scene


def check(scene: SceneFile) -> None:
    """Refuse a scene that could not be measured.

    Raises:
        ExperimentError: a figure or its settings are not possible.
    """
    settings = scene.settings
    if scene.weights and scene.weights not in bundled_weights():
        raise ExperimentError(f"weights names {scene.weights}; there is {', '.join(bundled_weights())}.")
    for name, figure in scene.figures.items():
        if figure.settings:
            experiments.from_file(figure.settings, settings)
        if not name.isidentifier():
            raise ExperimentError(f"figures.{name}: the name of a figure is of letters, digits and _.")
        if (figure.key in (*AT_A_POINT, *PLACES, HALFWAY)) != (figure.point is not None):
            keys = ", ".join((*AT_A_POINT, *PLACES, HALFWAY))
            raise ExperimentError(f"figures.{name} needs a point exactly where its key is {keys}.")
        if (figure.key == HALFWAY) != (figure.to is not None):
            raise ExperimentError(f"figures.{name} needs `to`, a second point, exactly where its key is {HALFWAY}.")
        if not all(abs(value) <= FARTHEST for value in (*(figure.point or ()), *(figure.to or ()))):
            raise ExperimentError(f"figures.{name}.point is too far away.")
        if figure.key in PLACES and figure.index not in (0, 1):
            raise ExperimentError(f"figures.{name} is a coordinate of a place: its index is 0 or 1.")
        if figure.key == "denoised" and figure.sigma is None:
            raise ExperimentError(f"figures.{name} needs sigma, the noise level of its point.")
        if figure.sigma is not None and not figure.sigma > 0:
            raise ExperimentError(f"figures.{name}.sigma must be above 0.")
        for other in (figure.ratio_to, figure.difference_from):
            if other and other not in scene.figures:
                raise ExperimentError(f"figures.{name} names {other}, which is no figure of this scene.")
    check_fields(scene.measured, scene.figures, "measured")


def check_fields(text: str, names: Collection[str], what: str) -> None:
    """Refuse a text whose fields are not in `names`, or have more than a plain number format.

    >>> check_fields("right {share:.2f}, all {all:.0%}", {"share", "all"}, "measured")

    Raises:
        ExperimentError: the text has other fields, or single braces.
    """
    for field in re.findall(r"\{([^{}:]*)[^{}]*\}", text):
        if field not in names:
            raise ExperimentError(f"{what} names {field or 'nothing'}; there is {', '.join(names)}.")
    if re.search(r"[{}]", re.sub(r"\{[^{}:]*(:\.?\d?[efg%]?)?\}", "", text)):
        raise ExperimentError(f"{what} may write a number as {{name:.2f}}: a digit for the places, and e, f, g or %.")


def filled_in(text: str, values: Mapping[str, float | str]) -> str:
    """A text with numbers, or what is written for them, in place of its fields; its minus signs are true ones.

    >>> filled_in("log p {log_p:.2f} by DPM-Solver++", {"log_p": -0.5})
    'log p −0.50 by DPM-Solver++'
    """
    return re.sub(r"(?<!\w)-(?=\d)", "−", text.format(**values))


class _NotYet(float):
    """The place of a number that is not measured yet."""

    def __format__(self, spec: str) -> str:
        return "…"
