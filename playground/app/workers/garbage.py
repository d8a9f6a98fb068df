"""Collects garbage in the GUI thread, and only there.

Python collects in the thread that happens to make an object when enough were made. In a worker's thread it may find a
closed dialog or the items of a chart, and destroy Qt's objects in the wrong thread, which crashes the program at times.
"""

import gc

from PySide6.QtCore import QObject, Slot

from playground.app.workers.timers import timer


class GarbageCollector(QObject):
    """Collects by a timer; Python's own collection is off.

    What exists when it is made, such as the classes of the program, is not looked at again.
    """

    PERIOD = 500  # ms

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        gc.freeze()
        timer(self, self.collect, interval=self.PERIOD).start()

    @Slot()
    def collect(self) -> None:
        """Collect the youngest generation, and after every ten times the next older one too."""
        sizes = zip(gc.get_count(), gc.get_threshold(), strict=True)
        due = [generation for generation, (count, threshold) in enumerate(sizes) if count > threshold]
        gc.collect(max(due, default=0))
