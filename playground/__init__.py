"""Score Playground: train score networks, sample from them and measure them, in one window or from Python.

The functions are in :mod:`playground.api`, which loads torch. The names here load it when they are first used.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

from playground.version import __version__ as __version__

if TYPE_CHECKING:
    from playground.api import (
        NetworkScore,
        Row,
        Run,
        TrueDensity,
        UntrainedSigmaWarning,
        Work,
        density,
        evaluate,
        load,
        log_likelihood,
        network,
        open_window,
        replace,
        run,
        sample,
        score,
        sweep,
        train,
    )
    from playground.kinds.kind import register
    from playground.lab.experiment import Experiment
    from playground.lab.session import Session
    from playground.lab.trajectory import Trajectory

__all__ = [
    "Experiment",
    "NetworkScore",
    "Row",
    "Run",
    "Session",
    "Trajectory",
    "TrueDensity",
    "UntrainedSigmaWarning",
    "Work",
    "density",
    "evaluate",
    "load",
    "log_likelihood",
    "network",
    "open_window",
    "register",
    "replace",
    "run",
    "sample",
    "score",
    "sweep",
    "train",
]

# Torch computes functions that Apple's MPS lacks (such as erfcx) on the CPU instead of failing. It reads this variable
# when it is imported.
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("playground.api"), name)
    raise AttributeError(f"module 'playground' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
