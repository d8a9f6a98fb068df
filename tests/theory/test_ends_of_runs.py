"""Where runs along a process end: in data coordinates, at draws of p_sigma of the finest level, though the process contracts."""

import math

import pytest
import torch
from gaussian_runs import generator
from torch import Tensor

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
from playground.theory.samplers import AdaptiveFlow, EdmSampler, MultistepSampler, ProbabilityFlow, ReverseSDE, Sampler

# At sigma_min = 1 alpha^2 is 0.5 of VP and cosine and 0.91 of sub-VP.
PROCESSES = {
    "VE": VarianceExploding(1.0, 12.0),
    "drawn": CustomSchedule([(0.0, 1.0), (0.4, 2.0), (1.0, 12.0)]),
    "VP": VariancePreserving(0.1, 20.0, 1.0),
    "sub-VP": SubVariancePreserving(0.1, 20.0, 1.0),
    "cosine": Cosine(1.0, 12.0),
}
SAMPLERS = {
    "flow, Euler": lambda process: ProbabilityFlow(process, 600, False, solver="euler"),
    "flow, Heun": lambda process: ProbabilityFlow(process, 100, False),
    "flow, Heun, Karras": lambda process: ProbabilityFlow(process, 100, False, "karras"),
    "flow, adaptive": lambda process: AdaptiveFlow(process, 10, 1e-5),
    "reverse SDE, Euler": lambda process: ReverseSDE(process, 600, False),
    "reverse SDE, Heun": lambda process: ReverseSDE(process, 150, False, solver="heun"),
    "reverse SDE, ShARK": lambda process: ReverseSDE(process, 150, False, solver="shark"),
    "churn": lambda process: EdmSampler(process, 150, False),
    "flow, DPM-Solver++": lambda process: MultistepSampler(process, 150, False),
    "reverse SDE, DPM-Solver++": lambda process: MultistepSampler(process, 150, False, stochastic=True),
}
every_process = pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES.keys())

DATA = GaussianMixture(
    torch.tensor([[2.0], [-1.0]], dtype=torch.float64),
    torch.tensor([0.5, 0.3], dtype=torch.float64),
    torch.tensor([0.7, 0.3], dtype=torch.float64),
)
MEAN, VARIANCE = 1.1, 0.7 * (0.25 + 0.9**2) + 0.3 * (0.09 + 2.1**2)
COUNT = 10_000


def starts(process: Process) -> Tensor:
    """Exact draws of x(1)."""
    clean = DATA.sample(COUNT, generator(1))
    noise = torch.randn(COUNT, 1, dtype=torch.float64, generator=generator(2))
    return float(process.scale(1.0)) * (clean + process.sigma_max * noise)


def assert_moments(x: Tensor, mean: float, variance: float) -> None:
    """Within 4.4 standard errors, and 1 % of the deviation and of the variance for the steps' own error."""
    assert float(x.mean()) == pytest.approx(mean, abs=math.sqrt(variance) * (0.01 + 4.4 / math.sqrt(COUNT)))
    squares = (x - mean).square()
    assert float(squares.mean()) == pytest.approx(
        variance, abs=0.01 * variance + 4.4 * float(squares.std()) / COUNT**0.5
    )


@every_process
@pytest.mark.parametrize("make", SAMPLERS.values(), ids=SAMPLERS.keys())
def test_a_run_ends_in_the_smoothed_density(process: Process, make) -> None:
    """The frame before is x(t), contracted; the last has the moments of p_sigma at sigma_min."""
    sampler: Sampler = make(process)
    *_, before, end = sampler.run(DATA.score, starts(process), generator(3))
    alpha = float(process.scale(before.time))
    assert_moments(before.positions, alpha * MEAN, alpha**2 * (VARIANCE + before.sigma**2))
    assert (end.time, end.sigma) == (None, pytest.approx(1.0))
    assert_moments(end.positions, MEAN, VARIANCE + 1.0)


@every_process
def test_the_flow_ends_where_decoding_does(process: Process) -> None:
    start = starts(process)[:50]
    *_, end = AdaptiveFlow(process, 1, 1e-9).run(DATA.score, start, generator())
    prior = process.prior(torch.full((1,), MEAN, dtype=torch.float64), VARIANCE)
    *_, decoded = decode(DATA.score, process, prior, start, 1e-9)
    assert decoded.result is not None
    torch.testing.assert_close(end.positions, decoded.result.x, rtol=1e-6, atol=1e-6)
