"""Scenes in the window: shown as one step of the history, measured where they are, and listed with runs of their own."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtTest import QTest

from playground.app.controllers.building import FIRST
from playground.app.controllers.scenes import Scenes
from playground.app.dialogs import gallery as module
from playground.app.dialogs.gallery import Gallery
from playground.app.model.state import State
from playground.app.panels import ScenePanel
from playground.app.panels.scene import CHANGED, FAILS, HOLDS
from playground.app.style import text_size
from playground.app.widgets.file_prompts import FilePrompts
from playground.app.workers.tasks import Tasks
from playground.app.workers.worker import Worker
from playground.drawing.palette import DARK, LIGHT
from playground.lab import scene_figures, scenes
from playground.lab.experiment import replace
from playground.lab.scenes import Figure, MeasuredScene, SceneFile
from playground.lab.session import Session

EXACT = SceneFile(
    "A title",
    "A topic",
    "A claim.",
    "share {share:.2f}",
    {"data": {"kind": "two-gaussians"}, "sampling": {"kind": "langevin", "source": "exact"}},
    {"share": Figure("mode_weights", index=0, at_most=0.7)},
)
LEARNED = SceneFile("Other", "A topic", "A claim.", "", {"data": {"kind": "rings"}}, {})


class Training:
    """Takes experiments."""

    def __init__(self, state):
        self.state = state

    def teach(self, experiment, lesson, weights=None):
        self.state.put(experiment=experiment, lesson=lesson)


@pytest.fixture
def state():
    return State()


@pytest.fixture
def controller(qtbot, state):
    owner = QObject()
    controller = Scenes(state, Training(state), Tasks(owner), owner)
    yield controller
    assert controller.tasks.shutdown(5.0)
    state.close()


def test_undo_of_a_scene_brings_the_own_work_back(controller, state):
    state.edit({"noise.kind": "vp"})
    own = state.experiment
    controller.show(EXACT)
    assert state.experiment == EXACT.settings
    assert controller.scene is EXACT
    state.undo()
    assert state.experiment == own
    assert controller.scene is None


def test_one_scene_after_another_leads_back_to_the_own_work(controller, state):
    own = state.experiment
    controller.show(EXACT)
    controller.show(LEARNED)
    controller.leave()
    assert state.experiment == own
    assert state.stack.index() == 0


def test_leaving_undoes_what_was_changed_in_it_too(controller, state):
    own = state.experiment
    controller.show(EXACT)
    state.edit({"sampling.steps": 7})
    assert controller.scene is EXACT  # which one may play with
    controller.leave()
    assert state.experiment == own
    assert controller.scene is None


def test_a_scene_of_the_own_settings_has_weights_of_its_own_and_leaves_the_last_edit(controller, state):
    state.edit({"data.kind": "rings"})
    own, place = state.experiment, state.stack.index()
    assert LEARNED.settings == own
    controller.show(LEARNED)
    assert state.undo_text == f"scene: {LEARNED.title}"
    controller.leave()
    assert controller.scene is None
    state.redo()
    assert controller.scene is LEARNED
    controller.leave()
    assert state.experiment == own
    assert state.stack.index() == place


def test_an_opened_file_ends_the_scene(controller, state):
    controller.show(EXACT)
    state.load(LEARNED.settings)
    assert controller.scene is None


def measured_by(monkeypatch, value):
    def measure(scene):
        yield 0.5, None
        yield 1.0, scenes.MeasuredScene(scene, {"share": value})

    monkeypatch.setattr(scene_figures, "measure", measure)


def wait_measured(controller, qtbot):
    qtbot.waitUntil(lambda: controller.measured is not None and controller.measured.complete)


@pytest.mark.parametrize(("value", "said"), [(0.5, HOLDS), (0.8, FAILS)])
def test_the_card_says_what_was_measured_and_whether_the_claim_holds(window, qtbot, monkeypatch, value, said):
    measured_by(monkeypatch, value)
    controller, panel = window.controllers.scenes, window.panel(ScenePanel)
    assert panel.isHidden()
    controller.show(EXACT)
    assert not panel.isHidden()
    assert (panel.name.text(), panel.claim.text()) == ("A title", "A claim.")
    assert panel.figures.isHidden()
    controller.measure()
    wait_measured(controller, qtbot)
    assert panel.figures.text() == f"Measured: share {value:.2f}."
    assert panel.notice.text.text() == said
    panel.back.click()
    assert panel.isHidden()


def test_the_card_says_that_the_settings_in_view_are_not_those_that_are_measured(window):
    controller, panel, state = window.controllers.scenes, window.panel(ScenePanel), window.state
    controller.show(EXACT)
    assert panel.changed.isHidden()
    state.edit({"data.kind": "rings"})
    assert not panel.changed.isHidden()
    assert panel.changed.text.text() == CHANGED
    state.undo()
    assert panel.changed.isHidden()
    state.edit({"data.kind": "rings"})
    controller.show(LEARNED)
    assert panel.changed.isHidden()


def test_the_card_shows_the_figures_that_are_measured_so_far(window, monkeypatch):
    two = msgspec.structs.replace(
        EXACT, measured="{share:.1f}, {b:g}", figures=EXACT.figures | {"b": Figure("nfe_max")}
    )
    controller, panel = window.controllers.scenes, window.panel(ScenePanel)
    controller.show(two)
    controller._take(scenes.MeasuredScene(two, {}))
    assert panel.figures.isHidden()  # nothing is measured yet
    controller._take(scenes.MeasuredScene(two, {"share": 0.9}))
    assert not panel.figures.isHidden()
    assert panel.figures.text() == "Measured so far: 0.9, …"
    assert not panel.notice.text.text()
    controller._take(scenes.MeasuredScene(two, {"share": 0.9, "b": 7.0}))
    assert panel.figures.text() == "Measured: 0.9, 7."
    assert panel.notice.text.text() == FAILS


def test_what_is_measured_scrolls_no_title_away(window, qtbot, monkeypatch):
    measured_by(monkeypatch, 0.5)
    controller, panel = window.controllers.scenes, window.panel(ScenePanel)
    controller.show(EXACT)
    qtbot.waitUntil(lambda: panel.isVisible() and not window.building.busy)
    at = panel.measure.mapTo(window, panel.measure.rect().center())
    QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton, pos=at)  # the column keeps it under the pointer
    qtbot.waitUntil(lambda: panel.figures.isVisible() and panel.notice.isVisible())
    qtbot.wait(100)
    assert panel.column().verticalScrollBar().value() == 0


def test_another_scene_forgets_what_was_measured(controller, qtbot, monkeypatch):
    measured_by(monkeypatch, 0.5)
    controller.show(EXACT)
    controller.measure()
    wait_measured(controller, qtbot)
    assert controller.measured == MeasuredScene(controller.scene, {"share": 0.5})
    controller.show(LEARNED)
    assert controller.measured is None


@pytest.fixture
def gallery(qtbot, monkeypatch):
    frames = np.random.default_rng(0).normal(size=(3, 20, 2))
    monkeypatch.setattr(scene_figures, "preview", lambda scene: iter([None, (frames[0], frames)]))
    chosen = []
    gallery = Gallery(chosen.append, DARK)
    gallery.chosen = chosen
    qtbot.addWidget(gallery)
    gallery.show()
    yield gallery
    assert gallery.shutdown(5.0)


def test_the_gallery_computes_a_run_of_every_scene_and_a_click_shows_one(gallery, qtbot):
    before = gallery.tiles[0].grab().toImage()
    gallery.start()
    qtbot.waitUntil(lambda: not gallery.tasks.busy and gallery.complete)
    assert gallery.tiles[0].grab().toImage() != before
    QTest.mouseClick(gallery.tiles[2], Qt.MouseButton.LeftButton)
    assert gallery.chosen == [gallery.tiles[2].scene]
    assert not gallery.isVisible()


def test_a_tile_moves_while_it_has_the_focus_and_ends_at_the_last_frame(gallery, qtbot, monkeypatch):
    gallery.start()
    qtbot.waitUntil(lambda: gallery.complete)
    tile = gallery.tiles[1]  # the first one has the focus from the beginning
    assert tile.frame == 2
    tile.event(module.QEvent(module.QEvent.Type.FocusIn))
    qtbot.waitUntil(lambda: tile.frame == 0)
    tile.event(module.QEvent(module.QEvent.Type.FocusOut))
    assert tile.frame == 2
    assert not tile._timer.isActive()


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_the_gallery_has_as_many_columns_as_the_screen_has_room_for(qtbot, monkeypatch, factor):
    monkeypatch.setattr(text_size._Factor, "now", factor)
    gallery = Gallery(lambda scene: None, DARK)
    qtbot.addWidget(gallery)
    room = gallery.screen().availableSize().width()
    gallery.show()
    assert gallery.minimumWidth() <= gallery.width() <= room
    assert gallery.columns == min(round(4 / factor), room // (gallery.tiles[0].width() + 16))


def test_the_gallery_goes_by_keys(gallery):
    below = gallery.columns
    gallery.tiles[0].setFocus()
    QTest.keyClick(gallery.tiles[0], Qt.Key.Key_Down)
    assert gallery.focusWidget() is gallery.tiles[below]
    QTest.keyClick(gallery.tiles[below], Qt.Key.Key_Right)
    QTest.keyClick(gallery.tiles[below + 1], Qt.Key.Key_Return)
    assert gallery.chosen == [gallery.tiles[below + 1].scene]


def test_no_title_is_cut_and_every_tile_says_its_claim(gallery):
    for tile in gallery.tiles:
        assert tile.scene.claim in tile.accessibleName()
        font = module.theme.text_font(module.theme.FONT_PIXELS, module.QFont.Weight.DemiBold)
        assert module.QFontMetrics(font).horizontalAdvance(tile.scene.title) <= tile.width() - 20, tile.scene.title


def test_both_themes_are_painted(gallery):
    dark = gallery.tiles[0].grab().toImage()
    gallery.apply_palette(LIGHT)
    assert gallery.tiles[0].grab().toImage() != dark


def test_a_preview_has_few_particles_and_a_short_training():
    *steps, (data, frames) = scene_figures.preview(scenes.load(scenes.bundled()["langevin-weights"]))
    assert len(steps) > 10
    assert data.shape[1:] == (2,)
    assert len(data) <= 2_000
    assert frames.shape == (scene_figures.PREVIEW_FRAMES, scene_figures.PREVIEW_PARTICLES, 2)
    assert np.isfinite(frames).all()


def test_the_own_weights_are_left_as_they_are(window, qtbot, monkeypatch):
    """A scene of the very settings that were trained gets fresh weights; undo brings the trained ones back."""
    building = window.building
    own = building.workspace
    window.training.start()
    qtbot.waitUntil(lambda: own.trained_steps > 0)
    window.training.pause()
    qtbot.waitUntil(lambda: own.training == "paused" and window.controllers.tasks.idle)
    scene = SceneFile("Same", "A topic", "A claim.", "", msgspec.to_builtins(window.state.experiment), {})
    steps, losses = own.trained_steps, len(own.loss_history[0])
    taken = []
    noting = building.taken.connect(lambda _: taken.append(building.workspace.trained_steps))
    window.controllers.scenes.show(scene)
    qtbot.waitUntil(lambda: bool(taken))
    building.taken.disconnect(noting)
    assert building.workspace is not own
    assert taken == [0]
    window.documents.path = Path("own.spg")
    asked = []
    monkeypatch.setattr(FilePrompts, "save_path", lambda self, *names: asked.append(names))
    window.documents.save()
    assert len(asked) == 1  # and nothing is written over the own file unasked
    assert asked[0][0] == "Save the scene or lesson in view, not your own work"
    window.controllers.scenes.leave()
    qtbot.waitUntil(lambda: building.workspace is own)
    assert (own.trained_steps, len(own.loss_history[0])) == (steps, losses)


def test_one_undo_leaves_a_scene_and_brings_the_own_weights_back(window, qtbot):
    building, state = window.building, window.state
    own, key = building.workspace, building.workspace_key
    window.controllers.scenes.show(EXACT)
    qtbot.waitUntil(lambda: building.workspace is not own and not building.busy)
    assert state.experiment == EXACT.settings
    assert building.workspace_key.name != FIRST  # its weights are its own
    assert (state.stack.count(), state.undo_text) == (1, f"scene: {EXACT.title}")
    state.undo()
    qtbot.waitUntil(lambda: building.workspace is own)
    assert building.workspace_key == key
    assert window.controllers.scenes.scene is None
    state.redo()
    assert state.experiment == EXACT.settings


@pytest.mark.parametrize("after", ["no scene", "another scene"])
def test_a_scene_with_bundled_weights_takes_them_and_does_not_train(window, qtbot, after):
    scene = scenes.load_bundled()["guidance"]
    if after == "another scene":  # whose weights begin with the same settings; they are not the next scene's
        window.controllers.scenes.show(msgspec.structs.replace(scene, title="Other", weights=""))
        qtbot.waitUntil(lambda: window.training.wanted)
    saved = Session.load(scenes.bundled_weights()[scene.weights])
    window.controllers.scenes.show(scene)
    building = window.building
    qtbot.waitUntil(
        lambda: (
            building.workspace is not None
            and building.workspace.problem.experiment.data.kind == "digits"
            and building.workspace.trained_steps == int(saved.weights["step"]) > 0
        ),
    )
    assert not building.workspace.weights.untrained
    assert not window.training.wanted
    window.controllers.scenes.leave()
    qtbot.waitUntil(lambda: building.workspace.problem.experiment.data.kind != "digits")


def test_a_preview_ends_within_its_training_when_it_is_told_to(qapp, monkeypatch):
    monkeypatch.setattr(scene_figures, "PREVIEW_SECONDS", 600.0)
    scene = scenes.load(scenes.bundled()["fourier-features"])
    assert scene.settings.sampling.follows == "learned"
    trained = replace(scene.settings, {"training.steps": "auto", "data.points": 500})
    worker = Worker(
        lambda: scene_figures.preview(SceneFile("", "", "", "", msgspec.to_builtins(trained), {})), "gallery"
    )
    worker.start()
    assert worker.latest.wait(30.0)  # it is training
    assert worker.stop(10.0)
