"""What is compared with golden values cannot be another value, nor nothing, without being named."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from tests.golden.comparing import DRIFT, differences, read, tolerance
from tests.golden.measuring import BY_COMMAND, EXPERIMENTS, TEXT, Values, machine


@pytest.fixture(scope="module")
def every() -> list[tuple[Values, float]]:
    """The values of all experiments, each with the factors on the tolerances here and elsewhere."""
    goldens = {name: read(name) for name in EXPERIMENTS}
    found = [(name, golden.python) for name, golden in goldens.items()]
    found += [(name, goldens[name].by_command) for name in BY_COMMAND]
    return [(values, factor) for name, values in found for factor in (0.0, DRIFT.get(name, 1.0))]


def test_the_same_values_are_no_difference(every: list[tuple[Values, float]]) -> None:
    for values, factor in every:
        assert differences(values, values, factor) == []


def test_rounding_is_a_difference_only_where_bits_are_compared(every: list[tuple[Values, float]]) -> None:
    for values, factor in every:
        arrays = {name: array * np.float32(1 + 2**-22) for name, array in values.arrays.items()}
        changed = [name for name, array in arrays.items() if np.nan_to_num(array).any()]
        found = differences(values, dataclasses.replace(values, arrays=arrays), factor)
        assert [line.split()[2] for line in found] == ([] if factor else changed)


def test_each_array_that_changes_is_named(every: list[tuple[Values, float]]) -> None:
    for values, factor in every:
        for name, array in values.arrays.items():
            (said,) = differences(Values({name: array}, None, {}), Values({name: array[:-1]}, None, {}), factor)
            assert said.startswith(f"the array {name} has shape")
            for changed in (array * 1.2 + 0.5, np.full_like(array, np.nan), np.zeros_like(array)):
                if not np.array_equal(changed, array, equal_nan=True):
                    (said,) = differences(Values({name: array}, None, {}), Values({name: changed}, None, {}), factor)
                    assert said.startswith(f"the array {name} is another one")


def test_one_particle_elsewhere_is_named(every: list[tuple[Values, float]]) -> None:
    for values, factor in every:
        samples = values.arrays["samples"].copy()
        samples[3] += 0.1 * samples.std(0).mean()
        moved = dataclasses.replace(values, arrays=values.arrays | {"samples": samples})
        (said,) = differences(values, moved, factor)
        assert said.startswith("the array samples is another one")


def test_each_loss_that_changes_is_named_and_a_training_of_other_length(every: list[tuple[Values, float]]) -> None:
    for values, factor in every:
        losses = values.losses or {}
        for step, loss in losses.items():
            changed = dataclasses.replace(values, losses=losses | {step: 1.05 * loss})
            (said,) = differences(values, changed, factor)
            assert f"step {step} " in said
            shorter = {earlier: loss for earlier, loss in losses.items() if earlier < step}
            assert differences(values, dataclasses.replace(values, losses=shorter), factor)


def test_each_metric_that_changes_is_missing_or_new_is_named(every: list[tuple[Values, float]]) -> None:
    for values, factor in every:
        for name, value in values.metrics.items():
            golden = {name: value, "sliced_wasserstein2_points": [40, 40]}
            for metrics in ({}, *({name: changed} for changed in others(value))):
                rest = {key: one for key, one in golden.items() if key != name}
                (said,) = differences(Values({}, None, golden), Values({}, None, rest | metrics), factor)
                assert said.startswith(f"the metric {name} is ")
            new = differences(Values({}, None, {}), Values({}, None, {name: value}), factor)
            assert new == [f"the metric {name} is new"]


def others(value: object) -> Iterator[object]:
    """Values that are not this one."""
    if value is not None:
        yield None
    if value != TEXT:
        yield TEXT
    if isinstance(value, list):
        yield value[:-1]
    elif isinstance(value, int | float):
        yield 50 * value + 50.0


def test_a_metric_near_zero_may_differ_by_a_share_of_its_error() -> None:
    golden = {"kl": 1e-5, "kl_standard_error": 0.1}
    for kl, count in ((1e-3, 0), (4e-3, 1)):
        found = differences(Values({}, None, golden), Values({}, None, golden | {"kl": kl}), 1.0)
        assert len(found) == count


def test_nothing_is_a_difference(every: list[tuple[Values, float]]) -> None:
    """What is said of an experiment that was never run."""
    for values, factor in every:
        found = differences(values, Values({}, {}, {}), factor)
        missing = [*(f"array {name}" for name in values.arrays), *(f"metric {name}" for name in values.metrics)]
        assert set(found) >= {f"the {name} is missing" for name in missing}


def test_bits_are_compared_only_on_the_machine_of_the_values() -> None:
    golden = dataclasses.replace(read("01-defaults"), machine=machine())
    assert tolerance("01-defaults", golden) == 0.0
    for part in golden.machine:
        other = dataclasses.replace(golden, machine=golden.machine | {part: "another"})
        assert tolerance("01-defaults", other) == 1.0
        assert tolerance("21-two-sets", other) > 1.0
