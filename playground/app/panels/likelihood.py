"""The likelihood card: of a clicked point, over the plane, and of a test set."""

import math

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QPushButton

from playground.app.canvas.readouts import place
from playground.app.canvas.tools import Tools
from playground.app.controllers import why_disabled
from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.model.views import FlowLikelihood, LatentInterpolation, PointLikelihood
from playground.app.panels.figure import Figure, JobButton
from playground.app.panels.held_out import HeldOutFigures
from playground.app.style import theme
from playground.app.style.figure_words import decimal, with_error
from playground.app.style.labels import capital, worded
from playground.app.style.number_formats import format_count, format_number
from playground.app.widgets import layouts
from playground.app.widgets.captions import caption, named
from playground.app.widgets.collapsible_panel import CollapsiblePanel, Notice
from playground.app.widgets.fields import make_field
from playground.app.workers.jobs import JobStatus
from playground.lab.conflicts import flow_conflict, likelihood_conflict
from playground.lab.figures.likelihoods import TRIP
from playground.lab.settings import LOG_P_OF
from playground.lab.trust import UNMEASURED
from playground.messages import Message

WAITING = "Click the second point…"
COMPARED = "While columns are compared, a click on them measures nothing. Leave the comparison, then click."
BRUSHING = "While the brush is on, a click paints. Press Brush in the Data card to turn it off, then click a point."
UNTRAINED = "The network is untrained: this is the density of its random weights."


