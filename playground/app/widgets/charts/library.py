"""Loads pyqtgraph in a thread, the first time that a chart has something to show.

Its import takes 0.15 to 0.25 s, which neither the first paint nor any later one has time for.
"""

import gc
import threading
import typing

from PySide6.QtCore import QObject, Signal

if typing.TYPE_CHECKING:
    from playground.app.widgets.charts.plot import Plot


class Library(QObject):
    """What draws charts, once it is there.

    Signals:
        loaded(): it is there from now on.
    """

    loaded = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._thread: threading.Thread | None = None
        self._plot: type[Plot] | None = None

    def get(self) -> "type[Plot] | None":
        """What draws charts; None, and it begins to load, where it has not been loaded yet."""
        if self._plot is None and self._thread is None:
            self._thread = threading.Thread(target=self.load, name="charts")
            self._thread.start()
        return self._plot

    def load(self) -> None:
        """Load it in the thread that calls."""
        collects = gc.isenabled()
        gc.disable()  # else an import, which makes many objects, would collect widgets, and destroy them in this thread
        try:
            from playground.app.widgets.charts.plot import Plot

            self._plot = Plot
        finally:
            if collects:
                gc.enable()
        self.loaded.emit()


library = Library()
