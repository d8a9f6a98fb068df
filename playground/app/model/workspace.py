"""The workspace: one problem with its trainer, and the progress of training."""

import contextlib
import dataclasses
import functools
import itertools
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from playground.app.model import figures
from playground.app.model.views import Bounds, ProblemView, plane_bounds
from playground.app.model.weights import Weights
from playground.app.workers.preload import load_torch
from playground.app.workers.worker import Mailbox, interrupted
from playground.data.dataset import held_out_count
from playground.lab import experiment as description
from playground.lab.conflicts import has_energy, training_conflict
from playground.lab.experiment import Experiment, ExperimentError, reset_key
from playground.lab.keys import ModelKey, TrainingKey
from playground.lab.loss_identity import loss_identity
from playground.lab.points import Points
from playground.lab.progress import TrainingProgress
from playground.lab.recovery import keep_training, session_of
from playground.lab.session import Session, SessionError
from playground.lab.store import Store
from playground.lab.trained import Trained
from playground.resources import resource

if TYPE_CHECKING:
    import torch

    from playground.data import Dataset
    from playground.lab.problem import Problem
    from playground.lab.training import Trainer
    from playground.theory.densities import Density

SHOWN_POINTS = 20_000
MARGINAL_PLACES = 401  # positions of a known density along each axis in view: one or two per pixel of the histogram
LEVELS = 20  # noise levels of a process in views
KEPT_LOSSES = 2_000  # points of the loss curve in a session
SNAPSHOT_SECONDS = 0.15  # greatest age of the weights that sampling uses during training


class FairLock:
    """A lock that the same thread cannot take twice in a row while another waits.

    The trainer takes it again every 60 ms, and Python's own lock may give it to the same thread each time.
    """

    def __init__(self) -> None:
        self._next, self._lock = threading.Lock(), threading.Lock()

    def __enter__(self) -> None:
        with self._next:  # a waiting thread holds this, so that the last owner comes after it
            self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()


@dataclass(frozen=True, eq=False)
class Model:
    """A problem with weights that do not change, for computations during training."""

    problem: "Problem"
    weights: Weights
    view: ProblemView

    @property
    def newest(self) -> Weights:
        """The weights, which training does not change."""
        return self.weights

    @staticmethod
    def of(problem: "Problem", network: "torch.nn.Module | None") -> "Model":
        """The model of a trained network, or of no network if only a known score is followed."""
        tensors = {} if network is None else network.state_dict()
        count = 0 if network is None else sum(weight.numel() for weight in network.parameters())
        return Model(
            problem, Weights(next(_versions), tensors, untrained=network is None), problem_view(problem, count)
        )


