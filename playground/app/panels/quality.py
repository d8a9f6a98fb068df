"""The quality of score and samples."""

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLabel, QWidget

from playground.app.controllers import why_disabled
from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.panels.error_budget import TOTAL, ErrorBudget
from playground.app.panels.figure import JobButton
from playground.app.panels.marginals import Marginals
from playground.app.panels.measured_figure import FigureRows, missing, not_told_apart, possible
from playground.app.panels.memorization import Memorization
from playground.app.panels.score_along_sigma import ScoreAlongSigma
from playground.app.style import theme
from playground.app.style.labels import worded
from playground.app.widgets import layouts
from playground.app.widgets.captions import caption, show_text, text_line
from playground.app.widgets.charts.pairs import NearestPairs
from playground.app.widgets.collapsible_panel import CollapsiblePanel, Notice
from playground.app.widgets.throttle import Throttle
from playground.lab.conflicts import comparison_conflict
from playground.lab.measured import Figures

MEASURE_AGAINST_DATA = (
    "The exact score of {} is not known. Measure compares with the score of the training set, smoothed "
    "by each noise level."
)
HISTOGRAM_UPDATES = 100  # ms between two updates of the particles
SECTIONS = {
    "fisher": (
        "Score along σ",
        "Measure the error of the score",
        "<p>Compare the learned score with the exact one at every noise level. Where no density is known, "
        "compare it with the score of the smoothed training set. A network that memorizes would have that "
        "score. For images the levels start at one grey level.</p>",
    ),
    "quality": (
        "Samples and data",
        "Measure the samples",
        "<p>Compare the particles at the end of the run with data: held-out ones where these are a fair "
        "sample. A run that has not ended is sampled to its end first.</p>",
    ),
    "budget": (
        "Error budget",
        "Measure the error budget",
        "<p>Split the squared distance between samples and data by its causes. One after another, score, steps, "
        "prior and σ min are replaced by what has no error. The exact score makes this possible, for toys and "
        "drawings.</p>",
    ),
    "paths": (
        "Paths between sets",
        "Measure the paths between the sets",
        "<p>Measure how straight the paths from the start set to the data are, and what one Euler step costs.</p>",
    ),
}
"""The parts of the card by the measurement of each: heading, name and tooltip of the button."""
MEASURED = {"fisher": "relative_score_error", "quality": "sliced_wasserstein2", "budget": TOTAL}
"""A figure of each measurement; the paths of a flow have their button as long as they have a heading."""


