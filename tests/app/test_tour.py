"""The tour: offered at the first start alone, beside the part that it speaks of, by mouse and keyboard, in nobody's way."""

import pytest
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from playground.app.dialogs.tour import MOST_WORDS, STOPS
from playground.app.panels import SamplingPanel
from playground.lab.lessons import load_all
from tests.app.conftest import end, make_window, wait

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def tour(window):
    window.resize(1280, 720)
    window.activateWindow()
    wait()
    return window.tour


def test_it_is_offered_at_the_first_start_and_never_again(qapp, tmp_path):
    for first in (True, False):
        window = make_window(tmp_path, first_start=True)
        window.show()
        wait(lambda window=window: window.controllers.state.problem is not None)
        assert window.tour.isVisible() is first
        assert QApplication.activeModalWidget() is None
        if first:
            assert window.focusWidget() is window.tour.onward
            QTest.keyClick(window.focusWidget(), Qt.Key.Key_Return)  # and not to the canvas
            assert window.tour.place == 1
            assert window.clicking.likelihood is None
            assert not window.clicking.is_measuring_point
            QTest.keyClick(window.focusWidget(), Qt.Key.Key_Escape)
            assert not window.tour.isVisible()
            assert window.canvas.isAncestorOf(window.focusWidget())
        end(window)


def test_a_panel_has_few_words():
    assert 6 <= len(STOPS) <= 10  # a quarter of a minute each
    for stop in STOPS:
        assert len(stop.words.split()) <= MOST_WORDS, stop.title


def test_each_panel_stands_beside_its_part_inside_the_window(window, tour):
    window.actions_by_key.trigger("help.tour")
    for place, stop in enumerate(STOPS):
        assert tour.place == place
        wait(milliseconds=40)
        part = stop.part(window)
        assert window.rect().contains(tour.geometry()), stop.title
        there = QRect(part.mapTo(window, QPoint()), part.size())
        if stop.side != "inside":
            assert tour.ring.isVisible()
            assert not there.intersects(tour.geometry().adjusted(6, 6, -6, -6)), stop.title
        assert tour.words.height() >= tour.words.heightForWidth(tour.words.width())
        assert stop.words in tour.accessibleName()
        tour.onward.click()
    assert not tour.isVisible()
    assert not tour.ring.isVisible()


def test_it_goes_on_back_and_away_by_keys(window, tour):
    tour.start()
    assert tour.onward.hasFocus()
    QTest.keyClick(tour.onward, Qt.Key.Key_Return)
    QTest.keyClick(tour.onward, Qt.Key.Key_Return)
    assert tour.place == 2
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Backtab)
    assert tour.back.hasFocus()
    QTest.keyClick(tour.back, Qt.Key.Key_Space)
    assert tour.place == 1
    QTest.keyClick(tour.back, Qt.Key.Key_Escape)
    assert not tour.isVisible()


def test_a_click_on_next_takes_the_keys_from_what_was_used_meanwhile(window, tour):
    tour.start()
    window.canvas.setFocus()
    QTest.mouseClick(tour.onward, LEFT)
    assert window.focusWidget() is tour.onward
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Enter)
    assert tour.place == 2


def test_enter_and_escape_are_the_tours_after_a_click_on_the_canvas(window, tour):
    surface, clicking = window.canvas.surface, window.clicking
    tour.start()
    surface.setFocus()
    for place in (1, 2):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
        assert tour.place == place
    assert not clicking.is_measuring_point  # as Enter on the canvas does without a tour
    surface.setFocus()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert not tour.isVisible()
    surface.setFocus()
    QTest.keyClick(surface, Qt.Key.Key_Return)
    assert clicking.is_measuring_point or clicking.likelihood is not None
    clicking.clear_inspection()


def test_the_window_can_be_used_meanwhile(window, tour):
    card = window.panel(SamplingPanel)
    tour.go(next(place for place, stop in enumerate(STOPS) if stop.title.endswith("Sample")))
    assert tour.ring.isVisible()
    at = card.header.mapTo(window, QPoint(40, 12))
    folded = card.is_folded()
    QTest.mouseClick(window.windowHandle(), LEFT, pos=at)  # through the ring
    assert card.is_folded() is not folded
    card.set_folded(folded)
    playing = window.controllers.playing.is_playing
    window.canvas.setFocus()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Space)
    assert window.controllers.playing.is_playing is not playing
    window.controllers.playing.set_playing(playing)


def test_it_gives_way_to_a_scene_and_to_a_lesson(window, tour):
    lessons = window.controllers.lessons
    for begin, what in (
        (lessons.begin, next(iter(load_all("scenes").values()))),
        (lessons.begin, load_all()["01-score"]),
    ):
        tour.start()
        assert tour.isVisible()
        begin(what)
        assert not tour.isVisible()


def test_no_frame_stays_if_the_tour_ends_before_the_window_s_new_layout(window, tour):
    tour.go(1)
    QApplication.sendEvent(window, QEvent(QEvent.Type.LayoutRequest))  # as the readout of a clicked point asks for
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Escape)
    wait(milliseconds=40)
    assert not tour.ring.isVisible()


def test_it_follows_the_window_s_size(window, tour):
    tour.go(len(STOPS) - 1)
    before = tour.geometry()
    window.resize(1440, 900)
    wait(lambda: tour.geometry() != before)
    menu = STOPS[-1].part(window)
    assert abs(tour.geometry().top() - menu.mapTo(window, menu.rect().bottomLeft()).y()) < 20
    window.resize(1280, 720)
