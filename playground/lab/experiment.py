"""The description of an experiment: read, changed, checked and written; TOML in and out.

Panels, tooltips, TOML files, the command line's ``--set`` and the reference in docs/ are all made from :func:`fields`,
and those from :mod:`playground.lab.settings`. The same holds for any other struct of settings, where its kind is named.
This module imports no torch, so the window can open before torch is loaded.
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
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec
import tomli_w

from playground.lab.atomic import atomic_write
from playground.lab.settings import Auto
from playground.lab.settings import Experiment as Experiment
from playground.lab.settings import Stroke as Stroke
from playground.user_errors import UserError

Described = TypeVar("Described", bound=msgspec.Struct)

MOST_CHARACTERS = 10_000_000
"""Most characters of a file of settings: as a brush would leave in an hour."""
DEEPEST = 32
_DEEP_KEY = re.compile(
    rf"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{DEEPEST}}}""",
    re.ASCII,
)
"""A key of more parts: Python's parser keeps every part of it with all parts before, which 400 kB of dots make gigabytes."""


class ExperimentError(UserError, ValueError):
    """A setting that cannot be used: the message is one sentence for the user and names the way out."""


LISTS = {
    "data.strokes": "[{points = [[0.0, 0.0], [1.0, 2.0]], radius = 0.2}]",
    "noise.sigmas": "[8.0, 2.0, 0.5]",
    "noise.schedule": "[[0.0, 0.01], [0.5, 1.0], [1.0, 10.0]]",
    "patterns": '["##./##./##.", ".../###/###"]',
}
"""Examples of how lists are written, by key."""


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
    equation: str | Mapping[str, str]  # LaTeX, or that of each choice that has its own
    unit: str  # "data", "data²", "s", ... : "data" is the user's own unit
    log: bool
    resets: bool

    def equation_of(self, value: Any) -> str:
        """The LaTeX that holds for a value; nothing where there is none."""
        return self.equation if isinstance(self.equation, str) else self.equation.get(value, "")

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
    if float(value).is_integer() and abs(value) < 1e10:
        return str(int(value))
    mantissa, _, exponent = f"{value:g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa  # 1e-9, as the window writes it, and not 1e-09


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
def fields(kind: type[msgspec.Struct] = Experiment) -> Mapping[str, Field]:
    """Every setting by its dotted key, in the order of the window's cards."""
    found: dict[str, Field] = {}
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        default = getattr(kind(), name)
        if isinstance(default, msgspec.Struct):
            hints = typing.get_type_hints(type(default), include_extras=True)
            for inner, inner_hint in hints.items():
                key = f"{name}.{inner}"
                found[key] = _field(key, inner_hint, getattr(default, inner))
        else:
            found[name] = _field(name, hint, default)
    return types.MappingProxyType(found)


def value(described: msgspec.Struct, key: str) -> Any:
    """The value of a dotted key."""
    return functools.reduce(getattr, key.split("."), described)


def replace(described: Described, changes: Mapping[str, Any]) -> Described:
    """A copy with some dotted keys changed.

    Raises:
        ExperimentError: a key is unknown or a value out of its bounds.
    """
    kind = type(described)
    tree = msgspec.to_builtins(described)
    for key, new in changes.items():
        *sections, name = _known(key, kind).split(".")
        branch = tree
        for section in sections:
            branch = branch[section]
        branch[name] = msgspec.to_builtins(new)
    return _build(tree, kind)


def parse(text: str, origin: str = "the experiment") -> Experiment:
    """Read an experiment; see :func:`parse_as`."""
    return parse_as(Experiment, text, origin)


def parse_as(kind: type[Described], text: str, origin: str) -> Described:
    """Read TOML; what is not given has its default.

    Raises:
        ExperimentError: the text is not TOML, or a key or value is wrong; the sentence says which, and what is allowed.
    """
    if len(text) > MOST_CHARACTERS:
        raise ExperimentError(
            f"{origin} has more than {MOST_CHARACTERS:,} characters, which no settings need: draw with fewer strokes."
        )
    if _DEEP_KEY.search(text):
        raise ExperimentError(f"{origin} has a key of more than {DEEPEST} parts: a setting is section.key.")
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # beside syntax: numbers of 5,000 digits, brackets 1,000 deep
        repeated = _repeated(text, str(error))
        if repeated:
            raise ExperimentError(f"{origin} {repeated}") from None
        raise ExperimentError(f"{origin} is not valid TOML: {str(error).splitlines()[0].rstrip('.')}.") from None
    return _build(tree, kind)


