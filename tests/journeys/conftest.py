"""A user at the real window, which opens a small experiment from its file."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from tests import fewer
from tests.journeys.user import User, live

SMALL = Path(__file__).with_name("small.toml")
OUT = Path(__file__).parents[2] / "out" / "journeys"
"""The window as it was when a journey failed."""

Journey = Callable[[User], None]


class Desk:
    """Where a user opens the program, uses it and leaves it."""

    def __init__(self) -> None:
        self.user = User()

    def __call__(self, journey: Journey, file: Path | None = SMALL, all_cards: bool = True) -> None:
        """Open the window, go on a journey in it, and close it without saving.

        Args:
            file: what is opened with the program; None as without an argument.
            all_cards: whether all cards are in view.
        """
        from playground.app.model.errors import Log
        from playground.app.model.preferences import Preferences
        from playground.app.window import MainWindow

        preferences = Preferences()
        preferences.set("all_cards", all_cards)
        window = MainWindow(preferences, Log(), file, "cpu")
        window.resize(1440, 900)
        window.show()

        def whole() -> None:
            self.user.no_longer_reads("loading|starting")
            journey(self.user)
            self.leave()

        try:
            live(whole)
        except BaseException:
            OUT.mkdir(parents=True, exist_ok=True)
            window.grab().save(str(OUT / f"{journey.__module__}-{journey.__qualname__.split('.')[0]}.png"))
            raise
        finally:
            window.leave()
            window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

    def leave(self) -> None:
        """Close the program by its key, unless it is closed, and discard what was not saved."""
        user = self.user
        if not self.is_open():
            return
        user.press("Ctrl+Q")
        user.wait(lambda: not self.is_open() or bool(user.finds("Discard", "Button")), "the program to close or to ask")
        if self.is_open():
            user.click("Discard", "Button")
        user.wait(lambda: not self.is_open(), "the program to close")

    def is_open(self) -> bool:
        return any(thing.role == "Window" for thing in self.user.things())


EXACT = """
[data]
kind = "two-moons"
points = 1000

[network]
kind = "mlp"
width = 16

[training]
steps = 200
batch = 128

[sampling]
source = "exact"
particles = 200
steps = 40

[likelihood]
source = "exact"
points = 20
tolerance = 1e-3
"""
"""Particles follow the exact score, so that nothing must be trained."""


@pytest.fixture
def exact(tmp_path: Path) -> Path:
    """An experiment whose particles follow the exact score."""
    file = tmp_path / "exact.toml"
    file.write_text(EXACT, encoding="utf-8")
    return file


@pytest.fixture(autouse=True, scope="module")
def little_is_computed() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for less in fewer.EVERYTHING:
            less(patch)
        yield


@pytest.fixture
def desk(qapp: QApplication) -> Desk:
    return Desk()
