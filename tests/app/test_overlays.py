"""What lies under a frame belongs to that frame, and the field that is shown is the one that particles follow."""

import dataclasses
import time
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtGui import QImage

from playground.app.canvas.view import CanvasView
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.following import PAUSED
from playground.app.controllers.overlay_timing import (
    NEAR,
    PATIENCE,
    CurrentFrame,
    FrameOverlays,
    LearnedDensities,
    Overlay,
    near,
)
from playground.app.controllers.sampling_worker import Exchange, OverlayRequest, SamplingWorker
from playground.app.model.live_training import Weights
from playground.app.model.state import State
from playground.app.model.views import DensityView, FieldView, WantedOverlays
from playground.drawing.film import at_frame
from playground.drawing.frames import Style, of_run, write_picture
from playground.drawing.images import ImageGrid
from playground.drawing.layers import Density, Particles
from playground.drawing.scene import Scene
from playground.lab.compute import result
from playground.lab.experiment import Experiment, replace
from tests.app.conftest import wait

SMALL = {"sampling.particles": 100, "sampling.steps": 20, "data.points": 2_000, "network.width": 32}


def field(sigma: float, moving: bool = True) -> FieldView:
    return FieldView(np.zeros((1, 2)), np.ones((1, 2)), None, sigma, moving)


def test_a_field_is_seen_under_frames_of_its_own_noise_level_only():
    overlay, last = Overlay[FieldView](), field(0.01)
    overlay.take(last)
    overlay.settle((0.01, 0.1))
    assert overlay.seen is last
    assert not overlay.lags((0.01 * NEAR, 0.1))
    for moment in ((0.01 * NEAR * 1.01, 0.1), (4.0, 1.0), (0.01, None)):  # the last: in data coordinates
        assert overlay.lags(moment)
    first = field(4.0)
    overlay.take(first)
    assert overlay.seen is last  # under its own frame, until the first one is shown
    assert not overlay.lags((4.0, 1.0))
    overlay.settle((4.0, 1.0))
    assert overlay.seen is first


def test_late_overlays_are_not_shown_and_stale_ones_go():
    overlay = Overlay[FieldView]()
    overlay.take(field(0.01))
    overlay.settle((0.01, 0.1))
    overlay.take(field(1.0))
    overlay.settle((4.0, 1.0))
    assert overlay.seen is None
    assert overlay.lags((4.0, 1.0))


def test_a_late_overlay_does_not_displace_the_present_frames():
    """It is asked for once: a density of another level that ends after it must not leave the frame without."""
    overlay, moment = Overlay[FieldView](), (1.0, 0.5)
    present, late, newer = field(1.0), field(4.0), field(1.0)
    overlay.take(present, moment)
    overlay.take(late, moment)
    assert not overlay.lags(moment)
    overlay.settle(moment)
    assert overlay.seen is present
    overlay.take(late, moment)
    overlay.take(newer, moment)
    overlay.settle(moment)
    assert overlay.seen is newer


def test_the_field_of_another_problem_gives_way_at_the_same_noise_level():
    overlay = Overlay[FieldView]()
    overlay.take(field(1.0))
    overlay.settle((1.0, 0.5))
    overlay.expire()
    assert overlay.lags((1.0, 0.5))
    overlay.settle((1.0, 0.5))
    assert overlay.seen is None


def kept_requests(worker: SamplingWorker) -> list[frozenset[str]]:
    """The layers that are requested of a worker from now on."""
    layers: list[frozenset[str]] = []
    for exchange in (worker.fields, worker.densities):
        exchange.request = lambda request: layers.append(request.wanted.layers)
    return layers


def a_model(is_image: bool = False) -> SimpleNamespace:
    view = SimpleNamespace(is_image=is_image)
    return SimpleNamespace(problem=object(), view=view, weights=SimpleNamespace(version=1))


