"""Log-likelihoods of a trained network by the probability flow, compared with torchdiffeq and scipy at equal worst error.

The other libraries solve the usual formulation: the flow in x and t, its trace by autograd, one step for the whole batch.
The tolerance of each solver is lowered by quarters of a decade until the worst point is known to 0.01 nat. The reference is
the program's solver in double precision at 1e-7. All networks run in single precision, on one core.

- *points*: draws of the data's density;
- *map*: the cells of a 200 x 200 density map over the data and a quarter of their extent more on every side; only a random
  quarter of them is computed.

    python benchmarks/likelihood.py [--points 10000] [--cells 200] [--model two-moons] [--markdown]
"""

import copy
import functools
from collections.abc import Callable, Generator, Iterator

import numpy as np
import scipy.integrate
import torch
import torchdiffeq
import typer
from torch import Tensor
from turns import Row, Work, in_turns, keep_to, rows, table

from playground.lab.compute import result
from playground.lab.fields import grid_points
from playground.lab.problem import Problem
from playground.lab.session import Session
from playground.lab.weights import load_weights
from playground.theory.likelihood import LikelihoodResult, log_likelihood

TOLERANCES: list[float] = [10.0**-exponent for exponent in np.arange(3.0, 8.1, 0.25)]


class Flow:
    """The flow of (x, delta log p) with its exact trace, in internal units. All rows have one time, as the peers need it."""

    def __init__(self, model: str) -> None:
        session = Session.load(f"resources/checkpoints/{model}.spg")
        assert session.weights is not None
        self.problem = Problem.build(session.experiment)
        self.network = self.problem.network()
        load_weights(self.network, dict(session.weights))
        self.network.requires_grad_(False)
        self.process, self.prior = self.problem.process(), self.problem.prior()

    def slope(self, state: Tensor, t: float) -> Tensor:
        with torch.enable_grad():
            x = state[:, :2].detach().requires_grad_()
            speed = self.process.probability_flow(self.network, x, torch.full((len(x),), t))
            parts = [torch.autograd.grad(speed[:, axis].sum(), x, retain_graph=True)[0][:, axis] for axis in (0, 1)]
        return torch.cat([speed.detach(), torch.stack(parts).sum(0)[:, None]], dim=1)

    def start(self, x: Tensor) -> Tensor:
        return torch.cat([self.process.scale(self.process.t_min).to(x) * x, torch.zeros_like(x[:, :1])], dim=1)

    def log_prob(self, end: Tensor) -> Tensor:
        return self.prior.log_prob(end[:, :2]) + end[:, 2] + 2 * float(self.process.scale(self.process.t_min).log())

    def reference(self, x: Tensor) -> Tensor:
        prior = self.process.prior(self.prior.mean.double(), self.problem.spread())  # the data's mean is 0
        return solved(log_likelihood(copy.deepcopy(self.network).double(), self.process, prior, x.double(), 1e-7))


def solved(run: Generator[float, None, LikelihoodResult]) -> Tensor:
    return result(run).log_prob


def own(flow: Flow, x: Tensor, tolerance: float) -> Tensor:
    return solved(log_likelihood(flow.network, flow.process, flow.prior, x, tolerance))


def with_torchdiffeq(flow: Flow, x: Tensor, tolerance: float) -> Tensor:
    times = torch.tensor([flow.process.t_min, 1.0])
    with torch.no_grad():
        end = torchdiffeq.odeint(
            lambda t, state: flow.slope(state, float(t)), flow.start(x), times, rtol=tolerance, atol=tolerance
        )[-1]
    return flow.log_prob(end)


def with_scipy(flow: Flow, x: Tensor, tolerance: float) -> Tensor:
    start = flow.start(x)
    ended = scipy.integrate.solve_ivp(
        lambda t, state: flow.slope(torch.from_numpy(state).float().reshape(start.shape), t).numpy().ravel(),
        (flow.process.t_min, 1.0),
        start.double().numpy().ravel(),
        method="RK45",
        rtol=tolerance,
        atol=tolerance,
    )
    return flow.log_prob(torch.from_numpy(ended.y[:, -1]).float().reshape(start.shape))


Solver = Callable[[Flow, Tensor, float], Tensor]
SOLVERS: dict[str, Solver] = {"own": own, "torchdiffeq dopri5": with_torchdiffeq, "scipy RK45": with_scipy}


def loosest(solve: Callable[[Tensor, float], Tensor], x: Tensor, reference: Tensor, worst: float) -> float:
    """The largest tolerance at which the worst point is known to `worst` nat; it is tried on a few points first."""
    for tolerance in TOLERANCES:
        if all(
            float((solve(x[:count], tolerance).double() - reference[:count]).abs().max()) <= worst
            for count in (max(len(x) // 10, 1), len(x))
        ):
            return tolerance
    raise SystemExit(f"No tolerance from {TOLERANCES[0]:g} to {TOLERANCES[-1]:g} keeps {worst:g} nat.")


def measured(
    work: str, flow: Flow, x: Tensor, reference: Tensor, worst: float, rounds: int, asked: float
) -> Iterator[Row]:
    found = {name: loosest(functools.partial(solver, flow), x, reference, worst) for name, solver in SOLVERS.items()}

    def done(name: str) -> Work:
        return lambda: len(SOLVERS[name](flow, x, found[name]))

    times = in_turns({name: done(name) for name in SOLVERS}, rounds, 0.0)
    remark = "tolerances " + ", ".join(f"{tolerance:.0e}" for tolerance in found.values())
    yield from rows(work, times, dict.fromkeys(SOLVERS, asked), remark)


def points(flow: Flow, count: int) -> Tensor:
    """Draws of the data's density, (count, 2)."""
    assert flow.problem.density is not None
    return flow.problem.density.sample(count, torch.Generator().manual_seed(0))


def cells(flow: Flow, side: int) -> Tensor:
    """The middles of a map's cells in random order, (side^2, 2), over the data and a quarter of their extent more."""
    low, high = flow.problem.dataset.points.min(0), flow.problem.dataset.points.max(0)
    margin = 0.25 * (high - low)
    (x0, y0), (x1, y1) = (low - margin).tolist(), (high + margin).tolist()
    grid = flow.problem.units.to_internal(grid_points((x0, x1, y0, y1), side, side).reshape(-1, 2))
    return torch.from_numpy(grid).float()[torch.randperm(len(grid), generator=torch.Generator().manual_seed(0))]


def main(
    points_count: int = typer.Option(10_000, "--points"),
    side: int = typer.Option(200, "--cells"),
    share: float = 0.25,
    model: str = "two-moons",
    worst: float = 0.01,
    rounds: int = 3,
    markdown: bool = False,
) -> None:
    """Print the table."""
    keep_to(1)
    flow = Flow(model)

    def all_rows() -> Iterator[Row]:
        if points_count:
            x = points(flow, points_count)
            yield from measured(f"log p of {len(x):,} points", flow, x, flow.reference(x), worst, rounds, 2.0)
        if side:
            x = cells(flow, side)
            x = x[: int(share * len(x))]
            work = f"density map {side} x {side}, a cell"
            yield from measured(work, flow, x, flow.reference(x), worst, rounds, 3.0)

    table(all_rows(), markdown)


if __name__ == "__main__":
    typer.run(main)
