"""Training as an iterator: iterate a :class:`Trainer` to get progress reports; stop iterating to pause.

The most common training, an MLP by denoising, makes blocks of steps in one call
(:mod:`playground.theory.fused_training`).
"""

import functools
import math
import statistics
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.lab.batches import sample_batch
from playground.lab.checkpoints import Checkpoints
from playground.lab.compute import computes
from playground.lab.conflicts import refuse, training_conflict
from playground.lab.defaults import EVALUATION_PASSES, resolve
from playground.lab.divergence import why_diverged
from playground.lab.early_stopping import EarlyStopping, next_check
from playground.lab.experiment import Experiment, ExperimentError, value
from playground.lab.keys import ProblemKey, TrainingKey
from playground.lab.learning_rate import learning_rate
from playground.lab.loss_identity import loss_identity
from playground.lab.objective import build_objective
from playground.lab.problem import Problem
from playground.lab.progress import TrainingProgress as TrainingProgress
from playground.lab.reflow import HALF, flow_pairs
from playground.lab.trained import Trained, course_of
from playground.lab.weights import State, Weights, damaged, hidden_labels, load_weights
from playground.messages import Message
from playground.theory.densities import Density
from playground.theory.fused_training import denoising_steps, matching_steps
from playground.theory.metrics import mean_with_error
from playground.theory.networks import MLP, Energy, ScoreNetwork
from playground.theory.noise import ScoreFunction
from playground.theory.objectives import Denoising, Exact, Objective, Sliced
from playground.theory.partition import StandardNormal
from playground.theory.start_set import MatchedPairs

VELOCITY_DRAWS = 20_000  # pairs of points for the loss of the true velocity between two sets
CHUNK_SECONDS = 0.03  # seconds of training between two progress reports: two frames of the window
BLOCK, BLOCK_WORK = 32, 4e8  # most steps in one call, and their points times weights: about 60 ms
FUSED: dict[type[ScoreNetwork], tuple[type[Objective], ...]] = {MLP: (Denoising, Exact, Sliced), Energy: (Denoising,)}
"""The objectives whose random numbers are drawn in blocks of steps, by network; an MLP makes these steps in one call."""

EVALUATED, EVALUATION_BATCH = 16, 512  # draws for the final loss, and points in each
GOOD, EXPLODED, COLLAPSED = 10.0, 100.0, 1e4  # bounds of a loss, as multiples of a Gaussian score's loss


