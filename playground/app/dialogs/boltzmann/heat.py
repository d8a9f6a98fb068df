"""W as a heat map: which pixels tend to be equal."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, Slot

from playground.app.dialogs.boltzmann.pixel_table import PixelTable
from playground.app.style.number_formats import format_number

if TYPE_CHECKING:
    from playground.lab.boltzmann.training import Progress


class WeightMap(PixelTable):
    """One cell per pair of units; the pointer or the arrow keys read a cell."""

    def __init__(self) -> None:
        super().__init__(
            "Weights W",
            "Each cell is the weight between two pixels. Above 0 equal pixels are more probable; below 0, with a "
            "bar, unequal ones. Point at a cell, or use the arrow keys.",
        )
        self.setMouseTracking(True)
        self.setMinimumSize(150, 150)
        self.cellEntered.connect(self.setCurrentCell)
        self.viewportEntered.connect(self._leave)

    def show_weights(self, progress: "Progress | None", units: int, columns: int) -> None:
        """Show W (units, units) beside the correlations, or zeros before anything is learned.

        Args:
            columns: the pixels across in a pattern.
        """
        none = np.zeros((3, units, units))
        self._matrices = none if progress is None else np.stack([progress.weights, progress.data, progress.model])
        self._columns = columns
        self.show_values(self._matrices[0])

    def words(self, row: int, column: int) -> str:
        if row < 0:
            units = len(self.values)
            return f"{units} × {units}, largest {format_number(float(np.abs(self.values).max()))}"
        pixels = "–".join("({},{})".format(*np.add(divmod(unit, self._columns), 1)) for unit in (row, column))
        if row == column:
            return f"{pixels}: a unit has no weight to itself"
        weight, data, model = (format_number(round(float(one[row, column]), 6)) for one in self._matrices)
        return f"{pixels}: W {weight}, E_data {data}, E_p {model}"

    @Slot()
    def _leave(self) -> None:
        self.setCurrentCell(-1, -1)

    def leaveEvent(self, event: QEvent) -> None:
        self._leave()