def test_a_run_requests_what_is_wanted_of_its_frame_and_drops_what_is_of_another_model():
    """The single run and each column do so by one class."""
    worker, model, shown = SamplingWorker(), a_model(), []
    layers = kept_requests(worker)
    overlays = FrameOverlays(worker, shown.append)
    wanted = WantedOverlays(frozenset({"learned", "density"}))
    overlays.follow(CurrentFrame(model, None, None, 0, (1.0, 0.5), wanted))
    overlays.look()
    overlays.look()
    assert layers == [{"learned"}, {"density"}]  # once for a frame
    assert overlays.waits
    density = DensityView(np.ones((2, 2)), wanted.bounds, 1.0, "exact", moving=True)
    for owner in (a_model(), model):
        request = OverlayRequest(owner, wanted, 1.0, 0.5)
        worker.fields.answers.put((request, (field(1.0), None)))
        worker.densities.answers.put((request, (None, density)))
        overlays.look()
        overlays.settle()
        assert overlays.waits == (owner is not model)
    assert shown == [overlays.field.seen, density]
    wanted = dataclasses.replace(wanted, density_source="learned")
    overlays.follow(dataclasses.replace(overlays.current, wanted=wanted))
    overlays.look()
    assert len(layers) == 2  # a learned density takes seconds, so no frame waits for it
    overlays.settle()
    assert shown[2:] == [None]  # that of another source goes
    assert not overlays.waits
    overlays.forget()
    assert overlays.field.seen is None
    overlays.follow(dataclasses.replace(overlays.current, model=a_model(is_image=True)))
    overlays.look()
    assert len(layers) == 2
    assert not overlays.waits


@pytest.fixture
def controllers(qtbot):
    """Controllers whose first run is recorded; of 20 steps, each of which is far from the one before."""
    controllers = Controllers(State(replace(Experiment(), SMALL)), device="cpu")
    controllers.following.want(WantedOverlays(bounds=(-2.0, 3.0, -2.0, 2.0)))
    controllers.start()
    qtbot.waitUntil(lambda: controllers.playing.trajectory is not None and controllers.playing.trajectory.finished)
    yield controllers
    assert controllers.shutdown(20.0)


def slow_down(worker: SamplingWorker, monkeypatch, seconds: float) -> None:
    """Let field and density take this long."""

    def slow(request):
        time.sleep(seconds)
        return worker.compute_overlays(request)

    for exchange in (worker.fields, worker.densities):
        monkeypatch.setattr(exchange, "_compute", slow)


def watch(controllers) -> list[tuple[float, float | None, float | None]]:
    """Of each frame that is shown from now on its noise level, and those of what lies under it, None where nothing does."""
    overlays, frames = controllers.following.in_view[0], []

    def note(frame: int) -> None:
        under = [None if overlay.seen is None else overlay.seen.sigma for overlay in (overlays.field, overlays.density)]
        frames.append((float(controllers.playing.trajectory.sigma[frame]), *under))

    controllers.playing.frame_changed.connect(note)
    return frames


@pytest.mark.alone
def test_a_frame_that_plays_lies_over_a_field_and_density_of_its_own_or_of_just_before(qtbot, controllers):
    """Where each of few steps changes the noise by half; and where the run loops, over none of its end."""
    frames, moments = watch(controllers), []
    controllers.playing.frame_changed.connect(lambda _: moments.append(time.monotonic()))
    qtbot.waitUntil(lambda: len(frames) > 45)  # two ends at least
    starts = [number for number in range(1, len(frames)) if frames[number][0] > frames[number - 1][0]]
    for number in range(starts[0], len(frames)):
        sigma, *under = frames[number]
        start = max(one for one in starts if one <= number)
        just_before = [
            frames[other][0] for other in range(start, number) if moments[other + 1] > moments[number] - PATIENCE - 0.05
        ]
        assert all(other is None or any(near(other, one) for one in (sigma, *just_before)) for other in under)
    assert any(field is not None and density is not None for _, field, density in frames)  # all, but on a busy machine


