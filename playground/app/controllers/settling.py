"""Says when a chosen training step has stayed for a moment, and is worth measuring."""

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from playground.app.controllers.building import Building
from playground.app.controllers.playing import Playing
from playground.app.controllers.replaying import Replaying

SETTLE = 250  # ms that a chosen training step must stay before its weights are measured


class Settling(QObject):
    """Waits until a training step stays chosen and its run is in view; not while training goes on.

    Signals:
        settled(bool): whether one step is still played after another.
    """

    settled = Signal(bool)

    def __init__(
        self, building: Building, replaying: Replaying, playing: Playing, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._building, self._replaying, self._playing = building, replaying, playing
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE)
        self._timer.timeout.connect(self._look)
        replaying.chosen.connect(self._timer.start)
        replaying.playing_changed.connect(lambda _: self._timer.start())

    def stop(self) -> None:
        """Wait for nothing any more, when quitting."""
        self._timer.stop()

    @Slot()
    def _look(self) -> None:
        workspace = self._building.workspace
        if workspace is None or workspace.training == "training":
            return
        if self._playing.is_replacing:
            self._timer.start()
        else:
            self.settled.emit(self._replaying.is_playing)
