"""Processor time of training until the KL reaches 0.05, 0.02 and 0.01 nat, beside other implementations.

- *own*: the program's trainer with its default network and loss.
- *plain loop*: the loop of tutorials: the same network, loss and noise by autograd, and torch.optim.Adam. Its weights are measured
  as they are and, as *averaged*, by torch's averaged model, which starts at the first weights and has no warm-up as ours.
- *smalldiffusion*: its loop with its MLP of the same width and depth, its default learning rate, and its log-linear schedule of 200
  levels between the ends of our process. It has no average.

Nobody knows beforehand when to stop, so the learning rates are constant. The three train in turns in one process, on the same data and
on one thread. At processor times that grow by a half, KL(data || model) is measured from the likelihood of the same held-out points
by the probability flow; measuring is not counted. The time is interpolated between two measurements, log against log.
"""

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from tables import rows
from torch import Tensor

from playground.lab.compute import result
from playground.lab.experiment import Experiment, replace
from playground.lab.likelihood import log_likelihood
from playground.lab.objective import build_objective
from playground.lab.problem import Problem
from playground.lab.training import Trainer
from playground.theory.noise import ScoreFunction

ASKED = (0.05, 0.02, 0.01)
FIRST, GROWTH = 0.5, 1.5
"""Seconds of the first measurement, and from each measurement to the next."""
DECAY = 0.998
TOLERANCE = 1e-3


@dataclass
class Found:
    """Seconds of processor and of the clock, and the KL, at each measurement of one score.

    Attributes:
        score: the score that is learned by now.
    """

    score: Callable[[], ScoreFunction]
    measured: list[tuple[float, float, float]] = field(default_factory=list)
    rate: float = math.nan

    @property
    def done(self) -> bool:
        return bool(self.measured) and self.measured[-1][2] <= min(ASKED)

    def until(self, asked: float) -> tuple[float, float] | None:
        """Seconds of processor and of the clock until the KL is as asked, or None."""
        before = None
        for core, clock, kl in self.measured:
            if kl <= asked:
                if before is None:
                    return core, clock
                past = math.log(before[2] / asked) / math.log(before[2] / kl)
                first, second = (a * (b / a) ** past for a, b in zip(before[:2], (core, clock), strict=True))
                return first, second
            before = (core, clock, kl)
        return None


@dataclass
class Learner:
    """Something that trains.

    Attributes:
        advance: makes one or more steps and returns their number.
        found: what it has learned, by a name for each of its scores.
        core, clock: seconds of processor and of the clock so far.
    """

    advance: Callable[[], int]
    found: dict[str, Found]
    steps: int = 0
    core: float = 0.0
    clock: float = 0.0

    def train_until(self, seconds: float) -> None:
        """Train until so many seconds of processor time are used."""
        while self.core < seconds:
            core, clock = time.process_time(), time.perf_counter()
            made = self.advance()
            if made < 1:
                raise RuntimeError(f"no step was made after {self.steps}")
            self.steps += made
            self.core += time.process_time() - core
            self.clock += time.perf_counter() - clock


def own(problem: Problem) -> Learner:
    trainer = Trainer(problem)

    def advance() -> int:
        before = trainer.step
        next(trainer)
        return trainer.step - before

    return Learner(advance, {"own": Found(lambda: trainer.ema.requires_grad_(False))})


def plain(problem: Problem) -> Learner:
    network, objective, generator = problem.network(), build_objective(problem), problem.generator("training")
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    mean = torch.optim.swa_utils.get_ema_multi_avg_fn(DECAY)
    average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=mean)

    def advance() -> int:
        x = problem.train[torch.randint(len(problem.train), (problem.batch,), generator=generator)]
        sigma = problem.noise.training_sigmas(problem.batch, generator).to(x)
        optimizer.zero_grad()
        objective.loss(network, x, sigma, generator).mean().backward()
        optimizer.step()
        average.update_parameters(network)
        return 1

    return Learner(
        advance, {"plain loop": Found(lambda: network), "plain loop, averaged": Found(lambda: average.module)}
    )


