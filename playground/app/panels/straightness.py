"""How straight the paths between two sets are, and what one Euler step costs."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from playground.app.panels.figure import Figure, missing
from playground.app.style.number_formats import format_measured, format_number
from playground.app.widgets.collapsible_panel import ROW_GAP
from playground.data.units import EQUALIZED

SETS = "From 5 clouds of 400 start points, with the standard error. "
ROWS = {
    "path_energy": (
        "path energy",
        "Mean squared velocity along the paths. It is at least W₂² of the two sets. " + SETS,
        r"E \int_0^1 \|u\|^2\,dt",
    ),
    "normalized_path_energy": (
        "normalized path energy",
        "How far the path energy is from W₂² of the two sets, over that. 0 is optimal. " + SETS,
        "",
    ),
    "straightness": (
        "straightness",
        "Mean squared difference of velocity and displacement. 0: straight paths, for which one Euler step is exact. "
        + SETS,
        "",
    ),
    "one_step_wasserstein2": (
        "W₂, one step",
        "Wasserstein-2 distance between data and ends after one Euler step. " + SETS + EQUALIZED,
        "",
    ),
    "many_steps_wasserstein2": (
        "W₂, 100 steps",
        "The same after 100 steps of Heun’s method. The floor is that of two clouds of data. " + SETS + EQUALIZED,
        "",
    ),
}
"""By the key of ``metrics.json``: label, meaning and equation."""
FLOOR = "path_floor_wasserstein2"


class Straightness(QWidget):
    """The figures of the paths between two sets."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = {key: Figure(label, meaning, equation) for key, (label, meaning, equation) in ROWS.items()}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(ROW_GAP)
        for figure in self.rows.values():
            column.addWidget(figure)

    def show_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Show the figures of :data:`playground.lab.path_energy.METRICS`, or why they are missing."""
        floor = metrics.get(FLOOR)
        for key, figure in self.rows.items():
            value, error = metrics.get(key), metrics.get(f"{key}_standard_error")
            text = "" if value is None else _measured(float(value), error)
            if text and floor is not None and key.endswith("wasserstein2"):
                text += f" (floor {format_number(float(floor))})"
            figure.show_text(text, missing(metrics, key))


def _measured(value: float, error: float | None) -> str:
    return format_measured(value, error) if error else format_number(value)
