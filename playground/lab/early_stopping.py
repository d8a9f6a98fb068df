"""The held-out loss during training, and early stopping by it: a network soon memorizes few rows.

A check evaluates the averaged weights at points that training never sees, and at as many training points. The points
and the noise are the same at every check (common random numbers), so only the network changes between checks. Early
stopping keeps the averaged weights with the least held-out loss. It ends training once that loss has not fallen for as
many steps as it took to reach it (Prechelt 1998). The number of steps between checks grows and depends on the step
alone, so runs repeat exactly, with pauses and saved sessions too. All checks together take about one per cent of the
time of 7,000 steps.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground.lab.batches import drawn, with_grey_noise
from playground.lab.defaults import EVALUATION_PASSES
from playground.lab.objective import build_held_out_objective
from playground.lab.problem import Problem
from playground.lab.weights import State
from playground.messages import Message, setting
from playground.theory.networks import ScoreNetwork
from playground.theory.noise import ScoreFunction

POINTS, IMAGES = 1024, 128
"""Held-out draws of a check, and as many training draws. If there are fewer points, each is drawn several times, with
noise of its own. Exact and sliced matching take fewer, as EVALUATION_PASSES allows."""
LEAST, PART = 64, 16
"""Steps from one check to the next: `LEAST`, or the steps made divided by `PART` if that is more."""
PATIENCE = 1000
"""Fewest steps that training goes on after the least held-out loss."""


@dataclass(frozen=True)
class HeldOutLoss:
    """The loss of the averaged weights at held-out points.

    Attributes:
        loss: the mean over held-out points, each with its own noise.
        gap: the loss at held-out points minus that at training points under the same noise.
        gap_error: standard error of the gap over held-out points.
    """

    loss: float
    gap: float
    gap_error: float


def draws_of_check(problem: Problem) -> int:
    """Held-out draws of a check, and as many training draws."""
    passes = max(1, problem.experiment.objective.passes(math.prod(problem.shape)))
    return min(IMAGES if len(problem.shape) == 3 else POINTS, max(4, EVALUATION_PASSES // (2 * passes)))


class HeldOutCheck:
    """Evaluates networks at the same held-out and training points under the same noise.

    If the density is known, the losses of its score at the same draws are subtracted, which removes most of the noise
    of the gap.

    Attributes:
        objective: the loss, with which each point has a loss of its own.
        x: the draws of held-out points and of training points, (N, \\*shape) each.
        sigma: their noise levels, (N,).
    """

    def __init__(self, problem: Problem) -> None:
        self._problem, self.objective = problem, build_held_out_objective(problem)
        count = draws_of_check(problem)
        generator = problem.generator("points of the held-out loss")
        self.x = [drawn(points, count, generator) for points in (problem.validation, problem.train)]
        self.x = [with_grey_noise(problem, x, generator) for x in self.x]
        self._rows = min(len(problem.validation), count)
        self.sigma = problem.training_sigmas(count, generator)
        self._known: Tensor | float = 0.0
        density = problem.density
        if density is not None and problem.experiment.objective.denoises:
            held_out, train = self._losses(density.score)
            self._known = held_out - train

    def __call__(self, network: ScoreFunction) -> HeldOutLoss:
        """Compute the loss of a network, which is given no labels."""
        held_out, train = self._losses(network)
        of_each = self._by_row(held_out - train - self._known)
        error = float(of_each.std()) / math.sqrt(len(of_each)) if len(of_each) > 1 else math.nan
        return HeldOutLoss(float(held_out.mean()), float(of_each.mean()), error)

    def _losses(self, score: ScoreFunction) -> tuple[Tensor, Tensor]:
        """Return the losses of the draws of held-out points and of training points, (N,) float64 on the CPU each."""
        found = []
        for x in self.x:
            generator = self._problem.generator("held-out loss")  # new: the same noise for both, and each time
            with torch.no_grad():
                found.append(self.objective.loss(score, x, self.sigma, generator).detach().cpu().double())
        return found[0], found[1]

    def _by_row(self, values: Tensor) -> Tensor:
        """The mean over the draws of each held-out point, since the draws of one point are not independent."""
        rows = torch.arange(len(values)) % self._rows
        sums = torch.zeros(self._rows, dtype=values.dtype).index_add(0, rows, values)
        return sums / torch.bincount(rows, minlength=self._rows)


class EarlyStopping:
    """Early stopping by the held-out loss of one training.

    Args:
        problem: the problem that is trained; its settings say whether training may stop early.
        names: the names of the network's parameters.

    Attributes:
        best_step: the step whose averaged weights have the least held-out loss; None if no weights are kept.
        stopped: whether training was ended early.
    """

    def __init__(self, problem: Problem, names: list[str]) -> None:
        self._problem, self._names = problem, names
        self.acts = problem.stops_early
        self._check: HeldOutCheck | None = None
        self.best_step: int | None = None
        self._best_loss, self._best = math.inf, list[Tensor]()
        self._resumed = 0
        self.stopped = False
        self._sum, self._count = 0.0, 0

    def add_losses(self, loss: float, steps: int) -> None:
        """Add the mean training loss of some steps to that since the last check."""
        self._sum, self._count = self._sum + loss * steps, self._count + steps

    def check(self, step: int, network: ScoreNetwork) -> tuple[float, float]:
        """Evaluate the averaged weights after `step` steps; keep them if they are the best so far, or end training.

        Returns:
            The mean training loss since the last check plus the gap, and the gap's standard error.
        """
        found = self.evaluate(network)
        shown = self._sum / max(self._count, 1) + found.gap, found.gap_error
        self._sum, self._count = 0.0, 0
        if not self.acts:
            return shown
        if found.loss < self._best_loss:
            self._best_loss, self.best_step = found.loss, step
            self._best = [parameter.detach().clone() for parameter in network.parameters()]
        elif self.best_step is not None:
            waited = step - max(self.best_step, self._resumed)
            self.stopped = waited >= max(PATIENCE, self.best_step)
        return shown

    def evaluate(self, network: ScoreNetwork) -> HeldOutLoss:
        """Compute the loss of a network at the points and the noise that every check uses."""
        if self._check is None:
            self._check = HeldOutCheck(self._problem)
        return self._check(network)

    def resume(self, step: int) -> None:
        """Go on from a step: the steps to wait are counted from here."""
        self._resumed, self.stopped = step, False

    @torch.no_grad()
    def take_best(self, network: ScoreNetwork) -> None:
        """Copy the kept weights into a network, if there are any."""
        for parameter, best in zip(network.parameters(), self._best, strict=False):
            parameter.copy_(best)

    def note(self, step: int) -> Message | None:
        """A message on how training ended after `step` steps; None if it kept its last weights."""
        if self.best_step is None or self.best_step == step:
            return None
        if self.stopped:
            return Message(
                "stopped-early",
                "Training stopped early at step {:,}: the held-out loss has not fallen since step "
                "{:,}, whose weights are kept. Train more continues; {} trains to the end.",
                (step, self.best_step, setting("training.early_stopping", "off")),
                "training.early_stopping",
            )
        return Message(
            "best-weights-kept",
            "The weights of step {:,} are kept: they have the lowest held-out loss. More data "
            "would let it fall further.",
            (self.best_step,),
        )

    def state(self) -> State:
        """Return the arrays that :meth:`restore` takes."""
        if self.best_step is None:
            return {}
        told = np.array([self.best_step, self._best_loss, self._resumed, self.stopped], dtype=np.float64)
        kept = {f"best.{name}": best.cpu().numpy().copy() for name, best in zip(self._names, self._best, strict=True)}
        return {"early_stopping": told, **kept}

    def restore(self, state: State, device: torch.device) -> None:
        """Restore what :meth:`state` returned, if it is in the state.

        Raises:
            KeyError, ValueError: the state is damaged.
        """
        self._sum, self._count = 0.0, 0  # of other steps
        if not self.acts or "early_stopping" not in state:
            return
        best_step, self._best_loss, resumed, stopped = state["early_stopping"].tolist()
        self.best_step, self._resumed, self.stopped = int(best_step), int(resumed), bool(stopped)
        self._best = [torch.from_numpy(np.array(state[f"best.{name}"])).to(device) for name in self._names]


def next_check(step: int) -> int:
    """The first step after `step` at which the held-out loss is measured."""
    check = LEAST
    while check <= step:
        check += max(LEAST, check // PART)
    return check
