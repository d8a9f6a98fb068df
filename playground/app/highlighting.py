"""During a lesson, but not in a scene, only the setting that its step is about is unfolded, with a frame around it."""

from PySide6.QtCore import QObject, Qt, Slot

from playground.app.columns import Columns
from playground.app.controllers.lessons import Lessons
from playground.app.search import reveal
from playground.app.style import theme
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.app.widgets.field_row import FieldRow

FRAME = 6, 3, 6, 3  # px between the frame of a row and its letters


class Highlighting(QObject):
    """Folds the cards that a step does not need, and restores them after the lesson.

    Args:
        columns: those of the cards; the left ones are folded.
    """

    def __init__(self, lessons: Lessons, columns: Columns, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lessons, self._columns = lessons, columns
        self._folded: dict[CollapsiblePanel, bool] | None = None  # cards before a lesson, by whether they were folded
        self._advanced: CollapsiblePanel | None = None  # the card whose advanced part the current step opened

    @Slot(str)
    def highlight(self, key: str) -> None:
        """Show the card with a setting alone; without a lesson all as they were."""
        taught = self._lessons.lesson is not None and self._lessons.scene is None
        if self._advanced is not None:
            self._advanced.hide_advanced()
            self._advanced = None
        if taught and self._folded is None:
            self._folded = {panel: panel.is_folded() for panel in self._columns.cards("left")}
        for panel, folded in (self._folded or {}).items():
            panel.set_folded(taught or folded)
            panel.set_brief(taught)  # room for the step and its control
        if not taught:
            self._folded = None
        for panel in self._columns.panels.values():
            for row in panel.findChildren(FieldRow):
                framed = taught and key in row.keys
                if framed != bool(row.property("framed")):
                    row.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, framed)
                    row.setContentsMargins(*(FRAME if framed else (0, 0, 0, 0)))
                    theme.set_state(row, "framed", framed)
                if framed:
                    self._advanced = reveal(row)
