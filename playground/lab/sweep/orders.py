"""The work of a cell as values: plain settings and bytes go to a process or machine, plain figures and bytes come back.

This module imports no torch: the scheduler of a cluster reads orders too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playground.kinds import plugins
from playground.version import __version__


@dataclass(frozen=True)
class Order:
    """The work of a cell.

    Attributes:
        settings: all settings by section.
        measure, losses: see :class:`playground.lab.sweep.description.Sweep`.
        trains: whether the network is to be trained. Otherwise it comes with the order, unless none is needed.
        model: the bytes of a session with the trained network; None without one.
        device: "auto", "cpu", "cuda" or "mps".
        plugin_files: the plug-ins that the process needs.
        version: that of the program that gives the order.
    """

    settings: Mapping[str, Any]
    measure: str
    losses: bool
    trains: bool
    model: bytes | None
    device: str
    plugin_files: Sequence[Path] = field(default_factory=lambda: tuple(plugins.loaded))
    version: str = __version__


@dataclass(frozen=True)
class Delivery:
    """What became of an order.

    Attributes:
        found: the `metrics`, and `curves` if losses were asked for; or an `error`.
        model: the bytes of the session that was trained; None if none was.
    """

    found: Mapping[str, Any]
    model: bytes | None = None
