"""The figures that ``score-playground run`` prints, one a line. Their names, numbers, units and floors are those of the window."""

from playground.app.style.figure_words import beside_floor, shares_in_words
from playground.app.style.number_formats import without_typography
from playground.cli.reporting import say, warn, with_error
from playground.cli.results import cost_in_words
from playground.lab.figures import FIGURES, sorts_of
from playground.lab.figures.parts import PARTS
from playground.lab.measured import Figures
from playground.lab.memorization import nearness
from playground.lab.problem import Problem
from playground.lab.settings import LOG_P_OF
from playground.messages import how_many


def print_figures(measured: Figures, problem: Problem) -> None:
    """Print the main figures of ``metrics.json``, those that are known."""
    final, optimal = map(measured.known, ("final_loss", "optimal_loss"))
    if final.value is not None:
        best = "" if optimal.value is None else f" (optimal {with_error(optimal.value, optimal.error)})"
        _line("final loss", f"{with_error(final.value, final.error)}{best}")
    by_flow = measured.value("likelihood_nfe_mean") is not None
    if measured.value("density") is not None:
        source = LOG_P_OF[problem.experiment.likelihood.source if by_flow else "learned"]
        _line(
            f"log p {source}", f"of {measured.value('density')}; at {_test_set(measured.value('test_points'), problem)}"
        )
    if measured.value("sliced_wasserstein2") is None:
        _line("samples and data", f"not compared: {measured.known('sliced_wasserstein2').reason}")
    length = " in the data's unit" if problem.units.isotropic else " in the geometric mean of the columns' units"
    # Without a flow, the figures of the test set are the energy's, whose KL is to the smoothed data.
    left_out = set() if by_flow else {"test_nll", "train_nll", "kl", "kl_of_smoothing"}
    if measured.value("budget_score_factor") == 0:  # as in every experiment that is no mistake on purpose
        left_out.add("budget_score_factor")
    for key in (key for part in PARTS for key in sorts_of(part) if key in FIGURES.keys() - left_out):
        spec, figure = FIGURES[key], measured.known(key)
        if spec.printed and figure.value is not None:
            each = (
                shares_in_words(measured, key)[1] if isinstance(figure.value, tuple) and len(figure.value) > 2 else ()
            )
            text = "; ".join(each) or beside_floor(measured, key, whole=True) + {"nat": " nats", "data": length}.get(
                spec.unit, ""
            )
            if figure.points:
                samples, data = figure.points
                text += f", {samples:,} samples beside {data:,} data"
            if spec.card in ("held out", "budget"):
                text = f"{text:<32}  {spec.meaning.partition('. ')[0].rstrip('.')}"
            _line(spec.title, f"{text} ({figure.reason})" if figure.reason else text)
    warn(measured.value("energy_note"))
    _line(FIGURES["nfe_mean"].title, cost_in_words(measured))
    near = nearness(measured)
    if near is not None:
        _line(FIGURES["memorized_share"].title, f"{beside_floor(measured, 'memorized_share')}: the samples are {near}")


def _test_set(count: int, problem: Problem) -> str:
    biased = ", of another distribution than all rows, because duplicates are held out together"
    return how_many(count, "held-out point") + (biased if problem.dataset.biased_split else "")


def _line(title: str, text: str) -> None:
    say(f"{title:>24}  {without_typography(text)}")
