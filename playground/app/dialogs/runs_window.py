"""View > Run table: the pinned runs with every column."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QWidget

from playground.app.controllers.controllers import Controllers
from playground.app.panels.run_table import RunTable
from playground.app.style.theme import UNIT
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, caption
from playground.app.widgets.dialog import Dialog

SAID = "Point at a figure for its error and floor. Click a header to sort; double-click a name to change it."
EMPTY = "Press K to pin the finished run. Its cost and its distance to the data are then a row of this table."
COMPARE = "Show two to four selected runs side by side. Ctrl+click selects one more."
SIZE = (1180, 360)  # px: all columns of figures


class RunsWindow(Dialog):
    """A window above the main one.

    Args:
        export: asks for a file and writes the table to it.
    """

    def __init__(self, controllers: Controllers, export: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__("runsWindow", "Run table", parent, SIZE, Qt.WindowType.Tool)
        self._pinning = controllers.pinning
        self.table = RunTable(controllers, whole=True)
        self.said = caption()
        self.restore = button("Restore", "Make the chosen run the main one. Undo takes it back.", self.table.restore)
        self.compare = button("Compare", COMPARE, self.table.compare)
        self.rename = button("Rename", "Give the chosen run another name.", self.table.rename)
        self.delete = button("Delete", "Take the chosen run from the table. Undo brings it back.", self.table.delete)
        self.copy = button("Copy", "Copy the whole table, for a spreadsheet.", self.table.copy)
        self.export = button(
            "Export CSV…", "Write the whole table with the columns that docs/metrics.md explains.", export
        )
        buttons = layouts.across(
            self.restore, self.compare, self.rename, self.delete, None, self.copy, self.export, spacing=UNIT
        )
        layouts.down(self.said, self.table, buttons, within=self, spacing=UNIT, margins=2 * UNIT)
        self.table.chosen.connect(self._enable)
        self._pinning.changed.connect(self._enable)
        self._enable()

    @Slot()
    def _enable(self) -> None:
        self.said.setText(SAID if self._pinning.runs else EMPTY)
        for one in (self.restore, self.rename, self.delete):
            one.setEnabled(self.table.run is not None)
        self.compare.setEnabled(self.table.can_compare)
        for one in (self.copy, self.export):
            one.setEnabled(bool(self._pinning.runs))
