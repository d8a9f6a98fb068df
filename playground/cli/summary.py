"""The figures that ``score-playground run`` prints, one a line. Their names, units and floors are those of the window."""

from playground.cli.reporting import number, say, warn, with_error
from playground.cli.results import cost_in_words
from playground.lab.figures import FIGURES, sorts_of
from playground.lab.figures.parts import PARTS
from playground.lab.measured import Figures
from playground.lab.memorization import nearness
from playground.lab.problem import Problem
from playground.lab.settings import LOG_P_OF


def print_figures(measured: Figures, problem: Problem) -> None:
    """Print the main figures of ``metrics.json``, those that are known."""
    if measured.value("final_loss") is not None:
        best = f" (optimal {_value(measured, 'optimal_loss')})" if measured.value("optimal_loss") is not None else ""
        _line("final loss", f"{_value(measured, 'final_loss')}{best}")
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
            text = _with_floor(measured, key) + {"nat": " nats", "data": length}.get(spec.unit, "")
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
        _line(FIGURES["memorized_share"].title, f"{_with_floor(measured, 'memorized_share')}: the samples are {near}")


def _test_set(count: int, problem: Problem) -> str:
    points = "1 held-out point" if count == 1 else f"{count} held-out points"
    biased = ", of another distribution than all rows, because duplicates are held out together"
    return points + (biased if problem.dataset.biased_split else "")


def _line(title: str, text: str) -> None:
    say(f"{title:>24}  {text}")


def _value(measured: Figures, key: str) -> str:
    """A figure with its error, if it has one; several shares with the largest of theirs."""
    figure = measured.known(key)
    value, error = figure.value, figure.error
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return ", ".join(f"{share:.3f}" for share in value) + (f" ± {max(error):.3f}" if error else "")
    if error is not None:
        return with_error(value, error)
    text = number(value) if FIGURES[key].unit == "nat" else f"{value:.4g}"
    return f"{text} ± unknown" if figure.reason else text


def _with_floor(measured: Figures, key: str) -> str:
    """A figure with its error, and its floor with the deviation, if there are any."""
    text, (floor, spread), beside = _value(measured, key), measured.floor(key), FIGURES[key].beside
    if floor is None:
        return text
    if isinstance(floor, tuple):
        exact = [f"{share:.3f}" for share in floor]
        return f"{text} ({beside} {exact[0] + ' each' if len(set(exact)) == 1 else ', '.join(exact)})"
    return f"{text} ({beside} {f'{floor:.4g}' if spread is None else with_error(float(floor), spread)})"
