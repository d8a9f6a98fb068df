"""The reports of training as it goes on; no torch, so that saved reports are read at once."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingProgress:
    """A report of a training.

    Attributes:
        step, seconds: steps made and time spent training, pauses not counted.
        steps_per_second: of the last second or so.
        loss: mean over the steps since the last report.
        optimal_loss: that of the true score, where the density is known; None elsewhere.
        learning_rate: of the last step.
        seconds_left: estimate, None before there is one.
        diverged: why training stopped and what to try, or None.
        optimal_loss_error: the standard error of `optimal_loss`, which is estimated from random points.
        held_out_loss, held_out_error: after a check, the training loss and by how much the averaged weights lose more at
            held-out points than at training points, with its standard error; None between checks.
        note: at the end, that training stopped early and why, or that other weights than the last are kept.
    """

    step: int
    seconds: float
    steps_per_second: float
    loss: float
    optimal_loss: float | None
    learning_rate: float
    seconds_left: float | None
    finished: bool
    diverged: str | None
    optimal_loss_error: float | None = None  # not told by files of earlier versions, nor are those below
    held_out_loss: float | None = None
    held_out_error: float | None = None
    note: str | None = None
