"""Log-likelihoods by the probability flow: steps per point against a step shared by the batch, at equal worst error.

The same exact score, the same points, one thread, float64; the reference is the own solver at 1e-10, so that what is
compared is the solvers' error alone. For each solver the tolerance is lowered until the worst point is known to 0.01 nat:

    python benchmarks/likelihood.py [--points 2000] [--density two-moons] [--worst 0.01]
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import scipy.integrate
import torch
import torchdiffeq
from torch import Tensor

from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.theory.likelihood import log_likelihood

TOLERANCES = [10.0**-exponent for exponent in np.arange(2.0, 9.1, 0.5)]


class Flow:
    """The flow of (x, delta log p) with its exact trace, as the peers want it: one time for all rows."""

    def __init__(self, problem: Problem, count: int) -> None:
        generator = torch.Generator().manual_seed(0)
        assert problem.density is not None
        self.density = problem.density.to("cpu", torch.float64)
        self.process = problem.process()
        self.prior = self.process.prior(torch.zeros(2, dtype=torch.float64), 1.0)
        self.x = self.density.sample(count, generator)
        self.scale = self.process.scale(torch.tensor(self.process.t_min, dtype=torch.float64))
        self.rows = 0

    def score(self, x: Tensor, sigma: Tensor) -> Tensor:
        self.rows += len(x)
        return self.density.score(x, sigma)

    def slope(self, state: Tensor, t: float) -> Tensor:
        with torch.enable_grad():
            x = state[:, :2].detach().requires_grad_()
            speed = self.process.probability_flow(self.score, x, torch.tensor(t, dtype=torch.float64).expand(len(x)))
            rows = [torch.autograd.grad(speed[:, axis].sum(), x, retain_graph=True)[0][:, axis] for axis in (0, 1)]
        return torch.cat([speed.detach(), sum(rows)[:, None]], dim=1)

    def start(self) -> Tensor:
        return torch.cat([self.scale * self.x, torch.zeros(len(self.x), 1, dtype=torch.float64)], dim=1)

    def log_prob(self, end: Tensor) -> Tensor:
        return self.prior.log_prob(end[:, :2]) + end[:, 2] + 2 * self.scale.log()


def own(flow: Flow, tolerance: float) -> Tensor:
    *_, last = log_likelihood(flow.score, flow.process, flow.prior, flow.x, tolerance)
    assert last.result is not None
    return last.result.log_prob


def with_torchdiffeq(flow: Flow, tolerance: float) -> Tensor:
    times = torch.tensor([flow.process.t_min, 1.0], dtype=torch.float64)
    with torch.no_grad():
        end = torchdiffeq.odeint(
            lambda t, state: flow.slope(state, float(t)), flow.start(), times, rtol=tolerance, atol=tolerance
        )[-1]
    return flow.log_prob(end)


def with_scipy(flow: Flow, tolerance: float) -> Tensor:
    start = flow.start()
    solved = scipy.integrate.solve_ivp(
        lambda t, state: flow.slope(torch.from_numpy(state).reshape(start.shape), t).numpy().ravel(),
        (flow.process.t_min, 1.0),
        start.numpy().ravel(),
        method="RK45",
        rtol=tolerance,
        atol=tolerance,
    )
    return flow.log_prob(torch.from_numpy(solved.y[:, -1]).reshape(start.shape))


SOLVERS: dict[str, Callable[[Flow, float], Tensor]] = {
    "own, a step per point": own,
    "torchdiffeq dopri5, shared": with_torchdiffeq,
    "scipy RK45, shared": with_scipy,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--density", default="two-moons")
    parser.add_argument("--noise", default="ve", choices=("ve", "vp"))
    parser.add_argument("--worst", type=float, default=0.01, help="error in nats that the worst point may have")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    experiment = replace(Experiment(), {"data.kind": arguments.density, "noise.kind": arguments.noise})
    flow = Flow(Problem.build(experiment), arguments.points)
    reference = own(flow, 1e-10)
    print(f"{arguments.points} points of {arguments.density}, {arguments.noise}; error in nats, one thread\n")
    print(f"{'solver':28} {'tolerance':>9} {'worst':>9} {'median':>9} {'scores/point':>12} {'seconds':>8}")
    for name, solver in SOLVERS.items():
        for tolerance in TOLERANCES:
            flow.rows = 0
            began = time.perf_counter()
            error = (solver(flow, tolerance) - reference).abs()
            seconds = time.perf_counter() - began
            worst = float(error.max())
            reached = worst <= arguments.worst
            if tolerance in (1e-3, 1e-5) or reached:
                print(
                    f"{name:28} {tolerance:9.0e} {worst:9.1e} {float(error.median()):9.1e} "
                    f"{flow.rows / arguments.points:12.0f} {seconds:8.2f}{'  <- reached' if reached else ''}"
                )
            if reached:
                break


if __name__ == "__main__":
    main()
