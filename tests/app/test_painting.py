"""Painting data with the brush, and images in place of the plane, by real mouse and key events."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QPushButton, QWidget

from playground.app.panels import DataPanel, LikelihoodPanel
from playground.app.widgets import file_prompts
from playground.app.widgets.controls import ChoiceBox
from playground.lab.conflicts import training_conflict

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


def test_paint_data_with_the_brush_and_undo(window, qtbot):
    data = window.panel(DataPanel)
    click(qtbot, data.tiles["drawn"])
    qtbot.waitUntil(lambda: "Paint" in window.canvas.scene(10, 10).hint)
    surface = window.canvas.surface
    with qtbot.waitSignal(window.controllers.state.problem_changed):
        paint(qtbot, surface)
    (stroke,) = window.state.experiment.data.strokes
    assert len(stroke.points) > 3
    assert window.controllers.state.problem.known_density
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
    with qtbot.waitSignal(controllers.state.problem_changed):
        click(qtbot, data.tiles["digits"])
    qtbot.waitUntil(lambda: controllers.playing.recorded > 2)
    click(qtbot, data.tiles["drawn"])
    qtbot.waitUntil(lambda: is_empty(window))
    x0, x1, y0, y1 = window.canvas.viewport
    assert max(x1 - x0, y1 - y0) < 100 * data.radius.state.value("brush_radius")
    assert data.brush.isChecked()
    assert not any(button.isVisible() for button in data.notice.findChildren(QPushButton))  # no brush to take
    window.status.show_state()
    assert "not trained" in window.status.training.text()
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
    with qtbot.waitSignal(window.documents.refused) as refused:
        qtbot.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert str(refused.args[0]) == "Nothing is saved: there are no data yet."
    with qtbot.waitSignal(controllers.state.problem_changed):
        paint(qtbot, surface)
    (stroke,) = window.state.experiment.data.strokes
    assert stroke.radius == data.radius.state.value("brush_radius")  # what the card shows is what the brush does
    assert window.canvas.viewport == (x0, x1, y0, y1)  # the plane holds still
    assert not controllers.state.problem.is_image
    assert train.isEnabled()
    assert "Train the network" in train.toolTip()
    click(qtbot, data.brush)
    assert "Click a point" in window.panel(LikelihoodPanel).hint.text()
    click(qtbot, data.brush)
    qtbot.waitUntil(lambda: window.canvas.scene(10, 10).particles is not None)
    # Clear: points, density and arrows go; undo brings them back.
    qtbot.waitUntil(lambda: window.canvas.scene(10, 10).learned is not None)
    click(qtbot, data.clear)
    qtbot.waitUntil(lambda: is_empty(window))
    qtbot.wait(200)  # what was being computed is not shown late
    assert is_empty(window)
    with qtbot.waitSignal(controllers.state.problem_changed):
        undo(qtbot, window)
    qtbot.waitUntil(lambda: window.canvas.scene(10, 10).particles is not None)
    assert window.canvas.scene(10, 10).data is not None


def test_digits_take_the_place_of_the_plane(window, qtbot):
    with qtbot.waitSignal(window.controllers.state.problem_changed):
        click(qtbot, window.panel(DataPanel).tiles["digits"])
    assert window.canvas.scene(10, 10).images is not None
    for chip in window.chips.chips.values():
        assert not chip.isEnabled()
        assert chip.toolTip().endswith("<p>Images have no such layer.</p>")
    qtbot.waitUntil(lambda: window.controllers.playing.recorded > 2)
    assert window.canvas.scene(10, 10).images.images.shape[1:] == (1, 8, 8)
    qtbot.mouseClick(window.canvas.surface, LEFT, pos=QPoint(1, 1))
    assert window.toasts.shown[0].sentence.startswith("There is no image at that place")
    assert window.canvas.scene(10, 10).images.known is None
    window.state.edit({"sampling.inpainting_mask": "top"})
    qtbot.waitUntil(lambda: window.canvas.scene(10, 10).images.known is not None)
    assert window.canvas.scene(10, 10).images.known.sum(axis=1).tolist() == [8, 8, 8, 8, 0, 0, 0, 0]
    with qtbot.waitSignal(window.controllers.state.problem_changed):
        click(qtbot, window.panel(DataPanel).tiles["rings"])
    assert window.canvas.scene(10, 10).images is None
