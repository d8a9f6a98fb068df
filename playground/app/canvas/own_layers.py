"""Keeps the user's choice of layers while a scene or a lesson is shown."""

from collections.abc import Mapping

from PySide6.QtCore import QObject, Slot

from playground.app.canvas.legend import LEGEND
from playground.app.canvas.view import CanvasView
from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State

FIELDS = ("learned", "exact")  # by default the one that particles follow is shown


class OwnLayers(QObject):
    """Starts each scene and each lesson with the default layers, and restores the user's layers afterwards."""

    def __init__(
        self, state: State, controllers: Controllers, canvas: CanvasView, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._state, self._canvas = state, canvas
        self._scenes, self._lessons = controllers.scenes, controllers.lessons
        self._kept: dict[str, bool] | None = None
        self._begins = False  # whether the default layers must still be shown
        self._followed: str | None = None  # the score that particles of the user's own work follow
        self._scenes.showing.connect(self._begin)
        self._lessons.beginning.connect(self._begin)
        self._scenes.changed.connect(self._look)
        self._lessons.changed.connect(self._look)

    @property
    def visible(self) -> dict[str, bool]:
        """Whether each layer is shown with the user's own work."""
        return dict(self._canvas.visible if self._kept is None else self._kept)

    @Slot()
    def _begin(self) -> None:
        self._begins = True
        if self._kept is None:
            self._kept, self._followed = dict(self._canvas.visible), self._state.own.experiment.sampling.follows

    @Slot()
    def _look(self) -> None:
        """Show the default layers when a scene or a lesson begins, and the user's layers when it has ended."""
        kept, followed = self._kept, self._state.experiment.sampling.follows
        if kept is None:
            return
        if self._scenes.scene is None and self._lessons.lesson is None:
            self._kept, self._begins = None, False
            self._show(kept, fields=followed == self._followed)  # otherwise other settings remain
        elif self._begins:
            self._begins = False
            self._show({entry.key: entry.on for entry in LEGEND}, fields=False)
            if followed is not None:
                self._show({"learned": followed == "learned", "exact": followed != "learned"})

    def _show(self, layers: Mapping[str, bool], fields: bool = True) -> None:
        for name, on in layers.items():
            if fields or name not in FIELDS:
                self._canvas.set_layer_visible(name, on)
