"""Runs along a process end in data coordinates, with samples of p_sigma at the finest level, even if the process contracts."""

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from playground.lab.compute import result
from playground.theory.densities import GaussianMixture
from playground.theory.likelihood import decode
from playground.theory.noise import (
    Cosine,
    CustomSchedule,
    Process,
    SubVariancePreserving,
    VarianceExploding,
    VariancePreserving,
)
from playground.theory.samplers import (
    AdaptiveFlow,
    DDIMSampler,
    EdmSampler,
    MultistepSampler,
    ProbabilityFlow,
    ReverseSDE,
    Sampler,
)
from tests.generators import seeded

# At sigma_min = 1 alpha^2 is 0.5 for VP and cosine, and 0.91 for sub-VP.
PROCESSES = {
    "VE": VarianceExploding(1.0, 12.0),
    "drawn": CustomSchedule([(0.0, 1.0), (0.4, 2.0), (1.0, 12.0)]),
    "VP": VariancePreserving(0.1, 20.0, 1.0),
    "sub-VP": SubVariancePreserving(0.1, 20.0, 1.0),
    "cosine": Cosine(1.0, 12.0),
}
FLOWS: dict[str, Callable[[Process], Sampler]] = {
    "Euler": lambda process: ProbabilityFlow(process, 600, False, solver="euler"),
    "DDIM": lambda process: DDIMSampler(process, 300, False),
    "Heun": lambda process: ProbabilityFlow(process, 100, False),
    "Heun, Karras": lambda process: ProbabilityFlow(process, 100, False, "karras"),
    "adaptive": lambda process: AdaptiveFlow(process, 10, 1e-5),
    "DPM-Solver++": lambda process: MultistepSampler(process, 150, False),
}
REVERSE: dict[str, Callable[[Process], Sampler]] = {
    "Euler": lambda process: ReverseSDE(process, 600, False),
    "Heun": lambda process: ReverseSDE(process, 150, False, solver="heun"),
    "ShARK": lambda process: ReverseSDE(process, 150, False, solver="shark"),
    "DDIM": lambda process: DDIMSampler(process, 300, False, eta=1.0),
    "churn": lambda process: EdmSampler(process, 150, False),
    "DPM-Solver++": lambda process: MultistepSampler(process, 150, False, stochasticity=1.0),
}
EVERY_STEP_BY_THE_PROCESS = {"Euler"}
"""Of these each step is made of the process's own drift and diffusion; the others know it by alpha and sigma alone."""
RUNS = [("flow", *pair) for pair in itertools.product(FLOWS, PROCESSES)] + [
    ("reverse SDE", name, process)
    for name, process in itertools.product(REVERSE, PROCESSES)
    if name in EVERY_STEP_BY_THE_PROCESS or process in ("VE", "VP", "cosine")
]
every_process = pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES.keys())

DATA = GaussianMixture(
    torch.tensor([[2.0], [-1.0]], dtype=torch.float64),
    torch.tensor([0.5, 0.3], dtype=torch.float64),
    torch.tensor([0.7, 0.3], dtype=torch.float64),
)
MEAN, VARIANCE = 1.1, 0.7 * (0.25 + 0.9**2) + 0.3 * (0.09 + 2.1**2)
COUNT = 4_000


def quantiles(process: Process, count: int = 2000) -> Tensor:
    """Quantiles of x(1) in equal steps of probability, by bisection. Their moments are exact to 0.2 %, without sampling error."""
    sigma = process.sigma_max
    noisy = GaussianMixture(DATA.means, (DATA.stds**2 + sigma**2).sqrt(), DATA.weights)
    shares = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    low, high = torch.full_like(shares, -10 * sigma), torch.full_like(shares, 10 * sigma)
    for _ in range(60):
        middle = (low + high) / 2
        below = noisy.cdf(middle[:, None]) < shares
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return float(process.scale(1.0)) * middle[:, None]


def starts(process: Process) -> Tensor:
    """Exact draws of x(1)."""
    clean = DATA.sample(COUNT, seeded(1))
    noise = torch.randn(COUNT, 1, dtype=torch.float64, generator=seeded(2))
    return float(process.scale(1.0)) * (clean + process.sigma_max * noise)


def assert_moments(x: Tensor, mean: float, variance: float, standard_errors: float) -> None:
    """Within this many standard errors, plus 1 % of the standard deviation and of the variance for the steps' error."""
    errors = standard_errors / math.sqrt(len(x))
    assert float(x.mean()) == pytest.approx(mean, abs=math.sqrt(variance) * (0.01 + errors))
    squares = (x - mean).square()
    assert float(squares.mean()) == pytest.approx(variance, abs=0.01 * variance + errors * float(squares.std()))


@pytest.mark.claims
@pytest.mark.parametrize(("form", "name", "of"), RUNS)
def test_a_run_ends_in_the_smoothed_density(form: str, name: str, of: str) -> None:
    """The frame before the last is x(t), contracted. The last has the moments of p_sigma at sigma_min.

    A flow maps quantiles to quantiles, so the moments of few points are exact. With noise they are within 4.4 standard errors.
    """
    process = PROCESSES[of]
    sampler: Sampler = (FLOWS if form == "flow" else REVERSE)[name](process)
    start, errors = (quantiles(process), 0.0) if form == "flow" else (starts(process), 4.4)
    *_, before, end = sampler.run(DATA.score, start, seeded(3))
    assert before.time is not None
    alpha = float(process.scale(before.time))
    assert_moments(before.positions, alpha * MEAN, alpha**2 * (VARIANCE + before.sigma**2), errors)
    assert end.time is None
    assert end.sigma == pytest.approx(1.0)
    assert_moments(end.positions, MEAN, VARIANCE + 1.0, errors)


@every_process
def test_the_flow_ends_where_decoding_does(process: Process) -> None:
    start = starts(process)[:50]
    *_, end = AdaptiveFlow(process, 1, 1e-9).run(DATA.score, start, seeded())
    prior = process.prior(torch.full((1,), MEAN, dtype=torch.float64), VARIANCE)
    decoded = result(decode(DATA.score, process, prior, start, 1e-9))
    torch.testing.assert_close(end.positions, decoded.x, rtol=1e-6, atol=1e-6)
