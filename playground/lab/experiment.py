"""The description of an experiment: reading, changing, checking and writing it, as TOML.

Panels, tooltips, TOML files, the command line's ``--set`` and the reference in docs/ are all made from :func:`fields`.
The fields come from the kinds (:mod:`playground.kinds`) and from :mod:`playground.lab.settings`. Most functions take
any other struct of settings too. This module imports no torch, so the window can open before torch is loaded.
"""

import difflib
import functools
import operator
import os
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec
import tomli_w

from playground.data.places import has_device_name, is_remote_or_device
from playground.kinds.kind import Kind, registered
from playground.kinds.setting import ExperimentError as ExperimentError
from playground.kinds.setting import Field as Field
from playground.kinds.setting import own_fields
from playground.lab.atomic import write_whole
from playground.lab.settings import Experiment as Experiment
from playground.lab.table_cells import is_number
from playground.messages import Edit, Message, digits, setting
from playground.user_errors import did_you_mean

Described = TypeVar("Described", bound=msgspec.Struct)
Remembered = Mapping[tuple[str, str], Kind]
"""The settings that a kind had when it was last chosen, by section and name."""

MOST_CHARACTERS = 10_000_000
"""Most characters of a file of settings: as many as an hour's drawing with the brush would make."""
DEEPEST = 32
FILES = ("data.path", "noise.source_path")
"""The settings that name a file or folder."""
SEED, SEEDS = "seed", ("data.seed", "training.seed", "sampling.seed")
"""A name for all seeds at once, in files of versions that had one seed, in ``--set`` and in Python; and the seeds."""
_DEEP_KEY = re.compile(
    rf"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{DEEPEST}}}""",
    re.ASCII,
)
"""A key of more parts. Python's parser stores each part with all parts before it, so 400 kB of dots take gigabytes."""


def fields(described: msgspec.Struct | type[msgspec.Struct] = Experiment) -> Mapping[str, Field]:
    """Every setting of the chosen kinds by its dotted key, in the order of the window's cards.

    Args:
        described: settings, or their type, which stands for its default kinds.
    """
    settings = described() if isinstance(described, type) else described
    sections = tuple((name, type(section)) for name, section in _sections(settings).items())
    return _fields(type(settings), sections, registered())


@functools.lru_cache(maxsize=256)
def _fields(
    settings: type[msgspec.Struct],
    sections: tuple[tuple[str, type[msgspec.Struct]], ...],
    _registered: tuple[type[Kind], ...],
) -> Mapping[str, Field]:
    """The settings of these sections; it takes 0.1 ms, and the window asks for them 160 times while it opens."""
    found = dict(own_fields(settings))
    default = settings()
    for name, section in sections:
        if issubclass(section, Kind):
            field = section.choice(getattr(default, name).kind)
            found[field.key] = field
        found |= own_fields(section, name)
    return types.MappingProxyType(found)


def every_field(kind: type[msgspec.Struct] = Experiment) -> Mapping[str, Field]:
    """Every setting of every kind by its dotted key. If several kinds have it, the first kind's field is taken."""
    return _every_field(kind, registered())


@functools.lru_cache(maxsize=8)
def _every_field(kind: type[msgspec.Struct], _registered: tuple[type[Kind], ...]) -> Mapping[str, Field]:
    default = kind()
    found = dict(fields(default))
    for name, section in _sections(default).items():
        if isinstance(section, Kind):
            for other in type(section).kinds().values():
                found = {**own_fields(other, name), **found}
    return types.MappingProxyType(found)


def owners(key: str) -> tuple[str, ...]:
    """The kinds of an experiment's section that have a setting, by name."""
    name, _, inner = key.partition(".")
    section = _sections(Experiment()).get(name)
    if not isinstance(section, Kind):
        return ()
    return tuple(kind for kind, cls in type(section).kinds().items() if inner in cls.__struct_fields__)


