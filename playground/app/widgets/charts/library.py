"""Loads pyqtgraph in a thread when a chart first has something to show.

Its import takes 0.15 to 0.25 s, too long for any paint. It looks up every class of Qt, and PySide makes a class when it is first
looked up. Making one in a thread while Qt delivered events in another crashed the program, so they are made in the GUI
thread before, a few in each turn of the event loop.
"""

import threading
import time
import typing
from collections.abc import Iterator
from types import ModuleType

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import QObject, QTimer, Signal, Slot

if typing.TYPE_CHECKING:
    from playground.drawing.plot import Plot


class Library(QObject):
    """The module that draws charts, when it is loaded.

    Signals:
        loaded(): the module is loaded.
    """

    loaded = Signal()

    SLICE = 0.004  # s; all classes take 0.09 s

    def __init__(self) -> None:
        super().__init__()
        self._classes: Iterator[tuple[ModuleType, str]] | None = None
        self._thread: threading.Thread | None = None
        self._plot: type[Plot] | None = None

    def get(self) -> "type[Plot] | None":
        """The module that draws charts; None if it is not loaded, in which case loading starts."""
        if self._plot is None and self._classes is None:
            self._classes = iter([(module, name) for module in (QtCore, QtGui, QtWidgets) for name in dir(module)])
            self._make_classes()
        return self._plot

    @Slot()
    def _make_classes(self) -> None:
        """Make some of Qt's classes; when all are made, start the thread."""
        assert self._classes is not None
        end = time.perf_counter() + self.SLICE
        for module, name in self._classes:
            getattr(module, name)
            if time.perf_counter() > end:
                QTimer.singleShot(0, self, self._make_classes)
                return
        self._thread = threading.Thread(target=self.load, name="charts")
        self._thread.start()

    def load(self) -> None:
        """Load it in the calling thread."""
        from playground.drawing.plot import Plot

        self._plot = Plot
        self.loaded.emit()


library = Library()
