"""The error layer: what the worker computes, and that screen, picture and film show it alike."""

import dataclasses

import numpy as np
import pytest

from playground.app.canvas.frame_style import FrameStyle
from playground.app.canvas.frames import show_frame
from playground.app.controllers.sampling_worker import OverlayRequest, SamplingWorker
from playground.app.controllers.video_frames import video_frames_over
from playground.app.model.assembling import assemble
from playground.app.model.views import WantedOverlays
from playground.drawing.scene import Scene
from playground.kinds.samplers.reverse_sde import ReverseSDE
from playground.lab.compute import result
from playground.lab.experiment import Experiment, replace
from tests.app.conftest import wait

BOX = (-2.0, 3.0, -2.0, 2.0)
SETTINGS = {"data.points": 500, "network.width": 16, "sampling.particles": 20, "sampling.steps": 12}


@pytest.fixture(scope="module")
def model():
    return assemble(replace(Experiment(), SETTINGS), "cpu")


def asked(model, *layers: str, sigma: float = 0.4) -> OverlayRequest:
    return OverlayRequest(model, WantedOverlays(frozenset(layers or {"error"}), BOX, (6, 5)), sigma, None)


def test_the_error_is_the_learned_less_the_exact_arrows(model):
    field, _ = SamplingWorker().compute_overlays(asked(model))
    assert field.learned is None
    assert field.exact is None
    both, _ = SamplingWorker().compute_overlays(asked(model, "learned", "exact"))
    assert both.error is None
    np.testing.assert_allclose(field.error.arrows, both.learned - both.exact, rtol=1e-5, atol=1e-6)
    assert field.error.extent == BOX
    assert (field.error.values > 0).all()
    assert field.error.top > 0


def test_the_scale_depends_on_the_noise_and_not_on_the_weights(model):
    """Else an untrained network's error would look like a trained one's."""
    coarse, fine = (SamplingWorker().compute_overlays(asked(model, sigma=sigma))[0] for sigma in (4.0, 0.05))
    assert fine.error.top > 5 * coarse.error.top
    weights = model.weights
    scaled = {name: tensor + 0.1 for name, tensor in weights.tensors.items()}
    other = dataclasses.replace(weights, version=weights.version + 1, tensors=scaled)
    changed = dataclasses.replace(model, weights=other)
    worse, _ = SamplingWorker().compute_overlays(asked(changed, sigma=0.05))
    assert worse.error.top == fine.error.top
    assert not np.allclose(worse.error.values, fine.error.values)


def test_a_film_shows_the_error_in_the_chosen_style(model):
    views = video_frames_over(model, asked(model).wanted, BOX)
    field, density = views.at(0.4, float("nan"))
    assert density is None
    shown = {
        style: show_frame(Scene(), None, 0, ReverseSDE(), field, None, "", FrameStyle(error=style)).error
        for style in ("both", "map", "arrows")
    }
    assert (shown["both"].values is not None, shown["both"].arrows is not None) == (True, True)
    assert (shown["map"].values is not None, shown["map"].arrows is not None) == (True, False)
    assert (shown["arrows"].values is not None, shown["arrows"].arrows is not None) == (False, True)
    assert (
        shown["both"] is show_frame(Scene(), None, 0, ReverseSDE(), field, None).error
    )  # what was painted of it stays


def test_the_window_shows_the_error_with_its_scale_and_its_pictures_too(window):
    assert not window.canvas.layers.visible["error"]
    window.canvas.layers.toggle("error")
    try:
        wait(lambda: window.canvas.shown().error is not None)
        wait(lambda: len(window.canvas.shown().legends()) == 2)
        window.canvas.layers.set_option("error", "style", "arrows")
        assert window.canvas.shown().error.values is None
        window.canvas.layers.set_option("density", "style", "log")
        wait(lambda: window.canvas.shown().density is not None)
        assert window.canvas.shown().density.style == "log"
        overlay_maker = window.exported.overlay_makers(still=True)(BOX)
        frame = window.playing.frame
        overlay = result(overlay_maker(window.playing.trajectory, np.array([frame])))
        shown = overlay(Scene(), frame)
        assert (shown.error.values, shown.density.style) == (None, "log")
    finally:
        window.canvas.layers.set_option("error", "style", "both")
        window.canvas.layers.set_option("density", "style", "plain")
        window.canvas.layers.toggle("error")
    wait(lambda: window.canvas.shown().error is None)


def test_the_error_of_data_whose_density_is_not_known_says_why_it_is_not_there(window):
    problem = window.controllers.state.problem
    chip = window.chips.chips["error"]
    assert chip.isEnabled()
    try:
        window.layer_choices.show_available(dataclasses.replace(problem, known_density=False))
        assert not chip.isEnabled()
        assert "The exact score of these data is not known" in chip.toolTip()
    finally:
        window.layer_choices.show_available(problem)
    assert chip.isEnabled()