def value(described: msgspec.Struct, key: str) -> Any:
    """The value of a dotted key.

    Raises:
        AttributeError: the chosen kind has no such setting.
    """
    return operator.attrgetter(key)(described)


def differing(one: msgspec.Struct, other: msgspec.Struct) -> list[str]:
    """The settings with different values, or that only one of two descriptions of a type has; a section that both share is not read."""
    before, after = fields(one), fields(other)
    sections = {name for name in one.__struct_fields__ if getattr(one, name) != getattr(other, name)}
    return [
        key
        for key in {**before, **after}
        if key.partition(".")[0] in sections
        and (key not in before or key not in after or value(one, key) != value(other, key))
    ]


def changed(experiment: Experiment) -> dict[str, Any]:
    """The settings that differ from the default experiment, by their dotted keys; the kinds come first.

    >>> changed(Experiment())
    {}
    """
    found = {
        key: msgspec.to_builtins(chosen)
        for key, field in fields(experiment).items()
        if (chosen := value(experiment, key)) != field.default
    }
    return dict(sorted(found.items(), key=lambda one: not one[0].endswith(".kind")))


def reset_key(experiment: Experiment) -> tuple[object, ...]:
    """The settings that training depends on from its first step. Experiments that share them share their weights."""
    known = fields(experiment).items()
    return tuple((key, value(experiment, key)) for key, setting in known if setting.resets)


def replace(
    described: Described, changes: Mapping[str, Any], remembered: Remembered = types.MappingProxyType({})
) -> Described:
    """A copy with some dotted keys changed. If a key changes a kind, the section gets the settings of the new kind.

    The key "seed" changes the three seeds of an experiment, except those that have a change of their own.

    Args:
        remembered: settings that a new kind gets back; it gets its defaults if they are missing.

    Raises:
        ExperimentError: a key is unknown or of another kind, or a value is out of its bounds.
    """
    changes = plain_values(changes)
    if isinstance(described, Experiment) and SEED in changes:
        changes = {**dict.fromkeys(SEEDS, changes.pop(SEED)), **changes}
    for key, new in changes.items():
        name, _, inner = key.partition(".")
        section = _sections(described).get(name)
        if inner == "kind" and isinstance(section, Kind):
            _check(fields(described)[key], new)
            if new != section.kind:
                other = type(section).kinds()[new]
                switched = section.switched(other, remembered.get((name, new)))
                described = msgspec.structs.replace(described, **{name: switched})
    known, parts = fields(described), dict[str, dict[str, Any]]()
    for key, new in changes.items():
        field = known.get(key) or _refuse_key(key, described)
        _check(field, new)
        name, _, inner = key.rpartition(".")
        if inner != "kind" or not isinstance(_sections(described).get(name), Kind):
            parts.setdefault(name, {})[inner] = counted(field, new)
    whole = parts.pop("", {})
    made = {name: _converted(getattr(described, name), part, name) for name, part in parts.items()}
    described = msgspec.structs.replace(_converted(described, whole, ""), **made)
    check_together(described)
    return described


def counted(field: Field, given: Any) -> Any:
    """A value of a setting, with a count that was given as a whole float, such as 1e4, as an int."""
    return int(given) if field.kind == "int" and _is_whole(given) else given


def plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by key, with Python's numbers and lists in place of numpy's, and mappings in place of structs.

    Raises:
        ExperimentError: a value is none that a setting could have.
    """

    def plain(value: Any) -> Any:
        if hasattr(value, "tolist"):  # numpy's numbers and arrays, without importing numpy
            return value.tolist()
        raise ExperimentError(
            f"{_shown(value)} is no value of a setting: settings are numbers, texts, and lists of these."
        )

    return {key: msgspec.to_builtins(value, enc_hook=plain) for key, value in values.items()}


def parse(text: str, origin: str = "the experiment") -> Experiment:
    """Read an experiment; see :func:`parse_as`."""
    return parse_as(Experiment, text, origin)


def parse_as(kind: type[Described], text: str, origin: str) -> Described:
    """Read TOML; settings that are not given have their defaults.

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
    except (ValueError, RecursionError) as error:  # syntax errors, numbers of 5,000 digits, brackets 1,000 deep
        repeated = _repeated(text, str(error))
        if repeated:
            raise ExperimentError(f"{origin} {repeated}") from None
        raise ExperimentError(f"{origin} is not valid TOML: {str(error).splitlines()[0].rstrip('.')}.") from None
    return from_file(tree, kind())


