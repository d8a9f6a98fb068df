"""The learning rate of each step of training."""

import math

WARM_UP = 100  # steps over which the learning rate rises, while Adam's estimates of the gradients are poor


def learning_rate(peak: float, schedule: str, step: int, done: float) -> float:
    """The learning rate after `step` steps.

    Args:
        peak: the rate after the warm-up.
        schedule: "none" for a constant rate, or "cosine" for half a cosine that falls to zero at the end (Loshchilov & Hutter 2017).
        done: the fraction of training that is done; 1 or more at its end.
    """
    rate = peak * min(1.0, (step + 1) / WARM_UP)
    if schedule == "cosine":
        rate *= 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return rate