@dataclass(eq=False)
class Workspace:
    """A problem, its trainer and its history. It is kept when another replaces it, so that undo can restore it.

    Attributes:
        key: the training; None of one that nothing leads back to.
        stored: the moment of the training that the store has; None if that is not known.
        published: when :attr:`newest` was taken from the trainer, by the monotonic clock.
    """

    problem: "Problem"
    trainer: "Trainer"
    view: ProblemView
    newest: Weights
    chosen: Weights | None = None  # weights of an earlier training step that are shown instead of the newest
    checkpoints: dict[int, Weights] = field(default_factory=dict)  # those that were chosen before, by step
    training: str = "untrained"  # "training", "paused", "finished", "diverged"
    progress: TrainingProgress | None = None
    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    held_out: list[tuple[int, float]] = field(default_factory=list)  # steps and held-out losses
    pending_hyperparameters: Mailbox[Experiment] = field(default_factory=Mailbox)
    published: float = -math.inf
    lock: FairLock = field(default_factory=FairLock)  # held while the trainer works, about 60 ms
    key: TrainingKey | None = None
    stored: tuple[int, str] | None = None

    @property
    def weights(self) -> Weights:
        """The weights that are used for sampling, display and measurements."""
        return self.chosen or self.newest

    def model_key(self, experiment: Experiment, weights: Weights | None = None) -> ModelKey | None:
        """The key of the weights in use, or of others, with an experiment's settings of sampling and likelihoods.

        None while training changes the weights, and if nothing leads back here.
        """
        return None if self.training == "training" else self.key_after((weights or self.weights).made, experiment)

    def key_after(self, step: int, experiment: Experiment) -> ModelKey | None:
        """The key of the weights after a step, with an experiment's settings of sampling and likelihoods."""
        if self.key is None:
            return None
        held_out = None if self.problem.density is not None else len(self.problem.dataset.held_out)
        return ModelKey.after(self.key, step, experiment, held_out)

    @property
    def kept_steps(self) -> tuple[int, ...]:
        """The training steps before the newest whose weights are kept, ascending."""
        return tuple(step for step in self.trainer.checkpoints if step < self.trainer.step)

    @property
    def shown_steps(self) -> tuple[int, ...]:
        """The training steps that can be shown, ascending; the last one is the newest. Empty before training."""
        if not self.trained_steps:
            return ()
        return *(step for step in self.kept_steps if step < self.trained_steps), self.trained_steps

    def choose(self, step: int | None) -> None:
        """Use the weights of a kept step, or the newest.

        Raises:
            KeyError: no weights of this step are kept.
        """
        self.chosen = None if step is None else self.weights_of(step)

    def weights_of(self, step: int) -> Weights:
        """The weights of a kept step.

        Raises:
            KeyError: see :meth:`choose`.
        """
        tensors, known = self.trainer.checkpoints[step], self.checkpoints.get(step)
        if known is None or known.tensors is not tensors:  # training that was reset may keep others of the same step
            earlier = self.trainer.checkpoints.weights
            known = Weights(next(_versions), tensors, untrained=step == 0, step=step, earlier=earlier, made=step)
            self.checkpoints[step] = known
        return known  # of one version, so that its runs and figures are found again

    @property
    def weights_of_steps(self) -> list[Weights]:
        """The weights of each training step that can be shown, the newest last."""
        newest = dataclasses.replace(self.newest, step=self.trained_steps)
        return [*map(self.weights_of, self.kept_steps), newest]

    def weights_at(self, step: int | None) -> Weights:
        """The weights of a step; the newest if none of it are kept; those in use for None."""
        if step is None:
            return self.weights
        return self.weights_of(step) if step in self.kept_steps else self.newest

    @property
    def model(self) -> Model:
        """The problem with the weights in use."""
        return Model(self.problem, self.weights, self.view)

    @property
    def trained_steps(self) -> int:
        """Steps of the last report, or of weights that came without one."""
        return self.progress.step if self.progress is not None else self.trainer.step

    @property
    def is_stored(self) -> bool:
        """Whether the store has all that was trained."""
        return not self.trained_steps or self.moment == self.stored

    @property
    def moment(self) -> tuple[int, str]:
        """The state of the training, which changes whenever it has learned something."""
        return self.trained_steps, self.training

    def become(self, training: str) -> None:
        """Set the status of training."""
        self.training = training

    def follow(self, experiment: Experiment) -> None:
        """Take settings that do not change data and network."""
        self.problem = dataclasses.replace(self.problem, experiment=experiment)

    def measure_on(self, other: "Workspace") -> None:
        """Take the test points of a workspace with the same trainer, which goes on."""
        self.problem, self.view = other.problem, other.view

    @property
    def could_hold_out_more(self) -> bool:
        """Whether finite data were split, when training began, for fewer test points than are requested now."""
        total = len(self.problem.train) + len(self.problem.test)
        then, now = (
            held_out_count(total, problem.experiment.likelihood.points)
            for problem in (self.trainer.problem, self.problem)
        )
        return self.problem.density is None and then < now

    @property
    def loss_history(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps and losses of the training so far, (C,) each; empty if the current objective is not the one that was
        minimized. Choosing the old objective and noise-level distribution again restores them."""
        if loss_identity(self.trainer.problem.experiment) != loss_identity(self.problem.experiment):
            return np.zeros(0), np.zeros(0)
        return self._losses_so_far()

    @property
    def held_out_history(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps and held-out losses, (H,) each, of the same training as :attr:`loss_history`."""
        pairs = list(self.held_out) if len(self.loss_history[0]) else []
        return np.array([step for step, _ in pairs]), np.array([loss for _, loss in pairs])

    def _losses_so_far(self) -> tuple[np.ndarray, np.ndarray]:
        steps, losses = self.steps, self.losses  # a thread may append to them or replace them
        count = min(len(steps), len(losses))
        return np.array(steps[:count]), np.array(losses[:count])

    @property
    def device_text(self) -> str:
        """The device and its threads, for the status bar."""
        kind, threads = self.problem.device.type, torch_threads(self.problem)
        if kind != "cpu":
            return kind.upper()
        return f"CPU, {threads} thread" + ("" if threads == 1 else "s")

    def advance(self, more: bool) -> None:
        """Train for 30 to 60 ms, unless the limit is reached. Takes new settings, and publishes weights from time to time.

        Args:
            more: continue beyond the limit if it was reached before.
        """
        import torch

        torch.set_num_threads(torch_threads(self.problem))
        pending = self.pending_hyperparameters.take()
        if pending is not None:
            self.set_hyperparameters(pending)
        if more and self.trainer.finished:
            self.trainer.extend()
        with self.lock:
            progress = next(self.trainer, None)
        if progress is None:
            return
        self.progress = progress
        self.steps.append(progress.step)
        self.losses.append(progress.loss)
        if progress.held_out_loss is not None:
            self.held_out.append((progress.step, progress.held_out_loss))
        if time.monotonic() - self.published > SNAPSHOT_SECONDS:
            self.publish()

    def remember(self, course: Mapping[str, Any]) -> None:
        """Take over how a training went, see :meth:`summary`, as far as it is valid. It is shown and never used for computing."""
        state, trainer = course.get("state"), self.trainer
        untold = "untrained" if not trainer.step else "finished" if trainer.finished else "paused"
        self.training = state if state in ("paused", "finished", "diverged") else untold
        steps, losses = _valid(course.get("steps"), int), _valid(course.get("losses"), float | None)
        if len(steps) == len(losses):
            known = [place for place, loss in enumerate(losses) if loss is not None]
            self.steps, self.losses = [steps[place] for place in known], [losses[place] for place in known]
        self.held_out = _valid(course.get("held_out"), tuple[int, float])  # a file without them is read
        progress = self.progress = TrainingProgress.from_json(course.get("progress"))
        if progress is not None and progress.optimal_loss is not None and progress.optimal_loss_error is None:
            self.progress = trainer.with_optimal_loss(progress)

    def set_hyperparameters(self, experiment: Experiment) -> None:
        """Continue training with other settings; data, noise, network and seeds stay those of the trainer."""
        with self.lock:
            made_for = self.trainer.problem.experiment
            if loss_identity(experiment) != loss_identity(made_for):  # the two losses have no common scale
                self.steps, self.losses, self.held_out = [], [], []
            training = msgspec.structs.replace(experiment.training, seed=made_for.training.seed)
            self.trainer.set_hyperparameters(
                msgspec.structs.replace(made_for, objective=experiment.objective, training=training)
            )

    def learned_of_labels(self) -> bool:
        """Take over what training has shown of labels; returns whether that changed."""
        shown = self.trainer.problem.hidden_labels
        if shown == self.problem.hidden_labels:
            return False
        self.problem = dataclasses.replace(self.problem, hidden_labels=shown)
        self.view = dataclasses.replace(self.view, conditions=self.problem.conditions)
        return True

    def publish(self) -> None:
        """Publish the newest averaged weights for sampling."""
        self.published = time.monotonic()
        with self.lock:
            self.newest = weights_of(self.trainer)

    def state(self) -> dict[str, np.ndarray] | None:
        """The weights and all that is needed to continue training; None before the first step."""
        with self.lock:
            return self.trainer.state() if self.trainer.step else None

    def summary(self) -> dict[str, Any]:
        """The progress of training, for a session."""
        steps, losses = (values.tolist() for values in self._losses_so_far())
        count = len(steps)
        every = max(count // KEPT_LOSSES, 1)
        trained = self.trainer.problem.experiment
        return {
            "state": "paused" if self.training == "training" else self.training,
            "progress": None if self.progress is None else self.progress.to_json(),
            "objective": msgspec.to_builtins(trained.objective),  # the objective of these losses
            "training": msgspec.to_builtins(trained.training),
            "steps": steps[(count - 1) % every : count : every],  # including the last one
            "losses": losses[(count - 1) % every : count : every],
            "held_out": list(self.held_out),
        }

    def keep_in(self, store: Store) -> None:
        """Keep what came of the training so far, and its points; weights are available only between two blocks of training."""
        assert self.key is not None
        moment = self.moment
        keep_training(store, self.key, self.trained(), self.points)
        self.stored = moment

    def trained(self) -> Trained:
        """What came of the training so far."""
        return Trained(self.state() or {}, self.summary(), str(self.problem.device))

    @functools.cached_property
    def points(self) -> Points:
        """Its points, whose digest takes a second for many images."""
        return Points.of(self.problem.dataset)


_versions = itertools.count(1)


def _valid(told: object, kind: Any) -> list[Any]:
    """A list whose values are all of a kind; empty if they are not."""
    try:
        return msgspec.convert(told, list[kind])
    except msgspec.ValidationError:
        return []


def weights_of(trainer: "Trainer") -> Weights:
    """The newest averaged weights of a training, and those that it keeps of earlier steps."""
    kept, made = trainer.checkpoints.weights, trainer.step
    return Weights(next(_versions), trainer.snapshot(), untrained=not made, earlier=kept, made=made)


def torch_threads(problem: "Problem") -> int:
    """The number of threads for torch, for this problem on this machine."""
    from playground.lab.training import recommended_threads

    return recommended_threads(problem, os.cpu_count() or 1)


def assemble(
    experiment: Experiment,
    device_name: str,
    key: TrainingKey | None = None,
    store: Store | None = None,
    *,
    dataset: "Dataset | None" = None,
    previous: Workspace | None = None,
    shared: "Problem | None" = None,
    given: Callable[[], Session | None] = lambda: None,
) -> Iterator[tuple[float, Workspace]]:
    """Load the data and build the network. The first call is slow, because it imports torch.

    Args:
        key: the training; what the store has of it is used, unless there is a workspace of before.
        store: None together with `key`.
        dataset: data that are already loaded.
        previous: a workspace whose trainer continues, if only measurements changed.
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
        yield (
            1.0,
            dataclasses.replace(
                previous, problem=problem, view=problem_view(problem, previous.view.parameters_count), key=key
            ),
        )
        return
    trainable = problem
    if training_conflict(experiment, problem.conditions) is not None:
        # The data are shown before a fitting objective is chosen; the Train button says what does not fit.
        trainable = dataclasses.replace(
            problem, experiment=description.replace(experiment, {"objective.kind": "exact"})
        )
    trainer = Trainer(trainable)
    weights = weights_of(trainer)
    count = sum(weight.numel() for weight in trainer.network.parameters())
    workspace = Workspace(problem, trainer, problem_view(problem, count), weights, key=key)
    if session is not None and session.weights:
        # First, because the weights do not say with which settings they were trained.
        _restore_hyperparameters(trainer, session)
        trainer.restore(dict(session.weights))
        workspace.publish()
        workspace.remember(session.training)
    yield 1.0, workspace


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


def problem_view(problem: "Problem", parameters_count: int) -> ProblemView:
    """The values of a problem and its network for the window."""
    from playground.lab.diagnostics import data_diagnostics, objective_diagnostics

    of_any = data_diagnostics(problem)  # outside the GUI thread, which asks again for each objective
    dataset, noise, units = problem.dataset, problem.noise, problem.units
    is_image = len(problem.shape) == 3
    resolved = problem.resolve()
    has_process = problem.experiment.noise.has_path
    sigmas = noise.levels(LEVELS) if has_process else np.array([noise.sigma_max])
    shown, labels, count = dataset.points, dataset.labels, len(dataset.points)
    if count > SHOWN_POINTS:  # all of them are shown without a copy
        rows = problem.some_rows(count, SHOWN_POINTS, "shown")
        shown, labels = shown[rows], None if labels is None else labels[rows]
    bounds = (0.0, 1.0, 0.0, 1.0) if is_image else plane_bounds(dataset.points)
    known = problem.density
    weights = None if known is None or known.modes is None else known.mode_weights
    return ProblemView(
        name=dataset.name,
        points=shown,
        count=count,
        test_points=len(problem.evaluation_points),
        bounds=bounds,
        brightness=shown.reshape(len(shown), -1).mean(axis=1) if is_image else None,
        limits=(float(shown.min()), float(shown.max())),
        axes=dataset.axes,
        data=problem.experiment.data,
        note=dataset.note,
        is_image=is_image,
        isotropic=units.isotropic,
        known_density=problem.path_density is not None,
        has_process=has_process,
        has_score=problem.has_score,
        has_energy=has_energy(problem.experiment),
        has_kernel_density=problem.kernel_width() is not None,
        sigma_min=units.sigma_to_user(noise.sigma_min),
        sigma_max=units.sigma_to_user(noise.sigma_max),
        sigmas=np.array([units.sigma_to_user(float(sigma)) for sigma in sigmas]),
        sigma=units.sigma_to_user(1.0),
        diameter=units.sigma_to_user(problem.diameter()),
        parameters_count=parameters_count,
        conditions=problem.conditions,
        labelled=dataset.labels is not None,
        labels=labels,
        class_names=dataset.class_names,
        diagnostics=lambda objective: (*objective_diagnostics(problem, objective), *of_any),
        mode_weights=None if weights is None else weights.numpy(),
        modes=None if dataset.density is None or dataset.density.modes is None else dataset.density.modes.numpy(),
        marginals=None if dataset.density is None else _marginals(dataset.density, bounds),
        resolved=resolved,
    )


def _marginals(density: "Density", bounds: Bounds) -> np.ndarray:
    """See :class:`ProblemView`; without noise they are those of the data."""
    import torch

    exact, found = density.to("cpu", torch.float64), []
    for axis, (low, high) in enumerate((bounds[:2], bounds[2:])):
        places = torch.linspace(low, high, MARGINAL_PLACES, dtype=torch.float64)
        found.append(torch.stack([places, exact.marginal(axis).cdf(places[:, None])]).numpy())
    return np.stack(found)
