"""The table of the pinned runs, used by the card and by the window with all columns."""

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPalette,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QHeaderView,
    QLineEdit,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from playground.app.controllers.controllers import Controllers
from playground.app.model.pinned_runs import KnownRun, differences
from playground.app.model.run_table import table_text
from playground.app.panels.run_columns import COLUMNS, FEW, OVER_FLOOR, WEIGHTS, is_at_floor
from playground.app.style import theme
from playground.app.style.text_size import px
from playground.app.style.wrapping import BREAK, breakable, wrapped
from playground.lab.columns import FEWEST, MOST
from playground.lab.pinned_run import PinnedRun

NUMBER = Qt.ItemDataRole.UserRole  # of the run, in each row
PAD = 3  # px left and right of a cell's text
LONGEST_WORD = 12  # characters of a name without a break, so that "probability" is not cut
FOCUS = 2  # px of the bar that marks the row for keys
MOST_ROWS = 8  # visible rows; with more rows the table scrolls
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class RunTable(QTreeWidget):
    """One row per run, and below it the settings in which it differs from the others.

    Return makes the row's run the main one, F2 or a double click renames it, Delete removes it, Ctrl+C copies the table.

    Args:
        whole: whether it has all columns.

    Signals:
        chosen(): another row was chosen.
    """

    chosen = Signal()

    def __init__(self, controllers: Controllers, whole: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pinning, self._column_edits, self._whole = controllers.pinning, controllers.column_edits, whole
        self._behind = False  # whether figures came while a name was being edited
        self._columns = COLUMNS if whole else FEW
        self._sorted: tuple[int, bool] | None = None  # the place of a column, and whether the largest come first
        theme.set_role(self, "table")
        self.setAccessibleName("Pinned runs")
        self.setFrameShape(QTreeWidget.Shape.NoFrame)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setItemsExpandable(False)
        self.setWordWrap(True)
        self.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.setSelectionMode(QTreeWidget.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QTreeWidget.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QTreeWidget.ScrollMode.ScrollPerPixel)
        if not whole:
            self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QTreeWidget.EditTrigger.NoEditTriggers)
        cells = _Cells(self)
        cells.closeEditor.connect(self._edited)
        self.setItemDelegate(cells)
        header = self.header()
        header.setSectionsClickable(True)
        header.setSectionsMovable(False)
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(px(24))
        header.sectionClicked.connect(self._sort_by)
        self.itemDoubleClicked.connect(lambda *_: self.rename())
        self.itemChanged.connect(self._renamed)
        self.currentItemChanged.connect(lambda *_: self.chosen.emit())
        self.itemSelectionChanged.connect(self.chosen)
        self._pinning.changed.connect(self._fill)
        self._fill()

    # Content

    @property
    def run(self) -> PinnedRun | None:
        """The run of the chosen row."""
        item = self.currentItem()
        return None if item is None else self._of(item)

    def _of(self, item: QTreeWidgetItem) -> PinnedRun | None:
        number = item.data(0, NUMBER)
        return next((run for run in self._pinning.runs if run.number == number), None)

    @property
    def selected(self) -> list[PinnedRun]:
        """The runs of all selected rows, in their order."""
        numbers = {item.data(0, NUMBER) for item in self.selectedItems()}
        return [run for run, _ in self.rows if run.number in numbers]

    @property
    def can_compare(self) -> bool:
        """Whether a number of rows is selected that can be compared."""
        return FEWEST <= len(self.selected) <= MOST

    @property
    def rows(self) -> list[KnownRun]:
        """All runs, in the order of the rows."""
        rows = list(self._pinning.known)
        if self._sorted is None:
            return rows
        column = self._columns[self._sorted[0]]
        ordered = [row for row in rows if column.order(row) is not None]
        ordered.sort(key=column.order, reverse=self._sorted[1])  # type: ignore[arg-type]  # of one column all of one type
        return ordered + [row for row in rows if column.order(row) is None]

    def apply_palette(self) -> None:
        self._fill()

    def apply_text_size(self) -> None:
        self._fill()

    @Slot()
    def _edited(self) -> None:
        """Show what came while a name was being edited, when Qt has taken the name."""
        if self._behind:
            QTimer.singleShot(0, self, self._fill)

    @Slot()
    def _fill(self) -> None:
        self._behind = self.state() == QTreeWidget.State.EditingState
        if self._behind:
            return
        chosen = self.run
        told = differences(self._pinning.runs, beside_names=True)
        self.blockSignals(True)
        self.clear()
        self.setColumnCount(len(self._columns))
        self._fill_header()
        for known in self.rows:
            self._add(known, told.get(known[0].number, ""))
        for place in range(self.topLevelItemCount()):
            item = self.topLevelItem(place)
            assert item is not None
            for below in _below(item):
                below.setFirstColumnSpanned(True)  # lays everything out if rows are new, so not while rows are added
        self.expandAll()
        self._lay_out()
        self.blockSignals(False)
        for place in range(self.topLevelItemCount()):
            item = self.topLevelItem(place)
            assert item is not None
            if chosen is not None and item.data(0, NUMBER) == chosen.number:
                self.setCurrentItem(item)
        self.chosen.emit()

    def _fill_header(self) -> None:
        header = self.headerItem()
        for place, column in enumerate(self._columns):
            down = None if self._sorted is None or self._sorted[0] != place else self._sorted[1]
            arrow = "" if down is None else " ↓" if down else " ↑"
            first, *second = column.title.split("\n")
            header.setText(place, "\n".join([first + arrow, *second]))
            header.setToolTip(place, wrapped(column.meaning, "Click to sort."))
            header.setTextAlignment(place, LEFT if column.has_words else RIGHT)
            header.setFont(place, theme.text_font(theme.CAPTION_PIXELS))

    def _add(self, known: KnownRun, told: str) -> None:
        run, figures = known
        item = QTreeWidgetItem(self)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        waiting = self._pinning.is_waiting(run)
        words, numbers = theme.text_font(), theme.number_font()
        for place, column in enumerate(self._columns):
            shown = column.shown(known)
            if waiting and not column.text(known) and column.key:
                shown = "…"
            item.setText(place, breakable(shown, LONGEST_WORD) if place == 0 else shown)
            item.setToolTip(place, column.tooltip(known, waiting))
            item.setData(place, Qt.ItemDataRole.AccessibleTextRole, f"{' '.join(column.title.split())}: {shown}")
            item.setTextAlignment(place, LEFT if column.has_words else RIGHT)
            item.setFont(place, words if place == 0 else numbers)
            if column is OVER_FLOOR and is_at_floor(figures):
                item.setForeground(place, theme.color("data"))
        item.setData(0, NUMBER, run.number)
        if told:
            below = QTreeWidgetItem(item, [breakable(told)])
            below.setFlags(Qt.ItemFlag.ItemIsEnabled)
            below.setFont(0, theme.text_font(theme.CAPTION_PIXELS))
            below.setForeground(0, theme.color("muted"))
            below.setToolTip(0, wrapped("The settings that differ among the pinned runs."))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)  # makes the first row the current one, and does not select it
        row = self.currentItem()
        if row is not None and not self.selectedItems():
            self.setCurrentItem(row)  # the row for keys

    # Layout

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def _lay_out(self) -> None:
        """Give the numbers their width and the name the rest; rows are as high as their names and sentences."""
        header, columns = self.header(), range(len(self._columns))
        widths = [max(self.sizeHintForColumn(place), header.sectionSizeHint(place)) for place in columns]
        if not self._whole:  # a scroll bar that comes and goes would change the width, and the width the scroll bar
            scrolls = self.topLevelItemCount() > MOST_ROWS
            policy = Qt.ScrollBarPolicy.ScrollBarAlwaysOn if scrolls else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
            self.setVerticalScrollBarPolicy(policy)
        room, name = self.viewport().width(), _widest_word(self._pinning.runs)
        if not self._whole:
            place = FEW.index(WEIGHTS)
            crowded = room - sum(widths[1:]) < name
            hidden = crowded or not any(map(WEIGHTS.text, self._pinning.known))
            self.setColumnHidden(place, hidden)
            if hidden:
                widths[place] = 0
        widths[0] = max(room - sum(widths[1:]), name)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        for place, width in enumerate(widths):
            header.resizeSection(place, width)
        height = header.sizeHint().height()
        for place in range(self.topLevelItemCount()):
            item = self.topLevelItem(place)
            assert item is not None
            rows = [_fit(item, widths[0])]
            rows += [_fit(below, room, last=True) for below in _below(item)]
            if place < MOST_ROWS:
                height += sum(rows)
        if not self._whole and self.height() != height:
            self.setFixedHeight(height)
        self.scheduleDelayedItemsLayout()

    # Actions

    @Slot(int)
    def _sort_by(self, place: int) -> None:
        """Sort by a column: ascending, then descending, then in the order of pinning."""
        before = None if self._sorted is None or self._sorted[0] != place else self._sorted[1]
        self._sorted = {None: (place, False), False: (place, True), True: None}[before]
        self._fill()

    @Slot(QTreeWidgetItem, int)
    def _renamed(self, item: QTreeWidgetItem, place: int) -> None:
        run = None if place else self._of(item)
        if run is not None and item.text(0) != breakable(run.name, LONGEST_WORD):
            self._pinning.rename(run, item.text(0))
            self._fill()  # an empty name is not taken

    def rename(self) -> None:
        """Edit the name of the chosen run."""
        item = self.currentItem()
        if item is not None and self.run is not None:
            self.editItem(item, 0)

    def restore(self) -> None:
        """Make the chosen run the main one."""
        if self.run is not None:
            self._pinning.restore(self.run)

    def compare(self) -> None:
        """Show the selected runs side by side."""
        if self.can_compare:
            self._column_edits.compare(self.selected)

    def delete(self) -> None:
        """Delete the chosen run."""
        if self.run is not None:
            self._pinning.delete(self.run)

    def copy(self) -> None:
        """Copy the whole table in a form for spreadsheets."""
        if self.rows:
            QGuiApplication.clipboard().setText(table_text(self.rows, "\t"))

    def event(self, event: QEvent) -> bool:
        """Keep Ctrl+C from the window, which would copy the canvas."""
        copy = isinstance(event, QKeyEvent) and event.matches(QKeySequence.StandardKey.Copy)
        if copy and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.state() == QTreeWidget.State.EditingState:
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
        menu.addAction("Copy the table\tCtrl+C", self.copy).setEnabled(bool(self.rows))
        return menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu().popup(event.globalPos())


