"""Why a command is disabled now: a message that says what to do, or None if it is enabled.

Panels and commands ask the same function, so that button, menu and key always agree.
"""

import functools
from collections.abc import Callable

from playground.app.controllers.controllers import Controllers
from playground.app.model.pinned_runs import is_full
from playground.app.model.views import ProblemView
from playground.lab.conflicts import (
    budget_conflict,
    comparison_conflict,
    likelihood_conflict,
    sampling_conflict,
    tilted_conflict,
    training_conflict,
    why_too_few_samples,
)
from playground.lab.experiment import Experiment
from playground.lab.label_dropout_checks import untrained_likelihood_score, untrained_unconditional_score
from playground.messages import Message

LOADING = Message("loading", "The data are still loading.")
IMAGES_FILL_NO_PLANE = Message("no-plane", "Images have no density over a plane: click on one for its log-likelihood.")
TRAINING = Message("training-goes-on", "Pause training to go back to earlier weights.")
NOT_TRAINED = Message("nothing-trained", "Train first: weights are kept as training goes on.")
UNTRAINED = Message("untrained", "Train first: the network has learned nothing yet.")
NO_STEPS = Message("no-steps", "This file holds no weights of earlier steps.")
NO_SAMPLES = Message("no-samples", "There are no samples to compare with the data yet.")

UNFINISHED = Message("unfinished", "The run has not ended yet: go to its end first.")
COMPARED = Message("compared", "Columns are compared, and the main run is out of view: leave the comparison first.")
FULL = Message("full", "A session keeps no more runs: delete one first.")
PINNED = Message("pinned", "This run is pinned already.")
PREDICT = Message("question-open", "Predict first: this would tell the answer.")
NO_RUNS = Message("no-runs", "No run is pinned yet.")


def _without_data(controllers: Controllers) -> Message | None:
    """The reason why these settings give no data; None if there are data."""
    return controllers.state.failure or (None if controllers.state.problem is not None else LOADING)


def _hidden(controllers: Controllers) -> Message | None:
    """The reason why figures may not be seen yet."""
    return PREDICT if controllers.lessons.hides_values else None


def _with_data(ask: Callable[[Experiment, ProblemView], Message | None]) -> Callable[[Controllers], Message | None]:
    """The reason why nothing can be measured of the data now, or else what is asked of the settings and their data."""

    @functools.wraps(ask)
    def asked(controllers: Controllers) -> Message | None:
        view, why = controllers.state.problem, _hidden(controllers) or _without_data(controllers)
        return why if view is None or why is not None else ask(controllers.state.experiment, view)

    return asked


def training(controllers: Controllers) -> Message | None:
    """The reason why training can neither start nor be paused."""
    if controllers.training.wanted:
        return None
    return training_conflict(controllers.state.experiment, controllers.state.conditions) or _without_data(controllers)


def sampling(controllers: Controllers) -> Message | None:
    """The reason why no run can start."""
    conflict = sampling_conflict(controllers.state.experiment, controllers.state.conditions)
    if conflict is not None:
        return conflict
    return (
        controllers.state.failure if controllers.state.problem is None else None
    )  # data that are being loaded are played when they are there


def playing(controllers: Controllers) -> Message | None:
    """The reason why there is nothing to play and nothing will come, or why it may not be seen yet."""
    if controllers.playing.is_held:
        return PREDICT
    return None if controllers.playing.trajectory is not None else sampling(controllers)


def comparing(controllers: Controllers) -> Message | None:
    """The reason why no runs can be compared."""
    return None if controllers.comparing.is_active else _without_data(controllers)


def choosing_step(controllers: Controllers) -> Message | None:
    """The reason why no earlier training step can be shown."""
    replaying, why = controllers.replaying, _without_data(controllers)
    if why is not None or replaying.can_choose:
        return why
    if controllers.training.status == "training":
        return TRAINING
    return NO_STEPS if replaying.steps else NOT_TRAINED


def exporting_page(controllers: Controllers) -> Message | None:
    """The reason why the columns cannot be exported as a page yet."""
    return controllers.comparing.awaited if controllers.comparing.is_active else None


@_with_data
def evaluating(experiment: Experiment, view: ProblemView) -> Message | None:
    """The reason why the test set has no likelihoods."""
    return likelihood_conflict(experiment) or untrained_likelihood_score(experiment, view.conditions)


def mapping_density(controllers: Controllers) -> Message | None:
    """The reason why the density cannot be mapped."""
    view = controllers.state.problem
    if view is not None and view.is_image:
        return IMAGES_FILL_NO_PLANE
    return evaluating(controllers)


@_with_data
def measuring_score(experiment: Experiment, view: ProblemView) -> Message | None:
    """The reason why the learned score cannot be compared with another."""
    if not experiment.noise.has_score:
        return experiment.noise.score_conflict()
    if not view.has_reference:
        text = "The exact score of {} is not known, and without noise the training set has none."
        return Message("no-reference", text, (view.name,))
    return untrained_unconditional_score(experiment, view.conditions)


def comparing_samples(controllers: Controllers) -> Message | None:
    """The reason why the samples cannot be compared with the data; some figures of images are always possible."""
    view, run = controllers.state.problem, controllers.playing.trajectory
    # A run in view may have other settings.
    why = _hidden(controllers) or _without_data(controllers) or sampling(controllers)
    if view is None or why is not None:
        return why
    conflict = comparison_conflict(controllers.state.experiment, view.conditions)
    has_tilted = (
        tilted_conflict(controllers.state.experiment, view.conditions) is None
    )  # their distance to it can be measured
    if conflict is not None and not view.is_image and not has_tilted:
        return conflict
    if run is None or not len(run):
        return NO_SAMPLES
    return None if view.is_image else why_too_few_samples(len(run.positions[-1]))


def judging(controllers: Controllers) -> Message | None:
    """The reason why it cannot be said how good the samples of the network are."""
    return comparing_samples(controllers) if controllers.training.trained_steps else UNTRAINED


def measuring_paths(controllers: Controllers) -> Message | None:
    """The reason why the paths between two sets cannot be measured."""
    return _hidden(controllers) or sampling(controllers)


@_with_data
def budgeting(experiment: Experiment, view: ProblemView) -> Message | None:
    """The reason why the distance between samples and data cannot be split by its causes."""
    return budget_conflict(experiment, view.conditions)


def pinning(controllers: Controllers) -> Message | None:
    """The reason why the run in view cannot be pinned."""
    pins = controllers.pinning
    if controllers.comparing.is_active:
        return COMPARED
    if pins.finished is None:
        return sampling(controllers) or UNFINISHED
    if is_full(pins.runs):
        return FULL
    return PINNED if pins.is_pinned else None


def exporting_runs(controllers: Controllers) -> Message | None:
    """The reason why there are no runs to export."""
    return None if controllers.pinning.runs else NO_RUNS
