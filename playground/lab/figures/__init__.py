"""The figures of ``metrics.json``, each declared once: what it is called and means, its unit, its format, its floor and its part.

Cards, run table, command line, sweeps and ``docs/metrics.md`` loop over them. Each module of this folder has some by their keys, and
the part in which they are measured; to add a figure, add a file. No module imports torch before something is measured.
"""

import importlib
import pkgutil
from collections.abc import Mapping

from playground.lab.figures.parts import PARTS
from playground.lab.figures.spec import FigureSpec, Sort

OVER_FLOOR = "_over_floor"
"""The end of the key of a figure that is another one over its floor."""

_MODULES = [importlib.import_module(module.name) for module in pkgutil.iter_modules(__path__, f"{__name__}.")]
_DECLARED = [module for module in _MODULES if hasattr(module, "FIGURES")]
FIGURES: Mapping[str, FigureSpec] = {key: spec for module in _DECLARED for key, spec in module.FIGURES.items()}
"""By the key of ``metrics.json``; ``integral`` is in the window only."""
_PART_OF = {
    key: module.PART if spec.part is None else spec.part for module in _DECLARED for key, spec in module.FIGURES.items()
}


def sorts_of(part: str) -> dict[str, Sort]:
    """What is measured in a part: the keys of its figures, and of what has no words, each with what its value is."""
    told = PARTS[part].like or part
    return {key: FIGURES[key].sort for key, owner in _PART_OF.items() if owner == told} | dict(PARTS[told].others)


def needing(need: str) -> list[str]:
    """The keys of the figures that need something of data and settings, see :class:`FigureSpec`."""
    return [key for key, spec in FIGURES.items() if need in spec.needs]
