"""How straight the paths between two sets are, and what one Euler step costs."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from playground.app.panels.figure import measured, missing
from playground.app.style.number_formats import format_measured, format_number
from playground.app.widgets.collapsible_panel import ROW_GAP
from playground.lab.figures import FIGURES

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
            value, error = metrics.get(key), metrics.get(f"{key}_standard_error")
            text = "" if value is None else _measured(float(value), error)
            floor = metrics.get(FIGURES[key].floor_key)
            if text and floor is not None:
                text += f" (floor {format_number(float(floor))})"
            figure.show_text(text, missing(metrics, key))


def _measured(value: float, error: float | None) -> str:
    return format_measured(value, error) if error else format_number(value)
