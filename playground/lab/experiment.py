"""The description of an experiment: read, changed, checked and written; TOML in and out.

Panels, tooltips, TOML files, the command line's ``--set`` and the reference in docs/ are all made from :func:`fields`,
and those from :mod:`playground.lab.settings`. This module imports no torch, so the window can open before torch is loaded.
"""

import difflib
import functools
import itertools
import math
import os
import re
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
import tomli_w

from playground.lab.atomic import replacing
from playground.lab.settings import Auto
from playground.lab.settings import Experiment as Experiment
from playground.lab.settings import Stroke as Stroke


class ExperimentError(ValueError):
    """A setting that cannot be used: the message is one sentence for the user and names the way out."""


LISTS = {
    "data.strokes": "[{points = [[0.0, 0.0], [1.0, 2.0]], radius = 0.2}]",
    "noise.rungs": "[8.0, 2.0, 0.5]",
    "noise.schedule": "[[0.0, 0.01], [0.5, 1.0], [1.0, 10.0]]",
}
"""How lists are written, by key: an example says more than a grammar."""


@dataclass(frozen=True)
class Field:
    """One setting as panels, tooltips, TOML, the command line and the docs see it."""

    key: str  # "noise.sigma_max"; "seed" has no section
    kind: Literal["int", "float", "bool", "choice", "text", "list"]
    default: Any
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    auto: bool  # whether "auto" is allowed beside a number
    description: str
    symbol: str
    equation: str  # LaTeX
    unit: str  # "data", "data²", "s", ... : "data" is the user's own unit
    log: bool
    resets: bool

    @property
    def bound(self) -> str:
        """The allowed values in words."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind == "bool":
            return "true or false"
        if self.kind == "text":
            return "text"
        if self.kind == "list":
            return f"a list, as in {LISTS[self.key]}"
        number = "a whole number" if self.kind == "int" else "a number"
        limits = f" from {_number(self.minimum)} to {_number(self.maximum)}"
        return number + limits + (' or "auto"' if self.auto else "")


def _number(value: float | None) -> str:
    if value is None:
        return "any"
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e10 else f"{value:g}"


def _field(key: str, hint: Any, default: Any) -> Field:
    auto = False
    if get_origin(hint) in (typing.Union, types.UnionType):
        auto = True
        (hint,) = (part for part in get_args(hint) if part != Auto)
    base, meta = get_args(hint)
    choices: tuple[str, ...] = ()
    if get_origin(base) is Literal:
        kind, choices = "choice", get_args(base)
    elif get_origin(base) is tuple:
        kind = "list"
    else:
        kind = {bool: "bool", int: "int", float: "float", str: "text"}[base]
    return Field(
        key=key,
        kind=typing.cast(Any, kind),
        default=default,
        minimum=meta.ge,
        maximum=meta.le,
        choices=choices,
        auto=auto,
        description=meta.description,
        **meta.extra,
    )


@functools.cache
def fields() -> Mapping[str, Field]:
    """Every setting by its dotted key, in the order of the window's cards."""
    found: dict[str, Field] = {}
    for name, hint in typing.get_type_hints(Experiment, include_extras=True).items():
        default = getattr(Experiment(), name)
        if isinstance(default, msgspec.Struct):
            hints = typing.get_type_hints(type(default), include_extras=True)
            for inner, inner_hint in hints.items():
                key = f"{name}.{inner}"
                found[key] = _field(key, inner_hint, getattr(default, inner))
        else:
            found[name] = _field(name, hint, default)
    return types.MappingProxyType(found)


def value(experiment: Experiment, key: str) -> Any:
    """The value of a dotted key."""
    return functools.reduce(getattr, key.split("."), experiment)


def replace(experiment: Experiment, changes: Mapping[str, Any]) -> Experiment:
    """A copy with some dotted keys changed.

    Raises:
        ExperimentError: a key is unknown or a value out of its bounds.
    """
    tree = msgspec.to_builtins(experiment)
    for key, new in changes.items():
        *sections, name = _known(key).split(".")
        branch = tree
        for section in sections:
            branch = branch[section]
        branch[name] = msgspec.to_builtins(new)
    return _build(tree)