class LikelihoodPanel(CollapsiblePanel):
    """log p of the clicked point beside the exact value, and the model's figures at held-out points."""

    def __init__(self, state: State, controllers: Controllers) -> None:
        super().__init__("Likelihood", purpose="How probable a point is to the model.")
        self.state, self._controllers = state, controllers
        self._clicking = controllers.clicking
        self._solving = ""
        self._brush = False
        self.notice = Notice()
        self.hint = caption("Click a point on the canvas for its log-likelihood and its path to noise.")
        layouts.add(self.body, self.notice, self.hint)
        self._build_point()
        self._build_buttons()
        self.held_out = HeldOutFigures(state, controllers)
        self.behind(self.held_out)
        self.settings = {
            name: make_field(state, f"likelihood.{name}")
            for name in (
                "source",
                "tolerance",
                "points",
                "trace",
                "trace_probes",
                "probes",
                "dequantization_samples",
                "interpolation",
            )
        }
        layouts.add(self.advanced(), *self.settings.values())
        state.document_changed.connect(self._refresh)
        self.state.problem_changed.connect(self._problem_changed)
        controllers.training.changed.connect(self._refresh)
        controllers.comparing.active_changed.connect(self._refresh)
        controllers.measuring.evaluation_changed.connect(self._refresh)
        self._clicking.likelihood_changed.connect(self._show_point)
        self._clicking.interpolation_changed.connect(self._show_interpolation)
        controllers.jobs.changed.connect(self._job_changed)
        self._refresh()
        self._show_point(self._clicking.likelihood)
        self._show_interpolation(self._clicking.interpolation)

    def _build_point(self) -> None:
        self.point = Figure("clicked point", "Where you clicked, in your data's unit.", token="likelihood")
        self.log_prob = Figure(
            "log p, model",
            "Log-density in nats by the chosen score (learned, exact or training set): that of the data, smoothed by the finest "
            "noise level.",
            r"\log p_0(x_0) = \log p_T(x_T) + \int_0^T \mathrm{tr}(\nabla \tilde f)\,dt",
        )
        self.energy = Figure(
            "log p, energy",
            "By the energy of the finest level and its Z. The stated error is that of the quadrature of ln Z, "
            "not of training. The flow follows the scores of all levels: both agree only after perfect training.",
            r"\log p = -f(x, \sigma) - \ln Z(\sigma)",
        )
        self.exact = Figure("log p, exact", "By the known density, smoothed by the same noise level.", token="exact")
        self.terms = Figure(
            "prior term + trace term",
            "Log-density of the prior at the end of the path, and the integral of the flow's divergence along it.",
            r"dx = [f - \frac{1}{2} g^2 s]\,dt",
        )
        self.evaluations = Figure("network evaluations", "Number of score evaluations (NFE) that the solver took.")
        self.latent = Figure(
            "latent code",
            "End of the point's path in the noise, whitened by the prior: standard normal for samples of the model.",
            r"z = R^{-1}(x_T - m_T)/s_T",
        )
        self.trip = Figure(
            "round-trip error",
            "The code is decoded along the same flow. Shown are its distance from the point and the difference "
            "of log p. " + TRIP,
        )
        self.second = QPushButton("Interpolate to a second point", self)
        self.second.setCheckable(True)
        named(
            self.second,
            "Interpolate to a second point",
            "Then click a second point. The canvas shows the points decoded from between both latent codes. "
            "Shift+click does the same at once.",
        )
        self.second.toggled.connect(lambda on: self.second.setText(WAITING if on else "Interpolate to a second point"))
        self.lowest = Figure(
            "lowest log p between",
            "The lowest log p among the interpolated points.",
            token="likelihood",
        )
        others = self.terms, self.latent, self.trip, self.evaluations
        self.by_flow = (self.log_prob, *others, self.second)
        layouts.add(self.body, self.point, self.log_prob, self.energy, self.exact)
        self.behind(*others, self.second)
        self.body.addWidget(self.lowest)

    def click_by(self, tools: Tools) -> None:
        """Wait for the second point that these tools take."""
        self.second.toggled.connect(tools.await_second)
        tools.second_taken.connect(self.drop_second)

    @Slot()
    def drop_second(self) -> None:
        """Wait for no second point any more."""
        self.second.setChecked(False)

    @Slot(bool)
    def show_brush(self, on: bool) -> None:
        """Set whether a click paints, so that it picks no point."""
        self._brush = on
        if on:
            self.second.setChecked(False)
        self._refresh()

    @Slot(object)
    def _show_interpolation(self, interpolation: LatentInterpolation | None) -> None:
        self.lowest.setVisible(interpolation is not None)
        if interpolation is not None:
            least = int(interpolation.log_prob.argmin())
            error = None if interpolation.standard_error is None else float(interpolation.standard_error[least])
            self.lowest.rename(f"lowest log p between{_estimated(error)}")
            self.lowest.show_text(with_error(float(interpolation.log_prob[least]), error or None))

    def _build_buttons(self) -> None:
        self.map = JobButton(
            "Density map",
            "<p>Compute the learned density over the canvas, from coarse to fine. The run is paused; the map "
            "stays until it is played again.</p>",
            self._controllers,
            "density",
            self._controllers.mapping.compute,
            cancel=self._controllers.mapping.cancel,
        )
        self.test = JobButton(
            "Test set",
            "<p>Compute the log-likelihood of points that were never trained on.</p>",
            self._controllers,
            "test-set",
            lambda: self._controllers.measuring.measure("test-set"),
        )
        for button in (self.map, self.test):
            button.failed.connect(self._failed)
            button.ran.connect(lambda began: began and self._failed(None))
        self.behind(layouts.across((self.map, 1), (self.test, 1), spacing=theme.UNIT, margins=(0, 4, 0, 4)))

    # Content

    @Slot()
    def _problem_changed(self) -> None:
        self._failed(None)
        self._refresh()

    @Slot(object)
    def _show_point(self, likelihood: PointLikelihood | None) -> None:
        self._failed(None)
        self.point.setVisible(likelihood is not None)
        self.energy.setVisible(likelihood is not None and likelihood.energy is not None)
        self.exact.setVisible(likelihood is not None and likelihood.exact is not None)
        flow = None if likelihood is None else likelihood.flow
        for part in self.by_flow:
            part.setVisible(flow is not None)
        self.hint.setVisible(self._is_hint_due)
        if flow is None:
            self.second.setChecked(False)
        if likelihood is not None:
            plane = likelihood.number is None
            self.point.rename("clicked point" if plane else "clicked image")
            view = self.state.problem
            bounds = (0.0, 1.0, 0.0, 1.0) if view is None else view.bounds
            self.point.show_text(place(likelihood.point, bounds) if plane else f"number {(likelihood.number or 0) + 1}")
            word, why = (
                "" if likelihood.warning is None else likelihood.warning.code,
                capital(worded(likelihood.warning)),
            )
            if likelihood.untrained:
                word, why = "untrained", UNTRAINED
            self.evaluations.rename(f"{'network' if likelihood.source == 'learned' else 'score'} evaluations")
            if flow is not None:
                measured = word != UNMEASURED
                estimated = _estimated(flow.standard_error) if measured else ""
                self.log_prob.rename(f"log p, {word or LOG_P_OF[likelihood.source]}{estimated}")
                self._show_flow(flow, plane, why, measured)
            if likelihood.energy is not None:
                value, error = likelihood.energy
                smoothed = (
                    f"the data smoothed by σ = {format_number(likelihood.sigma)}"
                    if likelihood.sigma
                    else "the data as they are"
                )
                self.energy.rename(f"log p, {word}" if word and flow is None else "log p, energy")
                self.energy.show_text(
                    f"{decimal(value)} (ln Z ± {format_number(error, 1)})", f"{why} Of {smoothed}.".strip()
                )
            if likelihood.exact is not None:
                self.exact.show_text(decimal(likelihood.exact))
        self._summarise()

    def _show_flow(self, flow: FlowLikelihood, plane: bool, why: str, measured: bool) -> None:
        vectors = self.state.experiment.likelihood.trace_probes
        if flow.standard_error is not None:
            estimated = f"Estimated along {vectors} trace probes, with their standard error."
        elif vectors == 1:
            estimated = "Estimated along a single trace probe: from two on the standard error is known."
        else:
            estimated = (
                f"Estimated along {vectors} trace probes that agree, maybe by chance. More give the standard error."
            )
        self.log_prob.show_text(
            with_error(flow.log_prob, flow.standard_error or None) if measured else "",
            " ".join((why, "" if flow.standard_error == 0 else estimated)).strip(),
        )
        sign = "+" if flow.trace_term >= 0 else "−"
        self.terms.show_text(f"{decimal(flow.prior_term, 2)} {sign} {decimal(abs(flow.trace_term), 2)}")
        z = flow.latent
        self.latent.show_text(f"({decimal(z[0], 2)}, {decimal(z[1], 2)})" if plane else f"length {_length(z)}")
        self.trip.show_text(_difference(flow.distance, flow.log_prob_error))
        self.evaluations.show_text(format_count(flow.evaluations))

    @Slot(str, object)
    def _job_changed(self, job: str, status: JobStatus) -> None:
        if job in ("likelihood", "interpolation"):
            self._solving = ""
            if status.running:
                self._failed(None)
                self._solving = "solving…" if status.fraction is None else f"solving, {status.fraction:.0%}"
            elif status.error:
                self._failed(status.error)
            self._summarise()

    @Slot(object)
    def _failed(self, message: Message | None) -> None:
        self._failure = message
        self._say()

    @Slot()
    def _refresh(self) -> None:
        view = self.state.problem
        images = view is not None and view.is_image
        self.map.setVisible(not images)
        estimated = self.state.resolved.likelihood.trace == "hutchinson"
        for name in ("trace_probes", "probes"):
            self.settings[name].setVisible(estimated)
        self.settings["dequantization_samples"].setVisible(images)
        flows = flow_conflict(self.state.experiment) is None
        if self._controllers.comparing.is_active:
            self.hint.setText(COMPARED)
        elif self._brush:
            self.hint.setText(BRUSHING)
        elif images:
            self.hint.setText("Click a finished image for its log-likelihood; Shift+click a second one to interpolate.")
        else:
            self.hint.setText(
                "Click a point on the canvas for its log-likelihood"
                + (" and its path to noise." if flows else " by the energy and its Z.")
            )
        self.map.set_why_disabled(why_disabled.mapping_density(self._controllers))
        self.test.set_why_disabled(why_disabled.evaluating(self._controllers))
        self.hint.setVisible(self._is_hint_due)
        self._summarise()
        self._say()

    @property
    def _is_hint_due(self) -> bool:
        """Whether to say what a click does: not while a clicked point is measured, also anew."""
        if likelihood_conflict(self.state.experiment) is not None or self._clicking.likelihood is not None:
            return False
        return self._controllers.comparing.is_active or self._brush or not self._clicking.has_point

    _failure: Message | None = None

    def _say(self) -> None:
        conflict = likelihood_conflict(self.state.experiment)
        if conflict is not None:
            self.notice.show_message("info", conflict, self.state.edit)
        else:
            likelihood = self._clicking.likelihood
            few = None if likelihood is None else likelihood.few_data
            self.notice.say("error" if self._failure else "info", self._failure or few)

    def _summarise(self) -> None:
        flows = flow_conflict(self.state.experiment) is None
        view, source = self.state.problem, self.state.experiment.likelihood.source
        by = "Z by quadrature" if view is not None and view.has_energy and not flows else "probability flow"
        if source != "learned":
            by = LOG_P_OF[source] + (" · flow" if flows else "")  # the part that fits in the smallest window
        self.set_state(self._solving or by)


def _estimated(standard_error: float | None) -> str:
    """The ending of the name of a log p with an estimated trace, which has an error that is not 0."""
    return "" if standard_error == 0 else " (estimate)"


def _difference(distance: float, log_prob: float) -> str:
    return f"Δx {format_number(distance, 2)}, Δlog p {format_number(abs(log_prob), 2)}"


def _length(code: np.ndarray) -> str:
    """The length of a code, compared with the mean for samples of the model, nearly sqrt(D)."""
    return f"{decimal(float(np.linalg.norm(code)), 1)} of √D = {decimal(math.sqrt(code.size), 1)}"
