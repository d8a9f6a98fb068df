"""The columns of the run table: their texts, sort orders and explanations."""

import math
from collections.abc import Callable

from playground.app.model.pinned_runs import WAITING, KnownRun, is_measured
from playground.app.style.figure_words import beside_floor, decimal, number_in_words, shares_in_words
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_count, format_number
from playground.app.widgets.table import TableColumn
from playground.lab.figures import FIGURES
from playground.lab.measured import Figures

FEW_MODES = 3  # number of modes whose weights are shown side by side


def is_at_floor(figures: Figures) -> bool:
    """Whether W2 is within the standard deviation of a perfect sampler's."""
    names = ("wasserstein2", "wasserstein2_floor", "wasserstein2_floor_std")
    distance, floor, spread = map(figures.number, names)
    return distance is not None and floor is not None and spread is not None and distance <= floor + spread


def _near_floor(figures: Figures) -> str:
    said = beside_floor(figures, "wasserstein2")
    near = " Within its deviation: as near as a perfect sampler." if is_at_floor(figures) else ""
    return said and f"{FIGURES['wasserstein2'].title} {said}.{near}"


def _ratio(figures: Figures) -> str:
    ratio = figures.number("wasserstein2_over_floor")
    return "" if ratio is None else decimal(ratio, 2) if ratio < 9.995 else format_number(ratio)


def _share(share: float) -> str:
    """A share in few characters: ``.51``."""
    text = f"{share:.2f}"
    return text[1:] if text.startswith("0") else text


def _weights_and_true(figures: Figures) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return figures.value("mode_weights") or (), figures.floor("mode_weights")[0] or ()


def _off(figures: Figures) -> float | None:
    """The largest difference between a mode's weight and its true one."""
    found, true = _weights_and_true(figures)
    if not found or len(found) != len(true) or not all(map(math.isfinite, (*found, *true))):
        return None
    return max(abs(share - truth) for share, truth in zip(found, true, strict=True))


def weights(figures: Figures) -> str:
    """The fractions of the samples in the modes; of many modes the largest difference."""
    (found, _), off = _weights_and_true(figures), _off(figures)
    if 0 < len(found) <= FEW_MODES:
        return "/".join(map(_share, found))
    return "" if off is None else f"±{decimal(off, 3)[1:]}" if off < 1 else decimal(off)


def _whole_weights(figures: Figures) -> str:
    if not _weights_and_true(figures)[0]:
        return ""
    said, off = "; ".join(shares_in_words(figures, "mode_weights")[1]), _off(figures)
    return f"{said}." if off is None else f"{said}. The largest difference is {decimal(off)}."


def _nfe(figures: Figures) -> str:
    mean, most = map(figures.number, ("nfe_mean", "nfe_max"))
    if mean is None:
        return ""
    return f"{format_number(mean)} score evaluations a particle" + (
        "." if most in (None, mean) else f" in the mean, {format_number(most or 0.0)} at most."
    )


def _seconds(figures: Figures) -> str:
    seconds = figures.number("sampling_seconds")
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


def _of(
    figure: str,
    text: Callable[[Figures], str] | None = None,
    order: Callable[[Figures], float | None] | None = None,
    tip: Callable[[Figures], str] | None = None,
    missing: str | None = None,
    title: str = "",
    more: str = "",
    color: Callable[[Figures], str] = lambda figures: "text",
) -> TableColumn:
    """The column of a figure, in its words and its format.

    Args:
        missing: the figure whose absence has a reason; by default this one, "" if none has.
        more: follows its meaning.
    """
    spec, missing = FIGURES[figure], figure if missing is None else missing

    def number(figures: Figures) -> str:
        value = figures.number(figure)
        return "" if value is None else number_in_words(spec, value)

    said, told = text or number, tip or (lambda figures: beside_floor(figures, figure, True))
    key = order or (lambda figures: figures.number(figure))

    def shown(known: KnownRun) -> str:
        return said(known[1]) or ("…" if known[1].known(missing).reason == WAITING else "")

    def explained(known: KnownRun) -> str:
        _, figures = known
        if said(figures) or not missing:
            return told(figures)
        unknown = "" if is_measured(figures) else "These samples were not measured."
        return worded(figures.known(missing).reason) or unknown

    return TableColumn(
        title or spec.heading,
        shown,
        lambda known: key(known[1]),
        spec.meaning + more,
        explained,
        color=lambda known: color(known[1]),
    )


NAME = TableColumn(
    "run",
    lambda known: known[0].name,
    lambda known: known[0].name.casefold(),
    "Double-click, or F2, to rename; Return makes it the main run.",
    _trained_from,
    has_words=True,
    editor="Name of the run",
)
NFE = _of("nfe_mean", tip=_nfe, missing="")
OVER_FLOOR = _of(
    "wasserstein2_over_floor",
    _ratio,
    tip=_near_floor,
    missing="wasserstein2",
    title=FIGURES["wasserstein2_over_floor"].title.replace("/ ", "/\n"),
    color=lambda figures: "data" if is_at_floor(figures) else "text",
)
WEIGHTS = _of(
    "mode_weights",
    weights,
    _off,
    _whole_weights,
    more=" Of many modes the largest difference from the true weight is shown.",
)
FEW = (NAME, NFE, OVER_FLOOR, _of("classifier_accuracy"), WEIGHTS)
"""The columns that fit in a card."""
OWN = {
    "wasserstein2_floor": _of("wasserstein2_floor", tip=_near_floor, missing="wasserstein2"),
    "wasserstein2_over_floor": OVER_FLOOR,
    "mode_weights": WEIGHTS,
}
"""The columns of figures that differ from the others."""
COLUMNS = (
    NAME,
    TableColumn(
        "steps",
        lambda known: _count(known[0].sampler_steps),
        lambda known: known[0].sampler_steps,
        "Steps of the sampler.",
    ),
    NFE,
    _of("nfe_max", missing=""),
    *(OWN.get(key) or _of(key) for key, spec in FIGURES.items() if spec.of_runs),
    _of("sampling_seconds", _seconds, missing=""),
    TableColumn(
        "trained",
        _trained,
        lambda known: known[0].trained_steps if known[0].trained_from is None else known[0].trained_from,
        "Training steps of the weights; none for a known score.",
        _trained_from,
    ),
    TableColumn(
        "seed",
        lambda known: format_count(known[0].experiment.sampling.seed),
        lambda known: known[0].experiment.sampling.seed,
        "Seed of sampling.",
    ),
)
"""Every column."""
