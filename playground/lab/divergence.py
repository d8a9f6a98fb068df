"""Why a training diverged, in words with a way out."""

import math

from playground.lab.problem import Problem


def why_diverged(problem: Problem, step: int, loss: float, sound: bool, reference: float) -> str:
    """A sentence on a loss that has lost all bounds after `step` steps.

    Args:
        sound: whether loss and weights are finite.
        reference: the loss of a Gaussian's score.
    """
    if sound and loss < 0:
        return (
            f"Training stopped at step {step}: the loss falls without bound ({loss:.3g}), because the data lie on "
            "lines, repeat or have sharp edges. The last good weights are kept. Choose a noise, or a larger one."
        )
    if not math.isfinite(reference):  # of a Gaussian score too, whatever the network
        return (
            f"Training stopped at step {step}: the loss leaves single precision. The noise is too far from the "
            f"data's standard deviation, {problem.units.length:.3g}. Choose noise levels nearer to it."
        )
    settings = problem.experiment
    rate, weight = settings.training.learning_rate, settings.objective.weight
    other = "" if weight in ("auto", "sigma2", "edm") else ", or choose objective.weight = auto"
    return (
        f"Training diverged at step {step} (loss {loss:.3g}); the last good weights are kept. Lower "
        f"training.learning_rate, now {rate:.3g}, to {rate / 10:.3g} or less{other}."
    )
