"""The cards with the machine's numbers: learning, weights and Z, and the cost of Z."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QLabel

from playground.app.dialogs.boltzmann.heat import WeightMap
from playground.app.dialogs.boltzmann.readings import NUMBERS, cost_description, cost_sentence, verdict
from playground.app.style import theme
from playground.app.style.number_formats import format_count
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, caption, named
from playground.app.widgets.charts.tall import TallChart
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.drawing.boltzmann import cost_chart, curve_chart
from playground.lab.boltzmann.settings import Boltzmann

if TYPE_CHECKING:
    from playground.lab.boltzmann.cost import Cost
    from playground.lab.boltzmann.training import Progress

ABOUT_LEARNING = "<p>Mean negative log-likelihood of a pattern during training. Dashed: the optimal one of a machine without biases.</p>"
ABOUT_COST = "<p>Time of Z and its gradient on this machine, and of the weight of one state. Dashed: a doubling with each unit.</p>"
UNMEASURED = "Measure the time of Z for 2 to 20 units on this machine."


class LearningCard(CollapsiblePanel):
    """The negative log-likelihood during learning, and its meaning in words."""

    def __init__(self) -> None:
        super().__init__("Learning")
        self.curve = TallChart("Learning curve", ABOUT_LEARNING, 140)
        self.verdict = _caption("Meaning of the numbers", lines=2)
        layouts.add(self.body, (self.curve, 1), self.verdict)

    def show_progress(self, progress: "Progress | None", steps: int, conflict: str) -> None:
        """Show the learning so far, of this many steps in total; None if nothing is learned yet, because of a conflict or not."""
        if progress is None:
            self.curve.show_empty(conflict or "Press Train: the NLL falls from d ln 2 towards the optimal one.")
            said = state = ""
        else:
            said, state = verdict(progress), f"step {format_count(progress.step)}"
            self.curve.show_chart(curve_chart(progress, steps), said)
        self.verdict.setText(said)
        self.set_state(state)


class WeightsCard(CollapsiblePanel):
    """The weights W beside the numbers of the machine, including Z."""

    def __init__(self) -> None:
        super().__init__("Weights and Z")
        self.map = WeightMap()
        self.numbers: dict[str, QLabel] = {}
        rows = QFormLayout(verticalSpacing=2, horizontalSpacing=UNIT)
        for name, tip, _ in NUMBERS:
            title, number = QLabel(name), QLabel("–", alignment=Qt.AlignmentFlag.AlignRight)
            set_role(title, "caption")
            for label in (title, number):
                named(label, name, tip)
            number.setFont(theme.number_font(13))
            number.setMinimumWidth(px(88))
            rows.addRow(title, number)
            self.numbers[name] = number
        self.body.addLayout(layouts.across((self.map, 1), rows, spacing=2 * UNIT), 1)

    def show_progress(self, progress: "Progress | None", settings: Boltzmann) -> None:
        """Show what was learned so far; None shows W = 0."""
        for name, _, read in NUMBERS:
            self.numbers[name].setText("–" if progress is None else read(progress))
        nothing = np.zeros(2 * (settings.rows * settings.columns,))
        weights, data, model = 3 * [nothing] if progress is None else (progress.weights, progress.data, progress.model)
        self.map.show_weights(weights, data, model, settings.columns)


class CostCard(CollapsiblePanel):
    """The time of Z as pictures grow, measured on this machine.

    Attributes:
        shown: the times that are shown.
    """

    def __init__(self, measure: Callable[[], object]) -> None:
        super().__init__("Cost of Z")
        self.shown: Cost | None = None
        self.plot = TallChart("Cost of Z", ABOUT_COST, 124)
        self.plot.show_empty(UNMEASURED)
        self.label = _caption("What Z of larger pictures would cost", lines=3)
        self.measure = button("&Measure", UNMEASURED, measure, "measureCost")
        layouts.add(self.body, (self.plot, 1), layouts.across((self.label, 1), self.measure))

    def show_cost(self, cost: "Cost") -> None:
        """Show the measured times."""
        self.shown = cost
        self.plot.show_chart(cost_chart(cost), cost_description(cost))
        self.label.setText(cost_sentence(cost))


def _caption(name: str, lines: int) -> QLabel:
    label = caption()
    label.setMinimumHeight(lines * label.fontMetrics().lineSpacing())
    label.setAccessibleName(name)
    return label