class Trainer:
    """Trains a network on a problem by Adam, with averaged weights; each iteration trains for 30 to 60 ms.

    Random numbers are drawn block by block for the fused call. The length of a block depends on the experiment alone and
    not on speed, so the same experiment trains the same weights.

    Args:
        problem: data, noise and settings.

    Attributes:
        objective: the loss that it minimises.

    Raises:
        ExperimentError: the objective does not fit the noise, or the network the data.
    """

    def __init__(self, problem: Problem) -> None:
        self.network = problem.network()
        self.ema = problem.network()
        self.ema.load_state_dict(self.network.state_dict())
        self._weights = Weights(self.network, self.ema)
        self._parameters = list(self.network.parameters())
        self._generator = problem.generator("training")
        self._rate = 0.0
        self._loss_identity: tuple[object, ...] = ()  # of the losses so far
        self._names = [name for name, _ in self.ema.named_parameters()]
        self.stopping = EarlyStopping(problem, self._names)
        self.checkpoints = Checkpoints()
        self.seconds = 0.0
        start = problem.noise.start
        self._matched: MatchedPairs | None = None
        if start is not None and start.coupling == "optimal-transport":
            self._matched = MatchedPairs(start, problem.train, problem.generator)
        self._flow_pairs: tuple[Tensor, Tensor] | None = None
        self.problem = problem
        self._set(problem.experiment)
        self._limits = _limits(problem.experiment)

    @property
    def step(self) -> int:
        """Steps made."""
        return self._weights.step

    @property
    def finished(self) -> bool:
        """Whether the limit of steps or seconds is reached, or training diverged or stopped early; :meth:`extend` goes on."""
        return self._diverged is not None or self.stopping.stopped or self._done(self.step, self.seconds) >= 1

    @property
    def facts(self) -> dict[str, Any]:
        """What a report does not say: the settings, the labels hidden so far, the seconds, and whether and how training ended."""
        return {
            "experiment": self.problem.experiment,
            "hidden_labels": self.problem.hidden_labels,
            "seconds": self.seconds,
            "finished": self.finished,
            "stopped": self.stopping.stopped,
        }

    @property
    def kept(self) -> Mapping[int, Mapping[str, Tensor]]:
        """The averaged weights that are kept of earlier steps, by their step; training replaces this mapping."""
        return self.checkpoints.weights

    def set_hyperparameters(self, experiment: Experiment) -> None:
        """Change the settings of training and objective from the next step on.

        Raises:
            ExperimentError: the objective does not fit the noise.
            ValueError: the data, noise, network or seed of training differ, which needs a new trainer.
        """
        old = self.problem.experiment
        if experiment.data != old.data:
            raise ValueError("A change of data needs a new trainer.")
        for key in ("noise", "network", "training.seed"):
            if value(experiment, key) != value(old, key):
                raise ValueError(f"A change of {key} needs a new trainer.")
        self._set(experiment)
        limits = _limits(experiment)
        if limits != _limits(old):  # otherwise the limits set by extend() stay
            self._limits = limits

    def _set(self, experiment: Experiment) -> None:
        refuse(training_conflict(experiment, self.problem.conditions))
        self.problem = replace(self.problem, experiment=experiment)
        self.objective = build_objective(self.problem)
        before, self._loss_identity = self._loss_identity, loss_identity(experiment)
        if self._loss_identity != before:  # other settings do not change the loss
            self._optimal_loss: float | None = None
            self._optimal_loss_error: float | None = None
            self._reference: float | None = None
        if self._loss_identity != before or self.stopping.acts != self.problem.stops_early:
            self.stopping = EarlyStopping(self.problem, self._names)
            self.stopping.resume(self.step)
        self._diverged: Message | None = None

    def extend(self) -> None:
        """Allow as many further steps and seconds as the experiment's limits."""
        steps, seconds = _limits(self.problem.experiment)
        self._limits = (self.step + steps, self.seconds + seconds)
        self.stopping.resume(self.step)
        self._diverged = None

    def __iter__(self) -> Iterator[TrainingProgress]:
        return self

    def __next__(self) -> TrainingProgress:
        if self.finished:
            raise StopIteration
        if self._reference is None:
            self._find_baselines()
        self.checkpoints.offer(self.step, self.snapshot)
        start = time.perf_counter()
        steps = self._chunk()
        loss, learning_rate = self._train(steps)
        spent = time.perf_counter() - start
        self.seconds += spent
        # The rate is smoothed over about a second, whatever the chunk's length.
        memory = math.exp(-spent) if self._rate else 0.0
        self._rate = memory * self._rate + (1 - memory) * steps / spent
        self._check(loss)
        checked = self._check_held_out(loss, steps)
        return TrainingProgress(
            step=self.step,
            seconds=self.seconds,
            steps_per_second=self._rate,
            loss=loss,
            optimal_loss=self._optimal_loss,
            learning_rate=learning_rate,
            seconds_left=0.0 if self.finished else self._seconds_left(),
            finished=self.finished,
            diverged=self._diverged,
            optimal_loss_error=self._optimal_loss_error,
            held_out_loss=checked and checked[0],
            held_out_error=checked and checked[1],
            note=self.stopping.note(self.step) if self.finished else None,
        )

    def _check_held_out(self, loss: float, steps: int) -> tuple[float, float] | None:
        """Measure the held-out loss when it is due, and at the end restore the best averaged weights."""
        self.stopping.add_losses(loss, steps)
        due = next_check(self.step - steps) <= self.step or self.finished
        if self._diverged is not None or not due or not self.problem.has_held_out_loss:
            return None
        found = self.stopping.check(self.step, self.ema)
        if self.finished:
            self.stopping.take_best(self.ema)
        return found

    def evaluate_loss(self) -> Generator[float, None, tuple[float, float]]:
        """The loss of the averaged weights on many draws, and its standard error; yields the fraction done.

        The error is computed from the draws' means, because points of one draw may share their noise levels, as in
        maximum likelihood.
        """
        generator, means = self.problem.generator("final loss"), []
        passes = max(1, self.problem.experiment.objective.passes(math.prod(self.problem.shape)))
        batch = max(4, min(EVALUATION_BATCH, EVALUATION_PASSES // passes))
        for number in range(EVALUATED):
            yield number / EVALUATED
            drawn = sample_batch(self.problem, self.network, 1, max(batch, self.objective.target_batch), generator)
            means.append(float(self._loss(self.ema, drawn, generator).detach().mean()))
        return statistics.fmean(means), statistics.stdev(means) / math.sqrt(EVALUATED)

    def held_out_loss(self, loss: float, error: float) -> tuple[float, float] | None:
        """Return the final loss plus the gap between held-out points and training points, and its error.

        None if the network needs labels, which held-out points lack: it was never trained without them.
        """
        if not self.problem.has_held_out_loss:
            return None
        found = self.stopping.evaluate(self.ema)
        return loss + found.gap, math.hypot(error, found.gap_error)

    def snapshot(self) -> dict[str, Tensor]:
        """A copy of the averaged weights, for `load_state_dict` in another thread."""
        return {name: tensor.detach().clone() for name, tensor in self.ema.state_dict().items()}

    def state(self) -> dict[str, np.ndarray]:
        """Everything needed to continue, by name: weights under ``network.`` and ``ema.``, optimizer, clock, generator."""
        arrays = {
            f"{kind}.{name}": tensor.detach().cpu().numpy().copy()
            for kind, network in (("network", self.network), ("ema", self.ema))
            for name, tensor in network.state_dict().items()
        }
        hidden = self.problem.hidden_labels
        matched = self._matched
        return arrays | {
            **_arrays("reflow", self._flow_pairs),
            **(
                {}
                if matched is None
                else _arrays("pairs", (matched.x, matched.z))
                | {"pairs.drawn": np.array([matched.batches, matched.drawn])}
            ),
            **({} if hidden is None else {"hidden_labels": np.array(hidden)}),
            **{name: vector.cpu().numpy() for name, vector in self._weights.moments.items()},
            "step": np.array(self.step, dtype=np.int64),
            "seconds": np.array(self.seconds),
            "limits": np.array(self._limits, dtype=np.float64),
            **self.stopping.state(),
            **self.checkpoints.state(),
            "generator": self._generator.get_state().numpy().copy(),
        }

    def restore(self, state: State) -> None:
        """Restore what :meth:`state` returned; the next steps are then the same (on the same kind of device).

        A checkpoint may leave out ``network.`` and ``adam.``, three quarters of the state. Training then goes on from
        the averaged weights with a new optimizer.

        Raises:
            ExperimentError: the weights belong to another network, or something is missing or damaged.
        """
        try:
            load_weights(self.network, state, "network" if "adam.first" in state else "ema")
            load_weights(self.ema, state)
            if "adam.first" in state:
                self._weights.moments = {
                    name: torch.from_numpy(np.array(state[name])) for name in ("adam.first", "adam.second")
                }
            self._weights.step = int(state["step"])
            self.seconds = float(state["seconds"])
            steps, seconds = state["limits"].tolist()
            self._limits = (steps, seconds)
            self.stopping.restore(state, self.problem.device)
            self.checkpoints.restore(state, self.ema.state_dict())
            hidden = hidden_labels(state)
            if "reflow.0" in state and not self.problem.has_score:
                self._flow_pairs = self._restored_pairs(state, "reflow")
            if "pairs.0" in state and self._matched is not None:
                self._matched.x, self._matched.z = self._restored_pairs(state, "pairs")
                self._matched.batches, self._matched.drawn = state["pairs.drawn"].tolist()
            generator_state = torch.from_numpy(np.array(state["generator"]))
            if generator_state.numel() == self._generator.get_state().numel():  # the generators of devices differ
                self._generator.set_state(generator_state)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            if isinstance(error, ExperimentError):
                raise
            raise damaged(error) from None
        self.problem = replace(self.problem, hidden_labels=hidden)
        self._diverged = None
        self._weights.keep()

    def _restored_pairs(self, state: State, name: str) -> tuple[Tensor, Tensor]:
        first, second = (
            torch.from_numpy(np.array(state[f"{name}.{n}"], dtype=np.float32)).to(self.problem.device) for n in range(2)
        )
        if first.shape != second.shape or first.shape[1:] != self.problem.shape:
            raise ValueError(f"{name} have the shape of the points")
        return first, second

    def _done(self, step: float, seconds: float) -> float:
        """The fraction of training that is done, 1 at the limit."""
        shares = [made / limit if limit else 1.0 for made, limit in zip((step, seconds), self._limits, strict=True)]
        return min(max(shares), 1.0)

    def _seconds_left(self) -> float:
        steps, seconds = self._limits
        return min((steps - self.step) / self._rate, seconds - self.seconds)

    def _chunk(self) -> int:
        """Return how many steps to make in one go: a block, or about 30 ms of steps, or 1 while the rate is unknown."""
        steps, seconds = self._limits
        if self._fused:  # does not depend on speed
            return int(min(self._block, steps - self.step))
        if not self._rate:
            return 1
        affordable = math.ceil(self._rate * min(CHUNK_SECONDS, seconds - self.seconds))
        due = min(steps, next_check(self.step), self.checkpoints.due)  # whatever the speed, these are at the same steps
        return int(max(1, min(affordable, due - self.step)))

    @property
    def drawn_at_once(self) -> int:
        """The steps whose random numbers are drawn together; the last steps may be fewer."""
        return self._block if self._fused else 1

    @property
    def _fused(self) -> bool:
        kind, objective = type(self.network), type(self.objective)
        return objective in FUSED.get(kind, ())

    @property
    def _block(self) -> int:
        passes = 1 + self.problem.experiment.objective.passes(math.prod(self.problem.shape))
        work = passes * self.problem.batch * len(self._weights.live)
        return max(1, min(BLOCK, int(BLOCK_WORK / work)))

    def _train(self, steps: int) -> tuple[float, float]:
        """Make some steps; return the mean loss and the last learning rate. The device is waited for once, at the end."""
        rates = [self._learning_rate(made) for made in range(steps)]
        problem, start = self.problem, self.problem.noise.start
        reflow = problem.experiment.training.reflow and self._flow_pairs is None  # for the second half
        if reflow and not problem.has_score and self._done(self.step, self.seconds) >= HALF:
            assert start is not None
            self._flow_pairs = flow_pairs(problem.process(), start, self.ema, problem.generator("reflow"))
        loss = self._train_fused(rates) if self._fused else self._train_plainly(rates)
        self._remember_labels()
        return float(loss), rates[-1]

    def _remember_labels(self) -> None:
        """Record the present label dropout, if the network takes labels."""
        share, before = self.problem.experiment.training.label_dropout, self.problem.hidden_labels
        if self.problem.conditions.classes:
            hidden = (share, share) if before is None else (min(share, before[0]), max(share, before[1]))
            if hidden != before:
                self.problem = replace(self.problem, hidden_labels=hidden)

    def _learning_rate(self, made: int) -> float:
        """Return the learning rate of the step after `made` further steps."""
        settings, step = self.problem.experiment.training, self.step + made
        seconds = self.seconds + (made / self._rate if self._rate else 0.0)
        return learning_rate(settings.learning_rate, settings.lr_schedule, step, self._done(step, seconds))

    def _starts(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor] | None:
        """Points (N, dim) and the start points that they are paired with; None if the flow starts at noise.

        Args:
            x: the points that were drawn, which are replaced where only some pairs are known.
        """
        start = self.problem.noise.start
        if start is None:
            return None
        if self._flow_pairs is not None:
            rows = torch.randint(len(self._flow_pairs[0]), (len(x),), generator=generator, device=x.device)
            return self._flow_pairs[0][rows], self._flow_pairs[1][rows]
        if self._matched is not None:
            return self._matched.draw(len(x), generator)
        return x, start.sample(len(x), generator)

    def _renew_pairs(self, count: int) -> None:
        """Match the batches that are due before `count` further points are drawn, if training draws from matched pairs."""
        if self._matched is not None and self._flow_pairs is None:
            self._matched.renew(count)

    def _loss(
        self, network: ScoreNetwork, drawn: tuple[Tensor, Tensor, Tensor | None], generator: torch.Generator
    ) -> Tensor:
        """The weighted loss of each point of a batch, (N,)."""
        x, sigma, label = drawn
        pairs = self._starts(x, generator)
        if pairs is None:
            return self.objective.loss(_told(network, label), x, sigma, generator)
        assert isinstance(self.objective, Denoising)  # by training_conflicts of the noise
        return self.objective.loss_of(network, sigma, *pairs)

    def _train_fused(self, rates: list[float]) -> Tensor:
        """Make a block of steps in one call; return the mean loss, 0-d."""
        network, weights, settings = self.network, self._weights, self.problem.experiment.training
        shape = (len(rates), self.problem.batch)
        x, sigma, label = sample_batch(self.problem, self.network, *shape, self._generator)
        label = None if label is None else label.view(shape)
        x, sigma = x.flatten(1), sigma.to(x)
        self._renew_pairs(len(x))
        pairs = self._starts(x, self._generator)
        if pairs is None:
            z = torch.randn(x.shape, generator=self._generator, device=x.device)
        else:
            x, z = pairs
        lambdas = self.objective.weight(sigma).view(shape)
        if isinstance(self.objective, Denoising):
            x, z = self.objective.pairs(x, z, sigma)
            x, z, sigma = x.view(*shape, -1), z.view(*shape, -1), sigma.view(shape)
        if not isinstance(network, MLP):
            assert isinstance(self.objective, Denoising)  # by FUSED
            loss_of, parts = self.objective.loss_of, (part.view(*shape, *self.problem.shape) for part in (x, z))
            return self._descend(rates, (loss_of(network, *step) for step in zip(sigma, *parts, strict=True)))
        common = weights.arguments(network, rates, settings.ema_decay)
        if isinstance(self.objective, Denoising):
            loss = denoising_steps(x, z, sigma, lambdas, *common, network.prediction, label)
        else:
            x = x + sigma[:, None] * z
            assert isinstance(self.objective, Exact | Sliced)  # by FUSED
            directions, scale, along = self.objective.directions(x, self._generator)
            directions = directions.view(-1, *shape, x.shape[1]).transpose(0, 1)
            drawn = (x.view(*shape, -1), directions, sigma.view(shape), lambdas, scale, along)
            loss = matching_steps(*drawn, *common, network.prediction, label)
        weights.step += len(rates)
        return loss

    def _train_plainly(self, rates: list[float]) -> Tensor:
        """Draw a batch for each step; return the mean loss, 0-d."""

        def losses() -> Iterator[Tensor]:
            for _ in rates:
                drawn = sample_batch(self.problem, self.network, 1, self.problem.batch, self._generator)
                self._renew_pairs(self.problem.batch)
                yield self._loss(self.network, drawn, self._generator)

        return self._descend(rates, losses())

    def _descend(self, rates: list[float], losses: Iterator[Tensor]) -> Tensor:
        """Make a step by autograd for each rate, for any network and objective; return the mean loss, 0-d.

        Args:
            losses: computes the loss of each point, (N,), step by step.
        """
        total = torch.zeros((), device=self.problem.device)
        for rate in rates:
            loss = next(losses).mean()
            decay = self.problem.experiment.training.ema_decay
            self._weights.adam_step(torch.autograd.grad(loss, self._parameters), rate, decay)
            total += loss.detach()
            del loss  # frees the graph's memory for the next step
        return total / len(rates)

    def _find_baselines(self) -> None:
        """Find the reference losses: that of an untrained network, and the optimal one. The time does not count as training.

        An untrained network is a Gaussian's score, unless its output is another than v.
        """
        generator = self.problem.generator("reference")
        x = self.problem.some(self.problem.train, 1000, "reference points")
        sigma = self.problem.training_sigmas(len(x), generator)
        untrained: list[ScoreFunction] = [StandardNormal()]
        if self.network.prediction != "v":
            untrained.append(self.problem.network())
        losses = [self.objective.loss(one, x, sigma, generator).detach().abs().mean() for one in untrained]
        self._reference = float(torch.stack(losses).max().clamp(min=1.0))  # nan if one of them is
        self._optimal_loss, self._optimal_loss_error = self._estimate_optimal_loss(generator)

    def _estimate_optimal_loss(self, generator: torch.Generator) -> tuple[float, float] | tuple[None, None]:
        if not self.problem.has_score:
            return self._estimate_loss_of_velocity(generator)
        parts = self._densities_seen()
        found = [self.objective.optimal_loss_with_error(density, generator) for _, density in parts]
        known = [one for one in found if one is not None]
        if not known or len(known) < len(parts):
            return None, None
        shares = [share for share, _ in parts]
        loss = sum(share * one for share, (one, _) in zip(shares, known, strict=True))
        return loss, math.hypot(*(share * error for share, (_, error) in zip(shares, known, strict=True)))

    def _densities_seen(self) -> list[tuple[float, Density]]:
        """The densities that the network learns, with their shares of the loss: that of all data, and with labels the classes'."""
        problem, hidden = self.problem, self.problem.experiment.training.label_dropout
        classes = problem.class_densities
        if problem.density is None:
            return []
        if not problem.classes or classes is None:
            return [(1.0, problem.density)]
        shares = ((1 - hidden) * classes.frequencies).tolist()
        parts = [(hidden, problem.density), *zip(shares, classes.densities, strict=True)]
        return [(share, density) for share, density in parts if share]

    def _estimate_loss_of_velocity(self, generator: torch.Generator) -> tuple[float, float] | tuple[None, None]:
        """The loss of the true velocity between two sets and its error, over fresh pairs; None if it is not known."""
        density, start = self.problem.path_density, self.problem.noise.start
        if density is None or start is None or not isinstance(self.objective, Denoising):
            return None, None
        sigma = self.problem.training_sigmas(VELOCITY_DRAWS, generator)
        x, z = density.sample(VELOCITY_DRAWS, generator), start.sample(VELOCITY_DRAWS, generator)
        losses = self.objective.loss_of(density.score, sigma, x, z)
        return mean_with_error(losses[torch.isfinite(losses)])

    def with_optimal_loss(self, progress: TrainingProgress) -> TrainingProgress:
        """Return the report with the optimal loss of these settings and its error, which older reports lack."""
        loss, error = self._estimate_optimal_loss(self.problem.generator("reference"))
        return replace(progress, optimal_loss=loss, optimal_loss_error=error)

    def _check(self, loss: float) -> None:
        """Keep the weights if the loss is good. If it has diverged, restore the last good weights and stop."""
        assert self._reference is not None
        sound = math.isfinite(loss) and math.isfinite(float(self._weights.live.sum()))
        lowest = -max(COLLAPSED * self._reference, 10 * abs(self._optimal_loss or 0.0))
        if sound and lowest < loss < EXPLODED * self._reference:
            if loss < GOOD * self._reference:
                self._weights.keep()
            return
        self._diverged = why_diverged(self.problem, self.step, loss, sound, self._reference)
        self._weights.restore()
        self.checkpoints.forget_after(self.step)


@computes(TrainingKey)
def _trained(key: TrainingKey, _device: str) -> Generator[ProblemKey | TrainingProgress, Problem, Trained]:
    if key.name:
        text = "What this training had learned is not there any more: train again."
        raise ExperimentError(Message("lost-training", text))
    problem = yield ProblemKey(key.points)
    trainer, last = Trainer(problem.with_experiment(key.experiment)), None
    for last in trainer:
        yield last
    return Trained(trainer.state(), course_of(last), str(problem.device))


def _arrays(name: str, pairs: tuple[Tensor, Tensor] | None) -> dict[str, np.ndarray]:
    """Pairs as arrays of a state; none without pairs."""
    return {} if pairs is None else {f"{name}.{n}": part.cpu().numpy().copy() for n, part in enumerate(pairs)}


def _told(network: ScoreNetwork, label: Tensor | None) -> ScoreFunction:
    """The score of a network that is given the labels (N,), if there are any."""
    return network if label is None else functools.partial(network, label=label)


def _limits(experiment: Experiment) -> tuple[float, float]:
    """The steps and the seconds after which training ends; infinite if there is no limit."""
    settings = resolve(experiment).training
    steps = math.inf if settings.steps == "auto" else settings.steps
    return steps, math.inf if settings.seconds == "auto" else settings.seconds


def recommended_threads(problem: Problem, cores: int) -> int:
    """Return the number of torch threads for training: one for a small MLP, all cores but one for convolutions.

    With two threads on two busy cores, an MLP's 1,000 steps/s fell to five. Convolutions have enough work to share.
    """
    return max(cores - 1, 1) if len(problem.shape) == 3 else 1
