"""Which layers of a canvas are shown, and how."""

import dataclasses

from PySide6.QtCore import QObject, Signal

from playground.app.canvas.frame_style import FrameStyle
from playground.app.canvas.legend import COMPUTED, KEYS, LEGEND, defaults
from playground.app.model.views import Bounds, WantedOverlays


class Layers(QObject):
    """The layers of LEGEND, as their chips set them.

    Attributes:
        visible: whether each is shown, if it can be.
        absent: those that cannot be shown now.
        options: the values by layer and option.

    Signals:
        toggled(str, bool): a layer was shown or hidden.
        available_changed(str, bool): whether a layer can be shown.
        option_changed(str, str, object): layer, option, value.
    """

    toggled = Signal(str, bool)
    available_changed = Signal(str, bool)
    option_changed = Signal(str, str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.visible = {entry.key: entry.on for entry in LEGEND}
        self.absent: set[str] = set()
        self.options = defaults()
        self._time_to_data = False
        self.captioned = True  # whether each canvas paints its caption, else a line outside of it has a short one

    def set_visible(self, name: str, on: bool) -> None:
        """Show or hide a layer.

        Raises:
            KeyError: there is no such layer.
        """
        if self.visible[name] != on:
            self.visible[name] = on
            self.toggled.emit(name, on)

    def toggle(self, name: str) -> None:
        """Show a hidden layer, or hide a shown one."""
        self.set_visible(name, not self.visible[name])

    @property
    def hidden(self) -> set[str]:
        """The layers that are not to be shown."""
        return {key for key in KEYS if not self.visible[key]}

    def set_available(self, name: str, available: bool) -> None:
        """Set whether a layer can be shown. If not, it is removed, and later values for it are ignored."""
        (self.absent.discard if available else self.absent.add)(name)
        self.available_changed.emit(name, available)

    def set_option(self, layer: str, option: str, value: object) -> None:
        """Set an option of a layer.

        Raises:
            KeyError: there is no such option.
        """
        if self.options[layer, option] == value:
            return
        for key in self.options:
            # The two fields share their grid, so that they can be compared arrow by arrow.
            if key == (layer, option) or (option == "spacing" and key[1] == "spacing"):
                self.options[key] = value
        self.option_changed.emit(layer, option, value)

    def set_time_to_data(self, on: bool) -> None:
        """Let the caption's t be 0 at the noise and 1 at the data, or the other way round."""
        if on != self._time_to_data:
            self._time_to_data = on
            self.option_changed.emit("caption", "time", on)

    def set_captioned(self, on: bool) -> None:
        """Let each canvas paint its whole caption, or a line outside of it show a short one."""
        if on != self.captioned:
            self.captioned = on
            self.option_changed.emit("caption", "place", on)

    @property
    def style(self) -> FrameStyle:
        """How the layers of a frame are shown."""
        options = (("density", "style"), ("error", "style"), ("particles", "color"))
        style = FrameStyle(*(self.options[key] for key in options))  # type: ignore[arg-type]
        return dataclasses.replace(style, time_to_data=self._time_to_data)

    def wanted(self, bounds: Bounds, grid: tuple[int, int]) -> WantedOverlays:
        """What is to be computed of a frame in this part of the plane, with as many arrows across and down."""
        chosen = (("exact", "source"), ("density", "source"), ("particles", "color"))
        options = (self.options[key] for key in chosen)
        return WantedOverlays(COMPUTED - self.hidden, bounds, grid, *options)  # type: ignore[arg-type]
