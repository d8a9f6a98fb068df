"""Scenes in the window: shown as one step of the history, measured where they are, and listed with runs of their own."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtTest import QTest

from playground.app.controllers.building import FIRST
from playground.app.dialogs import gallery as module
from playground.app.dialogs.gallery import Gallery
from playground.app.panels import LessonPanel
from playground.app.panels.lesson import CHANGED, FAILS, HOLDS
from playground.app.style import text_size
from playground.app.widgets.file_prompts import FilePrompts
from playground.app.workers.worker import Worker
from playground.drawing.palette import LIGHT
from playground.lab import lessons, step_measuring
from playground.lab.experiment import replace
from playground.lab.lessons import Lesson, MeasuredStep, Step
from playground.lab.session import Session
from playground.lab.step_figure import Figure

EXACT = Step(
    experiment={"data": {"kind": "two-gaussians"}, "sampling": {"kind": "langevin", "source": "exact"}},
    figures={"share": Figure("mode_weights", index=0, at_most=0.7)},
    text="A claim.",
    explanation="Measured: share {share:.2f}.",
)
SCENE = Lesson("a-title", "A title", (EXACT,), "A topic")
LEARNED = Lesson("other", "Other", (Step(experiment={"data": {"kind": "rings"}}),))


def measured_by(monkeypatch, value):
    def measure(step):
        yield 0.5, None
        yield 1.0, MeasuredStep(step, {"share": value})

    monkeypatch.setattr(step_measuring, "measure", measure)


def wait_measured(controller, qtbot):
    qtbot.waitUntil(lambda: controller.measured is not None and controller.measured.complete)


@pytest.mark.parametrize(("value", "said"), [(0.5, HOLDS), (0.8, FAILS)])
def test_the_card_says_what_was_measured_and_whether_the_claim_holds(window, qtbot, monkeypatch, value, said):
    measured_by(monkeypatch, value)
    controller, panel = window.controllers.lessons, window.panel(LessonPanel)
    assert panel.isHidden()
    controller.begin(SCENE)
    assert not panel.isHidden()
    assert (panel.name.text(), panel.text.text()) == ("A title", "A claim.")
    assert panel.explanation.isHidden()
    controller.measure()
    wait_measured(controller, qtbot)
    assert panel.explanation.text() == f"Measured: share {value:.2f}."
    assert panel.notice.text.text() == said
    panel.end.click()
    assert panel.isHidden()


def test_only_a_scene_is_measured_as_one_and_only_bounds_hold(window, qtbot, monkeypatch):
    measured_by(monkeypatch, 0.5)
    controller, panel = window.controllers.lessons, window.panel(LessonPanel)
    controller.begin(SCENE)
    assert panel.measure.accessibleName() == "Measure what the scene claims"
    only_shown = msgspec.structs.replace(EXACT, figures={"share": Figure("mode_weights", index=0)})
    controller.begin(Lesson("two", "Two", (only_shown, EXACT)))
    assert panel.measure.accessibleName() == "Measure what the step shows"
    for said in ("", HOLDS):
        controller.measure()
        wait_measured(controller, qtbot)
        assert panel.notice.text.text() == said
        controller.next()


def test_a_scene_cannot_be_started_again(window):
    controller, panel = window.controllers.lessons, window.panel(LessonPanel)
    controller.progress.finish(SCENE, 1)
    controller.begin(SCENE)
    assert panel.start_again.isHidden()


def test_a_scene_that_is_changed_and_opened_again_shows_and_measures_what_is_new(window, qtbot, monkeypatch):
    """Also where only its words and bounds are new, so that the window's settings stay."""
    measured_by(monkeypatch, 0.5)
    controller, panel = window.controllers.lessons, window.panel(LessonPanel)
    controller.begin(SCENE)
    controller.measure()
    wait_measured(controller, qtbot)
    assert panel.notice.text.text() == HOLDS
    stricter = {"share": Figure("mode_weights", index=0, at_most=0.4)}
    new = msgspec.structs.replace(EXACT, text="Another claim.", figures=stricter)
    controller.begin(msgspec.structs.replace(SCENE, steps=(new,)))
    assert controller.step is new
    assert panel.text.text() == "Another claim."
    assert panel.explanation.isHidden()  # the old figures are forgotten
    controller.measure()
    wait_measured(controller, qtbot)
    assert panel.notice.text.text() == FAILS


