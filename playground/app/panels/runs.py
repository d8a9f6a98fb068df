"""The pinned runs side by side: their cost, and their distance to the data."""

from PySide6.QtCore import Signal, Slot

from playground.app.controllers import why_disabled
from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.panels.run_table import RunTable
from playground.app.style import theme
from playground.app.style.labels import worded
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, caption
from playground.app.widgets.collapsible_panel import CollapsiblePanel

EMPTY = "Pin finished runs to compare what they cost and how near to the data they come."
PIN = "Keep the settings, cost and distances of the finished run here. (K)"
RESTORE = "Make the chosen run the main one: its settings, noise, and particles. Undo takes it back. (Return)"
ALL = "Open the table with every column."
NONE_CHOSEN = "Choose a run in the table first."


class RunsPanel(CollapsiblePanel):
    """A table of a few columns, and buttons for the most frequent actions.

    Signals:
        table_requested(): the user asked for the table with every column.
    """

    table_requested = Signal()

    def __init__(self, state: State, controllers: Controllers) -> None:
        super().__init__("Runs", purpose="Runs that you keep, to compare them.")
        self.state, self._controllers = state, controllers
        self._pinning = controllers.pinning
        self.empty = caption(EMPTY)
        self.table = RunTable(controllers)
        self.pin = button("Pin run", PIN, self._pinning.pin, spoken="Pin this run")
        self.restore = button("Restore", RESTORE, self.table.restore, spoken="Restore the chosen run")
        self.whole = button("All…", ALL, self.table_requested.emit, spoken="All columns of the runs")
        gap = theme.UNIT // 2
        buttons = layouts.across(self.pin, None, self.restore, self.whole, spacing=gap, margins=(0, gap, 0, gap))
        layouts.add(self.body, self.empty, self.table, buttons)
        self._pinning.changed.connect(self._show)
        for signal in (
            self.table.chosen,
            self._pinning.finished_changed,
            controllers.comparing.active_changed,
            state.changed,
            state.problem_changed,
        ):
            signal.connect(self._enable)
        self._show()

    @Slot()
    def _show(self) -> None:
        count = len(self._pinning.known)
        self.set_state(f"{count} pinned" if count else "")
        for part, there in ((self.empty, not count), (self.table, count), (self.restore, count), (self.whole, count)):
            part.setVisible(bool(there))
        self._enable()

    @Slot()
    def _enable(self) -> None:
        why = why_disabled.pinning(self._controllers)
        self.pin.setEnabled(why is None)
        self.pin.setToolTip(wrapped(worded(why) or PIN))
        self.restore.setEnabled(self.table.run is not None)
        self.restore.setToolTip(wrapped(RESTORE if self.table.run is not None else NONE_CHOSEN))
