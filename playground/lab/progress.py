"""The progress reports of training and of measuring. This module imports no torch, so that saved reports are read at once."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import msgspec

from playground import messages
from playground.messages import Message


@dataclass(frozen=True)
class MeasuringProgress:
    """How far a measurement is.

    Attributes:
        fraction: how much of it is done.
        label: the part of it that is measured now.
        stage: the part of the figures to which it belongs; "" for a measurement of its own.
        known: what is known so far.
    """

    fraction: float
    label: str = ""
    stage: str = ""
    known: Any = None


@dataclass(frozen=True)
class TrainingProgress:
    """A report of a training.

    Attributes:
        step, seconds: steps made and time spent training, pauses not counted.
        steps_per_second: over the last second or so.
        loss: mean over the steps since the last report.
        optimal_loss: loss of the true score if the density is known, otherwise None.
        learning_rate: of the last step.
        seconds_left: an estimate; None before there is one.
        diverged: why training stopped and what to try, or None.
        optimal_loss_error: the standard error of `optimal_loss`, which is estimated from random points.
        held_out_loss, held_out_error: after a check, the training loss plus the gap between the averaged weights' losses
            at held-out points and at training points, and its standard error. None between checks.
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
    diverged: Message | None
    optimal_loss_error: float | None = None  # optional in files, as are those below
    held_out_loss: float | None = None
    held_out_error: float | None = None
    note: Message | None = None

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, for :meth:`from_json`."""
        saved = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return saved | {name: saved[name] and messages.to_json(saved[name]) for name in _MESSAGES}

    @classmethod
    def from_json(cls, saved: object) -> "TrainingProgress | None":
        """The report that :meth:`to_json` returned; None if it is not valid."""
        if not isinstance(saved, dict):
            return None
        said: dict[str, Any] = {name: messages.from_json(saved.get(name)) for name in _MESSAGES}
        try:
            return dataclasses.replace(msgspec.convert({**saved, **dict.fromkeys(said)}, cls), **said)
        except msgspec.ValidationError:
            return None


_MESSAGES = ("diverged", "note")
