"""A figure as it was measured, with its error and its floor, and a part of the figures of docs/metrics.md."""

import json
import math
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from playground import messages
from playground.lab.figures import FIGURES, OVER_FLOOR
from playground.lab.figures.spec import MEASURED
from playground.lab.figures.spec import Measured as Measured
from playground.lab.table_cells import is_number
from playground.messages import Message

ENDS = {"error": "_standard_error", "floor": "_floor", "floor_std": "_floor_std", "points": "_points"}
"""The ends of the names that the parts of a figure have in a table."""
OTHER_NAMES = {
    ("log_partition", "error"): "log_partition_error",
    ("mode_weights", "floor"): "mode_weights_true",
    ("class_frequencies", "floor"): "class_frequencies_true",
    **{
        (name, part): f"{name}_held_out{end}"
        for name in ("memorized_share", "nearest_neighbour_distance")
        for part, end in (("floor", ""), ("floor_std", "_standard_error"))
    },
    ("energy_distance", "points"): "two_sample_points",
    ("mmd_squared", "points"): "two_sample_points",
    ("classifier_accuracy", "points"): "two_sample_points",
    ("tilted_sliced_wasserstein2", "points"): "tilted_points",
}
"""Names that parts have instead."""
REASONS, SAID = "reasons", "said"
PARTS = ("value", *ENDS, "reason")
VERSION = 2
"""Of metrics.json. In version 1 the parts of a figure had names of their own, with the ends of a table."""


def missing(names: Iterable[str], why: Message | None) -> dict[str, Measured]:
    """Figures that could not be measured."""
    return dict.fromkeys(names, Measured(None, reason=why))


def mean_floor(floors: Sequence[float] | NDArray[np.floating]) -> tuple[float, float]:
    """The floor of a figure, the mean of two or more, and its standard deviation."""
    return float(np.mean(floors)), float(np.std(floors, ddof=1))


UNKNOWN = Measured(None)


class Figures(dict[str, Measured]):
    """Figures by name. They can be written and read again, see :class:`playground.lab.store.Kept`."""

    def known(self, name: str) -> Measured:
        """A figure; one without a value if it was not measured."""
        return self.get(name, UNKNOWN)

    def value(self, name: str) -> Any:
        """The value of a figure; None if there is none."""
        return self.known(name).value

    def floor(self, name: str) -> tuple[Any, Any]:
        """The floor of a figure that FIGURES declares, and its standard deviation; None where they are not known."""
        figure, floor = self.known(name), FIGURES[name].floor
        if floor == MEASURED:
            return figure.floor, figure.floor_std
        return self.value(floor) if isinstance(floor, str) else floor, None

    def number(self, name: str) -> float | None:
        """What a table has by this name: a figure, its floor, or how many times its floor it is; None unless it is a finite number."""
        stem = name.removesuffix(OVER_FLOOR)
        if stem != name:
            value, floor = self.number(stem), self.floor(stem)[0]
            return value / floor if value is not None and floor else None
        owner, part = owners(name, self)[0]
        found = getattr(self.known(owner), part)
        return float(found) if is_number(found) and math.isfinite(found) else None

    @classmethod
    def union(cls, parts: Iterable[Mapping[str, Measured]]) -> Self:
        """The figures of several parts."""
        return cls({name: figure for part in parts for name, figure in part.items()})

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """The figures of metrics.json, or of a mapping as :meth:`flat` and metrics.json of version 1 have them."""
        if found.get("version") == VERSION:
            told = {name: one for name, one in found.items() if isinstance(one, dict) and "value" in one}
            return cls({name: Measured(**_parts(one)) for name, one in told.items()})
        reasons = found.get(REASONS, {})
        parts: dict[str, dict[str, Any]] = {}
        for name in [name for name in found if name != REASONS]:
            for owner, part in owners(name, found):
                figure = parts.setdefault(owner, {"value": None})
                figure[part] = _frozen(found[name])
                if name in reasons and (part == "value" or "reason" not in figure):
                    why = reasons[name]
                    figure["reason"] = why if isinstance(why, Message) else messages.plain(why)
        return cls({name: Measured(**figure) for name, figure in parts.items()})

    def to_json(self) -> dict[str, Any]:
        """The figures as metrics.json has them: of each its value, and those of its parts that are known."""
        told = {name: {part: getattr(figure, part) for part in PARTS} for name, figure in self.items()}
        known = {name: {part: of for part, of in one.items() if of is not None} for name, one in told.items()}
        return {"version": VERSION} | {name: {"value": None} | one for name, one in known.items()}

    def flat(self) -> dict[str, Any]:
        """The columns of a table; and why figures and errors are missing. :meth:`of` reads it."""
        found: dict[str, Any] = {}
        reasons: dict[str, Message] = {}
        for name, figure in self.items():
            told = {name: figure.value}
            for part, end in ENDS.items():
                if getattr(figure, part) is not None or (
                    part == "error" and figure.reason and figure.value is not None
                ):
                    told[OTHER_NAMES.get((name, part), f"{name}{end}")] = getattr(figure, part)
            found |= {key: list(value) if isinstance(value, tuple) else value for key, value in told.items()}
            if figure.reason is not None:
                lacking = [
                    key for key, value in told.items() if value is None or (isinstance(value, tuple) and None in value)
                ]
                reasons |= dict.fromkeys(lacking or [name], figure.reason)
        return found | {REASONS: reasons}

    def packed(self) -> tuple[dict[str, str], dict[str, Any]]:
        """The texts and arrays of a file."""
        return {"figures": json.dumps(self.to_json(), default=_message)}, {}

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


def floor_name(key: str) -> str:
    """The name of a figure's floor in a table; "" if it has none there."""
    floor = FIGURES[key].floor if key in FIGURES else None
    if floor == MEASURED:
        return OTHER_NAMES.get((key, "floor"), f"{key}{ENDS['floor']}")
    return floor if isinstance(floor, str) else ""


def owners(name: str, found: Container[str]) -> list[tuple[str, str]]:
    """The figures that a name of a table is about, each with the part of it that the name is."""
    shared = [(owner, part) for (owner, part), other in OTHER_NAMES.items() if other == name and owner in found]
    ends = ((name.removesuffix(end), part) for part, end in ENDS.items() if name.endswith(end))
    return shared or [next(((stem, part) for stem, part in ends if stem in found), (name, "value"))]


def _parts(told: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a figure in metrics.json of version 2, where a reason is a text."""
    parts = {part: _frozen(of) for part, of in told.items() if part in PARTS}
    why = parts.get("reason")
    return parts | {"reason": messages.plain(why)} if isinstance(why, str) else parts


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _message(said: Message) -> dict[str, Any]:
    return {SAID: messages.to_json(said)}


def _read(told: dict[str, Any]) -> Any:
    return messages.from_json(told[SAID]) if told.keys() == {SAID} else told
