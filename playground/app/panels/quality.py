"""The quality of score and samples."""

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from playground.app.controllers import why_disabled
from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.model.views import ProblemView
from playground.app.panels.error_budget import ErrorBudget
from playground.app.panels.figure import TaskButton, beside_floor, decimal, in_words, measured, missing
from playground.app.panels.marginals import Marginals
from playground.app.panels.memorization import Memorization
from playground.app.panels.straightness import Straightness
from playground.app.style import theme
from playground.app.style.labels import worded
from playground.app.style.number_formats import (
    format_measured,
    format_number,
    format_percent_with_error,
)
from playground.app.widgets.charts.errors import ErrorAlongSigma
from playground.app.widgets.charts.pairs import NearestPairs
from playground.app.widgets.collapsible_panel import CollapsiblePanel, Notice
from playground.lab.conflicts import comparison_conflict
from playground.lab.figures import FIGURES
from playground.lab.score_error_curve import ScoreErrorCurve, at_sigma

MEASURE_SCORE = "Measure compares the learned score with the exact one at every noise level."
MEASURE_AGAINST_DATA = (
    "The exact score of {} is not known. Measure compares with the score of the training set, smoothed "
    "by each noise level."
)
AGAINST_DATA = "against the training set’s smoothed score"
HISTOGRAM_SECONDS = 0.1  # between two updates of the particles


