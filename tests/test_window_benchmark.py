"""What the window's benchmark counts, by moments that are told to it."""

import importlib.util
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

PATH = Path(__file__).parents[1] / "benchmarks" / "window.py"


@pytest.fixture(scope="module")
def benchmark() -> Iterator[ModuleType]:
    specification = importlib.util.spec_from_file_location("window_benchmark", PATH)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    yield module
    del sys.modules[specification.name]


def test_the_sampler_is_timed_only_while_there_is_a_run_to_record(benchmark: ModuleType) -> None:
    seen = [
        (0.0, 1, 10, False),
        (1.0, 1, 40, False),
        (1.5, 1, 50, True),
        (9.0, 1, 50, True),
        (9.5, 2, 4, False),
        (10.0, 2, 20, False),
    ]
    counter = benchmark.Counter([benchmark.Recorded(*moment) for moment in seen])
    assert counter.sampler_rate() == pytest.approx((30 + 10 + 16) / 2.0)


def test_compared_runs_count_together_until_the_last_has_ended(benchmark: ModuleType) -> None:
    counter, first, second = benchmark.Counter(), object(), object()
    for moment, recorded in (
        (0.0, [(first, None, False), (None, None, False)]),
        (1.0, [(first, range(10), False), (second, range(4), False)]),
        (2.0, [(first, range(20), True), (second, range(9), False)]),
        (3.0, [(first, range(20), True), (second, range(15), True)]),
        (9.0, [(first, range(20), True), (second, range(15), True)]),
    ):
        counter.look(recorded, moment)
    assert counter.sampler_rate() == pytest.approx(35 / 3.0)
    counter.look([(None, None, False)], 10.0)
    assert len(counter.recorded) == 5


def test_a_run_that_takes_the_place_of_an_unfinished_one_counts_from_its_start(benchmark: ModuleType) -> None:
    seen = [(0.0, 1, 10, False), (1.0, 2, 7, False)]
    counter = benchmark.Counter([benchmark.Recorded(*moment) for moment in seen])
    assert counter.sampler_rate() == pytest.approx(7.0)


def test_without_a_run_to_record_there_is_no_rate(benchmark: ModuleType) -> None:
    seen = [(0.0, 1, 50, True), (1.0, 1, 50, True)]
    assert math.isnan(benchmark.Counter([benchmark.Recorded(*moment) for moment in seen]).sampler_rate())


def test_a_playhead_that_waits_for_the_sampler_leaves_a_gap_and_one_at_a_runs_end_none(benchmark: ModuleType) -> None:
    frames = [(0.0, False), (0.5, False), (0.516, True), (1.316, False), (1.332, False)]
    np.testing.assert_allclose(benchmark.Counter(frames=frames).gaps(), [500.0, 16.0, 16.0])


def test_a_frame_counts_once_every_canvas_has_painted_it(benchmark: ModuleType) -> None:
    counter = benchmark.Counter()
    counter.paint(0, 3.0, 0.9, False)  # of a frame before
    counter.change(2)
    counter.paint(0, 3.0, 1.0, False)
    counter.paint(0, 3.0, 1.1, False)  # its arrows have come
    counter.paint(1, 3.0, 1.2, False)
    counter.change(2)
    counter.paint(1, 3.0, 1.3, False)
    counter.change(2)  # before the first canvas has come to it
    counter.paint(0, 3.0, 1.4, False)
    counter.paint(1, 3.0, 1.5, True)
    assert counter.frames == [(1.2, False), (1.5, True)]
    assert len(counter.paints) == 7


@pytest.mark.parametrize(
    ("frames", "trained", "ended", "said"),
    [
        ([], None, False, "painted no frames"),
        ([(0.0, False)], 10, False, "painted no frames"),
        ([(0.0, False), (0.1, False)], 0, False, "no training step"),
        ([(0.0, False), (0.1, False)], 10, True, "has ended"),
        ([(0.0, False), (0.1, False)], 10, False, ""),
        ([(0.0, False), (0.1, False)], None, False, ""),
    ],
)
def test_a_window_or_a_busy_program_that_does_nothing_is_said(
    benchmark: ModuleType, frames: list[tuple[float, bool]], trained: int | None, ended: bool, said: str
) -> None:
    found = benchmark.problem(benchmark.Counter(frames=frames), trained, ended)
    assert said in found
    assert bool(said) == bool(found)
