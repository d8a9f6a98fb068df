"""The transport under a real mouse and keyboard."""

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QAction, QColor, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from playground.app.widgets.track import EDGE
from playground.app.widgets.transport import Transport
from playground.drawing.palette import DARK, LIGHT
from tests.app.conftest import heard

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SIGMAS = np.repeat(np.geomspace(8.0, 0.05, 5), 20)  # 100 frames, five levels


@pytest.fixture
def transport(qapp: QApplication) -> Iterator[Transport]:
    bar = Transport()
    bar.resize(1100, bar.sizeHint().height())
    bar.scrubber.set_sigmas(SIGMAS, (8.0, 0.05))
    bar.scrubber.set_progress(40, 100, 100)
    bar.show()
    bar.activateWindow()
    QTest.qWaitForWindowExposed(bar)
    yield bar
    bar.close()
    bar.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def place(transport: Transport, frame: int, total: int = 100) -> QPoint:
    scrubber = transport.scrubber
    return QPoint(round(EDGE + (scrubber.width() - 2 * EDGE) * frame / (total - 1)), scrubber.height() // 2)


# --- buttons


def test_a_button_is_its_command(transport: Transport) -> None:
    play, runs = QAction("Play\tSpace", toolTip="<p>Play or pause (Space)</p>"), []
    play.triggered.connect(lambda: runs.append(play.text()))
    transport.play.follow(play)
    for text in ("Pause\tSpace", "Play\tSpace"):
        play.setText(text)
        assert transport.play.accessibleName() == text.partition("\t")[0]
        assert "Play or pause (Space)" in transport.play.toolTip()
        assert transport.play.accessibleDescription() == "Play or pause (Space)"
        QTest.mouseClick(transport.play, LEFT)
        QTest.keyClick(transport.play, Qt.Key.Key_Space)
        assert runs[-2:] == [text, text]
    play.setEnabled(False)
    assert not transport.play.isEnabled()


def test_a_switch_shows_what_its_command_has(transport: Transport) -> None:
    loop = QAction("Loop", checkable=True, checked=True)
    transport.loop.follow(loop)
    assert transport.loop.isChecked()
    QTest.mouseClick(transport.loop, LEFT)
    assert not loop.isChecked()
    loop.setChecked(True)
    assert transport.loop.isChecked()


def test_holding_a_step_button_goes_on_stepping(transport: Transport) -> None:
    step, steps = QAction("Step"), []
    step.triggered.connect(lambda: steps.append(1))
    transport.forward.follow(step)
    QTest.mousePress(transport.forward, LEFT)
    QTest.qWait(700)
    QTest.mouseRelease(transport.forward, LEFT)
    assert len(steps) >= 3


def test_everything_can_be_reached_and_has_a_name(transport: Transport) -> None:
    reached: list[QWidget] = []
    transport.loop.follow(QAction("Loop"))
    transport.restart.setFocus()
    for _ in range(12):
        reached.append(QApplication.focusWidget())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    order = [
        transport.restart,
        transport.back,
        transport.play,
        transport.forward,
        transport.new_seed,
        transport.loop,
        transport.scrubber,
        transport.play_training,
        transport.track,
        transport.speed_slider,
        transport.speed_edit,
    ]
    assert reached[: len(order)] == order
    for widget in order[5:7] + order[8:]:  # the buttons are named by their commands
        assert widget.accessibleName()
        assert widget.toolTip() or widget is transport.scrubber


# --- the scrubber


@pytest.mark.parametrize("frame", [0, 17, 50, 99])
def test_a_press_goes_to_the_frame_under_it(transport: Transport, frame: int) -> None:
    scrubbed = heard(transport.scrubber.scrubbed)
    QTest.mouseClick(transport.scrubber, LEFT, NONE, place(transport, frame))
    assert scrubbed == [frame]
    assert transport.scrubber.value() == frame


def test_dragging_scrubs_and_the_run_does_not_pull_the_handle_away(transport: Transport) -> None:
    scrubbed = heard(transport.scrubber.scrubbed)
    QTest.mousePress(transport.scrubber, LEFT, NONE, place(transport, 10))
    for frame in (20, 30):
        QTest.mouseMove(transport.scrubber, place(transport, frame))
        QApplication.processEvents()
        transport.scrubber.set_progress(70, 100, 100)
    assert transport.scrubber.sliderPosition() == 30
    QTest.mouseRelease(transport.scrubber, LEFT, NONE, place(transport, 30))
    assert scrubbed == [10, 20, 30]
    transport.scrubber.set_progress(70, 100, 100)
    assert transport.scrubber.value() == 70
    assert scrubbed == [10, 20, 30]


@pytest.mark.parametrize(
    ("key", "frame"),
    [
        (Qt.Key.Key_Right, 41),
        (Qt.Key.Key_Left, 39),
        (Qt.Key.Key_PageUp, 50),
        (Qt.Key.Key_PageDown, 30),
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_End, 99),
    ],
)
def test_keys_scrub(transport: Transport, key: Qt.Key, frame: int) -> None:
    scrubbed = heard(transport.scrubber.scrubbed)
    QTest.keyClick(transport.scrubber, key)
    assert scrubbed == [frame]


