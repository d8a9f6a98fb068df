"""Loads pyqtgraph in a thread when a chart first has something to show.

Its import takes 0.15 to 0.25 s, too long for any paint.
"""

import gc
import threading
import typing

from PySide6.QtCore import QObject, Signal

if typing.TYPE_CHECKING:
    from playground.app.widgets.charts.plot import Plot


class Library(QObject):
    """The module that draws charts, when it is loaded.

    Signals:
        loaded(): the module is loaded.
    """

    loaded = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._thread: threading.Thread | None = None
        self._plot: type[Plot] | None = None

    def get(self) -> "type[Plot] | None":
        """The module that draws charts; None if it is not loaded, in which case loading starts."""
        if self._plot is None and self._thread is None:
            self._thread = threading.Thread(target=self.load, name="charts")
            self._thread.start()
        return self._plot

    def load(self) -> None:
        """Load it in the calling thread."""
        collects = gc.isenabled()
        # Otherwise the import, which makes many objects, could collect widgets and destroy them in this thread.
        gc.disable()
        try:
            from playground.app.widgets.charts.plot import Plot

            self._plot = Plot
        finally:
            if collects:
                gc.enable()
        self.loaded.emit()


library = Library()
