"""What the window measures when asked: likelihoods, densities, test sets, samples and score errors."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from playground.app import measurements
from playground.app.following import FOLLOWING
from playground.app.stage import Stage
from playground.app.state import State
from playground.app.views import PointLikelihood
from playground.lab.refusals import likelihood_refusal

TASKS = ("likelihood", "density", FOLLOWING, "test-set", "quality", "fisher")


class Measuring(Stage):
    """Each measurement is a task with progress that can be cancelled; it uses the weights of the moment it began."""

    likelihood_changed = Signal(object)  # PointLikelihood or None
    evaluation_changed = Signal(object)  # dict of metrics so far
    errors_changed = Signal(object)  # Errors along sigma or None

    def __init__(self, state: State, parent: QObject | None = None) -> None:
        super().__init__(state, parent)
        self._evaluation: dict[str, Any] = {}
        self._likelihood: PointLikelihood | None = None

    @property
    def evaluation(self) -> Mapping[str, Any]:
        return dict(self._evaluation)

    @property
    def likelihood(self) -> PointLikelihood | None:
        return self._likelihood

    def inspect(self, x: float, y: float) -> None:
        """Compute the log-likelihood of a point."""
        if self._refuses_likelihood():
            return
        bench = self._bench
        assert bench is not None
        problem, weights = bench.problem, bench.weights
        self._tasks.start(
            "likelihood",
            "Log-likelihood",
            lambda: measurements.point_likelihood(problem, weights, (x, y)),
            self._inspected,
        )

    def clear_inspection(self) -> None:
        self._tasks.cancel("likelihood")
        self._likelihood = None
        self.likelihood_changed.emit(None)

    def _inspected(self, likelihood: PointLikelihood) -> None:
        self._likelihood = likelihood
        self.likelihood_changed.emit(likelihood)

    def density_map(self) -> None:
        """Compute the learned density of the finest level over the canvas; it stays until the playhead moves on."""
        if not self._states_density() and self._refuses_likelihood():
            return
        self._pin()
        bench, bounds = self._bench, self._bounds
        assert bench is not None
        problem, weights = bench.problem, bench.weights
        self._tasks.start(
            "density",
            "Density map",
            lambda: measurements.learned_density(problem, weights, bounds, None, 160),
            self._show_density,
        )

    def evaluate_test_set(self) -> None:
        """NLL, entropy, KL and the integral over the plane."""
        if not self._states_density() and self._refuses_likelihood():
            return
        bench = self._bench
        assert bench is not None
        problem, weights = bench.problem, bench.weights
        self._tasks.start("test-set", "Test set", lambda: measurements.test_set(problem, weights), self._evaluated)

    def evaluate_samples(self) -> None:
        """Distance between the run's last particles and held-out data; a run under way is sampled to its end first."""
        bench, trajectory = self._bench, self._trajectory
        if bench is None or trajectory is None or not len(trajectory):
            return
        problem, run = bench.problem, self.trajectory_iterator()
        self._tasks.start("quality", "Quality", lambda: measurements.sample_quality(problem, run()), self._evaluated)

    def score_errors(self) -> None:
        """Error of the learned score along sigma, where the exact one is known."""
        bench = self._bench
        if bench is None or bench.problem.density is None:
            return
        problem, weights = bench.problem, bench.weights
        self._tasks.start(
            "fisher", "Score errors", lambda: measurements.score_errors(problem, weights), self.errors_changed.emit
        )

    def cancel(self, task: str) -> None:
        self._tasks.cancel(task)

    def running(self, task: str) -> bool:
        return self._tasks.running(task)

    def _evaluated(self, metrics: Mapping[str, Any]) -> None:
        self._evaluation.update({key: value for key, value in metrics.items() if value is not None})
        self.evaluation_changed.emit(dict(self._evaluation))

    def _states_density(self) -> bool:
        """Whether the learned density is known without the flow."""
        return self._bench is not None and self._bench.view.has_energy

    def _refuses_likelihood(self) -> bool:
        if self._bench is None:
            return True
        refusal = likelihood_refusal(self._state.experiment)
        if refusal is not None:
            self.message.emit("warning", refusal.sentence, "")
        return refusal is not None

    def _forget_measurements(self) -> None:
        """Another bench: nothing measured so far is true of it."""
        for task in TASKS:
            self._tasks.cancel(task)
        self._evaluation.clear()
        self._likelihood = None
        self.evaluation_changed.emit({})
        self.errors_changed.emit(None)
        self.likelihood_changed.emit(None)
