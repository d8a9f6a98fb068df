"""A particle that is followed: chosen with Alt, in numbers on its card, in arrows on the canvas, and in films."""

import dataclasses

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from playground.app.actions import clear
from playground.app.canvas.frames import followed_particle
from playground.app.canvas.readouts import vector
from playground.app.panels import ParticlePanel
from playground.app.panels.particle import COMING, END, OTHER, SKIPPED, WEIGHTS_CHANGED
from playground.app.style import theme
from playground.app.style.number_formats import format_number
from playground.drawing.scene import Scene
from playground.lab.compute import result
from playground.lab.inspection import InspectedParticle, StepSum
from tests.app.conftest import wait

ALT, LEFT = Qt.KeyboardModifier.AltModifier, Qt.MouseButton.LeftButton


@pytest.fixture
def window(window):
    window.panel(ParticlePanel).set_folded(False)
    wait(lambda: window.playing.trajectory is not None and window.playing.trajectory.finished)
    window.playing.set_playing(False)
    window.playing.seek(30)
    wait(lambda: window.playing.shown_frame == 30)
    return window


def place(window, point: np.ndarray) -> QPoint:
    x, y = window.canvas.plane().to_painter(point).tolist()
    return QPoint(round(x), round(y))


def in_view(window) -> int:
    """A particle in the middle of the canvas."""
    positions = window.playing.trajectory.positions[window.playing.frame]
    x0, x1, y0, y1 = window.canvas.viewport
    return int(np.linalg.norm(positions - [(x0 + x1) / 2, (y0 + y1) / 2], axis=1).argmin())


def follow(window) -> int:
    number = in_view(window)
    at = place(window, window.playing.trajectory.positions[window.playing.frame][number])
    QTest.mouseClick(window.canvas.surface, LEFT, ALT, at)
    wait(lambda: window.controllers.inspecting.particle is not None)
    return number


def test_alt_click_follows_the_nearest_particle_and_a_click_beside_all_follows_none(window, connect) -> None:
    inspecting, clicked = window.controllers.inspecting, []
    connect(window.canvas.picking.picked, lambda place, modifier: clicked.append(modifier))
    number = follow(window)
    assert inspecting.number == number
    assert clicked == ["alt"]
    assert not window.clicking.is_measuring_point
    shown = window.canvas.shown().followed
    np.testing.assert_array_equal(shown.positions, window.playing.trajectory.positions[:31, number])
    QTest.mouseClick(window.canvas.surface, LEFT, ALT, QPoint(3, window.canvas.surface.height() - 3))
    assert inspecting.number is None
    assert window.canvas.shown().followed is None


def test_numbers_and_arrows_are_those_of_the_recorded_step_in_each_frame(window) -> None:
    panel, inspecting = window.panel(ParticlePanel), window.controllers.inspecting
    number = follow(window)
    for frame in (30, 31, 12):
        window.playing.seek(frame)
        wait(lambda frame=frame: inspecting.particle is not None and inspecting.particle.frame == frame)
        wait(lambda: (ring := window.canvas.shown().followed) is not None and len(ring.terms) == 3)
        step = inspecting.particle.step
        drawn = window.canvas.shown().followed.terms
        assert [role for _, role in drawn] == ["exact", "learned", "particles"]
        recorded = np.diff(np.float64(window.playing.trajectory.positions[frame : frame + 2, number]), axis=0)[0]
        np.testing.assert_allclose(sum(term for term, _ in drawn), recorded, atol=1e-6)
        assert panel.score.text() == vector(step.score)
        assert panel.rest.text() == vector(step.rest)
        assert panel.rest.name.text() == "noise"
        low, high = inspecting.particle.eigenvalues[0]
        assert panel.eigenvalues.text().startswith(format_number(low.real))
        assert panel.eigenvalues.text().endswith(" i" if low.imag else format_number(high.real))
        assert panel.header.state == f"{number} · step {frame}"
        assert "g²h s" in panel.equation.text()
        assert "g√h z" in panel.equation.text()
    window.playing.seek(10_000)
    wait(lambda: inspecting.particle is not None and inspecting.particle.step is None)
    assert panel.hint.text() == END
    QTest.mouseClick(panel.stop, LEFT)
    assert inspecting.number is None
    assert panel.stop.isHidden()


