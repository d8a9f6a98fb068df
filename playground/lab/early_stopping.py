"""The held-out loss while training goes on, and early stopping by it: where rows are few, a network soon memorizes them.

The averaged weights are judged at points that training never sees, beside as many that it sees, always under the same noise (common
random numbers), so that what changes from one check to the next is the network and not the draws. Where early stopping acts, the
averaged weights of the least held-out loss are kept, and training ends once that has not fallen for as long as it took to reach it
(Prechelt 1998). Checks are a growing number of steps apart, which depends on nothing but the step: so runs repeat, and pauses and
saved sessions change nothing. All of them take about one per cent of 7,000 steps.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground.lab.defaults import EVALUATION_PASSES
from playground.lab.objective import build_objective
from playground.lab.problem import Problem
from playground.lab.weights import State
from playground.messages import Message, setting
from playground.theory.networks import ScoreNetwork
from playground.theory.noise import ScoreFunction
from playground.theory.objectives import Denoising

POINTS, IMAGES = 1024, 128
"""Held-out points, and as many training points, that a check draws: with noise of their own where there are fewer.
Of exact and sliced matching both together are no more than JUDGED_PASSES allow."""
LEAST, PART = 64, 16
"""Steps from one check to the next: so many, or that part of the steps made if that is more."""
PATIENCE = 1000
"""Steps that training goes on at least after the least held-out loss."""


@dataclass(frozen=True)
class HeldOutLoss:
    """The loss of the averaged weights at held-out points.

    Attributes:
        loss: the mean there, each point with its own noise.
        gap: by how much that is more than at training points under the same noise, and its standard error over held-out points.
    """

    loss: float
    gap: float
    gap_error: float


class HeldOutCheck:
    """Judges networks at the same held-out and training points under the same noise.

    Where the density is known, its own losses at the same draws are subtracted from both, which takes most of the noise of the gap.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem, self._objective = problem, build_objective(problem, target_batch=1)
        passes = max(1, problem.experiment.objective.passes(math.prod(problem.shape)))
        count = min(IMAGES if len(problem.shape) == 3 else POINTS, max(4, EVALUATION_PASSES // (2 * passes)))
        generator = problem.generator("points of the held-out loss")
        self._x = [_drawn(points, count, generator) for points in (problem.validation, problem.train)]
        width = 0.0 if problem.dataset.grey_levels is None else 2 / problem.dataset.grey_levels / problem.units.length
        self._x = [x + width * (torch.rand(x.shape, generator=generator, device=x.device) - 0.5) for x in self._x]
        self._rows = min(len(problem.validation), count)
        self._sigma = problem.noise.training_sigmas(count, generator, problem.experiment.training.sigma_distribution)
        self._known: Tensor | float = 0.0
        density = problem.density
        if density is not None and isinstance(self._objective, Denoising):
            held_out, train = self._losses(density.score)
            self._known = held_out - train

    def __call__(self, network: ScoreNetwork) -> HeldOutLoss:
        """Compute the loss of a network, which is told no labels."""
        held_out, train = self._losses(network)
        of_each = self._by_row(held_out - train - self._known)
        error = float(of_each.std()) / math.sqrt(len(of_each)) if len(of_each) > 1 else math.nan
        return HeldOutLoss(float(held_out.mean()), float(of_each.mean()), error)

    def _losses(self, score: ScoreFunction) -> tuple[Tensor, Tensor]:
        """Return the losses of each draw of held-out and of training points, (N,) float64 on the CPU each."""
        found = []
        for x in self._x:
            generator = self._problem.generator("held-out loss")  # afresh: the same noise for both, and each time
            with torch.no_grad():
                found.append(self._objective.loss(score, x, self._sigma, generator).detach().cpu().double())
        return found[0], found[1]

    def _by_row(self, values: Tensor) -> Tensor:
        """The mean over the draws of each held-out point: those of one are no independent ones."""
        rows = torch.arange(len(values)) % self._rows
        sums = torch.zeros(self._rows, dtype=values.dtype).index_add(0, rows, values)
        return sums / torch.bincount(rows, minlength=self._rows)


class EarlyStopping:
    """Early stopping by the held-out loss of one training.

    Args:
        problem: what is trained; its settings say whether training is to stop early.
        names: of the network's parameters.

    Attributes:
        best_step: whose averaged weights have the least held-out loss; None where none are kept.
        stopped: whether training was ended.
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

    def due(self, before: int, after: int) -> bool:
        """Whether a check lies within the steps from `before`, excluded, to `after`."""
        return next_check(before) <= after

    def add_losses(self, loss: float, steps: int) -> None:
        """Take note of the mean training loss of some steps."""
        self._sum, self._count = self._sum + loss * steps, self._count + steps

    def check(self, step: int, network: ScoreNetwork) -> tuple[float, float]:
        """Judge the averaged weights after `step` steps; keep them if they are the best so far, or end training.

        Returns:
            The mean training loss since the last check with the gap to held-out points, and the gap's standard error.
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
        """Compute the loss of a network at the points and the noise of every check."""
        if self._check is None:
            self._check = HeldOutCheck(self._problem)
        return self._check(network)

    def resume(self, step: int) -> None:
        """Go on from a step: patience begins anew."""
        self._resumed, self.stopped = step, False

    @torch.no_grad()
    def take_best(self, network: ScoreNetwork) -> None:
        """Give a network the weights that are kept, if there are any."""
        for parameter, best in zip(network.parameters(), self._best, strict=False):
            parameter.copy_(best)

    def note(self, step: int) -> Message | None:
        """A message on how training ended after `step` steps, where that is not with its last weights."""
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
        """Take over what :meth:`state` gave, if a state has it.

        Raises:
            KeyError, ValueError: it is damaged.
        """
        if not self.acts or "early_stopping" not in state:
            return
        best_step, self._best_loss, resumed, stopped = state["early_stopping"].tolist()
        self.best_step, self._resumed, self.stopped = int(best_step), int(resumed), bool(stopped)
        self._best = [torch.from_numpy(np.array(state[f"best.{name}"])).to(device) for name in self._names]


def next_check(step: int) -> int:
    """The first step after `step` at which the held-out loss is measured."""
    return next(check for check in _checks() if check > step)


def _checks() -> Iterator[int]:
    return itertools.accumulate(itertools.repeat(None), lambda step, _: step + max(LEAST, step // PART), initial=LEAST)


def _drawn(points: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` of the points in a random order, each as often as any other to within one."""
    order = torch.randperm(len(points), generator=generator, device=generator.device).to(points.device)
    return points[order[torch.arange(count, device=points.device) % len(points)]]
