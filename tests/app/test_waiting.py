"""Waiting for the window takes no processor time from it: tests and screenshots share two cores with training."""

import importlib.util
import time
from pathlib import Path

import pytest

from tests.app import conftest

SCREENSHOTS = Path(__file__).parents[2] / "docs" / "images" / "make_screenshots.py"


def wait_of_the_screenshots() -> None:
    spec = importlib.util.spec_from_file_location("make_screenshots", SCREENSHOTS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.wait(seconds=0.4)


@pytest.mark.parametrize("wait", [lambda: conftest.wait(milliseconds=400), wait_of_the_screenshots])
def test_waiting_sleeps(qapp, wait):
    wall, busy = time.monotonic(), time.thread_time()
    wait()
    assert time.monotonic() - wall >= 0.35
    assert time.thread_time() - busy < 0.1
