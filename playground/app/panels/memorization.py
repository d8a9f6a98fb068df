"""Whether training points were memorized: a figure of the samples and what it says, or a warning with remedies."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.panels.measured_figure import MeasuredFigure
from playground.app.widgets import layouts
from playground.app.widgets.collapsible_panel import ROW_GAP, Notice
from playground.lab.measured import Figures
from playground.lab.memorization import memorization_warning, nearness
from playground.messages import Message


class Memorization(QWidget):
    """The share of samples near a training point, what it says, and a warning if samples or test set show memorization."""

    def __init__(self, state: State, controllers: Controllers) -> None:
        super().__init__()
        self.state = state
        self.near = MeasuredFigure("memorized_share")
        self.notice = Notice()
        layouts.down(self.near, self.notice, within=self, spacing=ROW_GAP, margins=0)
        controllers.measuring.evaluation_changed.connect(self._show_evaluation)
        self._show_evaluation(controllers.measuring.evaluation)

    @Slot(object)
    def _show_evaluation(self, figures: Figures) -> None:
        self.near.show_figures(figures)
        warning, near = memorization_warning(figures, self.state.experiment), nearness(figures)
        said = None if near is None else Message("nearness", "The samples are {}.", (near,))
        self.notice.say("warning" if warning else "info", warning or said)
