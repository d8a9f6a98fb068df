"""The closed forms of theory/ on the user's own machine, as rows of claim, measured and bound.

The tests prove more, and slower; this says within seconds whether torch computes here what it computes elsewhere. Everything
runs on the CPU in float64 and by seeds of its own.
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
    """A row for each check, as soon as it is measured: to cancel is to stop iterating.

    On one torch thread: in work this small more of them wait for each other, on a busy machine for most of the time.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for check in checks:
            yield check.row()
    finally:
        torch.set_num_threads(threads)
