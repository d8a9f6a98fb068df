"""Makes the problem, network and training that settings describe, from a store, a session or anew."""

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from playground.app.model import figures
from playground.app.model.live_training import LiveTraining, torch_threads
from playground.app.model.model import LiveModel
from playground.app.model.problem_views import problem_view
from playground.app.workers.preload import load_torch
from playground.app.workers.worker import interrupted
from playground.lab import experiment as description
from playground.lab.conflicts import training_conflict
from playground.lab.experiment import Experiment, ExperimentError, reset_key
from playground.lab.keys import TrainingKey
from playground.lab.points import Points
from playground.lab.recovery import session_of
from playground.lab.session import Session, SessionError
from playground.lab.store import Store
from playground.resources import resource

if TYPE_CHECKING:
    from playground.data import Dataset
    from playground.lab.problem import Problem
    from playground.lab.training import Trainer


def assemble(
    experiment: Experiment,
    device_name: str,
    key: TrainingKey | None = None,
    store: Store | None = None,
    *,
    dataset: "Dataset | None" = None,
    previous: LiveModel | None = None,
    shared: "Problem | None" = None,
    given: Callable[[], Session | None] = lambda: None,
) -> LiveModel:
    """Load the data and build the network. The first call is slow, because it imports torch.

    Args:
        key: the training; what the store has of it is used, unless there is a model of before.
        store: None together with `key`.
        dataset: data that are already loaded.
        previous: a model whose training continues, if only measurements changed.
        shared: a problem with the same points, whose memory is shared.
        given: reads a session, which takes the place of a training that the store does not have, if there is one.

    Raises:
        ExperimentError, DataError: a sentence for the user.
    """
    load_torch()
    import torch

    from playground.lab.problem import Problem, choose_device
    from playground.lab.training import Trainer

    session = None
    if store is not None and key is not None and previous is None:
        if key not in store:
            with contextlib.suppress(SessionError):  # missing or damaged: train
                figures.keep_session(store, key, given())
        session = session_of(store, key, experiment)
    if previous is not None and previous.problem.density is None:
        shared = previous.problem  # a new split would test points that its trainer has seen
    if shared is not None and session is None:
        problem = shared.with_experiment(experiment)
    else:
        problem = Problem.build(
            experiment, session.dataset() if session else dataset, choose_device(device_name, experiment), interrupted
        )
    torch.set_num_threads(torch_threads(problem))
    if previous is not None:
        view = problem_view(problem, previous.view.parameters_count)
        return dataclasses.replace(previous, problem=problem, view=view, points=Points.of(problem.dataset))
    trainable = problem
    if training_conflict(experiment, problem.conditions) is not None:
        # The data are shown before a fitting objective is chosen; the Train button says what does not fit.
        trainable = problem.edited({"objective.kind": "exact"})
    trainer = Trainer(trainable)
    course: Mapping[str, Any] = {}
    if session is not None and session.weights:
        # First, because the weights do not say with which settings they were trained.
        _restore_hyperparameters(trainer, session)
        trainer.restore(dict(session.weights))
        course = session.training
    count = sum(weight.numel() for weight in trainer.network.parameters())
    training = LiveTraining(trainer, key, course)
    view, points = problem_view(problem, count), Points.of(problem.dataset)
    return LiveModel(problem, training.now.newest, view, training, points)


def bundled_session(experiment: Experiment) -> Session | None:
    """The bundled session for these data, if its weights have exactly these settings."""
    path = resource(f"checkpoints/{experiment.data.kind}.spg")
    if not path.is_file():
        return None
    session = Session.load(path)
    made_for = session.experiment
    same = (reset_key(made_for), made_for.likelihood) == (reset_key(experiment), experiment.likelihood)
    return session if same else None


def _restore_hyperparameters(trainer: "Trainer", session: Session) -> None:
    """Give a trainer the settings with which a session's weights were trained, as far as they are valid."""
    changes = {
        f"{section}.{name}": value
        for section in ("objective", "training")
        for name, value in (session.training.get(section) or {}).items()
    }
    # Otherwise they count as trained with the chosen settings.
    with contextlib.suppress(ExperimentError, AttributeError, TypeError):
        made_for = trainer.problem.experiment
        trained = description.replace(session.experiment, {**changes, "training.seed": made_for.training.seed})
        trainer.set_hyperparameters(
            msgspec.structs.replace(made_for, objective=trained.objective, training=trained.training)
        )
