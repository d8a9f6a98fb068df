"""The thin track of training steps below the sampler's timeline."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from playground.app.widgets.track import EDGE
from playground.app.widgets.training_track import MIDDLE, TrainingTrack, log_places
from playground.drawing.palette import DARK, LIGHT
from playground.messages import Message
from tests.app.conftest import heard

STEPS = (0, 10, 40, 320, 2_560)
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def track(qapp: QApplication) -> Iterator[TrainingTrack]:
    track = TrainingTrack()
    track.resize(700, track.sizeHint().height())
    track.set_steps(STEPS, 4)
    track.show()
    yield track
    track.close()


def at(track: TrainingTrack, place: int) -> QPoint:
    return QPoint(round(EDGE + log_places(STEPS)[place] * (track.width() - 2 * EDGE)), MIDDLE)


def test_equal_factors_lie_equally_far_apart_and_step_0_has_a_place() -> None:
    places = log_places((0, 100, 300, 700, 1_500))
    assert places.tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert log_places(()).tolist() == []
    assert log_places((5,)).tolist() == [1]


def test_a_click_and_a_drag_go_to_the_nearest_kept_step(track: TrainingTrack) -> None:
    chosen = heard(track.step_chosen)
    QTest.mousePress(track, LEFT, NONE, at(track, 1) + QPoint(9, 0))
    QTest.mouseMove(track, at(track, 1) + QPoint(12, 0))
    QTest.mouseMove(track, at(track, 3) - QPoint(9, 0))
    track.set_steps(STEPS, 1)  # what is in view lags behind the mouse
    assert track.sliderPosition() == 3
    QTest.mouseRelease(track, LEFT, NONE, at(track, 3))
    assert chosen == [1, 3]


def test_keys_go_from_step_to_step(track: TrainingTrack) -> None:
    chosen = heard(track.step_chosen)
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Home, Qt.Key.Key_Right, Qt.Key.Key_End):
        QTest.keyClick(track, key)
    assert chosen == [3, 0, 1, 4]


def test_words_say_the_ends_and_the_step_in_view(track: TrainingTrack) -> None:
    assert track.labels()[0] == "training: step 0"
    assert track.labels()[1].endswith(", the newest")
    track.set_steps(STEPS, 2)
    assert track.labels()[1] == "weights of step 40"
    assert track.accessibleDescription().startswith("weights of step 40.")
    assert track.accessibleName()


def test_a_narrow_track_has_the_step_alone(track: TrainingTrack, monkeypatch: pytest.MonkeyPatch) -> None:
    track.set_steps(STEPS, 2)
    assert track.labels(short=True)[1] == "step 40"
    labels, asked = track.labels, list[bool]()
    monkeypatch.setattr(track, "labels", lambda short=False: asked.append(short) or labels(short))
    for width in (400, 100):
        track.resize(width, track.height())
        track.grab()
        assert (True in asked) == (width == 100)


@pytest.mark.qt_log_ignore("^Mouse event .* not accepted")
def test_where_no_step_can_be_chosen_it_says_why_and_hears_nothing(track: TrainingTrack) -> None:
    chosen = heard(track.step_chosen)
    track.set_steps((), 0)
    track.set_why_disabled(Message("x", "Train first."))
    QTest.mouseClick(track, LEFT, NONE, QPoint(100, MIDDLE))
    assert chosen == []
    assert track.labels() == ("Train first.", "", "")
    assert "Train first." in track.toolTip()
    track.grab()
    track.set_why_disabled(None)
    assert "Train first." not in track.toolTip()


def test_the_step_in_view_is_seen_in_both_themes(track: TrainingTrack, recolor) -> None:
    for palette in (DARK, LIGHT):
        recolor(palette)
        track.set_steps(STEPS, 1)
        image = track.grab().toImage()
        assert image.pixelColor(at(track, 1)) == palette.color("learned")
        assert image.pixelColor(at(track, 1) + QPoint(0, 4)) == palette.color("learned")  # longer than a tick
        assert image.pixelColor(at(track, 2) + QPoint(0, 4)) != palette.color("learned")
