"""The history as JSON values. Each step has only its changes, so that a long history stays small."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from playground.lab import experiment as description
from playground.lab.experiment import Experiment, ExperimentError


@dataclass(frozen=True)
class Other:
    """A step other than a change of settings.

    Attributes:
        kind: "reset", "deletion", or "" for a step with a text only.
        number: the number of the deleted run.
        name: the name of the training that a reset began.
        text: the step's text.
        after: the experiment after a reset that changed settings too; None if it changed none.
    """

    kind: str = ""
    number: int = 0
    name: str = ""
    text: str = ""
    after: Experiment | None = None


Section = TypeVar("Section", bound=msgspec.Struct)
Step = Experiment | Other
"""One step of the history: the experiment after it, or another step."""


@dataclass(frozen=True, eq=False)
class History:
    """The first experiment, the steps after it, and how many of them are done."""

    first: Experiment
    steps: Sequence[Step] = ()
    place: int = 0

    @property
    def experiment(self) -> Experiment:
        """The experiment at the history's position."""
        return self.at(self.place)

    def at(self, place: int) -> Experiment:
        """The experiment after this many steps."""
        known = (_after(step) for step in reversed(self.steps[:place]))
        return next((after for after in known if after is not None), self.first)

    def to_json(self) -> dict[str, Any]:
        """The history as JSON values; each step takes time and space in proportion to its changes."""
        steps: list[dict[str, Any]] = []
        before = self.first
        for step in self.steps:
            saved: dict[str, Any] = {}
            after = _after(step)
            if after is not None:
                saved["changes"] = _changes(before, after)
                before = after
            if isinstance(step, Other):
                saved |= {"kind": step.kind, "number": step.number, "name": step.name, "text": step.text}
            steps.append(saved)
        return {"first": msgspec.to_builtins(self.first), "steps": steps, "place": self.place}

    @staticmethod
    def from_json(saved: Any) -> "History":
        """The history from the result of :meth:`to_json`.

        Raises:
            ExperimentError: the values are damaged.
        """
        try:
            tree = dict(saved["first"])
            before = first = description.from_tree(tree, Experiment())
            steps: list[Step] = []
            for entry in saved["steps"]:
                after = None
                if "changes" in entry:
                    for key, kept, value in entry["changes"]:
                        _put(tree, key, kept, value)
                    before = after = shared(before, description.from_tree(tree, Experiment(), first))
                if after is None or "kind" in entry:
                    name = entry.get("name", entry["number"])  # in earlier versions a training had a number
                    told = str(entry["kind"]), int(entry["number"]), str(name), str(entry["text"])
                    steps.append(Other(*told, after))
                else:
                    steps.append(after)
            place = int(saved["place"])
        except ExperimentError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
            raise ExperimentError(f"The history is damaged ({type(error).__name__}).") from None
        if not 0 <= place <= len(steps):
            raise ExperimentError("The history is damaged (its place).")
        return History(first, steps, place)


def _after(step: Step) -> Experiment | None:
    """The experiment after a step; None if the step changed no setting."""
    return step.after if isinstance(step, Other) else step


def shared(old: Experiment, new: Experiment) -> Experiment:
    """The new experiment; its parts that equal those of the old one are taken from the old one."""
    return old if old == new else _with_parts_of(old, new)


def _with_parts_of(old: Section, new: Section) -> Section:
    names = new.__struct_fields__
    return msgspec.structs.replace(new, **{name: _shared(getattr(old, name), getattr(new, name)) for name in names})


def _shared(old: object, new: object) -> object:
    if old == new:
        return old
    if isinstance(new, msgspec.Struct) and type(old) is type(new):
        return _with_parts_of(old, new)
    if isinstance(new, tuple) and isinstance(old, tuple):
        return (*map(_shared, old, new), *new[len(old) :])
    return new


def _changes(before: msgspec.Struct, after: msgspec.Struct, prefix: str = "") -> list[tuple[str, int, Any]]:
    """Dotted keys with their new values; of a list the number of kept items (-1: none kept) and the items after them."""
    found: list[tuple[str, int, Any]] = []
    for name in after.__struct_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if old is new or old == new:
            continue
        if isinstance(new, msgspec.Struct) and type(new) is type(old):
            found += _changes(old, new, f"{name}.")
        elif isinstance(new, tuple) and isinstance(old, tuple):
            kept = next((place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), None)
            kept = min(len(old), len(new)) if kept is None else kept
            found.append((prefix + name, kept, msgspec.to_builtins(new[kept:])))
        else:
            found.append((prefix + name, -1, msgspec.to_builtins(new)))
    return found


def _put(tree: dict[str, Any], key: str, kept: int, value: Any) -> None:
    """Apply one change to an experiment in TOML's form, without changing the old values."""
    name, _, inner = key.rpartition(".")
    if name:
        tree[name] = section = dict(tree[name])
    else:
        section = tree
    section[inner] = [*section[inner][:kept], *value] if kept >= 0 else value
