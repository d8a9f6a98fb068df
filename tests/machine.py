"""How slow the machine is now, for bounds on time."""

import time

SUM = 10e-6
"""Seconds of a quiet core of a Xeon with AVX-512 for one such sum. Bounds on time are meant for such a core, or a faster one."""


def slowness() -> float:
    """How many times longer than such a core this machine takes now, because it is slower or has other work; at least 1."""
    began, until, sums = time.perf_counter(), time.thread_time() + 0.1, 0
    while time.thread_time() < until:
        sum(range(1000))
        sums += 1
    return max(1.0, (time.perf_counter() - began) / (sums * SUM))
