"""The model's figures at held-out points, and the reasons for missing ones."""

from PySide6.QtCore import Slot

from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.model.views import DensityView
from playground.app.panels.measured_figure import FigureRows, missing, possible
from playground.app.style.figure_words import decimal
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_count, format_number
from playground.app.widgets.captions import caption, show_text
from playground.lab.measured import Figures


class HeldOutFigures(FigureRows):
    """The figures of the test set. Common reasons for missing ones are shown once below."""

    def __init__(self, state: State, controllers: Controllers) -> None:
        super().__init__("held out")
        self.state = state
        self._figures = controllers.measuring.evaluation
        self._partition: tuple[tuple[float, float], float] | None = None  # ln Z with its error, and its noise level
        self.nll = self.rows["test_nll"]
        self.why = caption()
        self.column.addWidget(self.why)
        state.changed.connect(self._refresh)
        self.state.problem_changed.connect(self._refresh)
        controllers.measuring.evaluation_changed.connect(self.show_figures)
        controllers.following.changed.connect(self._show_density)
        self.show_figures(self._figures)
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        view = self.state.problem
        title = self.nll.spec.title
        self.nll.rename(title if view is None else f"{title} ({format_count(view.test_points)})")
        self.show_possible(possible(view, self.state.experiment))
        self._explain()

    def _explain(self) -> None:
        why = missing(self._figures, "energy_nll" if self.nll.isHidden() else "test_nll")
        show_text(self.why, why or worded(self._figures.value("energy_note")))

    @Slot(object)
    def show_figures(self, figures: Figures) -> None:
        self._figures = figures
        super().show_figures(figures)
        partition, view = figures.known("log_partition"), self.state.problem
        if partition.value is not None and partition.error is not None and view is not None:
            self._partition = (partition.value, partition.error), view.sigma_min
        elif not figures:  # everything was forgotten: the network, its weights or the data changed
            self._partition = None
        self._show_partition()
        trip = [figures.value(f"round_trip_{name}") for name in ("error", "log_prob_error")]
        if None not in trip:
            self.rows["round_trip_error"].show_text(", ".join(format_number(abs(found), 2) for found in trip))
        self._explain()

    @Slot(object)
    def _show_density(self, shown: object) -> None:
        density = shown if isinstance(shown, DensityView) else None
        if density is not None and density.log_partition is not None:
            self._partition = density.log_partition, density.sigma
            self._show_partition()

    def _show_partition(self) -> None:
        if self._partition is not None:
            (value, error), sigma = self._partition
            text = f"{decimal(value)} (quadrature ± {format_number(error, 1)})"
            self.rows["log_partition"].show_text(text, f"At σ = {format_number(sigma)}.")
