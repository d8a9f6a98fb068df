"""The model's figures at held-out points, and the reasons for missing ones."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.model.views import DensityView
from playground.app.panels.figure import decimal, in_words, measured, missing
from playground.app.style import theme
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_count, format_number
from playground.app.widgets.collapsible_panel import ROW_GAP
from playground.lab.conflicts import flow_conflict
from playground.lab.defaults import resolve
from playground.lab.figures import FIGURES


class HeldOutFigures(QWidget):
    """The figures of the test set. A missing figure says why in its tooltip; common reasons are shown once below."""

    def __init__(self, state: State, controllers: Controllers, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self._building = controllers.building
        self._metrics: Mapping[str, Any] = {}
        self._build()
        self.why = QLabel(self)
        self.why.setWordWrap(True)
        theme.set_role(self.why, "caption")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(ROW_GAP)
        for part in (
            self.nll,
            self.train_nll,
            self.kernel,
            self.energy_nll,
            self.perfect,
            self.blur,
            self.entropy,
            self.integral,
            self.energy_integral,
            self.partition,
            self.bits,
            self.estimate,
            self.trips,
            self.why,
        ):
            column.addWidget(part)
        state.changed.connect(self._refresh)
        self._building.problem_changed.connect(self._refresh)
        self._building.problem_failed.connect(self._refresh)
        controllers.measuring.evaluation_changed.connect(self._show_evaluation)
        controllers.following.changed.connect(self._show_density)
        self._show_evaluation(controllers.measuring.evaluation)
        self._refresh()

    def _build(self) -> None:
        self.nll = measured("test_nll")
        self.train_nll = measured("train_nll")
        self.kernel = measured("kernel_nll")
        self.perfect = measured("optimal_nll")
        self.blur = measured("kl_of_smoothing")
        self.entropy = measured("entropy")
        self.integral = measured("integral")
        self.bits = measured("bits_per_dim")
        self.trips = measured("round_trip_error")
        self.estimate = measured("trace_standard_error")
        self.energy_nll = measured("energy_nll")
        self.energy_integral = measured("energy_integral")
        self.partition = measured("log_partition")

    @Slot()
    def _refresh(self) -> None:
        experiment, view = self.state.experiment, self._building.problem
        images, known = view is not None and view.is_image, view is None or view.known_density
        energy = view is not None and view.has_energy
        # An energy without a flow has other figures, and these would stay empty.
        flows = flow_conflict(experiment) is None or not energy
        title = FIGURES["test_nll"].title
        self.nll.rename(title if view is None else f"{title} ({format_count(view.test_points)})")
        for figures, shows in (
            ((self.nll, self.train_nll, self.trips), flows),
            ((self.energy_nll, self.energy_integral, self.partition), energy),
            ((self.perfect, self.entropy), known),
            ((self.blur,), not known and not images),
            ((self.integral,), flows and not images),
            ((self.kernel,), view is not None and view.has_kernel_density),
            ((self.bits,), images),
            ((self.estimate,), resolve(experiment).likelihood.trace == "hutchinson"),
        ):
            for figure in figures:
                figure.setVisible(shows)
        self._explain()

    def _explain(self) -> None:
        why = missing(self._metrics, "energy_nll" if self.nll.isHidden() else "test_nll")
        why = why or worded(self._metrics.get("energy_note"))
        self.why.setText(why)
        self.why.setVisible(bool(why))

    @Slot(object)
    def _show_evaluation(self, metrics: Mapping[str, Any]) -> None:
        self._metrics = metrics
        for figure, key in (
            (self.nll, "test_nll"),
            (self.train_nll, "train_nll"),
            (self.kernel, "kernel_nll"),
            (self.perfect, "optimal_nll"),
            (self.blur, "kl_of_smoothing"),
            (self.energy_integral, "energy_integral"),
            (self.entropy, "entropy"),
            (self.integral, "integral"),
            (self.bits, "bits_per_dim"),
        ):
            figure.show_text(in_words(metrics, key), missing(metrics, key))
        kl = in_words(metrics, "energy_kl")
        more = kl and f"KL from the smoothed data to it: {kl} nat."
        self.energy_nll.show_text(in_words(metrics, "energy_nll"), more or missing(metrics, "energy_nll"))
        partition, error = metrics.get("log_partition"), metrics.get("log_partition_error")
        view = self._building.problem
        if partition is not None and error is not None and view is not None:
            self._show_partition((partition, error), view.sigma_min)
        elif not metrics:  # everything was forgotten: the network, its weights or the data changed
            self.partition.show_text("")
        trip = [metrics.get(f"round_trip_{name}") for name in ("error", "log_prob_error")]
        text = "" if None in trip else ", ".join(format_number(abs(found), 2) for found in trip if found is not None)
        self.trips.show_text(text, missing(metrics, "round_trip_error"))
        why = missing(metrics, "trace_standard_error")
        self.estimate.show_text("" if why else in_words(metrics, "trace_standard_error"), why)
        self._explain()

    @Slot(object)
    def _show_density(self, shown: object) -> None:
        density = shown if isinstance(shown, DensityView) else None
        if density is not None and density.log_partition is not None:
            self._show_partition(density.log_partition, density.sigma)

    def _show_partition(self, partition: tuple[float, float], sigma: float) -> None:
        value, error = partition
        self.partition.show_text(
            f"{decimal(value)} (quadrature ± {format_number(error, 1)})", f"At σ = {format_number(sigma)}."
        )
