"""Golden values: read, written, and compared with what an experiment gives now.

Where the machine and its kernels are those that computed the golden values, every number is the same to the last bit. Elsewhere
the same sums are rounded in another order. The tolerances are ten to a hundred times what was measured then: with the kernels of
a CPU without AVX-512, of one without AVX, with torch 2.15 and numpy 2.5 in place of 2.13 and 2.4, and on a Xeon in place of an EPYC.
Trainings of a hundred steps amplify rounding little.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.golden.measuring import VALUES, Values, in_one_form, machine

POSITION = 1e-4
"""Distance of a particle, in standard deviations of the frame; measured were up to 2e-5."""
LOSS = 1e-4
"""Share of a loss; measured were up to 2e-6."""
METRIC = 1e-3
"""Share of a metric."""
NATS = 1e-5
"""Terms of the error budget, which are differences of log densities in single precision; measured were up to 5e-6."""
EVALUATIONS = 0.03
"""Share of the evaluations of an adaptive solver, which may take a step more or less for some points; measured was 0.014."""
OF_ERROR = 0.02
"""Share of a metric's standard error, for metrics near zero."""
ROUNDED = ("round_trip_error", "round_trip_log_prob_error", "log_partition_error")
"""Metrics that are rounding errors themselves: they may be ten times smaller or larger."""
COUNTED = ("memorized_share", "classifier_accuracy", "mode_weights", "class_frequencies")
"""Shares of particles, of which one may fall to the other side."""
DRIFT = {"16-own-rows": 10.0, "21-two-sets": 100.0}
"""Factors on the tolerances, by experiment. With a loose tolerance the solver takes another step for the worst of a few points, whose
round trip is then 27 times as far off. Optimal transport joins a few points otherwise where two ways cost almost the same."""


@dataclass(frozen=True)
class Golden:
    """The recorded values of an experiment.

    Args:
        python: what `import playground` gives.
        command: the metrics that the command line writes besides, or in another way.
        machine: what computed them.
    """

    python: Values
    command: dict[str, Any]
    machine: dict[str, Any]

    @property
    def by_command(self) -> Values:
        """What the command line gives."""
        return Values(self.python.arrays, None, in_one_form(self.python.metrics | self.command))


def write(name: str, python: Values, command: Values | None) -> None:
    """Write the values of an experiment, with the machine that computed them."""
    metrics = {} if command is None else command.metrics
    text = {
        "machine": machine(),
        "losses": python.losses,
        "metrics": python.metrics,
        "command": {key: value for key, value in metrics.items() if value != python.metrics.get(key, "none")},
    }
    VALUES.mkdir(exist_ok=True)
    (VALUES / f"{name}.json").write_text(json.dumps(text, indent=1) + "\n", "utf-8")
    arrays: dict[str, Any] = python.arrays
    np.savez_compressed(VALUES / f"{name}.npz", **arrays)


def read(name: str) -> Golden:
    """The values that were written."""
    text = json.loads((VALUES / f"{name}.json").read_text("utf-8"))
    with np.load(VALUES / f"{name}.npz", allow_pickle=False) as arrays:
        losses = {int(step): loss for step, loss in text["losses"].items()}
        python = Values(dict(arrays), losses, in_one_form(text["metrics"]))
    return Golden(python, text["command"], text["machine"])


def tolerance(name: str, golden: Golden) -> float:
    """The factor on all tolerances: 0 where the values must be the same to the last bit."""
    return 0.0 if golden.machine == machine() else DRIFT.get(name, 1.0)


def differences(golden: Values, found: Values, factor: float) -> list[str]:
    """Every value that is another one, that is missing or that is new, in words.

    Args:
        factor: on the tolerances, see :func:`tolerance`.
    """
    return [
        *_missing("array", golden.arrays, found.arrays),
        *_missing("metric", golden.metrics, found.metrics),
        *_other_arrays(golden.arrays, found.arrays, factor),
        *_other_losses(golden.losses, found.losses, factor),
        *_other_metrics(golden.metrics, found.metrics, factor),
    ]


def _missing(what: str, golden: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"the {what} {name} is missing" for name in golden if name not in found)
    yield from (f"the {what} {name} is new" for name in found if name not in golden)


def _other_arrays(golden: Mapping[str, np.ndarray], found: Mapping[str, np.ndarray], factor: float) -> Iterator[str]:
    for name in [name for name in golden if name in found]:
        one, other = golden[name], found[name]
        if one.shape != other.shape:
            yield f"the array {name} has shape {other.shape}, and had {one.shape}"
            continue
        unit = one.std(0).mean() if one.ndim > 1 else _largest(one)
        if not np.allclose(one, other, rtol=0, atol=factor * POSITION * unit, equal_nan=True):
            yield f"the array {name} is another one by up to {_largest(one - other):.3g}, its unit being {unit:.3g}"


def _largest(array: np.ndarray) -> float:
    """The largest size of its numbers, without those that are none."""
    return float(np.abs(np.nan_to_num(array)).max(initial=0.0))


def _other_losses(
    golden: Mapping[int, float] | None, found: Mapping[int, float] | None, factor: float
) -> Iterator[str]:
    if golden is None or found is None or golden == found:
        return
    last = max(golden, default=None)
    if max(found, default=None) != last:
        yield f"training ends at step {max(found, default=None)}, and ended at {last}"
    # Reports may come at other steps in another program; the last one has all losses.
    for step in golden.keys() & found.keys():
        # The mean over more than one report is rounded otherwise where these come at other steps.
        if abs(golden[step] - found[step]) > max(LOSS * factor, 1e-6) * abs(golden[step]):
            yield f"the loss up to step {step} is {found[step]}, and was {golden[step]}"


def _other_metrics(golden: Mapping[str, Any], found: Mapping[str, Any], factor: float) -> Iterator[str]:
    for name in [name for name in golden if name in found]:
        one, other = golden[name], found[name]
        if one == other:
            continue
        if not (_is_number(one) and _is_number(other) and np.shape(one) == np.shape(other)):
            yield f"the metric {name} is {other}, and was {one}"
            continue
        first, second = np.array(one, dtype=float), np.array(other, dtype=float)
        if (np.abs(first - second) > factor * _allowed(name, first, golden)).any():
            yield f"the metric {name} is {other}, and was {one}"


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and np.array(value).dtype.kind in "if"


def _allowed(name: str, value: np.ndarray, metrics: Mapping[str, Any]) -> np.ndarray:
    """How far a metric may be from its golden value."""
    if name in ROUNDED:
        return np.asarray(9 * np.abs(value))
    if name.endswith("_standard_error") and name.removesuffix("_standard_error") in COUNTED:
        return np.asarray(np.abs(value))  # which the share decides
    if name in COUNTED:
        return np.full(value.shape, 1.0 / metrics["sliced_wasserstein2_points"][0])
    if name == "likelihood_nfe_mean":
        return np.asarray(EVALUATIONS * np.abs(value))
    error = metrics.get(f"{name}_standard_error") or metrics.get(f"{name}_std")
    least = NATS if name.startswith("budget_") else 0.0
    return np.asarray(least + METRIC * np.abs(value) + OF_ERROR * np.array(0.0 if error is None else error))
