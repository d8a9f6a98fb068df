"""The declaration of a figure."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["", "nat", "bit", "data", "data²", "1/data²", "share", "count", "s"]
"""The unit of a figure. ``data`` is the unit of the user's data, and ``share`` a fraction, which the window shows in per cent."""

MEASURED = "measured"
"""In place of a floor that is measured with the figure."""


@dataclass(frozen=True)
class FigureSpec:
    """What is said of a figure, wherever it is shown.

    Attributes:
        title: its name, the same on a card, in a table, in a plot and on the command line.
        meaning: what it measures, in a few sentences.
        equation: LaTeX.
        short: its name where there is little room; "" if that is the title.
        unit: its unit.
        floor: what a perfect model or sampler has: a number, MEASURED, or the key of the figure that tells it; None if there is
            none.
        beside: what its floor is called beside it.
        each: what each of several shares is of, before its number.
        decimals: how many a card shows; None for as many digits as matter. Figures in nats and bits have three.
        needs: what data and settings must have, or the cards have no row for it: see
            :func:`playground.app.panels.figure.possible`.
        card: the part of a card that shows it; "" if it has a place of its own.
        tells: the keys of figures that are told with it, in its tooltip.
        of_runs: whether the table of the pinned runs has a column of it.
        printed: whether a run prints it beside other figures of samples and paths.
    """

    title: str
    meaning: str
    equation: str = ""
    short: str = ""
    unit: Unit = ""
    floor: float | str | None = None
    beside: str = "floor"
    each: str = ""
    decimals: int | None = None
    needs: tuple[str, ...] = ()
    card: str = ""
    tells: tuple[str, ...] = ()
    of_runs: bool = False
    printed: bool = False

    @property
    def places(self) -> int | None:
        """The decimals of its value, error and floor; None for as many digits as matter."""
        return 3 if self.decimals is None and self.unit in ("nat", "bit") else self.decimals

    @property
    def heading(self) -> str:
        """The name in the head of a narrow column."""
        return self.short or self.title

    @property
    def axis(self) -> str:
        """The name on the axis of a plot, with a unit that all data share."""
        return f"{self.title} ({self.unit})" if self.unit in ("nat", "s") else self.title
