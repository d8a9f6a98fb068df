"""Waiting for the window takes no processor time from it: tests and screenshots share two cores with training.

And it ends by what was waited for.
"""

import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel

from playground.app.controllers.sampling_worker import SamplingWorker
from playground.app.model.views import DensityView, FieldView
from tests.app import conftest

SCREENSHOTS = Path(__file__).parents[2] / "docs" / "images" / "make_screenshots.py"


def of_the_tests() -> Callable[[], None]:
    return lambda: conftest.wait(milliseconds=400)


def screenshots() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_screenshots", SCREENSHOTS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of_the_screenshots() -> Callable[[], None]:
    module = screenshots()
    return lambda: module.wait(seconds=0.4)


@pytest.mark.parametrize("waiting", [of_the_tests, of_the_screenshots])
@pytest.mark.alone
def test_waiting_sleeps(qapp, waiting):
    wait = waiting()
    wall, busy = time.monotonic(), time.thread_time()
    wait()
    assert time.monotonic() - wall >= 0.35
    assert time.thread_time() - busy < 0.1


def test_a_screenshot_waits_for_its_field_and_density_however_slow_the_machine(window, connect, monkeypatch):
    came, controllers = {}, window.controllers
    sampler = controllers.playing.sampler

    def slowly(request):
        time.sleep(1.5)
        return sampler.compute_overlays(request)

    def take(view):
        if isinstance(view, FieldView | DensityView):
            came["field" if isinstance(view, FieldView) else "density"] = view.sigma

    connect(controllers.following.changed, take)
    conftest.wait(lambda: controllers.playing.trajectory.finished)
    for exchange in (sampler.fields, sampler.densities):
        monkeypatch.setattr(exchange, "_compute", slowly)
    screenshots().show_frame(window, 0.5)
    assert came == {"field": controllers.playing.sigma, "density": controllers.playing.sigma}
    assert controllers.playing.frame == round(0.5 * (controllers.playing.recorded - 1))
    assert "at rest" in [label.text() for label in window.status.findChildren(QLabel)]


def test_a_screenshot_is_of_a_whole_run_however_soon_it_begins(window, monkeypatch):
    """Its first frames may be there before the window looks again, and set the playhead back."""
    controllers = window.controllers
    step = controllers.playing.step

    def slowly(frames):
        step(frames)
        time.sleep(0.5)

    conftest.wait(lambda: controllers.playing.trajectory.finished)
    monkeypatch.setattr(controllers.playing, "step", slowly)
    screenshots().show_frame(window, 0.5)
    assert controllers.playing.trajectory.finished
    assert controllers.playing.frame == round(0.5 * (controllers.playing.trajectory.total - 1))


def test_a_screenshot_of_images_waits_until_they_are_those_of_its_frame(window):
    """They have no field and no density that would come later."""
    controllers = window.controllers
    window.state.edit({"data.kind": "digits", "network.width": 8, "sampling.steps": 20})
    conftest.wait(lambda: controllers.state.problem.is_image and controllers.playing.recorded > 2)
    controllers.playing.set_playing(False)
    conftest.wait(lambda: "at rest" in [label.text() for label in window.status.findChildren(QLabel)], 10_000)
    screenshots().show_frame(window, 0.5)
    assert controllers.playing.frame == round(0.5 * (controllers.playing.recorded - 1))
    assert np.array_equal(
        window.canvas.scene(600, 400).images.images, controllers.playing.trajectory.positions[controllers.playing.frame]
    )


def test_a_screenshot_is_of_the_run_that_the_settings_describe_however_late_it_begins(window, monkeypatch):
    controllers, begin = window.controllers, SamplingWorker.begin
    conftest.wait(lambda: controllers.playing.trajectory.finished)
    monkeypatch.setattr(
        SamplingWorker, "begin", lambda worker, run: QTimer.singleShot(1_000, lambda: begin(worker, run))
    )
    window.state.edit({"sampling.steps": 30})
    screenshots().show_frame(window, 0.5)
    assert controllers.playing.trajectory.steps == 31  # the last denoising among them
    assert controllers.playing.frame == round(0.5 * (controllers.playing.trajectory.total - 1))
