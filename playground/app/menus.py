"""The menus, made from the registry of commands."""

import sys
from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QWidget

from playground.app import bars
from playground.app.actions import LESSONS, MENUS, RECENT, Action, Actions
from playground.app.controllers.documents import Documents, name_of
from playground.app.controllers.lessons import Lessons
from playground.app.controllers.opening import Opening
from playground.app.dialogs.help import show_about, show_keys
from playground.app.style import theme
from playground.app.style.number_formats import FIGURE_SPACE
from playground.app.style.theme import UNIT
from playground.app.style.wrapping import wrapped
from playground.lab.lessons import load_all

CANVAS_MENU = ("edit.copy_picture", "file.export_picture", "file.export_video", "file.export_page", "view.fit")
TEACHING = ("learn.check", "learn.scenes", "learn.field_names", "help.glossary", "help.tour")
"""What the menu Learn of the top bar has below the lessons."""


def keys_by_menu() -> dict[str, list[tuple[str, str | QKeySequence.StandardKey]]]:
    """The commands of each menu with their keys."""
    return {
        title: [
            (entry.text.rstrip("…"), entry.shortcut or entry.key)
            for group in groups
            for entry in group.values()
            if isinstance(entry, Action)
        ]
        for title, groups in MENUS.items()
    }


class MainMenu(QMenu):
    """All menus under one button; on macOS, where it costs no room, in the menu bar too."""

    def __init__(
        self, actions: Actions, documents: Documents, opening: Opening, lessons: Lessons, parent: QMainWindow
    ) -> None:
        super().__init__(parent)
        self.setObjectName("menu")
        self._actions, self._documents, self._opening, self._lessons = actions, documents, opening, lessons
        self._window = parent
        fills = {LESSONS: self.fill_lessons, RECENT: self.fill_recent}
        self.lists: dict[str, QMenu] = {}
        self.learn = QMenu(parent)
        self.learn.setToolTipsVisible(True)
        self.learn.setFont(theme.number_font(theme.FONT_PIXELS))  # the titles line up after their numbers
        self.learn.aboutToShow.connect(self._fill_learn)
        for title, groups in MENUS.items():
            menu = self.addMenu(title)
            menu.setToolTipsVisible(True)
            menu.aboutToShow.connect(actions.refresh)
            for place, group in enumerate(groups):
                if place:
                    menu.addSeparator()
                for key, entry in group.items():
                    if isinstance(entry, str):
                        self.lists[key] = self._add_list(menu, entry, fills[key])
                    else:
                        menu.addAction(actions[key])
            if sys.platform == "darwin":
                parent.menuBar().addMenu(menu)

    def show_lessons(self, over: QWidget) -> None:
        """Open the list of lessons over a part of the window."""
        self.lists[LESSONS].popup(over.mapToGlobal(QPoint(UNIT, UNIT)))

    def show_keys(self) -> None:
        """Open the list of keys, made from the registry of actions."""
        sections = keys_by_menu()
        sections["Help"].insert(0, ("All menus", bars.MENU_KEY))
        sections["Help"].append(("Equation of a setting", "Shift+F1"))
        show_keys(self._window, sections)

    def show_about(self) -> None:
        """Open the version and licences."""
        show_about(self._window)

    @staticmethod
    def _add_list(menu: QMenu, title: str, fill: Callable[[QMenu], None]) -> QMenu:
        """Add a submenu that is filled each time it opens."""
        submenu = menu.addMenu(title)
        submenu.setToolTipsVisible(True)
        submenu.aboutToShow.connect(lambda: fill(submenu))
        return submenu

    def _fill_learn(self) -> None:
        self._actions.refresh()
        self.fill_lessons(self.learn, numbered=True)
        self.learn.addSeparator()
        for key in TEACHING:
            self.learn.addAction(self._actions[key])

    def fill_lessons(self, menu: QMenu, numbered: bool = False) -> None:
        """List the bundled lessons, each with the number of its steps that are done; with its own number, a tick once it is done,
        and the minutes that it takes, if that is asked.
        """
        menu.clear()
        for number, lesson in enumerate(load_all().values(), start=1):
            done, count = len(self._lessons.progress.done(lesson)), len(lesson.steps)
            title, progress = lesson.title.replace("&", "&&"), f"{done} of {count}" if done else ""
            if done == count:
                progress = "✓" if numbered else "done"
            if numbered:
                title, progress = f"{number:{FIGURE_SPACE}>2}  {title}", f"{progress}  {lesson.minutes} min".strip()
            action = menu.addAction(f"{title}\t{progress}" if progress else title)
            action.triggered.connect(lambda _=False, lesson=lesson: self._lessons.begin(lesson))

    def fill_recent(self, menu: QMenu) -> None:
        """List the files that were opened last."""
        menu.clear()
        for path in self._documents.recent():
            action = menu.addAction(name_of(path).replace("&", "&&"))
            action.setToolTip(wrapped(str(path)))
            action.triggered.connect(lambda _=False, path=path: self._opening.open(path))
        if menu.isEmpty():
            menu.addAction("None yet").setEnabled(False)
            return
        menu.addSeparator()
        menu.addAction(self._actions["file.recent.clear"])


def show_canvas_menu(actions: Actions, parent: QWidget, place: QPoint) -> None:
    """Open the menu of what can be done with the picture, at a place on the screen."""
    actions.refresh()
    menu = QMenu(parent)
    menu.setObjectName("canvasMenu")
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for key in CANVAS_MENU:
        menu.addAction(actions[key])
    menu.popup(place)
