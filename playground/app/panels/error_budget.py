"""The parts of the distance between samples and data: a bar, and a figure with its error for each."""

import math
from collections.abc import Mapping

from PySide6.QtCore import QRectF
from PySide6.QtGui import QAccessible, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from playground.app.panels.measured_figure import FigureRows, missing
from playground.app.style import theme
from playground.app.style.figure_words import with_error
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_percent
from playground.app.style.painting import CENTRE, paint_text
from playground.app.style.text_size import px
from playground.app.widgets import layouts
from playground.app.widgets.captions import caption
from playground.lab.figures import FIGURES
from playground.lab.measured import Figures
from playground.messages import Message

HEIGHT = 18  # px of the bar
MARGIN = 6  # px beside a name in its part of the bar

MEASURE_BUDGET = "Measure says how much of the squared distance score, steps, prior and σ min cause."
TOTAL, FACTOR = "budget_total", "budget_score_factor"


class BudgetBar(QWidget):
    """The parts beside each other, each as long as its share; a negative one has no length."""

    accessible_role = QAccessible.Role.Chart

    def __init__(self) -> None:
        super().__init__()
        self.shares: dict[str, float] = {}
        layouts.grow_across(self)
        self.setAccessibleName("Error budget")
        self.setFixedHeight(px(HEIGHT))

    def show_parts(self, parts: Mapping[str, float]) -> None:
        """Show the parts, in squared units, by the keys of their figures."""
        lengths = {key: max(0.0, value) for key, value in parts.items()}
        total = sum(lengths.values())
        self.shares = {key: length / total for key, length in lengths.items()} if total else {}
        said = ", ".join(f"{FIGURES[key].title} {format_percent(share)}" for key, share in self.shares.items())
        self.setAccessibleDescription(said)
        self.setToolTip(f"<p>Shares of the squared distance: {said}.</p>")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        left, metrics = 0.0, self.fontMetrics()
        for key, share in self.shares.items():
            label, token = FIGURES[key].title, FIGURES[key].color
            part = QRectF(left, 0.0, share * self.width(), self.height())
            left = part.right()
            painter.fillRect(part.adjusted(0, 0, -1, 0) if part.width() > 2 else part, theme.color(token))
            if metrics.horizontalAdvance(label) + 2 * MARGIN <= part.width():
                paint_text(painter, part, label, "background", CENTRE)


class ErrorBudget(FigureRows):
    """The bar and its figures; before a measurement, a sentence."""

    def __init__(self) -> None:
        super().__init__("budget")
        self.empty, self.bar = caption(MEASURE_BUDGET), BudgetBar()
        self.column.insertWidget(0, self.empty)
        self.column.insertWidget(2, self.bar)  # below the total
        self._why: Message | None = None
        self._missing = ""
        self.show_figures(Figures({}))

    def set_why_disabled(self, why: Message | None) -> None:
        """Set why nothing can be measured now; None if it can."""
        self._why = why
        self._say()

    def show_figures(self, figures: Figures) -> None:
        """Show the parts, or the reasons for missing ones."""
        found = {key: figures.known(key) for key in self.rows}
        known, places = all(figure.value is not None for figure in found.values()), _places(found[TOTAL].value)
        shown = {key: figure for key, figure in found.items() if known and (figure.value or key != FACTOR)}
        for key, row in self.rows.items():
            row.setVisible(key in shown)
            row.show_text(with_error(found[key].value, found[key].error or None, places) if key in shown else "")
        self.bar.setVisible(known)
        self.bar.show_parts({key: figure.value for key, figure in shown.items() if key != TOTAL})
        self.empty.setVisible(not known)
        self._missing = missing(figures, TOTAL)
        self._say()

    def _say(self) -> None:
        self.empty.setText(worded(self._why) or self._missing or MEASURE_BUDGET)


def _places(total: float | None) -> int:
    """Decimals that show every part to a hundredth of the total's leading digit, so that the numbers line up.

    >>> _places(0.093), _places(1.4), _places(2_000.0)
    (4, 2, 0)
    """
    return min(max(2 - math.floor(math.log10(total)), 0), 12) if total and total > 0 else 3
