"""How likely points are: one that was clicked, a map of the plane, a test set."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from playground.app import theme
from playground.app.card import Card, Notice
from playground.app.engine import Engine
from playground.app.fields import make_field
from playground.app.numbers import shown
from playground.app.panels.figure import Figure, TaskButton, count, decimal, with_error
from playground.app.state import State
from playground.app.views import PointLikelihood, ProblemView, TaskStatus
from playground.lab.refusals import likelihood_refusal


class LikelihoodPanel(Card):
    """log p of the clicked point beside the exact value, and what the model says of points it never saw."""

    def __init__(self, state: State, engine: Engine, parent: QWidget | None = None) -> None:
        super().__init__("Likelihood", None, parent)
        self.state, self.engine = state, engine
        self._solving = ""
        self.notice = Notice(self)
        self.hint = QLabel(
            "Click a point on the canvas: its log-likelihood appears here, and the path it takes to noise."
        )
        self.hint.setWordWrap(True)
        theme.set_role(self.hint, "caption")
        self.body.addWidget(self.notice)
        self.body.addWidget(self.hint)
        self._build_point()
        self._build_buttons()
        self._build_test_set()
        for name, label in (("tolerance", "tolerance"), ("points", "test points"), ("trace", "divergence")):
            self.advanced().addWidget(make_field(state, f"likelihood.{name}", label))
        state.changed.connect(self._refresh)
        engine.problem_changed.connect(self._problem_changed)
        engine.problem_failed.connect(self._refresh)
        engine.likelihood_changed.connect(self._show_point)
        engine.evaluation_changed.connect(self._show_evaluation)
        engine.task_changed.connect(self._task_changed)
        self._refresh()
        self._show_point(engine.likelihood)
        self._show_evaluation(engine.evaluation)

    def _build_point(self) -> None:
        self.point = Figure("clicked point", "Where you clicked, in your data's unit.", token="likelihood")
        self.log_prob = Figure(
            "log p, model",
            "By the learned score, in nats: the density of the data smoothed by the finest noise level.",
            r"\log p_0(x_0) = \log p_T(x_T) + \int_0^T \mathrm{tr}(\nabla \tilde f)\,dt",
        )
        self.exact = Figure("log p, exact", "By the known density, smoothed alike.", token="exact")
        self.terms = Figure(
            "log p(x_T) + ∫ div",
            "The prior's log-density where the path ends, and what the flow's divergence adds on the way.",
            r"dx = [f - \frac{1}{2} g^2 s]\,dt",
        )
        self.evaluations = Figure("network evaluations", "How often the solver asked for the score.")
        self.figures = (self.point, self.log_prob, self.exact, self.terms, self.evaluations)
        for figure in self.figures:
            self.body.addWidget(figure)

    def _build_buttons(self) -> None:
        self.map = TaskButton(
            "Density map",
            "<p>Compute the learned density over the canvas, from coarse to fine.</p>",
            self.engine,
            "density",
            self.engine.density_map,
        )
        self.test = TaskButton(
            "Test set",
            "<p>Compute the log-likelihood of points that were never trained on.</p>",
            self.engine,
            "test-set",
            self.engine.evaluate_test_set,
        )
        row = QHBoxLayout()
        row.setSpacing(theme.UNIT)
        for button in (self.map, self.test):
            button.failed.connect(self._failed)
            button.ran.connect(lambda began: began and self._failed(""))
            row.addWidget(button, 1)
        row.setContentsMargins(0, 4, 0, 4)
        self.body.addLayout(row)

    def _build_test_set(self) -> None:
        self.nll = Figure(
            "test NLL",
            "Mean of -log p over the held-out points, in nats, with its standard error.",
            r"-\frac{1}{N}\sum_i \log p(x_i)",
        )
        self.entropy = Figure(
            "entropy of the data", "The NLL of a perfect model: no model can do better.", r"-\int p \log p\,dx"
        )
        self.integral = Figure(
            "∫ p over the plane", "A density integrates to 1; what is missing lies outside, or is an error."
        )
        self.bits = Figure("bits per dimension", "Of dequantised grey levels; fewer are better.")
        for figure in (self.nll, self.entropy, self.integral, self.bits):
            self.body.addWidget(figure)

    # What is shown

    @Slot(object)
    def _problem_changed(self, view: ProblemView) -> None:
        self._failed("")
        self._refresh()

    @Slot(object)
    def _show_point(self, likelihood: PointLikelihood | None) -> None:
        for figure in self.figures:
            figure.setVisible(likelihood is not None)
        self.hint.setVisible(likelihood is None)
        if likelihood is not None:
            x, y = likelihood.point
            self.point.show_text(f"({_coordinate(x)}, {_coordinate(y)})")
            untrained = (
                "The network is untrained: this is the density of its random weights." if likelihood.untrained else ""
            )
            self.log_prob.rename("log p, untrained" if likelihood.untrained else "log p, model")
            self.log_prob.show_text(decimal(likelihood.log_prob), untrained)
            self.exact.setVisible(likelihood.exact is not None)
            if likelihood.exact is not None:
                self.exact.show_text(decimal(likelihood.exact))
            sign = "+" if likelihood.trace_term >= 0 else "−"
            terms = f"{decimal(likelihood.prior_term, 2)} {sign} {decimal(abs(likelihood.trace_term), 2)}"
            self.terms.show_text(terms)
            self.evaluations.show_text(count(likelihood.evaluations))
        self._summarise()

    @Slot(object)
    def _show_evaluation(self, metrics: dict[str, object]) -> None:
        nll, error = metrics.get("test_nll"), metrics.get("test_nll_standard_error")
        self.nll.show_text("" if nll is None else with_error(float(nll), None if error is None else float(error)))
        entropy, integral, bits = (metrics.get(key) for key in ("entropy", "integral", "bits_per_dim"))
        self.entropy.show_text("" if entropy is None else decimal(float(entropy)))
        self.integral.show_text("" if integral is None else decimal(float(integral)))
        self.bits.show_text("" if bits is None else decimal(float(bits)))

    @Slot(str, object)
    def _task_changed(self, task: str, status: TaskStatus) -> None:
        if task == "likelihood":
            self._solving = ""
            if status.running:
                self._solving = "solving…" if status.fraction is None else f"solving, {status.fraction:.0%}"
            elif status.error:
                self._failed(status.error)
            self._summarise()

    @Slot(str)
    def _failed(self, sentence: str) -> None:
        self._failure = sentence
        self._say()

    @Slot()
    def _refresh(self) -> None:
        view = self.engine.problem
        images = view is not None and view.is_image
        known = view is None or view.known_density
        self.nll.rename("test NLL" if view is None else f"test NLL ({count(view.test_points)})")
        self.entropy.setVisible(known)
        self.integral.setVisible(not images)
        self.bits.setVisible(images)
        self.map.setVisible(not images)
        if images:
            self.hint.setText("Images have no plane to click: Test set gives their likelihood in bits per dimension.")
        else:
            self.hint.setText(
                "Click a point on the canvas: its log-likelihood appears here, and the path it takes to noise."
            )
        possible = likelihood_refusal(self.state.experiment) is None
        self.map.setEnabled(view is not None and possible)
        self.test.setEnabled(view is not None and possible)
        self.hint.setVisible(possible and self.engine.likelihood is None)
        self._summarise()
        self._say()

    _failure = ""

    def _say(self) -> None:
        refusal = likelihood_refusal(self.state.experiment)
        if refusal is not None:
            mend = ("Use VE noise", "noise.kind = ve", lambda: self.state.edit({"noise.kind": "ve"}))
            self.notice.say("info", refusal.sentence, mend)
        else:
            self.notice.say("error", self._failure)

    def _summarise(self) -> None:
        self.set_state(self._solving or "probability-flow ODE")


def _coordinate(value: float) -> str:
    return decimal(value, 2) if abs(value) < 1000 else shown(value, 4)
