"""The card with one field under five names follows the pointer, and stays where it leaves the canvas."""

import dataclasses

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest

from playground.app.canvas.readouts import place, vector
from playground.app.model.views import PointReadout
from playground.app.panels import FieldNamesPanel
from playground.app.panels.field_names import NO_POINT
from playground.app.style.number_formats import NOTHING
from playground.messages import Message
from tests.app.conftest import wait


@pytest.fixture
def panel(window):
    panel = window.panel(FieldNamesPanel)
    panel.set_folded(False)
    yield panel
    panel._forget()


def test_the_table_is_of_the_point_under_the_pointer(window, panel, connect) -> None:
    came = []
    connect(window.controllers.following.probed, came.append)
    wait(lambda: window.playing.recorded > 3)
    window.playing.set_playing(False)
    for step in range(3):
        QTest.mouseMove(window.canvas.surface, QPoint(150 + step, 120))
    wait(lambda: bool(came) and came[-1].names is not None)
    readout = came[-1]
    names, problem = readout.names, window.controllers.state.problem
    assert panel.score.text() == vector(names.score[0]) == vector(readout.learned)
    assert panel.denoised.text() == place(names.denoised[0], problem.bounds)
    assert panel.noise.text() == vector(names.noise[0])
    np.testing.assert_allclose(names.noise[0], -names.std * names.score[0], rtol=1e-4, atol=1e-6)
    assert panel.header.state.startswith("learned · (")
    assert all(figure.text() != NOTHING for figure in panel.figures)
    before = panel.ratio.text()
    QTest.mouseMove(window.transport, QPoint(5, 5))  # away from the canvas
    window.canvas.hovered.emit(None)
    window.playing.seek(window.playing.frame + 2 if window.playing.frame < 40 else 3)
    wait(lambda: panel.ratio.text() != before)
    assert panel.ratio.text() != before  # the same point at another noise level


def test_time_can_be_counted_from_noise_to_data(window, panel, connect) -> None:
    """t and the flow's time are one minus what they were, the velocity has the other sign; the caption follows."""
    came = []
    wait(lambda: window.playing.recorded > 3)
    window.playing.set_playing(False)
    connect(window.controllers.following.probed, came.append)
    window.playing.seek(3)
    time = float(window.playing.trajectory.time[window.playing.frame])
    window.controllers.following.probe(0.3, 0.2)
    wait(lambda: bool(came) and came[-1].names is not None and came[-1].names.time == pytest.approx(time))
    names = came[-1].names
    assert panel.times.text() == f"{names.time:.3f}, {names.flow_time:.3f}"
    wait(lambda: f"t = {time:.3f}" in " ".join(window.canvas.shown().caption))
    assert f"t = {time:.3f}" in " ".join(window.canvas.shown().caption)
    window.actions_by_key["view.time_to_data"].trigger()
    wait(lambda: panel.times.text().startswith(f"{1 - names.time:.3f}"))
    assert panel.times.text() == f"{1 - names.time:.3f}, {1 - names.flow_time:.3f}"
    assert panel.velocity.text() == vector(-names.velocity[0])
    wait(lambda: f"t = {1 - time:.3f}" in " ".join(window.canvas.shown().caption))
    assert f"t = {1 - time:.3f}" in " ".join(window.canvas.shown().caption)
    assert window.preferences.get("time_to_data")


def test_without_noise_the_score_alone_is_told(panel) -> None:
    panel._show(PointReadout((0.1, 0.2), 0.0, np.array([1.0, -2.0]), None, None))
    assert panel.score.text() == vector(np.array([1.0, -2.0]))
    assert panel.noise.text() == NOTHING
    assert not panel.hint.isHidden()
    assert "Without noise" in panel.hint.text()


def test_other_data_leave_nothing_and_images_say_so(window, panel, monkeypatch) -> None:
    images = dataclasses.replace(window.state.problem, is_image=True)
    with monkeypatch.context() as patched:
        patched.setattr(type(window.state), "problem", images)
        panel._forget()
    assert all(figure.text() == NOTHING for figure in panel.figures)
    assert "points of the plane" in panel.hint.text()
    panel._forget()
    assert panel.hint.text() == NO_POINT


def test_a_refused_edit_leaves_the_values(window, panel, connect) -> None:
    wait(lambda: window.playing.recorded > 3)
    window.playing.set_playing(False)
    window.controllers.following.probe(0.3, 0.2)
    wait(lambda: panel.score.text() != NOTHING)
    shown = panel.score.text()
    window.state.fail(Message("refused", "These settings give no problem."))
    assert (panel.score.text(), panel.hint.isHidden()) == (shown, True)
    window.state.forget_failure()
    window.state.problem_changed.emit()
    assert (panel.score.text(), panel.hint.text()) == (NOTHING, NO_POINT)
