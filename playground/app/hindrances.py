"""Why something cannot be done now: a sentence that says what to do, or nothing where it can be done.

Panels and commands ask the same function, so that what a button refuses no menu and no key does.
"""

from playground.app.engine import Engine
from playground.app.labels import spoken
from playground.app.state import State
from playground.app.views import conditions_of
from playground.lab.conflicts import (
    comparison_conflict,
    few_samples,
    likelihood_conflict,
    sampling_conflict,
    training_conflict,
)
from playground.lab.label_dropout_checks import untrained_likelihood_score, untrained_unconditional_score

LOADING = "The data are being loaded: a moment."
IMAGES_FILL_NO_PLANE = "Images have no density over a plane: click on one for its log-likelihood."


def to_anything(engine: Engine) -> str:
    """There are no data of these settings."""
    return spoken(engine.failure) or ("" if engine.problem is not None else LOADING)


def to_training(state: State, engine: Engine) -> str:
    """Training can neither begin nor be paused or taken back."""
    if engine.training_wanted:
        return ""
    conflict = training_conflict(state.experiment, conditions_of(engine.problem))
    if conflict is not None:
        return spoken(conflict.sentence)
    return to_anything(engine)


def to_sampling(state: State, engine: Engine) -> str:
    """No run can begin."""
    conflict = sampling_conflict(state.experiment, conditions_of(engine.problem))
    if conflict is not None:
        return spoken(conflict.sentence)
    return spoken(engine.failure) if engine.problem is None else ""  # what is being loaded is played once it is there


def to_playing(state: State, engine: Engine) -> str:
    """There is nothing to play and none will come."""
    return "" if engine.trajectory is not None else to_sampling(state, engine)


def to_evaluating(state: State, engine: Engine) -> str:
    """The test set has no likelihoods."""
    conflict, why = likelihood_conflict(state.experiment), to_anything(engine)
    if engine.problem is None or why:
        return why
    if conflict is not None:
        return spoken(conflict.sentence)
    return spoken(untrained_likelihood_score(state.experiment, engine.problem.conditions) or "")


def to_mapping(state: State, engine: Engine) -> str:
    """There is no plane for a map of the density, or no density."""
    view = engine.problem
    if view is not None and view.is_image:
        return IMAGES_FILL_NO_PLANE
    return to_evaluating(state, engine)


def to_measuring_score(state: State, engine: Engine) -> str:
    """The learned score cannot be held against another."""
    view, why = engine.problem, to_anything(engine)
    if view is None or why:
        return why
    if not view.has_reference:
        return f"The exact score of {view.name} is not known, and without noise no other is."
    return spoken(untrained_unconditional_score(state.experiment, view.conditions) or "")


def to_comparing(state: State, engine: Engine) -> str:
    """The samples cannot be compared with the data; of images there are figures that always can."""
    view, run = engine.problem, engine.trajectory
    why = to_anything(engine) or to_sampling(state, engine)  # a run that is in view still is of other settings
    if view is None or why:
        return why
    conflict = comparison_conflict(state.experiment, view.conditions)
    if conflict is not None and not view.is_image:
        return spoken(conflict.sentence)
    if run is None or not len(run):
        return "There are no samples to compare with the data yet."
    return "" if view.is_image else spoken(few_samples(len(run.positions[-1])))
