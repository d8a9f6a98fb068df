"""The columns of the run table: their texts, sort orders and explanations."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playground.app.model.pinned_runs import PinnedRun
from playground.app.panels.figure import NOTHING, beside_floor, decimal
from playground.app.style.labels import worded
from playground.app.style.number_formats import (
    format_count,
    format_number,
    format_percent_with_error,
)
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
        widest: a text that the column has room for.
        has_words: whether its cells are words, and not numbers.
    """

    title: str
    meaning: str
    text: Callable[[PinnedRun], str]
    order: Callable[[PinnedRun], float | str | None]
    more: Callable[[PinnedRun], str] = lambda run: ""
    key: str = ""
    widest: str = ""
    has_words: bool = False

    def shown(self, run: PinnedRun) -> str:
        """The text of a cell."""
        return self.text(run) or NOTHING

    def tooltip(self, run: PinnedRun, waiting: bool) -> str:
        """The complete figure with its error and floor, or the reason why it is missing."""
        more = self.more(run)
        if not self.text(run) and self.key:
            why = worded(run.why_missing(self.key)) or ("" if run.is_measured else "These samples were not measured.")
            more = "These samples are being measured." if waiting else why
        return wrapped(more, self.meaning)


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else format_number(value, digits)


def _ratio(run: PinnedRun) -> str:
    ratio = run.over_floor
    return "" if ratio is None else decimal(ratio, 2) if ratio < 9.995 else format_number(ratio)


def _distance(run: PinnedRun) -> str:
    said = beside_floor(run.figures, "wasserstein2")
    near = " Within its deviation: as near as a perfect sampler." if run.is_at_floor else ""
    return said and f"W₂ {said}.{near}"


def _accuracy(run: PinnedRun) -> str:
    accuracy = run.figure("classifier_accuracy")
    return "" if accuracy is None else f"{100 * accuracy:.0f} %"


def _whole_accuracy(run: PinnedRun) -> str:
    accuracy, error = (run.figure(f"classifier_accuracy{end}") for end in ("", "_standard_error"))
    return "" if accuracy is None else f"{format_percent_with_error(accuracy, error or 0.0)}, floor 50 %."


def _kl(run: PinnedRun) -> str:
    kl = run.figure("kl")
    return "" if kl is None else decimal(kl)


def _share(share: float) -> str:
    """A share in few characters: ``.51``."""
    text = f"{share:.2f}"
    return text[1:] if text.startswith("0") else text


def _off(run: PinnedRun) -> float | None:
    """The largest difference between a mode's weight and its true one."""
    found, true = run.shares("mode_weights"), run.shares("mode_weights_true")
    if not found or len(found) != len(true) or not all(map(math.isfinite, (*found, *true))):
        return None
    return max(abs(share - truth) for share, truth in zip(found, true, strict=True))


def _weights(run: PinnedRun) -> str:
    found, off = run.shares("mode_weights"), _off(run)
    if 0 < len(found) <= FEW_MODES:
        return "/".join(map(_share, found))
    return "" if off is None else f"±{decimal(off, 3)[1:]}" if off < 1 else decimal(off)


def _whole_weights(run: PinnedRun) -> str:
    found, true = run.shares("mode_weights"), run.shares("mode_weights_true")
    if not found:
        return ""
    errors = run.shares("mode_weights_standard_error") or (0.0,) * len(found)
    said = ", ".join(f"{decimal(share)} ± {decimal(error)}" for share, error in zip(found, errors, strict=True))
    largest = (
        "" if len(found) <= FEW_MODES else f" The column shows the largest difference, {decimal(_off(run) or 0.0)}."
    )
    return f"{said}; true {', '.join(map(decimal, true))}.{largest}"


def _nfe(run: PinnedRun) -> str:
    mean, most = run.nfe_mean, run.nfe_max
    if mean is None:
        return ""
    return f"{_number(mean)} score evaluations a particle" + (
        "." if most in (None, mean) else f" in the mean, {_number(most)} at most."
    )


def _count(count: int | None) -> str:
    return "" if count is None else format_count(count)


def _trained(run: PinnedRun) -> str:
    return _count(run.trained_steps) if run.trained_from is None else "while training"


def _trained_from(run: PinnedRun) -> str:
    if run.trained_from is None:
        return ""
    return f"Training changed its weights while it was sampled, from step {_count(run.trained_from)} on."


def _column(
    figure: str,
    text: Callable[[PinnedRun], str],
    order: Callable[[PinnedRun], float | str | None],
    more: Callable[[PinnedRun], str] = lambda run: "",
    key: str = "",
    widest: str = "",
) -> RunColumn:
    """A column of a figure, with its words."""
    words = FIGURES[figure]
    return RunColumn(words.heading, words.meaning, text, order, more, key, widest)


def _measured(
    key: str, text: Callable[[PinnedRun], str], more: Callable[[PinnedRun], str], widest: str = ""
) -> RunColumn:
    """A column of a figure that is one number of ``metrics.json``."""
    return _column(key, text, lambda run: run.figure(key), more, key, widest)


def _shown_number(key: str) -> Callable[[PinnedRun], str]:
    return lambda run: _number(run.figure(key))


NAME = RunColumn(
    "run",
    "Double-click, or F2, to rename; Return makes it the main run.",
    lambda run: run.name,
    lambda run: run.name.casefold(),
    _trained_from,
    has_words=True,
)
NFE = _column("nfe_mean", lambda run: _number(run.nfe_mean), lambda run: run.nfe_mean, _nfe, widest="10 000")
OVER_FLOOR = dataclasses.replace(
    _column("wasserstein2_over_floor", _ratio, lambda run: run.over_floor, _distance, "wasserstein2", "10.00"),
    title=FIGURES["wasserstein2_over_floor"].title.replace("/ ", "/\n"),
)
C2ST = _measured("classifier_accuracy", _accuracy, _whole_accuracy, "50 %")
WEIGHTS = dataclasses.replace(
    _column("mode_weights", _weights, _off, _whole_weights, "mode_weights", ".50/.50"),
    meaning=f"{FIGURES['mode_weights'].meaning} Of many modes the largest difference from the true weight is shown.",
)
FEW = (NAME, NFE, OVER_FLOOR, C2ST, WEIGHTS)
"""The columns that fit in a card."""


def all_columns(differences: Mapping[int, str]) -> tuple[RunColumn, ...]:
    """Every column.

    Args:
        differences: the differing settings of each run, by its number.
    """
    return (
        NAME,
        RunColumn(
            "steps", "Steps of the sampler.", lambda run: _count(run.sampler_steps), lambda run: run.sampler_steps
        ),
        NFE,
        _column("nfe_max", lambda run: _number(run.nfe_max), lambda run: run.nfe_max),
        _measured("wasserstein2", _shown_number("wasserstein2"), _distance),
        _measured("wasserstein2_floor", _shown_number("wasserstein2_floor"), _distance),
        OVER_FLOOR,
        _measured(
            "sliced_wasserstein2",
            _shown_number("sliced_wasserstein2"),
            lambda run: beside_floor(run.figures, "sliced_wasserstein2"),
        ),
        C2ST,
        _column("kl", _kl, lambda run: run.figure("kl"), lambda run: beside_floor(run.figures, "kl")),
        WEIGHTS,
        _column("sampling_seconds", lambda run: _number(run.seconds, 2), lambda run: run.seconds),
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
        RunColumn(
            "what differs",
            "The settings that differ among the pinned runs.",
            lambda run: differences.get(run.number, ""),
            lambda run: differences.get(run.number, ""),
            has_words=True,
        ),
    )
