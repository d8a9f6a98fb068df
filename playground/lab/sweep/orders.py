"""The work of a cell as values: plain settings and bytes go to a process or machine, plain figures and bytes come back.

This module imports no torch: the scheduler of a cluster reads orders too.
"""

import dataclasses
import math
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from playground.kinds import plugins
from playground.lab.autoguidance import weaker_step
from playground.lab.checkpoints import PREFIX, kept_steps
from playground.lab.experiment import Experiment
from playground.lab.session import MODEL, Session
from playground.version import __version__

CURVES = ("sigma", "train_loss", "held_out_loss")
"""The curves of :func:`playground.lab.loss_curve.losses_along_sigma`; a cell has all of them or none."""


class CellResult(msgspec.Struct, frozen=True):
    """What became of a cell, as its file has it: its figures, or why it failed.

    Attributes:
        metrics: the figures.
        curves: those of :data:`CURVES`, if losses were asked for.
        error: why it failed; None if it did not.
        provenance: what made the figures.
        values, experiment: the cell's own values and settings.
        version: of the program that computed it.

    Raises:
        ValueError: it has neither an error nor figures, a figure is not finite, or curves are missing or differ in length.
    """

    metrics: dict[str, float] = {}
    curves: dict[str, list[float]] = {}
    error: str | None = None
    provenance: dict[str, Any] = {}
    values: dict[str, Any] = {}
    experiment: dict[str, Any] = {}
    version: str = "unknown"

    def __post_init__(self) -> None:
        lengths = {len(self.curves.get(name, ())) for name in CURVES}
        if self.error is None and not (self.metrics and all(map(math.isfinite, self.metrics.values()))):
            raise ValueError("no figures")
        if len(lengths) > 1 or (self.curves and lengths == {0}):
            raise ValueError("curves do not fit each other")


@dataclass(frozen=True)
class Order:
    """The work of a cell.

    Attributes:
        settings: all settings by section.
        measure, losses: see :class:`playground.lab.sweep.description.Sweep`.
        trains: whether the network is to be trained. Otherwise it comes with the order, unless none is needed.
        keeps_checkpoints: whether the weights of earlier training steps are kept, for autoguidance.
        model: the bytes of a session with the trained network; None without one.
        device: "auto", "cpu", "cuda" or "mps".
        plugin_files: the plug-ins that the process needs, each with its SHA-256.
        version: that of the program that gives the order.
    """

    settings: Mapping[str, Any]
    measure: str
    losses: bool
    trains: bool = False
    keeps_checkpoints: bool = False
    model: bytes | None = None
    device: str = "auto"
    plugin_files: Mapping[Path, str] = field(
        default_factory=lambda: {path: one.checksum for path, one in plugins.loaded.items()}
    )
    version: str = __version__


@dataclass(frozen=True)
class Delivery:
    """What became of an order.

    Attributes:
        model: the bytes of the session that was trained; None if none was.
        log: the traceback of an error of the program or of a plug-in; "" without one.
    """

    found: CellResult
    model: bytes | None = None
    log: str = ""


def packed(session: Session) -> bytes:
    """The bytes of a session's file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        session.save(path)
        return path.read_bytes()


def unpacked(contents: bytes) -> Session:
    """The session of the bytes of its file.

    Raises:
        SessionError: they are damaged.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        path.write_bytes(contents)
        return Session.load(path)


def for_sampling(session: Session, sampled: Iterable[Experiment]) -> bytes:
    """The bytes of a session without what only further training needs, a quarter of its weights.

    Args:
        sampled: the experiments that need them; those that are guided by an earlier training step need its weights too.
    """
    weights = session.weights or {}
    steps = {weaker_step(one, kept_steps(weights), int(weights["step"])) for one in sampled}
    needed = ("ema.", "hidden_labels", "step", *(f"{PREFIX}.{step}." for step in steps))
    weights = {name: array for name, array in weights.items() if name.startswith(needed)}
    return packed(dataclasses.replace(session, weights=weights))
