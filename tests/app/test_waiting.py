"""Waiting for the window takes no processor time from it: tests and screenshots share two cores with training."""

import importlib.util
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app import conftest

SCREENSHOTS = Path(__file__).parents[2] / "docs" / "images" / "make_screenshots.py"


def of_the_tests() -> Callable[[], None]:
    return lambda: conftest.wait(milliseconds=400)


def of_the_screenshots() -> Callable[[], None]:
    spec = importlib.util.spec_from_file_location("make_screenshots", SCREENSHOTS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda: module.wait(seconds=0.4)


@pytest.mark.parametrize("waiting", [of_the_tests, of_the_screenshots])
def test_waiting_sleeps(qapp, waiting):
    wait = waiting()
    wall, busy = time.monotonic(), time.thread_time()
    wait()
    assert time.monotonic() - wall >= 0.35
    assert time.thread_time() - busy < 0.1
