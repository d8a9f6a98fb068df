"""The figures of ``metrics.json``, each declared once: what it is called and means, its unit, its format and its floor.

Cards, run table, command line, sweeps and ``docs/metrics.md`` loop over them. Each module of this folder has some by their keys;
to add a figure, add a file. No module imports torch before something is measured.
"""

import importlib
import pkgutil
from collections.abc import Mapping

from playground.lab.figures.spec import FigureSpec

OVER_FLOOR = "_over_floor"
"""The end of the key of a figure that is another one over its floor."""

FIGURES: Mapping[str, FigureSpec] = {
    key: spec
    for module in pkgutil.iter_modules(__path__, f"{__name__}.")
    for key, spec in getattr(importlib.import_module(module.name), "FIGURES", {}).items()
}
"""By the key of ``metrics.json``; ``integral`` is in the window only."""
