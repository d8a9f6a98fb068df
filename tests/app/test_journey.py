"""The whole way a user goes, with real mouse and key events: pick, train, sample, scrub, click, export, save, reopen."""

import av
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from playground.app.panels import DataPanel, LikelihoodPanel, NoisePanel, SamplingPanel, TrainingPanel
from playground.app.widgets import file_prompts
from playground.app.widgets.controls import ChoiceBox
from playground.lab.conflicts import training_conflict
from playground.lab.session import Session
from tests.app.conftest import SMALL

LEFT = Qt.MouseButton.LeftButton


def click(qtbot, widget: QWidget, at: QPoint | None = None) -> None:
    """Press where a user would, having scrolled the widget into view."""
    area = widget
    while area is not None and not hasattr(area, "ensureWidgetVisible"):
        area = area.parentWidget()
    if area is not None:
        area.ensureWidgetVisible(widget)
    assert widget.isVisible()
    assert widget.isEnabled()
    qtbot.mouseClick(widget, LEFT, pos=at or widget.rect().center())


def place(window, x: float, y: float) -> QPoint:
    """Where a point of the plane is on the canvas."""
    x0, x1, y0, y1 = window.canvas.viewport
    surface = window.canvas.surface
    return QPoint(round((x - x0) / (x1 - x0) * surface.width()), round((y1 - y) / (y1 - y0) * surface.height()))


def button(window, kind: type, text: str) -> QPushButton:
    """A button of a card by its text."""
    (found,) = (one for one in window.panel(kind).findChildren(QPushButton) if one.text() == text)
    return found


def choose(qtbot, box: ChoiceBox, text: str) -> None:
    """Choose from a list by the start of a text: with the focus on it, typing finds it."""
    box.setFocus()
    for letter in text:
        qtbot.keyClick(box, letter)
    assert box.currentText().startswith(text)


def undo(qtbot, window) -> None:
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)