def from_file(tree: Mapping[str, Any], others: Described) -> Described:
    """Build settings from the tree of a file, which may be from anyone; see :func:`from_tree`.

    Raises:
        ExperimentError: as :func:`replace`, or data are to be read from a network share or a device.
    """
    made = from_tree(tree, others)
    if isinstance(made, Experiment):
        _check_places(made)
    return made


def _check_places(experiment: Experiment) -> None:
    for key, file in files(experiment).items():
        if has_device_name(file):
            text = "A file may not set {}, as Windows takes this name for a device: rename it, or choose the data yourself."
            raise ExperimentError(Message("name-of-a-device", text, (setting(key, file[:60]),), key))
        if is_remote_or_device(file):
            text = "A file may not set {}, a network share or a device: copy the data here, or choose them yourself."
            raise ExperimentError(Message("remote-or-device", text, (setting(key, file[:60]),), key))


def without_places(experiment: Experiment) -> Experiment:
    """The experiment with only the names of files on network shares and devices, for a session, which has their points."""
    return replace(experiment, {key: without_place(file) for key, file in files(experiment).items()})


def without_place(file: str) -> str:
    """A file, or only its name if it is on a network share or a device."""
    return re.split(r"[\\/]", file)[-1] if is_remote_or_device(file) else file


def from_tree(tree: Mapping[str, Any], others: Described) -> Described:
    """Build settings from a tree by section, as TOML has it.

    Args:
        others: the settings that are not given are taken from here.

    Raises:
        ExperimentError: as :func:`replace`.
    """
    return replace(others, dict(_leaves(tree, others)))


def _repeated(text: str, said: str) -> str:
    """Return which key is repeated in the TOML, if that is the error of Python's parser; "" otherwise."""
    place = re.match(r"Cannot (?:overwrite a value|declare .* twice) \(at (?:line (\d+)|end of document)", said)
    if place is None:
        return ""
    lines = text.splitlines()
    last = min(int(place[1] or len(lines)), len(lines))
    key, equals, _ = lines[last - 1].partition("=")
    if not equals:
        return f"has {key.strip()[:60]} twice, again in line {last}: keep one, with the settings below both."
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
    relative = {key: file for key, file in files(experiment).items() if not Path(file).is_absolute()}
    folder = path.parent.resolve()
    found = replace(experiment, {key: str((folder / file).resolve()) for key, file in relative.items()})
    if not is_remote_or_device(str(folder)):  # by a link or by ../..
        _check_places(found)
    return found


def with_relative_paths(experiment: Experiment, folder: Path) -> Experiment:
    """The experiment with the paths of its files relative to `folder` if they lie in it, so that the folder can be moved."""
    folder, paths = folder.resolve(), {key: Path(file) for key, file in files(experiment).items()}
    inside = {key: path for key, path in paths.items() if path.is_absolute() and path.is_relative_to(folder)}
    # Every system reads this form.
    return replace(experiment, {key: path.relative_to(folder).as_posix() for key, path in inside.items()})


def files(experiment: Experiment) -> dict[str, str]:
    """The files and folders that an experiment reads, by their settings."""
    found = dict(zip(FILES, (experiment.data.file, experiment.noise.file), strict=True))
    return {key: file for key, file in found.items() if file}