def smalldiffusion(problem: Problem) -> Learner:
    os.environ["TQDM_DISABLE"] = "1"
    from smalldiffusion import ScheduleLogLinear, TimeInputMLP, training_loop
    from torch.utils.data import DataLoader, Dataset

    torch.manual_seed(problem.experiment.training.seed)
    process, network = problem.process(), problem.experiment.network
    rows = cast("Dataset[torch.Tensor]", problem.train)  # has what a loader asks for
    loader = DataLoader(rows, batch_size=problem.batch, shuffle=True, drop_last=True)
    model = TimeInputMLP(hidden_dims=(network.width,) * network.depth)
    loop = training_loop(loader, model, ScheduleLogLinear(200, process.sigma_min, process.sigma_max), epochs=10_000)

    def advance() -> int:
        next(loop)
        return 1

    def score(x: Tensor, sigma: Tensor) -> Tensor:
        level = sigma if sigma.ndim == 0 else sigma[:, None]
        answer: Tensor = -model(x, level) / level
        return answer

    return Learner(advance, {"smalldiffusion": Found(lambda: score)})


def kl(problem: Problem, score: ScoreFunction, points: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """KL(data || model) in nats, and its standard error."""
    apart = truth - result(log_likelihood(problem, score, points, tolerance=TOLERANCE)).log_prob
    return float(apart.mean()), float(apart.std(ddof=1) / len(apart) ** 0.5)


def raced(data: str, seed: int, seconds: float, points: int) -> dict[str, Found]:
    """What is found for one seed. Each learner trains until its KL is the least that is asked, at most so many processor seconds."""
    settings = {"data.kind": data, "seed": seed, "training.steps": 10**9, "training.lr_schedule": "none"}
    problem = Problem.build(replace(Experiment(), {**settings, "likelihood.points": points}))
    held_out = problem.evaluation_points
    truth = problem.exact_log_prob(held_out)
    assert truth is not None
    learners, due = [own(problem), plain(problem), smalldiffusion(problem)], FIRST
    while due <= seconds:
        for learner in learners:
            left = [(name, found) for name, found in learner.found.items() if not found.done]
            if not left:
                continue
            learner.train_until(due)
            for name, found in left:
                value, error = kl(problem, found.score(), held_out, truth.numpy())
                found.measured.append((learner.core, learner.clock, value))
                found.rate = learner.steps / learner.core
                print(
                    f"{data} seed {seed} {name}: {learner.core:.1f} s, {learner.steps:,} steps, KL {value:.4f} ± {error:.4f}",
                    flush=True,
                )
        due *= GROWTH
    return {name: found for learner in learners for name, found in learner.found.items()}


def table(seeds: int, seconds: float, points: int, data: tuple[str, ...]) -> str:
    """The table as Markdown."""
    cells = [["data, training", *(f"KL {asked:g}" for asked in ASKED), "steps/s", "last KL measured"]]
    for toy in data:
        runs = [raced(toy, seed, seconds, points) for seed in range(seeds)]
        for name in runs[0]:
            found = [run[name] for run in runs]
            ends = [each.measured[-1] for each in found]
            last = f"{np.mean([end[2] for end in ends]):.4f} at {np.mean([end[0] for end in ends]):.0f} s"
            times = (_told([each.until(asked) for each in found]) for asked in ASKED)
            cells.append([f"{toy}, {name}", *times, f"{np.mean([each.rate for each in found]):,.0f}", last])
    made = (
        f"Seconds of processor time, and of the clock in brackets, until the KL in nats: mean and standard error over {seeds} seeds, "
        f"{points:,} held-out points. One thread, in turns; at most {seconds:g} s each. torch {torch.__version__}."
    )
    return f"{made}\n\n{rows(cells)}"


def _told(times: list[tuple[float, float] | None]) -> str:
    """Means over seeds, or how many of them got there."""
    there = [pair for pair in times if pair is not None]
    if len(there) < len(times):
        return f"{len(there)} of {len(times)} seeds" if there else "not reached"
    core, clock = (np.array(kind) for kind in zip(*there, strict=True))
    error = f" ± {core.std(ddof=1) / len(core) ** 0.5:.1f}" if len(core) > 1 else ""
    return f"{core.mean():.1f}{error} ({clock.mean():.0f})"
