"""The objective of training, and the network that learns."""

import math

from PySide6.QtCore import Slot

from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.model.views import conditions_of
from playground.app.style.number_formats import format_compact
from playground.app.widgets import layouts
from playground.app.widgets.collapsible_panel import CollapsiblePanel, Notice
from playground.app.widgets.controls import SegmentedControl
from playground.app.widgets.fields import make_field
from playground.app.widgets.kind_rows import KindRows, column
from playground.lab.conflicts import training_conflict

RARE = "maximum-likelihood"


class ObjectivePanel(CollapsiblePanel):
    """Score matching in three forms, or maximum likelihood; the network is under "Advanced"."""

    def __init__(self, state: State, controllers: Controllers) -> None:
        super().__init__("Objective", 3, purpose="The loss that training makes small.")
        self.state = state

        self.kind = make_field(state, "objective.kind", None)
        self.notice = Notice()
        layouts.add(self.body, self.kind, self.notice)
        self.objective = KindRows(
            state, "objective", column(self.behind()), column(self.advanced()), applies=self._applies, parent=self
        )
        self.network_kind = make_field(state, "network.kind")
        self.advanced().addWidget(self.network_kind)
        self.network = KindRows(state, "network", column(self.advanced()), column(self.advanced()), parent=self)
        state.changed.connect(self._refresh)
        self.state.problem_changed.connect(self._refresh)
        self.arranged.connect(self._show_switch)
        self._refresh()

    def _applies(self, key: str) -> bool:
        """Whether a setting has an effect: if the network gets classes, each image's target has noise of its own."""
        view = self.state.problem
        return key != "objective.target_batch" or view is None or not view.conditions.classes

    @Slot()
    def _refresh(self) -> None:
        self.objective.refresh()
        network, view = self.state.resolved.network, self.state.problem
        text = f"{network.title} {network.width}×{network.depth}"
        self.set_state(f"{text} · {format_compact(view.parameters_count)}" if view is not None else text)
        self._show_switch()
        self._say()

    @Slot()
    def _show_switch(self) -> None:
        """Show maximum likelihood on a calm card only where it is chosen, or with the advanced part."""
        control = self.kind.findChild(SegmentedControl)
        chosen = self.state.experiment.objective.kind == RARE
        if control is not None:
            control.buttons[RARE].setVisible(chosen or not self._calm or self.disclosure.isChecked())

    def _say(self) -> None:
        experiment, view = self.state.experiment, self.state.problem
        conflict = training_conflict(experiment, conditions_of(view))
        if conflict is not None and not conflict.key.startswith("data."):
            self.notice.show_message("error", conflict, self.state.edit)
            return
        dim = math.prod(view.points.shape[1:]) if view is not None and view.describes(experiment) else 0
        self.notice.show_message("info", experiment.objective.cost(experiment, dim), self.state.edit)
