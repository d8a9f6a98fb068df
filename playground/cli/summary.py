"""The figures that ``score-playground run`` prints, one a line. Their names, units and floors are those of the window."""

from typing import Any

from playground.cli.reporting import number, say, warn, with_error
from playground.cli.results import cost_in_words
from playground.lab.error_budget import PARTS
from playground.lab.figures import FIGURES
from playground.lab.memorization import nearness
from playground.lab.problem import Problem
from playground.lab.settings import LOG_P_OF

TAKEN = {
    "sliced_wasserstein2": "sliced_wasserstein2_points",
    "wasserstein2": "wasserstein2_points",
    "tilted_sliced_wasserstein2": "tilted_points",
    "tilted_kl": "tilted_kl_points",
    "energy_distance": "two_sample_points",
    "mmd_squared": "two_sample_points",
    "classifier_accuracy": "two_sample_points",
}
"""Figures of samples and data, with the key of how many there were of each."""
PATHS = ("path_energy", "normalized_path_energy", "straightness", "one_step_wasserstein2", "many_steps_wasserstein2")


def print_figures(measured: dict[str, Any], problem: Problem) -> None:
    """Print the main figures of ``metrics.json``, those that are known."""
    if measured.get("final_loss") is not None:
        best = f" (optimal {_value(measured, 'optimal_loss')})" if measured["optimal_loss"] is not None else ""
        _line("final loss", f"{_value(measured, 'final_loss')}{best}")
    _print_likelihoods(measured, problem)
    length = " in the data's unit" if problem.units.isotropic else " in the geometric mean of the columns' units"
    if measured.get("sliced_wasserstein2") is None:
        _line("samples and data", f"not compared: {measured['reasons']['sliced_wasserstein2']}")
    else:
        _line("reference set", measured["reference_set"])
    for key, points in TAKEN.items():
        if measured.get(key) is not None:
            samples, data = measured[points]
            text = f"{_with_floor(measured, key)}{length if FIGURES[key].unit == 'data' else ''}"
            if key == "wasserstein2":
                squared, floor = measured["wasserstein2_squared"], measured["wasserstein2_squared_floor"]
                text += f", squared {squared:.4g} (floor {floor:.4g})"
            _line(FIGURES[key].title, f"{text}, {samples:,} samples beside {data:,} data")
    if measured.get("budget_total") is not None:
        # The score's factor is 1 in every experiment that is no mistake on purpose.
        keys = [f"budget_{part}" for part in PARTS if part != "score_factor" or measured["budget_score_factor"]]
        parts = ", ".join(f"{FIGURES[key].title} {_value(measured, key)}" for key in keys)
        runs = f"in {measured['budget_points'][0]} other runs"
        _line(FIGURES["budget_total"].title, f"{_value(measured, 'budget_total')}, of which {parts}; {runs}")
    for key in PATHS:
        if measured.get(key) is not None:
            _line(FIGURES[key].title, _with_floor(measured, key))
    _line(FIGURES["nfe_mean"].title, cost_in_words(measured))
    near = nearness(measured)
    if near is not None:
        share, other = (
            f"{100 * measured[key]:.1f} ± {100 * measured[f'{key}_standard_error']:.1f} %"
            for key in ("memorized_share", "memorized_share_held_out")
        )
        text = f"{share} of the samples, {other} of fresh points: {near}"
        _line(FIGURES["memorized_share"].title, text)
    if measured.get("mode_weights") is not None:
        _line(FIGURES["mode_weights"].title, _weights(measured))


def _print_likelihoods(measured: dict[str, Any], problem: Problem) -> None:
    flow = measured.get("likelihood_nfe_mean") is not None
    source = LOG_P_OF[problem.experiment.likelihood.source if flow else "learned"]
    count = measured.get("test_points")
    points = "1 held-out point" if count == 1 else f"{count} held-out points"
    if problem.dataset.biased_split:
        points += ", of another distribution than all rows, because duplicates are held out together"
    same = "mean of log p data - log p {} at the same points"
    smoothing = "by the finest sigma: a perfect model has it too"
    if problem.density is None:
        smoothing += "; estimated from thin parts, without sharp edges"
    if measured.get("density") is not None:
        _line(f"log p {source}", f"of {measured['density']}")
    about = {
        "test_nll": f"mean of -log p {source} at {points}",
        "train_nll": "the same at training points; far lower if these are memorized",
        "energy_nll": "",
        "optimal_nll": "of a perfect model: the data smoothed alike, same points",
        "entropy": "the expected NLL of a perfect model without smoothing",
        "kernel_nll": "the same by a kernel density of the training points, which needs no network",
        "kl": f"{same.format(source)}: less noisy than NLL - entropy",
        "kl_of_smoothing": smoothing,
        "kernel_kl": same.format("of a kernel density"),
        "energy_kl": f"{same.format('model')}, smoothed by the finest sigma",
        "log_partition": "",
        "bits_per_dim": "",
    }
    # Without a flow the figures are the energy's, which are printed once.
    left_out = set() if flow else {"test_nll", "train_nll", "kl", "kl_of_smoothing"}
    if measured.get("test_nll") is None:
        left_out.add("optimal_nll")
    for key, what in about.items():
        if measured.get(key) is not None and key not in left_out:
            unit = " nats" if FIGURES[key].unit == "nat" else ""
            why = _why_no_error(measured, key)
            _line(FIGURES[key].title, f"{_value(measured, key) + unit:<24}  {what}{why}".rstrip())
    warn(measured.get("energy_note"))


def _line(title: str, text: str) -> None:
    say(f"{title:>24}  {text}")


def _error_key(measured: dict[str, Any], key: str) -> str:
    """The key of a figure's error; "" if it has none."""
    return next((name for name in (f"{key}_standard_error", f"{key}_error") if name in measured), "")


def _value(measured: dict[str, Any], key: str) -> str:
    """A figure with its error, if it has one."""
    error = _error_key(measured, key)
    if not error:
        return number(measured[key])
    if measured[error] is None:
        return f"{number(measured[key])} ± unknown"
    return with_error(measured[key], measured[error])


def _why_no_error(measured: dict[str, Any], key: str) -> str:
    error = _error_key(measured, key)
    return f" ({measured['reasons'][error]})" if error and measured[error] is None else ""


def _with_floor(measured: dict[str, Any], key: str) -> str:
    """A figure with its error, and its floor with the deviation, if there are any."""
    words, spread = FIGURES[key], measured.get(f"{key}_floor_std")
    text = _value(measured, key) if _error_key(measured, key) else f"{measured[key]:.4g}"
    floor = measured.get(words.floor_key) if words.floor_key else words.floor
    if floor is None:
        return text
    return f"{text} (floor {floor:.4g})" if spread is None else f"{text} (floor {with_error(float(floor), spread)})"


def _weights(measured: dict[str, Any]) -> str:
    """The share of the samples in each mode, with its error, and the true share if it is known."""
    shares = ", ".join(f"{share:.3f}" for share in measured["mode_weights"])
    true = measured.get("mode_weights_true") or ()
    exact = [f"{share:.3f}" for share in true]
    truth = f" (true {exact[0] + ' each' if len(set(exact)) == 1 else ', '.join(exact)})" if exact else ""
    return f"{shares} ± {max(measured['mode_weights_standard_error']):.3f}{truth}"
