"""Keeps the user's choice of layers while a scene or a lesson is shown."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Slot

from playground.app.canvas.layers import Layers
from playground.app.controllers.building import VIEWED
from playground.app.controllers.controllers import Controllers
from playground.lab.session import Session

FIELDS = ("learned", "exact")  # by default the one that particles follow is shown


class OwnLayers(QObject):
    """Starts each scene and each lesson with the layers that the window opens with, and restores the user's layers afterwards."""

    def __init__(self, controllers: Controllers, layers: Layers, parent: QObject) -> None:
        super().__init__(parent)
        self._state, self._replaying, self._layers = controllers.state, controllers.replaying, layers
        self._first = dict(layers.visible)
        self._own = dict(layers.visible)
        self._taught: str | None = None  # the scene or lesson that is shown
        self._followed: str | None = None  # the score that particles of the user's own work follow
        layers.toggled.connect(self._note)
        self._state.document_changed.connect(self._follow)

    def described(self, own: bool) -> dict[str, Any]:
        """The part of the view that a session keeps, with the layers in view, or those of the user's own work."""
        step, layers = self._replaying.step, self._own if own else self._layers.visible
        return {"layers": dict(layers)} | ({} if step is None else {VIEWED: step})

    def restore(self, session: Session) -> None:
        """Show the layers of a session."""
        layers = session.view.get("layers")
        for name, on in layers.items() if isinstance(layers, dict) else ():
            if name in self._layers.visible and isinstance(on, bool):
                self._layers.set_visible(name, on)

    @Slot(str, bool)
    def _note(self, name: str, on: bool) -> None:
        if self._taught is None and self._state.document.lesson is None:
            self._own[name] = on

    @Slot()
    def _follow(self) -> None:
        """Show the first layers when a scene or a lesson begins, and the user's layers when it has ended."""
        lesson, followed = self._state.document.lesson, self._state.experiment.sampling.follows
        taught = None if lesson is None else lesson.name
        if taught == self._taught:
            return
        self._taught = taught
        if taught is None:
            self._show(self._own, fields=followed == self._followed)  # otherwise other settings remain
            self._own = dict(self._layers.visible)
            return
        self._followed = self._state.own.experiment.sampling.follows
        self._show(self._first, fields=False)
        if followed is not None:
            self._show({"learned": followed == "learned", "exact": followed != "learned"})

    def _show(self, layers: Mapping[str, bool], fields: bool = True) -> None:
        for name, on in layers.items():
            if fields or name not in FIELDS:
                self._layers.set_visible(name, on)