def test_the_card_says_that_the_settings_in_view_are_not_those_that_are_measured(window):
    controller, panel, state = window.controllers.lessons, window.panel(LessonPanel), window.state
    controller.begin(SCENE)
    assert panel.changed.isHidden()
    state.edit({"data.kind": "rings"})
    assert not panel.changed.isHidden()
    assert panel.changed.text.text() == CHANGED
    state.undo()
    assert panel.changed.isHidden()
    state.edit({"data.kind": "rings"})
    controller.begin(LEARNED)
    assert panel.changed.isHidden()


def test_the_card_shows_the_figures_that_are_measured_so_far(window, monkeypatch):
    two = msgspec.structs.replace(
        EXACT, explanation="{share:.1f}, {b:g}", figures=EXACT.figures | {"b": Figure("nfe_max")}
    )
    controller, panel = window.controllers.lessons, window.panel(LessonPanel)

    def show(values):
        controller.figures = MeasuredStep(two, values)
        controller.changed.emit()

    controller.begin(Lesson("two", "Two", (two,)))
    show({})
    assert panel.explanation.isHidden()  # nothing is measured yet
    show({"share": 0.9})
    assert not panel.explanation.isHidden()
    assert panel.explanation.text() == "0.9, …"
    assert not panel.notice.text.text()
    show({"share": 0.9, "b": 7.0})
    assert panel.explanation.text() == "0.9, 7"
    assert panel.notice.text.text() == FAILS


def test_what_is_measured_scrolls_no_title_away(window, qtbot, monkeypatch):
    measured_by(monkeypatch, 0.5)
    controller, panel = window.controllers.lessons, window.panel(LessonPanel)
    controller.begin(SCENE)
    qtbot.waitUntil(lambda: panel.isVisible() and not window.building.busy)
    at = panel.measure.mapTo(window, panel.measure.rect().center())
    QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton, pos=at)  # the column keeps it under the pointer
    qtbot.waitUntil(lambda: panel.explanation.isVisible() and panel.notice.isVisible())
    qtbot.wait(100)
    assert panel.column().verticalScrollBar().value() == 0


@pytest.fixture
def gallery(qtbot, monkeypatch):
    frames = np.random.default_rng(0).normal(size=(3, 20, 2))
    monkeypatch.setattr(step_measuring, "preview", lambda step: iter([None, (frames[0], frames)]))
    chosen = []
    gallery = Gallery(chosen.append)
    gallery.chosen = chosen
    qtbot.addWidget(gallery)
    gallery.show()
    yield gallery
    assert gallery.shutdown(5.0)


def test_the_gallery_computes_a_run_of_every_scene_and_a_click_shows_one(gallery, qtbot):
    before = gallery.tiles[0].grab().toImage()
    gallery.start()
    qtbot.waitUntil(lambda: not gallery.jobs.busy and gallery.complete)
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
    gallery = Gallery(lambda scene: None)
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
        assert tile.scene.steps[0].text in tile.accessibleName()
        font = module.theme.text_font(module.theme.FONT_PIXELS, module.QFont.Weight.DemiBold)
        assert QFontMetrics(font).horizontalAdvance(tile.scene.title) <= tile.width() - 20, tile.scene.title


def test_both_themes_are_painted(gallery, recolor):
    dark = gallery.tiles[0].grab().toImage()
    recolor(LIGHT)
    assert gallery.tiles[0].grab().toImage() != dark


def test_a_preview_has_few_particles_and_a_short_training():
    *steps, (data, frames) = step_measuring.preview(lessons.load_all("scenes")["langevin-weights"].steps[0])
    assert len(steps) > 10
    assert data.shape[1:] == (2,)
    assert len(data) <= 2_000
    assert frames.shape == (step_measuring.PREVIEW_FRAMES, step_measuring.PREVIEW_PARTICLES, 2)
    assert np.isfinite(frames).all()


