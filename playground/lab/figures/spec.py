"""The declaration of a figure, and a figure as it was measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from playground.messages import Message
from playground.records import record

if TYPE_CHECKING:
    import numpy as np

Unit = Literal["", "nat", "bit", "data", "data²", "1/data²", "share", "count", "s"]
"""The unit of a figure. ``data`` is the unit of the user's data, and ``share`` a fraction, which the window shows in per cent."""

Sort = Literal["number", "text", "message", "shares", "levels", "curve", "rows", "counts"]
"""What the value of a figure is: a number; a text; a message; fractions, each with its error and floor; rising noise levels; numbers
along these, some of which may be unknown; the numbers of rows of the data; or numbers of points."""

MEASURED = "measured"
"""In place of a floor that is measured with the figure."""


@dataclass(frozen=True)
class Measured:
    """A figure as it was measured. What there is not, or what is not known, is None.

    Attributes:
        value: a number, a text, or a tuple of numbers.
        error: its standard error.
        floor, floor_std: what a perfect model or sampler has, and its standard deviation.
        points: the numbers of points from which it was measured.
        reason: why the value is None; or of a value that is there, why a part of it is.
    """

    value: Any
    error: Any = None
    floor: Any = None
    floor_std: Any = None
    points: Any = None
    reason: Message | None = field(default=None, kw_only=True)


@record
class Part:
    """Figures that are measured together, because they come from the same draws.

    Attributes:
        about: what they depend on besides a network and its data: a "run", the whole "training", or the settings of "sampling" or "likelihood".
        asked: the measurement with which the window measures them; "" if it does not.
        on_request: whether they are no part of metrics.json: only the window measures them.
        others: what is measured with them and has no words.
        like: the part whose figures they are, measured more finely here.
    """

    about: str = ""
    asked: str = ""
    on_request: bool = False
    others: Mapping[str, Sort] = field(default_factory=dict)
    like: str = ""


@record
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
        color: the colour of its number there, by its name in :class:`playground.drawing.palette.Palette`.
        tells: the keys of figures that are told with it, in its tooltip.
        of_runs: whether the table of the pinned runs has a column of it.
        printed: whether a run prints it.
        sort: what its value is.
        part: the part in which it is measured; None for that of its file, "" if it is another one seen otherwise.
        measure: measures it of samples (N, *shape) in the user's units, or None, and of the figures that were measured before;
            None of a figure that is measured with others.
        page: its formula, error, floor and source for ``docs/metrics.md``, if its entry there is made from this declaration.
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
    color: str = "text"
    tells: tuple[str, ...] = ()
    of_runs: bool = False
    printed: bool = True
    sort: Sort = "number"
    part: str | None = None
    measure: "Callable[[np.ndarray | None, Mapping[str, Measured]], Measured] | None" = None
    page: Mapping[str, str] = field(default_factory=dict)

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
