"""The brush is put down where a click is to mean something else, and a stroke that costs trained weights says so."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from playground.app.panels import DataPanel, LikelihoodPanel, TrainingPanel
from playground.app.widgets import toasts
from playground.lab.session import Session

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def drawing(window, qtbot):
    """The window with a drawing of one stroke, made by the mouse, and the brush still in hand."""
    QTest.mouseClick(window.panel(DataPanel).tiles["drawn"], LEFT)
    qtbot.waitUntil(lambda: window.controllers.state.problem is None)
    with qtbot.waitSignal(window.controllers.state.problem_changed):
        stroke(window, 100)
    assert window.panel(DataPanel).brush.isChecked()
    return window


def stroke(window, down: int) -> None:
    """A horizontal stroke."""
    surface = window.canvas.surface
    QTest.mousePress(surface, LEFT, pos=QPoint(100, down))
    for x in range(120, 300, 20):
        QTest.mouseMove(surface, QPoint(x, down))
        QApplication.processEvents()
    QTest.mouseRelease(surface, LEFT, pos=QPoint(300, down))


def strokes(window) -> int:
    return len(window.state.experiment.data.strokes)


def train(window, qtbot) -> None:
    QTest.mouseClick(window.panel(TrainingPanel).button, LEFT)
    qtbot.waitUntil(lambda: window.controllers.training.status == "finished")


def test_a_first_stroke_is_never_painted_in_the_view_of_other_data(window):
    QTest.mouseClick(window.panel(DataPanel).tiles["drawn"], LEFT)
    assert window.controllers.state.problem is None  # at once, with no time in which to begin a stroke
    *_, y0, y1 = window.canvas.viewport
    assert (y0, y1) == pytest.approx((-3, 3), abs=1)  # however wide the canvas is


def test_the_wheel_goes_no_further_than_the_card_shows(window):
    data, brush = window.panel(DataPanel), window.canvas.brush
    shown = data.radius.state
    for height in (1e6, 1e-6, 1e6):  # of a view far out, of one far in
        for _ in range(2):
            brush.turn(1.0, height)
            assert brush.radius == shown.value("brush_radius")
            assert 1e-3 <= brush.radius <= 1e3


def test_after_training_a_click_asks_for_a_likelihood_and_paints_nothing(drawing, qtbot):
    window = drawing
    train(window, qtbot)
    assert not window.panel(DataPanel).brush.isChecked()
    with qtbot.waitSignal(window.controllers.clicking.likelihood_changed, check_params_cb=lambda found: found):
        QTest.mouseClick(window.canvas.surface, LEFT, pos=QPoint(200, 100))
    assert strokes(window) == 1
    assert window.controllers.training.trained_steps > 0


def test_a_drawing_that_is_chosen_again_is_not_painted_on(drawing, qtbot):
    window, tiles, brush = drawing, drawing.panel(DataPanel).tiles, drawing.panel(DataPanel).brush
    train(window, qtbot)
    for others in ((), ("rings",)):
        for tile in (*others, "drawn"):
            QTest.mouseClick(tiles[tile], LEFT)
            qtbot.waitUntil(lambda: not window.controllers.building.busy)
        assert strokes(window) == 1
        assert not brush.isChecked()
    QTest.mouseClick(window.panel(DataPanel).clear, LEFT)
    QTest.mouseClick(tiles["drawn"], LEFT)
    assert brush.isChecked()  # nothing can be lost


def test_the_way_to_a_second_point_puts_the_brush_down_and_the_brush_the_way(drawing, qtbot):
    window, card, brush = drawing, drawing.panel(LikelihoodPanel), drawing.panel(DataPanel).brush
    train(window, qtbot)
    with qtbot.waitSignal(window.controllers.clicking.likelihood_changed, check_params_cb=lambda found: found):
        QTest.mouseClick(window.canvas.surface, LEFT, pos=QPoint(200, 100))
    QTest.mouseClick(brush, LEFT)
    QTest.mouseClick(card.second, LEFT)
    assert not brush.isChecked()
    QTest.mouseClick(brush, LEFT)
    assert not card.second.isChecked()


def test_a_stroke_over_trained_weights_says_what_it_costs_and_undo_brings_them_back(drawing, qtbot, monkeypatch):
    monkeypatch.setitem(toasts.MILLISECONDS, "warning", 60_000)
    window, brush = drawing, drawing.panel(DataPanel).brush
    assert window.toasts.shown == []  # the first stroke cost nothing
    train(window, qtbot)
    steps = window.controllers.training.trained_steps
    QTest.mouseClick(brush, LEFT)
    stroke(window, 200)
    (toast,) = window.toasts.shown
    assert toast.sentence == "The stroke discards 400 training steps. Undo brings them back."
    qtbot.waitUntil(lambda: window.controllers.training.trained_steps == 0)
    QTest.mouseClick(toast.button, LEFT)
    qtbot.waitUntil(lambda: window.controllers.training.trained_steps == steps)
    assert strokes(window) == 1
    assert window.toasts.shown == []


def test_a_stroke_offers_undo_only_while_undo_takes_it_back(drawing, qtbot):
    window = drawing
    train(window, qtbot)
    QTest.mouseClick(window.panel(DataPanel).brush, LEFT)
    stroke(window, 200)
    assert len(window.toasts.shown) == 1
    window.state.edit({"sampling.particles": 7})
    assert window.toasts.shown == []


def test_a_drawing_that_is_opened_is_not_painted_on(drawing, qtbot, tmp_path):
    window = drawing
    window.controllers.sessions.pack({})().save(tmp_path / "drawing.spg")
    window.state.mark_saved()
    assert Session.load(tmp_path / "drawing.spg").experiment.data.kind == "drawn"
    window.opening.open(tmp_path / "drawing.spg")
    qtbot.waitUntil(lambda: not window.panel(DataPanel).brush.isChecked())
