"""The head of a column of a comparison: it says only what differs."""

import functools

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QWidget

from playground.app.canvas import column_menu, readouts
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.runs import Run
from playground.app.model.columns import LETTERS
from playground.app.model.edit_text import SAME, difference
from playground.app.style import theme
from playground.app.style.painting import RIGHT
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role, set_state
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.captions import text_line
from playground.app.widgets.charts.distance import COLORS
from playground.app.widgets.menu_button import MenuButton
from playground.lab.columns import Column

GAP = UNIT // 2
CHOOSE = "Click to choose what this column changes of the main experiment."
WIDE = 320  # px at the usual size of the text, width of a column from which its head explains its number
ONE_ROW = 520  # and from which name and number stand in one row


class ColumnHead(QWidget):
    """The letter of a column, what it changes, which its menu chooses, and what its run has cost so far."""

    def __init__(self, place: int, controllers: Controllers) -> None:
        super().__init__()
        self.place, self._controllers, self._comparing = place, controllers, controllers.comparing
        self._caption: tuple[str, ...] = ()  # what is said of its frame, unless its canvas says it
        letter = LETTERS[place]
        self.letter, self.cost = text_line(letter, "heading"), text_line()
        self.cost.setAlignment(RIGHT)
        self.cost.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # no number moves the name
        self.menu = QMenu(self)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self._fill)
        self.button, self.remove = MenuButton(self.menu), QToolButton()
        self.button.setAccessibleName(f"Column {letter}")  # until it is known what differs
        self.button.setToolTip(wrapped(CHOOSE))
        self.remove.setText("✕")
        self.remove.setToolTip("Remove this column")
        set_role(self.remove, "quiet")
        self.remove.setAccessibleName(f"Remove column {letter}")
        self.remove.clicked.connect(lambda: controllers.column_edits.remove(place))
        for control in (self.button, self.remove):
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        name = layouts.across(self.letter, (self.button, 1), spacing=GAP, margins=0)
        end = layouts.across((self.cost, 1), self.remove, spacing=GAP, margins=0)
        self._rows = layouts.down((name, 1), (end, 1), within=self, spacing=GAP, margins=GAP)
        self.apply_palette()

    @property
    def _unit_here(self) -> str:
        """The unit of the number, where there is room for it."""
        return " evaluations" if self.width() > px(WIDE) else ""

    @property
    def column(self) -> Column:
        return self._comparing.columns[self.place]

    @property
    def _run(self) -> Run | None:
        """The column's run, which may be that of the columns before; None if there is none."""
        return next(iter(self._comparing.runs[self.place :]), None)

    @Slot()
    def _fill(self) -> None:
        if not self._comparing.is_active:
            return
        run, view, replaying = self._run, self._controllers.state.problem, self._controllers.replaying
        view = view if run is None or run.model is None else run.model.view
        steps = replaying.steps if replaying.can_choose else ()
        main, resolved = self._controllers.state.experiment, None if view is None else view.resolved
        choose = functools.partial(self._controllers.column_edits.put, self.place)
        column_menu.fill(self.menu, main, resolved, self.column, steps, choose)

    def show_column(self) -> None:
        """Show what differs."""
        main, column, columns = self._controllers.state.experiment, self.column, self._comparing.columns
        words = difference(main, column, columns)
        self.button.show_words(words, difference(main, column, columns, short=True))
        self.button.setToolTip(wrapped(f"{words}.", CHOOSE))
        self.button.setAccessibleName(f"Column {LETTERS[self.place]}: {words}")
        set_state(self.button, "same", difference(main, column) == SAME)
        self.remove.setVisible(self._controllers.column_edits.can_remove)

    def show_cost(self, frame: int) -> None:
        """Show the progress of its own training, or the caption and score evaluations of a frame of the common timeline."""
        run, said = self._run, list[str]()
        share = None if run is None else self._comparing.trained(run)
        if share is not None:
            said = [f"training {share:.0%}"]
        elif run is not None and run.trajectory is not None:
            own = run.frame_at(frame, self._controllers.playing.total)
            said = [*self._caption, readouts.evaluations(run.trajectory, own, self._unit_here)]
        first, *rest = [*filter(None, said)] or [" "]  # a space is as high as a number
        numbers, metrics = "".join(f"   {one}" for one in rest), QFontMetrics(self.cost.font())
        self.cost.setToolTip(first + numbers)
        if rest:  # the numbers are whole, and before them as much as there is room for
            room = self.cost.width() - metrics.horizontalAdvance(numbers)
            first = metrics.elidedText(first, Qt.TextElideMode.ElideRight, room)
        self.cost.setText(first + numbers)

    def set_caption(self, caption: tuple[str, ...]) -> None:
        """Set what is said of the frame, beside the cost; nothing if the canvas says it."""
        self._caption = caption

    def apply_palette(self) -> None:
        self.letter.setStyleSheet(f"color: {theme.color(COLORS[self.place]).name()}; font-weight: 600;")

    def minimumSizeHint(self) -> QSize:
        """The canvas alone decides how narrow it gets, so that no number in a head makes columns unequal."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        layouts.turn(self._rows, self.width() > px(ONE_ROW))
        self.show_cost(self._controllers.playing.frame)
        super().resizeEvent(event)
