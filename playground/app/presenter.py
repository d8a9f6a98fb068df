"""The presenter mode for classes: canvas, timeline and text in large type on the full screen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QWidget

from playground.app.canvas import CanvasView
from playground.app.columns import Columns
from playground.app.controllers.lessons import Lessons
from playground.app.look import Look
from playground.app.style import text_size
from playground.lab.lessons import SCENES, load_all
from playground.messages import Message

LARGER = 1.5  # times the size of the text
LEAVE = "Escape leaves the presenter mode."
NEXT_STEP = "Page Down goes to the next step."
NEXT_SCENE = "Page Down goes to the next scene."


class Says(Protocol):
    """What shows a toast."""

    def notify(
        self, level: str, message: Message | str, action: str = "", is_current: Callable[[], bool] = ...
    ) -> None: ...


class Presented(Protocol):
    """The part of the window that the presenter mode changes."""

    columns: Columns
    canvas: CanvasView
    look: Look

    @property
    def notices(self) -> Says: ...
    def windowState(self) -> Qt.WindowState: ...
    def setWindowState(self, state: Qt.WindowState) -> None: ...


@dataclass(frozen=True)
class Before:
    """The state of the window before the presenter mode."""

    state: Qt.WindowState
    percent: int
    sizes: tuple[int, int, int]


class Presenter(QObject):
    """Turns the presenter mode on and off, and moves through the steps of a lesson or through the scenes.

    Args:
        window: the window.
        lessons: the controller of lessons and scenes.
        bar: the part of the window to hide.

    Signals:
        changed(): the presenter mode began or ended.
    """

    changed = Signal()

    def __init__(self, window: Presented, lessons: Lessons, bar: QWidget, parent: QObject) -> None:
        super().__init__(parent)
        self._window, self._bar = window, bar
        self._lessons = lessons
        self._before: Before | None = None
        lessons.changed.connect(self._follow)

    @property
    def is_on(self) -> bool:
        return self._before is not None

    def toggle(self) -> None:
        if self.is_on:
            self.leave()
        else:
            self.begin()

    def begin(self) -> None:
        """Show only what a class needs, enlarged, on the full screen."""
        window = self._window
        self._before = Before(window.windowState(), window.look.text_percent, window.columns.widths)
        self._bar.hide()
        window.setWindowState(window.windowState() | Qt.WindowState.WindowFullScreen)
        window.look.set_text_size(min(round(LARGER * window.look.text_percent), text_size.PERCENT[1]), remember=False)
        self._follow()
        window.canvas.setFocus()
        self.changed.emit()
        turns = NEXT_SCENE if self._lessons.scene is not None else NEXT_STEP if self._lessons.lesson is not None else ""
        window.notices.notify("info", f"{LEAVE} {turns}".strip(), is_current=lambda: self.is_on)

    def leave(self) -> None:
        """Restore the window."""
        before, self._before = self._before, None
        if before is None:
            return
        window = self._window
        window.columns.present(None)
        self._bar.show()
        window.look.set_text_size(before.percent, remember=False)
        window.setWindowState(before.state)
        window.columns.restore(before.sizes)
        self.changed.emit()

    def turn(self, way: int) -> None:
        """Go to the next page (1) or the previous one (-1): a step of the lesson, or a scene if no lesson is open.

        A step with a question is left forwards only once it is answered, as by Next.
        """
        lessons, lesson = self._lessons, self._lessons.lesson
        if lesson is None or lesson.is_scene:
            scenes = list(load_all(SCENES).values())
            place = max((scenes.index(lesson) if lesson in scenes else -1) + way, 0)
            if place < len(scenes):
                lessons.begin(scenes[place])
        elif way < 0:
            lessons.back()
        elif lessons.place + 1 < len(lesson.steps):  # only Finish ends it
            lessons.next()

    @Slot()
    def _follow(self) -> None:
        """Show the left column if there is text for it."""
        if self.is_on:
            self._window.columns.present(self._lessons.lesson is not None)