class QualityPanel(CollapsiblePanel):
    """The score's error along sigma; the samples compared with the data, in numbers and as a histogram."""

    def __init__(self, state: State, controllers: Controllers, parent: QWidget | None = None) -> None:
        super().__init__("Quality", None, parent, purpose="How good score and samples are.")
        self.state, self._controllers = state, controllers
        self._building, self._training, self._playing, self._measuring = (
            controllers.building,
            controllers.training,
            controllers.playing,
            controllers.measuring,
        )
        self._errors: ScoreErrorCurve | None = None
        self._metrics: Mapping[str, Any] = {}
        self._drawn = 0.0
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._show_samples)
        self.notice = Notice()
        self.body.addWidget(self.notice)
        self._build_score()
        self.body.addSpacing(theme.UNIT)
        self._build_samples()
        self._build_budget()
        self._build_paths()
        self._building.problem_changed.connect(self._problem_changed)
        self._building.problem_failed.connect(self._enable)
        state.changed.connect(self._enable)
        self._playing.trajectory_changed.connect(self._enable)
        for signal in (self._building.problem_failed, self._playing.trajectory_changed, self._training.changed):
            signal.connect(self._forget_failure)
        self._measuring.evaluation_changed.connect(self._show_evaluation)
        self._training.changed.connect(self._training_changed)
        self._playing.frame_changed.connect(self._frame_changed)
        self.folded.connect(lambda folded: folded or self._show_samples())
        if self._building.problem is not None:
            self._problem_changed(self._building.problem)
        self._enable()
        self._show_evaluation(self._measuring.evaluation)

    def _build_score(self) -> None:
        self.measure_score = TaskButton(
            "Measure",
            "<p>Compare the learned score with the exact one at every noise level. Where no density is known, "
            "compare it with the score of the smoothed training set. A network that memorizes would have that "
            "score. For images the levels start at one grey level.</p>",
            self._controllers,
            "fisher",
            lambda: self._measuring.measure("fisher"),
            name="Measure the error of the score",
        )
        self._heading("Score along σ", self.measure_score)
        self.against = QLabel(AGAINST_DATA, self)
        theme.set_role(self.against, "caption")
        self.body.addWidget(self.against)
        self.chart = ErrorAlongSigma(self)
        self.relative = measured("relative_score_error", token="error")
        self.divergence = measured("fisher_divergence")
        for part in (self.chart, self.relative, self.divergence):
            self.body.addWidget(part)

    def _build_samples(self) -> None:
        self.measure_samples = TaskButton(
            "Measure",
            "<p>Compare the particles at the end of the run with data: held-out ones where these are a fair "
            "sample. A run that has not ended is sampled to its end first.</p>",
            self._controllers,
            "quality",
            lambda: self._measuring.measure("quality"),
            name="Measure the samples",
        )
        self._heading("Samples and data", self.measure_samples)
        self.unlike = QLabel(self)
        self.unlike.setWordWrap(True)
        theme.set_role(self.unlike, "caption")
        self.body.addWidget(self.unlike)
        self.distance = measured("sliced_wasserstein2")
        self.transport = measured("wasserstein2")
        self.kl = measured("kl")
        self.kernel_kl = measured("kernel_kl")
        self.weights = measured("mode_weights")
        self.classifier = measured("classifier_accuracy")
        self.tilted = measured("tilted_sliced_wasserstein2")
        self.tilted_kl = measured("tilted_kl")
        self.memorization = Memorization(self.state, self._controllers, self)
        self.labels = measured("class_frequencies")
        self.nearest = measured("nearest_neighbour_distance")
        self.pairs = NearestPairs(self)
        for part in (
            self.distance,
            self.transport,
            self.tilted,
            self.tilted_kl,
            self.classifier,
            self.memorization,
            self.kl,
            self.kernel_kl,
            self.weights,
            self.labels,
            self.nearest,
            self.pairs,
        ):
            self.body.addWidget(part)
        self.marginals = Marginals(self._controllers, self)
        self.body.addWidget(self.marginals)
        self.body.addSpacing(theme.UNIT)

    def _build_budget(self) -> None:
        self.measure_budget = TaskButton(
            "Measure",
            "<p>Split the squared distance between samples and data by its causes. One after another, score, steps, "
            "prior and σ min are replaced by what has no error. The exact score makes this possible, for toys and "
            "drawings.</p>",
            self._controllers,
            "budget",
            lambda: self._measuring.measure("budget"),
            name="Measure the error budget",
        )
        self._heading("Error budget", self.measure_budget)
        self.budget = ErrorBudget(self)
        self.body.addWidget(self.budget)

    def _build_paths(self) -> None:
        self.measure_paths = TaskButton(
            "Measure",
            "<p>Measure how straight the paths from the start set to the data are, and what one Euler step costs.</p>",
            self._controllers,
            "paths",
            lambda: self._measuring.measure("paths"),
            name="Measure the paths between the sets",
        )
        self.paths_heading = self._heading("Paths between sets", self.measure_paths)
        self.straightness = Straightness(self)
        self.body.addWidget(self.straightness)

    def _heading(self, title: str, button: TaskButton) -> QLabel:
        label = QLabel(title, self)
        label.setWordWrap(True)  # beside the button there is little room in the narrowest column
        theme.set_role(label, "heading")
        row = QHBoxLayout()
        row.addWidget(label, 1)
        row.addWidget(button)
        button.failed.connect(lambda sentence: self.notice.say("error", sentence))
        button.ran.connect(lambda began: self.notice.say("error", "") if began else None)
        self.body.addLayout(row)
        return label

    # Content

    @Slot(object)
    def _problem_changed(self, view: ProblemView) -> None:
        self.notice.say("error", "")
        known = view.known_density
        comparable = view.has_reference
        self.against.setVisible(comparable and not known)
        self.relative.setVisible(comparable)
        self.divergence.setVisible(comparable)
        self.kl.setVisible(known)
        self.kernel_kl.setVisible(known and view.has_kernel_density)
        self.weights.setVisible(view.mode_weights is not None)
        self.labels.setVisible(view.is_image and view.labelled)
        for part in (self.tilted, self.tilted_kl):
            part.setVisible(bool(view.conditions.known_classes))
        self.nearest.setVisible(view.is_image)
        self.marginals.show_data(view)
        self._enable()
        self._show_samples()

    @Slot()
    def _forget_failure(self) -> None:
        """Remove the reason for a missing figure: it belonged to other samples or weights."""
        self.notice.say("error", "")

    @Slot()
    def _enable(self) -> None:
        """Enable what can be measured now."""
        view, run = self._building.problem, self._playing.trajectory
        conflict = None
        if view is not None and not why_disabled.sampling(self.state, self._controllers):
            conflict = comparison_conflict(self.state.experiment, view.conditions)
        unlike = worded(conflict) or missing(self._metrics, "sliced_wasserstein2")
        self.unlike.setText(unlike)
        self.unlike.setVisible(bool(unlike))
        why = why_disabled.measuring_score(self.state, self._controllers)
        self.measure_score.set_why_disabled(why)
        against_data = None if view is None or view.known_density else MEASURE_AGAINST_DATA.format(view.name)
        why = why or (None if self._errors is None else self._errors.unscaled)
        self.chart.show_empty(worded(why) or against_data or MEASURE_SCORE)
        self.measure_samples.set_why_disabled(why_disabled.comparing_samples(self.state, self._controllers))
        why = why_disabled.budgeting(self.state, self._controllers)
        self.measure_budget.set_why_disabled(why)
        self.budget.set_why_disabled(why)
        between_sets = view is not None and not view.has_score
        self.paths_heading.setVisible(between_sets)
        self.measure_paths.setVisible(between_sets)
        self.straightness.setVisible(between_sets)
        self.measure_paths.set_why_disabled(why_disabled.sampling(self.state, self._controllers))
        if run is None:
            self.marginals.histogram.show_samples(None)
        if view is None:
            for part in (self.against, self.kl, self.kernel_kl, self.weights, self.labels, self.nearest):
                part.setVisible(False)  # they belonged to data that are gone
            for part in (self.tilted, self.tilted_kl):
                part.setVisible(False)
            self.marginals.clear()

    @Slot(str)
    def _training_changed(self, training: str) -> None:
        self._enable()
        # It takes half a second, or some seconds against a training set, and would slow training.
        view = self._building.problem
        rests = training in ("paused", "finished") and view is not None and view.known_density
        if rests and self.measure_score.isEnabled() and not self.is_folded() and not self._training.untrained:
            self._measuring.measure("fisher")

    @Slot(object)
    def _show_evaluation(self, metrics: Mapping[str, Any]) -> None:
        self._metrics, self._errors = metrics, _curve(metrics)
        errors = self._errors
        nothing = np.zeros(0)
        if errors is None:
            self.chart.show_errors(nothing, nothing, nothing)
        else:
            self.chart.show_errors(errors.sigmas, errors.relative, errors.relative_error)
        self._enable()
        self._show_now()
        against = metrics.get("reference_set")
        why = missing(metrics, "sliced_wasserstein2")
        self.distance.show_text(
            beside_floor(metrics, "sliced_wasserstein2"), f"The data are {against}." if against else why
        )
        for figure, key in (
            (self.tilted, "tilted_sliced_wasserstein2"),
            (self.tilted_kl, "tilted_kl"),
            (self.kl, "kl"),
            (self.kernel_kl, "kernel_kl"),
        ):
            figure.show_text(beside_floor(metrics, key), missing(metrics, key))
        self._show_transport(metrics)
        self._show_classifier(metrics)
        self._show_weights(metrics)
        self._show_images(metrics)
        self.budget.show_metrics(metrics)
        self.straightness.show_metrics(metrics)

    def _show_transport(self, metrics: Mapping[str, Any]) -> None:
        squared, floor = (metrics.get(f"wasserstein2_squared{end}") for end in ("", "_floor"))
        more = missing(metrics, "wasserstein2")
        if squared is not None and floor is not None:
            more = f"W₂² is {format_number(float(squared))} (floor {format_number(float(floor))}), in squared units."
        self.transport.show_text(beside_floor(metrics, "wasserstein2"), more)

    def _show_images(self, metrics: Mapping[str, Any]) -> None:
        """Show the figures of images, and their distance to the training set."""
        shares, true, errors = (metrics.get(f"class_frequencies{end}") for end in ("", "_true", "_standard_error"))
        if shares is None or true is None or errors is None:
            self.labels.show_text("", missing(metrics, "class_frequencies"))
        else:
            rows = [
                f"{label}: {100 * share:.1f} ± {100 * error:.1f} %, training {100 * truth:.1f} %"
                for label, (share, error, truth) in enumerate(zip(shares, errors, true, strict=True))
            ]
            worst = int(np.argmax(np.abs(np.subtract(shares, true))))
            self.labels.show_text(
                f"class {worst}: {100 * shares[worst]:.0f} % (training {100 * true[worst]:.0f} %)", "<br>".join(rows)
            )
        distance, held_out = (in_words(metrics, f"nearest_neighbour_distance{end}") for end in ("", "_held_out"))
        why = missing(metrics, "nearest_neighbour_distance") or missing(metrics, "nearest_neighbour_distance_held_out")
        self.nearest.show_text(f"{distance} (held-out {held_out})" if held_out else distance, why)
        near, trajectory, view = metrics.get("nearest_neighbour_rows"), self._playing.trajectory, self._building.problem
        if near is None or trajectory is None or view is None or not view.is_image or max(near) >= len(view.points):
            self.pairs.show_pairs(np.zeros((0, 1, 1, 1)), np.zeros((0, 1, 1, 1)))
        else:
            self.pairs.show_pairs(np.asarray(trajectory.positions[-1][: len(near)]), view.points[near])

    def _show_classifier(self, metrics: Mapping[str, Any]) -> None:
        share, error = metrics.get("classifier_accuracy"), metrics.get("classifier_accuracy_standard_error")
        more = "<br>".join(
            f"{FIGURES[key].title}: {in_words(metrics, key)} (floor 0)"
            for key in ("energy_distance", "mmd_squared")
            if metrics.get(key) is not None
        )
        shown_error = "" if error is None else f" ± {100 * error:.1f}"
        text = "" if share is None else f"{100 * share:.1f}{shown_error} % (floor 50 %)"
        self.classifier.show_text(text, more or missing(metrics, "classifier_accuracy"))

    def _show_weights(self, metrics: Mapping[str, Any]) -> None:
        found, true = metrics.get("mode_weights"), metrics.get("mode_weights_true")
        errors = metrics.get("mode_weights_standard_error")
        if found is None:
            self.weights.show_text("", missing(metrics, "mode_weights"))
            return
        found = np.asarray(found, float)
        true = np.full(len(found), np.nan) if true is None else np.asarray(true, float)
        error = np.zeros(len(found)) if errors is None else np.asarray(errors, float)
        rows = [
            f"{decimal(a, 3)} ± {decimal(e, 3)}, true {decimal(t, 3)}"
            for a, e, t in zip(found, error, true, strict=True)
        ]
        if len(found) <= 2:
            text = " / ".join(decimal(share, 2) for share in found)
            text += " (true " + " / ".join(decimal(share, 2) for share in true) + ")"
        else:
            worst = int(np.nanargmax(np.abs(found - true)))
            text = f"worst {decimal(found[worst], 3)} (true {decimal(true[worst], 3)})"
        self.weights.show_text(text, "<br>".join(rows))

    @Slot(int)
    def _frame_changed(self, frame: int) -> None:
        if self._later.isActive() or not self.isVisible() or self.is_folded():
            return
        wait = HISTOGRAM_SECONDS - (time.monotonic() - self._drawn)
        if wait <= 0:
            self._show_samples()
        else:
            self._later.start(int(1000 * wait) + 1)

    @Slot()
    def _show_samples(self) -> None:
        self._drawn = time.monotonic()
        self._show_now()
        self.marginals.show_samples()

    def _show_now(self) -> None:
        sigma = self._playing.sigma
        self.chart.mark(sigma if sigma > 0 else None)
        errors = self._errors
        if errors is None or not len(errors.sigmas) or not sigma > 0:
            self.relative.show_text("")
            self.divergence.show_text("")
            return
        relative, relative_error, divergence, divergence_error = (
            at_sigma(sigma, errors.sigmas, values)
            for values in (errors.relative, errors.relative_error, errors.divergence, errors.divergence_error)
        )
        if math.isfinite(relative):
            self.relative.show_text(format_percent_with_error(relative, relative_error))
        else:
            self.relative.show_text("", worded(errors.unscaled))
        known = divergence_error > 0
        self.divergence.show_text(format_measured(divergence, divergence_error) if known else format_number(divergence))


def _curve(metrics: Mapping[str, Any]) -> ScoreErrorCurve | None:
    """The errors of the score along sigma; None if they were not measured."""
    keys = ("fisher_divergence", "relative_score_error")
    names = ["score_sigmas", *(f"{key}{end}" for key in keys for end in ("", "_standard_error"))]
    if not metrics.keys() >= {*names}:
        return None
    sigmas, divergence, divergence_error, relative, relative_error = (np.array(metrics[name]) for name in names)
    source = metrics.get("score_reference", "")
    return ScoreErrorCurve(1.0, sigmas, divergence, divergence_error, relative, relative_error, source)