def load_as(kind: type[Described], path: Path) -> Described:
    """Read settings of one kind from a TOML file.

    Raises:
        ExperimentError: the file cannot be read or does not hold such settings.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:  # editors on Windows begin with a byte-order mark
            return parse_as(kind, file.read(MOST_CHARACTERS + 1), path.name)
    except OSError as error:
        raise ExperimentError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ExperimentError(f"{path} is not a text file: experiments are TOML in UTF-8.") from None


def dump(described: msgspec.Struct) -> str:
    """Write all settings as TOML; :func:`parse_as` gives back equal ones."""
    return tomli_w.dumps(msgspec.to_builtins(described))


def save(described: msgspec.Struct, path: str | os.PathLike[str], provenance: object = "") -> None:
    """Write TOML atomically: the old file stays until the new one is complete.

    Args:
        provenance: see :class:`playground.lab.provenance.Provenance`; it becomes a comment.
    """
    head = f"# provenance = {provenance}\n" if provenance else ""
    write_whole(path, head + dump(described))


def assignment(text: str, kind: type[msgspec.Struct] = Experiment) -> tuple[str, Any]:
    """Read ``section.key=value`` from the command line; the value may leave out TOML's quotes.

    Raises:
        ExperimentError: there is no ``=`` or nothing before it, no kind has such a setting, or a number lacks a digit
            that TOML requires.
    """
    key, equals, raw = text.partition("=")
    if not equals or not key.strip():
        form = "section.key=value, as in noise.sigma_max=8" if _sections(kind()) else "key=value, as in steps=500"
        raise ExperimentError(f"--set takes {form}; {text!r} has no {'name before its =' if equals else '='}.")
    key = key.strip()
    known = every_field(kind)
    field = known.get(SEEDS[0] if key == SEED and kind is Experiment else key)
    if field is None:
        raise ExperimentError(_unknown(key, kind()))
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


def _sections(described: msgspec.Struct) -> dict[str, msgspec.Struct]:
    """The parts of the settings that are structs of settings themselves, by name."""
    parts = {name: getattr(described, name) for name in described.__struct_fields__}
    return {name: part for name, part in parts.items() if isinstance(part, msgspec.Struct)}


def _refuse_key(key: str, described: msgspec.Struct) -> NoReturn:
    kinds = owners(key) if isinstance(described, Experiment) else ()
    if not kinds:
        raise ExperimentError(_unknown(key, described))
    section = key.partition(".")[0]
    raise ExperimentError(
        Message(
            "setting-of-another-kind",
            "{} is a setting of {}, and this is {}: choose that, or leave it out.",
            (
                setting(key),
                setting(f"{section}.kind", *kinds),
                setting(f"{section}.kind", value(described, f"{section}.kind")),
            ),
            key,
        )
    )


def _unknown(key: str, described: msgspec.Struct) -> Message:
    seed = [SEED] if isinstance(described, Experiment) else []
    known = [*every_field(type(described)), *seed]
    near = _near(key, [*fields(described), *seed]) or difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    near = near or [other for other in known if other.split(".")[-1] == key.split(".")[-1]]
    sections = _sections(described)
    if near:
        return Message(
            "unknown-setting",
            "{} is not a setting; did you mean {}?",
            (key, seed[0] if near[0] in seed else setting(near[0])),
        )
    there = f"the sections are {', '.join(sections)}" if sections else f"the settings are {', '.join(known)}"
    return Message("unknown-setting", "{} is not a setting; {}.", (key, there))


def _near(key: str, known: Iterable[str]) -> list[str]:
    """The settings of which a key is a slip of one letter or two; first those of its length, for a slip seldom leaves a letter out."""
    near = difflib.get_close_matches(key, known, n=3, cutoff=0.9)
    return sorted(near, key=lambda name: len(name) != len(key))


def _leaves(tree: Mapping[str, Any], described: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    sections = _sections(described)
    for name, branch in tree.items():
        if name in sections:
            if not isinstance(branch, Mapping):
                raise ExperimentError(
                    f"{name} is a section: write [{name}] and its settings below it, not {name} = {branch!r}."
                )
            for inner, leaf in branch.items():
                yield f"{name}.{inner}", leaf
        elif isinstance(branch, Mapping) and sections and name not in fields(described):
            raise ExperimentError(
                f"[{name}] is not a section; {did_you_mean(name, sections, 'sections', shape='[{}]')}"
            )
        else:
            yield name, branch


def _converted(part: Described, changes: Mapping[str, Any], section: str) -> Described:
    """A struct with some of its own settings changed to values that are within their bounds."""
    hints, made = typing.get_type_hints(type(part), include_extras=True), {}
    for name, new in changes.items():
        key = f"{section}.{name}" if section else name
        try:
            made[name] = msgspec.convert(new, hints[name])
        except msgspec.ValidationError as error:
            raise ExperimentError(_wrong_list(key, str(error), own_fields(type(part), section)[key])) from None
    return msgspec.structs.replace(part, **made)


def _wrong_list(key: str, said: str, field: Field) -> Message:
    """A message for an error of msgspec, which checks the elements of lists only."""
    place = re.search(r"`\$([^`]*)`$", said)
    part = re.search(r"(unknown|missing required) field `([^`]*)`", said)
    where = (place[1] if place else "") + (f".{part[2]}" if part else "")
    what = "cannot be used" if part is None else "is not known" if part[1] == "unknown" else "is missing"
    return Message("wrong-list", "{}{} {}: {} must be {}.", (setting(key), where, what, setting(key), field.bound), key)


def _check(field: Field, given: Any) -> None:
    """Refuse a value outside its field's type and bounds, naming key, value, bound and the nearest allowed name."""
    if field.auto and given == "auto":
        return
    if field.kind == "choice":
        if given not in field.choices:
            begun = [choice for choice in field.choices if given and choice.startswith(str(given))]
            near = begun or difflib.get_close_matches(str(given), field.choices, n=1)
            raise ExperimentError(_not_allowed(field, given, *near[:1]))
    elif field.kind in ("int", "float"):
        right = isinstance(given, int) or (_is_whole(given) if field.kind == "int" else isinstance(given, float))
        if isinstance(given, bool) or not right:
            raise ExperimentError(_not_allowed(field, given))
        assert field.minimum is not None
        assert field.maximum is not None
        if not field.minimum <= given <= field.maximum:  # nan is refused too
            raise ExperimentError(_not_allowed(field, given))
    else:
        expected: Any = {"bool": bool, "text": str, "list": list | tuple}[field.kind]
        if not isinstance(given, expected) or (field.kind == "text" and "\0" in given):
            raise ExperimentError(_not_allowed(field, given))


