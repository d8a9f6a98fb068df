"""Checks of the closed forms of theory/ on the user's own machine, as rows of claim, measured value and bound.

The tests check more but take longer. This module shows within seconds whether torch computes the same values on this
machine as on others. Everything runs on the CPU in float64 with its own seeds.
"""

from collections.abc import Iterator

import torch

from playground.lab.selftest import boltzmann, energies, guidance, likelihood, noise, sampling, scores, training
from playground.lab.selftest.check import Check as Check
from playground.lab.selftest.check import Row as Row

CHECKS: tuple[Check, ...] = (
    *noise.CHECKS,
    *scores.CHECKS,
    *sampling.CHECKS,
    *guidance.CHECKS,
    *likelihood.CHECKS,
    *training.CHECKS,
    *boltzmann.CHECKS,
    *energies.CHECKS,
)


def selftest(checks: tuple[Check, ...] = CHECKS) -> Iterator[Row]:
    """Yield a row for each check as soon as it is measured; stop iterating to cancel.

    It runs on one torch thread. With work this small, more threads would wait for each other, on a busy machine for
    most of the time.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for check in checks:
            yield check.row()
    finally:
        torch.set_num_threads(threads)