def test_pick_train_sample_scrub_click_export_save_reopen(window, qtbot, tmp_path, monkeypatch):
    controllers, state = window.controllers, window.state

    # Pause, as the README's tour does, and pick other data: the canvas shows them and sampling begins anew.
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Space)
    assert not controllers.playing.is_playing
    click(qtbot, window.panel(DataPanel).tiles["two-gaussians"])
    qtbot.waitUntil(lambda: controllers.building.problem.name == "two Gaussians", timeout=15_000)
    assert "Two Gaussians" in window.top_bar.summary.text()

    # Train while particles go on moving.
    assert controllers.playing.is_playing  # it was paused
    qtbot.waitUntil(lambda: controllers.playing.recorded > 2, timeout=10_000)
    frames = []
    controllers.playing.frame_changed.connect(frames.append)
    click(qtbot, button(window, TrainingPanel, "Train"))
    assert controllers.training.status == "training"
    qtbot.waitUntil(lambda: controllers.training.status == "finished", timeout=40_000)
    assert controllers.training.trained_steps == SMALL["training.steps"]
    assert len(set(frames)) > 1
    assert window.windowTitle().startswith("• ")
    assert "trained" in window.status._training.text()

    sampler = window.panel(SamplingPanel).kind.control
    # Another sampler: it begins at once with the trained network, and undo brings the first one back.
    for change in (lambda: choose(qtbot, sampler, "Ann"), lambda: undo(qtbot, window)):
        before = controllers.playing.trajectory
        change()
        qtbot.waitUntil(lambda before=before: controllers.playing.trajectory is not before, timeout=15_000)
        qtbot.waitUntil(lambda: controllers.playing.trajectory.finished, timeout=15_000)
    assert state.experiment.sampling.kind == "reverse-sde"

    # Pause by key, step by key, scrub by mouse: particles and sigma follow.
    window.canvas.setFocus()
    surface = QApplication.focusWidget()
    if controllers.playing.is_playing:
        qtbot.keyClick(surface, Qt.Key.Key_Space)
    assert not controllers.playing.is_playing
    qtbot.keyClick(surface, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: controllers.playing.frame == 0)
    sigma = controllers.playing.sigma
    qtbot.keyClick(surface, Qt.Key.Key_Period)
    qtbot.waitUntil(lambda: controllers.playing.frame == 1)
    scrubber = window.transport.scrubber
    click(qtbot, scrubber, QPoint(scrubber.width() * 3 // 4, scrubber.height() // 2))
    qtbot.waitUntil(lambda: controllers.playing.frame > 20)
    assert controllers.playing.sigma < sigma
    frame = controllers.playing.frame
    qtbot.waitUntil(
        lambda: np.array_equal(
            window.canvas.scene(100, 100).particles.positions, controllers.playing.trajectory.positions[frame]
        )
    )
    assert controllers.playing.frame == frame

    # Click a point: its likelihood and path.
    with qtbot.waitSignal(controllers.measuring.likelihood_changed, timeout=20_000) as found:
        click(qtbot, window.canvas.surface, place(window, 5.0, 5.0))
    likelihood = found.args[0]
    assert likelihood.point == pytest.approx((5.0, 5.0), abs=0.2)
    assert likelihood.exact == pytest.approx(np.log(0.8 / (2 * np.pi)), abs=0.2)
    assert window.canvas.scene(100, 100).path is not None
    assert window.panel(LikelihoodPanel).isVisible()

    # Shift+click a second one: the way between the two.
    with qtbot.waitSignal(controllers.measuring.interpolation_changed, timeout=20_000):
        qtbot.mouseClick(window.canvas.surface, LEFT, Qt.KeyboardModifier.ShiftModifier, place(window, 4.0, 4.0))
    clicked = controllers.measuring.clicked
    assert clicked == (tuple(likelihood.point), pytest.approx((4.0, 4.0), abs=0.2))

    # Measure the test set.
    with qtbot.waitSignal(controllers.measuring.evaluation_changed, timeout=40_000):
        click(qtbot, button(window, LikelihoodPanel, "Test set"))

    # Export the run as a film.
    click(qtbot, window.top_bar.findChild(QPushButton, "file.export_video.button"))
    dialog = window.exports.dialog
    dialog.path.setText(str(tmp_path / "run.mp4"))
    dialog.width_box.setValue(320)
    dialog.height_box.setValue(180)
    dialog.seconds.setValue(1)
    dialog.fps.setValue(12)
    with qtbot.waitSignal(window.exports.finished, timeout=40_000):
        click(qtbot, dialog.start_button)
    with av.open(str(tmp_path / "run.mp4")) as film:
        pictures = [picture.to_ndarray(format="gray") for picture in film.decode(film.streams.video[0])]
    assert len(pictures) == 12
    assert np.abs(pictures[0].astype(int) - pictures[-1]).max() > 60  # something moved

    # Save under a name, with Ctrl+S.
    path = tmp_path / "mine.spg"
    monkeypatch.setattr(file_prompts, "save_name", lambda *_: (str(path), ""))
    window.activateWindow()  # a window manager would, once the dialog is gone
    qtbot.waitUntil(window.isActiveWindow)
    with qtbot.waitSignal(window.documents.saved, timeout=10_000):
        qtbot.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert window.windowTitle().startswith("mine.spg")
    trained = Session.load(path)
    assert trained.experiment == state.experiment
    assert trained.trajectory is not None

    # Begin something else, then reopen: all of it is back.
    with qtbot.waitSignal(controllers.building.problem_changed, timeout=15_000):
        click(qtbot, window.panel(DataPanel).tiles["rings"])
    state.mark_saved()
    monkeypatch.setattr(file_prompts, "open_name", lambda *_: str(path))
    with qtbot.waitSignal(controllers.building.problem_changed, timeout=15_000):
        click(qtbot, window.top_bar.findChild(QPushButton, "file.open.button"))
    qtbot.waitUntil(
        lambda: controllers.building.problem.name == "two Gaussians" and not controllers.training.untrained,
        timeout=15_000,
    )
    assert state.experiment == trained.experiment
    np.testing.assert_array_equal(controllers.playing.trajectory.positions, trained.trajectory["positions"])
    assert window.windowTitle() == "mine.spg - Score Playground"
    qtbot.waitUntil(
        lambda: controllers.measuring.interpolation is not None and controllers.measuring.likelihood is not None,
        timeout=20_000,
    )
    assert controllers.measuring.clicked == clicked
    assert controllers.measuring.likelihood.flow.log_prob == pytest.approx(
        likelihood.flow.log_prob, abs=1e-3
    )  # measured again


def test_paint_data_with_the_brush_and_undo(window, qtbot):
    data = window.panel(DataPanel)
    click(qtbot, data.tiles["drawn"])
    qtbot.waitUntil(lambda: "Paint" in window.canvas.scene(10, 10).hint, timeout=5_000)
    surface = window.canvas.surface
    with qtbot.waitSignal(window.controllers.building.problem_changed, timeout=15_000):
        paint(qtbot, surface)
    (stroke,) = window.state.experiment.data.strokes
    assert len(stroke.points) > 3
    assert window.controllers.building.problem.known_density
    assert window.canvas.scene(10, 10).hint == ""
    undo(qtbot, window)
    assert window.state.experiment.data.strokes == ()


def paint(qtbot, surface: QWidget) -> None:
    """A stroke of the brush from one place to another."""
    qtbot.mousePress(surface, LEFT, pos=QPoint(150, 150))
    for step in range(12):
        qtbot.mouseMove(surface, QPoint(150 + 12 * step, 150 + 8 * step))
    qtbot.mouseRelease(surface, LEFT, pos=QPoint(290, 246))


def is_empty(window) -> bool:
    """Whether the canvas has nothing but the hint to paint on it."""
    scene = window.canvas.scene(100, 100)
    layers = (scene.images, scene.density, scene.learned, scene.exact, *scene.still(), *scene.moving())
    return "Paint" in scene.hint and not any(layer is not None for layer in layers) and scene.caption == ()


def test_paint_where_the_digits_were_clear_and_undo(window, qtbot, tmp_path, monkeypatch):
    data, controllers, surface = window.panel(DataPanel), window.controllers, window.canvas.surface
    with qtbot.waitSignal(controllers.building.problem_changed, timeout=20_000):
        click(qtbot, data.tiles["digits"])
    qtbot.waitUntil(lambda: controllers.playing.recorded > 2, timeout=20_000)
    click(qtbot, data.tiles["drawn"])
    qtbot.waitUntil(lambda: is_empty(window), timeout=5_000)
    x0, x1, y0, y1 = window.canvas.viewport
    assert max(x1 - x0, y1 - y0) < 100 * data.radius.radius
    assert data.brush.isChecked()
    assert not any(button.isVisible() for button in data.notice.findChildren(QPushButton))  # no brush to take
    window._show_status()
    assert "not trained" in window.status._training.text()
    assert not window.actions_by_key["measure.test_set"].isEnabled()
    train = next(button for button in window.top_bar.findChildren(QPushButton) if button.text() == "Train")
    assert not train.isEnabled()
    assert "paint on the canvas" in train.toolTip()
    qtbot.keyClick(surface, Qt.Key.Key_T)  # the key says why, too
    assert [toast.sentence for toast in window.toasts.shown] == [str(training_conflict(window.state.experiment))]
    assert (
        window.panel(LikelihoodPanel)
        .hint.text()
        .endswith("Press Brush in the Data card to turn it off, then click a point.")
    )
    monkeypatch.setattr(file_prompts, "save_name", lambda *_: (str(tmp_path / "empty.spg"), ""))
    with qtbot.waitSignal(window.documents.refused, timeout=5_000) as refused:
        qtbot.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert str(refused.args[0]) == "Nothing is saved: there are no data yet."
    with qtbot.waitSignal(controllers.building.problem_changed, timeout=15_000):
        paint(qtbot, surface)
    (stroke,) = window.state.experiment.data.strokes
    assert stroke.radius == data.radius.radius  # what the card shows is what the brush does
    assert window.canvas.viewport == (x0, x1, y0, y1)  # the plane holds still
    assert not controllers.building.problem.is_image
    assert train.isEnabled()
    assert "Train the network" in train.toolTip()
    click(qtbot, data.brush)
    assert "Click a point" in window.panel(LikelihoodPanel).hint.text()
    click(qtbot, data.brush)
    qtbot.waitUntil(lambda: window.canvas.scene(10, 10).particles is not None, timeout=10_000)
    # Clear: points, density and arrows go; undo brings them back.
    qtbot.waitUntil(lambda: window.canvas.scene(10, 10).learned is not None, timeout=10_000)
    click(qtbot, data.clear)
    qtbot.waitUntil(lambda: is_empty(window), timeout=5_000)
    qtbot.wait(200)  # what was being computed is not shown late
    assert is_empty(window)
    with qtbot.waitSignal(controllers.building.problem_changed, timeout=15_000):
        undo(qtbot, window)
    qtbot.waitUntil(lambda: window.canvas.scene(10, 10).particles is not None, timeout=10_000)
    assert window.canvas.scene(10, 10).data is not None


def test_digits_take_the_place_of_the_plane(window, qtbot):
    with qtbot.waitSignal(window.controllers.building.problem_changed, timeout=20_000):
        click(qtbot, window.panel(DataPanel).tiles["digits"])
    assert window.canvas.scene(10, 10).images is not None
    for chip in window.chips.chips.values():
        assert not chip.isEnabled()
        assert chip.toolTip().endswith("<p>Images have no such layer.</p>")
    qtbot.waitUntil(lambda: window.controllers.playing.recorded > 2, timeout=20_000)
    assert window.canvas.scene(10, 10).images.images.shape[1:] == (1, 8, 8)
    qtbot.mouseClick(window.canvas.surface, LEFT, pos=QPoint(1, 1))
    assert window.toasts.shown[0].sentence.startswith("There is no image at that place")
    assert window.canvas.scene(10, 10).images.known is None
    window.state.edit({"sampling.inpainting_mask": "top"})
    qtbot.waitUntil(lambda: window.canvas.scene(10, 10).images.known is not None, timeout=20_000)
    assert window.canvas.scene(10, 10).images.known.sum(axis=1).tolist() == [8, 8, 8, 8, 0, 0, 0, 0]
    with qtbot.waitSignal(window.controllers.building.problem_changed, timeout=20_000):
        click(qtbot, window.panel(DataPanel).tiles["rings"])
    assert window.canvas.scene(10, 10).images is None


def test_dragging_an_end_of_the_noise_levels(window, qtbot):
    before = window.controllers.building.problem.sigma_max
    noise_chart = window.panel(NoisePanel).chart
    handle = noise_chart.place(0).toPoint()
    with qtbot.waitSignal(window.controllers.building.problem_changed, timeout=15_000):
        qtbot.mousePress(noise_chart, LEFT, pos=handle)
        for step in range(1, 6):
            qtbot.mouseMove(noise_chart, handle + QPoint(4 * step, 0))
        qtbot.mouseRelease(noise_chart, LEFT, pos=handle + QPoint(20, 0))
    assert window.controllers.building.problem.sigma_max != before
    window.state.undo()
