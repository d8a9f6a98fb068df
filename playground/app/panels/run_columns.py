"""The columns of the run table: their texts, sort orders and explanations."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playground.app.model.pinned_runs import PinnedRun
from playground.app.panels.figure import NOTHING, decimal
from playground.app.panels.measured_figure import beside_floor, number_in_words, shares_in_words
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_count, format_number
from playground.app.style.wrapping import wrapped
from playground.lab.figures import FIGURES

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
    text: Callable[[PinnedRun], str]
    order: Callable[[PinnedRun], float | str | None]
    more: Callable[[PinnedRun], str] = lambda run: ""
    key: str = ""
    has_words: bool = False

    def shown(self, run: PinnedRun) -> str:
        """The text of a cell."""
        return self.text(run) or NOTHING

    def tooltip(self, run: PinnedRun, waiting: bool) -> str:
        """The complete figure with its error and floor, or the reason why it is missing."""
        more = self.more(run)
        if not self.text(run) and self.key:
            why = worded(run.figures.known(self.key).reason) or (
                "" if run.is_measured else "These samples were not measured."
            )
            more = "These samples are being measured." if waiting else why
        return wrapped(more, self.meaning)


def _near_floor(run: PinnedRun) -> str:
    said = beside_floor(run.figures, "wasserstein2")
    near = " Within its deviation: as near as a perfect sampler." if run.is_at_floor else ""
    return said and f"{FIGURES['wasserstein2'].title} {said}.{near}"


def _ratio(run: PinnedRun) -> str:
    ratio = run.figure("wasserstein2_over_floor")
    return "" if ratio is None else decimal(ratio, 2) if ratio < 9.995 else format_number(ratio)


def _share(share: float) -> str:
    """A share in few characters: ``.51``."""
    text = f"{share:.2f}"
    return text[1:] if text.startswith("0") else text


def _weights_and_true(run: PinnedRun) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return run.figures.value("mode_weights") or (), run.figures.floor("mode_weights")[0] or ()


def _off(run: PinnedRun) -> float | None:
    """The largest difference between a mode's weight and its true one."""
    found, true = _weights_and_true(run)
    if not found or len(found) != len(true) or not all(map(math.isfinite, (*found, *true))):
        return None
    return max(abs(share - truth) for share, truth in zip(found, true, strict=True))


def _weights(run: PinnedRun) -> str:
    (found, _), off = _weights_and_true(run), _off(run)
    if 0 < len(found) <= FEW_MODES:
        return "/".join(map(_share, found))
    return "" if off is None else f"±{decimal(off, 3)[1:]}" if off < 1 else decimal(off)


def _whole_weights(run: PinnedRun) -> str:
    if not _weights_and_true(run)[0]:
        return ""
    said, off = "; ".join(shares_in_words(run.figures, "mode_weights")[1]), _off(run)
    return f"{said}." if off is None else f"{said}. The largest difference is {decimal(off)}."


def _nfe(run: PinnedRun) -> str:
    mean, most = run.nfe_mean, run.nfe_max
    if mean is None:
        return ""
    return f"{format_number(mean)} score evaluations a particle" + (
        "." if most in (None, mean) else f" in the mean, {format_number(most or 0.0)} at most."
    )


def _count(count: int | None) -> str:
    return "" if count is None else format_count(count)


def _trained(run: PinnedRun) -> str:
    return _count(run.trained_steps) if run.trained_from is None else "while training"


def _trained_from(run: PinnedRun) -> str:
    if run.trained_from is None:
        return ""
    return f"Training changed its weights while it was sampled, from step {_count(run.trained_from)} on."


def _of(figure: str, **changes: Any) -> RunColumn:
    """The column of a figure, in its words and its format."""
    spec = FIGURES[figure]

    def text(run: PinnedRun) -> str:
        value = run.figure(figure)
        return "" if value is None else number_in_words(figure, value)

    made = RunColumn(
        spec.heading,
        spec.meaning,
        text,
        lambda run: run.figure(figure),
        lambda run: beside_floor(run.figures, figure, True),
        figure,
    )
    return dataclasses.replace(made, **changes)


NAME = RunColumn(
    "run",
    "Double-click, or F2, to rename; Return makes it the main run.",
    lambda run: run.name,
    lambda run: run.name.casefold(),
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
    RunColumn("steps", "Steps of the sampler.", lambda run: _count(run.sampler_steps), lambda run: run.sampler_steps),
    NFE,
    _of("nfe_max", key=""),
    *(OWN.get(key) or _of(key) for key, spec in FIGURES.items() if spec.of_runs),
    _of(
        "sampling_seconds",
        key="",
        text=lambda run: "" if run.seconds is None else format_number(run.seconds, 2),
    ),
    RunColumn(
        "trained",
        "Training steps of the weights; none for a known score.",
        _trained,
        lambda run: run.trained_steps if run.trained_from is None else run.trained_from,
        _trained_from,
    ),
    RunColumn(
        "seed",
        "Seed of sampling.",
        lambda run: format_count(run.experiment.sampling.seed),
        lambda run: run.experiment.sampling.seed,
    ),
)
"""Every column."""
