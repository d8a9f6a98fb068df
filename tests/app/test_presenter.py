"""The presenter mode: what a class sees, what a clicker does, and that all comes back."""

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from playground.app.panels import LessonPanel
from playground.app.presenter import LEAVE, NEXT_SCENE, NEXT_STEP
from playground.lab.lessons import Lesson, Step, load_all
from tests.app.conftest import wait


@pytest.fixture
def window(window):
    window.resize(1280, 720)
    wait()
    yield window
    window.presenter.leave()
    window.controllers.lessons.leave()
    window.look.set_text_size(100)
    wait(lambda: not window.building.busy)


def looks(window) -> tuple[object, ...]:
    cards = [(card.isHidden(), card.is_folded()) for card in window.panels]
    parts = [window.top_bar.isVisible(), window.status.isVisible(), window.columns.sizes()]
    return (*parts, cards, window.size().toTuple(), window.look.text_percent, window.isFullScreen())


def press(window, key, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(window, key, modifier)
    wait()


@pytest.mark.parametrize("leaving", [Qt.Key.Key_F11, Qt.Key.Key_Escape, Qt.Key.Key_unknown])
def test_all_comes_back(window, leaving):
    window.panels[3].set_folded(True)
    wait()
    before = looks(window)
    press(window, Qt.Key.Key_F11, Qt.KeyboardModifier.ShiftModifier)
    assert window.presenter.is_on
    assert window.isFullScreen()
    assert window.look.text_percent == 150
    if leaving == Qt.Key.Key_unknown:
        press(window, Qt.Key.Key_F11, Qt.KeyboardModifier.ShiftModifier)
    else:
        press(window, leaving)
    assert not window.presenter.is_on
    wait(lambda: looks(window) == before)
    assert looks(window) == before
    assert window.preferences.get("text_size") == 100
    window.panels[3].set_folded(False)


@pytest.mark.parametrize("open_", ["nothing", "a lesson", "a scene"])
def test_it_says_how_it_is_left_as_long_as_it_lasts_and_covers_no_control(window, open_):
    said = LEAVE
    if open_ == "a lesson":
        window.controllers.lessons.begin(next(iter(load_all().values())))
        said = f"{LEAVE} {NEXT_STEP}"
    elif open_ == "a scene":
        window.controllers.lessons.begin(next(iter(load_all("scenes").values())))
        said = f"{LEAVE} {NEXT_SCENE}"
    press(window, Qt.Key.Key_F11, Qt.KeyboardModifier.ShiftModifier)
    (toast,) = [toast for toast in window.toasts.shown if toast.message == said]
    assert toast.isVisible()
    assert window.rect().contains(window.toasts.geometry())
    assert not window.toasts.visibleRegion().isEmpty()
    for part in (window.chips, window.panel(LessonPanel), window.transport):
        covered = QRect(part.mapTo(window, QPoint()), part.size()).intersects(window.toasts.geometry())
        assert not (part.isVisible() and covered), part
    press(window, Qt.Key.Key_Escape)
    assert toast not in window.toasts.shown


def test_only_canvas_timeline_and_text_are_seen(window):
    window.presenter.begin()
    wait()
    assert window.canvas.isVisible()
    assert window.transport.isVisible()
    columns = [window.findChild(QWidget, name) for name in ("leftColumn", "rightColumn")]
    assert not any(part.isVisible() for part in (window.top_bar, window.status, *columns))
    window.controllers.lessons.begin(next(iter(load_all().values())))
    wait()
    seen = [card for card in window.panels if card.isVisible()]
    assert [type(card) for card in seen] == [LessonPanel]
    window.controllers.lessons.leave()
    wait()
    assert not columns[0].isVisible()


def test_page_keys_go_through_the_steps_of_a_lesson(window):
    lessons, lesson = window.controllers.lessons, next(iter(load_all().values()))
    lessons.begin(lesson)
    lessons.go(0)
    press(window, Qt.Key.Key_PageDown)
    assert lessons.place == 0  # outside the presenter mode the keys are those of whatever has the focus
    window.presenter.begin()
    wait()
    for place in (1, 1):  # its second step has a question, which is open
        press(window, Qt.Key.Key_PageDown)
        assert lessons.place == place
    assert lesson.steps[1].question
    lessons.go(len(lesson.steps) - 1)
    press(window, Qt.Key.Key_PageDown)
    assert lessons.place == len(lesson.steps) - 1
    press(window, Qt.Key.Key_PageUp)
    assert lessons.place == len(lesson.steps) - 2
    assert lessons.lesson is lesson


def test_the_page_keys_end_no_lesson(window):
    lessons, lesson = window.controllers.lessons, Lesson("texts", "Texts", (Step(text="A text."),) * 3)
    lessons.begin(lesson)
    window.presenter.begin()
    wait()
    for place in (1, 2, 2):
        press(window, Qt.Key.Key_PageDown)
        assert lessons.place == place
    assert lessons.lesson is lesson


def test_page_keys_go_through_the_scenes_where_no_lesson_is_open(window):
    before, titles = window.state.experiment, [scene.title for scene in load_all("scenes").values()]
    window.presenter.begin()
    wait()
    for key, title in (
        (Qt.Key.Key_PageDown, titles[0]),
        (Qt.Key.Key_PageDown, titles[1]),
        (Qt.Key.Key_PageUp, titles[0]),
        (Qt.Key.Key_PageUp, titles[0]),
    ):
        press(window, key)
        assert window.controllers.lessons.scene.title == title
        assert window.panel(LessonPanel).isVisible()
    window.controllers.lessons.leave()
    assert window.state.experiment == before


def test_the_size_of_the_text_in_a_presentation_is_of_that_alone(window):
    window.presenter.begin()
    press(window, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    assert window.look.text_percent == 175
    window.presenter.leave()
    assert window.look.text_percent == 100
    assert window.preferences.get("text_size") == 100
