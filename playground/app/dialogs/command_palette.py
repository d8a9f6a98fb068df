"""The command palette: finds everything the window can do by a few letters of its name."""

import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QKeyEvent, QPainter, QPalette, QTextDocument
from PySide6.QtWidgets import (
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from playground.app.style import theme
from playground.app.style.labels import worded
from playground.app.style.painting import RIGHT, paint_box, paint_text
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT
from playground.app.widgets import layouts
from playground.app.widgets.captions import text_line
from playground.app.widgets.dialog import Dialog
from playground.messages import Message

FARTHEST = 20  # largest cost of a match; letters scattered over a title do not count
MOST = 60  # entries that are listed
WIDTH, ROW, SHOWN = 620, 32, 10
NOTHING = "Nothing has these letters."
Role = QPalette.ColorRole


@dataclass(frozen=True)
class Entry:
    """One entry that can be found.

    Attributes:
        title: the text that is searched.
        place: the menu or card of the entry.
        run: carries it out.
        why_disabled: why it is disabled now; None if it is enabled.
        alias: another text that is searched, such as a setting's key.
    """

    title: str
    place: str
    run: Callable[[], object]
    why_disabled: Message | str | None = None
    alias: str = ""


def match(query: str, title: str) -> tuple[int, tuple[int, ...]] | None:
    """Find the letters of a query in a title, in order; None if one is missing or if they lie far apart.

    Returns:
        The cost of the match and the positions of the letters. A low cost is better: letters that begin a word or follow
        each other cost nothing, others the number of letters skipped before them, at most 10.

    >>> match("ann lan", "Annealed Langevin")
    (0, (0, 1, 2, 9, 10, 11))
    >>> match("lang", "Langevin")[0] < match("lang", "All angles")[0]
    True
    >>> match("xy", "Langevin")
    """
    found: list[int] = []
    cost, low = 0, title.lower()
    for word in query.lower().split():
        least = found[-1] + 1 if found else 0
        whole = _whole_word(word, low, least)
        if whole is not None:
            cost += 0 if _begins(low, whole) else 3
            found += range(whole, whole + len(word))
            continue
        for letter in word:
            least = found[-1] + 1 if found else 0
            place = low.find(letter, least)
            if place < 0:
                return None
            cost += 0 if _begins(low, place) or (found and place == least) else 5 + min(place - least, 10)
            found.append(place)
    return (cost, tuple(found)) if cost <= FARTHEST else None


def _whole_word(word: str, text: str, least: int) -> int | None:
    """The position of a word that is contiguous, if possible at the beginning of a word of the title."""
    places = [place for place in range(least, len(text)) if text.startswith(word, place)]
    return min(places, key=lambda place: (not _begins(text, place), place), default=None)


def _begins(text: str, place: int) -> bool:
    return place == 0 or not text[place - 1].isalnum()


def _hit(query: str, entry: Entry) -> tuple[int, tuple[int, ...]] | None:
    """The match of an entry's title or else of its alias, which is not shown."""
    found = match(query, entry.title)
    other = match(query, entry.alias) if found is None and entry.alias else None
    return found if other is None else (other[0] + 3, ())


class CommandPalette(Dialog):
    """A line to type into, and the found entries; arrows choose, Enter carries out.

    Args:
        entries: returns all entries, each time the palette opens.
    """

    def __init__(self, entries: Callable[[], Sequence[Entry]], parent: QWidget | None = None) -> None:
        super().__init__(
            "commandPalette", "Command palette", parent, kind=Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint
        )
        self._make, self._entries = entries, tuple[Entry, ...]()
        self.line = QLineEdit(placeholderText="Find a command, setting, lesson, term or page")
        self.line.setAccessibleName("Find a command, setting, lesson, term or page")
        self.line.setFont(theme.text_font(15))
        self.line.installEventFilter(self)
        self.line.textChanged.connect(self._find)
        self.found = QListWidget()
        self.found.setAccessibleName("What was found")
        self.found.setItemDelegate(_Rows(self.found))
        self.found.setUniformItemSizes(True)
        self.found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.found.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.found.itemClicked.connect(self._run)
        self.nothing = text_line(NOTHING)
        self.nothing.setContentsMargins(10, 0, 0, 0)
        layouts.down(self.line, self.found, self.nothing, within=self, spacing=UNIT, margins=UNIT)

    @Slot()
    def start(self) -> None:
        """Open it empty, above the centre of its window."""
        self._entries = tuple(self._make())
        self.line.clear()
        self.setFixedWidth(px(WIDTH))
        self._find("")
        window = self.parentWidget()
        if window is not None:
            self.move(window.mapToGlobal(QPoint((window.width() - self.width()) // 2, window.height() // 8)))
        self.line.setFocus()

    @Slot(str)
    def _find(self, query: str) -> None:
        found = [(_hit(query, entry), entry) for entry in self._entries]
        ranked = sorted(
            ((*hit, entry) for hit, entry in found if hit is not None),
            # Those found by their alias stay in their order, as the lessons do.
            key=lambda one: (one[0] + (4 if one[2].why_disabled else 0), len(one[2].title) if one[1] else 0),
        )
        self.found.clear()
        for _, places, entry in ranked[:MOST]:
            item = QListWidgetItem(entry.title)
            why = worded(entry.why_disabled)
            item.setData(Qt.ItemDataRole.UserRole, (entry, places))
            item.setData(
                Qt.ItemDataRole.AccessibleTextRole, f"{entry.title}, {entry.place}" + (f": {why}" if why else "")
            )
            item.setToolTip(f"<p>{html.escape(why)}</p>" if why else "")
            self.found.addItem(item)
        can = (place for place, (_, _, entry) in enumerate(ranked[:MOST]) if not entry.why_disabled)
        self.found.setCurrentRow(next(can, 0))
        self.line.setAccessibleDescription("" if ranked else NOTHING)
        self.found.setVisible(bool(ranked))
        self.nothing.setVisible(not ranked)
        self._fit()

    def _fit(self) -> None:
        """Take the height of the rows; fewer are shown if the window is too low for large text."""
        window, rows = self.parentWidget(), min(max(self.found.count(), 1), SHOWN)
        height = rows * px(ROW) + px(40) + 24
        self.setFixedHeight(height if window is None else min(height, window.height() * 7 // 8 - UNIT))

    def _run(self, item: QListWidgetItem | None) -> None:
        entry: Entry | None = None if item is None else item.data(Qt.ItemDataRole.UserRole)[0]
        if entry is not None and not entry.why_disabled:
            self.close()
            entry.run()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Pass arrows and Enter to the list, all other keys to the line."""
        if watched is self.line and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: SHOWN, Qt.Key.Key_PageUp: -SHOWN}
            step = {int(key): by for key, by in steps.items()}.get(event.key())
            if step is not None:
                self.found.setCurrentRow(min(max(self.found.currentRow() + step, 0), self.found.count() - 1))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run(self.found.currentItem())
                return True
        return super().eventFilter(watched, event)


class _Rows(QStyledItemDelegate):
    """Paints the title with the found letters, and at the right its place, or why it is disabled."""

    def __init__(self, found: QListWidget) -> None:
        super().__init__(found)
        self._list = found

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(px(WIDTH) - 4 * UNIT, px(ROW))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        entry, places = index.data(Qt.ItemDataRole.UserRole)
        why, palette = worded(entry.why_disabled), self._list.palette()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if index.row() == self._list.currentRow():
            paint_box(painter, QRectF(option.rect).adjusted(1, 1, -1, -1), 5, "hover")
        place = QRectF(option.rect).adjusted(10, 0, -10, 0)
        colors = palette.color(Role.PlaceholderText if why else Role.WindowText), palette.color(Role.PlaceholderText)
        painter.save()
        title = QTextDocument(defaultFont=theme.text_font(), documentMargin=0)
        title.setHtml(_marked(entry.title, places, colors[0].name(), palette.color(Role.Highlight).name()))
        painter.translate(place.x(), place.center().y() - title.size().height() / 2)
        title.drawContents(painter)
        painter.restore()
        painter.setFont(theme.text_font(theme.CAPTION_PIXELS))
        room = place.adjusted(title.idealWidth() + 2 * UNIT, 0, 0, 0)
        paint_text(painter, room, why or entry.place, colors[1], RIGHT)


def _marked(title: str, places: Iterable[int], color: str, accent: str) -> str:
    """The title as rich text, with the letters at some positions bold and in the accent's colour."""
    marked = set(places)
    letters = (
        f'<b style="color:{accent}">{html.escape(letter)}</b>' if place in marked else html.escape(letter)
        for place, letter in enumerate(title)
    )
    return f'<span style="color:{color}">{"".join(letters)}</span>'