def _widest_word(runs: Iterable[PinnedRun]) -> int:
    """The least width of the names' column that cuts no word."""
    metrics = QFontMetrics(theme.text_font())
    names = (breakable(run.name, LONGEST_WORD).replace(BREAK, " ") for run in runs)
    words = [word for name in names for word in name.split(" ")]  # a number has spaces that do not break
    return max(map(metrics.horizontalAdvance, words), default=0) + 2 * PAD + 2


def _fit(item: QTreeWidgetItem, width: int, last: bool = False) -> int:
    """Make a row as high as its first cell, whose text is wrapped."""
    box = QFontMetrics(item.font(0)).boundingRect(
        QRect(0, 0, max(width - 2 * PAD, 1), 10_000), Qt.TextFlag.TextWordWrap, item.text(0)
    )
    height = box.height() + (6 if last else 4)
    item.setSizeHint(0, QSize(width, height))
    return height


def _below(item: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    """The line below a row, if there is one."""
    lines = (item.child(place) for place in range(item.childCount()))
    return [line for line in lines if line is not None]


class _Cells(QStyledItemDelegate):
    """Cells that keep their colours in a chosen row, and an editor for names only."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        color = option.palette.color(QPalette.ColorRole.Text)
        option.palette.setColor(QPalette.ColorRole.HighlightedText, color)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        table = self.parent()
        chosen = QStyle.StateFlag.State_Selected in option.state
        if index.column() == 0 and chosen and isinstance(table, RunTable) and table.hasFocus():
            box = option.rect
            color = QGuiApplication.palette().color(QPalette.ColorRole.Highlight)
            painter.fillRect(box.left(), box.top(), FOCUS, box.height(), color)

    def createEditor(
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QWidget:
        editor = super().createEditor(parent, option, index)
        editor.setAccessibleName("Name of the run")
        return editor

    def setEditorData(self, editor: QWidget, index: QModelIndex | QPersistentModelIndex) -> None:
        super().setEditorData(editor, index)
        if isinstance(editor, QLineEdit):
            editor.setText(editor.text().replace(BREAK, ""))
            editor.selectAll()
