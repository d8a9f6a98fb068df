"""How straight the paths between two sets are, and what one Euler step costs."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from playground.app.panels.figure import beside_floor, measured, missing
from playground.app.widgets.collapsible_panel import ROW_GAP

KEYS = (
    "path_energy",
    "normalized_path_energy",
    "straightness",
    "one_step_wasserstein2",
    "many_steps_wasserstein2",
)


class Straightness(QWidget):
    """The figures of the paths between two sets."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = {key: measured(key) for key in KEYS}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(ROW_GAP)
        for figure in self.rows.values():
            column.addWidget(figure)

    def show_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Show the figures of :data:`playground.lab.path_energy.METRICS`, or why they are missing."""
        for key, figure in self.rows.items():
            figure.show_text(beside_floor(metrics, key), missing(metrics, key))