def test_the_wheel_scrubs_by_a_frame(transport: Transport) -> None:
    scrubbed = heard(transport.scrubber.scrubbed)
    at = QPointF(50, 20)
    event = QWheelEvent(
        at,
        transport.scrubber.mapToGlobal(at),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(transport.scrubber, event)
    assert scrubbed == [39]


def test_what_is_not_sampled_yet_cannot_be_reached_but_by_the_end_key_which_has_it_sampled(
    transport: Transport,
) -> None:
    transport.scrubber.set_progress(20, 60, 100)
    scrubbed = heard(transport.scrubber.scrubbed)
    QTest.mouseClick(transport.scrubber, LEFT, NONE, place(transport, 90))
    QTest.keyClick(transport.scrubber, Qt.Key.Key_Home)
    QTest.keyClick(transport.scrubber, Qt.Key.Key_End)
    QTest.keyClick(transport.scrubber, Qt.Key.Key_Right)
    assert scrubbed[:3] == [59, 0, 99]
    assert set(scrubbed[3:]) <= {59}
    assert transport.scrubber.value() == 59


def test_nothing_recorded_breaks_nothing(transport: Transport) -> None:
    transport.scrubber.set_sigmas(np.zeros(0))
    transport.scrubber.set_progress(0, 0, 0)
    scrubbed = heard(transport.scrubber.scrubbed)
    QTest.mouseClick(transport.scrubber, LEFT, NONE, QPoint(100, 20))
    QTest.keyClick(transport.scrubber, Qt.Key.Key_End)
    transport.grab()
    assert set(scrubbed) <= {0}
    assert transport.scrubber.labels() == ("", "", "", "")


def test_labels_tell_the_noise_and_how_far_sampling_is(transport: Transport) -> None:
    assert transport.scrubber.labels() == ("noise σ = 8", "data σ = 0.05", "step 40", "99")
    transport.scrubber.set_progress(20, 60, 100)
    transport.scrubber.set_sigmas(SIGMAS[:60])
    assert transport.scrubber.labels()[1:] == (f"now σ = {SIGMAS[59]:.3g}", "step 20", "59 of 99 sampled")
    # Of a long run every fourth step is kept, and the last.
    transport.scrubber.set_sigmas(SIGMAS[:60], steps=4 * np.arange(60), last=394)
    assert transport.scrubber.labels()[2:] == ("step 80", "236 of 394 sampled")


@pytest.mark.parametrize("last", [0.3, 0.0])  # without and with a last step that denoises
def test_a_run_at_one_noise_level_is_not_from_noise_to_data(transport: Transport, last: float) -> None:
    transport.scrubber.set_sigmas(np.array([0.3, 0.3, 0.3, last]))
    assert [text.split()[0] for text in transport.scrubber.labels()[:2]] == ["start", "end"]
    transport.scrubber.set_sigmas(np.array([0.3, 0.3, 0.3, last]), (0.3, 0.3))
    assert [text.split()[0] for text in transport.scrubber.labels()[:2]] == ["start", "end"]


def color_at(transport: Transport, frame: int) -> QColor:
    image = transport.scrubber.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    at = place(transport, frame)
    return image.pixelColor(at.x(), at.y())


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_the_track_has_the_colour_of_its_noise(transport: Transport, palette, recolor) -> None:
    recolor(palette)
    transport.scrubber.set_progress(50, 100, 100)
    start, again, middle, end = (color_at(transport, frame) for frame in (3, 16, 70, 97))
    assert start == again  # one level, one colour
    assert abs(start.hsvHue() - QColor(palette.learned).hsvHue()) < 15
    assert start != middle != end
    assert end == QColor(palette.particles)
    transport.scrubber.set_sigmas(SIGMAS[:60], (8.0, 0.05))
    transport.scrubber.set_progress(50, 60, 100)
    assert color_at(transport, 16) == start  # the colours of a run do not move while it is sampled
    assert color_at(transport, 80) == QColor(palette.border)  # bare: not sampled yet
    assert color_at(transport, 3) == start


@pytest.mark.parametrize(
    "sigmas", [np.full(100, 0.3), np.append(np.geomspace(8, 0.01, 99), 0.0), np.zeros(100)], ids=str
)
def test_constant_and_vanishing_noise_have_colours_too(transport: Transport, sigmas: np.ndarray) -> None:
    transport.scrubber.set_sigmas(sigmas)
    assert color_at(transport, 3) not in (QColor(DARK.border), QColor(0, 0, 0))
    assert color_at(transport, 96) not in (QColor(DARK.border), QColor(0, 0, 0))


def test_the_handle_is_where_the_frame_is(transport: Transport) -> None:
    bright = QColor(DARK.text)
    for frame in (0, 33, 99):
        transport.scrubber.set_progress(frame, 100, 100)
        assert color_at(transport, frame) == bright
    assert color_at(transport, 33) != bright


# --- speed


@pytest.mark.parametrize(
    ("text", "speed"),
    [("2", 2.0), ("1/4", 0.25), ("0,5", 0.5), ("4×", 4.0), ("8x", 8.0), ("0.125", 0.125)],
)
def test_a_typed_speed_counts(transport: Transport, text: str, speed: float) -> None:
    chosen = heard(transport.speed_changed)
    transport.speed_edit.setFocus()
    QTest.keyClick(transport.speed_edit, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(transport.speed_edit, text)
    QTest.keyClick(transport.speed_edit, Qt.Key.Key_Return)
    assert chosen == [pytest.approx(speed)]
    assert transport.speed_slider.position() == pytest.approx(0.5 + np.log2(speed) / 6, abs=0.01)


@pytest.mark.parametrize("text", ["fast", "0", "-1", "1/0", "", "1/x", "1e99", "100", "0.001"])
def test_a_speed_that_is_none_changes_nothing_and_says_why(transport: Transport, text: str) -> None:
    before = transport.speed_edit.toolTip()
    chosen = heard(transport.speed_changed)
    transport.speed_edit.setFocus()
    QTest.keyClick(transport.speed_edit, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(transport.speed_edit, text or "\b")
    QTest.keyClick(transport.speed_edit, Qt.Key.Key_Return)
    assert not chosen
    said = f"A speed of “{text}” is not possible" if text else "A speed is missing"
    assert QToolTip.text() == f"<p>{said}: type a factor from 1/8 to 8, as in 2 or 1/4.</p>"
    assert transport.speed_edit.toolTip() == QToolTip.text()  # for whoever comes back to it
    assert transport.speed_edit.property("refused")
    QTest.keyClick(transport.speed_edit, Qt.Key.Key_Escape)
    assert (transport.speed_edit.text(), transport.speed_edit.toolTip()) == ("1", before)
    assert not transport.speed_edit.property("refused")


def test_the_speed_slider_is_logarithmic_and_a_double_click_sets_it_back(transport: Transport) -> None:
    chosen = heard(transport.speed_changed)
    slider = transport.speed_slider
    QTest.mouseClick(slider, LEFT, NONE, QPoint(slider.width() - 1, slider.height() // 2))
    assert chosen[-1] == pytest.approx(8)
    QTest.mouseClick(slider, LEFT, NONE, QPoint(0, slider.height() // 2))
    assert chosen[-1] == pytest.approx(1 / 8)
    QTest.mouseDClick(slider, LEFT, NONE, QPoint(3, slider.height() // 2))
    assert chosen[-1] == pytest.approx(1)
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert chosen[-1] == pytest.approx(2**0.5, rel=0.03)
    transport.set_speed(4)
    assert slider.position() == pytest.approx(5 / 6, abs=0.01)
    assert chosen[-1] == pytest.approx(2**0.5, rel=0.03)  # told, not chosen


def test_the_forward_process_is_named_from_data_to_noise(transport: Transport) -> None:
    transport.scrubber.set_sigmas(SIGMAS[::-1], (8.0, 0.05))
    assert transport.scrubber.labels()[:2] == ("data σ = 0.05", "noise σ = 8")


# --- room


@pytest.mark.parametrize("width", [620, 900, 1920])
def test_nothing_overlaps_at_any_width(transport: Transport, width: int) -> None:
    transport.resize(width, transport.height())
    QApplication.processEvents()
    shown = [child for child in transport.findChildren(QWidget) if child.isVisible() and child.parent() is transport]
    boxes = [child.geometry() for child in shown]
    assert all(transport.rect().contains(box) for box in boxes)
    assert not any(one.intersects(other) for number, one in enumerate(boxes) for other in boxes[:number])
    assert transport.scrubber.width() >= 120
    assert transport.speed_label.isVisible() is (width >= 720)