def _repeated(text: str, said: str) -> str:
    """Return the key that stands twice in TOML, where this is what Python's parser complains of; "" otherwise."""
    place = re.match(r"Cannot (?:overwrite a value|declare .* twice) \(at (?:line (\d+)|end of document)", said)
    if place is None:
        return ""
    lines = text.splitlines()
    last = min(int(place[1] or len(lines)), len(lines))
    key, equals, _ = lines[last - 1].partition("=")
    if not equals:
        return f"has {key.strip()[:60]} twice, again in line {last}: keep one, with all that stands below either."
    sections = [line.strip() for line in lines[:last] if line.lstrip().startswith("[")]
    where = f" of {sections[-1][:60]}" if sections else ""
    return f"sets {key.strip()[:60]}{where} twice, again in line {last}: keep one."


def load(path: str | os.PathLike[str]) -> Experiment:
    """Read an experiment from a TOML file. Relative data paths are read from the file's own folder.

    Raises:
        ExperimentError: the file cannot be read or is not a valid experiment.
    """
    path = Path(path)
    experiment = load_as(Experiment, path)
    if experiment.data.path and not Path(experiment.data.path).is_absolute():
        return replace(experiment, {"data.path": str((path.parent / experiment.data.path).resolve())})
    return experiment


def with_relative_paths(experiment: Experiment, folder: Path) -> Experiment:
    """Return the experiment for a file in another folder: paths of data in that folder, or below, become relative to
    it.

    A drawing and a path that are kept of other kinds of data are none of the reader's business.
    """
    experiment = msgspec.structs.replace(experiment, data=experiment.data.used())
    data, folder = Path(experiment.data.path), folder.resolve()
    if not data.is_absolute() or not data.is_relative_to(folder):
        return experiment
    return replace(experiment, {"data.path": data.relative_to(folder).as_posix()})  # which every system reads


def load_as(kind: type[Described], path: Path) -> Described:
    """Read settings of one kind from a TOML file.

    Raises:
        ExperimentError: the file cannot be read or does not hold such settings.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return parse_as(kind, file.read(MOST_CHARACTERS + 1), path.name)
    except OSError as error:
        raise ExperimentError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ExperimentError(f"{path} is not a text file: experiments are TOML in UTF-8.") from None


def dump(described: msgspec.Struct) -> str:
    """Write all settings as TOML; :func:`parse_as` gives back equal ones."""
    return tomli_w.dumps(msgspec.to_builtins(described))


def save(described: msgspec.Struct, path: str | os.PathLike[str]) -> None:
    """Write TOML atomically: the old file stays whole until the new one is."""
    with atomic_write(path) as temporary:
        temporary.write_text(dump(described), encoding="utf-8")


def assignment(text: str, kind: type[msgspec.Struct] = Experiment) -> tuple[str, Any]:
    """Read ``section.key=value`` from the command line; the value may leave out TOML's quotes.

    Raises:
        ExperimentError: no ``=`` or nothing before it, the key is unknown, or a number lacks a digit that TOML wants.
    """
    key, equals, raw = text.partition("=")
    if not equals or not key.strip():
        form = "section.key=value, as in noise.sigma_max=8" if _sections(kind) else "key=value, as in steps=500"
        raise ExperimentError(f"--set takes {form}; {text!r} has no {'name before its =' if equals else '='}.")
    key = _known(key.strip(), kind)
    field = fields(kind)[key]
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


def _known(key: str, kind: type[msgspec.Struct]) -> str:
    known = fields(kind)
    if key in known:
        return key
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5) or [
        other for other in known if other.split(".")[-1] == key.split(".")[-1]
    ]
    sections = _sections(kind)
    there = f"the sections are {', '.join(sections)}" if sections else f"the settings are {', '.join(known)}"
    raise ExperimentError(f"{key} is not a setting; " + (f"did you mean {near[0]}?" if near else f"{there}."))


def _sections(kind: type[msgspec.Struct]) -> list[str]:
    return list(dict.fromkeys(key.split(".")[0] for key in fields(kind) if "." in key))


def _leaves(tree: Mapping[str, Any], kind: type[msgspec.Struct]) -> Iterator[tuple[str, Any]]:
    sections = _sections(kind)
    for name, branch in tree.items():
        if name in sections:
            if not isinstance(branch, Mapping):
                raise ExperimentError(
                    f"{name} is a section: write [{name}] and its settings below it, not {name} = {branch!r}."
                )
            for inner, leaf in branch.items():
                yield f"{name}.{inner}", leaf
        elif isinstance(branch, Mapping) and sections and name not in fields(kind):
            near = difflib.get_close_matches(name, sections, n=1, cutoff=0.5)
            hint = f"; did you mean [{near[0]}]?" if near else f"; the sections are {', '.join(sections)}."
            raise ExperimentError(f"[{name}] is not a section{hint}")
        else:
            yield name, branch


def _build(tree: Mapping[str, Any], kind: type[Described]) -> Described:
    for key, given in _leaves(tree, kind):
        _check(fields(kind)[_known(key, kind)], given)
    try:
        described = msgspec.convert(tree, kind)
    except msgspec.ValidationError as error:
        raise ExperimentError(_wrong_list(str(error), kind)) from None
    check_together(described)
    return described


def _wrong_list(said: str, kind: type[msgspec.Struct]) -> str:
    """Put msgspec's complaint about the entries of a list into our words."""
    place = re.search(r"\$\.((\w+(?:\.\w+)?)[^`]*)", said)
    if place is None:
        return f"The settings are not valid: {said}."
    part = re.search(r"(unknown|missing required) field `([^`]*)`", said)
    where = place[1] + (f".{part[2]}" if part else "")
    what = "cannot be used" if part is None else "is not known" if part[1] == "unknown" else "is missing"
    return f"{where} {what}: {place[2]} must be {fields(kind)[place[2]].bound}."


