"""The three columns of the window: the pipeline, the canvas, and the measurements."""

import functools
from collections.abc import Iterable, Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.panels import LAYOUT, Card
from playground.app.panels.figure import Figure
from playground.app.style import text_size
from playground.app.style.theme import UNIT
from playground.app.widgets import layouts
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.app.widgets.column import Column
from playground.lab.lessons import Lesson

SIDE = (272, 460)  # px of a side column, smallest and largest
NEEDED = 316  # px of a side column in which no card is cut
MARGINS = 60  # px of each of these for margins and a scroll bar, which do not grow with the text
CENTRE = 0.5  # of the width that the canvas keeps beside two columns
TEXT = 0.36  # of the width for the text in presenter mode


def filled(name: str, cards: Iterable[QWidget]) -> Column:
    """A column with these cards below each other."""
    inside = QWidget()
    margin = UNIT * 3 // 2
    layouts.down(*cards, None, within=inside, spacing=UNIT, margins=(margin, UNIT, margin, UNIT // 2))
    column = Column()
    column.setObjectName(name)
    column.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
    return layouts.scrolled(inside, column)


class Columns(QSplitter):
    """Side columns around the canvas; without room for two, the right one's cards follow the left one's.

    Unless all cards are in view, a card of the right column comes when its content is asked for, and the column with the first. Those
    that came for the user's own work make room for a scene or lesson, and come back after it.

    Attributes:
        panels: all cards.
        centre: what is between the columns.
    """

    def __init__(self, state: State, controllers: Controllers) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.panels = {card: card.panel(state, controllers) for card in LAYOUT}
        left = filled("leftColumn", self.cards("left"))
        for lesson in self.cards("lesson"):  # a question stays in view
            left.put_first(lesson)
        right = filled("rightColumn", self.cards("right"))
        self.setObjectName("columns")
        self.setHandleWidth(1)
        self.setChildrenCollapsible(False)
        self.centre = QFrame()
        self.centre.setObjectName("centre")
        self._left, self._right = left, right
        self._factor = text_size.factor()
        self._apart: tuple[int, int] | None = None  # the sides' widths before all cards moved to the left column
        self._presented: bool | None = None  # in presenter mode, whether there is text for the left column
        self._all, self._away = True, False
        self._asked = {card: card.asks(controllers) for card in LAYOUT}
        self._came = self._asked_for()  # what stays in view while not all cards are
        self._put_away: set[Card] = set()  # of that, what is hidden with the side columns
        self._own: set[Card] = set()  # what came for the user's own work, while a scene or lesson is in view
        self._taught: Lesson | None = None
        self._left_beside = self._beside = 0  # px of the left and of the right column when they were last in view
        for card, panel in self.panels.items():
            panel.wanted.connect(functools.partial(self._bring, card))
            panel.closed.connect(functools.partial(self._close, card))
        self._controllers = controllers
        for changed in (state.document_changed, controllers.inspecting.changed):
            changed.connect(self._ask)
        controllers.lessons.changed.connect(self._follow_lesson)

    def arrange(self) -> None:
        """Put everything beside each other, once the centre is filled: Tab goes from left to right."""
        for part in (self._left, self.centre, self._right):
            self.addWidget(part)
        self.setStretchFactor(1, 1)
        self._bound()

    def cards(self, *columns: str) -> list[CollapsiblePanel]:
        """The cards of these columns."""
        return [panel for card, panel in self.panels.items() if card.column in columns]

    @property
    def joined(self) -> bool:
        """Whether all cards are in the left column."""
        return self._apart is not None

    @property
    def widths(self) -> tuple[int, int, int]:
        """The widths of the columns, as :meth:`restore` takes them."""
        left, centre, right = self.sizes()
        return left or self._left_beside, centre, right or self._beside

    @property
    def are_away(self) -> bool:
        """Whether the side columns are hidden, for the room that they take."""
        return self._away

    def put_away(self, away: bool) -> None:
        """Hide the side columns, or bring them back. What is asked for meanwhile comes alone."""
        if away != self._away:
            self._away = away
            self._came, self._put_away = (set(), self._came) if away else (self._came | self._put_away, set())
        self._show()

    def reset(self) -> None:
        """Bring the side columns back, with the cards of what is asked for now."""
        self.put_away(False)
        self._came, self._own = self._asked_for(), set()
        self._show()

    def _asked_for(self) -> set[Card]:
        return {card for card, asked in self._asked.items() if asked}

    def show_all(self, on: bool) -> None:
        """Show all cards, or those of the pipeline and what came because it was asked for."""
        self._all = on
        for card, panel in self.panels.items():
            panel.header.set_closable(not on and card.column == "right")
            panel.show_all(on)
            for figure in panel.findChildren(Figure):
                figure.show_all(on)
        for column in (self._left, self._right):
            _rows(column).setSpacing(UNIT if on else UNIT // 2)
        self._show()

    @Slot()
    def _ask(self) -> None:
        """Bring the cards of what is asked for now, and close those of what is not any more."""
        for card, panel in self.panels.items():
            asked, before = card.asks(self._controllers), self._asked[card]
            self._asked[card] = asked
            if before and not asked:
                self._close(card)
            elif any(one not in before for one in asked):
                if not self._all or self.joined:  # else it is in view, or one scrolls there
                    panel.reveal()
                elif self._away:
                    self._put_away.add(card)
                else:
                    self._came.add(card)

    @Slot()
    def _follow_lesson(self) -> None:
        """Begin each scene and each lesson with the cards that it asks for, and bring the user's back afterwards."""
        before, lesson = self._taught, self._controllers.lessons.lesson
        if lesson is before:
            return
        if before is None:
            self._own = self._came
        self._taught = lesson
        self._came = self._came & self._asked_for() | (self._own if lesson is None else set())
        self._show()

    def _bring(self, card: Card) -> None:
        self._came.add(card)
        if card.column != "right":
            self.put_away(False)
        self._show()

    def _close(self, card: Card) -> None:
        self._came.discard(card)
        self._put_away.discard(card)
        self._show()

    def present(self, text: bool | None) -> None:
        """Show only the canvas and, if there is text, the left column; None shows everything again."""
        begins = text != self._presented
        self._presented = text
        self._show()
        if begins and text:
            wide = min(_wide(SIDE[1]), round(TEXT * self.width()))
            self._share(wide, 0)

    def restore(self, sizes: Sequence[int]) -> None:
        """Restore the columns' sizes, at once or when there is room for them again."""
        if self._apart is None:
            self.setSizes([*sizes])
        elif sizes[2]:
            self._apart = sizes[0], sizes[2]

    def _show(self) -> None:
        """Show the cards that are in view, and each column with one of them."""
        here = self._presented is None
        for card, panel in self.panels.items():
            if card.column != "lesson":
                beside = not self._away and (self._all or card.column == "left")
                panel.setVisible(here and (beside or card in self._came))
        self._left_beside, _, self._beside = self.widths
        asked = not all(panel.isHidden() for panel in self.cards("right"))
        in_left = not all(panel.isHidden() for panel in self.cards("left", "lesson")) or (asked and self.joined)
        self._left.setVisible((here and in_left) or bool(self._presented))
        self._right.setVisible(here and asked and not self.joined)

    def fit(self) -> None:
        """Use as many columns as there is room for."""
        joined = self.width() < 2 * _wide(NEEDED) + round(CENTRE * self.width())
        if joined == self.joined:
            return
        apart = self._apart
        self._apart = self.widths[::2] if joined else None
        self._move(_rows(self._left if joined else self._right))
        self._show()
        if apart is not None:
            self._share(*apart)
        else:
            self._share(_wide(NEEDED), 0)

    def apply_text_size(self) -> None:
        """Widen the side columns as the text has grown."""
        scale, self._factor = text_size.factor() / self._factor, text_size.factor()
        left, right = (
            max(round((side - MARGINS) * scale) + MARGINS, _wide(NEEDED)) for side in self._apart or self.widths[::2]
        )
        self._bound()
        if self._apart is None:
            self._share(left, right)
        else:
            self._apart = left, right
            self._share(_wide(NEEDED), 0)
        self.fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def _bound(self) -> None:
        for side in (self._left, self._right):
            side.setMinimumWidth(_wide(SIDE[0]))
            side.setMaximumWidth(_wide(SIDE[1]))

    def _share(self, left: int, right: int) -> None:
        self.setSizes([left, self.width() - left - right, right])

    def _move(self, rows: QVBoxLayout) -> None:
        """Move the right column's cards to another layout, before its stretch."""
        for card in self.cards("right"):
            shown = not card.isHidden()
            rows.insertWidget(rows.count() - 1, card)
            card.setVisible(shown)


def _wide(pixels: int) -> int:
    """A column's width at the current size of the text."""
    return text_size.px(pixels - MARGINS) + MARGINS


def _rows(column: QScrollArea) -> QVBoxLayout:
    inside = column.widget()
    rows = None if inside is None else inside.layout()
    assert isinstance(rows, QVBoxLayout)
    return rows
