"""The computing of a cell: training, sampling and figures."""

import collections
import math
import traceback
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import torch

from playground.kinds import plugins
from playground.lab import evaluation
from playground.lab import experiment as experiments
from playground.lab.checkpoints import PREFIX
from playground.lab.comparison import shared_path
from playground.lab.conflicts import sampling_conflict
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.figures import OVER_FLOOR
from playground.lab.loss_curve import losses_along_sigma
from playground.lab.model import Model
from playground.lab.problem import Problem, choose_device
from playground.lab.provenance import Provenance
from playground.lab.sampling import sample
from playground.lab.session import Session
from playground.lab.sweep.orders import Delivery, Order, packed, unpacked
from playground.lab.training import Trainer
from playground.user_errors import UserError, user_error
from playground.version import __version__

Done = TypeVar("Done")


def deliver(order: Order) -> Delivery:
    """Do the work of :func:`playground.lab.sweep.running.compute`."""
    if order.version != __version__:
        raise UserError(
            f"A worker runs Score Playground {__version__}, not {order.version}: install the same version there."
        )
    plugins.load_all(order.plugin_files)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the same in every process, because sums of floats depend on it
    trained: bytes | None = None
    try:
        experiment = experiments.from_tree(order.settings, Experiment())
        session = None if order.model is None else unpacked(order.model)
        if order.trains:
            session = _train(experiment, order.device, order.keeps_checkpoints)
            trained = packed(session)
        return Delivery(_measured(experiment, session, order), trained)
    except (Exception, SystemExit) as error:  # of a plug-in perhaps: the other cells go on
        said = user_error(error)
        if said is not None:
            return Delivery({"error": str(said)}, trained)
        kind = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        log = "".join(traceback.format_exception(error))
        return Delivery({"error": f"This should not have happened ({kind})."}, trained, log)
    finally:
        torch.set_num_threads(threads)


def _train(experiment: Experiment, device: str, keeps_checkpoints: bool) -> Session:
    trainer = Trainer(Problem.build(experiment, device=choose_device(device, experiment)))
    progress = _last(iter(trainer))
    if progress.diverged is not None:
        raise ExperimentError(progress.diverged)
    state = trainer.state()
    if not keeps_checkpoints:  # they would take most of the file
        state = {name: array for name, array in state.items() if not name.startswith(PREFIX)}
    return Session.of(experiment, trainer.problem.dataset, weights=state, device=str(trainer.problem.device))


def _measured(experiment: Experiment, session: Session | None, order: Order) -> dict[str, Any]:
    device = choose_device(order.device, experiment)
    if session is None:
        tried = Model(Problem.build(experiment, device=device), None)
    else:
        tried = Model.of(session, experiment, device)
    conflict = sampling_conflict(tried.problem.experiment, tried.problem.conditions)
    if conflict is not None:
        raise ExperimentError(conflict)
    path = shared_path(tried.problem, tried.problem.experiment.sampling.seed)
    trajectory = _last(sample(tried.problem, tried.score, path=path))
    samples = trajectory.positions[-1]
    if order.measure == "samples":
        measuring = evaluation.sample_distances(tried.problem, samples)
    else:
        measuring = evaluation.evaluate(tried.problem, tried.likelihood_score, samples)
    metrics = _last(measuring).metrics
    assert metrics is not None
    cost = {"nfe_mean": float(trajectory.nfe_mean[-1]), "sampling_seconds": trajectory.seconds}
    found: dict[str, Any] = {
        "metrics": _numbers(metrics) | cost,
        "provenance": Provenance.of(experiment, device).as_json(),
    }
    if order.losses:
        found["curves"] = losses_along_sigma(tried.problem, tried.score)
    return found


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The figures that are numbers, and the ratio of each distance to its floor."""
    found = {
        key: float(value)
        for key, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
    for key, floor in OVER_FLOOR.items():
        if found.get(floor):
            found[f"{key}_over_floor"] = found[key] / found[floor]
    return found


def _last(work: Iterator[Done]) -> Done:
    """Do all of the work; its last item."""
    (last,) = collections.deque(work, maxlen=1)
    return last
