"""The columns of the run table: their texts, sort orders and explanations."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playground.app.model.pinned_runs import KnownRun, is_measured
from playground.app.panels.figure import NOTHING, decimal
from playground.app.panels.measured_figure import beside_floor, number_in_words, shares_in_words
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_count, format_number
from playground.app.style.wrapping import wrapped
from playground.lab.figures import FIGURES
from playground.lab.measured import Figures

FEW_MODES = 3  # number of modes whose weights are shown side by side


@dataclass(frozen=True)
class RunColumn:
    """One column of the run table.

    Attributes:
        title: the header, in one line or two.
        meaning: the header's tooltip.
        text: returns a cell's text; "" if there is none.
        order: returns the sort value of a row; None comes last.
        more: returns the tooltip of a cell, besides the meaning.
        key: the key in metrics.json, whose absence has a reason.
        has_words: whether its cells are words, and not numbers.
    """

    title: str
    meaning: str
    text: Callable[[KnownRun], str]
    order: Callable[[KnownRun], float | str | None]
    more: Callable[[KnownRun], str] = lambda known: ""
    key: str = ""
    has_words: bool = False

    def shown(self, run: KnownRun) -> str:
        """The text of a cell."""
        return self.text(run) or NOTHING

    def tooltip(self, run: KnownRun, waiting: bool) -> str:
        """The complete figure with its error and floor, or the reason why it is missing."""
        more = self.more(run)
        if not self.text(run) and self.key:
            why = worded(run[1].known(self.key).reason) or (
                "" if is_measured(run[1]) else "These samples were not measured."
            )
            more = "These samples are being measured." if waiting else why
        return wrapped(more, self.meaning)


def is_at_floor(figures: Figures) -> bool:
    """Whether W2 is within the standard deviation of a perfect sampler's."""
    names = ("wasserstein2", "wasserstein2_floor", "wasserstein2_floor_std")
    distance, floor, spread = map(figures.number, names)
    return distance is not None and floor is not None and spread is not None and distance <= floor + spread


def _near_floor(known: KnownRun) -> str:
    said = beside_floor(known[1], "wasserstein2")
    near = " Within its deviation: as near as a perfect sampler." if is_at_floor(known[1]) else ""
    return said and f"{FIGURES['wasserstein2'].title} {said}.{near}"


def _ratio(known: KnownRun) -> str:
    ratio = known[1].number("wasserstein2_over_floor")
    return "" if ratio is None else decimal(ratio, 2) if ratio < 9.995 else format_number(ratio)


def _share(share: float) -> str:
    """A share in few characters: ``.51``."""
    text = f"{share:.2f}"
    return text[1:] if text.startswith("0") else text


def _weights_and_true(known: KnownRun) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return known[1].value("mode_weights") or (), known[1].floor("mode_weights")[0] or ()


def _off(known: KnownRun) -> float | None:
    """The largest difference between a mode's weight and its true one."""
    found, true = _weights_and_true(known)
    if not found or len(found) != len(true) or not all(map(math.isfinite, (*found, *true))):
        return None
    return max(abs(share - truth) for share, truth in zip(found, true, strict=True))


def _weights(known: KnownRun) -> str:
    (found, _), off = _weights_and_true(known), _off(known)
    if 0 < len(found) <= FEW_MODES:
        return "/".join(map(_share, found))
    return "" if off is None else f"±{decimal(off, 3)[1:]}" if off < 1 else decimal(off)


def _whole_weights(known: KnownRun) -> str:
    if not _weights_and_true(known)[0]:
        return ""
    said, off = "; ".join(shares_in_words(known[1], "mode_weights")[1]), _off(known)
    return f"{said}." if off is None else f"{said}. The largest difference is {decimal(off)}."


def _nfe(known: KnownRun) -> str:
    mean, most = map(known[1].number, ("nfe_mean", "nfe_max"))
    if mean is None:
        return ""
    return f"{format_number(mean)} score evaluations a particle" + (
        "." if most in (None, mean) else f" in the mean, {format_number(most or 0.0)} at most."
    )


def _seconds(known: KnownRun) -> str:
    seconds = known[1].number("sampling_seconds")
    return "" if seconds is None else format_number(seconds, 2)


def _count(count: int | None) -> str:
    return "" if count is None else format_count(count)


def _trained(known: KnownRun) -> str:
    run, _ = known
    return _count(run.trained_steps) if run.trained_from is None else "while training"


def _trained_from(known: KnownRun) -> str:
    run, _ = known
    if run.trained_from is None:
        return ""
    return f"Training changed its weights while it was sampled, from step {_count(run.trained_from)} on."


def _of(figure: str, **changes: Any) -> RunColumn:
    """The column of a figure, in its words and its format."""
    spec = FIGURES[figure]

    def text(known: KnownRun) -> str:
        value = known[1].number(figure)
        return "" if value is None else number_in_words(figure, value)

    made = RunColumn(
        spec.heading,
        spec.meaning,
        text,
        lambda known: known[1].number(figure),
        lambda known: beside_floor(known[1], figure, True),
        figure,
    )
    return dataclasses.replace(made, **changes)


NAME = RunColumn(
    "run",
    "Double-click, or F2, to rename; Return makes it the main run.",
    lambda known: known[0].name,
    lambda known: known[0].name.casefold(),
    _trained_from,
    has_words=True,
)
NFE = _of("nfe_mean", more=_nfe, key="")
OVER_FLOOR = _of(
    "wasserstein2_over_floor",
    title=FIGURES["wasserstein2_over_floor"].title.replace("/ ", "/\n"),
    text=_ratio,
    more=_near_floor,
    key="wasserstein2",
)
FLOOR = _of("wasserstein2_floor", more=_near_floor, key="wasserstein2")
WEIGHTS = _of(
    "mode_weights",
    meaning=f"{FIGURES['mode_weights'].meaning} Of many modes the largest difference from the true weight is shown.",
    text=_weights,
    order=_off,
    more=_whole_weights,
)
FEW = (NAME, NFE, OVER_FLOOR, _of("classifier_accuracy"), WEIGHTS)
"""The columns that fit in a card."""
OWN = {
    "wasserstein2_floor": FLOOR,
    "wasserstein2_over_floor": OVER_FLOOR,
    "mode_weights": WEIGHTS,
}
"""The columns of figures that differ from the others."""
COLUMNS = (
    NAME,
    RunColumn(
        "steps",
        "Steps of the sampler.",
        lambda known: _count(known[0].sampler_steps),
        lambda known: known[0].sampler_steps,
    ),
    NFE,
    _of("nfe_max", key=""),
    *(OWN.get(key) or _of(key) for key, spec in FIGURES.items() if spec.of_runs),
    _of(
        "sampling_seconds",
        key="",
        text=_seconds,
    ),
    RunColumn(
        "trained",
        "Training steps of the weights; none for a known score.",
        _trained,
        lambda known: known[0].trained_steps if known[0].trained_from is None else known[0].trained_from,
        _trained_from,
    ),
    RunColumn(
        "seed",
        "Seed of sampling.",
        lambda known: format_count(known[0].experiment.sampling.seed),
        lambda known: known[0].experiment.sampling.seed,
    ),
)
"""Every column."""