class QualityPanel(CollapsiblePanel):
    """The score's error along sigma; the samples compared with the data, in numbers and as a histogram."""

    def __init__(self, state: State, controllers: Controllers) -> None:
        super().__init__("Quality", purpose="How good score and samples are.")
        self.state, self._controllers = state, controllers
        self._training, self._playing = controllers.training, controllers.playing
        self._is_training = False  # as far as was told
        self._measuring = controllers.measuring
        self._figures = self._measuring.evaluation
        self.notice = Notice()
        self.headings: dict[str, QLabel] = {}
        self.buttons: dict[str, JobButton] = {}
        self.score = ScoreAlongSigma()
        self.unlike, self.alike = caption(), caption()
        self.samples = FigureRows("samples")
        self.memorization = Memorization(state, controllers)
        self.pairs = NearestPairs()
        self.marginals = Marginals(controllers)
        self.budget = ErrorBudget()
        self.paths = FigureRows("paths")
        self.body.addWidget(self.notice)
        self._section("fisher", self.score)
        self.body.addSpacing(theme.UNIT)
        self._section("quality", self.unlike, self.samples, self.alike, self.memorization, self.pairs, self.marginals)
        self.body.addSpacing(theme.UNIT)
        self._section("budget", self.budget)
        self._section("paths", self.paths)
        self.state.problem_changed.connect(self._problem_changed)
        state.changed.connect(self._enable)
        self._playing.trajectory_changed.connect(self._enable)
        for signal in (self._playing.trajectory_changed, self._training.changed):
            signal.connect(self._forget_failure)
        self._measuring.evaluation_changed.connect(self._show_evaluation)
        self._training.changed.connect(self._training_changed)
        self._playing.frame_changed.connect(Throttle(HISTOGRAM_UPDATES, self._show_frame, self).ask)
        self.arranged.connect(self._show_frame)
        self._problem_changed()
        self._show_evaluation(self._measuring.evaluation)

    def _section(self, job: str, *parts: QWidget) -> None:
        """Add a part of the card, with the button that measures it."""
        title, name, meaning = SECTIONS[job]
        label = self.headings[job] = text_line(title, "heading")
        label.setWordWrap(True)  # beside the button there is little room
        measure = self._measuring.measure
        button = self.buttons[job] = JobButton(
            "Measure", meaning, self._controllers, job, lambda: measure(job), name=name
        )
        button.failed.connect(lambda sentence: self.notice.say("error", sentence))
        button.ran.connect(lambda began: self.notice.say("error", "") if began else None)
        button.ran.connect(self._show_measured)
        layouts.add(self.body, layouts.across((label, 1), button, margins=0), *parts)

    # Content

    def show_all(self, on: bool) -> None:
        super().show_all(on)
        self._show_measured()

    @Slot()
    def _show_measured(self) -> None:
        """Show what was measured; of the rest a calm card has only the button that measures it."""
        for part, key in ((self.score, "relative_score_error"), (self.budget, TOTAL)):
            found = self._figures.known(key)
            part.setVisible(not self._calm or found.value is not None or found.reason is not None)
        for job, key in MEASURED.items():
            measured = self._figures.value(key) is not None and not self.buttons[job].running
            self.buttons[job].setVisible(not (self._calm and measured))

    @Slot()
    def _problem_changed(self) -> None:
        self.notice.say("error", "")
        if self.state.problem is not None:
            self.marginals.show_data(self.state.problem)
        self._enable()
        self._show_samples()

    @Slot()
    def _forget_failure(self) -> None:
        """Remove the reason for a missing figure: it belonged to other samples or weights."""
        self.notice.say("error", "")

    @Slot()
    def _enable(self) -> None:
        """Enable what can be measured now, and show the figures that data and settings can have."""
        view, run, experiment = self.state.problem, self._playing.trajectory, self.state.experiment
        conflict = None
        if view is not None and not why_disabled.sampling(self._controllers):
            conflict = comparison_conflict(experiment, view.conditions)
        show_text(self.unlike, worded(conflict) or missing(self._figures, "sliced_wasserstein2"))
        possibles = possible(view, experiment)
        self.samples.show_possible(possibles)
        self.score.show_possible(possibles)
        why = {
            "fisher": why_disabled.measuring_score(self._controllers),
            "quality": why_disabled.comparing_samples(self._controllers),
            "budget": why_disabled.budgeting(self._controllers),
            "paths": why_disabled.measuring_paths(self._controllers),
        }
        for job, button in self.buttons.items():
            button.set_why_disabled(why[job])
        unknown = view is not None and not view.known_density
        self.score.show_why(why["fisher"], MEASURE_AGAINST_DATA.format(view.name) if view and unknown else "")
        self.budget.set_why_disabled(why["budget"])
        for part in (self.headings["paths"], self.buttons["paths"], self.paths):
            part.setVisible(view is not None and not view.has_score)
        if run is None:
            self.marginals.histogram.show_samples(None)
        if view is None:
            self.marginals.clear()  # they belonged to data that are gone

    @Slot(str)
    def _training_changed(self, training: str) -> None:
        self._enable()
        trained, self._is_training = self._is_training, training == "training"
        # It takes half a second, or some seconds against a training set, and would slow training.
        view = self.state.problem
        rests = trained and training in ("paused", "finished") and view is not None and view.known_density
        if rests and self.buttons["fisher"].isEnabled() and self.is_open() and not self._training.untrained:
            self._measuring.measure("fisher")

    @Slot(object)
    def _show_evaluation(self, figures: Figures) -> None:
        self._figures = figures
        self.score.show_figures(figures)
        self._enable()
        self.score.show_at(self._playing.sigma)
        self.samples.show_figures(figures)
        self.budget.show_figures(figures)
        self.paths.show_figures(figures)
        self._show_measured()
        show_text(self.alike, not_told_apart(figures))
        self._show_pairs()

    def _show_pairs(self) -> None:
        """Show samples beside the training images nearest to them."""
        near, trajectory = self._figures.value("nearest_neighbour_rows"), self._playing.trajectory
        view, samples, images = self.state.problem, np.zeros((0, 1, 1, 1)), np.zeros((0, 1, 1, 1))
        if near and trajectory is not None and view is not None and view.is_image and max(near) < len(view.points):
            samples, images = np.asarray(trajectory.positions[-1][: len(near)]), view.points[[*near]]
        self.pairs.show_pairs(samples, images)

    def _show_frame(self) -> None:
        if self.isVisible() and self.is_open():
            self._show_samples()

    @Slot()
    def _show_samples(self) -> None:
        self.score.show_at(self._playing.sigma)
        self.marginals.show_samples()