def test_the_own_weights_are_left_as_they_are(window, qtbot, monkeypatch):
    """A scene of the very settings that were trained gets fresh weights; undo brings the trained ones back."""
    own = window.state.model.training
    window.training.start()
    qtbot.waitUntil(lambda: own.now.step > 0)
    window.training.pause()
    qtbot.waitUntil(lambda: own.now.status == "paused" and window.controllers.jobs.idle)
    scene = Lesson("same", "Same", (Step(experiment=msgspec.to_builtins(window.state.experiment)),))
    steps, losses = own.now.step, own.now.losses.shape[1]
    taken = []
    noting = window.state.problem_changed.connect(lambda: taken.append(window.state.model.training.now.step))
    window.controllers.lessons.begin(scene)
    qtbot.waitUntil(lambda: bool(taken))
    window.state.problem_changed.disconnect(noting)
    assert window.state.model.training is not own
    assert taken == [0]
    window.documents.path = Path("own.spg")
    asked = []
    monkeypatch.setattr(FilePrompts, "save_path", lambda self, *names: asked.append(names))
    window.documents.save()
    assert len(asked) == 1  # and nothing is written over the own file unasked
    assert asked[0][0] == "Save the scene or lesson in view, not your own work"
    window.controllers.lessons.leave()
    qtbot.waitUntil(lambda: window.state.model.training is own)
    assert (own.now.step, own.now.losses.shape[1]) == (steps, losses)


def test_one_undo_leaves_a_scene_and_brings_the_own_weights_back(window, qtbot):
    building, state = window.building, window.state
    own, key = window.state.model.training, building.key
    window.controllers.lessons.begin(SCENE)
    qtbot.waitUntil(lambda: window.state.model.training is not own and not building.busy)
    assert state.experiment == EXACT.settings
    assert building.key.name != FIRST  # its weights are its own
    assert (state.stack.count(), state.undo_text) == (1, f"scene: {SCENE.title}")
    state.undo()
    qtbot.waitUntil(lambda: window.state.model.training is own)
    assert building.key == key
    assert window.controllers.lessons.scene is None
    state.redo()
    assert state.experiment == EXACT.settings


@pytest.mark.parametrize("after", ["no scene", "another scene"])
def test_a_scene_with_bundled_weights_takes_them_and_does_not_train(window, qtbot, after):
    scene = lessons.load_all("scenes")["guidance"]
    if after == "another scene":  # whose weights begin with the same settings; they are not the next scene's
        window.controllers.lessons.begin(
            Lesson("other", "Other", (msgspec.structs.replace(scene.steps[0], weights=""),))
        )
        qtbot.waitUntil(lambda: window.training.wanted)
    saved = Session.load(lessons.bundled_weights()[scene.steps[0].weights])
    window.controllers.lessons.begin(scene)
    qtbot.waitUntil(
        lambda: (
            window.state.model is not None
            and window.state.model.problem.experiment.data.kind == "digits"
            and window.state.model.training.now.step == int(saved.weights["step"]) > 0
        ),
    )
    assert not window.state.model.weights.untrained
    assert not window.training.wanted
    window.controllers.lessons.leave()
    qtbot.waitUntil(lambda: window.state.model.problem.experiment.data.kind != "digits")


def test_a_preview_ends_within_its_training_when_it_is_told_to(qtbot, monkeypatch):
    monkeypatch.setattr(step_measuring, "PREVIEW_SECONDS", 600.0)
    (step,) = lessons.load_all("scenes")["fourier-features"].steps
    assert step.settings.sampling.follows == "learned"
    trained = replace(step.settings, {"training.steps": "auto", "data.points": 500})
    begun = []

    def preview():
        for told in step_measuring.preview(Step(experiment=msgspec.to_builtins(trained))):
            begun.append(told)
            yield told

    worker = Worker(preview, "gallery")
    worker.start()
    qtbot.waitUntil(lambda: bool(begun))  # it is training
    worker.requestInterruption()
    assert worker.wait()
