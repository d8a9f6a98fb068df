"""The cards with the machine's numbers: learning, weights and Z, and the cost of Z."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QGridLayout, QLabel

from playground.app.dialogs.boltzmann.heat import WeightMap
from playground.app.dialogs.boltzmann.plots import CostPlot, LearningCurve
from playground.app.dialogs.boltzmann.readings import NUMBERS, cost_sentence, verdict
from playground.app.style import theme
from playground.app.style.number_formats import format_count
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, caption
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.lab.boltzmann.settings import Boltzmann

if TYPE_CHECKING:
    from playground.lab.boltzmann.cost import Cost
    from playground.lab.boltzmann.training import Progress


class LearningCard(CollapsiblePanel):
    """The negative log-likelihood during learning, and its meaning in words."""

    def __init__(self) -> None:
        super().__init__("Learning")
        self.curve = LearningCurve()
        self.body.addWidget(self.curve, 1)
        self.verdict = _caption("Meaning of the numbers", lines=2)
        self.body.addWidget(self.verdict)

    def show_progress(self, progress: "Progress | None", steps: int, conflict: str) -> None:
        """Show the learning so far, of this many steps in total; None if nothing is learned yet, because of a conflict or not."""
        if progress is None:
            self.curve.show_empty(conflict or "Press Train: the NLL falls from d ln 2 towards the optimal one.")
        else:
            self.curve.show_curve(progress, steps)
        self.verdict.setText("" if progress is None else verdict(progress))
        self.set_state("" if progress is None else f"step {format_count(progress.step)}")


class WeightsCard(CollapsiblePanel):
    """The weights W beside the numbers of the machine, including Z."""

    def __init__(self) -> None:
        super().__init__("Weights and Z")
        self.map = WeightMap()
        self.numbers: dict[str, QLabel] = {}
        grid = QGridLayout()
        grid.setVerticalSpacing(2)
        grid.setHorizontalSpacing(UNIT)
        for row, (name, tip, _) in enumerate(NUMBERS):
            title, number = QLabel(name), QLabel("–")
            set_role(title, "caption")
            for label in (title, number):
                label.setToolTip(wrapped(tip))
            number.setAccessibleName(name)
            number.setFont(theme.number_font(13))
            number.setAlignment(Qt.AlignmentFlag.AlignRight)
            number.setMinimumWidth(px(88))
            grid.addWidget(title, row, 0)
            grid.addWidget(number, row, 1)
            self.numbers[name] = number
        grid.setRowStretch(len(NUMBERS), 1)
        self.body.addLayout(layouts.across((self.map, 1), grid, spacing=2 * UNIT), 1)

    def show_progress(self, progress: "Progress | None", settings: Boltzmann) -> None:
        """Show what was learned so far; None shows W = 0."""
        for name, _, read in NUMBERS:
            self.numbers[name].setText("–" if progress is None else read(progress))
        nothing = np.zeros(2 * (settings.rows * settings.columns,))
        weights, data, model = 3 * [nothing] if progress is None else (progress.weights, progress.data, progress.model)
        self.map.show_weights(weights, data, model, settings.columns)


class CostCard(CollapsiblePanel):
    """The time of Z as pictures grow, measured on this machine."""

    def __init__(self, measure: Callable[[], object]) -> None:
        super().__init__("Cost of Z")
        self.plot = CostPlot()
        self.plot.show_empty("Measure the time of Z for 2 to 20 units on this machine.")
        self.body.addWidget(self.plot, 1)
        self.label = _caption("What Z of larger pictures would cost", lines=3)
        self.measure = button(
            "&Measure", "Measure the time of Z for 2 to 20 units on this machine", measure, "measureCost"
        )
        self.body.addLayout(layouts.across((self.label, 1), self.measure))

    @Slot(object)
    def show_cost(self, cost: "Cost") -> None:
        """Show the measured times."""
        self.plot.show_cost(cost)
        self.label.setText(cost_sentence(cost))


def _caption(name: str, lines: int) -> QLabel:
    label = caption()
    label.setMinimumHeight(lines * label.fontMetrics().lineSpacing())
    label.setAccessibleName(name)
    return label
