"""The timeline's words are those of the run in view, whatever came before it."""

import dataclasses

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from playground.app.style.number_formats import format_number
from playground.lab.experiment import replace
from tests.app.conftest import wait


def ends(window) -> tuple[str, str]:
    return window.transport.scrubber.labels()[:2]


def of(problem) -> tuple[str, str]:
    return f"noise σ = {format_number(problem.sigma_max)}", f"data σ = {format_number(problem.sigma_min)}"


def finished(window) -> bool:
    return window.controllers.playing.trajectory is not None and window.controllers.playing.trajectory.finished


@pytest.fixture
def opened(window):
    """A session of two moons with its run, opened while rings are there."""
    wait(lambda: finished(window))
    session = window.controllers.sessions.pack({})()
    assert session.trajectory
    window.state.edit({"data.kind": "rings"})
    wait(
        lambda: (
            window.controllers.state.problem.name == "rings"
            and window.controllers.playing.recorded > 5
            and ends(window)[1] != ""
        ),
    )
    rings = of(window.controllers.state.problem)
    assert ends(window)[1] == rings[1]
    window.controllers.playing.set_playing(False)  # so that no other run begins
    return window, session, rings


def test_the_run_of_an_opened_session_has_the_ends_of_its_own_noise(opened):
    window, session, rings = opened
    window.opening._adopt(session, None)
    assert ends(window)[1] != rings[1]
    assert ends(window)[1].endswith(f" σ = {format_number(float(session.trajectory['sigma'][-1]))}")
    wait(lambda: window.controllers.state.problem.name == "two moons")
    assert len(window.controllers.playing.trajectory) == len(session.trajectory["sigma"])
    assert ends(window)[1] == of(window.controllers.state.problem)[1]


def test_the_run_of_other_data_does_not_outlive_a_session_without_one(opened):
    window, session, _rings = opened
    before = window.controllers.playing.trajectory
    window.opening._adopt(dataclasses.replace(session, trajectory=None), None)
    wait(
        lambda: (
            window.controllers.state.problem.name == "two moons" and window.controllers.playing.trajectory is not before
        ),
    )
    assert window.controllers.playing.trajectory is not before
    wait(lambda: ends(window)[1] == of(window.controllers.state.problem)[1])
    assert ends(window)[1] == of(window.controllers.state.problem)[1]


def test_the_loop_button_follows_the_key_and_the_menu(window):
    button = window.transport.loop
    assert window.controllers.playing.loop
    assert button.isChecked()
    window.canvas.setFocus()
    QTest.keyClick(window.canvas.surface, Qt.Key.Key_L)
    assert not window.controllers.playing.loop
    assert not button.isChecked()
    button.click()
    assert window.controllers.playing.loop
    assert window.actions_by_key["sample.loop"].isChecked()


@pytest.mark.parametrize(
    ("button", "command"),
    [
        ("restart", "sample.restart"),
        ("back", "sample.step_back"),
        ("play", "sample.play"),
        ("forward", "sample.step"),
        ("new_seed", "sample.restart_new_seed"),
        ("loop", "sample.loop"),
    ],
)
def test_each_button_carries_out_its_command(window, connect, button, command):
    pressed, done = getattr(window.transport, button), list[str]()
    for key in ("restart", "step_back", "play", "step", "restart_new_seed", "loop"):
        connect(window.actions_by_key[f"sample.{key}"].triggered, lambda *_, key=key: done.append(f"sample.{key}"))
    wait(pressed.isEnabled)
    assert "<" not in pressed.accessibleDescription()
    QTest.mouseClick(pressed, Qt.MouseButton.LeftButton)
    assert done == [command]
    if button == "loop":
        QTest.mouseClick(pressed, Qt.MouseButton.LeftButton)


def test_the_ends_of_other_data_leave_with_them(window, monkeypatch):
    wait(lambda: finished(window))
    monkeypatch.setattr(
        window.controllers.playing.sampler, "_start", lambda run: iter(())
    )  # as on a machine that is too busy to begin it
    window.state.load(replace(window.state.experiment, {"data.kind": "rings"}))
    wait(lambda: window.controllers.state.problem.name == "rings")
    assert ends(window) == ("", "")
