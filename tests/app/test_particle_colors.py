"""What particles are coloured by: on the screen, in films, and where it is not known."""

import math

import numpy as np
import pytest
import torch

from playground.app.canvas.colorings import coloring, step_lengths
from playground.app.canvas.frame_style import FrameStyle
from playground.app.canvas.frames import frames_of
from playground.app.controllers.measurements import learned_score
from playground.app.controllers.sampling_worker import ParticlesRequest, SamplingWorker
from playground.app.controllers.video_frames import VideoFrames, video_frames_over
from playground.app.model.assembling import assemble
from playground.app.model.views import WantedOverlays
from playground.drawing.layers import Particles
from playground.drawing.scene import Scene
from playground.kinds.samplers.reverse_sde import ReverseSDE
from playground.lab.experiment import Experiment, replace
from playground.lab.sampling import sample
from tests.app.conftest import wait

SETTINGS = {
    "data.kind": "eight-gaussians",
    "data.points": 500,
    "network.width": 16,
    "sampling.particles": 40,
    "sampling.steps": 12,
    "noise.kind": "vp",
}
BOX = (-2.0, 3.0, -2.0, 2.0)


@pytest.fixture(scope="module")
def model():
    return assemble(replace(Experiment(), SETTINGS), "cpu")


@pytest.fixture(scope="module")
def run(model):
    score = learned_score(model.problem, model.weights)
    return list(sample(model.problem, score, seed=3))[-1]


@pytest.mark.parametrize("frame", [0, 6, -1])
def test_modes_and_log_density_are_those_of_the_density_of_the_particles(model, run, frame: int) -> None:
    """Of a contracting process: x(t)/alpha is in data coordinates, and p_t(x) = p_sigma(x/alpha)/alpha^2."""
    problem, sigma, time = model.problem, float(run.sigma[frame]), float(run.time[frame])
    scale = 1.0 if math.isnan(time) else float(problem.process().scale(time))
    middle = problem.units.offset
    data = middle + (run.positions[frame] - middle) / scale
    moment = sigma, None if math.isnan(time) else time
    worker = SamplingWorker()
    modes = worker.compute_particle_values(ParticlesRequest(model, "mode", run.positions[frame], *moment))
    known = problem.dataset.density
    distances = np.linalg.norm(data[:, None] - known.modes.numpy(), axis=2)
    np.testing.assert_array_equal(modes.values, distances.argmin(axis=1))
    np.testing.assert_array_equal(modes.modes, known.modes.numpy())
    found = worker.compute_particle_values(ParticlesRequest(model, "log_p", run.positions[frame], *moment))
    exact = known.log_prob(torch.from_numpy(np.float64(data)), sigma).numpy() - 2 * math.log(scale)
    np.testing.assert_allclose(found.values, exact, rtol=1e-3, atol=2e-3)


def test_the_last_step_is_measured_between_two_frames(run) -> None:
    lengths = step_lengths(run.positions, 5)
    np.testing.assert_allclose(lengths, np.sqrt(np.square(run.positions[5] - run.positions[4]).sum(axis=1)))
    assert not step_lengths(run.positions, 0).any()


@pytest.mark.parametrize("kind", ["mode", "start", "speed", "log_p"])
def test_films_colour_particles_as_the_screen_does(model, run, kind) -> None:
    views = video_frames_over(model, WantedOverlays(frozenset(), BOX, (4, 3)), BOX)
    preparing = frames_of(views, ReverseSDE(), "", run, np.array([7]), style=FrameStyle(particles=kind))
    with pytest.raises(StopIteration) as ended:  # nothing is to be prepared
        next(preparing)
    overlay = ended.value.value
    shown = overlay(Scene(particles=Particles(run.positions[0], size=1.6)), 7).particles
    np.testing.assert_array_equal(shown.positions, run.positions[7])
    assert shown.size == 1.6
    values = None
    if kind in ("mode", "log_p"):
        moment = float(run.sigma[7]), float(run.time[7])
        values = SamplingWorker().compute_particle_values(ParticlesRequest(model, kind, run.positions[7], *moment))
    np.testing.assert_array_equal(shown.coloring.labels, coloring(kind, run, 7, values).labels)
    assert overlay(Scene(), 7).particles is None  # a hidden layer stays hidden


def test_what_is_not_known_leaves_particles_in_one_colour(run) -> None:
    views = VideoFrames(None)
    assert views.particle_values("log_p", run.positions[3], 1.0, math.nan) is None
    assert coloring("log_p", run, 3, None) is None


def test_the_window_colours_particles_and_says_what_cannot_be_had(window) -> None:
    wait(lambda: window.canvas.shown().particles is not None)

    def legend() -> str:
        particles = window.canvas.shown().particles
        return "" if particles is None or particles.coloring is None else particles.coloring.title

    menu = window.chips.chips["particles"].menu
    actions = {
        action.data()[1]: action for action in menu.actions() if action.isCheckable() and action.data()[0] == "color"
    }
    assert actions.keys() == {"one", "mode", "start", "speed", "log_p"}
    assert not actions["mode"].isEnabled()  # two moons
    assert "no known modes" in actions["mode"].toolTip()
    try:
        for kind, title in (
            ("start", "where each began"),
            ("log_p", "log p of particles"),
            ("speed", "|xₖ − xₖ₋₁|, last step"),
        ):
            actions[kind].trigger()
            wait(lambda title=title: legend() == title)
            assert legend() == title
        window.canvas.layers.set_option("particles", "color", "mode")  # as a session of other data may
        assert window.controllers.following.wanted.colors == "one"
        assert legend() == ""
    finally:
        actions["one"].trigger()
    assert legend() == ""