def test_the_title_names_the_step_of_the_values_below_it(window, monkeypatch) -> None:
    panel, inspecting = window.panel(ParticlePanel), window.controllers.inspecting
    number = follow(window)
    wait(lambda: inspecting.particle.frame == 30)
    requested = []
    with monkeypatch.context() as patch:
        patch.setattr(window.playing.sampler.inspections, "request", requested.append)  # answered late
        window.playing.seek(40)
        wait(lambda: window.playing.shown_frame == 40 and any(one.frame == 40 for one in requested))
        score = inspecting.particle.step.score
        assert panel.header.state == f"{number} · step 30"
        assert panel.score.text() == vector(score)
    window.playing.sampler.inspections.request(requested[-1])
    wait(lambda: inspecting.particle.frame == 40)
    assert panel.header.state == f"{number} · step 40"


def test_pictures_and_films_show_it_too(window) -> None:
    number = follow(window)
    trajectory = window.playing.trajectory
    overlay = result(window.exported.overlay_makers()(window.canvas.viewport)(trajectory, np.array([20, 30])))
    for frame in (20, 30):
        shown = overlay(Scene(), frame).followed
        np.testing.assert_array_equal(shown.positions, trajectory.positions[: frame + 1, number])
        whole = trajectory.positions[frame + 1, number] - np.float64(trajectory.positions[frame, number])
        np.testing.assert_allclose(sum(term for term, _ in shown.terms), whole, atol=1e-6)
    screen = window.canvas.shown().followed
    for (one, _), (other, _) in zip(shown.terms, screen.terms, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-7)


def test_a_start_that_is_dragged_with_alt_streams_its_path(window) -> None:
    surface, inspecting = window.canvas.surface, window.controllers.inspecting
    before = window.canvas.viewport

    def send(kind: QEvent.Type, x: int, y: int, buttons: Qt.MouseButton) -> None:
        at = QPointF(x, y)
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else LEFT
        QApplication.sendEvent(surface, QMouseEvent(kind, at, surface.mapToGlobal(at), button, buttons, ALT))

    send(QEvent.Type.MouseButtonPress, 100, 100, LEFT)
    paths = []
    for x, y in ((120, 110), (180, 120)):
        send(QEvent.Type.MouseMove, x, y, LEFT)
        start = window.canvas.plane().to_user(x, y)
        wait(
            lambda start=start: inspecting.flow is not None and np.allclose(inspecting.flow[0], start, atol=1e-4),
        )
        np.testing.assert_allclose(inspecting.flow[0], start, atol=1e-4)
        np.testing.assert_array_equal(window.canvas.shown().flow.points, inspecting.flow)
        paths.append(inspecting.flow)
    send(QEvent.Type.MouseButtonRelease, 180, 120, Qt.MouseButton.NoButton)
    assert len(paths[0]) > 10
    assert not np.allclose(paths[0][-1], paths[1][-1])
    assert window.canvas.viewport == before  # the view was not dragged
    assert inspecting.number is None
    send(QEvent.Type.MouseMove, 300, 150, Qt.MouseButton.NoButton)
    wait(milliseconds=100)
    assert inspecting.flow is paths[1]
    window.actions_by_key.trigger("measure.clear")
    assert inspecting.flow is None
    assert window.canvas.shown().flow is None


def step(**changes: object) -> StepSum:
    vectors = {name: np.array([0.25, -0.5]) for name in ("after", "drift", "score", "rest")}
    plain = StepSum(**vectors, weights=(-0.125, 0.5, 2.0), symbols=("½βh", "g²h", "g√h"), names=("noise",))
    return dataclasses.replace(plain, **changes)