def _is_whole(given: Any) -> bool:
    return isinstance(given, float) and given.is_integer()


def _not_allowed(field: Field, given: Any, near: str = "") -> Message:
    """Say that a setting cannot have a value.

    Args:
        near: a similar choice that may have been meant.
    """
    code, text = "not-allowed", "{} = {} is not allowed: it must be {}" + ("; did you mean {}?" if near else ".")
    if field.key.endswith(".kind"):  # a plug-in may add it, but no file loads one
        code, text = "unknown-kind", f"{text} If a plug-in adds it, load that first."
    values = (setting(field.key), _shown(given), field.bound)
    if not near:
        return Message(code, text, values, field.key)
    return Message(code, text, (*values, near), field.key, (Edit("Use it", {field.key: near}),))


def _shown(given: Any) -> str:
    """The text of a given value: a number with its digits, anything else with at most 60 characters."""
    if is_number(given):
        return digits(given)
    shown = f'"{given}"' if isinstance(given, str) else str(given).lower() if isinstance(given, bool) else str(given)
    return shown if len(shown) <= 60 else shown[:57] + "..."


@functools.singledispatch
def check_together(described: msgspec.Struct) -> None:
    """Refuse settings that are allowed one by one but contradict each other. Each type registers its own check.

    Raises:
        ExperimentError: they contradict each other.
    """


@check_together.register
def _(experiment: Experiment) -> None:
    for section in (experiment.data, experiment.noise):
        for message in section.errors():
            raise ExperimentError(message)