def test_a_frame_that_plays_waits_for_nothing(qtbot, controllers, monkeypatch):
    """Its particles come first, and what lies under them once it is there."""
    slow_down(controllers.playing.sampler, monkeypatch, 2 * PATIENCE)
    lagged = []

    def look(_):
        field = controllers.following.in_view[0].field
        if field.lags(controllers.playing.frame_noise):
            lagged.append(controllers.following.waits)

    controllers.playing.frame_changed.connect(look)
    qtbot.waitUntil(lambda: len(lagged) > 8)
    assert not any(lagged)


def test_what_lay_under_the_last_frame_stays_for_a_moment_while_a_run_plays_on():
    overlay, before, moment = Overlay[FieldView](), field(4.0), (1.0, 0.5)
    for plays_on in (False, True):
        overlay.take(before)
        overlay.settle((4.0, 1.0))
        overlay.settle(moment, plays_on)
        assert overlay.seen is (before if plays_on else None)
    overlay._fitted -= PATIENCE
    overlay.settle(moment, plays_on=True)
    assert overlay.seen is None
    overlay.take(before)
    overlay.settle((4.0, 1.0))
    overlay.settle((1.0, None), plays_on=True)  # that of another process
    assert overlay.seen is None
    overlay.take(before)
    overlay.settle((4.0, 1.0))
    overlay.expire()
    overlay.settle(moment, plays_on=True)  # that of another problem
    assert overlay.seen is None


def test_a_frame_waits_for_what_lies_under_it_but_not_for_ever(qtbot, controllers, monkeypatch):
    qtbot.waitUntil(lambda: controllers.following.in_view[0].field.seen is not None)
    slow_down(controllers.playing.sampler, monkeypatch, 4 * PATIENCE)
    controllers.playing.set_playing(False)
    controllers.playing.seek(19)
    qtbot.wait(int(9000 * PATIENCE))
    frames = watch(controllers)
    controllers.following.in_view[0].field.given_up = False  # as after any that has come
    started = time.monotonic()
    controllers.playing.seek(0)
    qtbot.waitUntil(lambda: bool(frames))
    assert time.monotonic() - started > 0.9 * PATIENCE
    assert frames[0][1:] == (None, None)
    qtbot.waitUntil(lambda: controllers.following.in_view[0].field.seen is not None)  # it comes all the same


def test_a_density_that_ends_late_leaves_that_of_the_moment(controllers):
    controllers.playing.set_playing(False)
    sigma, time = controllers.playing.frame_noise
    present, late = (
        DensityView(
            np.ones((2, 2)),
            controllers.following.bounds,
            level,
            controllers.following.wanted.density_source,
            moving=time is not None,
        )
        for level in (sigma, 10 * sigma)
    )
    controllers.following.show_density(present)
    controllers.following.show_density(late)
    controllers.following.settle()
    assert controllers.following.in_view[0].density.seen is present


def test_frames_on_the_way_to_one_that_is_not_sampled_yet_ask_for_nothing(qtbot, controllers, monkeypatch):
    """Each would hold up the sampling for as long as its field takes."""
    asked, look, before = [], Exchange.request, controllers.playing.trajectory
    controllers.playing.set_playing(False)
    controllers.state.edit({"sampling.steps": 600})
    qtbot.waitUntil(lambda: controllers.playing.trajectory is not before and controllers.playing.recorded > 30)
    assert not controllers.playing.trajectory.finished

    def request(exchange, view):
        if exchange in (controllers.playing.sampler.fields, controllers.playing.sampler.densities):
            asked.append(controllers.playing.frame)
        look(exchange, view)

    monkeypatch.setattr(Exchange, "request", request)
    controllers.playing.step(1_000_000)
    last = controllers.playing.trajectory.total - 1
    qtbot.waitUntil(lambda: controllers.playing.frame == last and bool(asked))
    assert set(asked) == {last}