def parse(text: str, origin: str = "the experiment") -> Experiment:
    """Read TOML; what is not given has its default.

    Raises:
        ExperimentError: the text is not TOML, or a key or value is wrong; the sentence says which, and what is allowed.
    """
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # beside syntax: numbers of 5,000 digits, brackets 1,000 deep
        raise ExperimentError(f"{origin} is not valid TOML: {str(error).splitlines()[0].rstrip('.')}.") from None
    return _build(tree)


def load(path: str | os.PathLike[str]) -> Experiment:
    """Read an experiment from a TOML file. Relative data paths are read from the file's own folder.

    Raises:
        ExperimentError: the file cannot be read or is not a valid experiment.
    """
    path = Path(path)
    try:
        experiment = parse(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise ExperimentError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ExperimentError(f"{path} is not a text file: experiments are TOML in UTF-8.") from None
    if experiment.data.path and not Path(experiment.data.path).is_absolute():
        return replace(experiment, {"data.path": str((path.parent / experiment.data.path).resolve())})
    return experiment


def dump(experiment: Experiment) -> str:
    """The complete experiment as TOML; :func:`parse` gives back an equal one."""
    return tomli_w.dumps(msgspec.to_builtins(experiment))


def save(experiment: Experiment, path: str | os.PathLike[str]) -> None:
    """Write TOML atomically: the old file stays whole until the new one is."""
    with replacing(path) as temporary:
        temporary.write_text(dump(experiment), encoding="utf-8")


def assignment(text: str) -> tuple[str, Any]:
    """Read ``section.key=value`` from the command line; the value may leave out TOML's quotes.

    Raises:
        ExperimentError: no ``=``, the key is unknown, or a number lacks a digit that TOML wants.
    """
    key, equals, raw = text.partition("=")
    if not equals:
        raise ExperimentError(f"--set takes section.key=value, as in noise.sigma_max=8; {text!r} has no =.")
    key = _known(key.strip())
    field = fields()[key]
    if field.kind in ("choice", "text"):
        return key, raw.strip().strip("\"'")
    try:
        return key, tomllib.loads(f"value = {raw}")["value"]
    except (ValueError, RecursionError):
        if re.search(r"(?<!\d)\.\d|\d\.(?!\d)", raw):
            raise ExperimentError(
                f"--set {text} is not TOML, which wants digits on both sides of a point: 0.1 and 3.0, not .1 and 3."
            ) from None
        return key, raw.strip()


def _known(key: str) -> str:
    known = fields()
    if key in known:
        return key
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5) or [
        other for other in known if other.split(".")[-1] == key.split(".")[-1]
    ]
    hint = f"; did you mean {near[0]}?" if near else f"; the sections are {', '.join(_sections())}."
    raise ExperimentError(f"{key} is not a setting{hint}")


def _sections() -> list[str]:
    return list(dict.fromkeys(key.split(".")[0] for key in fields() if "." in key))


