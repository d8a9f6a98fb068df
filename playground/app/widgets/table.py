"""A table whose cells are made when they are shown: of the pinned runs, or of a sweep with thousands of rows."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QFocusEvent,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QHelpEvent,
    QPainter,
    QPalette,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QTreeView,
    QWidget,
)

from playground.app.style import theme
from playground.app.style.number_formats import NOTHING
from playground.app.style.painting import LEFT, RIGHT, paint_text
from playground.app.style.text_size import px
from playground.app.style.wrapping import BREAK, breakable, wrapped

Index = QModelIndex | QPersistentModelIndex
PAD = 3  # px left and right of a cell's text
LONGEST_WORD = 12  # characters of a name without a break, so that "probability" is not cut
WIDEST = 360  # px, of a column; the error of a sweep's cell would be wider
MEASURED = 60  # rows from which the widths of the columns are found
FOCUS = 2  # px of the bar that marks the row for keys
SHOWN = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren
EDITABLE = SHOWN | Qt.ItemFlag.ItemIsEditable


@dataclass(frozen=True)
class TableColumn:
    """One column of a table.

    Attributes:
        title: the header, in one line or two.
        text: returns a cell's text; "" if there is none.
        order: returns the sort value of a row; None comes last.
        meaning: the header's tooltip.
        tip: returns a cell's tooltip.
        has_words: whether its cells are words, and not numbers.
        color: returns the colour of a cell's text, by its name in the palette.
        editor: the name for screen readers of what edits its cells; "" if they cannot be edited.
    """

    title: str
    text: Callable[[Any], str]
    order: Callable[[Any], float | str | None]
    meaning: str = ""
    tip: Callable[[Any], str] = lambda row: ""
    has_words: bool = False
    color: Callable[[Any], str] = lambda row: "text"
    editor: str = ""

    def sorted(self, rows: Sequence[Any], down: bool) -> list[Any]:
        """Rows in the order of this column."""
        known = [row for row in rows if self.order(row) is not None]
        known.sort(key=self.order, reverse=down)  # type: ignore[arg-type]  # of one column all of one type
        return known + [row for row in rows if self.order(row) is None]


class TableModel(QAbstractTableModel):
    """The cells of a table.

    Signals:
        renamed(int, str): the user gave the row at a place another name.

    Attributes:
        rows: the rows in their order.
        below: returns the line below a row; "" if there is none.
        sorted: the place of the column by which the rows are sorted, and whether the largest come first.
    """

    renamed = Signal(int, str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.columns: Sequence[TableColumn] = ()
        self.rows: Sequence[Any] = ()
        self.below: Callable[[Any], str] = lambda row: ""
        self.sorted: tuple[int, bool] | None = None
        self.fonts: list[QFont] = []  # of each column

    def show(self, columns: Sequence[TableColumn], rows: Sequence[Any], below: Callable[[Any], str]) -> None:
        """Show other rows."""
        self.beginResetModel()
        if [one.title for one in columns] != [one.title for one in self.columns]:
            self.sorted = None
        self.columns, self.below = columns, below
        self.rows = rows if self.sorted is None else columns[self.sorted[0]].sorted(rows, self.sorted[1])
        self.fonts = [theme.text_font() if column.has_words else theme.number_font() for column in columns]
        self.endResetModel()

    def sort_by(self, place: int) -> None:
        """Sort the rows that are shown next by a column: ascending, then descending, then as they are given."""
        before = None if self.sorted is None or self.sorted[0] != place else self.sorted[1]
        self.sorted = {None: (place, False), False: (place, True), True: None}[before]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.columns)

    def text(self, row: int, place: int) -> str:
        """What a cell shows; a name may be broken over lines."""
        said = self.columns[place].text(self.rows[row])
        return (said if place else breakable(said, LONGEST_WORD)) or NOTHING

    def text_below(self, row: int) -> str:
        """The line below a row."""
        return breakable(self.below(self.rows[row]))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        column, row = self.columns[index.column()], self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self.text(index.row(), index.column())
            case Qt.ItemDataRole.EditRole:
                return column.text(row)
            case Qt.ItemDataRole.ToolTipRole:
                return wrapped(column.tip(row), column.meaning)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{' '.join(column.title.split())}: {column.text(row) or NOTHING}"
            case Qt.ItemDataRole.AccessibleDescriptionRole:
                return "" if index.column() else self.below(row)
            case Qt.ItemDataRole.TextAlignmentRole:
                return LEFT if column.has_words else RIGHT
            case Qt.ItemDataRole.FontRole:
                return self.fonts[index.column()]
            case Qt.ItemDataRole.ForegroundRole:
                return theme.color(column.color(row))
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                down = None if self.sorted is None or self.sorted[0] != section else self.sorted[1]
                first, *second = column.title.split("\n")
                return "\n".join([first + {None: "", True: " ↓", False: " ↑"}[down], *second])
            case Qt.ItemDataRole.ToolTipRole:
                return wrapped(column.meaning, "Click to sort.")
            case Qt.ItemDataRole.TextAlignmentRole:
                return LEFT if column.has_words else RIGHT
            case Qt.ItemDataRole.FontRole:
                return theme.text_font(theme.CAPTION_PIXELS)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        return EDITABLE if self.columns[index.column()].editor else SHOWN

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        self.renamed.emit(index.row(), value)
        return True


class Table(QTreeView):
    """A table that a click on a header sorts: ascending, then descending, then in the given order.

    Args:
        name: for screen readers.
        key: tells a row from the others, so that it stays chosen.
        wraps: whether the first column takes the room that the others leave, with names that are wrapped, and rows have a line
            below them.
        tip_below: the tooltip of that line.

    Signals:
        chosen(): another row was chosen.
    """

    chosen = Signal()

    def __init__(
        self,
        name: str,
        key: Callable[[Any], Hashable],
        wraps: bool = False,
        tip_below: str = "",
    ) -> None:
        super().__init__()
        self._key, self._wraps, self.tip_below = key, wraps, tip_below
        self.cells = TableModel(self)
        self.heights: list[tuple[int, int]] = []  # of each row, and of the line below it
        self._given: tuple[Sequence[TableColumn], Sequence[Any], Callable[[Any], str]] = ((), (), lambda row: "")
        theme.set_role(self, "table")
        self.setAccessibleName(name)
        self.setFrameShape(QTreeView.Shape.NoFrame)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setItemsExpandable(False)
        self.setUniformRowHeights(not wraps)
        self.setWordWrap(wraps)
        if wraps:
            self.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.setVerticalScrollMode(QTreeView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QTreeView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QTreeView.EditTrigger.NoEditTriggers)
        delegate = _Delegate(self)
        delegate.closeEditor.connect(self._edited)
        self.setItemDelegate(delegate)
        self.setModel(self.cells)
        header = self.header()
        header.setSectionsClickable(True)
        header.setSectionsMovable(False)
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(px(24))
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.sectionClicked.connect(self.sort_by)
        self.selectionModel().currentChanged.connect(lambda *_: self.chosen.emit())
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen.emit())

    @property
    def row(self) -> Any | None:
        """The chosen row."""
        index = self.currentIndex()
        return self.cells.rows[index.row()] if index.isValid() else None

    @property
    def selected(self) -> list[Any]:
        """All selected rows, in their order."""
        return [
            self.cells.rows[place] for place in sorted(index.row() for index in self.selectionModel().selectedRows())
        ]

    def show_rows(
        self, columns: Sequence[TableColumn], rows: Sequence[Any], below: Callable[[Any], str] = lambda row: ""
    ) -> None:
        """Show other rows; when a name is being edited, as soon as it is there.

        Args:
            below: returns the line below a row.
        """
        self._given = columns, rows, below
        self._show()

    @Slot()
    def _show(self) -> None:
        """Show what was given last, unless a name is being edited; then Qt's end of that does."""
        if self.state() == QTreeView.State.EditingState:
            return
        cells, chosen, column = self.cells, self.row, self.currentIndex().column()
        scrolled = [(bar, bar.value()) for bar in (self.horizontalScrollBar(), self.verticalScrollBar())]
        columns, rows, below = self._given
        self.heights = [(0, 0)] * len(rows) if self._wraps else []  # until they are known
        cells.show(columns, rows, below)
        self.lay_out()
        for place, row in enumerate(cells.rows):
            if chosen is not None and self._key(row) == self._key(chosen):
                self.setCurrentIndex(cells.index(place, min(column, len(columns) - 1)))
        self.executeDelayedItemsLayout()  # else the bars have no room yet
        for bar, value in scrolled:
            bar.setValue(value)
        self.chosen.emit()

    @Slot(int)
    def sort_by(self, place: int) -> None:
        """Sort by a column."""
        self.cells.sort_by(place)
        self._show()

    def lay_out(self) -> None:
        """Give each column its width; names take the rest, and rows are as high as their names and the lines below."""
        header, cells, count = self.header(), self.cells, min(len(self.cells.rows), MEASURED)
        widths = []
        for place, font in enumerate(cells.fonts):
            metrics = QFontMetrics(font)
            texts = (cells.text(row, place) for row in range(count))
            widest = max(map(metrics.horizontalAdvance, texts), default=0) + 2 * PAD + 2
            widths.append(min(max(widest, header.sectionSizeHint(place)), px(WIDEST)))
        room = self.viewport().width()
        if self._wraps and widths:
            places = range(len(cells.rows))
            names = [cells.text(row, 0) for row in places]
            words = [word for name in names for word in name.replace(BREAK, " ").split(" ")]
            metrics = QFontMetrics(cells.fonts[0])  # a number has spaces that do not break
            least = max(map(metrics.horizontalAdvance, words), default=0) + 2 * PAD + 2
            hidden = self.hidden(room - sum(widths[1:]) < least)
            for place in range(len(widths)):
                self.setColumnHidden(place, place in hidden)
            widths[0] = max(
                room - sum(width for place, width in enumerate(widths) if place and place not in hidden), least
            )
            small, below = QFontMetrics(theme.text_font(theme.CAPTION_PIXELS)), map(cells.text_below, places)
            self.heights = [
                (_height(metrics, name, widths[0]) + 4, _height(small, said, room) + 6 if said else 0)
                for name, said in zip(names, below, strict=True)
            ]
        for place, width in enumerate(widths):
            header.resizeSection(place, width)
        self.scheduleDelayedItemsLayout()

    def hidden(self, crowded: bool) -> set[int]:
        """The places of the columns that are not shown.

        Args:
            crowded: whether the names have too little room beside all of them.
        """
        return set()

    @Slot()
    def _edited(self) -> None:
        """Show what came while a name was being edited, when Qt has taken the name."""
        QTimer.singleShot(0, self, self._show)

    def drawRow(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().drawRow(painter, option, index)
        if self.heights and self.heights[index.row()][1]:
            height, below = self.heights[index.row()]
            box = QRect(PAD, self.visualRect(index).top() + height, self.viewport().width() - 2 * PAD, below)
            painter.setFont(theme.text_font(theme.CAPTION_PIXELS))
            painter.setPen(theme.color("muted"))
            painter.drawText(box, Qt.TextFlag.TextWordWrap, self.cells.text_below(index.row()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._wraps:
            self.lay_out()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)  # makes the first row the current one, and does not select it
        if self.currentIndex().isValid() and not self.selectedIndexes():
            self.setCurrentIndex(self.currentIndex())  # the row for keys

    def apply_text_size(self) -> None:
        self._show()


def _height(metrics: QFontMetrics, text: str, width: int) -> int:
    """The height of a text that is wrapped."""
    room = QRect(0, 0, max(width - 2 * PAD, 1), 10_000)
    return metrics.boundingRect(room, Qt.TextFlag.TextWordWrap, text).height()


class _Delegate(QStyledItemDelegate):
    """Cells that keep their colours in a chosen row, and stand above the line below it. A style sheet takes twice as long.

    Args:
        table: whose cells they are.
    """

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._table = table

    def _box(self, option: QStyleOptionViewItem, index: Index) -> QRect:
        """The part of a cell that is above the line below the row."""
        box, heights = option.rect, self._table.heights
        return QRect(box.left(), box.top(), box.width(), heights[index.row()][0] if heights else box.height())

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        heights = self._table.heights
        return QSize(0, sum(heights[index.row()])) if heights else super().sizeHint(option, index)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        role, box = Qt.ItemDataRole, self._box(option, index)
        if QStyle.StateFlag.State_Selected in option.state:
            painter.fillRect(box, theme.color("hover"))
            if index.column() == 0 and self._table.hasFocus():
                color = QGuiApplication.palette().color(QPalette.ColorRole.Highlight)
                painter.fillRect(box.left(), box.top(), FOCUS, box.height(), color)
        painter.setFont(index.data(role.FontRole))
        ink, place = index.data(role.ForegroundRole), index.data(role.TextAlignmentRole)
        box, text = box.adjusted(PAD, 0, -PAD, 0), index.data()
        if self._table.wordWrap():
            painter.setPen(ink)
            painter.drawText(box, place | Qt.TextFlag.TextWordWrap, text)
        else:
            paint_text(painter, box, text, ink, place)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = super().createEditor(parent, option, index)
        editor.setAccessibleName(self._table.cells.columns[index.column()].editor)
        return editor

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        editor.setGeometry(self._box(option, index))

    def helpEvent(self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: Index) -> bool:
        tip = event.type() == QEvent.Type.ToolTip and self._table.tip_below
        if tip and index.isValid() and event.pos().y() > self._box(option, index).bottom():
            QToolTip.showText(event.globalPos(), wrapped(tip), view)
            return True
        return super().helpEvent(event, view, option, index)
