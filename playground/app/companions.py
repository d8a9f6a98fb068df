"""The windows beside the main one: log, history, self-test, Boltzmann machine. Made when they are first asked for, ended with it."""

import typing

from PySide6.QtWidgets import QDialog

from playground.app.dialogs.history_window import HistoryWindow
from playground.app.dialogs.log import LogDialog
from playground.drawing.palette import Palette

if typing.TYPE_CHECKING:
    from playground.app.dialogs.boltzmann.window import BoltzmannWindow
    from playground.app.dialogs.selftest_dialog import SelftestDialog
    from playground.app.window import MainWindow


class Companions:
    """Each is one window, brought to the front where it is open."""

    def __init__(self, window: "MainWindow") -> None:
        self._window = window
        self._log: LogDialog | None = None
        self._history: HistoryWindow | None = None
        self._selftest: SelftestDialog | None = None
        self._boltzmann: BoltzmannWindow | None = None

    def log(self) -> None:
        """What the program has noted."""
        if self._log is None:
            self._log = LogDialog(self._window.log, self._window)
        _present(self._log)

    def history(self) -> None:
        """What was changed, step by step."""
        if self._history is None:
            self._history = HistoryWindow(self._window.state.stack, self._window)
        _present(self._history)

    def selftest(self) -> None:
        """Run the self-test, unless it runs already."""
        from playground.app.dialogs.selftest_dialog import SelftestDialog  # not needed to open the window

        if self._selftest is None:
            self._selftest = SelftestDialog(self._window)
        _present(self._selftest)
        self._selftest.start()

    def boltzmann(self) -> None:
        """The machine whose Z is summed; it keeps what it learned while it is closed."""
        from playground.app.dialogs.boltzmann.window import BoltzmannWindow  # not needed to open the window

        if self._boltzmann is None:
            self._boltzmann = BoltzmannWindow(self._window.palette_tokens, self._window)
        _present(self._boltzmann)

    def apply_palette(self, palette: Palette) -> None:
        if self._boltzmann is not None:
            self._boltzmann.apply_palette(palette)

    def shutdown(self, seconds: float) -> bool:
        """Close them all and end their threads, when quitting.

        Returns:
            Whether the threads ended in time.
        """
        ended = True
        for working in (self._selftest, self._boltzmann):
            if working is not None:
                ended &= working.shutdown(seconds)
                working.close()
        for listing in (self._log, self._history):
            if listing is not None:
                listing.close()
        return ended


def _present(dialog: QDialog) -> None:
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()