def _leaves(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, branch in tree.items():
        if name in _sections():
            if not isinstance(branch, Mapping):
                raise ExperimentError(
                    f"{name} is a section: write [{name}] and its settings below it, not {name} = {branch!r}."
                )
            for inner, leaf in branch.items():
                yield f"{name}.{inner}", leaf
        elif isinstance(branch, Mapping) and name not in fields():
            near = difflib.get_close_matches(name, _sections(), n=1, cutoff=0.5)
            hint = f"; did you mean [{near[0]}]?" if near else f"; the sections are {', '.join(_sections())}."
            raise ExperimentError(f"[{name}] is not a section{hint}")
        else:
            yield name, branch


def _build(tree: Mapping[str, Any]) -> Experiment:
    for key, given in _leaves(tree):
        _check(fields()[_known(key)], given)
    try:
        experiment = msgspec.convert(tree, Experiment)
    except msgspec.ValidationError as error:
        raise ExperimentError(_wrong_list(str(error))) from None
    _check_together(experiment)
    return experiment


def _wrong_list(said: str) -> str:
    """What msgspec says in our words: only what lists hold is left to it."""
    place = re.search(r"\$\.((\w+\.\w+)[^`]*)", said)
    if place is None:
        return f"The experiment is not valid: {said}."
    part = re.search(r"(unknown|missing required) field `([^`]*)`", said)
    where = place[1] + (f".{part[2]}" if part else "")
    what = "cannot be used" if part is None else "is not known" if part[1] == "unknown" else "is missing"
    return f"{where} {what}: {place[2]} must be {fields()[place[2]].bound}."


def _check(field: Field, given: Any) -> None:
    """Refuse a value outside its field's type and bounds, naming key, value, bound and the nearest allowed name."""
    if field.auto and given == "auto":
        return
    shown = f'"{given}"' if isinstance(given, str) else str(given).lower() if isinstance(given, bool) else str(given)
    if len(shown) > 60:
        shown = shown[:57] + "..."
    refusal = f"{field.key} = {shown} is not allowed: it must be {field.bound}"
    if field.kind == "choice":
        if given not in field.choices:
            near = difflib.get_close_matches(str(given), field.choices, n=1, cutoff=0.4)
            raise ExperimentError(refusal + (f"; did you mean {near[0]}?" if near else "."))
    elif field.kind in ("int", "float"):
        right = isinstance(given, int) if field.kind == "int" else isinstance(given, int | float)
        if isinstance(given, bool) or not right:
            raise ExperimentError(refusal + ".")
        assert field.minimum is not None
        assert field.maximum is not None
        if not field.minimum <= given <= field.maximum:  # nan lies within no bounds
            raise ExperimentError(refusal + ".")
    else:
        expected: Any = {"bool": bool, "text": str, "list": list | tuple}[field.kind]
        if not isinstance(given, expected) or (field.kind == "text" and "\0" in given):
            raise ExperimentError(refusal + ".")


def _check_together(experiment: Experiment) -> None:
    noise = experiment.noise
    if noise.sigma_min != "auto" and noise.sigma_max != "auto" and noise.sigma_min >= noise.sigma_max:
        raise ExperimentError(
            f"noise.sigma_min = {noise.sigma_min:g} must lie below noise.sigma_max = {noise.sigma_max:g}: lower one or raise the other."
        )
    if noise.beta_min >= noise.beta_max:
        raise ExperimentError(
            f"noise.beta_min = {noise.beta_min:g} must lie below noise.beta_max = {noise.beta_max:g}."
        )
    rungs = noise.rungs
    if rungs and (len(rungs) < 2 or not all(math.isfinite(rung) and rung > 0 for rung in rungs)):
        raise ExperimentError("noise.rungs must hold at least two positive numbers.")
    if any(coarse <= fine for coarse, fine in itertools.pairwise(rungs)):
        raise ExperimentError("noise.rungs must fall from coarse to fine, as in [8.0, 2.0, 0.5].")
    times, sigmas = ([point[axis] for point in noise.schedule] for axis in (0, 1))
    if noise.schedule and (times[0] != 0 or times[-1] != 1 or not 0 < sigmas[0] <= sigmas[-1] < math.inf):
        raise ExperimentError(
            "noise.schedule must hold points [t, sigma] from t = 0 to t = 1, with every sigma above 0."
        )
    if any(not before < after for values in (times, sigmas) for before, after in itertools.pairwise(values)):
        raise ExperimentError("noise.schedule must rise in t and in sigma, as in [[0, 0.01], [0.5, 0.3], [1, 9]].")
    for stroke in experiment.data.strokes:
        numbers = [stroke.radius, *(coordinate for point in stroke.points for coordinate in point)]
        if not stroke.points or stroke.radius <= 0 or not all(map(math.isfinite, numbers)):
            raise ExperimentError("data.strokes must hold finite points and a radius above 0.")
