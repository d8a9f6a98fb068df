"""The figures that a step of a lesson measures: which they are, and their place in a text.

A figure has a key, the name of a column in tables of figures or one of those below, the settings that are changed for it, and
its claimed bounds. :mod:`playground.lab.step_measuring` measures it. This module imports no torch.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from playground.lab import experiment as experiments
from playground.lab.experiment import Experiment, ExperimentError

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
FARTHEST = 1e9  # of a point


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One number that is measured.

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
        at_least, at_most: the claimed bounds, infinite where there is none; without either the figure is only reported.
        ratio_to, difference_from: another figure of the step; the claim is about the ratio to it or the difference.
    """

    key: str
    over: str = ""
    index: int | None = None
    sigma: float | None = None
    point: tuple[float, float] | None = None
    to: tuple[float, float] | None = None
    settings: dict[str, Any] = {}
    at_least: float = -math.inf
    at_most: float = math.inf
    ratio_to: str = ""
    difference_from: str = ""

    @property
    def bounds(self) -> tuple[float, float]:
        """The greatest and the least value that it may have, as those of a claim."""
        return self.at_most, self.at_least


def check_figures(figures: Mapping[str, Figure], settings: Experiment) -> None:
    """Refuse figures that could not be measured.

    Args:
        settings: those that the settings of a figure change.

    Raises:
        ExperimentError: a figure or its settings are not possible.
    """
    for name, figure in figures.items():
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
            if other and other not in figures:
                raise ExperimentError(f"figures.{name} names {other}, which is no figure of this step.")


def check_fields(text: str, names: Collection[str]) -> None:
    """Refuse an explanation whose fields are not in `names`, or have more than a plain number format.

    >>> check_fields("right {share:.2f}, all {all:.0%}", {"share", "all"})

    Raises:
        ExperimentError: the text has other fields, or single braces.
    """
    for field in re.findall(r"\{([^{}:]*)[^{}]*\}", text):
        if field not in names:
            raise ExperimentError(f"its explanation names {field or 'nothing'}; there is {', '.join(names)}.")
    if re.search(r"[{}]", re.sub(r"\{[^{}:]*(:\.?\d?[efg%]?)?\}", "", text)):
        raise ExperimentError(
            "its explanation may write a number as {name:.2f}: a digit for the places, and e, f, g or %."
        )


def filled_in(text: str, values: Mapping[str, float], number: Callable[[float], str]) -> str:
    """A text with numbers in place of its fields, and "…" for those that are not known; its minus signs are true ones.

    Args:
        number: writes the value of a field without a format.

    >>> filled_in("log p {log_p:.2f} by DPM-Solver++, {steps} steps of {all}", {"log_p": -0.5, "steps": 9}, str)
    'log p −0.50 by DPM-Solver++, 9 steps of …'
    """

    def written(field: re.Match[str]) -> str:
        name, _, form = field[1].partition(":")
        if name not in values:
            return "…"
        return format(values[name], form) if form else number(values[name])

    return re.sub(r"(?<!\w)-(?=\d)", "−", re.sub(r"\{([^{}]*)\}", written, text))