def test_a_learned_map_of_earlier_weights_stands_in_while_training_goes_on():
    class LiveModel:
        def __init__(self, version, is_training):
            self.problem, self.is_training = None, is_training
            self.view = dataclasses.make_dataclass("V", ["has_energy", "has_process", "sigma_min", "sigma_max"])(
                False, True, 0.01, 4.0
            )
            self.weights = Weights(version, {}, untrained=False)

    class Jobs:
        def __init__(self):
            self.busy, self.keep = False, None

        def running(self, name):
            return self.busy

        def start(self, name, make, keep):
            self.busy, self.keep = True, keep

    jobs, shown = Jobs(), []
    maps = LearnedDensities(jobs, shown.append)
    bounds = (0.0, 1.0, 0.0, 1.0)
    assert maps.follow(LiveModel(1, True), bounds, 1.0, True)
    first = DensityView(np.ones((2, 2)), bounds, 1.0, "learned", moving=True)
    jobs.keep(first)
    assert shown == [first]
    assert not maps.follow(LiveModel(2, True), bounds, 1.0, True)  # the newest has to wait its turn
    assert shown == [first, first]
    assert not maps.follow(LiveModel(2, False), bounds, 1.0, True)
    assert len(shown) == 2  # at rest only what is of these weights


def test_the_density_map_says_that_it_pauses_the_run(qtbot, controllers):
    told = []
    controllers.state.notified.connect(lambda one: told.append(one.message))
    assert controllers.playing.is_playing
    controllers.mapping.compute()
    assert told == [PAUSED]
    controllers.mapping.compute()
    assert told == [PAUSED]  # it rests already


def test_a_frame_far_from_the_last_one_is_painted_with_its_own_density(qtbot):
    """One near it may be painted over the last arrows and density, for the time of a frame."""
    canvas = CanvasView()
    qtbot.addWidget(canvas)
    picture = canvas.surface.picture
    canvas.change_scene(lambda scene: dataclasses.replace(scene, density=Density(np.ones((4, 4)), (0, 1, 0, 1))))
    canvas.change(particles=Particles(np.zeros((1, 2))))
    picture.image(400, 300, 1.0)
    for far in (False, True):
        canvas.change_scene(lambda scene: dataclasses.replace(scene, density=Density(np.ones((4, 4)), (0, 1, 0, 1))))
        canvas.change(particles=Particles(np.zeros((1, 2))))
        if far:
            canvas.surface.picture.paint_whole()
        picture.image(400, 300, 1.0)
        assert picture._still.stale is not far


# --- in the window


def fields(window) -> dict[str, bool]:
    return {name: window.canvas.layers.visible[name] for name in ("learned", "exact")}


def texts(window) -> list[str]:
    return [window.chips.chips[name].text() for name in ("learned", "exact")]


def test_the_field_that_particles_follow_is_shown_and_named(window):
    assert texts(window) == ["Learned score", "Exact score"]
    assert "The particles follow this score." in window.chips.chips["learned"].toolTip()
    try:
        window.state.edit({"sampling.source": "exact"})
        assert fields(window) == {"learned": False, "exact": True}
        assert texts(window) == ["Learned score", "Exact score (followed)"]
        assert "follow" not in window.chips.chips["learned"].toolTip()
        assert "The particles follow this score." in window.chips.chips["exact"].toolTip()
        window.state.edit({"sampling.source": "empirical"})
        assert texts(window)[1] == "Training-set score (followed)"
        assert window.controllers.following.wanted.exact_source == "empirical"
        window.canvas.layers.toggle("learned")  # whoever wants both has both
        window.state.edit({"sampling.steps": 50})
        assert fields(window) == {"learned": True, "exact": True}
        window.state.edit({"sampling.kind": "forward"})
        assert not any("followed" in text for text in texts(window))
    finally:
        window.state.edit({"sampling.kind": "reverse-sde", "sampling.source": "learned"})
        window.canvas.layers.set_option("exact", "source", "exact")
        window.state.edit({"sampling.steps": 60})
    assert fields(window) == {"learned": True, "exact": False}
    for source, named in (("empirical", "Training-set score"), ("exact", "Exact score")):
        window.canvas.layers.set_option("exact", "source", source)
        assert texts(window)[1] == named


