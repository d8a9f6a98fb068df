"""Why a training diverged, with a way out."""

import math

from playground.lab.problem import Problem
from playground.messages import Edit, Message, setting


def why_diverged(problem: Problem, step: int, loss: float, sound: bool, reference: float) -> Message:
    """A message on a loss that diverged after `step` steps.

    Args:
        sound: whether loss and weights are finite.
        reference: the loss of an untrained network, which is a Gaussian's score if it predicts v.
    """
    if sound and loss < 0:
        return Message(
            "loss-without-bound",
            "Training stopped at step {}: the loss falls without bound ({:.3g}), because the data lie on "
            "lines, repeat or have sharp edges. The last good weights are kept. Choose a noise, or a larger one.",
            (step, loss),
            "noise.kind",
        )
    if not math.isfinite(reference):  # no network can help: the loss of a Gaussian score is not finite either
        return Message(
            "loss-beyond-precision",
            "Training stopped at step {}: the loss leaves single precision. The noise is too far from the "
            "data's standard deviation, {:.3g}. Choose noise levels nearer to it.",
            (step, problem.units.length),
            "noise.kind",
        )
    settings = problem.experiment
    rate, weight = settings.training.learning_rate, settings.objective.weight
    slower = float(f"{rate / 10:.3g}")
    text = "Training diverged at step {} (loss {:.3g}); the last good weights are kept. Lower {}, now {:.3g}, to {:.3g} or less"
    values = (step, loss, setting("training.learning_rate"), rate, slower)
    edit = Edit(f"Use {slower:g}", {"training.learning_rate": slower})
    if weight in ("auto", "sigma2", "edm", "velocity"):
        return Message("diverged", f"{text}.", values, "training.learning_rate", (edit,))
    other = Edit("Use Auto", {"objective.weight": "auto"})
    weighted = (*values, setting("objective.weight", "auto"))
    return Message("diverged", text + ", or choose {}.", weighted, "training.learning_rate", (edit, other))
