"""A figure as it was measured, with its error and its floor, and a part of the figures of docs/metrics.md."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from playground import messages
from playground.messages import Message

PARTS = {"error": "_standard_error", "floor": "_floor", "floor_std": "_floor_std", "points": "_points"}
"""The ends of the names that the parts of a figure have in metrics.json."""
REASONS, SAID = "reasons", "said"


@dataclass(frozen=True)
class Measured:
    """A figure as it was measured. A part that a figure of this name never has is UNSET, one that is not known None.

    Attributes:
        value: a number, a text, or a tuple of numbers; None if it could not be measured.
        error: its standard error.
        floor, floor_std: what a perfect model or sampler has, and its standard deviation.
        points: the numbers of points from which it was measured.
        reason: why the value is None; or of a value that is there, why a part of it is.
    """

    value: Any
    error: Any = UNSET
    floor: Any = UNSET
    floor_std: Any = UNSET
    points: Any = UNSET
    reason: Message | None = None


def add_with_error(found: dict[str, Any], name: str, measured: tuple[Any, Any]) -> None:
    """Write a figure and its standard error into a mapping as metrics.json has it."""
    found[name], found[f"{name}{PARTS['error']}"] = measured


def add_floor(found: dict[str, Any], name: str, floors: Sequence[float] | NDArray[np.floating]) -> None:
    """Write the floor of a figure, the mean of two or more, and its standard deviation."""
    found[f"{name}{PARTS['floor']}"], found[f"{name}{PARTS['floor_std']}"] = (
        float(np.mean(floors)),
        float(np.std(floors, ddof=1)),
    )


class Figures(Mapping[str, Measured]):
    """Figures by name. They can be written and read again, see :class:`playground.lab.store.Kept`."""

    def __init__(self, figures: Mapping[str, Measured]) -> None:
        self._figures = dict(figures)

    def __getitem__(self, name: str) -> Measured:
        return self._figures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._figures)

    def __len__(self) -> int:
        return len(self._figures)

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """The figures of a mapping as metrics.json has it: numbers by name, errors and floors beside them, and `reasons`."""
        reasons = {key: why if isinstance(why, Message) else messages.plain(why) for key, why in found[REASONS].items()}
        figures = {}
        for name in found:
            if name == REASONS or _owner(name, found) is not None:
                continue
            ends = {part: f"{name}{end}" for part, end in PARTS.items() if f"{name}{end}" in found}
            why = (reasons[key] for key in (name, *ends.values()) if key in reasons)
            parts = {part: _frozen(found[key]) for part, key in ends.items()}
            figures[name] = Measured(_frozen(found[name]), **parts, reason=next(why, None))
        return cls(figures)

    def flat(self) -> dict[str, Any]:
        """What :meth:`of` was given."""
        found: dict[str, Any] = {}
        reasons: dict[str, Message] = {}
        for name, figure in self._figures.items():
            ends = ((f"{name}{end}", getattr(figure, part)) for part, end in PARTS.items())
            told = {name: figure.value} | {key: value for key, value in ends if value is not UNSET}
            found |= {key: list(value) if isinstance(value, tuple) else value for key, value in told.items()}
            if figure.reason is not None:
                reasons |= {key: figure.reason for key, value in told.items() if value is None}
        return found | {REASONS: reasons}

    def packed(self) -> tuple[dict[str, str], dict[str, Any]]:
        """The texts and arrays of a file."""
        return {"figures": json.dumps(self.flat(), default=_message)}, {}

    @classmethod
    def unpacked(cls, texts: Mapping[str, str], _arrays: Mapping[str, Any]) -> Self:
        """What :meth:`packed` returned.

        Raises:
            ValueError: it is damaged.
        """
        try:
            return cls.of(json.loads(texts["figures"], object_hook=_read))
        except (LookupError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError("The figures cannot be read.") from error


def joined(flats: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Several results of :meth:`Figures.flat` as one."""
    found: dict[str, Any] = {}
    reasons: dict[str, Any] = {}
    for flat in flats:
        found |= flat
        reasons |= flat[REASONS]
    return found | {REASONS: reasons}


def _owner(name: str, found: Mapping[str, Any]) -> str | None:
    """The figure of which a name is a part; None if it is a figure itself."""
    stems = (name.removesuffix(end) for end in PARTS.values() if name.endswith(end))
    return next((stem for stem in stems if stem in found), None)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _message(said: Message) -> dict[str, Any]:
    return {SAID: messages.to_json(said)}


def _read(told: dict[str, Any]) -> Any:
    return messages.from_json(told[SAID]) if told.keys() == {SAID} else told