def test_an_untrained_network_is_marked_on_the_canvas(window):
    wait(lambda: bool(window.canvas.shown().caption))
    assert window.canvas.shown().caption[0] == "untrained network"
    window.canvas.layers.toggle("learned")
    window.state.edit({"sampling.source": "exact"})
    window.canvas.layers.set_visible("learned", False)
    wait(lambda: window.canvas.shown().caption[0] != "untrained network")
    assert window.canvas.shown().caption[0].startswith("σ = ")  # nothing of it is seen


def test_evaluations_stand_beside_steps(window):
    wait(
        lambda: window.controllers.playing.trajectory is not None and window.controllers.playing.trajectory.finished,
    )
    window.controllers.playing.set_playing(False)
    wait(milliseconds=300)
    frame = window.controllers.playing.frame
    window.controllers.playing.set_playing(True)
    assert (
        window.canvas.shown().caption[-1]
        == f"{window.controllers.playing.trajectory.nfe_mean[frame]:.0f} score evaluations"
    )
    whole = "61 · 61 score evaluations"  # 60 steps and the last denoising
    wait(lambda: window.transport.scrubber.labels()[3] == whole)
    assert window.transport.scrubber.labels()[3] == whole


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (3840, 2160), (1080, 1080), (640, 360), (300, 900)])
def test_a_picture_has_field_and_density_everywhere(window, tmp_path, size):
    controllers = window.controllers
    window.canvas.layers.set_visible("exact", True)
    scene = window.canvas.scene(*size)
    overlay_maker, painted = window.exported.overlay_makers(still=True)(scene.viewport), []
    assert scene.viewport != controllers.following.bounds

    def noting(trajectory, frames):
        overlay = yield from overlay_maker(trajectory, frames)
        return lambda shown, frame: painted.append(overlay(shown, frame)) or painted[-1]

    trajectory, frame = controllers.playing.trajectory, controllers.playing.frame
    path = tmp_path / "picture.png"
    list(write_picture(partial(of_run, scene, trajectory, noting, Style(size)), frame, path))
    (shown,) = painted
    x0, x1, y0, y1 = scene.viewport
    assert shown.density.extent == scene.viewport
    np.testing.assert_array_equal(shown.particles.positions, trajectory.positions[frame])
    spacing = []
    for layer in (shown.learned, shown.exact):
        low, high = layer.positions.min(axis=0), layer.positions.max(axis=0)
        columns, rows = len(np.unique(layer.positions[:, 0])), len(np.unique(layer.positions[:, 1]))
        spacing = [(x1 - x0) / columns, (y1 - y0) / rows]
        np.testing.assert_allclose([low[0] - x0, x1 - high[0]], spacing[0] / 2, rtol=1e-6)
        np.testing.assert_allclose([low[1] - y0, y1 - high[1]], spacing[1] / 2, rtol=1e-6)
    screen = np.diff(np.reshape(controllers.following.bounds, (2, 2)))[:, 0] / controllers.following.wanted.grid
    np.testing.assert_allclose(spacing, screen, rtol=0.1)  # as dense as on the screen
    image = QImage(str(path))
    assert (image.width(), image.height()) == size


def test_a_picture_of_the_map_that_was_asked_for_is_of_that_map(window):
    controllers = window.controllers
    controllers.mapping.compute()
    wait(
        lambda: (
            controllers.following.in_view[0].density.seen is not None
            and controllers.following.in_view[0].density.seen.asked
        ),
    )
    scene = window.canvas.scene(200, 100)
    preparing = window.exported.overlay_makers(still=True)(scene.viewport)(
        controllers.playing.trajectory, np.array([controllers.playing.frame])
    )
    next(preparing)
    views = controllers.following.video_frame_maker(still=True)(scene.viewport)
    assert views._asked
    film = controllers.following.video_frame_maker()(scene.viewport)
    assert not film._asked  # a film's frames have their own
    assert not views._follow
    assert "density" not in views._view.wanted.layers


