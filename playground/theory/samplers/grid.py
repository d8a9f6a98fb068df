r"""The time grids of samplers from noise to data.

There are three grids of n steps from sigma_max (t = 1) to sigma_min (t_min):

- ``log-sigma``: equal ratios of sigma. Every step changes the signal-to-noise ratio by the same factor. With uniform t, the last
  step of a VP process removes more than half of the remaining noise.
- ``time``: equal steps in t, as in Song et al. 2021; the same as log-sigma for VE.
- ``karras``: equal steps in sigma^(1/rho), rho = 7: between log-sigma (rho = infinity) and equal steps in sigma (rho = 1),

  .. math:: \sigma_i = \left(\sigma_{max}^{1/\rho} + \tfrac{i}{n} (\sigma_{min}^{1/\rho} - \sigma_{max}^{1/\rho})\right)^\rho

  Source: Karras et al. 2022, equation 5.
"""

from typing import Literal

import torch
from torch import Tensor

from playground.theory.noise import Process

Grid = Literal["log-sigma", "time", "karras"]

RHO = 7.0
"""Karras et al. 2022, appendix D.1: 3 equalises the error of each step, 5 to 10 make better images."""


def time_grid(process: Process, steps: int, grid: Grid = "log-sigma") -> tuple[list[float], list[float]]:
    """Times from 1 to t_min and their sigmas, std/alpha: `steps + 1` of each."""
    if grid == "time":
        times = torch.linspace(1.0, process.t_min, steps + 1, dtype=torch.float64)
        return times.tolist(), process.sigma(times).tolist()
    ends = process.sigma(torch.tensor([1.0, process.t_min], dtype=torch.float64))
    sigmas = _even(ends.log(), steps).exp() if grid == "log-sigma" else _even(ends ** (1 / RHO), steps) ** RHO
    times = process.time(sigmas)
    times[0], times[-1] = 1.0, process.t_min  # without rounding, as a schedule may be defined on [0, 1] only
    return times.tolist(), sigmas.tolist()


def _even(ends: Tensor, steps: int) -> Tensor:
    return torch.linspace(float(ends[0]), float(ends[1]), steps + 1, dtype=torch.float64)
