"""The plot in the centre of the window, and its mouse tools."""

from playground.app.canvas.chips import ChipBar
from playground.app.canvas.view import CanvasView

__all__ = ["CanvasView", "ChipBar"]
