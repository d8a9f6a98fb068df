"""The history as JSON values: of each step only what it changed, so that a long one with a large drawing stays small."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from playground.lab import experiment as description
from playground.lab.experiment import Experiment, ExperimentError


@dataclass(frozen=True)
class Other:
    """A step that changes no setting.

    Attributes:
        kind: "reset", "deletion", or "" for one that only has its name.
        number: of the training that a reset began, or of the run that was deleted.
        text: what it is called.
    """

    kind: str = ""
    number: int = 0
    text: str = ""


Step = Experiment | Other
"""One step of the history: the experiment that it led to, or another."""


@dataclass(frozen=True, eq=False)
class History:
    """Where the work began, its steps, and how many of them are done."""

    first: Experiment
    steps: Sequence[Step] = ()
    place: int = 0

    @property
    def experiment(self) -> Experiment:
        """The one where the history stands."""
        return self.at(self.place)

    def at(self, place: int) -> Experiment:
        """The experiment after so many steps."""
        return next((step for step in reversed(self.steps[:place]) if isinstance(step, Experiment)), self.first)

    def to_json(self) -> dict[str, Any]:
        """It as JSON values; each step takes the time and the room of what it changed."""
        steps: list[dict[str, Any]] = []
        before = self.first
        for step in self.steps:
            if isinstance(step, Experiment):
                steps.append({"changes": _changes(before, step)})
                before = step
            else:
                steps.append({"kind": step.kind, "number": step.number, "text": step.text})
        return {"first": msgspec.to_builtins(self.first), "steps": steps, "place": self.place}

    @staticmethod
    def from_json(saved: Any) -> "History":
        """What :meth:`to_json` gave.

        Raises:
            ExperimentError: it is damaged.
        """
        try:
            tree = dict(saved["first"])
            before = first = description.from_tree(tree, Experiment())
            steps: list[Step] = []
            for entry in saved["steps"]:
                if "changes" not in entry:
                    steps.append(Other(str(entry["kind"]), int(entry["number"]), str(entry["text"])))
                    continue
                for key, kept, value in entry["changes"]:
                    _put(tree, key, kept, value)
                before = shared(before, description.from_tree(tree, Experiment()))
                steps.append(before)
            place = int(saved["place"])
        except ExperimentError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
            raise ExperimentError(f"The history is damaged ({type(error).__name__}).") from None
        if not 0 <= place <= len(steps):
            raise ExperimentError("The history is damaged (its place).")
        return History(first, steps, place)


def shared(old: Any, new: Any) -> Any:
    """The new value, with all of its parts that equal the old value's taken from there."""
    if old == new:
        return old
    if isinstance(new, msgspec.Struct) and type(new) is type(old):
        parts = {name: shared(getattr(old, name), getattr(new, name)) for name in new.__struct_fields__}
        return msgspec.structs.replace(new, **parts)
    if isinstance(new, tuple) and isinstance(old, tuple):
        return (*map(shared, old, new), *new[len(old) :])
    return new


def _changes(before: Any, after: Any, prefix: str = "") -> list[tuple[str, int, Any]]:
    """Dotted keys with their new values, of lists those behind the first so many, which stayed; -1 where all is new."""
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
    """Take one change into an experiment as TOML has it; what was there before is not changed itself."""
    name, _, inner = key.rpartition(".")
    if name:
        tree[name] = section = dict(tree[name])
    else:
        section = tree
    section[inner] = [*section[inner][:kept], *value] if kept >= 0 else value
