"""Whether training points were memorized: a figure of the samples and what it says, or a warning with remedies."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.panels.figure import measured, missing
from playground.app.style.number_formats import format_percent
from playground.app.widgets.collapsible_panel import ROW_GAP, Notice
from playground.lab.memorization import memorization_warning, nearness
from playground.messages import Message


class Memorization(QWidget):
    """The share of samples near a training point, what it says, and a warning if samples or test set show memorization."""

    def __init__(self, state: State, controllers: Controllers, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self.near = measured("memorized_share")
        self.notice = Notice()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(ROW_GAP)
        column.addWidget(self.near)
        column.addWidget(self.notice)
        controllers.measuring.evaluation_changed.connect(self._show_evaluation)
        self._show_evaluation(controllers.measuring.evaluation)

    @Slot(object)
    def _show_evaluation(self, metrics: Mapping[str, Any]) -> None:
        share, usual = (metrics.get(f"memorized_share{end}") for end in ("", "_held_out"))
        text = (
            ""
            if share is None or usual is None
            else f"{format_percent(float(share))} (fresh {format_percent(float(usual))})"
        )
        self.near.show_text(text, missing(metrics, "memorized_share"))
        warning, near = memorization_warning(metrics, self.state.experiment), nearness(metrics)
        said = None if near is None else Message("nearness", "The samples are {}.", (near,))
        self.notice.say("warning" if warning else "info", warning or said)
