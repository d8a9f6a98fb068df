"""The table of the pinned runs, used by the card and by the window with all columns."""

from PySide6.QtCore import QEvent, Qt, Slot
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QMenu, QTreeView

from playground.app.controllers.controllers import Controllers
from playground.app.model.pinned_runs import KnownRun, differences
from playground.app.model.run_table import table_text
from playground.app.panels.run_columns import COLUMNS, FEW, WEIGHTS
from playground.app.widgets.table import Table
from playground.lab.columns import FEWEST, MOST
from playground.lab.pinned_run import PinnedRun

MOST_ROWS = 8  # visible rows; with more rows the table scrolls


class RunTable(Table):
    """One row per run, and below it the settings in which it differs from the others.

    Return makes the row's run the main one, F2 or a double click renames it, Delete removes it, Ctrl+C copies the table.

    Args:
        whole: whether it has all columns.
    """

    def __init__(self, controllers: Controllers, whole: bool = False) -> None:
        below = "The settings that differ among the pinned runs."
        super().__init__("Pinned runs", lambda row: row[0].number, wraps=True, tip_below=below)
        self._pinning, self._column_edits, self._whole = controllers.pinning, controllers.column_edits, whole
        self.setSelectionMode(QTreeView.SelectionMode.ExtendedSelection)
        if not whole:
            self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.doubleClicked.connect(lambda _: self.rename())
        self.cells.renamed.connect(self._renamed)
        self._pinning.changed.connect(self._fill)
        self._fill()

    @property
    def run(self) -> PinnedRun | None:
        """The run of the chosen row."""
        return None if self.row is None else self.row[0]

    @property
    def can_compare(self) -> bool:
        """Whether a number of rows is selected that can be compared."""
        return FEWEST <= len(self.selected) <= MOST

    @Slot()
    def _fill(self) -> None:
        told = differences(self._pinning.runs, beside_names=True)

        def below(row: KnownRun) -> str:
            return told.get(row[0].number, "")

        self.show_rows(COLUMNS if self._whole else FEW, self._pinning.known, below)

    def lay_out(self) -> None:
        if self._whole:
            super().lay_out()
            return
        # A scroll bar that comes and goes would change the width, and the width the scroll bar.
        scrolls = len(self.cells.rows) > MOST_ROWS
        policy = Qt.ScrollBarPolicy.ScrollBarAlwaysOn if scrolls else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(policy)
        super().lay_out()
        height = self.header().sizeHint().height() + sum(map(sum, self.heights[:MOST_ROWS]))
        if self.height() != height:
            self.setFixedHeight(height)

    def hidden(self, crowded: bool) -> set[int]:
        bare = not any(map(WEIGHTS.text, self.cells.rows))
        return {FEW.index(WEIGHTS)} if not self._whole and (crowded or bare) else set()

    # Actions

    @Slot(int, str)
    def _renamed(self, place: int, name: str) -> None:
        self._pinning.rename(self.cells.rows[place][0], name)

    def rename(self) -> None:
        """Edit the name of the chosen run."""
        if self.run is not None:
            self.edit(self.currentIndex().siblingAtColumn(0))

    def restore(self) -> None:
        """Make the chosen run the main one."""
        if self.run is not None:
            self._pinning.restore(self.run)

    def compare(self) -> None:
        """Show the selected runs side by side."""
        if self.can_compare:
            self._column_edits.compare([run for run, _ in self.selected])

    def delete(self) -> None:
        """Delete the chosen run."""
        if self.run is not None:
            self._pinning.delete(self.run)

    def copy(self) -> None:
        """Copy the whole table in a form for spreadsheets."""
        if self.cells.rows:
            QGuiApplication.clipboard().setText(table_text(self.cells.rows, "\t"))

    def event(self, event: QEvent) -> bool:
        """Keep Ctrl+C from the window, which would copy the canvas."""
        copy = isinstance(event, QKeyEvent) and event.matches(QKeySequence.StandardKey.Copy)
        if copy and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.state() == QTreeView.State.EditingState:
            super().keyPressEvent(event)  # Return in a name does not restore the run
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.restore()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete()
        elif event.key() == Qt.Key.Key_F2:
            self.rename()
        elif event.text() and not event.text().isspace():
            event.ignore()  # letters are commands of the window
        else:
            super().keyPressEvent(event)

    def menu(self) -> QMenu:
        """The context menu: actions on the chosen run and on all runs."""
        menu, run = QMenu(self), self.run
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text, key, act in (
            ("Make it the main run", "Return", self.restore),
            ("Rename", "F2", self.rename),
            ("Delete", "Del", self.delete),
        ):
            menu.addAction(f"{text}\t{key}", act).setEnabled(run is not None)
        menu.addAction("Compare these", self.compare).setEnabled(self.can_compare)
        menu.addSeparator()
        menu.addAction("Copy the table\tCtrl+C", self.copy).setEnabled(bool(self.cells.rows))
        return menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu().popup(event.globalPos())
