"""The history as JSON values. Each step has only its changes, so that a long history stays small."""

import itertools
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from playground.app.model.pinned_runs import clean_name, named
from playground.lab import experiment as description
from playground.lab.document import Document
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.pinned_run import PinnedRun
from playground.records import record

Section = TypeVar("Section", bound=msgspec.Struct)
PARTS: dict[str, Any] = {
    field.name: field.type
    for field in msgspec.structs.fields(Document)
    if field.name not in ("experiment", "trainings", "pins")
}
"""The parts of a document that are written whole, by name, with their types."""


@record
class History:
    """The first document and those after each step, and how many steps are done."""

    documents: Sequence[Document]
    place: int

    @property
    def document(self) -> Document:
        """The document at the history's position."""
        return self.documents[self.place]

    @property
    def pins(self) -> dict[int, PinnedRun]:
        """All runs that are pinned at any place, by their numbers."""
        return {run.number: run for document in self.documents for run in document.pins}

    def to_json(self) -> dict[str, Any]:
        """The history as JSON values; each step takes time and space in proportion to its changes."""
        first, steps = self.documents[0], list[dict[str, Any]]()
        for before, after in itertools.pairwise(self.documents):
            saved = _parts(before, after)
            if after.experiment != before.experiment:
                saved["changes"] = _changes(before.experiment, after.experiment)
            if after.trainings != before.trainings:
                saved["training"] = after.trainings[-1].name
            steps.append(saved)
        return {
            "first": msgspec.to_builtins(first.experiment),
            "parts": _parts(Document(first.experiment), first),
            "steps": steps,
            "place": self.place,
        }

    @staticmethod
    def from_json(saved: Any, pins: tuple[PinnedRun, ...] = ()) -> "History":
        """The history from the result of :meth:`to_json`.

        Args:
            pins: the runs that were kept beside the history; in version 1 of unsaved work all of them are pinned.

        Raises:
            ExperimentError: the values are damaged.
        """
        try:
            tree = dict(saved["first"])
            experiment = description.from_tree(tree, Experiment())
            older = "parts" not in saved
            before = _with_parts(Document(experiment, pins=pins if older else ()), saved.get("parts", {}), pins)
            documents = [before]
            place = int(saved["place"])
            if not 0 <= place <= len(saved["steps"]):
                raise ExperimentError("The history is damaged (its place).")
            for entry in saved["steps"]:
                for key, kept, value in entry.get("changes", ()):
                    _put(tree, key, kept, value)
                experiment = shared(before.experiment, description.from_tree(tree, Experiment()))
                after = msgspec.structs.replace(_with_parts(before, entry, pins), experiment=experiment)
                before = after.begun(str(entry["training"])) if "training" in entry else after
                documents.append(before)
        except ExperimentError:
            raise
        except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
            raise ExperimentError(f"The history is damaged ({type(error).__name__}).") from None
        return History(documents, place)


def _parts(before: Document, after: Document) -> dict[str, Any]:
    """The parts of a document that differ from an earlier one, by name."""
    found = {name: getattr(after, name) for name in PARTS if getattr(after, name) != getattr(before, name)}
    if after.pins != before.pins:  # the rest of a run never changes, and is kept beside the history
        found["pins"] = [{"number": run.number, "name": run.name} for run in after.pins]
    return {name: msgspec.to_builtins(part) for name, part in found.items()}


def _with_parts(document: Document, saved: dict[str, Any], pins: Sequence[PinnedRun]) -> Document:
    parts = {name: msgspec.convert(saved[name], kind) for name, kind in PARTS.items() if name in saved}
    if "pins" in saved:
        known = {run.number: run for run in pins}
        names = {int(one["number"]): clean_name(one["name"]) for one in saved["pins"]}
        parts["pins"] = tuple(named(known[number], name) for number, name in names.items() if number in known)
    return msgspec.structs.replace(document, **parts)


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