def test_a_picture_of_a_run_whose_sampler_was_left_has_its_caption(window):
    """The run stays while the chosen sampler does not fit, and MALA's step would be told as ε."""
    wait(lambda: window.playing.recorded > 3)
    window.playing.set_playing(False)
    window.playing.seek(3)
    wait(lambda: window.playing.shown_frame == 3)
    run = window.run_views.views[0].run
    window.state.edit({"sampling.kind": "mala"})
    assert window.run_views.views[0].run is run
    maker = window.exported.overlay_makers(still=True)(window.canvas.viewport)
    pictured = result(maker(run.trajectory, np.array([3])))(Scene(), 3).caption
    assert pictured == window.canvas.shown().caption
    assert "Δt" in "".join(pictured)


def test_the_window_shows_that_the_density_map_pauses_the_run(window):
    window.playing.set_playing(True)
    window.actions_by_key.trigger("measure.density_map")
    assert PAUSED in [toast.sentence for toast in window.toasts.shown]
    window.playing.set_playing(True)
    assert PAUSED not in [toast.sentence for toast in window.toasts.shown]


def test_what_is_computed_for_a_frame_at_rest_leaves_its_particles_as_they_are(window):
    """They would be painted as another frame, and that waits for its arrows."""
    wait(lambda: window.playing.recorded > 3)
    window.playing.set_playing(False)
    window.playing.seek(3)
    wait(milliseconds=300)
    before = window.canvas.shown()
    window.run_views.views[0].refresh()
    after = window.canvas.shown()
    assert after is not before
    assert (after.particles, after.trails) == (before.particles, before.trails)
    window.playing.seek(2)
    wait(lambda: window.canvas.shown().particles is not after.particles)
    assert window.canvas.shown().particles is not after.particles
    window.playing.set_playing(True)


def test_a_run_in_the_plane_is_not_shown_as_images_nor_images_in_the_plane():
    scene = Scene(images=ImageGrid(np.zeros((4, 8, 8)), (0.0, 1.0)))
    assert at_frame(scene, np.zeros((3, 10, 2)), 1) is scene
    plane = dataclasses.replace(scene, images=None, particles=Particles(np.zeros((0, 2))))
    assert at_frame(plane, np.ones((3, 4, 8, 8)), 1) is plane  # paint would end with an error
    assert at_frame(plane, np.ones((3, 4, 1, 8, 8)), 1) is plane
    assert at_frame(scene, np.ones((3, 4, 8, 8)), 1).images.images.max() == 1.0


def test_a_field_that_comes_with_another_frame_is_shown_with_it(window, monkeypatch):
    wait(lambda: window.playing.recorded > 5)
    window.playing.set_playing(False)
    wait(lambda: not window.playing.shows_next and not window.controllers.following.waits)
    monkeypatch.setattr(window.controllers, "_tick", lambda: None)
    shown, view = [], field(float(window.playing.sigma))
    monkeypatch.setattr(window.controllers.following.in_view[0].field, "seen", view)
    monkeypatch.setattr(window.canvas, "change_scene", lambda change: shown.append(change(Scene()).learned))
    monkeypatch.setattr(type(window.playing), "shows_next", True)
    window.controllers.following.changed.emit(view, 0)
    assert shown == []
    window.playing.frame_changed.emit(window.playing.frame)
    assert shown == [view.layers[0]]
    monkeypatch.setattr(type(window.playing), "shows_next", False)
    window.controllers.following.changed.emit(view, 0)
    assert len(shown) == 2
    monkeypatch.setattr(type(window.playing), "shows_another_soon", True)  # while a run plays
    window.controllers.following.changed.emit(view, 0)
    window.controllers.inspecting.changed.emit()
    assert len(shown) == 2
    window.playing.playing_changed.emit(False)  # no frame comes
    assert len(shown) == 3
