"""How the window looks: its theme, the size of its text, the direction of t, and whether all cards are in view."""

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QApplication, QWidget

from playground.app.model.preferences import Preferences
from playground.app.style import text_size, theme
from playground.drawing.palette import PALETTES


class Look(QObject):
    """The remembered choices of the user, and what is shown now.

    Signals:
        time_turned(bool): whether t is shown as 0 at the noise and 1 at the data.
        cards_changed(bool): whether all cards are in view, with everything on them.
    """

    time_turned = Signal(bool)
    cards_changed = Signal(bool)

    def __init__(self, preferences: Preferences, window: QWidget) -> None:
        super().__init__(window)
        self._preferences, self._application = preferences, application()
        self.restyling = theme.Restyling(self._application, window)
        self._application.styleHints().colorSchemeChanged.connect(self._follow_theme)

    @property
    def theme_choice(self) -> str:
        """The choice of the user: "system", "dark" or "light"."""
        return str(self._preferences.get("theme"))

    def set_theme(self, choice: str) -> None:
        """Use the "dark" or the "light" theme, or that of the "system" whenever it changes."""
        self._preferences.set("theme", choice)
        self._follow_theme()

    @Slot()
    def _follow_theme(self) -> None:
        palette = PALETTES[theme.shown(self._application, self.theme_choice)]
        if palette != theme.palette():
            self.restyling.start(palette)

    @property
    def text_percent(self) -> int:
        """The size of the text, in per cent of the usual one."""
        return round(100 * text_size.factor())

    def set_text_size(self, percent: int, remember: bool = True) -> None:
        """Set the size of the text, in per cent of the usual one."""
        if remember:
            self._preferences.set("text_size", percent)
        if percent != self.text_percent:
            theme.resize(self._application, percent / 100)

    @property
    def time_to_data(self) -> bool:
        """Whether t is shown as 0 at the noise and 1 at the data."""
        return bool(self._preferences.get("time_to_data"))

    def set_time_to_data(self, on: bool) -> None:
        """Show t as 0 at the noise and 1 at the data, or the other way round."""
        self._preferences.set("time_to_data", on)
        self.time_turned.emit(on)

    @property
    def all_cards(self) -> bool:
        """Whether all cards are in view with everything on them, instead of what is needed."""
        return bool(self._preferences.get("all_cards"))

    def set_all_cards(self, on: bool) -> None:
        """Show all cards with everything on them, or what is needed, when it is needed."""
        self._preferences.set("all_cards", on)
        self.cards_changed.emit(on)

    @property
    def clicked(self) -> bool:
        """Whether a click has ever shown a likelihood."""
        return bool(self._preferences.get("clicked"))

    def remember_click(self) -> None:
        """Remember that a click has shown a likelihood."""
        if not self.clicked:
            self._preferences.set("clicked", True)

    def reset(self) -> None:
        """Show what the preferences have."""
        self.set_theme(self._preferences.get("theme"))
        self.set_text_size(self._preferences.get("text_size"))
        self.set_time_to_data(self.time_to_data)
        self.set_all_cards(self.all_cards)


def application() -> QApplication:
    """The program's application."""
    found = QApplication.instance()
    assert isinstance(found, QApplication)
    return found