def test_the_equation_has_the_values_in_place(window) -> None:
    panel = window.panel(ParticlePanel)

    def said(value: StepSum) -> str:
        text = panel._equation(value)
        for color in ("exact", "learned", "trails"):
            text = text.replace(f'<span style="color:{theme.color(color).name()}">', "")
        return text.replace("</span>", "").replace("&nbsp;", "").replace("<p>", "").replace("</p>", "")

    assert said(step()) == "x′ = x + ½βh (x − m) + g²h s + g√h z<br>= x − 0.125 (x − m) + 0.5 s + 2 z"
    flow = step(weights=(0.0, 0.5, 0.0), symbols=("", "½g²h", ""), names=())
    assert said(flow) == "x′ = x + ½g²h s<br>= x + 0.5 s"
    more = step(weights=(0.0, 0.5, None), symbols=("", "½g²h", ""), names=("higher order",))
    assert said(more) == "x′ = x + ½g²h s + r<br>= x + 0.5 s + r"


def test_the_card_says_why_there_are_no_terms(window) -> None:
    panel, run = window.panel(ParticlePanel), window.playing.trajectory
    particle = InspectedParticle(3, 5, np.zeros(2), None, None, None)
    assert panel._why_no_step(particle) == OTHER
    assert panel._why_no_step(dataclasses.replace(particle, skipped=True)) == SKIPPED
    assert panel._why_no_step(dataclasses.replace(particle, frame=len(run) - 1)) == END
    assert COMING != END != WEIGHTS_CHANGED


def test_late_terms_are_shown_for_a_few_frames_only(window) -> None:
    run = window.playing.trajectory
    particle = InspectedParticle(3, 10, run.positions[10, 3], None, np.zeros(2), step())
    assert len(followed_particle(run, 12, 3, particle).terms) == 3
    assert followed_particle(run, 20, 3, particle).terms == ()
    assert followed_particle(run, 9, 3, particle).terms == ()
    assert followed_particle(run, 10, 4, particle).terms == ()  # of another particle
    assert followed_particle(run, 10, None, particle) is None
    assert followed_particle(run, 10, 10**6, particle) is None


def test_an_image_is_shown_with_its_denoised_estimate_and_score_as_pictures(window) -> None:
    panel, inspecting = window.panel(ParticlePanel), window.controllers.inspecting
    panel.set_folded(False)
    window.state.edit({"data.kind": "digits", "sampling.particles": 12})
    wait(
        lambda: (
            window.controllers.state.problem is not None
            and window.controllers.state.problem.is_image
            and window.playing.trajectory is not None
            and len(window.playing.trajectory.shape) == 3
            and window.playing.trajectory.finished
        ),
    )
    window.playing.set_playing(False)
    window.playing.seek(20)
    wait(lambda: window.playing.shown_frame == 20)
    tiles = window.canvas.shown().images.tiles(window.canvas.surface.width(), window.canvas.surface.height())
    QTest.mouseClick(window.canvas.surface, LEFT, ALT, tiles.box(3).center().toPoint())
    wait(lambda: inspecting.particle is not None and inspecting.particle.step is not None)
    assert inspecting.number == 3
    assert window.playing.frame == 20  # a click alone would go to the end, where its likelihood is
    assert window.canvas.shown().images.selected == 3
    assert panel.header.state == "image 4 · step 20"
    particle, run = inspecting.particle, window.playing.trajectory
    np.testing.assert_array_equal(particle.position, run.positions[20, 3])
    whole = particle.step.drift + particle.step.score + particle.step.rest
    np.testing.assert_allclose(whole, run.positions[21, 3] - np.float64(run.positions[20, 3]), atol=1e-5)
    assert particle.field.denoised.shape == (1, *run.shape)
    pictures = [label.pixmap().toImage() for label in panel.pictures.pictures]
    assert not any(picture.isNull() for picture in pictures)
    assert pictures[0] != pictures[1] != pictures[2]
    assert panel.rest.text().startswith("length ")
    assert panel.place.isHidden()
    clear(window, window.controllers)
    assert inspecting.number is None
    assert window.canvas.shown().images.selected is None
    assert panel.pictures.isHidden()
