"""A claim with its bounds, before and after it is measured: of the self-test, audits, the doctor, scenes and lessons."""

import math
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from playground.user_errors import UserError


class Found(NamedTuple):
    """A measured value that is shown in words.

    Attributes:
        words: shown in place of the value and its bounds.
        advice: a sentence that says what to do; empty if nothing has to be done. A claim that holds and has advice is a warning.
    """

    value: float
    words: str
    advice: str = ""


@dataclass(frozen=True)
class Claim:
    """A claim, how it is measured, and what was measured.

    Attributes:
        source: what the claim is about; claims of one source stand below one heading.
        what: a sentence without its full stop.
        measure: computes the value.
        high, low: the bounds of the value. Without any it is no claim, and only measured.
        measured: the value; nan before it is measured, and if that failed.
        words, advice: as those of :class:`Found`; the words also say what failed.
    """

    source: str
    what: str
    measure: Callable[[], float | Found]
    high: float = math.inf
    low: float = -math.inf
    measured: float = math.nan
    words: str = ""
    advice: str = ""

    def checked(self) -> "Claim":
        """The claim with what is measured now. An exception fails this claim and no other."""
        try:
            found = self.measure()
        except Exception as error:
            kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
            return replace(self, words=f"{kind}{error}".splitlines()[0].removesuffix(": "))
        value, words, advice = found if isinstance(found, Found) else Found(found, "")
        return replace(self, measured=float(value), words=words, advice=advice)

    @property
    def holds(self) -> bool:
        return self.low <= self.measured <= self.high

    @property
    def is_bounded(self) -> bool:
        """Whether it is a claim, and not only a measurement."""
        return not math.isinf(self.low) or not math.isinf(self.high)

    @property
    def verdict(self) -> str:
        return "FAILED" if not self.holds else "warning" if self.advice else "ok"

    @property
    def measured_text(self) -> str:
        """The measured value as a table shows it."""
        return self.words or number(self.measured)

    @property
    def bound_text(self) -> str:
        """The bound as a table shows it; "none" for a value that is only measured."""
        if not self.is_bounded:
            return "none"
        if math.isinf(self.high):
            return f"at least {number(self.low)}"
        if self.low == self.high:
            return number(self.high)
        if math.isinf(self.low):
            return f"at most {number(self.high)}"
        return f"{number(self.low)} to {number(self.high)}"


def number(value: float) -> str:
    """The value with three digits, or as a power of ten if that is shorter."""
    return f"{value:.3g}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.1e}"


def measured(claims: Iterable[Claim]) -> Generator[Claim, None, None]:
    """Yield each claim as soon as it is measured; stop iterating to cancel."""
    with one_thread():
        for claim in claims:
            yield claim.checked()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch, if it is loaded, on one thread.

    With work this small, more threads would wait for each other, on a busy machine for most of the time.
    """
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else 1
    try:
        if torch:
            torch.set_num_threads(1)
        yield
    finally:
        if torch:
            torch.set_num_threads(threads)


def how_many_hold(found: Sequence[Claim]) -> str:
    """How many of the measured claims hold, in words."""
    claims = [claim for claim in found if claim.is_bounded or not claim.holds]
    return f"{sum(claim.holds for claim in claims)} of {len(claims)} claims hold"


COLUMNS = ("source", "claim", "measured", "low", "high", "holds", "words", "advice")


def row(claim: Claim) -> tuple[Any, ...]:
    """The :data:`COLUMNS` of a measured claim, for JSON and CSV: numbers that neither knows are None."""
    numbers = (value if math.isfinite(value) else None for value in (claim.measured, claim.low, claim.high))
    holds = claim.holds if claim.is_bounded or not claim.holds else None
    return claim.source, claim.what, *numbers, holds, claim.words, claim.advice


def as_json(found: Iterable[Claim]) -> dict[str, Any]:
    """Measured claims for JSON."""
    found = list(found)
    rows = [dict(zip(COLUMNS, row(claim), strict=True)) for claim in found]
    return {"passed": all(claim.holds for claim in found), "claims": rows}
