"""Why a command is disabled now: a sentence that says what to do, or "" where it is enabled.

Panels and commands ask the same function, so that button, menu and key always agree.
"""

from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.style.labels import worded
from playground.lab.conflicts import (
    comparison_conflict,
    likelihood_conflict,
    sampling_conflict,
    training_conflict,
    why_too_few_samples,
)
from playground.lab.label_dropout_checks import untrained_likelihood_score, untrained_unconditional_score

LOADING = "The data are still loading."
IMAGES_FILL_NO_PLANE = "Images have no density over a plane: click on one for its log-likelihood."


def _without_data(controllers: Controllers) -> str:
    """Say why there are no data of these settings."""
    return worded(controllers.building.failure) or ("" if controllers.building.problem is not None else LOADING)


def training(state: State, controllers: Controllers) -> str:
    """Say why training can neither begin nor be paused or taken back."""
    if controllers.training.wanted:
        return ""
    conflict = training_conflict(state.experiment, controllers.building.conditions)
    if conflict is not None:
        return worded(conflict)
    return _without_data(controllers)


def sampling(state: State, controllers: Controllers) -> str:
    """Say why no run can begin."""
    conflict = sampling_conflict(state.experiment, controllers.building.conditions)
    if conflict is not None:
        return worded(conflict)
    return (
        worded(controllers.building.failure) if controllers.building.problem is None else ""
    )  # what is being loaded is played once it is there


def playing(state: State, controllers: Controllers) -> str:
    """Say why there is nothing to play and none will come."""
    return "" if controllers.playing.trajectory is not None else sampling(state, controllers)


def evaluating(state: State, controllers: Controllers) -> str:
    """Say why the test set has no likelihoods."""
    conflict, why = likelihood_conflict(state.experiment), _without_data(controllers)
    if controllers.building.problem is None or why:
        return why
    if conflict is not None:
        return worded(conflict)
    return worded(untrained_likelihood_score(state.experiment, controllers.building.problem.conditions) or "")


def mapping_density(state: State, controllers: Controllers) -> str:
    """Say why the density cannot be mapped: there is no plane, or no density."""
    view = controllers.building.problem
    if view is not None and view.is_image:
        return IMAGES_FILL_NO_PLANE
    return evaluating(state, controllers)


def measuring_score(state: State, controllers: Controllers) -> str:
    """Say why the learned score cannot be compared with another."""
    view, why = controllers.building.problem, _without_data(controllers)
    if view is None or why:
        return why
    if not view.has_reference:
        return f"The exact score of {view.name} is not known, and without noise the training set has none."
    return worded(untrained_unconditional_score(state.experiment, view.conditions) or "")


def comparing_samples(state: State, controllers: Controllers) -> str:
    """Say why the samples cannot be compared with the data; images have some figures that always can."""
    view, run = controllers.building.problem, controllers.playing.trajectory
    why = _without_data(controllers) or sampling(state, controllers)  # a run that is in view still is of other settings
    if view is None or why:
        return why
    conflict = comparison_conflict(state.experiment, view.conditions)
    if conflict is not None and not view.is_image:
        return worded(conflict)
    if run is None or not len(run):
        return "There are no samples to compare with the data yet."
    return "" if view.is_image else worded(why_too_few_samples(len(run.positions[-1])))
