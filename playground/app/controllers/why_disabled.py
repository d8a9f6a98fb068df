"""Why a command is disabled now: a sentence that says what to do, or "" where it is enabled.

Panels and commands ask the same function, so that button, menu and key always agree.
"""

from playground.app.controllers.engine import Engine
from playground.app.model.state import State
from playground.app.model.views import conditions_of
from playground.app.style.labels import spoken
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


def _without_data(engine: Engine) -> str:
    """Say why there are no data of these settings."""
    return spoken(engine.failure) or ("" if engine.problem is not None else LOADING)


def training(state: State, engine: Engine) -> str:
    """Say why training can neither begin nor be paused or taken back."""
    if engine.training_wanted:
        return ""
    conflict = training_conflict(state.experiment, conditions_of(engine.problem))
    if conflict is not None:
        return spoken(str(conflict))
    return _without_data(engine)


def sampling(state: State, engine: Engine) -> str:
    """Say why no run can begin."""
    conflict = sampling_conflict(state.experiment, conditions_of(engine.problem))
    if conflict is not None:
        return spoken(str(conflict))
    return spoken(engine.failure) if engine.problem is None else ""  # what is being loaded is played once it is there


def playing(state: State, engine: Engine) -> str:
    """Say why there is nothing to play and none will come."""
    return "" if engine.trajectory is not None else sampling(state, engine)


def evaluating(state: State, engine: Engine) -> str:
    """Say why the test set has no likelihoods."""
    conflict, why = likelihood_conflict(state.experiment), _without_data(engine)
    if engine.problem is None or why:
        return why
    if conflict is not None:
        return spoken(str(conflict))
    return spoken(untrained_likelihood_score(state.experiment, engine.problem.conditions) or "")


def mapping_density(state: State, engine: Engine) -> str:
    """Say why the density cannot be mapped: there is no plane, or no density."""
    view = engine.problem
    if view is not None and view.is_image:
        return IMAGES_FILL_NO_PLANE
    return evaluating(state, engine)


def measuring_score(state: State, engine: Engine) -> str:
    """Say why the learned score cannot be compared with another."""
    view, why = engine.problem, _without_data(engine)
    if view is None or why:
        return why
    if not view.has_reference:
        return f"The exact score of {view.name} is not known, and without noise the training set has none."
    return spoken(untrained_unconditional_score(state.experiment, view.conditions) or "")


def comparing_samples(state: State, engine: Engine) -> str:
    """Say why the samples cannot be compared with the data; images have some figures that always can."""
    view, run = engine.problem, engine.trajectory
    why = _without_data(engine) or sampling(state, engine)  # a run that is in view still is of other settings
    if view is None or why:
        return why
    conflict = comparison_conflict(state.experiment, view.conditions)
    if conflict is not None and not view.is_image:
        return spoken(str(conflict))
    if run is None or not len(run):
        return "There are no samples to compare with the data yet."
    return "" if view.is_image else spoken(str(why_too_few_samples(len(run.positions[-1])) or ""))
