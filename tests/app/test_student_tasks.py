"""The five tasks of a student, from the first window: each done by real clicks, at most four, and explained on the screen."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from playground.app.dialogs.gallery import SceneTile
from playground.app.panels import LessonPanel, LikelihoodPanel
from tests.app.conftest import wait

MOST = 4


class Mouse:
    """Clicks with the left button, and counts."""

    def __init__(self) -> None:
        self.clicks = 0

    def click(self, widget: QWidget, place: QPoint | None = None) -> None:
        self.clicks += 1
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=place or widget.rect().center())

    def choose(self, window, *titles: str) -> None:
        """Click through the menu. The first click returns once that is done, and since Qt 6.12 while the menu is open."""
        chosen: list[str] = []

        def go_on() -> None:
            menu: QMenu = window.menu
            for title in titles:
                wait(menu.isVisible)
                action = next(one for one in menu.actions() if one.text().replace("&", "").startswith(title))
                self.click(menu, menu.actionGeometry(action).center())
                chosen.append(title)
                if (below := action.menu()) is not None:
                    wait(below.isVisible)
                    menu = below

        QTimer.singleShot(0, go_on)
        self.click(window.top_bar.menu)
        try:
            wait(lambda: len(chosen) == len(titles))
        finally:
            while (popup := QApplication.activePopupWidget()) is not None:  # a failure above would leave it open
                popup.close()

    def show_scene(self, window, title: str) -> None:
        """Open the gallery, and choose one of its tiles."""
        button = next(one for one in window.top_bar.findChildren(QWidget) if one.objectName() == "learn.scenes.button")
        self.click(button)
        tile = next(one for one in window.findChildren(SceneTile) if one.scene.title == title)
        assert tile.isVisible()
        self.click(tile)


@pytest.fixture
def window(window) -> Iterator:
    yield window
    window.controllers.lessons.leave()
    window.state.stack.setIndex(0)
    wait(lambda: not window.controllers.building.busy)


def says(text: str, *words: str) -> bool:
    return all(word in text.replace("\N{NO-BREAK SPACE}", " ") for word in words)


def test_what_a_score_is(window) -> None:
    mouse = Mouse()
    mouse.choose(window, "Learn", "Lessons", "What a score is")
    panel = window.panel(LessonPanel)
    assert panel.isVisible()
    assert says(panel.text.text(), "gradient of the log-density", "in which log p rises fastest", "length is the slope")
    assert mouse.clicks <= MOST


def test_why_langevin_fails_and_annealing_does_not(window) -> None:
    mouse, panel = Mouse(), window.panel(LessonPanel)
    mouse.show_scene(window, "Langevin gets the weights wrong")
    assert panel.isVisible()
    assert says(panel.text.text(), "the score does not know their weights", "splits the particles about evenly")
    mouse.show_scene(window, "Annealing mends the weights")
    assert says(panel.text.text(), "so much noise that the modes overlap", "The weights come out right")
    assert mouse.clicks <= MOST


@pytest.mark.parametrize(
    ("title", "said"),
    [
        (
            "Heun against Euler at equal cost",
            (
                "two score evaluations",
                "With twenty evaluations Heun wins",
                "square of the step",
                "adaptive solver also checks each step",
            ),
        ),
        (
            "Exact, sliced, denoising agree",
            (
                "one minimum: the score",
                "trace of the network's Jacobian",
                "along random directions",
                "predicts the noise",
            ),
        ),
    ],
    ids=["solvers at equal cost", "three objectives"],
)
def test_three_methods_are_compared(window, title: str, said: tuple[str, ...]) -> None:
    mouse, panel = Mouse(), window.panel(LessonPanel)
    mouse.show_scene(window, title)
    assert says(panel.text.text(), *said)
    assert panel.measure.isEnabled()  # the third click measures all three, see tests/cli/test_lesson_command.py
    assert mouse.clicks + 1 <= MOST


def test_log_p_of_a_point(window) -> None:
    mouse, panel = Mouse(), window.panel(LikelihoodPanel)
    surface = window.canvas.surface
    mouse.click(surface)
    wait(lambda: panel.log_prob.isVisible() and window.controllers.jobs.idle)
    assert float(panel.log_prob.value.text().replace("−", "-").split()[0]) < 5
    assert says(panel.log_prob.name.text(), "log p")
    assert panel.terms.isVisible()
    assert mouse.clicks <= MOST
