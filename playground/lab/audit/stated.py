"""Claims that are stated above the function that measures them: of an audit, or of the theory."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from playground.lab.chart import Chart
from playground.lab.claims import Claim, Found

Measuring = TypeVar("Measuring", bound=Callable[..., float | Found])
_STATED: dict[str, list[Callable[..., Iterator[Claim]]]] = defaultdict(list)
"""What makes the claims of a module or a class, in their order."""


def claim(
    source: str,
    what: str,
    high: float = math.inf,
    low: float = -math.inf,
    each: Iterable[Any] | None = None,
    when: Callable[[Any], object] | None = None,
) -> Callable[[Measuring], Measuring]:
    """State a claim of what the function below measures; of several above one function, the lowest comes first.

    Args:
        source, high, low: as those of :class:`playground.lab.claims.Claim`.
        what: the claim, with the audit as its first field in braces, if there is one, and the argument as the next.
        each: arguments of the function, with a claim for each of them; it takes none by default.
        when: whether an audit makes this claim; it always does by default.
    """
    arguments: list[tuple[Any, ...]] = [()] if each is None else [(argument,) for argument in each]

    def state(measure: Measuring) -> Measuring:
        def made(*audit: Any) -> Iterator[Claim]:
            if when is None or when(*audit):
                for given in arguments:
                    yield Claim(source, what.format(*audit, *given), partial(measure, *audit, *given), high, low)

        _STATED[f"{measure.__module__}.{measure.__qualname__}".rpartition(".")[0]].append(made)
        return measure

    return state


def claims_of(place: str, *audit: Any) -> Iterator[Claim]:
    """The claims that are stated in a module, or in the class of an audit."""
    for made in _STATED[place]:
        yield from made(*audit)


class Auditing:
    """What makes the claims of a kind, and keeps what they measure."""

    def claims(self) -> Iterator[Claim]:
        """The claims, in the order in which they are measured."""
        kind = type(self)
        return claims_of(f"{kind.__module__}.{kind.__qualname__}", self)

    def charts(self) -> Sequence[Chart]:
        """The charts of the measurements."""
        return ()