def _check(field: Field, given: Any) -> None:
    """Refuse a value outside its field's type and bounds, naming key, value, bound and the nearest allowed name."""
    if field.auto and given == "auto":
        return
    shown = f'"{given}"' if isinstance(given, str) else str(given).lower() if isinstance(given, bool) else str(given)
    if len(shown) > 60:
        shown = shown[:57] + "..."
    conflict = f"{field.key} = {shown} is not allowed: it must be {field.bound}"
    if field.kind == "choice":
        if given not in field.choices:
            begun = [choice for choice in field.choices if given and choice.startswith(str(given))]
            near = begun or difflib.get_close_matches(str(given), field.choices, n=1)
            raise ExperimentError(conflict + (f"; did you mean {near[0]}?" if near else "."))
    elif field.kind in ("int", "float"):
        right = isinstance(given, int) if field.kind == "int" else isinstance(given, int | float)
        if isinstance(given, bool) or not right:
            raise ExperimentError(conflict + ".")
        assert field.minimum is not None
        assert field.maximum is not None
        if not field.minimum <= given <= field.maximum:  # nan lies within no bounds
            raise ExperimentError(conflict + ".")
    else:
        expected: Any = {"bool": bool, "text": str, "list": list | tuple}[field.kind]
        if not isinstance(given, expected) or (field.kind == "text" and "\0" in given):
            raise ExperimentError(conflict + ".")


@functools.singledispatch
def check_together(described: msgspec.Struct) -> None:
    """Refuse settings that are each allowed and contradict each other; every kind registers its own.

    Raises:
        ExperimentError: they do.
    """


@check_together.register
def _(experiment: Experiment) -> None:
    noise = experiment.noise
    if noise.sigma_min != "auto" and noise.sigma_max != "auto" and noise.sigma_min >= noise.sigma_max:
        raise ExperimentError(
            f"noise.sigma_min = {noise.sigma_min:g} must lie below noise.sigma_max = {noise.sigma_max:g}: lower one or raise the other."
        )
    if noise.beta_min >= noise.beta_max:
        raise ExperimentError(
            f"noise.beta_min = {noise.beta_min:g} must lie below noise.beta_max = {noise.beta_max:g}."
        )
    levels = noise.sigmas
    if levels and (len(levels) < 2 or not all(math.isfinite(sigma) and sigma > 0 for sigma in levels)):
        raise ExperimentError("noise.sigmas must hold at least two positive numbers.")
    if any(coarse <= fine for coarse, fine in itertools.pairwise(levels)):
        raise ExperimentError("noise.sigmas must fall from coarse to fine, as in [8.0, 2.0, 0.5].")
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
